"""The descent itself: where plain, accelerated and preconditioned descent go, run again from the moments of a fit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regress.errors import InputError
from regress.numerics.moments import Moments
from regress.numerics.twofold import Array
from regress.training.gathering import TrainingData, summary_of
from regress.training.options import Solver, TrainOptions
from regress.training.regression import Regression

STEPS = 200  # of a descent that does not arrive before
METHODS: dict[str, Solver] = {"plain": "gd", "accelerated": "accelerated", "preconditioned": "newton"}
ROUNDING = 1e-15  # of the first loss: where the difference to the minimum is rounding
_ARRIVED, _NEVER = 1e-13, 1e-300  # gradients that are rounding, and that no descent reaches
_CURVE = 72  # points of an ellipse


class Path(NamedTuple):
    """Where one method was before each step: two coefficients (steps, 2), and L above its minimum (steps,).

    Where it `arrived`, it ends with the first step at which what is left is rounding.
    """

    method: str
    points: Array
    excess: Array
    arrived: bool


class Descents(NamedTuple):
    """Paths over two coefficients, in the user's units, and the loss that they descend.

    With all other coefficients at their best, L − min L = (p − minimum)ᵀ curvature (p − minimum).
    """

    minimum: Array
    curvature: Array
    paths: tuple[Path, ...]

    def contour(self, excess: float) -> Array:
        """Return points (k, 2) of the ellipse on which L is `excess` above its minimum."""
        scale = np.sqrt(np.diagonal(self.curvature))
        values, vectors = np.linalg.eigh(self.curvature / scale / scale[:, None])
        values = np.maximum(values, 1e-9)  # columns that depend on each other: a valley without an end
        turn = np.linspace(0.0, 2.0 * np.pi, _CURVE + 1)
        circle = np.array([np.cos(turn), np.sin(turn)])
        points: Array = (vectors @ (circle * np.sqrt(excess / values)[:, None])) / scale[:, None]
        return points.T + self.minimum


def descents(
    moments: Moments, names: Sequence[str], pair: tuple[int, int], fit_intercept: bool, alpha: float
) -> Descents:
    """Run all methods on moments, from w = 0 in standardised columns, with the step that each takes by default."""
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
        regression = Regression(data, options, names)
        walked.append((method, regression, _walked(regression)))
    _, regression, seen = walked[-1]
    if not seen:
        raise InputError("There is nothing to descend: the target does not vary.")
    best_w, best_b = seen[-1]
    objective, coordinates = regression.objective(), regression.coordinates()
    paths = []
    for method, _, seen in walked:
        points = np.array([coordinates.to_user(w, b)[0][at] for w, b in seen])
        excess = np.array([max(objective.curvature_along(w - best_w, b - best_b) / 2.0, 0.0) for w, b in seen])
        there = np.flatnonzero(excess <= ROUNDING * excess[0])
        end = int(there[0]) + 1 if there.size else len(excess)
        paths.append(Path(method, points[:end], excess[:end], bool(there.size)))
    return Descents(
        coordinates.to_user(best_w, best_b)[0][at], _profile(moments, at, fit_intercept, alpha), tuple(paths)
    )


def _walked(regression: Regression) -> list[tuple[Array, float]]:
    """Return every (w, b) of a descent."""
    seen: list[tuple[Array, float]] = []
    regression.train(watch=lambda w, b: seen.append((w, b)))
    return seen


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
