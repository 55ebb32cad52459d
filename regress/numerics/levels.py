"""Integers of any length in arrays of 64-bit digits: added, carried, shifted and merged, never rounded.

A number is Σₖ dₖ 2^(−23k). The digits dₖ of all numbers for one k are an array, the level k. After a carry a digit is
at most 2^22; between carries it may be a sum of `_SUMS` numbers of at most 2^53. Digits are of both signs, so that a
small negative number does not fill the levels above it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Mask
from regress.numerics.integers import Exponents, Integers

Digits = NDArray[np.int64]

BITS = 23  # between two levels
_HALF = 1 << (BITS - 1)
_SUMS = 1000  # of at most 2^53 each that fit in a digit
_ROOM = 53 - BITS  # bits that a carried digit may be moved up by, and is at most one such sum
_FIVES = 12  # powers of five that a carried digit may be multiplied by, and is at most one such sum


class Levels:
    """An array of integers, zeros at first.

    Parameters
    ----------
    *shape : int
        Of the array.

    Attributes
    ----------
    digits : dict of arrays
        By level; those of a level that is not there are zeros.
    """

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.digits: dict[int, Digits] = {}
        self._sums = 0  # that a digit may hold

    def __getstate__(self) -> dict[str, Any]:
        self.carry()
        small = {level: digits.astype(np.int32) for level, digits in self.digits.items()}
        return {**self.__dict__, "digits": small}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.digits = {level: digits.astype(np.int64) for level, digits in self.digits.items()}

    def make_room(self, sums: int) -> None:
        """Make room for this many sums of at most 2^53 at every level."""
        if self._sums + sums > _SUMS:
            self.carry()
        self._sums += sums

    def add(self, level: int, digits: Digits) -> None:
        """Add to a level, which takes what is given."""
        if level in self.digits:
            self.digits[level] += digits
        else:
            self.digits[level] = digits

    def carry(self) -> None:
        """Carry upwards what is above half a unit of the next level, as with digits by hand."""
        level = max(self.digits, default=0)
        while self.digits and level >= min(self.digits):
            if level in self.digits:
                digits = self.digits[level]
                above = (digits + _HALF) >> BITS
                if above.any():
                    digits -= above << BITS
                    self.add(level - 1, above)
                if not digits.any():
                    del self.digits[level]
            level -= 1
        self._sums = 1

    def merge(self, other: "Levels") -> None:
        """Add other numbers, one by one."""
        if self._sums + other._sums > _SUMS:
            other.carry()
        self.make_room(other._sums)
        for level, digits in other.digits.items():
            self.add(level, digits if level in self.digits else digits.copy())

    def below(self, bits: Exponents) -> "Levels":
        """Return the numbers · 2^−bits, for bits ≥ 0 of each: q levels further down, and within them up by r bits."""
        self.carry()
        q = -(-bits // BITS)
        if BITS * q.max() - bits.min() <= _ROOM:  # all by the same q is quicker
            q[:] = q.max()
        r = BITS * q - bits
        moved = Levels(*self.shape)
        for down in np.flatnonzero(np.bincount(q.ravel())).tolist():
            these = q == down
            for level, digits in self.digits.items():
                moved.add(level + down, digits << r if these.all() else np.where(these, digits << r, 0))
        moved._sums = 1
        return moved

    def scaled(self, exponent: Exponents) -> "Levels":
        """Return the numbers · 2^exponent of each, carried, so that equal numbers have equal digits."""
        top = -(-int(exponent.max(initial=0)) // BITS)
        moved = self.below(BITS * top - exponent)
        moved.digits = {level - top: digits for level, digits in moved.digits.items()}
        moved.carry()
        return moved

    def with_fives(self, powers: Exponents) -> "Levels":
        """Return the numbers · 5^power of each, for powers ≥ 0."""
        moved = self.rearranged(np.copy, *self.shape)
        moved.carry()
        while powers.any():
            now = np.minimum(powers, _FIVES)
            for digits in moved.digits.values():
                digits *= 5**now
            moved.carry()
            powers = powers - now
        return moved

    def fifth(self) -> "Levels | None":
        """Return the numbers / 5; None if one of these is not finite in binary."""
        self.carry()
        fifth, rest = Levels(*self.shape), np.zeros(self.shape, dtype=np.int64)
        for level in range(min(self.digits, default=0), max(self.digits, default=-1) + 1):  # as by hand
            fifth.digits[level], rest = np.divmod((rest << BITS) + self.digits.get(level, 0), 5)
        fifth.carry()
        return None if rest.any() else fifth

    def nonzero(self) -> Mask:
        """Tell which numbers are not zero."""
        self.carry()
        found = np.zeros(self.shape, dtype=bool)
        for digits in self.digits.values():
            found |= digits != 0
        return found

    def lowest_bits(self, none: int) -> Exponents:
        """Return the exponent of the lowest bit of each number that is not zero; the given one for zeros."""
        self.carry()
        lowest: Exponents = np.full(self.shape, none, dtype=np.int64)
        for level in sorted(self.digits):
            digits = self.digits[level]
            bit = np.frexp((digits & -digits).astype(np.float64))[1] - 1
            lowest = np.where(digits != 0, bit - BITS * level, lowest)
        return lowest

    def rearranged(self, function: Callable[[Digits], Digits], *shape: int) -> "Levels":
        """Return other numbers, of which a function makes the digits by copying them."""
        other = Levels(*shape)
        other.digits = {level: function(digits) for level, digits in self.digits.items()}
        other._sums = self._sums
        return other

    def integers(self) -> tuple[Integers, int]:
        """Return the numbers as Python integers in units of 2^exponent, and the exponent."""
        self.carry()
        value: Integers = np.zeros(self.shape, dtype=object)
        at = min(self.digits, default=0)
        for level in sorted(self.digits):
            value = (value << BITS * (level - at)) + self.digits[level].astype(object)
            at = level
        return value, -BITS * at
