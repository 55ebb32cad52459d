"""From gathered rows and options to a trained (w, b): chooses coordinates, objective, curvature and update rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np

from regress.calculus import derived
from regress.calculus.derived import Evaluation
from regress.errors import InputError, LearningRateError
from regress.numerics import twofold
from regress.numerics.twofold import Array
from regress.training.curvature import Curvature, DualCurvature, PrimalCurvature, RowsCurvature
from regress.training.gathering import TrainingData, square_fits
from regress.training.objective import ENGINES, Coordinates, DataTerm, MomentsTerm, Objective, RowsTerm
from regress.training.optimizers import Accelerated, ConjugateGradient, GradientDescent, Newton, Optimizer
from regress.training.options import TrainOptions
from regress.training.refinement import DependentColumnsError, Refined, refine
from regress.training.trainer import Descent, Iteration, Status, descend

_SHOWN = 2  # Newton steps in double before exact ones: the first lands, and the history shows it


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A trained linear model and how it was reached.

    Attributes
    ----------
    w : array of shape (n,)
        Coefficients in the user's units.
    center : array of shape (n,)
        The point about which predictions are computed: ŷ = (x − center)ᵀw + b_center keeps the digits that
        xᵀw + b would lose where a column is far from zero.
    b : float
        The intercept.
    b_center : float
        The prediction at `center`.
    loss : float
        L(w, b) + α‖w‖² on the training rows.
    gradient_norm, stationarity : float
        ‖∇L‖ in the coordinates of the descent, and the scale-free figure that the stop rule compares with tol; both as
        double precision sees them.
    status : Status
        How it ended.
    history : list of Iteration
        One row an evaluation.
    rank : int
        Rank of the columns, decided after scaling.
    solver, over : str
        What ran.
    learning_rate : float or None
        The step on ∇L/Σa, for solvers that have one.
    precision : {"exact", "double"}
        Whether w, b and the loss come from exact sums, each rounded once.
    """

    w: Array
    center: Array
    b: float
    b_center: float
    loss: float
    gradient_norm: float
    stationarity: float
    status: Status
    history: list[Iteration]
    rank: int
    solver: str
    over: str
    learning_rate: float | None
    precision: str

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return max(len(self.history) - 1, 0)


class Regression:
    """One least-squares problem: data, options, and the curvature that all of its targets share.

    Parameters
    ----------
    data : TrainingData
        From `gather`.
    options : TrainOptions
        How to train.
    names : sequence of str
        Names of the columns, for messages.
    n_jobs : int
        Threads that work on rows.
    """

    def __init__(self, data: TrainingData, options: TrainOptions, names: Sequence[str], n_jobs: int = 1) -> None:
        self._data, self._options, self._names, self._n_jobs = data, options, names, n_jobs
        summary = data.summary
        n = len(summary.center)
        from_rows = data.moments is None or data.rough
        self.over = options.over if options.over != "auto" else "rows" if from_rows else "moments"
        fits = square_fits(min(n, summary.rows))
        self.solver = options.solver if options.solver != "auto" else "newton" if fits else "cg"
        self._origin, self._scale = np.zeros(n), np.ones(n)
        if options.standardize:
            norm = summary.norm
            if options.fit_intercept:
                self._origin = summary.center
            else:
                norm = np.hypot(norm, np.sqrt(summary.weight) * summary.center)
            spread = norm / np.sqrt(summary.weight)
            self._scale = np.where(spread > 0, spread, 1.0)

    def _coordinates(self, target: int) -> Coordinates:
        moved = self._options.standardize and self._options.fit_intercept
        return Coordinates(self._origin, self._scale, float(self._data.summary.target_center[target]) if moved else 0.0)

    def objective(self, target: int = 0) -> Objective:
        """Return the objective of one target, computed in the way that the options name."""
        data, options = self._data, self._options
        coordinates, summary = self._coordinates(target), data.summary
        engine = ENGINES[options.gradient]
        term: DataTerm
        if self.over == "moments":
            assert data.moments is not None
            term = MomentsTerm(coordinates.moments(data.moments, target), engine)
        else:
            assert data.rows is not None
            term = RowsTerm(data.rows, coordinates, target, engine, self._n_jobs)
        mean = (summary.center - self._origin) / self._scale
        norm, target_norm = summary.norm / self._scale, float(summary.target_norm[target])
        if not options.fit_intercept:
            norm = np.hypot(norm, np.sqrt(summary.weight) * mean)
            target_norm = float(np.hypot(target_norm, np.sqrt(summary.weight) * summary.target_center[target]))
        return Objective(term, self._penalty, options.fit_intercept, summary.weight, mean, norm, target_norm)

    @property
    def _penalty(self) -> Array:
        return np.asarray(self._options.alpha / self._scale**2)

    @cached_property
    def curvature(self) -> Curvature:
        """∇²L in the coordinates of the descent; it does not depend on the target."""
        data, options = self._data, self._options
        if data.moments is not None:
            form = self._coordinates(0).moments(data.moments, 0)
            precision = np.float32 if data.rough else np.float64
            return PrimalCurvature(form, self._penalty, self._scale, options.fit_intercept, precision)
        assert data.rows is not None
        blocks = self._coordinates(0).rows(data.rows, 0)
        if square_fits(data.summary.rows):
            return DualCurvature(blocks, options.alpha, self._scale, options.fit_intercept)
        return RowsCurvature(blocks, self._penalty, options.fit_intercept)

    def learning_rate(self) -> float:
        """Return the step on ∇L/Σa: half the stability limit Σa/λmax([X 1]ᵀ[X 1]), or the user's if within the limit.

        Raises
        ------
        LearningRateError
            If the user's rate is above the limit; the message names it and the columns of the steepest direction.
        """
        steepest, direction = self.curvature.steepest
        limit = self._data.summary.weight / steepest if steepest > 0 else inf
        asked = self._options.learning_rate
        if asked == "auto":
            return limit / 2.0 if limit < inf else 1.0
        if asked > limit:
            size = np.abs(direction)
            blame = [self._names[j] for j in np.argsort(-size)[:3] if size[j] >= 0.5 * size.max(initial=0.0) > 0]
            steepest_columns = f" The steepest direction is that of {', '.join(blame)}." if blame else ""
            keep = "" if self._options.standardize else "Keep standardize on, or "
            raise LearningRateError(
                f"learning_rate {asked:g} is above the stability limit {limit:.6g} of these rows: it would diverge."
                f'{steepest_columns} {keep}{"u" if keep else "U"}se a rate below the limit, or "auto".'
            )
        return asked

    def _optimizer(self, objective: Objective) -> tuple[Optimizer, float | None]:
        if self.solver == "newton":
            return Newton(self.curvature.solve), None
        if self.solver == "cg":
            return ConjugateGradient(objective.curvature_along), None
        rate = self.learning_rate()
        rule = GradientDescent if self.solver == "gd" else Accelerated
        return rule(rate, objective.weight), rate

    def train(self, target: int = 0, watch: Callable[[Array, float], None] | None = None) -> Training:
        """Train on one target, from w = 0 and b = 0, or from where rough moments have their minimum.

        Raises
        ------
        InputError
            If a column is too large for its square to be a float64, or an option cannot be served.
        """
        data, options = self._data, self._options
        self._refuse_overflow(target)
        objective = self.objective(target)
        n = len(objective.penalty)
        rate: float | None = None
        exact: Refined | None = None
        if objective.target_norm == 0.0:  # nothing to explain: w = 0 and b = ȳ are the minimum
            w, b = np.zeros(n), float(data.summary.target_center[target]) if options.fit_intercept else 0.0
            b -= self._coordinates(target).target_origin
            zero = Evaluation(0.0, np.zeros(n), 0.0)
            ended = Descent(w, b, zero, 0.0, Status.CONVERGED, [Iteration(0, 0.0, 0.0, float("nan"), 0.0)])
        else:
            optimizer, rate = self._optimizer(objective)
            exact = self._exact(target)
            limit = options.iteration_limit(self.solver, n) if exact is None else _SHOWN
            ended = descend(objective, optimizer, self._start(target), tol=options.tol, max_iter=limit, watch=watch)
        coordinates = self._coordinates(target)
        w, b = coordinates.to_user(ended.w, ended.b)
        rank = self.curvature.rank
        if rank < n and not options.alpha and self.solver != "newton":  # newton never left the row space
            found, w = w, self.curvature.least_norm(w)
            b += twofold.dot(data.summary.center - self._origin, found - w) if options.fit_intercept else 0.0
        at = ended.evaluation
        trained = Training(
            w,
            coordinates.origin,
            twofold.dot(-coordinates.origin, w, b),
            b,
            at.value,
            float(np.sqrt(at.grad_w @ at.grad_w + at.grad_b**2)),
            ended.stationarity,
            ended.status,
            ended.history,
            rank,
            self.solver,
            self.over,
            rate,
            "double",
        )
        if exact is None or trained.status is Status.INTERRUPTED:
            return trained
        at = objective(exact.w * self._scale, exact.b_center - coordinates.target_origin)
        return replace(
            trained,
            w=exact.w,
            b=exact.b,
            b_center=exact.b_center,
            loss=exact.loss,
            gradient_norm=float(np.sqrt(at.grad_w @ at.grad_w + at.grad_b**2)),
            stationarity=objective.stationarity(at),
            status=Status.CONVERGED,
            rank=n,
            precision="exact",
        )

    def _exact(self, target: int) -> Refined | None:
        """Return the minimiser from exact totals; None without them, or where columns depend on each other."""
        totals, options = self._data.totals, self._options
        if totals is None or self.solver != "newton":
            return None
        targets = len(self._data.summary.target_norm)
        try:
            return refine(totals, targets, target, options.alpha, options.fit_intercept, self._origin)
        except DependentColumnsError:
            return None

    def _start(self, target: int) -> tuple[Array, float]:
        nothing = np.zeros(len(self._names)), 0.0
        if not self._data.rough or self._data.moments is None:
            return nothing
        form = self._coordinates(target).moments(self._data.moments, target)
        at = derived.moments(form, *nothing)
        w, b = self.curvature.solve(at.grad_w, at.grad_b)
        return -w, -b

    def _refuse_overflow(self, target: int) -> None:
        summary = self._data.summary
        bad = [name for name, norm in zip(self._names, summary.norm, strict=True) if not np.isfinite(norm)]
        bad += [] if np.isfinite(summary.target_norm[target]) else ["the target"]
        if bad:
            raise InputError(
                f"The squares of {', '.join(bad[:3])} overflow float64: a value is above 1e150, infinite or "
                "not a number. Rescale or drop it."
            )
