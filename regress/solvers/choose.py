"""Which solver, over rows or moments, in exact arithmetic or float64: all of the choice, and what cannot be combined.

Exact arithmetic is the default where reading takes longer: for text of few columns, and for small tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from regress.aggregates.collect import TrainingData, exact_fits, square_fits
from regress.aggregates.limits import Limits
from regress.errors import InputError, check_number
from regress.messages import setting
from regress.objective.huber import Huber
from regress.objective.losses import Loss, SquaredError
from regress.objective.penalties import Penalty, Ridge
from regress.options import BATCH_SOLVERS, Over, Precision, TrainOptions
from regress.solvers.accuracy import Accuracy
from regress.solvers.batch_options import check_batches
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.steps import Accelerated, ConjugateGradient, GradientDescent, Newton, Solver
from regress.sources.base import Source

FILES = Limits(cells=12_000_000, products=200_000_000, wide_rows=200)  # about a tenth of a second
TEXT = FILES._replace(columns=40)  # parsing takes longer than exact sums of so few columns
ARRAYS = Limits(cells=1_200_000, products=20_000_000, wide_rows=200)  # for arrays in memory: a tenth of that

_ROUGH_COLUMNS, _ROUGH_ROWS = 256, 8  # columns, and rows a column, from which products in single precision pay
_HELD = 2**28  # bytes of files of which mini-batches hold the rows unasked
_PATIENCE = 2_000_000_000  # rows · columns² that exact sums take in a few seconds
_NEVER, _POLISH = 1e-300, 4  # a gradient that small never comes; after a few steps only rounding moves

_BY_NAME: dict[str, type[Solver]] = {"cg": ConjugateGradient, "newton": Newton}
_WITH_RATE: dict[str, type[GradientDescent]] = {"gd": GradientDescent, "accelerated": Accelerated}


class Reading(NamedTuple):
    """How rows are collected (see `collect_rows`), whether blocks are indexed, and whether moments suffice."""

    over: Over
    precision: Precision
    indexed: bool
    quadratic: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is minimized, and how.

    Attributes
    ----------
    loss, penalty : Loss, Penalty
        What is minimized.
    solver : Solver
        What runs, where the minimum is not taken directly.
    over : {"rows", "moments", "blocks"}
        What the gradient is computed from.
    from_moments : bool
        Whether the loss and its gradient over all rows are computed from moments.
    direct : bool
        Whether the minimum is taken exactly, without a descent, where sums are exact.
    """

    loss: Loss
    penalty: Penalty
    solver: Solver
    over: Over
    from_moments: bool
    direct: bool


def objective_of(options: TrainOptions) -> tuple[Loss, Penalty]:
    """Return the loss and the penalty that options name; Huber's loss may have no scale yet.

    Raises
    ------
    InputError
        If an object is neither, or a penalty is given twice.
    """
    named = {"squared_error": SquaredError(), "huber": Huber(options.epsilon, options.huber_scale)}
    loss = named[options.loss] if isinstance(options.loss, str) else options.loss
    penalty = Ridge(options.alpha) if options.penalty is None else options.penalty
    for name, given, kind in (("loss", loss, Loss), ("penalty", penalty, Penalty)):
        if not isinstance(given, kind):
            also = "squared_error, huber or " if kind is Loss else ""
            raise InputError(
                f"{setting(name)} must be {also}an object of a subclass of regress.{kind.__name__}; got {given!r}."
            )
    if options.alpha and options.penalty is not None:
        raise InputError(f"{setting('alpha')} and {setting('penalty')} are both given. Remove one of them.")
    return loss, penalty


def batched(options: TrainOptions) -> bool:
    """Tell whether the solver takes a few rows an update."""
    outside = isinstance(options.solver, Solver) and "batches" in options.solver.needs
    return options.solver in BATCH_SOLVERS or options.optimizer is not None or outside


def reading(options: TrainOptions, source: Source | None = None, steps: str = "") -> Reading:
    """Return how rows are to be collected for some options, from a source or from arrays.

    `steps` is an option that needs a descent, if one is given.

    Raises
    ------
    InputError
        If the options contradict each other.
    """
    loss, _ = objective_of(options)
    least_squares = loss.quadratic and options.penalty is None
    if not isinstance(options.solver, str | Solver):
        raise InputError(
            f"{setting('solver')} must be a name or an object of a subclass of regress.Solver; got {options.solver!r}."
        )
    if not loss.quadratic and options.over == "moments":
        raise InputError(
            f"{setting('over', 'moments')} needs the squared error: moments hold no other loss. Use "
            f"{setting('over', 'rows')}."
        )
    if not least_squares and options.collinear != "min-norm":
        raise InputError(f"{setting('collinear', options.collinear)} needs the squared error and {setting('alpha')}.")
    in_batches = batched(options)
    check_batches(options, loss, in_batches)
    if steps and options.solver == "auto" and not _floating(options):
        raise InputError(
            f"{setting(steps)} needs a descent, but the default solution takes no steps. Name a solver, such as "
            f"{setting('solver', 'accelerated')}."
        )
    if options.precision == "exact" and (reason := _floating(options, bool(steps))):
        raise InputError(
            f"{setting('precision', 'exact')} is not possible: {reason}. Use {setting('precision', 'auto')}."
        )
    precision: Precision = options.precision if least_squares else "float64"
    if in_batches:
        indexed = options.over == "blocks" or (options.over == "auto" and source is not None and _is_large(source))
        if indexed and isinstance(loss, Huber):
            raise InputError(
                f"{setting('loss', 'huber')} takes its scale from all rows, in memory. Use {setting('over', 'rows')}."
            )
        return Reading("moments" if indexed else "rows", precision, indexed, loss.quadratic)
    return Reading(options.over if loss.quadratic else "rows", precision, False, loss.quadratic)


def limits_of(source: Source) -> Limits:
    """Return up to which sizes a table is summed exactly unasked."""
    if source.unit != "bytes":
        return FILES
    from regress.sources.file_parts import is_text  # an array needs no file

    return TEXT if is_text(source) else FILES


def _is_large(source: Source) -> bool:
    """Tell whether files are too large to hold their rows."""
    if source.unit != "bytes":
        return False
    from regress.sources.file_parts import measured  # an array needs no file

    return measured(source) > _HELD


def _floating(options: TrainOptions, descends: bool = False) -> str:
    """Say why a descent in float64 is what was asked for; "" if the minimum may be taken exactly."""
    if descends:
        return "training that is watched, stopped or saved is a descent in float64"
    if options.solver not in ("auto", "newton"):
        return f"{options.solver} descends in float64"
    if options.gradient == "autodiff":
        return "autodiff descends in float64"
    if options.over == "rows":
        return "the gradient over rows is in float64"
    loss, penalty = objective_of(options)
    if not loss.quadratic:
        return f"the loss {loss} is minimized in float64"
    if options.penalty is not None:
        return f"the penalty {type(penalty).__name__} is minimized in float64"
    return ""


def plan(options: TrainOptions, data: TrainingData, *, descends: bool = False) -> Plan:
    """Return what is minimized, and how, on some data; `descends` asks for a descent.

    Raises
    ------
    InputError
        If what was asked for cannot be combined; the message names the remedy.
    """
    reading(options)
    loss, penalty = objective_of(options)
    summary = data.summary
    if loss.rows not in (None, summary.rows):
        raise InputError(f"The loss {loss} is of {loss.rows:,} rows, and there are {summary.rows:,} training rows.")
    check_number(f"{type(loss).__name__}.curvature_bound", getattr(loss, "curvature_bound", None), above=0.0)
    if not loss.separable and summary.weight != summary.rows:
        raise InputError(f"The loss {loss} is not a sum over rows, so it takes no {setting('weights')}.")
    quadratic = loss.quadratic and penalty.quadratic
    over, in_batches = options.over, batched(options)
    if in_batches:
        over = "blocks" if data.rows is None else "rows"
    elif over == "auto":
        over = "rows" if data.moments is None or data.rough or not loss.quadratic else "moments"
    from_moments = over == "moments" or (in_batches and data.moments is not None and loss.quadratic)
    solver, finite = options.solver, isinstance(loss, Huber) and penalty.quadratic and data.moments is not None
    if options.optimizer is not None:
        from regress.solvers.keras_steps import KerasSteps

        solver = KerasSteps(options.optimizer, options.fit_intercept)
    elif solver == "auto":
        inverse = data.moments is not None or (type(penalty) is Ridge and square_fits(summary.rows))
        solver = "accelerated" if not (quadratic or finite) else "newton" if finite or inverse else "cg"
    if solver == "newton" and isinstance(loss, Huber):
        from regress.solvers.huber import HuberNewton

        solver = HuberNewton()
    elif isinstance(solver, str):
        solver = _named(solver, options)
    offered = {"gradient", "batches", *quadratic * ("hessian", "hessian_along"), *finite * ("active_set",)}
    if missing := sorted(solver.needs - offered):
        known = {"hessian": "the squared error", "hessian_along": "the squared error", "active_set": "Huber's loss"}
        first, more = missing[0], " and more rows than columns" * (missing[0] == "active_set")
        which = f"only {known[first]} with a quadratic penalty{more}" if first in known else "no objective here"
        raise InputError(
            f"{setting('solver', str(solver))} needs {' and '.join(missing)}, which {which} has. Use "
            f"{setting('solver', 'accelerated')}."
        )
    return Plan(loss, penalty, solver, over, from_moments, not _floating(options, descends))


def _named(name: str, options: TrainOptions) -> Solver:
    """Return a solver by its name."""
    if name in _BY_NAME:
        return _BY_NAME[name]()
    rate, schedule = options.learning_rate, options.schedule
    if name in BATCH_SOLVERS:
        from regress.solvers.batch_steps import Adam, AveragedSgd, Sgd

        if name == "adam":
            return Adam(rate, schedule)
        kind = Sgd if name == "sgd" else AveragedSgd
        return kind(rate, schedule, options.momentum, options.nesterov)
    assert not callable(rate)  # `reading` refused it
    return _WITH_RATE[name](rate)


def rough_pays(options: TrainOptions, rows: int, n: int) -> bool:
    """Tell whether rows in memory are worth a curvature in single precision: nothing but defaults speaks for that."""
    if n < _ROUGH_COLUMNS or rows < _ROUGH_ROWS * n or not square_fits(n) or options.precision == "exact":
        return False
    free = replace(options, alpha=0.0, tol=1e-10, max_iter=None, precision="auto")
    return free == TrainOptions()


def better_exact(options: TrainOptions, data: TrainingData, accuracy: Accuracy) -> bool:
    """Tell whether to collect again in exact arithmetic: float64 leaves few digits, and exact totals are possible."""
    return _exact_able(options, data, accuracy) and not accuracy.enough


def _exact_able(options: TrainOptions, data: TrainingData, accuracy: Accuracy) -> bool:
    """Tell whether exact totals are possible: not too many columns, and no descent was requested."""
    n, rows = len(data.summary.center), data.summary.rows
    able = not _floating(options) and data.totals is None and rows > n and exact_fits(n)
    return able and (n <= MOST_COLUMNS or accuracy.rank == n)


def read_again(
    options: TrainOptions,
    data: TrainingData,
    of_float64: Callable[[], Accuracy],
    descends: bool = False,
    *,
    exact_since: str = "by default",
) -> tuple[str, bool]:
    """Return why the arithmetic is exact or float64, and whether to read the table again in exact arithmetic."""
    if options.precision != "auto":
        return "as requested", False
    if reason := _floating(options, descends):
        return reason, False
    if data.exact or data.moments is None:
        return exact_since if data.exact else "no more rows than columns", False
    accuracy = of_float64()
    digits = f"{accuracy.expected_digits:.0f} digits"
    if better_exact(options, data, accuracy):
        return f"float64 would leave {digits if accuracy.rank_sure else 'the rank unknown'}", True
    if _exact_able(options, data, accuracy) and accuracy.residuals_lost:
        return "float64 would lose the residuals", True
    return f"leaving {digits}" if accuracy.enough else "too many columns", False


def reference(rows: int, n: int, fit_intercept: bool) -> TrainOptions:
    """Return the options of the fit with which others are compared: exact arithmetic, each coefficient rounded once.

    Where that takes too long: Newton steps over rows in float64, until only rounding remains.
    """
    tall = n < rows or n <= MOST_COLUMNS  # few columns are decided one by one, as a certificate does
    if rows <= _PATIENCE // n**2 and (tall or rows <= MOST_COLUMNS):
        return TrainOptions(fit_intercept=fit_intercept, precision="exact", over="moments" if tall else "auto")
    over = TrainOptions(fit_intercept=fit_intercept, solver="newton", over="rows", precision="float64")
    return replace(over, tol=_NEVER, max_iter=_POLISH)
