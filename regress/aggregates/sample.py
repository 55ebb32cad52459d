"""A sample of bounded size, kept while rows are read: those whose file and record have the smallest hashes.

So it is uniform, and the same rows are kept in any order of the files and with any size of batches.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Block
from regress.design.columns import AS_READ, as_read, selected, union
from regress.design.formula.curves import read_beside
from regress.design.matrix import Layout
from regress.design.rows import PlacedRows
from regress.design.terms import Design
from regress.numerics.hashing import Bits, mix, text_hash

_PIECE = 2**17  # rows of a batch that are looked at together, so that their hashes stay in the cache
_LAZY = 8  # parts of a sample that come before the limit is lowered anew
_CELLS = 8_000_000  # that are held at most, whatever the columns


class _Kept(NamedTuple):
    """Rows of a sample, by their hashes; and the part of the table and the record of each (k, 2), if known."""

    bits: Bits
    block: Block
    places: Bits | None


class Sampler:
    """Keeps `rows` rows of those that it is shown, fewer where there are more than 200 columns.

    Rows are held in arrays made once: small ones between the blocks of a table would leave holes in its memory. Columns
    of the table that enter by curves are held as they were read, too: `effects` needs their range.

    Parameters
    ----------
    rows, seed : int
        Rows to keep, and the seed of the hash.
    design : Design
        What becomes of the columns.
    levels : mapping
        The levels of each text column, in the order of their codes: those of the encoder, which may find more.
    """

    def __init__(self, rows: int, seed: int, design: Design, levels: Mapping[str, Sequence[str]]) -> None:
        self._given = rows, seed, design, levels
        self._read = read_beside(design)
        numbers, texts = len(design.numbers) + len(self._read), len(design.texts)
        columns = max(numbers + texts, 1)
        self._most, self._seed = min(rows, max(_CELLS // 2 // columns, 1)), seed
        room = max(2 * self._most, _CELLS // 4 // columns)
        self._limit = np.uint64(2**64 - 1)  # a larger hash is not among the smallest
        self._bits = np.empty(room, dtype=np.uint64)
        self._numbers, self._codes = np.empty((numbers, room)), np.empty((texts, room), dtype=np.int32)
        self._y, self._a = np.empty(room), np.empty(room)
        self._places = np.empty((2, room), dtype=np.uint64)
        self._held = self._fresh = 0
        self._weighted = False
        self._merged: _Kept | None = None

    def add(self, rows: PlacedRows) -> None:
        """Show the training rows of a batch."""
        batch, (numbers, codes, _), y, a, kept = rows.batch, rows.encoded, rows.y, rows.a, rows.used
        numbers = [*numbers, *batch.columns(self._read)] if self._read else numbers
        self._weighted = a is not None
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
            self._places[0, to], self._places[1, to] = salt, (batch.first + here).astype(np.uint64)
            for of_code, code in zip(self._codes, codes, strict=True):
                of_code[to] = code[here]
            for of_column, column in zip(self._numbers, numbers, strict=True):
                of_column[to] = column.take(here, mode="clip")  # half the time of column[here]
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
        for column in (self._bits, *self._numbers, *self._codes, self._y, self._a, *self._places):
            column[: len(at)] = column[at]
        self._held = len(at)

    def _smallest(self) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        """Return where the smallest hashes are, in their order."""
        return np.argsort(self._bits[: self._held], kind="stable")[: self._most]

    def merge(self, other: "Sampler") -> None:
        """Keep the smallest hashes of the rows of both, whose levels may have turned up in another order.

        As many are kept as both were to keep: none where either was to keep none.
        """
        theirs = other._kept()
        if other.size < self.size:
            mine = self._kept()
            Sampler.__init__(self, other.size, *self._given[1:])
            self._merged = mine if mine is None else self._best(mine)
        if theirs is not None:
            self._merged = self._best(theirs) if self._merged is None else self._best(self._merged, theirs)

    def finish(self) -> Block | None:
        """Return the sample in the order of its hashes, with columns for all its levels; None if it is empty."""
        kept = self._kept()
        return None if kept is None else kept.block

    def places(self) -> Bits | None:
        """Return a number for the part of the table, and the record, of each row of the sample (k, 2), if known."""
        kept = self._kept()
        return None if kept is None else kept.places

    def _kept(self) -> _Kept | None:
        if not self._held:
            return self._merged
        at, layout = self._smallest(), Layout(*self._given[2:])
        given = len(self._numbers) - len(self._read)
        X, columns = layout.expand(self._numbers[:given, at].T, self._codes[:, at].T)
        if self._read:
            X = np.hstack([X, self._numbers[given:, at].T])
            columns = (*columns, *map(as_read, self._read))
        block = Block(X, self._y[at][:, None], self._a[at] if self._weighted else None, columns)
        own = _Kept(self._bits[at], block, self._places[:, at].T)
        return own if self._merged is None else self._best(own, self._merged)

    def _best(self, *several: _Kept) -> _Kept | None:
        """Return the rows of the smallest hashes; equal ones, of parts that are called alike, by their values."""
        if not self._most:
            return None
        columns = several[0].block.columns or ()
        for kept in several[1:]:
            columns = union(columns, kept.block.columns) or ()
        bits = np.concatenate([kept.bits for kept in several])
        blocks = [selected(kept.block, columns) for kept in several]
        X, Y = (np.concatenate(parts) for parts in zip(*((b.X, b.Y) for b in blocks), strict=True))
        a = None if blocks[0].weights is None else np.concatenate([block.weights for block in blocks])
        at = np.argsort(bits, kind="stable")
        if (np.diff(bits[at]) == 0).any():
            by_name = sorted(range(len(columns)), key=columns.__getitem__)
            at = np.lexsort([*X.T[by_name], *Y.T, *([] if a is None else [a]), bits])
        at = at[: self._most]
        known = [kept.places for kept in several if kept.places is not None]
        places = np.concatenate(known)[at] if len(known) == len(several) else None
        return _Kept(bits[at], Block(X[at], Y[at], None if a is None else a[at], columns), places)

    def empty(self) -> "Sampler":
        """Return a sampler that keeps no row."""
        return Sampler(0, *self._given[1:])

    @property
    def size(self) -> int:
        """Rows to keep."""
        return self._given[0]

    def arrays(self) -> tuple[tuple[str, ...], dict[str, np.ndarray[Any, Any]]]:
        """Return the columns of the sample and, by name, the hashes of its rows, X, y and their weights."""
        kept = self._kept()
        if kept is None:
            return (), {}
        X, Y, a, columns, _ = kept.block
        found = {"bits": kept.bits, "X": X, "y": Y} | ({} if a is None else {"weights": a})
        return columns or (), {name: np.ascontiguousarray(array) for name, array in found.items()}

    def take_arrays(self, columns: tuple[str, ...], held: Mapping[str, bytes]) -> None:
        """Take a sample as bytes of its arrays.

        Raises
        ------
        ValueError
            If they are not of one length, or not finite.
        """
        if "bits" not in held:
            return
        bits = np.frombuffer(held["bits"], np.uint64)
        X, Y = (np.frombuffer(held[name], np.float64).reshape(len(bits), -1) for name in ("X", "y"))
        a = np.frombuffer(held["weights"], np.float64) if "weights" in held else None
        sizes = (X.shape[1], Y.shape[1], len(bits) if a is None else len(a))
        if sizes != (len(columns), 1, len(bits)) or len(set(columns)) < len(columns):
            raise ValueError("the arrays of its sample do not fit together")
        encoded = X[:, [not name.startswith(AS_READ) for name in columns]]
        if not all(np.isfinite(array).all() for array in (encoded, Y, () if a is None else a)):
            raise ValueError("its sample has a value that is not finite")
        self._merged = _Kept(bits, Block(X, Y, a, columns), None)

    def __getstate__(self) -> dict[str, Any]:
        return {"given": self._given, "kept": self._kept()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Sampler.__init__(self, *state["given"])
        self._merged = state["kept"]
