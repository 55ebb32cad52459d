"""ŷ = (x − center)ᵀw + level by sums in a fixed order.

A matrix product adds in an order that depends on the shape of the block, the memory layout and the CPU. Here each row
is added by itself, always in the same order.
"""

from collections.abc import Iterator

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.numerics.error_free import fold_pairs, two_product, two_sum
from regress.numerics.threads import ordered_map

_CELLS = 2**16  # worked on at a time, so that they stay in the cache
_SUM = 128  # columns that einsum adds at a time: it splits longer rows, but only where they are many


def line(X: Array, w: Array, center: Array, level: float, n_jobs: int = 1) -> Array:
    """Return ŷ = (x − center)ᵀw + level for rows X (m, n): a row has the same bits alone and in any block.

    X may have any memory layout and type of number, or be what NumPy makes an array of. Each difference is rounded
    once. `einsum` calls one loop for each row, which adds up to 128 products of contiguous cells. The sums of these are
    added in pairs, and the level last. So the rounding is at most that of 130 + log₂(n/128) operations on
    |x − center|ᵀ|w| + |level|.
    """
    predicted, (m, n) = np.empty(len(X)), X.shape
    step = max(2 * _CELLS // max(n, 1), 1)
    centers = np.tile(center, min(step, m))  # one long subtraction is faster than a short one for each row

    def predict(starts: range) -> None:
        kept = np.empty(centers.size)  # made once: new memory each time costs a few percent
        with np.errstate(over="ignore", invalid="ignore"):  # a missing cell may be infinite or NaN
            for i in starts:
                block, rows = np.asarray(X[i : i + step]), predicted[i : i + step]
                flat = np.subtract(block.reshape(-1), centers[: block.size], out=kept[: block.size], dtype=np.float64)
                moved = flat.reshape(block.shape)
                sums = rows[None] if n <= _SUM else np.empty((-(-n // _SUM), len(rows)))
                for part, j in zip(sums, range(0, max(n, 1), _SUM), strict=True):
                    np.einsum("ij,j->i", moved[:, j : j + _SUM], w[j : j + _SUM], out=part)
                np.add(fold(sums), level, out=rows)

    starts = range(0, m, step)
    share = max(-(-len(starts) // n_jobs), 1)
    shares = [starts[k : k + share] for k in range(0, len(starts), share)]
    for _ in ordered_map(predict, shares, min(n_jobs, max(len(shares), 1))):
        pass
    return predicted


def check_range(values: Array, label: str) -> None:
    """Refuse predictions that are not finite, of rows of a table whose cells all are.

    Raises
    ------
    InputError
        If there are such.
    """
    if not np.isfinite(values).all():
        raise InputError(
            f"This model predicts numbers beyond the range of float64 on {label}. "
            "Compare its coefficients with the units of the columns."
        )


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
