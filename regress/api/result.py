"""The result of a fit: coefficients, what is known about them, and what a careful reader should know."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from regress.api.model import LinearModel, described
from regress.api.model_file import written
from regress.api.model_names import ModelNames
from regress.api.outcome_names import OutcomeNames
from regress.api.record import Inference
from regress.api.record_json import fit_json
from regress.api.relevel import Releveling
from regress.api.statsmodels_names import StatsmodelsNames
from regress.blocks import Array
from regress.errors import InputError
from regress.fit_record import Figures, FitRecord, Outcome, Proof
from regress.numerics.atomic_write import write_text
from regress.records import COLUMNS, number
from regress.report.summary import fit_html, summary


@dataclass(frozen=True, eq=False, repr=False)
class Fit(ModelNames, OutcomeNames, StatsmodelsNames, Releveling):
    """The result of a fit: coefficients, statistics, and how they were computed. A saved fit shows the same.

    It also has statsmodels' names: `params`, `bse`, `tvalues`, `pvalues`, `conf_int(alpha)`, `cov_params()`,
    `rsquared`, `rsquared_adj`, `aic`, `bic`, `llf`, `nobs`, `df_model`, `df_resid`, `fvalue`, `f_pvalue`, `vif`. There
    the intercept comes first, as "(intercept)". p-values are those of t, also with HC0 and HC1; statsmodels takes them
    from the normal distribution there, unless it is given ``use_t=True``.

    Attributes
    ----------
    w, b, names : array of shape (n,), float, tuple of str
        Coefficients in the user's units, the intercept (0.0 without one), and their names.
    coefficients : DataFrame
        Coefficients by name: coef, std_err, t, p_value, ci_low, ci_high, and standardized = coef·sd(x)/sd(y).
    terms : DataFrame
        F tests by term, which may have several columns: df, F, p_value.
    statistics, statistics_missing : Figures or None, str
        Figures of the fit, such as sigma, aic and fvalue; or why there are no standard errors.
    model, record : LinearModel, FitRecord
        The model that predicts, and all results as plain values. Both are saved.
    target, source, read_as, command, options : str, str, str, str, mapping
        The column predicted, the table, how its files are written, the command line, if any, and how it was trained.
    loss : float
        Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum.
    r2, r2_test : float, float or None
        R² on the training rows and on the held-out rows, the latter about their mean. On the training rows it is
        1 − Σ a e²/Σ a (y − ȳ)², or 1 − Σ a e²/Σ a y² (uncentered) without intercept.
    retransform, r2_original, r2_test_original : Retransform or None, float or None, float or None
        Of a target such as log(y), how predictions get the units of y, and R² in these units, about the mean. It is of
        a sample of the training rows, and of held-out rows where these are kept. `r2` is that of log(y).
    status, n_iter : Status, int
        How training ended, and the number of its steps: 0 for direct solutions.
    history : DataFrame
        One row per evaluation: after every step, or after every epoch of mini-batches. Of more than 1,000 evaluations
        1,000 are kept, evenly spaced. Unknown values are NaN. If the loss needs a pass over the rows, batch_loss is
        the sum over the epoch's batches. val_loss is on held-out rows, and gap is the loss
        above its exact minimum. The other columns are iteration, epoch, loss, gradient_norm, step, learning_rate and
        seconds.
    solver, over, learning_rate : str, str, float or None
        The solver; whether its gradient came from rows or moments; and its step on ∇L/Σa, if it has one.
    precision, precision_reason : str
        Whether sums are exact or in float64, and why.
    rank, rank_known : int or None, bool
        Independent columns; None where float64 cannot tell.
    certificate : Proof or None
        Correct digits of the worst coefficient, from exact totals; None where sums are in float64.
    digits, intercept_digits, digits_at_least : dict or None, float or None, dict or None
        Correct digits by column, and of the intercept, certified by exact totals; and the same or, where sums are in
        float64, an estimate from below.
    standardized : array of shape (n,)
        w·sd(x)/sd(y): the change in y for one standard deviation of a column, in standard deviations of y.
    reference_levels : dict
        The reference level of each text column.
    constant, dropped, equations, near_equations : tuples of str
        Columns that are constant in the training rows; dependent columns that are excluded; equations that dependent
        columns obey; and equations that columns obey except for rounding.
    perfect : bool
        Whether the residuals are no more than rounding of the stored numbers.
    huber_scale, outliers : float or None, int or None
        With Huber's loss, its scale, and the training rows whose residual is beyond epsilon · scale.
    tally, nobs : RowAccount, float
        The account of the rows; and the number of training rows, or the sum of their frequency weights.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
    >>> fit
    Fit(body_mass_g ~ 3 columns, 342 rows, converged, R² 0.783)
    >>> fit.coefficients[["coef", "std_err"]].round(1)
                         coef  std_err
    name
    (intercept)       -4031.5    584.2
    species=Chinstrap  -206.5     57.7
    species=Gentoo      266.8     95.3
    flipper_length_mm    40.7      3.1
    """

    _bare: LinearModel  # without uncertainty, as long as that is not asked for
    _held: FitRecord | Inference  # what is known, or what that is made of on first use

    def __repr__(self) -> str:
        return f"Fit({described(self._bare)}, R² {self.r2:.3f})"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return fit_html(self.record)

    def __getstate__(self) -> dict[str, Any]:
        return {"_bare": self.model, "_held": self.record}

    @cached_property
    def record(self) -> FitRecord:
        """All that is known of the fit, as plain values."""
        return self._held if isinstance(self._held, FitRecord) else self._held.record

    @cached_property
    def model(self) -> LinearModel:
        """What predicts, with the uncertainty of its predictions."""
        held = self._held
        return self._bare if isinstance(held, FitRecord) else replace(self._bare, uncertainty=held.uncertainty)

    def with_command(self, command: str) -> "Fit":
        """Return the same fit, with the command line that made it.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> regress.fit(table, "y").with_command("regress fit table.csv --target y").command
        'regress fit table.csv --target y'
        """
        outcome = replace(self._held.outcome, command=command)
        return Fit(_bare=self._bare, _held=replace(self._held, outcome=outcome))

    @property
    def _outcome(self) -> Outcome:
        return self._held.outcome

    @property
    def standardized(self) -> Array:
        """w·sd(x)/sd(y) (n,)."""
        return np.array([number(line.standardized) for line in self.record.columns])

    @property
    def certificate(self) -> Proof | None:
        """Correct digits and gradient, from exact totals; None where sums are in float64."""
        return self.record.certificate

    @property
    def digits(self) -> dict[str, float] | None:
        """Correct digits by column, by exact totals; None where sums are in float64 (see `digits_at_least`)."""
        return None if self.certificate is None else self.digits_at_least

    @property
    def intercept_digits(self) -> float | None:
        """Correct digits of the intercept; None where sums are in float64, or none is fitted."""
        has = self.certificate is not None and self._bare.trained.options.fit_intercept
        return self.record.coefficients[0].digits if has else None

    @property
    def digits_at_least(self) -> dict[str, float] | None:
        """A lower estimate of the correct digits; None where the rank is unknown. `regress.certify` certifies them."""
        digits = {line.name: line.digits for line in self.record.columns if line.digits is not None}
        return digits or None

    @property
    def statistics(self) -> Figures | None:
        """Residual standard error, F, AIC, BIC and more; None where `statistics_missing` says why."""
        return self.record.figures

    @property
    def statistics_missing(self) -> str:
        """Why there are no statistics; empty where there are."""
        return self.record.statistics_missing

    @property
    def coefficients(self) -> Any:
        """Coefficients as a pandas DataFrame indexed by name: coef, statistics, standardized = coef·sd(x)/sd(y)."""
        from regress.sources.frames import to_frame

        return to_frame(self.lines(), ["name", *COLUMNS[:-1]], index="name")

    def lines(self) -> list[tuple[Any, ...]]:
        """Return (name, coef, *TESTS, standardized) of the intercept, if any, and of each w; see `regress.records`.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> [line[0] for line in regress.fit(table, "y").lines()]
        ['(intercept)', 'x']
        """
        lines = self.record.coefficients
        return [(line.name, line.coef, *line.tests, number(line.standardized)) for line in lines]

    def save(self, path: str | Path) -> None:
        """Write the fit to a JSON file, which `regress.load` reads. The file is written completely or not at all.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            If a coefficient is not a finite number.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
        >>> fit.save("penguins.json")
        >>> regress.load("penguins.json").summary() == fit.summary()
        True
        """
        model = self.model
        if not np.isfinite([*model.w, *model.center, model.b, model.b_center]).all():
            raise InputError(
                "The coefficients are not finite numbers, so there is no model to save. Rescale the table."
            )
        write_text(path, written(model, self.record))

    def notes(self) -> list[str]:
        """Return the notes on this fit, one text each: its warnings, and other facts that change how it is read.

        Examples
        --------
        >>> import warnings
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "z": [2.0, 4.0, 6.0, 8.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> with warnings.catch_warnings(action="ignore"):  # the same notes are warnings of `fit`
        ...     fit = regress.fit(table, "y")
        >>> [note.partition(". ")[0] for note in fit.notes()]
        ['Columns depend on each other (rank 1 of 2): z = 2·x']
        """
        return list(self._outcome.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain values: what ``regress fit --json`` prints.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
        >>> known = fit.to_dict()
        >>> known["n_rows"], known["reference_levels"], round(known["coef"]["flipper_length_mm"], 1)
        (342, {'species': 'Adelie'}, 40.7)
        """
        return fit_json(self.record)

    def summary(self, vif: bool = False) -> str:
        """Return the fit as text: how well it fits, a table of coefficients, and notes.

        Parameters
        ----------
        vif : bool
            Whether to show variance inflation factors.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> print(regress.fit(table, "y").summary())
        Linear regression of y on 1 column (the frame)
        4 rows
        R² 0.9957, adjusted R² 0.9935
        Residual standard error 0.2025 on 2 degrees of freedom
        F 458.98 on 1 and 2, p 0.0022
        AIC -0.20, BIC -1.43, log-likelihood 2.10
        Condition number 1; nonrobust standard errors, 95 % confidence intervals
        Σ(ŷ − y)² = 0.082
        Solved directly (exact).
        Verified: every coefficient is correct to full double precision.
        <BLANKLINE>
                        coef  std_err      t  p_value   ci_low  ci_high
        (intercept)  -0.850    0.248   -3.43   0.0756  -1.917    0.217
        x             1.9400   0.0906  21.42   0.0022   1.5504   2.3296
        """
        return summary(self.record, vif)
