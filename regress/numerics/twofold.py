"""Error-free transformations: a sum or product of two doubles as an exact pair (high, low).

Sources: Knuth, *The Art of Computer Programming* 2, section 4.2.2 (two-sum); Dekker 1971 (split, two-product).
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

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


def matvec(X: Array, v: Array) -> tuple[Array, Array]:
    """Return Xv (m,) for X (m, n) as a pair (high, low), as if with twice the digits (Ogita, Rump, Oishi 2005)."""
    high, low = np.zeros(len(X)), np.zeros(len(X))
    step = max(_CELLS // max(X.shape[1], 1), 1)
    for i in range(0, len(X), step):
        part, rest = two_product(X[i : i + step], v)
        while part.shape[1] > 1:  # halves are added until one column is left
            half, odd = divmod(part.shape[1], 2)
            total, lost = two_sum(part[:, :half], part[:, half : 2 * half])
            lost += rest[:, :half] + rest[:, half : 2 * half]
            part = np.concatenate([total, part[:, 2 * half :]], axis=1) if odd else total
            rest = np.concatenate([lost, rest[:, 2 * half :]], axis=1) if odd else lost
        if part.shape[1]:
            high[i : i + step], low[i : i + step] = two_sum(part[:, 0], rest[:, 0])
    return high, low


def dot(a: Array, b: Array, start: float = 0.0) -> float:
    """Return start + aᵀb, rounded once: the products are exact pairs and `math.fsum` adds them exactly."""
    high, low = two_product(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    return math.fsum([start, *high.tolist(), *low.tolist()])


def row_dots(X: Array, w: Array, start: tuple[float, float], y: Array) -> Array:
    """Return start + Xw − y (m,), each with an error of a few 2^-106 of its largest term, and rounded.

    `start` is a pair (high, low).
    """
    high, low = two_product(X, w)
    rest = low.sum(1) + start[1]
    high = np.column_stack([high, np.full(len(X), start[0]), -y])
    while high.shape[1] > 1:  # by pairs, so that there are few steps
        if high.shape[1] % 2:
            high = np.pad(high, ((0, 0), (0, 1)))
        high, low = two_sum(high[:, ::2], high[:, 1::2])
        rest += low.sum(1)
    return np.asarray(high[:, 0] + rest)
