"""What is known of a fit, as plain values: what `Fit` holds, its file stores, and texts, charts and pages show.

Every number is finite: what is missing, infinite or undefined is None. A record lists no row of the data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import copysign, inf, nan
from typing import Annotated, Literal, NamedTuple

from regress.options import BATCH_SOLVERS, Collinear, Gradient, Missing, Over, Precision, Schedule, WeightType
from regress.records import (
    HUBER_ERRORS,
    Bound,
    Count,
    Name,
    Norm,
    NotNegative,
    Positive,
    Some,
    Squared,
    objective_text,
)
from regress.term_records import ResidualGroups, Retransform, Terms

_Stopped = Literal["epochs", "early_stopping", "max_seconds", "callback", "callback_error"]
StatusWord = Literal["converged", "max_iter", "diverged", "non_finite", "interrupted", _Stopped]
CoefficientStatus = Literal["estimated", "constant", "dependent", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAccount:
    """Where every row went: rows = used + held_out + missing + zero_weight + bad; and missing cells by column."""

    rows: Count
    used: Count
    held_out: Count
    missing: Count
    zero_weight: Count
    bad: Count
    missing_cells: Mapping[Name, Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a model was trained: the options of `fit` that decide what its coefficients are.

    A loss, penalty or solver that was given as an object is stored by its name; no penalty is an empty text.
    """

    fit_intercept: bool
    alpha: NotNegative
    collinear: Collinear
    loss: str
    epsilon: Annotated[float, Bound(at_least=1)]
    huber_scale: Positive | None
    penalty: str
    solver: str
    gradient: Gradient
    over: Over
    standardize: bool
    learning_rate: Literal["auto", "function"] | Positive
    max_iter: Some | None
    batch_size: Some
    epochs: Some
    schedule: Schedule
    momentum: NotNegative
    nesterov: bool
    shuffle: bool
    shuffle_rows: Some
    optimizer: str
    tol: Positive
    precision: Precision
    missing: Missing
    as_written: bool
    weights: Name | None
    weighted: bool
    weight_type: WeightType
    test_size: NotNegative
    split_key: Name | None
    random_state: int
    cov_type: str
    level: Annotated[float, Bound(above=0)]

    @property
    def percent(self) -> str:
        """The level of confidence intervals in percent."""
        return f"{100.0 * self.level:.10g} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What was fitted, how, and how that ended: target, options, training rows, loss at (w, b), status, versions."""

    target: Name
    retransform: Retransform | None = None
    options: FitOptions
    n_rows: Some
    loss: float | None
    status: StatusWord
    versions: Mapping[Name, str]

    @property
    def objective(self) -> str:
        """What was minimized, as a formula."""
        return objective_text(self.options.weighted, self.options.alpha, self.options.loss, self.options.penalty)


class HistoryRow(NamedTuple):
    """One evaluation of the descent: see `regress.solvers.course.Iteration`."""

    iteration: Count
    epoch: Count
    loss: float | None
    batch_loss: float | None
    val_loss: float | None
    gradient_norm: float | None
    step: float | None
    learning_rate: float | None
    gap: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known of a fit as soon as it has ended: the table, the training, and what the columns are.

    Attributes
    ----------
    source, command, read_as : str
        The table, the command line, if any, and how the table's files are written.
    rows : RowAccount
        Where every row went.
    solver, over, precision, precision_reason : str
        What ran, over rows or moments, and whether sums are exact, and why.
    learning_rate, n_iter, history : float or None, int, tuple of HistoryRow
        The step, the steps taken, and a row an evaluation, at most 1,000, evenly spaced.
    gap, best_epoch, validation_rows : float or None, int or None, int
        After a descent: the loss above its exact minimum; the epoch of the coefficients, where these are the best on
        the validation rows; and the number of these rows.
    rank, nobs : int or None, float
        Independent columns, and training rows or the sum of their frequency weights.
    r2, scored, r2_test : float or None, bool, float or None
        R² on the training rows, whether rows held out were predicted, and R² on them.
    constant, dropped, equations, near_equations, perfect : tuples of str, bool
        What the columns are to each other, see `Fit`; and whether residuals are no more than rounding.
    huber_scale, outliers : float or None, int or None
        With Huber's loss, its scale, and the training rows whose residual is beyond δ = epsilon · scale.
    notes : tuple of str
        What a careful reader should know.
    """

    source: str
    command: str = ""
    read_as: str
    rows: RowAccount
    solver: str
    over: str
    precision: Literal["exact", "float64"]
    precision_reason: str
    learning_rate: Positive | None
    n_iter: Count
    history: tuple[HistoryRow, ...]
    gap: NotNegative | None
    best_epoch: Count | None
    validation_rows: Count
    rank: Count | None
    nobs: Positive
    r2: float | None
    scored: bool
    r2_test: float | None
    constant: tuple[Name, ...]
    dropped: tuple[Name, ...]
    equations: tuple[str, ...]
    near_equations: tuple[str, ...]
    perfect: bool
    huber_scale: Positive | None = None
    outliers: Count | None = None
    notes: tuple[str, ...] = ()

    @property
    def tested_on(self) -> str:
        """What rows that are not trained on are called: those of the table are held out, others are given."""
        return "held-out" if self.rows.held_out else "validation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One line of the table of coefficients; the intercept, if any, is the first and belongs to no column."""

    name: Name
    column: Name | None
    level: Name | None
    coef: float
    std_err: NotNegative | None = None
    t: float | None = None
    p_value: NotNegative | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    standardized: float | None = None
    vif: float | None = None
    digits: float | None = None
    status: CoefficientStatus

    @property
    def tests(self) -> tuple[float, ...]:
        """`TESTS`, NaN where there is none; t is infinite where the standard error is 0."""
        t = copysign(inf, self.coef) if self.std_err == 0.0 and self.coef else self.t
        return tuple(nan if v is None else v for v in (self.std_err, t, self.p_value, self.ci_low, self.ci_high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well a fit fits in total: see `regress.inference.standard_errors`."""

    cov_type: str
    nobs: Positive
    df_model: Count
    df_resid: Positive
    sigma: float | None
    rss: float | None
    llf: float | None
    aic: float | None
    bic: float | None
    r2: float | None
    r2_adjusted: float | None
    fvalue: float | None
    f_pvalue: float | None
    condition: float | None

    @property
    def df_test(self) -> float:
        """Degrees of freedom of t; infinite where tests are those of the normal distribution."""
        return inf if self.cov_type == HUBER_ERRORS else self.df_resid


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A fit checked in exact arithmetic: digits of the worst coefficient, ‖∇L‖, L above its minimum, the minimum."""

    worst: NotNegative
    passed: bool
    gradient_norm: NotNegative | None
    excess_loss: NotNegative | None
    loss: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainMoments:
    """Moments of the training rows: means, norms about them, and cosines, the upper triangle by rows."""

    rows: Count
    weight: Positive
    mean: tuple[Squared, ...]
    norm: tuple[Norm, ...]
    cosines: tuple[tuple[float, ...], ...]
    target_cosines: tuple[float, ...]
    target_mean: Squared
    target_norm: Norm


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRecord:
    """All that is known of a fit: what its summary, JSON, page and charts show."""

    trained: Trained
    outcome: Outcome
    references: Mapping[Name, Name] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    coefficients: tuple[Coefficient, ...]
    figures: Figures | None
    statistics_missing: str
    certificate: Proof | None
    fingerprint: str
    moments: PlainMoments | None
    residuals: ResidualGroups | None
    residuals_missing: str

    @property
    def columns(self) -> tuple[Coefficient, ...]:
        """The coefficients without the intercept."""
        return self.coefficients[self.trained.options.fit_intercept :]

    @property
    def digits(self) -> list[float] | None:
        """Correct digits of each column, certified or from below; None where they are unknown."""
        return [line.digits for line in self.columns if line.digits is not None] or None

    @property
    def epochs(self) -> int | None:
        """Passes over the rows of a descent that took a few rows an update; None for others."""
        options, rows = self.trained.options, self.outcome.history
        batched = options.solver in BATCH_SOLVERS or options.optimizer or any(r.epoch != r.iteration for r in rows)
        return rows[-1].epoch if rows and batched else None

    @property
    def arrived(self) -> bool:
        """Whether the coefficients are at the minimum, as far as is known."""
        return self.trained.status == "converged" if self.certificate is None else self.certificate.passed
