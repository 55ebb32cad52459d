"""The result of a fit: coefficients, what is known about them, and what a careful reader should know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from regress.aggregates.account import Tally
from regress.aggregates.moments import Moments
from regress.api.model import LinearModel, described
from regress.api.notes import notes
from regress.api.record import as_dict, record_of
from regress.api.statsmodels_names import StatsmodelsNames
from regress.blocks import Array
from regress.design.row_facts import Facts
from regress.inference.certificate import Certificate, certificate
from regress.inference.measurement_noise import Collinearity
from regress.inference.residuals import Sampled
from regress.inference.standard_errors import Statistics
from regress.keywords import FileKeywords, takes
from regress.messages import visible
from regress.numerics.atomic_write import strict
from regress.options import FileOptions, HandleUnknown
from regress.records import COLUMNS, TESTS
from regress.report.summary import summary
from regress.solvers.loop import Iteration, Status
from regress.solvers.solution import Training

_KEPT = 200  # columns whose covariance goes into a model file


@dataclass(frozen=True, eq=False, repr=False)
class Fit(StatsmodelsNames):
    """A fitted model and everything known about how it came about.

    It also has statsmodels' names: `params`, `bse`, `tvalues`, `pvalues`, `conf_int(alpha)`, `cov_params()`,
    `rsquared`, `rsquared_adj`, `aic`, `bic`, `llf`, `nobs`, `df_model`, `df_resid`, `fvalue`, `f_pvalue`, `vif`. There
    the intercept comes first, as "(intercept)".

    Attributes
    ----------
    w, b, names : array of shape (n,), float, tuple of str
        Coefficients in the user's units, the intercept (0.0 without one), and their names.
    coefficients : DataFrame
        Coefficients by name: coef, std_err, t, p_value, ci_low, ci_high, and standardized = coef·sd(x)/sd(y).
    statistics, statistics_missing : Statistics or None, str
        Standard errors and what follows from them, or why there are none.
    model : LinearModel
        What predicts and is saved.
    target, source, read_as, command, options : str, str, str, str, mapping
        The column predicted, the table, how its files are written, the command line, if any, and how it was trained.
    loss : float
        Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum.
    r2, r2_test : float, float or None
        R² on the training rows, 1 − Σ a e²/Σ a (y − ȳ)², or 1 − Σ a e²/Σ a y² (uncentered) without intercept; and on
        the rows held out, about their mean.
    status, n_iter, history : Status, int, list of Iteration
        How training ended, its steps, and a row an iteration: iteration, loss, gradient_norm, step, seconds.
    solver, over, learning_rate : str, str, float or None
        What ran, over rows or moments, and the step on ∇L/Σa of solvers that have one.
    precision, precision_reason : str
        Whether sums are exact or in float64, and why.
    rank, rank_known, certificate : int or None, bool, Certificate or None
        Independent columns, None where float64 cannot tell; how many digits are right, None without exact totals.
    digits, intercept_digits, digits_at_least : dict or None, float or None, dict or None
        Digits right by column, and of the intercept, certified by exact totals; and the same or, where sums are in
        double, an estimate from below.
    standardized : array of shape (n,)
        w·sd(x)/sd(y): what one standard deviation of a column moves y, in its own.
    reference_levels, perfect : dict, bool
        The level of each text column with which its others are compared, and whether residuals are mere rounding.
    constant, dropped, equations, near_equations : tuples of str
        Columns that are constant in the training rows; dependent columns that are left out; equations that dependent
        columns obey; and equations that columns obey but for rounding.
    tally, facts, collinearity : Tally, Facts, Collinearity
        Where every row of the table went, what the rows themselves tell, and which columns are nearly collinear.
    nobs, moments, sampled : float, Moments or None, Sampled or None
        Training rows, or the sum of their frequency weights; moments and predicted rows that plots need.
    """

    _bare: LinearModel  # without uncertainty and report, which take time
    _training: Training
    tally: Tally
    r2: float
    r2_test: float | None
    standardized: Array
    constant: tuple[str, ...]
    precision_reason: str
    rank_known: bool
    _digits_estimate: Array | None  # digits right, from below, where sums are in float64
    read_as: str
    perfect: bool
    nobs: float
    _infer: Callable[[], Statistics | str]  # makes the statistics on first use, or says why there are none
    collinearity: Collinearity
    source: str
    moments: Moments | None
    sampled: Sampled | None
    facts: Facts
    command: str = ""

    def __repr__(self) -> str:
        return f"Fit({described(self._bare)}, R² {self.r2:.3f})"

    @property
    def w(self) -> Array:
        """Coefficients (n,), in the user's units."""
        return self._bare.w

    @cached_property
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
    def options(self) -> Mapping[str, Any]:
        """How it was trained."""
        return self._bare.options

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum."""
        return self._bare.loss

    @property
    def reference_levels(self) -> dict[str, str]:
        """The level of each text column with which its others are compared."""
        return {t.name: t.reference for t in self._bare.design.terms if t.reference is not None}

    @property
    def status(self) -> Status:
        """How training ended."""
        return self._training.status

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return self._training.n_iter

    @property
    def history(self) -> list[Iteration]:
        """One row an iteration: iteration, loss, gradient_norm, step, seconds."""
        return self._training.history

    @property
    def solver(self) -> str:
        """What ran."""
        return self._training.solver

    @property
    def over(self) -> str:
        """Whether it ran over rows or moments."""
        return self._training.over

    @property
    def learning_rate(self) -> float | None:
        """The step on ∇L/Σa, of solvers that have one."""
        return self._training.learning_rate

    @property
    def precision(self) -> str:
        """Whether sums are exact or in float64."""
        return self._training.precision

    @cached_property
    def certificate(self) -> Certificate | None:
        """How many digits are right, from exact totals; None where sums are in float64."""
        minimum, model = self._training.minimum, self._bare
        if minimum is None or not np.isfinite([*model.w, model.b]).all():
            return None
        return certificate(minimum, self.names, model.w, model.center, model.b_center, model.b)

    @property
    def digits(self) -> dict[str, float] | None:
        """Digits right by column, certified by exact totals; None where sums are in float64: see `digits_at_least`."""
        return None if self.certificate is None else self.certificate.digits

    @property
    def intercept_digits(self) -> float | None:
        """Digits of the intercept that are right; None where sums are in float64, or none is fitted."""
        return None if self.certificate is None else self.certificate.intercept_digits

    @cached_property
    def digits_at_least(self) -> dict[str, float] | None:
        """An estimate of the digits right, from below; None where the rank is unknown. `regress.certify` certifies."""
        if self.certificate is not None:
            return self.certificate.digits
        digits = self._digits_estimate
        return None if digits is None else dict(zip(self.names, digits.tolist(), strict=True))

    @property
    def equations(self) -> tuple[str, ...]:
        """The equations that dependent columns obey, as far as exact totals tell; constant columns apart."""
        minimum = self._training.minimum
        relations = () if minimum is None else minimum.dependence.relations
        return tuple(r.text(self.names) for r in relations if self.names[r.column] not in self.constant)

    @property
    def near_equations(self) -> tuple[str, ...]:
        """The equations that columns obey but for rounding; they are independent all the same."""
        return tuple(r.text(self.names) for r in self.collinearity.relations)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Dependent columns that are left out of the model, with coefficient 0."""
        minimum = self._training.minimum
        left_out = minimum.dependence.relations if minimum is not None and minimum.dependence.drop else ()
        return tuple(self.names[r.column] for r in left_out)

    @property
    def rank(self) -> int | None:
        """Independent columns; None where float64 cannot tell."""
        return self._training.rank if self.rank_known else None

    @cached_property
    def _inferred(self) -> Statistics | str:
        return self._infer()

    @property
    def statistics(self) -> Statistics | None:
        """Standard errors, t, p, intervals, R², F, AIC and BIC; None where `statistics_missing` says why."""
        return None if isinstance(self._inferred, str) else self._inferred

    @property
    def statistics_missing(self) -> str:
        """Why there are no statistics; empty where there are."""
        return self._inferred if isinstance(self._inferred, str) else ""

    @property
    def coefficients(self) -> Any:
        """Coefficients as a pandas DataFrame indexed by name: coef, statistics, standardized = coef·sd(x)/sd(y)."""
        from regress.sources.frames import to_frame

        return to_frame(self.lines(), ["name", *COLUMNS[:-1]], index="name")

    def lines(self) -> list[tuple[Any, ...]]:
        """Return (name, coef, *TESTS, standardized) of the intercept, if any, and of each w; see `regress.records`."""
        rows = list(zip(self.names, self.w.tolist(), self.standardized.tolist(), strict=True))
        rows = [("(intercept)", self.b, nan), *rows] if self.options["fit_intercept"] else rows
        tests = [(nan,) * len(TESTS)] * len(rows) if self.statistics is None else self.statistics.tests()
        return [(name, value, *test, beta) for (name, value, beta), test in zip(rows, tests, strict=True)]

    @cached_property
    def model(self) -> LinearModel:
        """What predicts and is saved, with the uncertainty of its predictions and what a report shows."""
        return replace(self._with_uncertainty, report=strict(record_of(self)))

    @cached_property
    def _with_uncertainty(self) -> LinearModel:
        statistics = self.statistics if len(self.names) <= _KEPT else None
        if statistics is None:
            return self._bare
        uncertainty = statistics.uncertainty
        return replace(self._bare, uncertainty=uncertainty) if uncertainty.proper else self._bare

    @takes(FileOptions)
    def predict(self, table: Any, *, handle_unknown: HandleUnknown = "error", **files: Unpack[FileKeywords]) -> Array:
        """Return ŷ (m,) for every row of a table; see `LinearModel.predict`."""
        return self._bare.predict(table, handle_unknown=handle_unknown, **files)

    def predict_one(self, row: Mapping[str, Any], *, handle_unknown: HandleUnknown = "error") -> float:
        """Return ŷ of one row, a dict, in microseconds; see `LinearModel.predict_one`."""
        return self._bare.predict_one(row, handle_unknown=handle_unknown)

    @takes(FileOptions)
    def predict_interval(
        self, table: Any, level: float = 0.95, *, handle_unknown: HandleUnknown = "error", **files: Unpack[FileKeywords]
    ) -> Any:
        """Return prediction, pi_low and pi_high of every row, as a DataFrame; see `LinearModel.predict_interval`."""
        return self._with_uncertainty.predict_interval(table, level, handle_unknown=handle_unknown, **files)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON."""
        self.model.save(path)

    def notes(self) -> list[str]:
        """Return what a careful reader should know about this fit: the warnings, and what is no fault."""
        return notes(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return as_dict(self)

    def summary(self) -> str:
        """Return the fit as text for people: how it ended, a table of coefficients, how well it fits, what to know."""
        return "\n".join([summary(self), *map(visible, self.notes())])
