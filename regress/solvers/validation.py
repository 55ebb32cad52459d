"""The loss on rows held out, at every point of a descent."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from regress.aggregates.held_out import HeldOut
from regress.aggregates.moments import Moments
from regress.aggregates.totals import Totals, moments_of
from regress.blocks import Array
from regress.errors import InputError
from regress.numerics.integers import rounded
from regress.numerics.prediction import residuals
from regress.objective.losses import Loss
from regress.objective.scaling import Coordinates


def validation_loss(held: HeldOut, loss: Loss, coordinates: Coordinates) -> Callable[[Array, float], float]:
    """Return L on rows held out, as a function of w and b in the coordinates of the descent.

    From sums it takes O(n²): about a point w₀ that minimizes L on these rows, up to rounding,

        L(w, b) = L(w₀) + 2eᵀ(w − w₀) + (w − w₀)ᵀG(w − w₀) + W(b + x̄ᵀw − ȳ)²,  e = Gw₀ − c,

    where L(w₀) and e are computed without rounding if the sums are exact. The usual s − 2cᵀw + wᵀGw would lose the
    digits of a loss that is small next to s.

    Raises
    ------
    InputError
        If squares of the rows are beyond float64.
    """
    if held.rows:
        return _of_rows(held, loss, coordinates)
    moments = held.moments if held.totals is None else moments_of(held.totals, held.totals.targets)
    assert moments is not None
    if not np.isfinite([*np.diagonal(moments.xx), moments.yy[0]]).all():
        raise InputError(
            "The squares of the validation rows overflow float64: a value is above 1e150. Rescale the largest columns."
        )
    nearest = np.linalg.lstsq(*_scaled(moments), rcond=None)[0] / _norms(moments)
    least, error = _at(held.totals, nearest) if held.totals is not None else _near(moments, nearest)
    origin = (moments.shift.x - coordinates.origin) + moments.mean_x
    level = float((moments.shift.y[0] - coordinates.target_origin) + moments.mean_y[0])

    def evaluate(w: Array, b: float) -> float:
        user = w / coordinates.scale
        away, off = user - nearest, b + float(origin @ user) - level
        return least + 2.0 * float(error @ away) + float(away @ moments.xx @ away) + moments.weight * off * off

    return evaluate


def _of_rows(held: HeldOut, loss: Loss, coordinates: Coordinates) -> Callable[[Array, float], float]:
    def evaluate(w: Array, b: float) -> float:
        user, level = coordinates.to_user(w, b)
        total = 0.0
        for X, Y, weights, *_ in held.rows:
            e = -residuals(X, Y[:, 0], user, coordinates.origin, level)  # ŷ − y
            total += float(loss.value(e, np.zeros_like(e), 1.0 if weights is None else weights, np))
        return total

    return evaluate


def _norms(moments: Moments) -> Array:
    norm = np.sqrt(np.diagonal(moments.xx))
    return np.where(norm > 0, norm, 1.0)


def _scaled(moments: Moments) -> tuple[Array, Array]:
    norm = _norms(moments)
    return moments.xx / norm / norm[:, None], moments.xy[:, 0] / norm


def _near(moments: Moments, w: Array) -> tuple[float, Array]:
    """Return L(w) and Gw − c as float64 sees them."""
    cross = moments.xy[:, 0]
    Gw = moments.xx @ w
    return max(float(moments.yy[0] - 2.0 * cross @ w + w @ Gw), 0.0), Gw - cross


def _at(totals: Totals, w: Array) -> tuple[float, Array]:
    """Return L(w), with the best b for it, and Gw − c, each rounded once."""
    p = len(totals.unit)
    first = totals.first
    rows = [[totals.fraction(i, j) for j in range(p)] for i in range(1, p)]
    centered = [
        [v - first[i] * m / first[0] for v, m in zip(row[1:], first[1:], strict=True)] for i, row in enumerate(rows, 1)
    ]
    u = [*map(Fraction, w.tolist()), Fraction(-1)]
    slopes = [sum((g * v for g, v in zip(row, u, strict=True)), Fraction(0)) for row in centered]
    least = sum((s * v for s, v in zip(slopes, u, strict=True)), Fraction(0))
    return rounded(least), np.array([rounded(s) for s in slopes[:-1]])
