"""Sums held as whole numbers of any length, which merge without rounding."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from regress.aggregates.moments import Moments, Shift
from regress.blocks import Array, Mask
from regress.numerics.integers import Exponents, Integers, ratio


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
        √Σ a ulp(z)² by column, in float64.
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


def moments_of(totals: Totals, targets: int) -> Moments:
    """Return the moments that float64 works on, from exact totals, each to the last bit or the one before."""
    p = len(totals.unit)
    n = p - 1 - targets
    weight = totals.fraction(0, 0)
    means = [totals.fraction(0, j) / weight for j in range(1, p)]
    shift = np.array([float(m) for m in means])
    rest = np.array([float(m - Fraction(s)) for m, s in zip(means, shift.tolist(), strict=True)])
    first, one = totals.value[0, 1:], int(totals.value[0, 0])
    centered = one * totals.value[1:, 1:] - np.outer(first, first)
    bits = np.vectorize(lambda v: int(v).bit_length(), otypes=[np.int64])(centered)
    extra = np.maximum(bits - 64, 0)
    exponent = extra + totals.unit[1:, None] + totals.unit[1:] - one.bit_length()
    with np.errstate(over="ignore"):  # reported by whoever knows the columns' names
        co = np.ldexp((centered >> extra.astype(object)).astype(np.float64), exponent) / ratio(one, one.bit_length())
    return Moments(
        totals.rows,
        float(weight),
        Shift(shift[:n], shift[n:]),
        rest[:n],
        rest[n:],
        np.ascontiguousarray(co[:n, :n]),
        np.ascontiguousarray(co[:n, n:]),
        np.diagonal(co)[n:].copy(),
    )
