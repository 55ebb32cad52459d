"""Several models in one table, as papers show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regress.api.load import load
from regress.api.result import Fit
from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.messages import setting
from regress.report import model_table_formats as formats
from regress.report.model_table import Choice, Sheet, sheet


@dataclass(frozen=True, eq=False, repr=False)
class ModelTable:
    """Models side by side: a row for each coefficient, below it its standard error, then rows, R² and more.

    Attributes
    ----------
    names : tuple of str
        What the models are called in the head of the table.
    records : tuple of FitRecord
        What is known of the models.
    """

    names: tuple[str, ...]
    records: tuple[FitRecord, ...]
    _choice: Choice

    def __repr__(self) -> str:
        return f"ModelTable({len(self.names)} model{'s' * (len(self.names) != 1)})"

    def __str__(self) -> str:
        return formats.text(self._sheet)

    def _repr_html_(self) -> str:
        return self.to_html()

    @property
    def _sheet(self) -> Sheet:
        return sheet(self.records, self.names, self._choice)

    def to_markdown(self) -> str:
        """Return the table as Markdown with pipes, as GitHub and Pandoc read it."""
        return formats.markdown(self._sheet)

    def to_latex(self) -> str:
        """Return the table as a LaTeX `tabular` with the rules of booktabs, and its notes as a paragraph below."""
        return formats.latex(self._sheet)

    def to_html(self) -> str:
        """Return the table as an HTML element, in ASCII, with the rules of printed tables."""
        return formats.html(self._sheet)

    def to_csv(self) -> str:
        """Return the numbers of the table as CSV, with all digits: the rows of `to_frame`, below the targets."""
        return formats.csv_text(self._sheet, formats.values(self.records, self._choice))

    def to_frame(self) -> Any:
        """Return the numbers of the table with all digits, as a pandas DataFrame indexed by name and statistic.

        Figures of a whole model have an empty name. What a model lacks is NaN.
        """
        from regress.sources.frames import to_frame

        rows = formats.values(self.records, self._choice)
        frame = to_frame(rows, ["name", "statistic", *self.names]).set_index(["name", "statistic"])
        return frame.astype(float)


def table(
    *fits: Fit | str | Path, names: Sequence[str] | None = None, intervals: bool = False, stars: bool = False
) -> ModelTable:
    """Put several models side by side in one table, as papers show them.

    Parameters
    ----------
    *fits : Fit, str or Path
        Fits, or files of saved models.
    names : sequence of str, optional
        What the models are called. Default: (1), (2) and so on.
    intervals : bool
        Whether confidence intervals in brackets stand below the coefficients, instead of standard errors.
    stars : bool
        Whether stars mark p-values below 0.05, 0.01 and 0.001.

    Returns
    -------
    ModelTable
        `to_markdown()`, `to_latex()`, `to_html()`, `to_csv()`, `to_frame()`; `print` shows it as text.

    Raises
    ------
    InputError
        If there is no model, or the names are not one for each.

    Examples
    --------
    >>> import regress
    >>> rows = {"x": [1.0, 2.0, 3.0, 4.0], "z": [1.0, 0.0, 2.0, 1.0], "y": [3.0, 5.0, 7.5, 8.0]}
    >>> table = regress.table(regress.fit(rows, "y ~ x"), regress.fit(rows, "y ~ x + z"))
    >>> print(table)
                              (1)       (2)
                                y         y
    (intercept)           1.500     1.292
                         (0.810)   (0.960)
    x                     1.750     1.667
                         (0.296)   (0.354)
    z                               0.417
                                   (0.559)
    <BLANKLINE>
    Rows                  4         4
    R²                    0.9459    0.9653
    Adjusted R²           0.9189    0.8958
    Residual std. error   0.6614    0.7500
    <BLANKLINE>
    In parentheses: classical (nonrobust) standard errors.
    >>> table.to_frame().loc[("x", "coef"), "(1)"]
    np.float64(1.75)
    """
    if not fits:
        raise InputError("table takes at least one fit.")
    loaded = [_fit(fit) for fit in fits]
    called = [f"({k})" for k in range(1, len(fits) + 1)] if names is None else _checked(names, len(fits))
    return ModelTable(tuple(called), tuple(fit.record for fit in loaded), Choice(intervals, stars))


def _fit(given: object) -> Fit:
    if isinstance(given, str | Path):
        return load(given)
    if not isinstance(given, Fit):
        raise InputError(f"table takes fits or files of models; got an object of type {type(given).__name__}.")
    return given


def _checked(names: Sequence[str], count: int) -> list[str]:
    """Return the names of the models, if there is another one for each."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{setting('names')} takes a list of texts, one for each model; got {names!r}.")
    if len(names) != count:
        raise InputError(f"{setting('names')} takes one name for each model. Models: {count}; names: {len(names)}.")
    if doubled := [name for name in names if list(names).count(name) > 1]:
        raise InputError(f"The models need different names; {doubled[0]!r} occurs twice.")
    return list(names)
