"""Sums of float64 values as integers, and the intercept that a center implies."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.numerics.error_free import two_product
from regress.numerics.integers import rounded

_UNIT = 2300  # sums are multiples of 2^-2300, as all bits of products of doubles are

_ROUNDING = Fraction(1, 2**50)  # of the terms of an intercept: a few units of their last place
_LEAST = Fraction(1, 2**1074)  # positive double


class WholeSum:
    """Σ of finite doubles without rounding, in any order and any parts: `units` of 2^-2300."""

    def __init__(self) -> None:
        self.units = 0

    def add(self, values: Array) -> None:
        """Add numbers (m,)."""
        self.units += _units(*np.frexp(values[:, None]))[0]

    def add_products(self, a: Array, b: Array) -> None:
        """Add products of numbers (m,)."""
        (part_a, exponent_a), (part_b, exponent_b) = np.frexp(a), np.frexp(b)
        for part in two_product(part_a, part_b):
            within, exponent = np.frexp(part[:, None])
            self.units += _units(within, exponent + (exponent_a + exponent_b)[:, None])[0]

    def merge(self, other: "WholeSum") -> None:
        """Add another sum."""
        self.units += other.units

    def subtract(self, other: "WholeSum") -> None:
        """Take another sum away."""
        self.units -= other.units

    @property
    def fraction(self) -> Fraction:
        """The sum."""
        return Fraction(self.units, 2**_UNIT)


class WholeSums:
    """Σ of doubles by column (n,) without rounding, in any order and any parts; infinite where one is not finite."""

    def __init__(self, n: int) -> None:
        self._units, self._infinite = [0] * n, np.zeros(n, dtype=bool)

    def add(self, values: Array) -> None:
        """Add rows (m, n)."""
        finite = np.isfinite(values)
        if not finite.all():
            self._infinite |= ~finite.all(0)
            values = np.where(finite, values, 0.0)
        self._take(_units(*np.frexp(values)))

    def merge(self, other: "WholeSums") -> None:
        """Add other sums."""
        self._infinite |= other._infinite
        self._take(other._units)

    def finish(self) -> Array:
        """Return the sums, each rounded once."""
        sums = np.array([rounded(Fraction(units, 2**_UNIT)) for units in self._units])
        return np.where(self._infinite, np.inf, sums)

    def _take(self, units: list[int]) -> None:
        self._units = [mine + more for mine, more in zip(self._units, units, strict=True)]


def _units(part: Array, exponent: "NDArray[np.integer[Any]]") -> list[int]:
    """Return Σ part · 2^exponent by column of up to 2^26 rows (m, n), in units of 2^-2300."""
    units = [0] * part.shape[1]
    if not part.size:
        return units
    digits, least = np.ldexp(part, 53).astype(np.int64), int(exponent.min())
    span = int(exponent.max()) - least + 1
    at = (exponent - least + span * np.arange(len(units))).ravel()
    high, low = (np.bincount(at, half.ravel()) for half in (digits >> 26, digits & (2**26 - 1)))  # sums below 2^53
    for k in np.flatnonzero((high != 0.0) | (low != 0.0)).tolist():
        units[k // span] += ((int(high[k]) << 26) + int(low[k])) << (k % span + least + _UNIT - 53)
    return units


def implied_intercept(w: Array, center: Array, b_center: float) -> Fraction:
    """Return the prediction at x = 0 of (x − center)ᵀw + b_center, without rounding."""
    return Fraction(b_center) - _products(center, w)


def contradicts(b: float, implied: Fraction, w: Array, center: Array, b_center: float) -> bool:
    """Tell whether b is another intercept than is implied by (x − center)ᵀw + b_center, whose terms are rounded."""
    size = abs(Fraction(b)) + abs(Fraction(b_center)) + _products(np.abs(center), np.abs(w))
    return abs(implied - Fraction(b)) > size * _ROUNDING + _LEAST


def _products(a: Array, b: Array) -> Fraction:
    return sum((Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x), Fraction(0))
