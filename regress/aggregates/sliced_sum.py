"""Σ a z zᵀ over rows z without rounding, in 64-bit integers: by slices of rows, chunk by chunk.

Entry (i, j) is held in units 2^(uᵢ + uⱼ + u_a), which suit the largest cells so far. A row with larger cells raises the
units: then what is there moves down by dᵢ + dⱼ + d_a powers of two.

Normal numbers need three slices, but for the odd cell near zero. So rows that few others would wait for (a cell far
below, or far above, all others of its column) are set aside, and cut as far as they need in a sum of their own.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from regress.aggregates import slices
from regress.blocks import Array, Mask
from regress.numerics.integers import Exponents, Integers, power
from regress.numerics.levels import BITS, Digits, Levels

_PRODUCTS = 16  # at most of 512 rows each in a chunk
_CELLS = 2**17  # worked on at a time
_FEW = 0.25  # part of the rows that is cheaper to set aside than to wait for
_LEAST_UNIT = -1022 - slices.TOP  # so that steps of subnormal cells are no more than 2^22 units
T = TypeVar("T", bound=np.generic)

_ULP = -52  # exponent of the distance of doubles next to 1


class Sums(NamedTuple):
    """Entry (i, j) is ``value[i, j] · 2^(unit[i] + unit[j])``; Σ a ulp(z)², and what is whole, by column."""

    value: Integers
    unit: Exponents
    noise: Integers
    whole: Mask


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

    Attributes
    ----------
    whole : array of bool of shape (size,)
        Whether all cells of the column are whole numbers below 2^53.
    """

    def __init__(self, size: int, weighted: bool, patient: bool = False) -> None:
        self.size = size
        self.whole: Mask = np.ones(size, dtype=bool)
        self.weighted, self._patient = weighted, patient
        self._few = 0.0 if patient else _FEW
        self._unit: Exponents = np.zeros(size + weighted, dtype=np.int64)
        self._seen: Mask = np.zeros(size + weighted, dtype=bool)  # columns with a cell that is not zero
        self._products = Levels(size, size)  # on and above the diagonal
        self._squares = Levels(size)  # Σ a (2^52 ulp(z))²
        self._aside: list[Array] = []
        self._deep: SlicedSum | None = None

    def add(self, rows: Array) -> None:
        """Add rows, in chunks of some products each."""
        step = min(max(_CELLS // (slices.ROWS * rows.shape[1]), 1), _PRODUCTS) * slices.ROWS
        whole = len(rows) - len(rows) % slices.ROWS
        for i in range(0, whole, step):
            self._add_chunk(rows[i : min(i + step, whole)])
        if whole < len(rows):
            self._add_chunk(rows[whole:])

    def merge(self, other: "SlicedSum") -> None:
        """Add the rows of another sum over the same columns."""
        self.whole &= other.whole
        self._merge_levels(other)
        for rows in other._aside:
            self._set_aside(rows)
        if other._deep is not None:
            self._deep = self._deep or SlicedSum(self.size, self.weighted, patient=True)
            self._deep._merge_levels(other._deep)

    def arranged(self, at: Exponents, size: int) -> "SlicedSum":
        """Return the sum over rows in which column i is column ``at[i]``, and columns not named are zeros."""
        wide = SlicedSum(size, self.weighted, self._patient)
        all_of_it = np.append(at, size) if self.weighted else at
        wide.whole[at] = self.whole
        wide._unit[all_of_it], wide._seen[all_of_it] = self._unit, self._seen
        wide._products = self._products.rearranged(_placed(at, size), size, size)
        wide._squares = self._squares.rearranged(lambda digits: _filled(size, at, digits), size)
        wide._aside = [_filled(size + self.weighted, all_of_it, rows.T).T for rows in self._aside]
        wide._deep = None if self._deep is None else self._deep.arranged(at, size)
        return wide

    def finish(self) -> Sums:
        """Return the sums in whole numbers of any length."""
        self._sum_aside()
        total = SlicedSum(self.size, self.weighted)
        for part in (self, self._deep):
            if part is not None:
                total._merge_levels(part)
        of_a = int(total._unit[self.size]) if self.weighted else 0
        unit = total._unit[: self.size]
        above = np.triu_indices(self.size)
        halves, exponent = total._products.rearranged(lambda digits: digits[above], len(above[0])).integers()
        exponent += of_a
        value: Integers = np.zeros((self.size, self.size), dtype=object)
        value[above] = halves << (exponent % 2)
        value.T[above] = value[above]
        squares, below = total._squares.integers()
        noise = [
            Fraction(square) * power(2 * (u + _ULP) + of_a + below)
            for square, u in zip(squares.tolist(), unit.tolist(), strict=True)
        ]
        return Sums(value, unit + exponent // 2, np.array(noise, dtype=object), self.whole.copy())

    def _add_chunk(self, rows: Array) -> None:
        if not self._seen.all():
            self._suit(rows, ~self._seen)
        with np.errstate(over="ignore", invalid="ignore"):  # far above the unit: such rows are set aside
            rest = slices.scaled(rows, self._unit)
            beyond = slices.beyond(rest)
            if beyond.mean() > self._few:
                self._suit(rows, self._seen)
                rest = slices.scaled(rows, self._unit)
                beyond[:] = False
            powers = slices.step_powers(rest, self._unit)[:, : self.size]
            lost = slices.lost(rest, rows)
            parts, undone = slices.cut(rest, self._few)
        if self.whole[1:].any():
            self._look_for_fractions(rows)
        aside, counted = np.flatnonzero(beyond | lost | undone), np.ones((len(rows), 1))
        if len(aside):
            for part in (*parts, counted):
                part[aside] = 0.0
            powers[aside] = 1.0  # which count nothing, and need no slice of their own
            self._set_aside(rows[aside], of=len(rows))
        held = [(k, part) for k, part in enumerate(parts) if part.any()]
        if held:
            sums = max(len(rows) // slices.ROWS, 1)
            self._products.make_room(sums * len(held))
            self._squares.make_room(sums * len(held))
            self._add_products(held, sums)
            self._add_squares(powers, held if self.weighted else [(0, counted)], sums)

    def _suit(self, rows: Array, columns: Mask) -> None:
        """Choose units of some columns that suit all rows so far and these, with a bit to spare for later ones."""
        largest = np.abs(rows).max(0)
        exponent = np.frexp(largest)[1] - slices.TOP + (not self._patient)
        columns = columns & (largest > 0.0)
        self._change_units(np.where(columns, np.maximum(exponent, _LEAST_UNIT), self._unit), columns | self._seen)

    def _change_units(self, unit: Exponents, seen: Mask) -> None:
        """Use these units, or those in use where they are larger, and move what there is."""
        unit = np.where(self._seen, np.maximum(self._unit, unit), unit)
        self._products, self._squares = self._moved(unit)
        self._unit, self._seen = unit, seen

    def _moved(self, unit: Exponents) -> tuple[Levels, Levels]:
        """Return products and squares in units that are at least as large."""
        down = np.where(self._seen, unit - self._unit, 0)
        if not down.any():
            return self._products, self._squares
        d, of_a = down[: self.size], int(down[self.size]) if self.weighted else 0
        return self._products.below(d[:, None] + d + of_a), self._squares.below(2 * d + of_a)

    def _merge_levels(self, other: "SlicedSum") -> None:
        self._change_units(np.where(other._seen, other._unit, self._unit), self._seen | other._seen)
        products, squares = other._moved(self._unit)
        self._products.merge(products)
        self._squares.merge(squares)

    def _look_for_fractions(self, rows: Array) -> None:
        """Note which columns hold more than whole numbers below 2^53."""
        whole = self.whole
        equal = rows == np.rint(rows)
        group = 64 if len(rows) % 64 == 0 else 1  # rows of a few columns are slow to reduce one by one
        equal = equal.reshape(-1, group * rows.shape[1]).all(0).reshape(group, -1)
        whole &= equal.all(0)[: len(whole)]
        if (self._unit >= 53 - slices.TOP).any():  # else all are smaller, or set aside
            whole &= np.abs(rows).max(0)[: len(whole)] < 2.0**53

    def _set_aside(self, rows: Array, of: int = 0) -> None:
        """Keep rows of a chunk for later; a patient sum takes those of a chunk of `of` in parts, or one by one."""
        if not self._patient:
            self._aside.append(rows)
            if sum(map(len, self._aside)) >= _PRODUCTS * slices.ROWS:
                self._sum_aside()
            return
        for part in [rows] if len(rows) < of else np.array_split(rows, 2):  # one row is never out of its own range
            alone = SlicedSum(self.size, self.weighted, patient=True)
            alone.add(part)
            self.merge(alone)

    def _sum_aside(self) -> None:
        if self._aside:
            self._deep = self._deep or SlicedSum(self.size, self.weighted, patient=True)
            self._deep.add(np.concatenate(self._aside))
            self.whole &= self._deep.whole
            self._aside = []

    def _add_products(self, held: list[tuple[int, Array]], sums: int) -> None:
        """Add the products of all slices of a chunk to their levels."""
        p = self.size
        left = [(k, part[:, :p].reshape(sums, -1, p)) for k, part in held]
        if self.weighted:
            right = [(m, part.reshape(sums, -1, p)) for m, part in slices.weighted(held)]
            for k, one in left:
                for m, other in right:
                    self._products.add(k + m, slices.product_above(one, other))
            return
        for i, (k, one) in enumerate(left):
            for m, other in left[i:]:
                product = slices.product(one, other)
                self._products.add(k + m, product + product.T if m > k else product)

    def _add_squares(self, powers: Array, weights: list[tuple[int, Array]], sums: int) -> None:
        """Add Σ a P² of powers of two P, for a in slices, which are the last columns of `weights`."""
        a = np.stack([part[:, -1].reshape(sums, -1) for _, part in weights], axis=1)
        for k, part in slices.cut_powers(powers):
            squares = np.square(part, out=part)
            digits = [(2 * k, squares)]
            if self.weighted:  # so that products with a slice of a are at most 2^44
                above = np.floor(squares * 2.0**-BITS)
                digits = [(2 * k - 1, above), (2 * k, squares - above * 2.0**BITS)]
            for level, square in digits:
                found = (a @ square.reshape(sums, -1, self.size)).astype(np.int64).sum(0)
                for (m, _), row in zip(weights, found, strict=True):
                    self._squares.add(level + m, row)


def _filled(size: int, at: Exponents, values: NDArray[T]) -> NDArray[T]:
    """Return an array of this many rows, given ones at their places and zeros."""
    wide = np.zeros((size, *values.shape[1:]), dtype=values.dtype)
    wide[at] = values
    return wide


def _placed(at: Exponents, size: int) -> Callable[[Digits], Digits]:
    """Return what puts a matrix that is given above its diagonal into a larger symmetric one."""

    def place(digits: Digits) -> Digits:
        wide = np.zeros((size, size), dtype=np.int64)
        wide[np.ix_(at, at)] = np.triu(digits) + np.triu(digits, 1).T
        return wide

    return place
