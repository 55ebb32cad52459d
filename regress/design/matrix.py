"""Encoded rows as blocks of X on a fixed grid, whatever the batches that they came in."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from regress.blocks import Array, Block, Mask, block_rows
from regress.design.encode import Encoded
from regress.design.terms import Design, same_name
from regress.sources.base import Codes

_TILE = 1024  # rows that are turned at a time, so that they stay in the cache
_UNKNOWN = 2048  # columns that a block is sized for before any level has turned up


class Layout:
    """The columns of blocks: those of the design, or, while levels turn up, one more for each new level.

    `levels` are those of each text column, in the order of their codes; whoever finds more adds them there.
    """

    def __init__(self, design: Design, levels: Mapping[str, Sequence[str]]) -> None:
        texts, names = design.texts, design.names
        self._open = any(term.open for term in texts)
        self._texts, self._levels = [term.name for term in texts], levels
        self._slots: list[dict[int, int]] = [{} for _ in texts]
        if self._open:
            self.columns = tuple(design.numbers)
            self._places = list(range(len(self.columns)))
        else:
            self.columns = names
            at = {name: j for j, name in enumerate(names)}
            self._places = [at[name] for name in design.numbers]
            self._slots = [
                {k: at[name] for k, name in enumerate(term.names, start=len(term.levels) - len(term.coded))}
                for term in texts
            ]

    @property
    def rows(self) -> int:
        """Rows of the next block; few as long as nobody knows how many levels there are."""
        return block_rows(len(self.columns) if not self._open or any(self._slots) else _UNKNOWN)

    def expand(self, numbers: Array, codes: Codes) -> Array:
        """Return X, its columns as in `columns`, from numbers (rows, k) and the codes of text columns (rows, t).

        Raises
        ------
        TableError
            If a level turns up whose column would have the name of another.
        """
        if not self._slots:
            return numbers
        if self._open:
            self._note_levels(codes)
        X = np.zeros((len(numbers), len(self.columns)))
        X[:, self._places] = numbers
        for slots, column in zip(self._slots, codes.T, strict=True):
            for code, slot in slots.items():
                X[:, slot] = column == code
        return X

    def block(self, rows: Encoded, y: Array, a: Array | None, chosen: Mask | None) -> Block:
        """Return the chosen rows (None: all) of a batch as a block, row by row in memory."""
        m = len(y) if chosen is None else int(chosen.sum())
        which = slice(None) if chosen is None else chosen
        numbers, codes = np.empty((m, len(rows.numbers))), np.empty((m, len(rows.codes)), dtype=np.int32)
        columns = [column[which] for column in rows.numbers]
        for i in range(0, m, _TILE):
            for j, column in enumerate(columns):
                numbers[i : i + _TILE, j] = column[i : i + _TILE]
        for j, code in enumerate(rows.codes):
            codes[:, j] = code[which]
        return Block(self.expand(numbers, codes), y[which, None], None if a is None else a[which], self.columns)

    def _note_levels(self, codes: Codes) -> None:
        columns = dict.fromkeys(self.columns)
        for text, slots, column in zip(self._texts, self._slots, codes.T, strict=True):
            for code in np.unique(column[column >= 0]).tolist():
                if code not in slots:
                    name = f"{text}={self._levels[text][code]}"
                    if name in columns:
                        raise same_name(name)
                    slots[code] = len(columns)
                    columns[name] = None
        self.columns = tuple(columns)


class Rebuffer:
    """Collects rows and gives them back in blocks on the fixed grid."""

    def __init__(self, design: Design, levels: Mapping[str, Sequence[str]]) -> None:
        self._layout = Layout(design, levels)
        self._numbers, self._texts = len(design.numbers), len(design.texts)
        self._new()

    def _new(self) -> None:
        self._size = self._layout.rows
        self._X, self._y = np.empty((self._numbers, self._size)), np.empty((self._size, 1))
        self._codes = np.empty((self._size, self._texts), dtype=np.int32)
        self._a: Array | None = None
        self._filled = 0

    @property
    def empty(self) -> bool:
        """Whether no row waits."""
        return self._filled == 0

    def take(self, columns: Sequence[Array] | Array, y: Array) -> list[Block] | None:
        """Add rows of numbers and return the blocks that they complete; or None, and add none, where a cell is missing.

        A column is looked through right before it is copied, which brings it into the cache.
        """
        spans, start, at, X, Y = [], 0, self._filled, self._X, self._y
        while start < len(y):
            count = min(self._size - at, len(y) - start)
            spans.append((X, Y, slice(at, at + count), slice(start, start + count)))
            start, at = start + count, at + count
            if at == self._size:
                at, X, Y = 0, np.empty_like(X), np.empty_like(Y)
        with np.errstate(over="ignore", invalid="ignore"):
            for j, column in enumerate((*columns, y)):
                if not np.isfinite(column.sum()):
                    return None
                for to, to_y, here, there in spans:
                    (to_y[:, 0] if column is y else to[j])[here] = column[there]
        self._X, self._y, self._filled = X, Y, at
        return [Block(to.T, to_y, None, self._layout.columns) for to, to_y, here, _ in spans if here.stop == self._size]

    def push(self, rows: Encoded, y: Array, a: Array | None, chosen: Mask | None) -> Iterator[Block]:
        """Add the chosen rows (None: all), and yield the blocks that they complete."""
        numbers, codes = rows.numbers, rows.codes
        if chosen is not None:
            numbers, codes = [column[chosen] for column in numbers], [column[chosen] for column in codes]
            y, a = y[chosen], None if a is None else a[chosen]
        start = 0
        while start < len(y):
            count = min(self._size - self._filled, len(y) - start)
            here, there = slice(self._filled, self._filled + count), slice(start, start + count)
            for j, column in enumerate(numbers):
                self._X[j, here] = column[there]
            for j, code in enumerate(codes):
                self._codes[here, j] = code[there]
            self._y[here, 0] = y[there]
            if a is not None:
                self._a = np.empty(self._size) if self._a is None else self._a
                self._a[here] = a[there]
            self._filled += count
            start += count
            if self._filled == self._size:
                yield self._block()
                self._new()

    def rest(self) -> Iterator[Block]:
        """Yield the remaining rows, if any, after the last row."""
        if self._filled:
            yield self._block()

    def _block(self) -> Block:
        k = self._filled
        X = self._layout.expand(self._X[:, :k].T, self._codes[:k])
        return Block(X, self._y[:k], None if self._a is None else self._a[:k], self._layout.columns)
