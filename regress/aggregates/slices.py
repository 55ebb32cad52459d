"""Columns cut into slices: integers of at most 2^22, each in units 2^23 times as fine as those of the one before.

A slice holds the columns that have something left at its level, so that a deep column does not slow the others. A
product of two slices is an integer of at most 2^44; its sum over 512 rows is at most 2^53. Matrix products in floating
point compute it without error (Ogita, Rump, Oishi 2005; Ozaki et al. 2012).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Mask
from regress.numerics.integers import Exponents
from regress.numerics.levels import BITS, Digits

TOP = 22  # a slice is at most 2^TOP units
ROWS = 512  # products of 2^44 that sum to at most 2^53
DEPTH = 38  # slices, so that the last is still in the range of a double
_TILE = 24, 72  # rows and columns of a product at a time: BLAS is quicker with small ones, and half are not needed
_SAMPLED = 64  # rows, one of which is looked at first
_WORTH = 0.75  # part of the columns that is cheaper to copy than to cut on with the others, which are done,
_SMALL = 2**13  # of this many cells at least
_EXPONENT = np.int64(0x7FF0000000000000)  # these bits of a double alone: the power of two below it, 2^52 ulps
_NORMAL = -1022  # exponent of the least double with all 53 bits


class Slice(NamedTuple):
    """Some columns of rows, in ascending order, in units 2^(−23 level). All others are zero there and further down."""

    level: int
    columns: Exponents
    part: Array

    def below(self, size: int) -> "Slice":
        """Return the columns below one."""
        count = np.searchsorted(self.columns, size)
        return Slice(self.level, self.columns[:count], self.part[:, :count])

    def in_products(self, sums: int) -> Array:
        """Return the rows in some products."""
        return self.part.reshape(sums, -1, len(self.columns))


def scaled(rows: Array, unit: Exponents) -> Array:
    """Return rows in units 2^unit, by columns."""
    if np.abs(unit).max() < 1000:
        return np.asarray(rows * np.ldexp(1.0, -unit))
    return np.ldexp(rows, -unit)


def beyond(rest: Array) -> Mask:
    """Tell which scaled rows have a cell too large for a first slice."""
    if rest.max() <= 2.0**TOP and rest.min() >= -(2.0**TOP):
        return np.zeros(len(rest), dtype=bool)
    return _rows_with(~(np.abs(rest) <= 2.0**TOP))


def lost(rest: Array, rows: Array) -> Mask:
    """Tell which rows have a cell that is zero only since it was scaled."""
    if rest.all():
        return np.zeros(len(rest), dtype=bool)
    zeros = rest == 0.0
    if np.count_nonzero(zeros) == np.count_nonzero(rows == 0.0):
        return np.zeros(len(rest), dtype=bool)
    return _rows_with(zeros & (rows != 0.0))


def cut(rest: Array, few: float) -> tuple[list[Slice], Mask]:
    """Cut scaled rows into slices until few rows have something left, and tell which.

    A slice of few columns costs little, so that fewer rows are worth one.
    """
    slices: list[Slice] = []
    columns = np.arange(rest.shape[1])
    few *= len(rest) / len(columns)
    undone: Mask = np.ones(len(rest), dtype=bool)
    while np.count_nonzero(undone) > few * len(columns) and len(slices) < DEPTH:
        columns, rest = _without_zeros(columns, rest)
        part = np.rint(rest)
        rest -= part
        rest *= 2.0**BITS
        slices.append(Slice(len(slices), columns, part))
        sample = np.count_nonzero(rest[::_SAMPLED].any(1)) * _SAMPLED
        if sample <= 2.0 * few * len(columns):  # else far from done: no need to look closer
            undone = _rows_with(rest != 0.0)
    return slices, undone


def _without_zeros(columns: Exponents, rest: Array) -> tuple[Exponents, Array]:
    """Return the columns that are not zero in all rows, and these alone, where that is worth a copy."""
    enough = _WORTH * len(columns)
    if rest.size < _SMALL or np.count_nonzero(rest[::_SAMPLED].any(0)) > enough:
        return columns, rest
    held = rest.any(0)
    return (columns, rest) if np.count_nonzero(held) > enough else (columns[held], rest.compress(held, axis=1))


def _rows_with(cells: Mask) -> Mask:
    """Tell which rows have one of these cells, of which there are few: quicker than `any`, row by row."""
    found = np.zeros(len(cells), dtype=bool)
    found[np.flatnonzero(cells) // cells.shape[1]] = True
    return found


def halves(rows: Array) -> list[Array]:
    """Return the smaller and the larger half of rows, by the column of the widest range."""
    exponent = np.where(rows != 0.0, np.frexp(rows)[1], np.frexp(np.abs(rows).max(0))[1])  # zeros are in any range
    widest = int(np.argmax(np.ptp(exponent, axis=0)))
    return np.array_split(rows[np.argsort(exponent[:, widest])], 2)


def step_powers(rest: Array, unit: Exponents) -> Array:
    """Return 2^52 ulp(z) in units 2^unit for scaled cells z: the power of two below |z|, and 0 for 0."""
    powers = (rest.view(np.int64) & _EXPONENT).view(np.float64)
    if unit.min() < _NORMAL + DEPTH * BITS:  # where subnormal cells may be, which have no finer steps
        least = np.ldexp(1.0, np.minimum(_NORMAL - unit, 1000))
        np.maximum(powers, least, out=powers, where=powers > 0.0)
    return powers


def cut_powers(powers: Array) -> Iterator[Slice]:
    """Yield powers of two in slices, each power in one of them alone; overwrites what is given."""
    level, columns = 0, np.arange(powers.shape[1])
    while powers.min() < 1.0 and ((powers > 0.0) & (powers < 1.0)).any():
        part = np.floor(powers)  # all of a power of two, or nothing
        powers -= part
        powers *= 2.0**BITS
        yield Slice(level, columns, part)
        columns, powers = _without_zeros(columns, powers)
        level += 1
    yield Slice(level, columns, powers)


def weighted(slices: list[Slice], weights: list[tuple[int, Array]]) -> list[Slice]:
    """Return az in slices, from those of z and a: products by level, then carried upwards like digits."""
    levels: dict[int, Slice] = {}
    for k, a in weights:
        for m, columns, part in slices:
            _add(levels, Slice(k + m, columns, a[:, None] * part))
    for level in range(max(levels, default=-1), -1, -1):
        if level in levels:
            _, columns, digit = levels[level]
            above = digit * 2.0**-BITS
            np.rint(above, out=above)
            digit -= above * 2.0**BITS
            _add(levels, Slice(level - 1, columns, above))
    return [one for one in levels.values() if one.part.any()]


def _add(levels: dict[int, Slice], one: Slice) -> None:
    """Add a slice to its level. One of two slices has all columns of the other."""
    if one.level in levels:
        less, one = sorted([levels[one.level], one], key=lambda each: len(each.columns))
        whole = one.part
        if less.part.shape == whole.shape:
            whole += less.part
        else:
            whole[:, np.searchsorted(one.columns, less.columns)] += less.part
    levels[one.level] = one


def side_by_side(slices: list[Slice]) -> Slice:
    """Return all columns of some slices as those of one."""
    if len(slices) == 1:
        return slices[0]
    part = np.concatenate([one.part for one in slices], axis=1)
    return Slice(0, np.arange(part.shape[1]), part)


def product(left: Array, right: Array) -> Digits:
    """Return Σ leftᵀ right over some products, each without rounding."""
    products = (left.transpose(0, 2, 1) @ right).astype(np.int64)
    return np.asarray(products[0] if len(products) == 1 else products.sum(0))


def product_above(one: Slice, other: Slice, sums: int) -> Digits:
    """Return Σ zᵢ zⱼ over the rows in some products, i of one and j ≥ i of another; below is nothing to rely on."""
    left, right = one.in_products(sums), other.in_products(sums)
    above = np.zeros((len(one.columns), len(other.columns)), dtype=np.int64)
    tall, wide = _TILE
    for i in range(0, len(above), tall):
        for j in range(int(other.columns.searchsorted(one.columns[i])), above.shape[1], wide):
            above[i : i + tall, j : j + wide] = product(left[:, :, i : i + tall], right[:, :, j : j + wide])
    return above
