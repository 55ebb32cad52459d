"""Error-free transformations: a sum or product of two doubles as an exact pair (high, low).

Sources: Knuth, *The Art of Computer Programming* 2, section 4.2.2 (two-sum); Dekker 1971 (split, two-product).
"""

import math

import numpy as np

from regress.blocks import Array

_SPLITTER = 2.0**27 + 1.0
_CELLS = 2**15  # that stay in the cache with their products


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return (s, e) with s = fl(a + b) and s + e = a + b exactly, whatever the magnitudes."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return (p, e) with p = fl(a·b) and p + e = a·b exactly, while no part over- or underflows."""

    def split(x: Array) -> tuple[Array, Array]:
        t = _SPLITTER * x
        high = t - (t - x)
        return high, x - high

    p = a * b
    (a1, a2), (b1, b2) = split(a), split(b)
    return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)


def fold_pairs(high: Array, low: Array) -> tuple[Array, Array]:
    """Return the sums of n pairs (n, m) as pairs (m,), as if added with twice the digits; overwrites what is given.

    The last half is added to the first, and again; what rounding takes from `high` goes to `low`.
    """
    n = len(high)
    while n > 1:
        half = n // 2
        high[:half], lost = two_sum(high[:half], high[n - half : n])
        low[:half] += low[n - half : n] + lost
        n -= half
    return two_sum(high[0], low[0]) if n else (np.zeros(high.shape[1]), np.zeros(high.shape[1]))


def matvec(X: Array, v: Array) -> tuple[Array, Array]:
    """Return Xv (m,) for X (m, n) as pairs (high, low), as if with twice the digits (Ogita, Rump, Oishi 2005)."""
    high, low = np.empty(len(X)), np.empty(len(X))
    step = max(_CELLS // max(X.shape[1], 1), 1)
    for i in range(0, len(X), step):
        rows = slice(i, i + step)
        high[rows], low[rows] = fold_pairs(*two_product(np.ascontiguousarray(X[rows].T), v[:, None]))
    return high, low


def dot(a: Array, b: Array, start: float = 0.0) -> float:
    """Return start + aᵀb, rounded once: the products are exact pairs and `math.fsum` adds them exactly."""
    high, low = two_product(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    return math.fsum([start, *high.tolist(), *low.tolist()])
