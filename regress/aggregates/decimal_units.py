"""The units of sums over numbers as written: powers of five.

A decimal k/10^d is z/5^d, and z = k/2^d is a double. So rows z are summed as all rows are. Where a column takes more
decimals, the sums so far are multiplied by powers of five.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np

from regress.aggregates.entries import Entries
from regress.aggregates.unit_sums import filled
from regress.blocks import STORED, Array, Block, Mask
from regress.numerics.integers import Exponents, Integers


@dataclass(frozen=True, slots=True, eq=False)
class DecimalUnits:
    """What rows [z, a] stand for: column i for zᵢ/5^fives[i], and the weight for a/5^of_weight.

    Attributes
    ----------
    fives : array of integers of shape (size,)
        By column of z = [1, y, x].
    stored : array of bool of shape (size,)
        Columns of doubles that are meant as they are; all others are as written, and not rounded.
    of_weight : int
        Of the weight, or of the sums together.
    """

    fives: Exponents
    stored: Mask
    of_weight: int = 0

    @classmethod
    def none(cls, size: int) -> "DecimalUnits":
        """Return the units of no row."""
        return cls(np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool))

    @classmethod
    def of(cls, block: Block) -> "DecimalUnits":
        """Return the units of a block of numbers as written."""
        assert block.decimals is not None
        x, y, of_weight = block.decimals
        places = np.array([STORED, *y, *x], dtype=np.int64)
        return cls(np.maximum(places, 0), places == STORED, of_weight)

    @classmethod
    def of_entries(cls, entries: Entries) -> "DecimalUnits | None":
        """Return the units of sums that were canonical; None if all numbers are meant as stored."""
        if entries.fives is None:
            return None
        return cls(np.zeros(len(entries.inexact), dtype=np.int64), entries.squares.nonzero(), entries.fives)

    def rows(self, rows: Array) -> Array:
        """Return rows z from rows [k, a] of integers, those of decimals: divided by powers of two."""
        powers = np.append(self.fives, self.of_weight)[: rows.shape[1]]
        return rows * np.ldexp(1.0, -powers) if powers.any() else rows

    def arranged(self, at: Exponents, size: int) -> "DecimalUnits":
        """Return the units of rows in which column i is column ``at[i]``, and all others are zeros."""
        return DecimalUnits(filled(size, at, self.fives), filled(size, at, self.stored), self.of_weight)

    def union(self, other: "DecimalUnits") -> "DecimalUnits":
        """Return units as fine as both."""
        return DecimalUnits(
            np.maximum(self.fives, other.fives), self.stored | other.stored, max(self.of_weight, other.of_weight)
        )

    def powers(self, finer: "DecimalUnits") -> tuple[Exponents, int]:
        """Return the powers of five that columns and the weight are multiplied by in finer units."""
        return finer.fives - self.fives, finer.of_weight - self.of_weight

    def as_fine(self, other: "DecimalUnits") -> bool:
        """Tell whether no unit is coarser than that of others."""
        return bool((self.fives >= other.fives).all()) and self.of_weight >= other.of_weight

    def over_common(self, value: Integers) -> tuple[Integers, int]:
        """Return what sums stand for: integers, and the least divisor of all of them."""
        most = int(self.fives.max())
        lift = np.array([5 ** (most - int(power)) for power in self.fives], dtype=object)
        value, divisor = value * lift * lift[:, None], 5 ** (2 * most + self.of_weight)
        common = gcd(divisor, *value.ravel().tolist())
        return value // common, divisor // common

    def entries(self, entries: Entries, at: Exponents) -> Entries:
        """Return the sums over columns z[at] in the one unit that suits all of them."""
        fives, stored = self.fives[at], self.stored[at]
        i, j = np.triu_indices(len(at))
        most = int(fives.max())
        squares = entries.squares.rearranged(lambda digits: np.where(stored, digits, 0), len(at))
        found = Entries(
            entries.products.with_fives(2 * most - fives[i] - fives[j]),
            squares.with_fives(np.full(len(at), 2 * most)),
            np.where(stored, entries.inexact, 0),
            2 * most + self.of_weight,
        )
        while (coarser := found.coarser()) is not None:
            found = coarser
        return found
