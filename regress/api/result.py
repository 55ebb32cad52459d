"""The result of a fit: coefficients, what is known about them, and what a careful reader should know."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from regress.api.model import LinearModel, described
from regress.api.model_file import written
from regress.api.outcome_names import OutcomeNames
from regress.api.record import Inference
from regress.api.record_json import fit_json
from regress.api.relevel import Releveling
from regress.api.statsmodels_names import NO_COVARIANCE, StatsmodelsNames
from regress.blocks import Array
from regress.errors import InputError
from regress.fit_record import Figures, FitRecord, Outcome, Proof
from regress.keywords import FileKeywords, takes
from regress.numerics.atomic_write import write_text
from regress.options import FileOptions, HandleUnknown
from regress.records import COLUMNS, number
from regress.report.summary import fit_html, summary
from regress.solvers.status import Status
from regress.term_records import Retransform


@dataclass(frozen=True, eq=False, repr=False)
class Fit(StatsmodelsNames, OutcomeNames, Releveling):
    """A fitted model and everything known about how it came about. Stored and read again, it shows the same.

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
        Figures of the whole fit, such as sigma, aic and fvalue; or why there are no standard errors.
    model, record : LinearModel, FitRecord
        What predicts, and all that is known of the fit, as plain values. Both are saved.
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
        How training ended, and its steps. Exact solutions take none.
    history : DataFrame
        A row an evaluation: after every step, or after every epoch of solvers that take a few rows an update. Of more
        than 1,000 evaluations 1,000 are kept, evenly spaced. What is unknown is NaN. Where the loss needs a pass over
        the rows, batch_loss is the sum over the epoch's batches. val_loss is on held-out rows, and gap is the loss
        above its exact minimum. The other columns are iteration, epoch, loss, gradient_norm, step, learning_rate and
        seconds.
    solver, over, learning_rate : str, str, float or None
        What ran, over rows or moments, and the step on ∇L/Σa of solvers that have one.
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
        Where every row of the table went; training rows, or the sum of their frequency weights.
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
        """Return the same fit, with the command line that made it."""
        outcome = replace(self._held.outcome, command=command)
        return Fit(_bare=self._bare, _held=replace(self._held, outcome=outcome))

    @property
    def w(self) -> Array:
        """Coefficients (n,), in the user's units."""
        return self._bare.w

    @property
    def b(self) -> float:
        """The intercept; 0.0 without one."""
        return self._bare.b

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self._bare.names

    @property
    def target(self) -> str:
        """The column predicted."""
        return self._bare.target

    @property
    def options(self) -> dict[str, Any]:
        """How it was trained."""
        return self._bare.options

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum."""
        return self._bare.loss

    @property
    def retransform(self) -> Retransform | None:
        """How predictions of a transformed target get the units of its column; None of other targets."""
        return self._bare.trained.retransform

    @property
    def r2_original(self) -> float | None:
        """R² of predictions in the units of a transformed target's column, on a sample of the training rows."""
        return None if self.retransform is None else self.retransform.r2_original

    @property
    def r2_test_original(self) -> float | None:
        """R² of predictions in these units on held-out rows; None where they are only summed."""
        return None if self.retransform is None else self.retransform.r2_test_original

    @property
    def reference_levels(self) -> dict[str, str]:
        """The level of each text column with which its others are compared."""
        return self._bare.design.references

    @property
    def status(self) -> Status:
        """How training ended."""
        return Status(self._bare.status)

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
        """Return (name, coef, *TESTS, standardized) of the intercept, if any, and of each w; see `regress.records`."""
        lines = self.record.coefficients
        return [(line.name, line.coef, *line.tests, number(line.standardized)) for line in lines]

    @takes(FileOptions)
    def predict(self, table: Any, *, handle_unknown: HandleUnknown = "error", **files: Unpack[FileKeywords]) -> Array:
        """Return ŷ (m,) for every row of a table; see `LinearModel.predict`."""
        return self._bare.predict(table, handle_unknown=handle_unknown, **files)

    def predict_one(self, row: Mapping[str, Any], *, handle_unknown: HandleUnknown = "error") -> float:
        """Return ŷ of one row, a dict, in microseconds; see `LinearModel.predict_one`."""
        return self._bare.predict_one(row, handle_unknown=handle_unknown)

    @takes(FileOptions)
    def predict_interval(
        self,
        table: Any,
        level: float | None = None,
        *,
        handle_unknown: HandleUnknown = "error",
        **files: Unpack[FileKeywords],
    ) -> Any:
        """Return prediction, pi_low and pi_high of every row, as a DataFrame; see `LinearModel.predict_interval`."""
        if self.model.uncertainty is None:
            raise InputError(f"This fit has no prediction intervals. {self.statistics_missing or NO_COVARIANCE}")
        return self.model.predict_interval(table, level, handle_unknown=handle_unknown, **files)

    def save(self, path: str | Path) -> None:
        """Write model and record as JSON: to a file beside `path` first, which then takes its name."""
        model = self.model
        if not np.isfinite([*model.w, *model.center, model.b, model.b_center]).all():
            raise InputError(
                "The coefficients are not finite numbers, so there is no model to save. Rescale the table."
            )
        write_text(path, written(model, self.record))

    def notes(self) -> list[str]:
        """Return what a careful reader should know about this fit: the warnings, and what is no fault."""
        return list(self._outcome.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return fit_json(self.record)

    def summary(self, vif: bool = False) -> str:
        """Return the fit as text for people: how well it fits, a table of coefficients, notes.

        Parameters
        ----------
        vif : bool
            Whether to show variance inflation factors.
        """
        return summary(self.record, vif)


def bare_model(given: object, function: str, more: str = "") -> LinearModel:
    """Return what predicts, of a fit or as it is given, without uncertainty.

    Raises
    ------
    InputError
        If it is neither; the message names the function that was called, and ends with `more`.
    """
    model = given._bare if isinstance(given, Fit) else given
    if not isinstance(model, LinearModel):
        kind = type(model).__name__
        text = f"{function} takes a Fit or a LinearModel, such as regress.load returns; got {kind}. {more}"
        raise InputError(text.rstrip())
    return model
