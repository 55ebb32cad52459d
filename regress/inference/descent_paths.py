"""The descent itself: where plain, accelerated and preconditioned descent go, run again from the moments of a fit."""

from collections.abc import Sequence

import numpy as np

from regress.aggregates.collect import TrainingData, summary_of
from regress.aggregates.moments import Moments
from regress.blocks import Array
from regress.errors import InputError
from regress.options import Solver, TrainOptions
from regress.records import ROUNDING, STEPS, DescentPath, Descents
from regress.solvers.running import Running
from regress.solvers.train import Regression

METHODS: dict[str, Solver] = {"plain": "gd", "accelerated": "accelerated", "preconditioned": "newton"}
_ARRIVED, _NEVER = 1e-13, 1e-300  # gradients that are rounding, and that no descent reaches


def descents(
    moments: Moments, names: Sequence[str], pair: tuple[int, int], fit_intercept: bool, alpha: float
) -> Descents:
    """Run all methods on moments, from w = 0 in standardized columns, with the step that each takes by default."""
    data = TrainingData(summary_of(moments), moments, None)
    at = list(pair)
    walked = []
    for method, solver in METHODS.items():
        options = TrainOptions(
            fit_intercept=fit_intercept,
            alpha=alpha,
            solver=solver,
            tol=_ARRIVED if solver != "newton" else _NEVER,
            max_iter=STEPS if solver != "newton" else 3,
        )
        regression, seen = _walked(data, options, names)
        walked.append((method, regression, seen))
    _, regression, seen = walked[-1]
    if len(seen) == 1:  # the first point is the minimum
        raise InputError("There is nothing to descend: the target does not vary.")
    best_w, best_b = seen[-1]
    objective, coordinates = regression.objective(), regression.coordinates()
    paths = []
    for method, _, seen in walked:
        points = np.array([coordinates.to_user(w, b)[0][at] for w, b in seen])
        excess = np.array([max(objective.curvature_along(w - best_w, b - best_b) / 2.0, 0.0) for w, b in seen])
        there = np.flatnonzero(excess <= ROUNDING * excess[0])
        end = int(there[0]) + 1 if there.size else len(excess)
        paths.append(DescentPath(method, points[:end], excess[:end], bool(there.size)))
    return Descents(
        coordinates.to_user(best_w, best_b)[0][at], _profile(moments, at, fit_intercept, alpha), tuple(paths)
    )


def _walked(
    data: TrainingData, options: TrainOptions, names: Sequence[str]
) -> tuple[Regression, list[tuple[Array, float]]]:
    """Return a problem after its descent, and every (w, b) of that."""
    seen: list[tuple[Array, float]] = []
    watched = Running(callbacks=[lambda state, _: seen.append((state.w, state.b))])
    regression = Regression(data, options, names, running=watched)
    regression.train()
    return regression, seen


def lowest(moments: Moments, names: Sequence[str], fit_intercept: bool, alpha: float) -> float:
    """Return the minimum of L + α‖w‖² from moments."""
    data = TrainingData(summary_of(moments), moments, None)
    options = TrainOptions(fit_intercept=fit_intercept, alpha=alpha, solver="newton", tol=_NEVER, max_iter=3)
    return min(i.loss for i in Regression(data, options, names).train().history)


def _profile(moments: Moments, at: list[int], fit_intercept: bool, alpha: float) -> Array:
    """Return the curvature in two coefficients where all others follow: the Schur complement of XᵀX + αI."""
    full = moments.xx + alpha * np.eye(len(moments.xx))
    if not fit_intercept:
        full = full + moments.weight * np.outer(moments.center, moments.center)
    size = np.sqrt(np.where(np.diagonal(full) > 0, np.diagonal(full), 1.0))
    scaled = full / size / size[:, None]
    rest = [j for j in range(len(full)) if j not in at]
    across = scaled[np.ix_(at, rest)]
    schur = scaled[np.ix_(at, at)] - across @ np.linalg.pinv(scaled[np.ix_(rest, rest)], hermitian=True) @ across.T
    np.fill_diagonal(schur, np.maximum(np.diagonal(schur), 1e-12))
    complement: Array = schur * size[at] * size[at][:, None]
    return complement
