"""Encoded rows as blocks of X on a fixed grid, whatever the batches that they came in."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from regress.blocks import Array, Block, Mask, block_rows
from regress.design.encode import Encoded
from regress.design.terms import Design
from regress.sources.base import Codes

_UNKNOWN = 2048  # columns that a block is sized for before any level has turned up


class Layout:
    """Where numbers and levels stand in blocks: as in the design, or, while levels turn up, each after those so far."""

    def __init__(self, design: Design) -> None:
        texts, names = design.texts, design.names
        self._open = any(term.open for term in texts)
        self._numbers, self._places = design.numbers, list(range(len(design.numbers)))
        self._slots: list[dict[int, int]] = [{} for _ in texts]
        self._references = [not term.all_levels for term in texts]
        self.width = len(self._numbers)
        if not self._open:
            at = {name: j for j, name in enumerate(names)}
            self._places = [at[name] for name in self._numbers]
            self._slots = [
                {k: at[name] for k, name in enumerate(term.names, start=len(term.levels) - len(term.coded))}
                for term in texts
            ]
            self.width = len(names)

    @property
    def rows(self) -> int:
        """Rows of the next block; few as long as nobody knows how many levels there are."""
        return block_rows(self.width if not self._open or any(self._slots) else _UNKNOWN)

    def expand(self, numbers: Array, codes: Codes) -> Array:
        """Return X (rows, width) from numbers (rows, k) and the codes of text columns (rows, t)."""
        if not self._slots:
            return numbers
        if self._open:
            for slots, column in zip(self._slots, codes.T, strict=True):
                for code in np.unique(column[column >= 0]).tolist():
                    if code not in slots:
                        slots[code] = self.width
                        self.width += 1
        X = np.zeros((len(numbers), self.width))
        X[:, self._places] = numbers
        for slots, column in zip(self._slots, codes.T, strict=True):
            for code, slot in slots.items():
                X[:, slot] = column == code
        return X

    @property
    def known(self) -> int:
        """Columns of X, without those of reference levels, as far as levels have turned up."""
        if not self._open:
            return self.width
        coded = (len(slots) - without for slots, without in zip(self._slots, self._references, strict=True))
        return len(self._numbers) + sum(max(count, 0) for count in coded)

    def order(self, found: Design, levels: Mapping[str, Sequence[str]]) -> list[int] | None:
        """Return which column of the blocks is which of the design's, `width` for one that no row had; None if all are.

        `levels` are those of each text column as they turned up.
        """
        if not self._open:
            return None
        numbers, slots, order = iter(range(len(self._numbers))), iter(self._slots), list[int]()
        for term in found.terms:
            if term.kind != "text":
                order.append(next(numbers))
                continue
            known, at = levels[term.name], next(slots)
            order += [at.get(known.index(level), self.width) for level in term.coded]
        return order


class Rebuffer:
    """Collects rows and gives them back in blocks on the fixed grid."""

    def __init__(self, design: Design) -> None:
        self.layout = Layout(design)
        self._numbers, self._texts = len(design.numbers), len(design.texts)
        self._new()

    def _new(self) -> None:
        self._size = self.layout.rows
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
        return [Block(to.T, to_y) for to, to_y, here, _ in spans if here.stop == self._size]

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
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """Yield what is left, if anything."""
        if self._filled:
            k = self._filled
            X = self.layout.expand(self._X[:, :k].T, self._codes[:k])
            yield Block(X, self._y[:k], None if self._a is None else self._a[:k])
            self._new()
