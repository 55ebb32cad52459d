"""From gathered rows and options to a trained (w, b): the exact minimum, or a descent."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import hypot, inf, nan
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.numerics import error_free
from regress.numerics.integers import nearest_doubles, rounded
from regress.objective import gradient
from regress.objective.gradient import Evaluation
from regress.objective.huber import Huber
from regress.objective.objective import MomentsTerm, Objective
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.exact.minimum import exact_minimum, exact_point
from regress.solvers.exact.refinement import Minimum
from regress.solvers.exact.wide import Point
from regress.solvers.hessian_rows import DualCurvature
from regress.solvers.loop import Descent, check_state, descend
from regress.solvers.problem import Problem
from regress.solvers.refine_rows import Polished, polish
from regress.solvers.solution import Training
from regress.solvers.status import Status
from regress.solvers.steps import Newton
from regress.solvers.underflow import check_range, check_small
from regress.solvers.validation import validation_loss
from regress.solvers.watch import Gap, StopRule, Watch

_ROUGH = 2.0**-52  # stationarity that a curvature in single precision may leave: rounding


class Regression(Problem):
    """One problem, and how it is trained; see `Problem`."""

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite ends the descent
    def train(self, target: int = 0) -> Training:
        """Train on one target: take the exact minimum where that is the plan, else descend.

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
        ended = self._descend(objective, target, minimum)
        trained = self._descended(objective, target, ended, minimum)
        polished = self._polish(target) if ended.status in (Status.CONVERGED, Status.MAX_ITER) else None
        if polished is None:
            return trained
        at = self._at(objective, target, polished.w.fractions, polished.b.fractions[0])
        status = Status.CONVERGED if at["stationarity"] <= self._options.tol else trained.status
        return replace(trained, **at, remaining=polished.moved, status=status, polished=True)

    def _descend(self, objective: Objective, target: int, minimum: Minimum | None) -> Descent:
        """Run the loop, from the start or from where an earlier run was."""
        solver, options, running, n = self.plan.solver, self._options, self._running, len(objective.scale)
        state = check_state(solver, "init", solver.init(objective, *self._start(objective, target)), n)
        course = None
        if running.resumed is not None:
            state, course = running.resumed(state, partial(solver.step, objective))
        batched, early = objective.batches is not None, running.early_stopping
        stop = StopRule(
            tol=options.tol,
            max_iter=None if batched else options.iteration_limit(str(solver), n),
            epochs=options.epochs if batched else None,
            max_seconds=running.max_seconds,
            patience=None if early is None else int(early["patience"]),
            min_delta=0.0 if early is None else early["min_delta"],
            leaves=_ROUGH if self.data.rough else 0.0 if "active_set" in solver.needs else inf,
        )
        held, coordinates = running.held_out, self.coordinates(target)
        watch = Watch(
            callbacks=running.callbacks,
            validation=None if held is None else validation_loss(held, self.loss(target), coordinates),
            gap=self._gap(objective, target, minimum),
            least=nan if minimum is None else rounded(minimum.least),
            every=running.every,
            after=running.after,
        )
        ended = descend(objective, solver, state, stop, watch=watch, course=course)
        if running.start is not None and not ended.history:
            raise InputError(f"The loss at {setting('init')} is beyond the range of float64. Give another start.")
        return ended

    def _gap(self, objective: Objective, target: int, minimum: Minimum | None) -> Gap | None:
        """Return L + P above its minimum: ½pᵀ∇²p for the way p from there, or ½∇ᵀp, which takes no pass over rows."""
        if minimum is None and (
            self.data.moments is None or not (self.plan.loss.quadratic and self.plan.penalty.quadratic)
        ):
            return None
        coordinates = self.coordinates(target)
        if minimum is not None:
            best_w, best_b = minimum.w * self._scale, self._b_in_coordinates(minimum.exact, minimum.b, target)
        else:
            assert self.data.moments is not None
            at = gradient.moments(coordinates.moments(self.data.moments, target), np.zeros(len(self._scale)), 0.0)
            step_w, step_b = self.curvature.solve(at.grad_w, at.grad_b)
            best_w, best_b = -step_w, -step_b
        cheap = isinstance(objective.term, MomentsTerm)

        def gap(w: Array, b: float, at: Evaluation) -> float:
            away, off = w - best_w, b - best_b
            twice = objective.curvature_along(away, off) if cheap else float(at.grad_w @ away) + at.grad_b * off
            return max(twice / 2.0, 0.0)

        return gap

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
            error=ended.error,
            gap=ended.gap,
            best_epoch=ended.best_epoch,
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

    def _b_in_coordinates(self, w: Sequence[Fraction], b: Fraction, target: int) -> float:
        """Return the b of the descent for a w and b in the user's units."""
        at_origin = b + sum((v * Fraction(c) for v, c in zip(w, self._origin.tolist(), strict=True)), Fraction(0))
        return rounded(at_origin - Fraction(self.coordinates(target).target_origin))

    def _start(self, objective: Objective, target: int) -> tuple[Array, float]:
        if (start := self._running.start) is not None:
            slopes = [*map(Fraction, start.w.tolist())]
            moved = sum((v * Fraction(c) for v, c in zip(slopes, start.center.tolist(), strict=True)), Fraction(0))
            return start.w * self._scale, self._b_in_coordinates(slopes, Fraction(start.b_center) - moved, target)
        w, b = np.zeros(len(self._names)), 0.0
        if objective.target_norm == 0.0 and self._options.fit_intercept:  # nothing to explain: b = ȳ is the minimum
            b = float(self.data.summary.target_center[target]) - self.coordinates(target).target_origin
        if not self.data.rough or self.data.moments is None:
            return w, b
        form = self.coordinates(target).moments(self.data.moments, target)
        at = gradient.moments(form, w, b)
        step_w, step_b = self.curvature.solve(at.grad_w, at.grad_b)
        return w - step_w, b - step_b
