"""Sums of float64 values as integers, and the intercept that a center implies."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.numerics.error_free import two_product

_ROUNDING = Fraction(1, 2**50)  # of the terms of an intercept: a few units of their last place
_LEAST = Fraction(1, 2**1074)  # positive double


class WholeSum:
    """Σ of finite doubles without rounding, in any order and any parts: `units` of 2^-2300."""

    def __init__(self) -> None:
        self.units = 0  # which all bits of products of doubles are whole multiples of

    def add(self, values: Array) -> None:
        """Add numbers (m,)."""
        self._add(*np.frexp(values))

    def add_products(self, a: Array, b: Array) -> None:
        """Add products of numbers (m,)."""
        (part_a, exponent_a), (part_b, exponent_b) = np.frexp(a), np.frexp(b)
        for part in two_product(part_a, part_b):
            within, exponent = np.frexp(part)
            self._add(within, exponent + exponent_a + exponent_b)

    def _add(self, part: Array, exponent: "NDArray[np.integer[Any]]") -> None:
        digits = np.ldexp(part, 53).astype(np.int64)
        for e in np.unique(exponent).tolist():
            these = digits[exponent == e]
            high, low = these >> 26, these & (2**26 - 1)
            self.units += ((int(high.sum()) << 26) + int(low.sum())) << (e + 2300 - 53)

    def merge(self, other: "WholeSum") -> None:
        """Add another sum."""
        self.units += other.units

    def subtract(self, other: "WholeSum") -> None:
        """Take another sum away."""
        self.units -= other.units

    @property
    def fraction(self) -> Fraction:
        """The sum."""
        return Fraction(self.units, 2**2300)


def implied_intercept(w: Array, center: Array, b_center: float) -> Fraction:
    """Return the prediction at x = 0 of (x − center)ᵀw + b_center, without rounding."""
    return Fraction(b_center) - _products(center, w)


def contradicts(b: float, implied: Fraction, w: Array, center: Array, b_center: float) -> bool:
    """Tell whether b is another intercept than is implied by (x − center)ᵀw + b_center, whose terms are rounded."""
    size = abs(Fraction(b)) + abs(Fraction(b_center)) + _products(np.abs(center), np.abs(w))
    return abs(implied - Fraction(b)) > size * _ROUNDING + _LEAST


def _products(a: Array, b: Array) -> Fraction:
    return sum((Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x), Fraction(0))
