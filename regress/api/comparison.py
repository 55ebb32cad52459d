"""What a comparison found: the fits of the tools, the verdict, and both as a table and as JSON."""

from dataclasses import dataclass
from typing import Any

from regress.api.verdict import FittedRow
from regress.messages import paragraph, shortened, visible
from regress.numerics.atomic_write import strict
from regress.records import ComparisonRecord
from regress.report.text import comparison_html, comparison_lines
from regress.solvers.status import Status

FIGURES = ("digits", "intercept_digits", "moved", "excess_loss", "loss", "gradient_norm", "seconds", "n_iter", "rank")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Comparison:
    """Fits of the same rows by several tools.

    Attributes
    ----------
    fits : list of FittedRow
        The fits of this package first, then scikit-learn's, then those of added estimators. All are measured against
        the exact minimum; where that takes too long, against Newton steps over rows, polished. Each has `metrics`, a
        value by metric on held-out rows, and `cv`, with `mean`, `sd` and `values` by metric over folds.
    names : tuple of str
        The columns of X.
    agree : bool
        Whether ``LinearRegression()`` has at least the required digits, or its error changes no fitted value by more
        than 1e-6 of the spread of y. The spread is the smaller of sd(y) and IQR(y)/1.349; sd(y) where the IQR is 0.
        With dependent columns, digits are counted to the nearest minimizer. With more columns than rows the loss
        decides: it must be within 1e-9 Σ(y − ȳ)² of the minimum. The other tools decide nothing.
    disagree : tuple of str
        The tools that do not agree; estimators that the user added are not judged.
    metrics : tuple of str
        Metrics on rows that were not trained on; empty without such rows.
    folds : str
        The folds of the cross-validation, in words; empty without one.
    verdict : list of str
        Which tools disagree, by how much and, where known, why.
    rows, read_as : str
        The account of the rows, and the format of the files.
    source, target : str
        The table, and the column predicted.
    digits_asked, fit_intercept : float, bool
        Digits that count as agreement, and whether b is fitted.

    Examples
    --------
    >>> import regress
    >>> comparison = regress.compare("data/income_rate.csv", "spend")
    >>> comparison.agree, comparison.metrics
    (False, ('r2', 'rmse', 'mae', 'mape', 'max_error'))
    >>> comparison.table.loc[["regress", "LinearRegression()"], "r2"].round(2).tolist()
    [1.0, 0.71]
    """

    fits: list[FittedRow]
    names: tuple[str, ...]
    agree: bool
    verdict: list[str]
    rows: str
    read_as: str
    disagree: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    folds: str = ""
    source: str = ""
    target: str = ""
    digits_asked: float = 6.0
    fit_intercept: bool = True

    @property
    def converged(self) -> bool:
        """Whether the fit of this package converged; otherwise its note reports it."""
        return not any(status.message in self.fits[0].note for status in Status if status.remedy)

    @property
    def table(self) -> Any:
        """The comparison as a pandas DataFrame, a row a tool: its figures, and each metric by its name.

        With a cross-validation, a metric has two columns, such as ``r2`` for its mean and ``r2_sd`` for its standard
        deviation over the folds.
        """
        from regress.sources.frames import to_frame

        spreads = [f"{name}_sd" for name in self.metrics] if self.folds else []
        columns = ["name", *FIGURES, *self.metrics, *spreads, "note"]
        rows = []
        for fit in self.fits:
            values = [fit.metric(name) for name in self.metrics] + [fit.cv[name].sd for name in self.metrics if spreads]
            rows.append([fit.name, *(getattr(fit, figure) for figure in FIGURES), *values, fit.note])
        return to_frame(rows, columns, index="name")

    @property
    def record(self) -> ComparisonRecord:
        """What is shown of it, as plain values."""
        return ComparisonRecord(
            source=self.source,
            read_as=self.read_as,
            target=self.target,
            rows=self.rows,
            names=self.names,
            fit_intercept=self.fit_intercept,
            digits_asked=self.digits_asked,
            metrics=self.metrics,
            folds=self.folds,
            agree=self.agree,
            disagree=self.disagree,
            verdict=tuple(self.verdict),
            fits=tuple(fit.record for fit in self.fits),
        )

    def __repr__(self) -> str:
        agrees = "agrees" if self.agree else "does not agree"
        target = shortened(visible(self.target), 60)
        return f"Comparison({target}: {len(self.fits)} fits, LinearRegression() {agrees})"

    def __str__(self) -> str:
        return paragraph(comparison_lines(self.record))

    def _repr_html_(self) -> str:
        return comparison_html(self.record)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values: what ``regress compare --json`` prints.

        Examples
        --------
        >>> import regress
        >>> known = regress.compare("data/income_rate.csv", "spend").to_dict()
        >>> known["agree"], known["columns"], known["rows"]
        (False, ['income', 'rate'], '1,000 rows = 792 used + 208 held out')
        """
        known = self.record
        fits = [
            {
                "name": fit.name,
                "coef": None if fit.coef is None else dict(zip(self.names, fit.coef, strict=True)),
                "intercept": fit.intercept,
                "asked": fit.asked,
                "note": fit.note,
                **{figure: getattr(fit, figure) for figure in FIGURES},
                "metrics": fit.metrics,
                "cv": {name: score._asdict() for name, score in fit.cv.items()},
            }
            for fit in known.fits
        ]
        held = {"version": 2, "source": known.source, "read_as": known.read_as, "target": known.target}
        held |= {"columns": known.names, "digits_asked": known.digits_asked, "fit_intercept": known.fit_intercept}
        held |= {"metrics": known.metrics, "folds": known.folds}
        return dict(strict({**held, "rows": known.rows, "fits": fits, "agree": known.agree, "verdict": known.verdict}))
