"""A sample of bounded size, kept while rows are read: those whose file and record have the smallest hashes.

So it is uniform, and the same rows are kept in any order of the files and with any size of batches.
"""

from collections.abc import Sequence

import numpy as np

from regress.blocks import Array, Mask
from regress.numerics.hashing import Bits, mix, text_hash
from regress.sources.base import Batch, Codes

_PIECE = 2**17  # rows of a batch that are looked at together, so that their hashes stay in the cache
_LAZY = 8  # parts of a sample that come before the limit is lowered anew
_CELLS = 8_000_000  # that are held at most, whatever the columns


class Sample:
    """Keeps `rows` rows of those that it is shown, fewer where there are more than 200 columns.

    Rows are held in arrays made once: small ones between the blocks of a table would leave holes in its memory.

    Parameters
    ----------
    rows, numbers, texts : int
        Rows to keep, and number and text columns that each has.
    seed : int
        Of the hash.
    """

    def __init__(self, rows: int, numbers: int, texts: int, seed: int) -> None:
        columns = max(numbers + texts, 1)
        self._most, self._seed = min(rows, max(_CELLS // 2 // columns, 1)), seed
        room = max(2 * self._most, _CELLS // 4 // columns)
        self._limit = np.uint64(2**64 - 1)  # a larger hash is not among the smallest
        self._bits = np.empty(room, dtype=np.uint64)
        self._numbers, self._codes = np.empty((numbers, room)), np.empty((texts, room), dtype=np.int32)
        self._y, self._a = np.empty(room), np.empty(room)
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
            if self._held + at.size > len(self._bits):
                self._compact()
            here, to = start + at, slice(self._held, self._held + at.size)
            self._bits[to], self._y[to], self._a[to] = bits[at], y[here], 1.0 if a is None else a[here]
            for of_code, code in zip(self._codes, codes, strict=True):
                of_code[to] = code[here]
            for of_column, column in zip(self._numbers, numbers, strict=True):
                column.take(here, out=of_column[to], mode="clip")  # half the time of column[here]
            self._held += at.size

    def _lower(self, bits: Bits) -> bool:
        """Lower the limit, if it is worth it, to the largest of the smallest hashes so far, these included."""
        self._fresh += len(bits)
        if self._fresh <= self._most // _LAZY or self._held + len(bits) <= self._most:
            return False
        bits = np.concatenate([self._bits[: self._held], bits])
        self._limit, self._fresh = np.partition(bits, self._most - 1)[self._most - 1], 0
        return True

    def _compact(self) -> None:
        """Let go of all but the smallest hashes."""
        at = self._smallest()
        for column in (self._bits, *self._numbers, *self._codes, self._y, self._a):
            column[: len(at)] = column[at]
        self._held = len(at)

    def _smallest(self) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        """Return where the smallest hashes are, in their order."""
        return np.argsort(self._bits[: self._held], kind="stable")[: self._most]

    def rows(self) -> tuple[Array, Codes, Array, Array] | None:
        """Return numbers (rows, k), codes (rows, t), targets and weights (rows,) of the sample; None if it is empty."""
        if not self._held:
            return None
        at = self._smallest()
        return self._numbers[:, at].T, self._codes[:, at].T, self._y[at], self._a[at]
