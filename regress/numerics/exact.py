"""Exact totals Σ a z zᵀ over the rows z = [1, x, y]: no rounding, whatever the order, blocks, threads or partition.

Each column is cut on an absolute grid of powers of two into slices, integers of at most 2^20 in units 2^21 apart, until
nothing is left (Ogita, Rump, Oishi 2005; Ozaki et al. 2012). A product of two slices summed over at most 2^13 rows is
then an integer of at most 2^53, so matrix products in floating point compute it without error. The sums of products
are kept as whole numbers of any length, with one unit a column; merging adds them.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.numerics.moments import Block
from regress.numerics.threads import ordered_map
from regress.numerics.twofold import Array, two_product

Integers = NDArray[np.object_]  # Python's, of any length

_BITS = 21  # between the units of two slices
_TOP = 20  # a slice is at most 2^_TOP units
_TILE = 2**13  # products of 2^40 that sum to at most 2^53
_SLICES = 8  # rows that need more are summed one by one


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
        √Σ ulp(z)² by column: what rounding of the stored values may hide, in double.
    """

    def __init__(self, columns: int) -> None:
        self.ulps = np.zeros(columns)
        self.value: Integers = np.zeros((columns, columns), dtype=object)
        self.unit = np.zeros(columns, dtype=np.int64)
        self.rows = 0

    def add(self, value: Integers, unit: NDArray[np.int64], rows: int) -> None:
        """Add other totals, in their own units."""
        self.rows += rows
        low = np.where(_occupied(self.value), np.where(_occupied(value), np.minimum(self.unit, unit), self.unit), unit)
        self.value = _in_units(self.value, self.unit, low) + _in_units(value, unit, low)
        self.unit = low

    def merge(self, other: "Totals") -> "Totals":
        """Add the totals of other rows to these, and return these."""
        self.add(other.value, other.unit, other.rows)
        self.ulps = np.hypot(self.ulps, other.ulps)
        return self

    def fraction(self, i: int, j: int) -> Fraction:
        """Return one entry."""
        return Fraction(int(self.value[i, j])) * Fraction(2) ** int(self.unit[i] + self.unit[j])


def _occupied(value: Integers) -> NDArray[np.bool_]:
    nonzero = value != 0
    return np.asarray(nonzero.any(0) | nonzero.any(1), dtype=bool)


def _in_units(value: Integers, unit: NDArray[np.int64], low: NDArray[np.int64]) -> Integers:
    """Write totals in other units, at least as fine where a column holds anything."""
    shift = np.where(_occupied(value), unit - low, 0).astype(object)
    return value << (shift[:, None] + shift) if shift.any() else value


def exact_totals(blocks: Iterable[Block], n_jobs: int = 1) -> Totals:
    """Return the exact totals of [1, x, y] over at least one row."""
    return reduce(Totals.merge, ordered_map(totals_of_block, blocks, n_jobs))


def totals_of_block(block: Block) -> Totals:
    """Sum one block: z zᵀ, or with weights z (az)ᵀ, where az is the pair high + low, exactly."""
    X, Y, weights = block
    z = np.concatenate([np.ones((len(X), 1)), X, Y], axis=1)
    totals = Totals(z.shape[1])
    totals.rows = len(z)
    totals.ulps = _norm(np.spacing(np.abs(z)))
    others = [z] if weights is None else list(two_product(z, weights[:, None]))
    units = [_units(other) for other in others]
    unit = units[0] if weights is None else _units(z)
    sums = [_Products() for _ in others]
    for i in range(0, len(z), _TILE):
        rows = slice(i, i + _TILE)
        cut = _cut(z[rows], unit)
        cuts = [cut] if weights is None else [_cut(o[rows], u) for o, u in zip(others, units, strict=True)]
        late = np.logical_or.reduce([cut.late, *(c.late for c in cuts)])
        if late.any():
            for slices in (cut.slices, *(c.slices for c in cuts)):
                for part in slices:
                    part[late] = 0.0
            for row, *rest in zip(z[rows][late], *(o[rows][late] for o in others), strict=True):
                _add_row(totals, row, rest)
        for product, other in zip(sums, cuts, strict=True):
            product.add(cut.slices, other.slices)
    for product, right in zip(sums, units, strict=True):
        value, depth = product.value()
        if value is not None:
            _add_rectangle(totals, value, unit, right - depth)
    return totals


class _Products:
    """Products of slices by level: level k holds those whose units multiply to 2^(−21k)."""

    def __init__(self) -> None:
        self._levels: dict[int, NDArray[np.int64]] = {}

    def add(self, left: list[Array], right: list[Array]) -> None:
        """Add the products of the slices of one tile; at most 2^7 of at most 2^53 meet in a level of a block."""
        same = left is right
        for i, one in enumerate(left):
            for j, other in enumerate(right[i:] if same else right, start=i if same else 0):
                product = (one.T @ other).astype(np.int64)
                if same and j > i:
                    product = product + product.T
                if i + j in self._levels:
                    self._levels[i + j] += product
                else:
                    self._levels[i + j] = product

    def value(self) -> tuple[Integers | None, int]:
        """Return the sum as whole numbers of 2^(−depth), and the depth."""
        value: Integers | None = None
        for level in range(max(self._levels, default=-1) + 1):
            value = value << _BITS if value is not None else None
            if level in self._levels:
                digits = self._levels[level].astype(object)
                value = digits if value is None else value + digits
        return value, _BITS * max(self._levels, default=0)


def _add_rectangle(totals: Totals, value: Integers, left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Add products whose two sides have units of their own: put everything into units that suit both."""
    low = np.minimum(left, right)
    value = value << ((left - low).astype(object)[:, None] + (right - low).astype(object))
    totals.add(value, low, 0)


class _Cut(NamedTuple):
    """Columns cut into slices of integers; `late` marks the rows that eight slices do not exhaust."""

    slices: list[Array]
    late: NDArray[np.bool_]


def _norm(z: Array) -> Array:
    """Return √Σz² by column, for numbers whose squares are not."""
    largest = z.max(0)
    return np.asarray(largest * np.sqrt(((z / largest) ** 2).sum(0)))


def _units(z: Array) -> NDArray[np.int64]:
    """Return the exponent of the unit of each column's first slice: on the grid, at most 2^20 of them a value."""
    largest = np.abs(z).max(0)
    exponent = np.frexp(largest)[1].astype(np.int64)
    return np.where(largest > 0, -((_TOP - exponent) // _BITS) * _BITS, 0)


def _cut(z: Array, unit: NDArray[np.int64]) -> _Cut:
    rest = np.ldexp(z, -unit)
    late = ((rest == 0) != (z == 0)).any(1)  # beyond the range of a double, next to the largest
    slices: list[Array] = []
    while len(slices) < _SLICES and (rest.any() or not slices):
        part = np.rint(rest)
        slices.append(part)
        rest = (rest - part) * 2.0**_BITS
    return _Cut(slices, late | rest.any(1))


def _add_row(totals: Totals, row: Array, others: list[Array]) -> None:
    """Add the products of one row, in whole numbers from the start."""
    numbers, unit = _whole(row)
    for other in others:
        rest, low = _whole(other)
        _add_rectangle(totals, np.outer(numbers, rest), unit, low)


def _whole(row: Array) -> tuple[Integers, NDArray[np.int64]]:
    ratios = [float(v).as_integer_ratio() for v in row]
    unit = np.array([1 - q.bit_length() for _, q in ratios], dtype=np.int64)
    return np.array([p for p, _ in ratios], dtype=object), unit
