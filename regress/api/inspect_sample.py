"""A sample of a table's rows, and histograms of it."""

from math import floor, isfinite, log10

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.numerics.hashing import Bits, mix, text_hash
from regress.records import Bin
from regress.sources.base import Batch

SAMPLED = 4096  # rows
_CELLS = 8_000_000  # that are held at most, whatever the columns
_PIECE = 2**13  # rows that are hashed together, so that they stay in the cache
_LAZY = 2  # times the rows to keep that are held before the limit is lowered
_BINS = 12  # of a histogram, at most
_ROUNDING, _TINY = 64 * 2.0**-52, 1e-280  # of the ends: a range below that has no intervals
_FINEST = -300  # power of ten of a width
_EDGE = 1e-9  # parts of a bin by which a number may miss its edge, as decimals do in binary


class RowSample:
    """Keeps the rows whose partition and record have the smallest hashes: the same ones however the rows are cut.

    Parameters
    ----------
    columns : int
        Cells of each row.
    rows : int
        Rows to keep; fewer of a table with thousands of columns.
    """

    def __init__(self, columns: int, rows: int = SAMPLED) -> None:
        self._most = max(min(rows, _CELLS // max(columns, 1) // 2), 1)
        self._bits, self._cells = np.empty(0, dtype=np.uint64), np.empty((columns, 0))

    def add(self, batch: Batch, sound: Mask, columns: list[Array]) -> None:
        """Add the sound rows of a batch, given their cells by column."""
        at, bits = self._smallest(batch, sound)
        if len(at):
            self._take(bits, np.array([column[at] for column in columns]).reshape(len(columns), len(at)))

    def merge(self, other: "RowSample") -> None:
        """Add the rows of another part."""
        self._take(other._bits, other._cells)

    def _smallest(self, batch: Batch, sound: Mask) -> "tuple[NDArray[np.intp], Bits]":
        """Return where the rows of a batch are that may be in the sample, and their hashes."""
        salt = np.uint64(text_hash(batch.key))
        rows, hashes = np.empty(0, dtype=np.intp), self._bits[:0]
        limit = self._bits[-1] if len(self._bits) == self._most else np.uint64(2**64 - 1)
        for start in range(0, batch.rows, _PIECE):
            stop = min(start + _PIECE, batch.rows)
            bits = mix(np.arange(batch.first + start, batch.first + stop, dtype=np.uint64) ^ salt)
            at = np.flatnonzero((bits <= limit) & sound[start:stop])
            rows, hashes = np.concatenate([rows, start + at]), np.concatenate([hashes, bits[at]])
            if len(rows) > _LAZY * self._most:
                best = np.argpartition(hashes, self._most)[: self._most]
                rows, hashes = rows[best], hashes[best]
                limit = hashes.max()
        best = np.argsort(hashes, kind="stable")[: self._most]
        return rows[best], hashes[best]

    def _take(self, bits: Bits, cells: Array) -> None:
        bits, cells = np.concatenate([self._bits, bits]), np.hstack([self._cells, cells])
        order = np.argsort(bits, kind="stable")
        if (np.diff(bits[order]) == 0).any():  # of parts that are called alike: by their values
            order = np.lexsort([*cells, bits])
        self._bits, self._cells = bits[order[: self._most]], cells[:, order[: self._most]]

    @property
    def rows(self) -> int:
        """Rows in the sample."""
        return len(self._bits)

    def column(self, number: int) -> Array:
        """Return the cells of a column that have a value."""
        cells: Array = self._cells[number]
        return cells[np.isfinite(cells)]


def histogram(values: Array, low: float, high: float, whole: bool) -> list[Bin]:
    """Count numbers between two ends in at most 12 intervals of equal width: 1, 2 or 5 times a power of ten.

    So numbers with few decimals are spread evenly. Integers have intervals of integers.

    Examples
    --------
    >>> histogram(np.array([1.0, 2.0, 2.0, 6.0]), 1.0, 6.0, True)[:2]
    [Bin(low=1.0, high=2.0, rows=1), Bin(low=2.0, high=3.0, rows=2)]
    """
    if not high - low > _ROUNDING * max(abs(low), abs(high), _TINY) or not isfinite(high - low):
        return []  # edges would be equal
    power = max(floor(log10((high - low) / _BINS)), _FINEST)
    power = max(power, 0) if whole else power
    factor = 1
    while _place(high, factor, power) - _place(low, factor, power) >= _BINS:
        factor, power = {1: (2, power), 2: (5, power), 5: (1, power + 1)}[factor]
    first, last = int(_place(low, factor, power)), int(_place(high, factor, power))
    counts = np.bincount((_place(values, factor, power) - first).astype(np.intp), minlength=last - first + 1)
    edges = [_edge(number, factor, power) for number in range(first, last + 2)]
    return [Bin(*each) for each in zip(edges, edges[1:], counts.tolist(), strict=False)]


def _place(values: "Array | float", factor: int, power: int) -> Array:
    """Return the number of the interval in which each value is."""
    units = np.asarray(values) * 10.0**-power if power < 0 else np.asarray(values) / 10.0**power
    places: Array = np.floor(units / factor + _EDGE)
    return places


def _edge(number: int, factor: int, power: int) -> float:
    """Return where an interval begins: the number nearest to its decimals."""
    return float(number * factor * 10**power) if power >= 0 else number * factor / 10**-power
