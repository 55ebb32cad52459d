"""Columns cut into slices: integers of at most 2^22, each in units 2^23 times as fine as those of the one before.

A product of two slices is an integer of at most 2^44; its sum over 512 rows is at most 2^53. Matrix products in
floating point compute it without error (Ogita, Rump, Oishi 2005; Ozaki et al. 2012).
"""

from collections.abc import Iterator

import numpy as np

from regress.blocks import Array, Mask
from regress.numerics.integers import Exponents
from regress.numerics.levels import BITS, Digits

TOP = 22  # a slice is at most 2^TOP units
ROWS = 512  # products of 2^44 that sum to at most 2^53
DEPTH = 38  # slices, so that the last is still in the range of a double
_COLUMNS = 48  # at a time, of a product that is needed above its diagonal only
_EXPONENT = np.int64(0x7FF0000000000000)  # these bits of a double alone: the power of two below it, 2^52 ulps
_NORMAL = -1022  # exponent of the least double with all 53 bits


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


def cut(rest: Array, few: float) -> tuple[list[Array], Mask]:
    """Cut scaled rows into slices until few rows have something left, and tell which."""
    slices: list[Array] = []
    undone: Mask = np.ones(len(rest), dtype=bool)
    while undone.mean() > few and len(slices) < DEPTH:
        part = np.rint(rest)
        rest -= part
        rest *= 2.0**BITS
        slices.append(part)
        if rest[::16].any(1).mean() <= 2.0 * few:  # else far from done: no need to look closer
            undone = _rows_with(rest != 0.0)
    return slices, undone


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


def cut_powers(powers: Array) -> Iterator[tuple[int, Array]]:
    """Yield powers of two by slices k, in units 2^(−23k), each in one of them alone; overwrites what is given."""
    if powers.min() >= 1.0 or np.count_nonzero(powers < 1.0) == np.count_nonzero(powers == 0.0):
        yield 0, powers
        return
    k = 0
    while powers.max() > 0.0:
        part = np.floor(powers)  # all of a power of two, or nothing
        powers -= part
        powers *= 2.0**BITS
        yield k, part
        k += 1


def weighted(slices: list[tuple[int, Array]]) -> list[tuple[int, Array]]:
    """Return az in slices, from those of [z, a]: products by level, then carried upwards like digits."""
    levels: dict[int, Array] = {}
    for k, part in slices:
        a = part[:, -1:]
        for m, other in slices if a.any() else []:
            product = a * other[:, :-1]
            levels[k + m] = np.add(levels[k + m], product, out=product) if k + m in levels else product
    for level in range(max(levels, default=-1), -1, -1):
        if level in levels:
            digit, above = levels[level], np.rint(levels[level] * 2.0**-BITS)
            if level - 1 in levels:
                levels[level - 1] += above
            else:
                levels[level - 1] = above.copy()
            above *= 2.0**BITS
            digit -= above
    return [(level, part) for level, part in levels.items() if part.any()]


def product(left: Array, right: Array) -> Digits:
    """Return Σ leftᵀ right over some products, each without rounding."""
    products = (left.transpose(0, 2, 1) @ right).astype(np.int64)
    return np.asarray(products[0] if len(products) == 1 else products.sum(0))


def product_above(left: Array, right: Array) -> Digits:
    """Return Σ leftᵀ right where it is on and above the diagonal; below is nothing to rely on."""
    p = left.shape[2]
    above = np.zeros((p, p), dtype=np.int64)
    for j in range(0, p, _COLUMNS):
        above[j : j + _COLUMNS, j:] = product(left[:, :, j : j + _COLUMNS], right[:, :, j:])
    return above
