"""Huber's loss: its scale from least squares, and its minimum by Newton steps on the rows within δ.

L is a quadratic wherever no row crosses |ŷ − y| = δ. So Newton's step lands where the rows within δ stay the same ones.
Elsewhere the step is cut where L is least along it. L falls at every step, and there are finitely many sets of rows.
See Madsen and Nielsen (1990), Finite algorithms for robust linear regression, BIT 30.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.blocks import Array, Mask
from regress.errors import InputError
from regress.messages import setting
from regress.numerics import lazy_scipy
from regress.numerics.prediction import residuals
from regress.objective.huber import Huber, HuberTerm, Line
from regress.objective.losses import Loss
from regress.objective.objective import Objective, curvature_of
from regress.options import TrainOptions
from regress.solvers.hessian import noise
from regress.solvers.solution import Training
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import Solver

NORMAL = 0.6744897501960817  # median |z| of a normal variable
_ROUNDING = 64.0  # ulps of ŷ and y: a smaller residual has no digit
_FLAT = 1e-8  # of the curvature of all rows: less is none
_STEEP = 0.1  # of the gradient: a larger part where the rows within δ have no curvature goes first


@dataclass(frozen=True)
class HuberNewton(Solver):
    """Newton's method on the rows within δ, with a line search."""

    needs = frozenset({"gradient", "active_set"})

    def step(self, objective: Objective, state: State) -> State:
        """Go to the minimum of the quadratic of the rows within δ, or to the lowest point on the way."""
        term, n = objective.term, len(state.w)
        assert isinstance(term, HuberTerm)
        _, grad_w, grad_b = objective(state.w, state.b)
        size = n + objective.fit_intercept  # without an intercept, b does not move
        center = objective.mean if objective.fit_intercept else np.zeros(n)
        penalty = np.append(curvature_of(objective.penalty, objective.scale), 0.0)
        gradient = np.append(grad_w - center * grad_b, grad_b)[:size]
        residual = term.residuals(state.w, state.b)
        side = term.loss.side(residual)

        def curvature(rows: Mask) -> Array:
            return (term.curvature(rows, center) + np.diag(penalty))[:size, :size]

        within = curvature(side == 0)
        found, longest = _newton(within, gradient), 1.0
        if found is None:
            found, longest = _cautious(within, curvature(np.ones(len(side), dtype=bool)), gradient)
        move = np.append(found, [] if objective.fit_intercept else [0.0])
        move[-1] -= float(center @ move[:-1])
        change = term.along(move[:-1], float(move[-1]))
        if longest == inf or (term.loss.side(residual + change) != side).any():
            slope = float(objective.penalty.gradient(state.w / objective.scale) / objective.scale @ move[:-1])
            line = Line(residual, change, term.weights, slope, float(penalty @ move**2))
            move *= line.lowest(term.loss, longest)
        return state.moved(state.w + move[:-1], state.b + float(move[-1]))

    def __str__(self) -> str:
        return "newton"


def _newton(within: Array, gradient: Array) -> Array | None:
    """Return −H⁻¹g; None where H is singular but for rounding."""
    size = np.sqrt(np.diagonal(within))
    if not size.all():
        return None
    try:
        lower = lazy_scipy.cholesky(within / size / size[:, None], lower=True, check_finite=False)
    except lazy_scipy.LinAlgError:
        return None
    if np.diagonal(lower).min(initial=1.0) ** 2 <= noise(len(size)):
        return None
    return np.asarray(-lazy_scipy.cho_solve((lower, True), gradient / size, check_finite=False) / size)


def _cautious(within: Array, bound: Array, gradient: Array) -> tuple[Array, float]:
    """Return a direction where the rows within δ do not determine one, and the longest step on it.

    In coordinates in which the curvature of all rows is 1, the rows within δ have curvatures between 0 and 1. Where a
    large part of the gradient has none, the step goes down that part alone: the residuals of the rows within δ stay
    as they are, and further rows come within δ. Else it is Newton's in the other directions. Directions in which no
    prediction changes, since columns depend on each other, are excluded.
    """
    size = np.sqrt(np.diagonal(bound))
    size = np.where(size > 0.0, size, 1.0)
    values, vectors = lazy_scipy.eigh(bound / size / size[:, None], check_finite=False)
    kept = values > noise(len(values)) * values[-1]
    whiten = vectors[:, kept] / np.sqrt(values[kept])
    values, turn = lazy_scipy.eigh(whiten.T @ (within / size / size[:, None]) @ whiten, check_finite=False)
    basis = whiten @ turn / size[:, None]
    along = basis.T @ gradient
    flat = values <= _FLAT
    if np.linalg.norm(along[flat]) > _STEEP * np.linalg.norm(along):
        return np.asarray(-basis[:, flat] @ along[flat]), inf
    return np.asarray(-basis[:, ~flat] @ (along[~flat] / values[~flat])), 1.0


def with_scale(loss: Loss, data: TrainingData, target: int, least_squares: Callable[[], Training]) -> Loss:
    """Return a loss for one target: Huber's with the scale of the least-squares residuals, unless it has one.

    Where these are all rounding, any scale has the same minimum, L = 0: then it is infinite.

    Raises
    ------
    InputError
        If these residuals have no scale.
    """
    if not isinstance(loss, Huber) or loss.scale is not None:
        return loss
    assert data.rows is not None  # as for every loss but the squared error
    trained = least_squares()
    remedy = f"Set {setting('huber_scale')}."
    if trained.status is not Status.CONVERGED:
        raise InputError(f"Least squares did not converge, so its residuals give no scale. {remedy}")
    sizes, ulps = [], []
    for X, Y, *_ in data.rows:
        sizes.append(np.abs(residuals(X, Y[:, target], trained.w, trained.center, trained.b_center)))
        ulps.append(np.spacing(np.abs(Y[:, target]) + np.abs(X - trained.center) @ np.abs(trained.w)))
    size, rounding = np.concatenate(sizes), _ROUNDING * np.concatenate(ulps)
    if (size <= rounding).all():
        return loss.scaled(inf)
    weights = np.concatenate([np.ones(len(X)) if a is None else a for X, _, a, *_ in data.rows])
    scale = weighted_median(size, weights) / NORMAL
    if not scale > weighted_median(rounding, weights):
        raise InputError(
            f"Least squares fits half of the rows except for rounding, so its residuals give no scale. {remedy}"
        )
    return loss.scaled(scale)


def median_target(data: TrainingData, target: int) -> float:
    """Return from where a descent sees the target: one enormous outlier moves the mean so far that digits are lost."""
    assert data.rows is not None
    return float(np.median(np.concatenate([Y[:, target] for _, Y, *_ in data.rows])))


def weighted_median(values: Array, weights: Array) -> float:
    """Return the median, as if each value stood there as often as its weight says."""
    if (weights == weights[0]).all():
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weights[order])
    half = below[-1] / 2.0
    k = int(np.searchsorted(below, half))
    following = values[min(k + 1, len(values) - 1)] if below[k] == half else values[k]
    return float(values[k] + following) / 2.0


def least_squares(options: TrainOptions) -> TrainOptions:
    """Return the options of the least-squares fit from whose residuals the scale is taken."""
    return TrainOptions(
        fit_intercept=options.fit_intercept,
        alpha=options.alpha,
        penalty=options.penalty,
        over="rows",
        precision="float64",
    )
