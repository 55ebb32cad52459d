"""How well a fit predicts rows held out, and the spread of y that errors are measured by."""

from fractions import Fraction
from math import inf, nan

import numpy as np

from regress.aggregates.exact_sums import exact_totals
from regress.aggregates.held_out import HeldOut
from regress.aggregates.moments import Moments
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block
from regress.numerics.integers import power, rounded
from regress.numerics.prediction import residuals
from regress.objective import gradient
from regress.objective.scaling import Coordinates

_IQR_OF_NORMAL = 1.349  # interquartile range of a normal variable, in standard deviations


def r2(held: HeldOut, w: Array, center: Array, b_center: float) -> float:
    """Return R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)² of ŷ = (x − center)ᵀw + b_center over rows held out; NaN for a constant y.

    Computed from exact totals, it is rounded once. Computed from rows, their residuals are rounded once too. Both have
    the same bits in any order of the rows.
    """
    if not np.isfinite([*w, *center, b_center]).all():
        return nan
    if held.moments is not None:
        return _of_moments(held.moments, w, center, b_center)
    if held.totals is not None:
        return _share(_error(held.totals, w, center, b_center), held.totals)
    found = [residuals(X, Y[:, 0], w, center, b_center) for X, Y, *_ in held.rows]
    if not all(np.isfinite(e).all() for e in found):
        return -inf
    totals = exact_totals(Block(e[:, None], rows.Y, rows.weights) for e, rows in zip(found, held.rows, strict=True))
    return _share(totals.fraction(1, 1), totals)


class LargestMove:
    """The largest |(x − center)ᵀδ + δ₀| of any row: how far a change δ of the coefficients moves a prediction."""

    def __init__(self, distance: Array, center: Array, at_center: float) -> None:
        self._distance, self._center, self._at_center = distance, center, at_center
        self._most = 0.0

    def add(self, block: Block) -> None:
        """Add rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            moves = np.abs((block.X - self._center) @ self._distance + self._at_center)
        self._most = max(self._most, float(moves.max(initial=0.0)))

    def merge(self, other: "LargestMove") -> None:
        """Add the rows of another."""
        self._most = max(self._most, other._most)

    def finish(self) -> float:
        """Return the largest so far."""
        return self._most


def _share(error: Fraction, totals: Totals) -> float:
    """Return 1 − error/Σa(y − ȳ)², from totals of one first and y last."""
    square = totals.fraction(-1, -1) - totals.fraction(0, -1) ** 2 / totals.fraction(0, 0)
    return rounded(1 - error / square) if square else nan


def _error(totals: Totals, w: Array, center: Array, b_center: float) -> Fraction:
    """Return Σa(ŷ − y)² = uᵀTu without rounding, for u = [b, w, −1] and totals T of [1, x, y]."""
    slopes = [Fraction(v) for v in w.tolist()]
    b = Fraction(b_center) - sum(v * Fraction(c) for v, c in zip(slopes, center.tolist(), strict=True))
    u = [v * power(unit) for v, unit in zip([b, *slopes, Fraction(-1)], totals.unit.tolist(), strict=True)]
    common = max(v.denominator for v in u)  # powers of two
    whole = np.array([int(v * common) for v in u], dtype=object)
    return Fraction(int(whole @ totals.value @ whole), totals.divisor * common**2)


def _of_moments(moments: Moments, w: Array, center: Array, b_center: float) -> float:
    form = Coordinates(center, np.ones(len(w)), 0.0).moments(moments, 0)
    error = max(gradient.moments(form, w, b_center).value, 0.0)
    return float(1.0 - error / form.square) if form.square > 0 else nan


def spread(y: Array, sd: float) -> float:
    """Return the smaller of sd(y) and IQR(y)/1.349, so that outliers hide no error; sd(y) where the IQR is 0.

    Quartiles count each row once, whatever its weight.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # quartiles near the ends of the range of a double
        low, high = np.quantile(y, [0.25, 0.75])
        robust = float(high - low) / _IQR_OF_NORMAL
    return min(sd, robust) if robust > 0 else sd
