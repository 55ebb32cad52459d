"""ŷ = (x − center)ᵀw + level by sums in a fixed order.

A matrix product adds in an order that depends on the shape of the block, the memory layout and the CPU. Here every step
is an elementwise addition or multiplication, which IEEE arithmetic rounds in one way only.
"""

from collections.abc import Iterator

import numpy as np

from regress.blocks import Array
from regress.numerics.error_free import fold_pairs, two_product, two_sum

_CELLS = 2**16  # worked on at a time, so that they stay in the cache


def line(X: Array, w: Array, center: Array, level: float) -> Array:
    """Return ŷ = (x − center)ᵀw + level for rows X (m, n): a row has the same bits alone and in any block.

    Each difference and each product is rounded once. The products are added in pairs, as `fold` does, and the level
    last. This rounding is no larger than what rounding w has done, so more digits would gain nothing.
    """
    predicted = np.empty(len(X))
    with np.errstate(over="ignore", invalid="ignore"):  # a missing cell may be infinite or NaN
        for rows in chunks(len(X), len(w)):
            terms = np.subtract(X[rows].T, center[:, None], order="C")
            terms *= w[:, None]
            predicted[rows] = fold(terms) + level
    return predicted


def residuals(X: Array, y: Array, w: Array, center: Array, level: float) -> Array:
    """Return ŷ − y (m,) as if computed with twice the digits and rounded once: right where ŷ and y nearly agree.

    A row has the same bits alone and in any block.
    """
    found = np.empty(len(X))
    scale = np.ldexp(1.0, np.frexp(w)[1] - 1)  # powers of two: no part of a product is then out of range
    for rows in chunks(len(X), len(w)):
        moved, lost = two_sum(X[rows].T, -center[:, None])
        high, low = two_product(moved * scale[:, None], (w / scale)[:, None])
        low += lost * w[:, None]
        ends = np.array([np.full(high.shape[1], level), -y[rows]])
        high, low = fold_pairs(np.concatenate([high, ends]), np.concatenate([low, np.zeros_like(ends)]))
        found[rows] = high + low
    return found


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices of rows that fit in the cache."""
    step = max(_CELLS // max(columns, 1), 1)
    for i in range(0, rows, step):
        yield slice(i, i + step)


def fold(terms: Array) -> Array:
    """Return the sums (m,) of n terms (n, m), which it overwrites: the last half is added to the first, and again."""
    n = len(terms)
    while n > 1:
        half = n // 2
        terms[:half] += terms[n - half : n]
        n -= half
    return terms[0] if n else np.zeros(terms.shape[1])
