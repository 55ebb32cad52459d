"""From gathered rows and options to a trained (w, b): the exact minimum, or a descent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from math import hypot, inf
from typing import Any

import numpy as np

from regress.aggregates.collect import TrainingData, check_range, square_fits
from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.numerics import error_free
from regress.numerics.integers import nearest_doubles, rounded
from regress.objective import gradient
from regress.objective.gradient import Evaluation
from regress.objective.huber import Huber, HuberTerm
from regress.objective.losses import Loss
from regress.objective.objective import ENGINES, DataTerm, MomentsTerm, Objective, RowsTerm, curvature_of
from regress.objective.penalties import Ridge
from regress.objective.scaling import Coordinates
from regress.options import TrainOptions
from regress.solvers import choose
from regress.solvers.accuracy import Accuracy, norms
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.exact.minimum import exact_minimum, exact_point
from regress.solvers.exact.refinement import Minimum
from regress.solvers.exact.wide import Point
from regress.solvers.hessian import Curvature, PrimalCurvature
from regress.solvers.hessian_rows import DualCurvature, RowsCurvature
from regress.solvers.huber import HuberNewton, least_squares, target_origin, with_scale
from regress.solvers.loop import Callback, Descent, Status, StopRule, check_state, descend
from regress.solvers.refine_rows import Polished, polish
from regress.solvers.solution import Training
from regress.solvers.state import State
from regress.solvers.steps import Newton
from regress.solvers.underflow import check_small

_ROUGH = 2.0**-52  # stationarity that a curvature in single precision may leave: rounding


class Regression:
    """One problem: data, options, and the curvature that all of its targets share.

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
        self.data, self._options, self._names, self._n_jobs = data, options, names, n_jobs
        self.plan = choose.plan(options, data)
        self._losses: dict[int, Loss] = {}
        summary, n = data.summary, len(data.summary.center)
        self._origin, self._scale = np.zeros(n), np.ones(n)
        if options.standardize:
            self._origin = summary.center if options.fit_intercept else self._origin
            spread = norms(data, options.fit_intercept) / np.sqrt(summary.weight)
            self._scale = np.where(spread > 0, spread, 1.0)

    def loss(self, target: int = 0) -> Loss:
        """Return the loss of one target: Huber's takes its scale from least squares unless that is given."""
        if target not in self._losses:

            def square() -> Training:
                options = least_squares(self._options)
                return Regression(self.data, options, self._names, self._n_jobs).train(target)

            self._losses[target] = with_scale(self.plan.loss, self.data, target, square)
        return self._losses[target]

    def coordinates(self, target: int = 0) -> Coordinates:
        """Return where the descent of a target runs. A loss from outside sees targets as they are."""
        moved = self._options.standardize and self._options.fit_intercept
        level = target_origin(self.plan.loss, self.data, target) if moved else 0.0
        return Coordinates(self._origin, self._scale, level)

    def objective(self, target: int = 0) -> Objective:
        """Return the objective of one target, computed in the way that the options name."""
        data, options, plan = self.data, self._options, self.plan
        coordinates, summary, loss = self.coordinates(target), data.summary, self.loss(target)
        engine = ENGINES[options.gradient]
        term: DataTerm
        if plan.over == "moments":
            assert data.moments is not None
            term = MomentsTerm(coordinates.moments(data.moments, target), engine)
        else:
            assert data.rows is not None
            kind = HuberTerm if isinstance(loss, Huber) else RowsTerm
            term = kind(loss, data.rows, coordinates, target, engine=engine, n_jobs=self._n_jobs)
        mean = (summary.center - self._origin) / self._scale
        norm, target_norm = summary.norm / self._scale, float(summary.target_norm[target])
        far = float(np.sqrt(summary.weight) * abs(summary.target_center[target]))
        if not options.fit_intercept:
            norm = np.hypot(norm, np.sqrt(summary.weight) * mean)
            target_norm = float(np.hypot(target_norm, far))
        if not plan.loss.quadratic:  # equal targets need not be the minimum of another loss
            target_norm = target_norm or far or float(np.sqrt(summary.weight))
        if isinstance(loss, Huber):  # the largest |xᵀ∇L|, by Cauchy and Schwarz: outliers do not loosen it
            target_norm = min(target_norm, loss.delta * float(np.sqrt(summary.weight)))
        return Objective(
            term=term,
            penalty=plan.penalty,
            scale=self._scale,
            fit_intercept=options.fit_intercept,
            weight=summary.weight,
            mean=mean,
            column_norm=norm,
            target_norm=target_norm,
            steepness=plan.loss.curvature_bound,
            hessian=lambda: self.curvature,
            names=self._names,
        )

    @cached_property
    def curvature(self) -> Curvature:
        """∇²(L + P) in the coordinates of the descent; it does not depend on the target.

        Where it is not constant, its bound, divided by half of the loss's.
        """
        data, options, plan = self.data, self._options, self.plan
        penalty = curvature_of(plan.penalty, self._scale) / plan.loss.curvature_bound
        if data.moments is not None:
            form = self.coordinates(0).moments(data.moments, 0)
            precision = np.float32 if data.rough else np.float64
            return PrimalCurvature(form, penalty, self._scale, options.fit_intercept, precision)
        assert data.rows is not None
        parts = self.coordinates(0).rows(data.rows, 0)
        if square_fits(data.summary.rows) and type(plan.penalty) is Ridge:
            alpha = 2.0 * plan.penalty.alpha / plan.loss.curvature_bound
            return DualCurvature(parts, alpha, self._scale, options.fit_intercept)
        return RowsCurvature(parts, penalty, options.fit_intercept)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite ends the descent
    def train(self, target: int = 0, callbacks: Iterable[Callback] = (), state: State | None = None) -> Training:
        """Train on one target: take the exact minimum where that is the plan, else descend.

        Parameters
        ----------
        target : int
            Column of Y.
        callbacks : iterable of callable
            Called as callback(state, record) with every state that a descent evaluates.
        state : State, optional
            Of an earlier descent on the same rows with the same options, which then goes on. Default: w = 0 and b = 0,
            or where rough moments have their minimum.

        Raises
        ------
        InputError
            If a column is too large for its square to be a float64, or an option cannot be served.
        """
        check_range(self.data, self._names, target)
        minimum, objective = self._minimum(target), self.objective(target)
        if self.plan.direct and (point := exact_point(self.data, minimum, target, self._options)) is not None:
            return self._direct(objective, target, point, minimum)
        check_small(self.data, target, self._names)
        solver, n = self.plan.solver, len(objective.scale)
        state = state or check_state(solver, "init", solver.init(objective, *self._start(objective, target)), n)
        limit = self._options.iteration_limit(str(solver), n)
        leaves = _ROUGH if self.data.rough else 0.0 if isinstance(solver, HuberNewton) else inf
        stop = StopRule(self._options.tol, limit, leaves)
        ended = descend(objective, solver, state, stop, callbacks)
        trained = self._descended(objective, target, ended, minimum)
        polished = self._polish(target) if ended.status in (Status.CONVERGED, Status.MAX_ITER) else None
        if polished is None:
            return trained
        at = self._at(objective, target, polished.w.fractions, polished.b.fractions[0])
        status = Status.CONVERGED if at["stationarity"] <= self._options.tol else trained.status
        return replace(trained, **at, remaining=polished.moved, status=status, polished=True)

    def _direct(self, objective: Objective, target: int, point: Point, minimum: Minimum | None) -> Training:
        """Return the exact minimum, rounded once."""
        at = self._at(objective, target, point.w, point.b)
        if minimum is not None:
            at["loss"] = minimum.loss(at["w"])
        return Training(
            **at,
            center=self._origin,
            status=Status.CONVERGED,
            rank=point.rank,
            solver="direct",
            over=self.plan.over,
            learning_rate=None,
            precision="exact",
            remaining=np.zeros(len(point.w)),
            minimum=minimum,
        )

    def _descended(self, objective: Objective, target: int, ended: Descent, minimum: Minimum | None) -> Training:
        """Return what a descent reached, in the user's units."""
        at, here, solver, n = ended.evaluation, ended.state, self.plan.solver, len(objective.scale)
        if self.data.rough and ended.status is Status.CONVERGED:
            here = solver.step(objective, here)  # its gradient is known: one more step reads no row
        w, b = self.coordinates(target).to_user(here.w, here.b)
        rank, quadratic = None, self.plan.loss.quadratic
        if quadratic or isinstance(self.plan.loss, Huber):
            rank = self.curvature.rank if minimum is None else minimum.rank
        free = not self.plan.penalty.curvature(n).any() and "hessian" not in solver.needs  # newton keeps the row space
        least = self.curvature.least_norm(w) if rank is not None and rank < n and free else None
        if least is not None:
            change = error_free.dot(self.data.summary.center - self._origin, w - least)
            w, b = least, b + change if self._options.fit_intercept else b
        return Training(
            w=w,
            center=self._origin,
            b=error_free.dot(-self._origin, w, b),
            b_center=b,
            loss=at.value,
            gradient_norm=hypot(*at.grad_w.tolist(), at.grad_b),
            stationarity=ended.stationarity,
            status=ended.status,
            history=ended.history,
            rank=rank,
            solver=str(solver),
            over=self.plan.over,
            learning_rate=ended.state.memory.get("rate"),
            precision="float64",
            remaining=self._remaining(at) if quadratic and self.plan.penalty.quadratic else np.full(n, np.nan),
            minimum=minimum,
        )

    def _at(self, objective: Objective, target: int, w: Sequence[Fraction], b: Fraction) -> dict[str, Any]:
        """Return an unrounded w and b, each rounded once, and the loss and its gradient there, by field."""
        at_center = b + sum(v * Fraction(c) for v, c in zip(w, self._origin.tolist(), strict=True))
        target_origin = self.coordinates(target).target_origin
        near, level, b_center = nearest_doubles(w), rounded(b), rounded(at_center)
        if not np.isfinite([*near, level]).all():
            raise InputError(
                "A coefficient is beyond the range of float64. Rescale the target or the smallest columns."
            )
        at = objective(near * self._scale, float(at_center - Fraction(target_origin)))
        return {
            "w": near,
            "b": level,
            "b_center": b_center,
            "loss": at.value,
            "gradient_norm": hypot(*at.grad_w.tolist(), at.grad_b),
            "stationarity": objective.stationarity(at),
        }

    def _polish(self, target: int) -> Polished | None:
        """Bring back the digits that κ² took where columns are at least as many as rows; None elsewhere."""
        least_squares = (
            self.plan.loss.quadratic and self._options.penalty is None and isinstance(self.plan.solver, Newton)
        )
        if not least_squares or not isinstance(self.curvature, DualCurvature) or self.data.rows is None:
            return None
        return polish(self.data.rows, target, self._options.alpha, self._options.fit_intercept, self.curvature)

    def _remaining(self, at: Evaluation) -> Array:
        try:
            return np.asarray(self.curvature.solve(at.grad_w, at.grad_b)[0] / self._scale)
        except InputError:  # no square matrix of this size
            return np.full(len(at.grad_w), np.nan)

    def _minimum(self, target: int) -> Minimum | None:
        """Return the exact minimum that certifies any solver's; None where totals are not exact."""
        if not self.plan.loss.quadratic or self._options.penalty is not None:
            return None
        n = len(self._names)
        minimum = exact_minimum(self.data, target, self._options, self._names)
        if minimum is not None or self._options.collinear == "min-norm":
            return minimum
        if not self.accuracy.rank_sure or self.curvature.rank != n:
            exact = MOST_COLUMNS >= n < self.data.summary.rows
            remedy = setting("precision", "exact") if exact else setting("collinear", "min-norm")
            raise InputError(
                f"{setting('collinear', self._options.collinear)} needs exact arithmetic and more rows than columns. "
                f"Use {remedy}."
            )
        return None

    @cached_property
    def accuracy(self) -> Accuracy:
        """How many digits float64 leaves."""
        return Accuracy(self.data, self._options, self.curvature, self.coordinates())

    def _start(self, objective: Objective, target: int) -> tuple[Array, float]:
        w, b = np.zeros(len(self._names)), 0.0
        if objective.target_norm == 0.0 and self._options.fit_intercept:  # nothing to explain: b = ȳ is the minimum
            b = float(self.data.summary.target_center[target]) - self.coordinates(target).target_origin
        if not self.data.rough or self.data.moments is None:
            return w, b
        form = self.coordinates(target).moments(self.data.moments, target)
        at = gradient.moments(form, w, b)
        step_w, step_b = self.curvature.solve(at.grad_w, at.grad_b)
        return w - step_w, b - step_b
