"""Σ a z zᵀ over rows z without rounding: rows are cut into slices chunk by chunk, in units that suit the largest cells.

Small integers need one slice, most numbers three, and single cells near zero more. Compiled code cuts up to three; in
NumPy, a slice holds only the columns that need it. If few rows need a further slice, they have a cell far below, or far
above, all others of its column. They are accumulated separately, so that they do not slow the others.
"""

from collections.abc import Sequence
from copy import copy
from itertools import accumulate
from typing import Any

import numpy as np

from regress.aggregates import slices
from regress.aggregates.entries import Counts, Entries
from regress.aggregates.slices import Slice
from regress.aggregates.unit_sums import Sums, UnitSums, filled
from regress.blocks import Array, Mask
from regress.numerics import kernel
from regress.numerics.integers import Exponents
from regress.numerics.levels import BITS, Digits, Levels

_PRODUCTS = 16  # at most of 512 rows each in a chunk
_CELLS = 2**17  # worked on at a time
_FEW = 0.25  # part of the cells that is cheaper to set aside, with their rows, than to wait for
_LEAST_UNIT = -1022 - slices.TOP  # so that steps of subnormal cells are no more than 2^22 units


class SlicedSum:
    """The sum over rows z, or rows [z, a].

    A patient one cuts as deep as any row needs, and sets aside only what is out of a double's range of its largest.

    Parameters
    ----------
    size : int
        Of z.
    weighted : bool
        Whether rows have a weight a, after z.
    patient : bool
        Whether to cut deep.
    """

    def __init__(self, size: int, weighted: bool, patient: bool = False) -> None:
        self.size, self.weighted, self._patient = size, weighted, patient
        self._few = 0.0 if patient else _FEW
        self._shallow = not patient  # whether three slices are enough for most rows, as far as is known
        self._sums = UnitSums(size, weighted)
        self._inexact: Counts = np.zeros(size, dtype=np.int64)  # cells by column that are no integers below 2^53
        self._aside: list[Array] = []
        self._deep = UnitSums(size, weighted)  # over rows that were set aside

    def __getstate__(self) -> dict[str, Any]:
        self._sum_aside()  # so that no row is stored
        return self.__dict__

    def add(self, *parts: Array) -> None:
        """Add rows, whose columns stand in arrays side by side."""
        for i in range(0, len(parts[0]), kernel.ROWS):
            some = [np.asarray(part[i : i + kernel.ROWS], dtype=np.float64) for part in parts]
            if not self._add_compiled(some):
                self._add_chunks(np.concatenate(some, axis=1))

    def _add_compiled(self, parts: Sequence[Array]) -> bool:
        """Add rows by compiled code; add none and return False where it cannot, or too many rows need more slices."""
        code = kernel.compiled() if self._shallow and not self.weighted else None
        if code is None:
            return False
        if not self._sums.seen.all():
            self._suit(parts, ~self._sums.seen)
        found, most = self._products_in(code, parts), self._few * len(parts[0])
        if found is not None and len(found.aside) > most:  # perhaps since cells have grown
            unit = self._sums.unit
            self._suit(parts, self._sums.seen)
            if (self._sums.unit != unit).any():
                found = self._products_in(code, parts)
        if found is None or len(found.aside) > most:
            self._shallow = len(parts[0]) < kernel.TILE  # the rows to come will be like these, unless they are few
            return False
        tiles = -(-len(parts[0]) // kernel.TILE)
        self._sums.products.make_room(tiles)
        self._sums.squares.make_room(tiles)
        for level, digits in enumerate(found.products):
            self._sums.products.add(level, digits)
        for k, digits in enumerate(found.squares):
            self._sums.squares.add(2 * k, digits)
        self._inexact += found.inexact
        if len(found.aside):
            self._set_aside(np.concatenate([part[found.aside] for part in parts], axis=1))
        return True

    def _products_in(self, code: Any, parts: Sequence[Array]) -> kernel.ExactProducts | None:
        """Return exact sums of products in the units so far; None where these are near the end of a double's range."""
        if np.abs(self._sums.unit).max() >= kernel.WITHIN:
            return None
        return kernel.exact_products(code, parts, np.ldexp(1.0, -self._sums.unit))

    def _add_chunks(self, rows: Array) -> None:
        """Add rows, in chunks of some products each."""
        step = min(max(_CELLS // (slices.ROWS * rows.shape[1]), 1), _PRODUCTS) * slices.ROWS
        whole = len(rows) - len(rows) % slices.ROWS
        for i in range(0, whole, step):
            self._add_chunk(rows[i : min(i + step, whole)])
        if whole < len(rows):
            self._add_chunk(rows[whole:])

    def merge(self, other: "SlicedSum") -> None:
        """Add the rows of another sum over the same columns, both with weights or without."""
        self._sums.merge(other._sums)
        self._deep.merge(other._deep)
        self._inexact += other._inexact
        self._set_aside(*other._aside)

    def negated(self) -> "SlicedSum":
        """Return what takes the rows away again where it is merged."""
        self._sum_aside()
        other = SlicedSum(self.size, self.weighted)
        other._sums, other._deep = self._sums.negated(), self._deep.negated()
        other._inexact = -self._inexact
        return other

    def with_fives(self, powers: Exponents, of_weight: int) -> "SlicedSum":
        """Return the sum over rows in which column i is multiplied by 5^powers[i], and the weight by 5^of_weight."""
        self._sum_aside()
        other = copy(self)
        other._sums, other._deep = (sums.with_fives(powers, of_weight) for sums in (self._sums, self._deep))
        other._inexact = self._inexact.copy()
        return other

    def with_weights(self) -> "SlicedSum":
        """Return the sum over the same rows, each with weight 1."""
        other = SlicedSum(self.size, True)
        other._sums, other._deep = self._sums.with_weights(), self._deep.with_weights()
        other._inexact = self._inexact.copy()
        other._aside = [np.append(rows, np.ones((len(rows), 1)), axis=1) for rows in self._aside]
        return other

    def arranged(self, at: Exponents, size: int) -> "SlicedSum":
        """Return the sum over rows in which column i is column ``at[i]``, and all others are zeros."""
        wide = SlicedSum(size, self.weighted)
        wide._sums, wide._deep = self._sums.arranged(at, size), self._deep.arranged(at, size)
        wide._inexact[at] = self._inexact
        with_a = np.append(at, size) if self.weighted else at
        wide._aside = [filled(size + self.weighted, with_a, rows.T).T for rows in self._aside]
        return wide

    def finish(self) -> tuple[Sums, Mask]:
        """Return the sums as integers of any length, and which columns hold only integers below 2^53."""
        return self._total().finish(), self._inexact == 0

    def entries(self, at: Exponents | None = None) -> Entries:
        """Return the sums over all columns or z[at]: the same for the same rows, in any order, blocks and units."""
        at = np.arange(self.size) if at is None else at
        return Entries(*self._total().entries(at), self._inexact[at])

    @classmethod
    def of_entries(cls, entries: Entries) -> "SlicedSum":
        """Return the sum that has these entries, without weights."""
        sums = cls(len(entries.inexact), weighted=False)
        sums._sums, sums._inexact = UnitSums.of_entries(entries.products, entries.squares), entries.inexact
        return sums

    def zero(self) -> Mask:
        """Tell which columns are zero in all rows."""
        return ~self._total().nonzero()

    def _total(self) -> UnitSums:
        self._sum_aside()
        if not self._deep.seen.any():
            return self._sums
        total = UnitSums(self.size, self.weighted)
        total.merge(self._sums)
        total.merge(self._deep)
        return total

    def _add_chunk(self, rows: Array) -> None:
        if not self._sums.seen.all():
            self._suit([rows], ~self._sums.seen)
        with np.errstate(over="ignore", invalid="ignore"):  # far above the unit: such rows are set aside
            rest = slices.scaled(rows, self._sums.unit)
            beyond = slices.beyond(rest)
            if np.count_nonzero(beyond) > self._few * len(rows):
                self._suit([rows], self._sums.seen)
                rest = slices.scaled(rows, self._sums.unit)
                beyond[:] = False
            powers = slices.step_powers(rest, self._sums.unit)[:, : self.size]
            lost = slices.lost(rest, rows)
            cells, undone = slices.cut(rest, self._few)
        self._inexact += self._count_inexact(rows)
        aside, counted = np.flatnonzero(beyond | lost | undone), np.ones(len(rows))
        if len(aside):
            self._inexact -= self._count_inexact(rows[aside])
            for part in (counted, *(part for _, _, part in cells)):
                part[aside] = 0.0
            powers[aside] = 1.0  # which count nothing, and need no slice of their own
            self._set_aside(rows[aside])
        cells = [one for one in cells if one.part.any()]
        if cells:
            sums = max(len(rows) // slices.ROWS, 1)
            self._sums.products.make_room(sums * len(cells))
            self._sums.squares.make_room(sums * len(cells))
            if self.weighted:
                self._add_weighted(cells, powers, sums)
            else:
                self._add_products(cells, sums)
                self._add_squares(powers, [(0, counted)], sums)

    def _suit(self, parts: Sequence[Array], columns: Mask) -> None:
        """Choose units of some columns that suit all rows so far and these, with a bit to spare for later ones."""
        largest = _largest(parts, columns)
        exponent = np.frexp(largest)[1].astype(np.int64) - slices.TOP + (not self._patient)
        self._sums.use(np.maximum(exponent, _LEAST_UNIT), columns & (largest > 0.0))

    def _count_inexact(self, rows: Array) -> Counts:
        """Return how many cells of each column are no integers below 2^53."""
        inexact = rows != np.rint(rows)
        if (self._sums.unit >= 53 - slices.TOP).any():  # else all are smaller, or set aside
            inexact |= np.abs(rows) >= 2.0**53
        group = 64 if len(rows) % 64 == 0 else 1  # rows of a few columns are slow to reduce one by one
        count = inexact.reshape(-1, group * rows.shape[1]).sum(0, dtype=np.uint16)
        return np.asarray(count.reshape(group, -1).sum(0, dtype=np.int64)[: self.size])

    def _set_aside(self, *rows: Array) -> None:
        self._aside += rows
        if not self._patient and sum(part.size for part in self._aside) >= _CELLS:
            self._sum_aside()

    def _sum_aside(self) -> None:
        """Sum the rows set aside; those out of each other's range in parts. A single row is in its own."""
        pending, self._aside = [np.concatenate(self._aside)] if self._aside else [], []
        while pending:
            rows = pending.pop()
            part = SlicedSum(self.size, self.weighted, patient=True)
            part.add(rows)
            self._deep.merge(part._sums)
            self._inexact += part._inexact
            for left in part._aside:
                pending += [left] if len(left) < len(rows) else slices.halves(left)

    def _add_products(self, cells: list[Slice], sums: int) -> None:
        """Add the products of all slices of a chunk to their levels."""
        together = slices.side_by_side(cells)
        products = slices.product_above(together, together, sums)
        ends = list(accumulate(len(one.columns) for one in cells))
        for i, (k, rows, _) in enumerate(cells):
            for j, (m, columns, _) in enumerate(cells[i:], i):
                product = products[ends[i] - len(rows) : ends[i], ends[j] - len(columns) : ends[j]]
                _add(self._sums.products, k + m, product, (rows[:, None], columns))
                if j > i:
                    _add(self._sums.products, k + m, product.T, (columns[:, None], rows))

    def _add_weighted(self, cells: list[Slice], powers: Array, sums: int) -> None:
        """Add the products of all slices of z and of az to their levels, and a P²."""
        n = self.size
        weights = [(one.level, one.part[:, -1]) for one in cells if one.columns[-1] == n and one.part[:, -1].any()]
        left = [one.below(n) for one in cells if one.columns[0] < n]
        right = slices.weighted(left, weights)
        for one in left:
            for other in right:
                product = slices.product_above(one, other, sums)
                _add(self._sums.products, one.level + other.level, product, (one.columns[:, None], other.columns))
        self._add_squares(powers, weights, sums)

    def _add_squares(self, powers: Array, weights: list[tuple[int, Array]], sums: int) -> None:
        """Add Σ a P² of powers of two P, for a in slices."""
        a = np.concatenate([part.reshape(sums, 1, -1) for _, part in weights], axis=1)
        for k, columns, part in slices.cut_powers(powers):
            squares = np.square(part, out=part)
            digits = [(2 * k, squares)]
            if self.weighted:  # so that products with a slice of a are at most 2^44
                above = np.floor(squares * 2.0**-BITS)
                digits = [(2 * k - 1, above), (2 * k, squares - above * 2.0**BITS)]
            for level, square in digits:
                found = (a @ square.reshape(sums, -1, len(columns))).astype(np.int64).sum(0)
                for (m, _), row in zip(weights, found, strict=True):
                    _add(self._sums.squares, level + m, row, columns)


def _largest(parts: Sequence[Array], columns: Mask) -> Array:
    """Return the largest magnitude in some columns of arrays side by side, and 0 for the others."""
    found, start = np.zeros(len(columns)), 0
    for part in parts:
        stop = start + part.shape[1]
        if (asked := columns[start:stop]).any():
            cells = part if asked.all() else part[:, asked]
            found[start:stop][asked] = np.maximum(cells.max(0), -cells.min(0))
        start = stop
    return found


def _add(levels: Levels, level: int, digits: Digits, at: Any) -> None:
    """Add to a level's digits of all columns, or of those at some places."""
    if level not in levels.digits:
        levels.digits[level] = np.zeros(levels.shape, dtype=np.int64)
    whole = levels.digits[level]
    if digits.shape == whole.shape:
        whole += digits
    else:
        whole[at] += digits
