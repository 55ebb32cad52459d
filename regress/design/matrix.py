"""Encoded rows as blocks of X on a fixed grid, whatever the batches that they came in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from regress.blocks import STORED, Array, Block, Mask, block_rows
from regress.design.columns import LOWER, lower_part, selected
from regress.design.encode import Encoded
from regress.design.terms import Design, Term, same_name
from regress.numerics.expansions import powers
from regress.sources.base import Codes

_TILE = 1024  # rows that are turned at a time, so that they stay in the cache
_UNKNOWN = 2048  # columns that a block is sized for before any level has turned up


class _TermColumns(NamedTuple):
    """Where the columns of a term are, by the codes of its text variables, and the powers of numbers in it."""

    term: Term
    powers: dict[str, int]
    texts: list[int]
    at: dict[tuple[int, ...], int]


class Layout:
    """The columns of blocks: those that a design collects, or, while levels turn up, one more for each new level.

    Where levels turn up together in a term, there is a column for each combination.

    Parameters
    ----------
    design : Design
        Variables and terms.
    levels : mapping
        Levels of each text variable, in the order of their codes; whoever finds more adds them there.
    lower : bool
        Whether products of numbers have columns for their lower parts too, where these are not zero in all rows.

    Attributes
    ----------
    columns : tuple of str
        The columns so far, without lower parts.
    """

    def __init__(self, design: Design, levels: Mapping[str, Sequence[str]], *, lower: bool = False) -> None:
        self._design, self._levels, self._lower = design, levels, lower
        self._open, self._found = any(variable.open for variable in design.texts), False
        self._terms: list[_TermColumns] = []
        self.columns = design.names
        if design.plain:
            return
        texts = [variable.name for variable in design.texts]
        self._terms = [
            _TermColumns(term, term.powers, [texts.index(part.variable) for part in term.texts], {})
            for term in design.terms
        ]
        self._texts = texts
        fixed = [term.name({}) for term in design.terms if not term.texts]
        self.columns = tuple(fixed if self._open else (c for c in design.selection.collected if LOWER not in c))
        at = {name: j for j, name in enumerate(self.columns)}
        for term in self._terms:
            if not term.texts or not self._open:
                every = product(*(range(len(levels[texts[k]])) for k in term.texts))
                names = {codes: self._name(term, codes) for codes in every}
                term.at.update({codes: at[name] for codes, name in names.items() if name in at})

    def _name(self, term: _TermColumns, codes: tuple[int, ...]) -> str:
        texts = [self._texts[k] for k in term.texts]
        return term.term.name({text: self._levels[text][code] for text, code in zip(texts, codes, strict=True)})

    @property
    def rows(self) -> int:
        """Rows of the next block; few as long as the number of levels is unknown."""
        return block_rows(len(self.columns) if not self._open or self._found else _UNKNOWN)

    def expand(self, numbers: Array, codes: Codes) -> tuple[Array, tuple[str, ...]]:
        """Return X and its columns, from numbers (rows, k) and the codes of text columns (rows, t).

        Raises
        ------
        TableError
            If a level turns up whose column would have the name of another.
        """
        if self._design.plain:
            return numbers, self.columns
        if self._open:
            self._note_levels(codes)
        X, lower = np.zeros((len(self.columns), len(numbers))), dict[str, Array]()
        columns = dict(zip(self._design.numbers, numbers.T, strict=True))
        for term in self._terms:
            parts = powers(columns, term.powers, lower=self._lower) if term.powers else []
            cells, sizes = self._cells(term, codes)
            for key, at in term.at.items():
                here = cells == np.ravel_multi_index(key, sizes) if key else True
                X[at] = here if not parts else np.where(here, parts[0], 0.0) if key else parts[0]
                for k, part in enumerate(parts[1:], start=1):
                    values = np.where(here, part, 0.0) if key else part
                    if values.any():
                        lower[lower_part(self.columns[at], k)] = values
        return (np.concatenate([X, [*lower.values()]]) if lower else X).T, (*self.columns, *lower)

    def places(self, columns: Sequence[str], of_numbers: Mapping[str, int]) -> tuple[int, ...]:
        """Return the decimals of columns, given those of the numbers that are multiplied in them."""
        if self._design.plain:
            return tuple(of_numbers[name] for name in columns)
        found = dict[str, int]()
        for term in self._terms:
            known = [of_numbers[name] * power for name, power in term.powers.items() if of_numbers[name] != STORED]
            places = STORED if term.powers and not known else sum(known)
            found |= {self.columns[at]: places for at in term.at.values()}
        return tuple(found[name.partition(LOWER)[0]] for name in columns)

    def final(self, numbers: Array, codes: Codes) -> Array:
        """Return the columns of X that the design has, in its order."""
        X, columns = self.expand(numbers, codes)
        return selected(Block(X, np.empty((len(X), 0)), None, columns), self._design.selection).X

    def block(self, rows: Encoded, y: Array, a: Array | None, chosen: Mask | None) -> Block:
        """Return the chosen rows (None: all) of a batch as a block of a design's columns, row by row in memory."""
        m = len(y) if chosen is None else int(chosen.sum())
        which = slice(None) if chosen is None else chosen
        numbers, codes = np.empty((m, len(rows.numbers))), np.empty((m, len(rows.codes)), dtype=np.int32)
        columns = [column[which] for column in rows.numbers]
        for i in range(0, m, _TILE):
            for j, column in enumerate(columns):
                numbers[i : i + _TILE, j] = column[i : i + _TILE]
        for j, code in enumerate(rows.codes):
            codes[:, j] = code[which]
        X = np.ascontiguousarray(self.final(numbers, codes))
        return Block(X, y[which, None], None if a is None else a[which], self._design.names)

    def _cells(self, term: _TermColumns, codes: Codes) -> tuple[Codes, tuple[int, ...]]:
        """Return one number for the text codes of a term in each row, negative where one is missing, and its shape."""
        sizes = tuple(max(len(self._levels[self._texts[k]]), 1) for k in term.texts)
        columns = [codes[:, k] for k in term.texts]
        if len(columns) < 2:
            return columns[0] if columns else codes[:, :0], sizes
        known = np.logical_and.reduce([column >= 0 for column in columns])
        cells = np.ravel_multi_index([np.where(known, column, 0) for column in columns], sizes)
        return np.where(known, cells, -1), sizes

    def _note_levels(self, codes: Codes) -> None:
        columns = dict.fromkeys(self.columns)
        for term in (term for term in self._terms if term.texts):
            cells, sizes = self._cells(term, codes)
            seen = cells[cells >= 0]
            few = prod(sizes) <= len(seen)  # then counting is quicker than sorting
            found = np.flatnonzero(np.bincount(seen)) if few else np.unique(seen)
            for key in zip(*(part.tolist() for part in np.unravel_index(found, sizes)), strict=True):
                if key not in term.at:
                    name = self._name(term, key)
                    if name in columns:
                        raise same_name(name)
                    term.at[key] = len(columns)
                    columns[name] = None
                    self._found = True
        self.columns = tuple(columns)


Made = Callable[[Layout, Block, Codes], Block]


class Rebuffer:
    """Collects rows and gives them back in blocks on the fixed grid, made by a function of a layout, rows and codes."""

    def __init__(self, layout: Layout, design: Design, made: Made | None = None) -> None:
        self._layout, self._made = layout, made or _block
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
        full = [(to, to_y) for to, to_y, here, _ in spans if here.stop == self._size]
        codes = np.empty((self._size, 0), dtype=np.int32)
        return [self._made(self._layout, Block(to.T, to_y), codes) for to, to_y in full]

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
        rows = Block(self._X[:, :k].T, self._y[:k], None if self._a is None else self._a[:k])
        return self._made(self._layout, rows, self._codes[:k])


def _block(layout: Layout, rows: Block, codes: Codes) -> Block:
    X, columns = layout.expand(rows.X, codes)
    return rows._replace(X=X, columns=columns)
