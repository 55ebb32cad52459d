"""Σ a z zᵀ and Σ a ulp(z)² in 64-bit integers, in units of each column.

Entry (i, j) is in units 2^(uᵢ + uⱼ + u_a), that of the weight a last. Where a column takes a larger unit, what there is
moves down by dᵢ + dⱼ + d_a powers of two. So two sums merge in the larger units of both.
"""

from collections.abc import Callable
from copy import copy
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Mask
from regress.numerics.integers import Exponents, Integers, fractions
from regress.numerics.levels import Digits, Levels

T = TypeVar("T", bound=np.generic)

_ULP = -52  # exponent of the distance from 1 to the next double
_OF_ONE = -20  # exponent of a unit that suits a weight of 1
_HIGHEST = 1 << 20  # above the exponent of every bit


class Sums(NamedTuple):
    """Entry (i, j) is ``value[i, j] · 2^(unit[i] + unit[j])``; Σ a ulp(z)² by column."""

    value: Integers
    unit: Exponents
    noise: Integers


class UnitSums:
    """Sums over rows z, or rows [z, a].

    Parameters
    ----------
    size : int
        Of z.
    weighted : bool
        Whether rows have a weight a, after z.

    Attributes
    ----------
    unit : array of integers of shape (size,) or (size + 1,)
        Exponents of the units of columns, and of the weight.
    seen : array of bool of the same shape
        Which columns have a cell that is not zero, and so need their unit.
    products : Levels
        Σ a z zᵀ, on and above its diagonal; below is nothing to rely on.
    squares : Levels
        Σ a (2^52 ulp(z))².
    """

    def __init__(self, size: int, weighted: bool) -> None:
        self.size, self.weighted = size, weighted
        self.unit: Exponents = np.zeros(size + weighted, dtype=np.int64)
        self.seen: Mask = np.zeros(size + weighted, dtype=bool)
        self.products = Levels(size, size)
        self.squares = Levels(size)

    def use(self, unit: Exponents, columns: Mask) -> None:
        """Use the given units for some columns, where they are larger than those in use or the first."""
        raised = np.where(self.seen, np.maximum(self.unit, unit), unit)
        unit = np.where(columns, raised, self.unit)
        self.products, self.squares = self._in_units(unit)
        self.unit, self.seen = unit, self.seen | columns

    def merge(self, other: "UnitSums") -> None:
        """Add the sums over other rows."""
        self.use(other.unit, other.seen)
        products, squares = other._in_units(self.unit)
        self.products.merge(products)
        self.squares.merge(squares)

    def _in_units(self, unit: Exponents) -> tuple[Levels, Levels]:
        """Return products and squares in units at least as large."""
        down = np.where(self.seen, unit - self.unit, 0)
        if not down.any():
            return self.products, self.squares
        d, of_a = down[: self.size], int(down[self.size]) if self.weighted else 0
        return self.products.below(d[:, None] + d + of_a), self.squares.below(2 * d + of_a)

    def negated(self) -> "UnitSums":
        """Return the sums with the other sign."""
        other = copy(self)
        other.products = self.products.rearranged(np.negative, *self.products.shape)
        other.squares = self.squares.rearranged(np.negative, *self.squares.shape)
        return other

    def with_fives(self, powers: Exponents, of_weight: int) -> "UnitSums":
        """Return the sums over rows in which column i is multiplied by 5^powers[i], and the weight by 5^of_weight."""
        other = copy(self)
        other.products = self.products.with_fives(powers[:, None] + powers + of_weight)
        other.squares = self.squares.with_fives(2 * powers + of_weight)
        return other

    def nonzero(self) -> Mask:
        """Tell which columns are not zero in all rows."""
        return self.products.rearranged(lambda digits: np.diagonal(digits).copy(), self.size).nonzero()

    def with_weights(self) -> "UnitSums":
        """Return the sums over the same rows, each with weight 1."""
        other = UnitSums(self.size, True)
        other.unit, other.seen = np.append(self.unit, _OF_ONE), np.append(self.seen, self.seen.any())
        other.products = self.products.below(np.full(self.products.shape, _OF_ONE))
        other.squares = self.squares.below(np.full(self.squares.shape, _OF_ONE))
        return other

    def arranged(self, at: Exponents, size: int) -> "UnitSums":
        """Return the sums over rows in which column i is column ``at[i]``, and all others are zeros."""
        wide = UnitSums(size, self.weighted)
        with_a = np.append(at, size) if self.weighted else at
        wide.unit[with_a], wide.seen[with_a] = self.unit, self.seen
        wide.products = self.products.rearranged(_placed(at, size), size, size)
        wide.squares = self.squares.rearranged(lambda digits: filled(size, at, digits), size)
        return wide

    def finish(self) -> Sums:
        """Return the sums as integers of any length, in units that depend on the sums alone."""
        i, j = above = np.triu_indices(self.size)
        old, of_a = self.unit[: self.size], self.unit[self.size :].sum()
        products = self.products.rearranged(itemgetter(above), len(i))
        scale = old[i] + old[j] + of_a
        lowest: Exponents = np.zeros((self.size, self.size), dtype=np.int64)
        lowest[above] = lowest.T[above] = np.minimum(products.lowest_bits(none=2 * _HIGHEST) + scale, _HIGHEST)
        least = lowest.min(1)
        unit = np.where(least < _HIGHEST, least // 2, 0)  # so those of i and j are enough for ij
        entries, exponent = products.scaled(scale - unit[i] - unit[j]).integers()
        value: Integers = np.zeros((self.size, self.size), dtype=object)
        value[above] = value.T[above] = entries << exponent
        squares, exponent = self.squares.integers()
        noise = fractions(squares.tolist(), (2 * (old + _ULP) + of_a + exponent).tolist())
        return Sums(value, unit, np.array(noise, dtype=object))

    def entries(self, at: Exponents) -> tuple[Levels, Levels]:
        """Return Σ a zᵢzⱼ, i ≤ j, and Σ a (2^52 ulp(z))² of columns z[at], in units of 1: equal sums, equal digits."""
        i, j = np.triu_indices(len(at))
        one, other = np.minimum(at[i], at[j]), np.maximum(at[i], at[j])
        of_a = self.unit[self.size :].sum()
        products = self.products.rearranged(itemgetter((one, other)), len(i))
        squares = self.squares.rearranged(itemgetter(at), len(at))
        return products.scaled(self.unit[one] + self.unit[other] + of_a), squares.scaled(2 * self.unit[at] + of_a)

    @classmethod
    def of_entries(cls, products: Levels, squares: Levels) -> "UnitSums":
        """Return the sums that have these entries."""
        (size,) = squares.shape
        above = np.triu_indices(size)
        sums = cls(size, weighted=False)

        def place(digits: Digits) -> Digits:
            wide = np.zeros((size, size), dtype=np.int64)
            wide[above] = digits
            return wide

        sums.products, sums.squares = products.rearranged(place, size, size), squares
        sums.seen = sums.nonzero()
        return sums


def filled(size: int, at: Exponents, values: NDArray[T]) -> NDArray[T]:
    """Return an array of this many rows: the given ones at their places, and zeros."""
    wide = np.zeros((size, *values.shape[1:]), dtype=values.dtype)
    wide[at] = values
    return wide


def _placed(at: Exponents, size: int) -> Callable[[Digits], Digits]:
    """Return what puts a matrix that is known above its diagonal into a larger symmetric one."""

    def place(digits: Digits) -> Digits:
        wide = np.zeros((size, size), dtype=np.int64)
        wide[np.ix_(at, at)] = np.triu(digits) + np.triu(digits, 1).T
        return wide

    return place
