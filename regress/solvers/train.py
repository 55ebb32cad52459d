"""From gathered rows and options to a trained (w, b): chooses coordinates, objective, curvature and update rule."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from math import hypot, inf

import numpy as np

from regress.aggregates.collect import TrainingData, check_range, exact_fits, square_fits
from regress.blocks import Array
from regress.errors import InputError, LearningRateError
from regress.messages import setting
from regress.numerics import error_free
from regress.numerics.integers import rounded
from regress.objective import gradient
from regress.objective.gradient import Evaluation
from regress.objective.objective import ENGINES, DataTerm, MomentsTerm, Objective, RowsTerm
from regress.objective.scaling import Coordinates
from regress.options import TrainOptions
from regress.solvers.accuracy import Accuracy, norms
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.exact.minimum import exact_minimum, exact_point
from regress.solvers.exact.refinement import Minimum
from regress.solvers.hessian import Curvature, PrimalCurvature
from regress.solvers.hessian_rows import DualCurvature, RowsCurvature
from regress.solvers.loop import Descent, Iteration, Status, descend
from regress.solvers.refine_rows import Polished, polish
from regress.solvers.solution import Training
from regress.solvers.steps import Accelerated, ConjugateGradient, GradientDescent, Newton, Optimizer

_DESCENTS: dict[str, type[GradientDescent] | type[Accelerated]] = {"gd": GradientDescent, "accelerated": Accelerated}
_ROUGH = 2.0**-52  # stationarity that a curvature in single precision may leave: rounding
_SHOWN = 2  # Newton steps in float64 before exact ones: the first lands, and the history shows it


class Regression:
    """One least-squares problem: data, options, and the curvature that all of its targets share.

    Parameters
    ----------
    data : TrainingData
        From `collect_rows`.
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
            self._origin = summary.center if options.fit_intercept else self._origin
            spread = norms(data, options.fit_intercept) / np.sqrt(summary.weight)
            self._scale = np.where(spread > 0, spread, 1.0)

    def coordinates(self, target: int = 0) -> Coordinates:
        """Return where the descent of a target runs."""
        moved = self._options.standardize and self._options.fit_intercept
        return Coordinates(self._origin, self._scale, float(self._data.summary.target_center[target]) if moved else 0.0)

    def objective(self, target: int = 0) -> Objective:
        """Return the objective of one target, computed in the way that the options name."""
        data, options = self._data, self._options
        coordinates, summary = self.coordinates(target), data.summary
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
        with np.errstate(over="ignore"):  # where nothing is left of such a column
            penalty = self._options.alpha / self._scale / self._scale
        return np.asarray(np.minimum(penalty, np.finfo(np.float64).max))

    @cached_property
    def curvature(self) -> Curvature:
        """∇²L in the coordinates of the descent; it does not depend on the target."""
        data, options = self._data, self._options
        if data.moments is not None:
            form = self.coordinates(0).moments(data.moments, 0)
            precision = np.float32 if data.rough else np.float64
            return PrimalCurvature(form, self._penalty, self._scale, options.fit_intercept, precision)
        assert data.rows is not None
        blocks = self.coordinates(0).rows(data.rows, 0)
        if square_fits(data.summary.rows):
            return DualCurvature(blocks, options.alpha, self._scale, options.fit_intercept)
        return RowsCurvature(blocks, self._penalty, options.fit_intercept)

    def learning_rate(self) -> float:
        """Return the step on ∇L/Σa: Σa/λmax(∇²L), or the user's if it is within the stability limit of the solver.

        Raises
        ------
        LearningRateError
            If the user's rate is above the limit; the message names it and the columns of the steepest direction.
        """
        steepest, direction = self.curvature.steepest
        longest = self._data.summary.weight / steepest if steepest > 0 else inf
        asked, limit = self._options.learning_rate, _DESCENTS[self.solver].stable * longest
        if asked == "auto":
            return longest / 2.0 if longest < inf else 1.0
        if asked > limit:
            size = np.abs(direction)
            blame = [self._names[j] for j in np.argsort(-size)[:3] if size[j] >= 0.5 * size.max(initial=0.0) > 0]
            steepest_columns = f" The steepest direction is that of {', '.join(blame)}." if blame else ""
            keep = "" if self._options.standardize else "Standardize, or "
            raise LearningRateError(
                f"{setting('learning_rate', asked)} is above {limit:.6g}, the stability limit of {self.solver} on "
                "these "
                f"rows: it would diverge.{steepest_columns} {keep}{'u' if keep else 'U'}se a rate below the limit, "
                "or auto."
            )
        return asked

    def _optimizer(self, objective: Objective) -> tuple[Optimizer, float | None]:
        if self.solver == "newton":
            return Newton(self.curvature.solve), None
        if self.solver == "cg":
            return ConjugateGradient(objective.curvature_along), None
        rate = self.learning_rate()
        return _DESCENTS[self.solver](rate, objective.weight), rate

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite ends the descent
    def train(self, target: int = 0, watch: Callable[[Array, float], None] | None = None) -> Training:
        """Train on one target, from w = 0 and b = 0, or from where rough moments have their minimum.

        Raises
        ------
        InputError
            If a column is too large for its square to be a float64, or an option cannot be served.
        """
        data, options = self._data, self._options
        check_range(data, self._names, target)
        objective = self.objective(target)
        n = len(objective.penalty)
        minimum = self._minimum(target)
        refined = exact_point(data, minimum, target, options) if self.solver == "newton" else None
        rate: float | None = None
        if objective.target_norm == 0.0:  # nothing to explain: w = 0 and b = ȳ are the minimum
            w, b = np.zeros(n), float(data.summary.target_center[target]) if options.fit_intercept else 0.0
            b -= self.coordinates(target).target_origin
            zero = Evaluation(0.0, np.zeros(n), 0.0)
            ended = Descent(w, b, zero, 0.0, Status.CONVERGED, [Iteration(0, 0.0, 0.0, float("nan"), 0.0)])
        else:
            optimizer, rate = self._optimizer(objective)
            limit = _SHOWN if refined is not None else options.iteration_limit(self.solver, n)
            leaves = _ROUGH if data.rough else inf
            start = self._start(target)
            ended = descend(objective, optimizer, start, tol=options.tol, max_iter=limit, leaves=leaves, watch=watch)
            if data.rough and ended.status is Status.CONVERGED:  # its gradient is known: one more step reads no row
                w, b = optimizer.step(ended.w, ended.b, ended.evaluation)
                ended = replace(ended, w=w, b=b)
        coordinates = self.coordinates(target)
        w, b = coordinates.to_user(ended.w, ended.b)
        known = refined or minimum
        rank = self.curvature.rank if known is None else known.rank
        if rank < n and not options.alpha and self.solver != "newton":  # newton never left the row space
            found, w = w, self.curvature.least_norm(w)
            b += error_free.dot(data.summary.center - self._origin, found - w) if options.fit_intercept else 0.0
        at = ended.evaluation
        trained = Training(
            w,
            coordinates.origin,
            error_free.dot(-coordinates.origin, w, b),
            b,
            at.value,
            hypot(*at.grad_w.tolist(), at.grad_b),
            ended.stationarity,
            ended.status,
            ended.history,
            rank,
            self.solver,
            self.over,
            rate,
            "float64",
            self._remaining(ended.evaluation),
            minimum,
        )
        if trained.status is Status.INTERRUPTED:
            return trained
        if refined is not None:
            settled = self._at(objective, target, refined.w, refined.b, trained)
            loss = settled.loss if minimum is None else minimum.loss(settled.w)
            return replace(settled, loss=loss, status=Status.CONVERGED, precision="exact", remaining=np.zeros(n))
        ended_well = trained.status in (Status.CONVERGED, Status.MAX_ITER)
        polished = self._polish(target) if ended_well else None
        if polished is None:
            return trained
        settled = self._at(objective, target, polished.w.fractions, polished.b.fractions[0], trained)
        status = Status.CONVERGED if settled.stationarity <= options.tol else settled.status
        return replace(settled, remaining=polished.moved, status=status, polished=True)

    def _at(self, objective: Objective, target: int, w: Sequence[Fraction], b: Fraction, trained: Training) -> Training:
        """Return what was trained, moved to an unrounded w and b."""
        at_center = b + sum(v * Fraction(c) for v, c in zip(w, trained.center.tolist(), strict=True))
        near = np.array([rounded(v) for v in w])
        if not np.isfinite([*near, rounded(b)]).all():
            raise InputError(
                "A coefficient is beyond the range of a double. Rescale the target or the smallest columns."
            )
        at = objective(near * self._scale, float(at_center - Fraction(self.coordinates(target).target_origin)))
        return replace(
            trained,
            w=near,
            b=rounded(b),
            b_center=rounded(at_center),
            loss=at.value,
            gradient_norm=hypot(*at.grad_w.tolist(), at.grad_b),
            stationarity=objective.stationarity(at),
        )

    def _polish(self, target: int) -> Polished | None:
        """Bring back the digits that κ² took where columns are at least as many as rows; None elsewhere."""
        if self.solver != "newton" or not isinstance(self.curvature, DualCurvature) or self._data.rows is None:
            return None
        return polish(self._data.rows, target, self._options.alpha, self._options.fit_intercept, self.curvature)

    def _remaining(self, at: Evaluation) -> Array:
        try:
            return np.asarray(self.curvature.solve(at.grad_w, at.grad_b)[0] / self._scale)
        except InputError:  # no square matrix of this size
            return np.full(len(at.grad_w), np.nan)

    def _minimum(self, target: int) -> Minimum | None:
        n = len(self._names)
        minimum = exact_minimum(self._data, target, self._options, self._names)
        decided = minimum is not None or (self.accuracy.rank_sure and self.curvature.rank == n)
        if self._options.collinear != "min-norm" and not decided:
            raise InputError(
                f"{setting('collinear', self._options.collinear)} is decided by exact sums over more rows than "
                "columns. Use "
                + (
                    setting("precision", "exact")
                    if MOST_COLUMNS >= n < self._data.summary.rows
                    else setting("collinear", "min-norm")
                )
                + "."
            )
        return minimum

    @property
    def exact_able(self) -> bool:
        """Whether exact sums are there for the asking: neither too many columns nor another solver."""
        n, summary = len(self._names), self._data.summary
        able = self.solver == "newton" and self._data.totals is None and summary.rows > n and exact_fits(n)
        return able and (n <= MOST_COLUMNS or self.curvature.rank == n)

    @property
    def better_exact(self) -> bool:
        """Whether exact sums would pay: there are few digits in float64."""
        return not self.accuracy.enough and self.exact_able

    @cached_property
    def accuracy(self) -> Accuracy:
        """How many digits float64 leaves."""
        return Accuracy(self._data, self._options, self.curvature)

    def _start(self, target: int) -> tuple[Array, float]:
        nothing = np.zeros(len(self._names)), 0.0
        if not self._data.rough or self._data.moments is None:
            return nothing
        form = self.coordinates(target).moments(self._data.moments, target)
        at = gradient.moments(form, *nothing)
        w, b = self.curvature.solve(at.grad_w, at.grad_b)
        return -w, -b
