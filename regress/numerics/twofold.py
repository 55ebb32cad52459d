"""Error-free transformations: a sum or product of two doubles as an exact pair (high, low).

Sources: Knuth, *The Art of Computer Programming* 2, section 4.2.2 (two-sum); Dekker 1971 (split, two-product).
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SPLITTER = 2.0**27 + 1.0


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


def dot(a: Array, b: Array, start: float = 0.0) -> float:
    """Return start + aᵀb, rounded once: the products are exact pairs and `math.fsum` adds them exactly."""
    high, low = two_product(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    return math.fsum([start, *high.tolist(), *low.tolist()])
