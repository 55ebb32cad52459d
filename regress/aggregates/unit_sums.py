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

    def with_weights(self) -> "UnitSums":
        """Return the sums over the same rows, each with weight 1."""
        other = UnitSums(self.size, True)
        other.unit, other.seen = np.append(self.unit, _OF_ONE), np.append(self.seen, self.seen.any())
        other.products = self.products.below(np.full(self.products.shape, _OF_ONE))
        other.squares = self.squares.below(np.full(self.squares.shape, _OF_ONE))
        return other

    def possible(self) -> bool:
        """Tell whether some rows may have these Σa, Σaz², Σa(z − z̄)² and Σa ulp(z)²; column 0 holds ones."""
        at = np.arange(self.size)
        chosen = np.concatenate([np.zeros_like(at), at]), np.concatenate([at, at])
        entries, _ = self.products.rearranged(itemgetter(chosen), 2 * self.size).integers()
        first, diagonal = np.split(entries, 2)
        squares, _ = self.squares.integers()
        return diagonal[0] > 0 and min(*diagonal, *squares) >= 0 and bool((diagonal[0] * diagonal >= first**2).all())

    def arranged(self, at: Exponents, size: int) -> "UnitSums":
        """Return the sums over rows in which column i is column ``at[i]``, and all others are zeros."""
        wide = UnitSums(size, self.weighted)
        with_a = np.append(at, size) if self.weighted else at
        wide.unit[with_a], wide.seen[with_a] = self.unit, self.seen
        wide.products = self.products.rearranged(_placed(at, size), size, size)
        wide.squares = self.squares.rearranged(lambda digits: filled(size, at, digits), size)
        return wide

    def finish(self) -> Sums:
        """Return the sums as integers of any length."""
        of_a = int(self.unit[self.size]) if self.weighted else 0
        unit, above = self.unit[: self.size], np.triu_indices(self.size)
        entries, exponent = self.products.rearranged(itemgetter(above), len(above[0])).integers()
        exponent += of_a
        value: Integers = np.zeros((self.size, self.size), dtype=object)
        value[above] = entries << (exponent % 2)
        value.T[above] = value[above]
        squares, of_squares = self.squares.integers()
        steps = (2 * (unit + _ULP) + of_squares + of_a).tolist()
        noise = fractions(squares.tolist(), steps)
        return Sums(value, unit + exponent // 2, np.array(noise, dtype=object))


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
