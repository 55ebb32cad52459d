"""Iterative refinement over the rows: it restores digits that the square of a condition number cost.

With at least as many columns as rows, the minimum-norm solution is w = Xᵀq. The residual of q is computed with twice
the digits of float64, and q is held in pairs. Steps go on until they no longer shrink (Higham 2002, chapter 12). Then w
is rounded once.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import fsum
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Block
from regress.numerics.error_free import matvec, two_sum
from regress.solvers.hessian_rows import DualCurvature

_DONE = 2.0**-58  # part of a coefficient that its last bit does not depend on


class DoublePair(NamedTuple):
    """Numbers (n,) as high + low."""

    high: Array
    low: Array

    @staticmethod
    def zeros(size: int) -> "DoublePair":
        """Return zeros."""
        return DoublePair(np.zeros(size), np.zeros(size))

    @property
    def fractions(self) -> list[Fraction]:
        """The numbers, exactly."""
        return [Fraction(h) + Fraction(v) for h, v in zip(self.high.tolist(), self.low.tolist(), strict=True)]

    def plus(self, change: Array) -> "DoublePair":
        """Add numbers that are smaller."""
        high, lost = two_sum(self.high, change)
        return DoublePair(*two_sum(high, self.low + lost))


class Polished(NamedTuple):
    """w (n,) and b, unrounded, and how far the last step moved w, which is more than it is still off."""

    w: DoublePair
    b: DoublePair
    moved: Array


def polish(
    blocks: Sequence[Block], target: int, alpha: float, fit_intercept: bool, curvature: DualCurvature
) -> Polished | None:
    """Return the w and b of least norm that minimize Σa(ŷ − y)² + α‖w‖²; None where steps do not shrink.

    They shrink while κ² is below 10^15 or so.
    """
    X = np.concatenate([block.X for block in blocks])
    y = np.concatenate([block.Y[:, target] for block in blocks])
    a = np.concatenate([np.ones(len(X)) if a is None else a for X, _, a, *_ in blocks])
    q, b, w, last = DoublePair.zeros(len(X)), DoublePair.zeros(1), DoublePair.zeros(X.shape[1]), np.inf
    while True:
        high, low = two_sum(y, np.broadcast_to(-b.high, y.shape))
        of_w, of_low = matvec(X, w.high)
        rest, lost = two_sum(high, -of_w)  # y − ŷ − αq/a, large parts first
        rest += lost + (low - b.low - of_low - X @ w.low) - alpha * q.high / a
        level = float(a @ rest / a.sum()) if fit_intercept else 0.0
        move = curvature.combination(rest - level)
        q, b, size = q.plus(move), b.plus(np.array([level])), float(np.abs(move).max(initial=0.0))
        if fit_intercept:  # 1ᵀq = 0, to the last bit of the pairs: else w leaves the space of the centered rows
            q = q.plus(np.full(len(X), -fsum([*q.high.tolist(), *q.low.tolist()]) / len(X)))
        w, moved = combined(X, q), np.abs(X.T @ move)
        if (moved <= _DONE * np.abs(w.high)).all() and abs(level) <= _DONE * abs(b.high[0]):
            return Polished(w, b, moved)
        if not size < last / 2.0:
            return None
        last = size


def combined(X: Array, q: DoublePair) -> DoublePair:
    """Return Xᵀq."""
    high, low = matvec(X.T, q.high)
    return DoublePair(*two_sum(high, low + X.T @ q.low))
