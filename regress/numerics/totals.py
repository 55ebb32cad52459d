"""Sums held as whole numbers of any length, which merge without rounding."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.numerics.twofold import Array, Mask, two_product

Integers = NDArray[np.object_]  # Python's, of any length
Exponents = NDArray[np.int64]
_ROUNDING = Fraction(1, 2**50)  # of the terms of an intercept: a few units of their last place
_LEAST = Fraction(1, 2**1074)  # positive double


class Totals:
    """Σ a z zᵀ as whole numbers: entry (i, j) is ``value[i, j] · 2^(unit[i] + unit[j])``.

    Attributes
    ----------
    value : array of Python integers of shape (p, p)
        Symmetric.
    unit : array of integers of shape (p,)
        Exponents of the columns' units.
    rows : int
        Rows counted.
    ulps : array of shape (p,)
        √Σ a ulp(z)² by column, in double.
    whole : array of bool of shape (p,)
        Whether all values of the column are whole numbers below 2^53.
    """

    def __init__(self, columns: int) -> None:
        self.ulps = np.zeros(columns)
        self.whole: Mask = np.ones(columns, dtype=bool)
        self.value: Integers = np.zeros((columns, columns), dtype=object)
        self.unit = np.zeros(columns, dtype=np.int64)
        self.rows = 0

    def add(self, value: Integers, unit: Exponents) -> None:
        """Add other totals, in their own units."""
        low = np.where(_occupied(self.value), np.where(_occupied(value), np.minimum(self.unit, unit), self.unit), unit)
        self.value = _in_units(self.value, self.unit, low) + _in_units(value, unit, low)
        self.unit = low

    def merge(self, other: "Totals") -> "Totals":
        """Add the totals of other rows to these, and return these."""
        self.add(other.value, other.unit)
        self.rows += other.rows
        self.ulps = np.hypot(self.ulps, other.ulps)
        self.whole &= other.whole
        return self

    @property
    def rounding(self) -> Array:
        """√Σ a ulp(z)² by column, and zero for whole numbers: what rounding of the stored values may hide."""
        return np.where(self.whole, 0.0, self.ulps)

    def arranged(self, order: Sequence[int]) -> "Totals":
        """Return the totals of these columns in order; columns beyond the last are zeros."""
        size = max([len(self.unit), *(j + 1 for j in order)])
        wide = Totals(size)
        held = slice(len(self.unit))
        wide.value[held, held], wide.unit[held] = self.value, self.unit
        wide.ulps[held], wide.whole[held] = self.ulps, self.whole
        out = Totals(len(order))
        out.value, out.unit = wide.value[np.ix_(order, order)], wide.unit[order]
        out.ulps, out.whole = wide.ulps[order], wide.whole[order]
        out.rows = self.rows
        return out

    def fraction(self, i: int, j: int) -> Fraction:
        """Return one entry."""
        return Fraction(int(self.value[i, j])) * Fraction(2) ** int(self.unit[i] + self.unit[j])


def _occupied(value: Integers) -> Mask:
    nonzero = value != 0
    return np.asarray(nonzero.any(0) | nonzero.any(1), dtype=bool)


def _in_units(value: Integers, unit: Exponents, low: Exponents) -> Integers:
    """Write totals in other units, at least as fine where a column holds anything."""
    shift = np.where(_occupied(value), unit - low, 0).astype(object)
    return value << (shift[:, None] + shift) if shift.any() else value


class WholeSum:
    """Σ of finite doubles without rounding, in any order and any parts."""

    def __init__(self) -> None:
        self._units = 0  # of 2^-2300, which all bits of products of doubles are whole multiples of

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
            self._units += ((int(high.sum()) << 26) + int(low.sum())) << (e + 2300 - 53)

    @property
    def fraction(self) -> Fraction:
        """The sum."""
        return Fraction(self._units, 2**2300)


def implied_intercept(w: Array, center: Array, b_center: float) -> Fraction:
    """Return the prediction at x = 0 of (x − center)ᵀw + b_center, without rounding."""
    total = WholeSum()
    total.add(np.array([b_center]))
    total.add_products(-center, w)
    return total.fraction


def contradicts(b: float, w: Array, center: Array, b_center: float) -> bool:
    """Tell whether b is another intercept than that of (x − center)ᵀw + b_center, whose terms are rounded."""
    size = WholeSum()
    size.add(np.abs([b, b_center]))
    size.add_products(np.abs(center), np.abs(w))
    return abs(implied_intercept(w, center, b_center) - Fraction(b)) > size.fraction * _ROUNDING + _LEAST
