"""A sample of bounded size, kept while rows are read: those whose file and record have the smallest hashes.

So it is uniform, and the same rows are kept in any order of the files and with any size of batches.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.numerics.twofold import Array, Mask
from regress.tables.source import Batch, Codes
from regress.tables.split import Bits, mix, text_hash

_PIECE = 2**17  # rows of a batch that are looked at together, so that their hashes stay in the cache
_LAZY = 8  # parts of a sample that come before the limit is lowered anew
_CELLS = 8_000_000  # that are held at most, whatever the columns


class _Rows(NamedTuple):
    """Some rows: their hashes, numbers (k, rows), codes (t, rows), targets and weights."""

    bits: Bits
    numbers: Array
    codes: Codes
    y: Array
    a: Array

    def at(self, chosen: "Mask | NDArray[np.intp]") -> "_Rows":
        """Return some of the rows."""
        bits, numbers, codes, y, a = self
        return _Rows(bits[chosen], numbers[:, chosen], codes[:, chosen], y[chosen], a[chosen])


class Sample:
    """Keeps `rows` rows of those that it is shown, fewer where there are more than 200 columns.

    Parameters
    ----------
    rows, columns : int
        Rows to keep, and columns that each has.
    seed : int
        Of the hash.
    """

    def __init__(self, rows: int, columns: int, seed: int) -> None:
        self._room = max(_CELLS // max(columns, 1), 2)
        self._most, self._seed = min(rows, self._room // 2), seed
        self._limit = np.uint64(2**64 - 1)  # a larger hash is not among the smallest
        self._parts: list[_Rows] = []
        self._held = self._fresh = 0

    def add(
        self,
        batch: Batch,
        numbers: Sequence[Array] | Array,
        codes: Sequence[Codes],
        y: Array,
        a: Array | None,
        kept: Mask | None,
    ) -> None:
        """Show the kept rows of a batch (None: all), as they are encoded."""
        salt = np.uint64(text_hash(f"{self._seed}:{batch.part}"))
        for start in range(0, batch.rows, _PIECE):
            stop = min(start + _PIECE, batch.rows)
            bits = mix(np.arange(batch.first + start, batch.first + stop, dtype=np.uint64) ^ salt)
            low = bits <= self._limit
            at = np.flatnonzero(low if kept is None else low & kept[start:stop])
            if self._lower(bits[at]):
                at = at[bits[at] <= self._limit]
            if at.size:
                here = start + at
                ones = np.ones(at.size) if a is None else a[here]
                of_codes = np.array([code[here] for code in codes], dtype=np.int32).reshape(len(codes), at.size)
                of_numbers = np.empty((len(numbers), at.size))
                for j, column in enumerate(numbers):
                    column.take(here, out=of_numbers[j], mode="clip")  # half the time of column[here]
                self._take(_Rows(bits[at], of_numbers, of_codes, y[here], ones))

    def _lower(self, bits: Bits) -> bool:
        """Lower the limit, if it is worth it, to the largest of the smallest hashes so far, these included."""
        self._fresh += len(bits)
        if self._fresh <= self._most // _LAZY or self._held + len(bits) <= self._most:
            return False
        bits = np.concatenate([*(part.bits for part in self._parts), bits])
        self._limit, self._fresh = np.partition(bits, self._most - 1)[self._most - 1], 0
        return True

    def _take(self, rows: _Rows) -> None:
        """Hold some rows, and let go of what is above the limit where room is needed."""
        self._parts.append(rows)
        self._held += len(rows.bits)
        if self._held > self._room:
            self._parts = [self._smallest()]
            self._held = len(self._parts[0].bits)

    def _smallest(self) -> _Rows:
        """Return the rows of the smallest hashes, in their order."""
        parts = [part.at(part.bits <= self._limit) for part in self._parts]
        rows = _Rows(*(np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True)))
        return rows.at(np.argsort(rows.bits, kind="stable")[: self._most])

    def rows(self) -> tuple[Array, Codes, Array, Array] | None:
        """Return numbers (rows, k), codes (rows, t), targets and weights (rows,) of the sample; None if it is empty."""
        if not self._parts:
            return None
        _, numbers, codes, y, a = self._smallest()
        return numbers.T, codes.T, y, a
