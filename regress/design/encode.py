"""From a batch of the table's columns to the columns of X; levels of text are found while the rows are read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.design.terms import Design
from regress.design.variables import Variable
from regress.errors import TableError
from regress.messages import setting
from regress.options import HandleUnknown
from regress.sources.base import MISSING_CODE, UNSEEN_CODE, Batch, Codes, Source
from regress.sources.cell_types import kind_of, level_of
from regress.sources.rereading import Reread


class Encoded(NamedTuple):
    """Some rows: number columns and text columns, as codes, (rows,) each; which rows miss no cell (None: none does).

    Numbers may be of any type up to 64 bits.
    """

    numbers: Sequence[NDArray[Any]] | Array
    codes: Sequence[Codes]
    whole: Mask | None


@dataclass(slots=True)
class SeenCells:
    """Cells of text columns whose levels are found with the rows: by level, and of levels of no row that counts."""

    levels: dict[str, Counter[str]] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def merge(self, other: "SeenCells") -> None:
        """Add the cells of other rows."""
        for name, counts in other.levels.items():
            self.levels.setdefault(name, Counter()).update(counts)
        self.unknown.update(other.unknown)

    def subtract(self, other: "SeenCells") -> None:
        """Take cells away; levels without a cell are forgotten."""
        for name, counts in other.levels.items():
            self.levels[name] = self.levels.get(name, Counter()) - counts
        self.unknown -= other.unknown

    def doubtful(self, design: Design) -> list[str]:
        """Return the columns of which a tenth of the cells look like numbers."""
        found = []
        for variable in design.texts:
            if variable.open and (counts := self.levels.get(variable.name)):
                like = sum(count for level, count in counts.items() if kind_of(level) not in ("text", "boolean"))
                unknown = self.unknown[variable.name]
                found += [variable.name] if 10 * (like + unknown) >= counts.total() + unknown else []
        return found


class Encoder:
    """Encodes batches of a source as a design has it; `altered` counts cells that became the reference level.

    Each spelling of a cell is looked at once: which level it is, or that it is missing. Where a text column's levels
    are not known, they are found, in the order in which they turn up, in the rows that count. `handle_unknown` says
    what becomes of a level that a known column does not have; `altered` counts the cells that became the reference
    level.
    """

    def __init__(
        self, design: Design, source: Source, max_categories: int = 0, handle_unknown: HandleUnknown = "error"
    ) -> None:
        self._design, self._source, self._most, self._handle_unknown = design, source, max_categories, handle_unknown
        self._numbers, self._texts = design.numbers, design.texts
        self._products = [
            (term.label, [(self._numbers.index(name), power) for name, power in term.powers.items()])
            for term in (() if design.plain else design.terms)
            if sum(term.powers.values()) > 1
        ]
        self.altered = 0
        self.levels = {variable.name: list(variable.levels) for variable in self._texts}
        self._codes = {variable.name: {level: k for k, level in enumerate(variable.levels)} for variable in self._texts}
        self._counts = {variable.name: np.zeros(0, dtype=np.int64) for variable in self._texts}
        self._unknown: Counter[str] = Counter()  # cells of levels that no row that counts has

    def encode(self, batch: Batch, counted: Mask | None = None) -> Encoded:
        """Encode a batch; rows that are not `counted` (None: all are), or miss a cell, may hold any level.

        Raises
        ------
        TableError
            If a text column holds a level that it should not, or too many.
        """
        columns = _doubles(batch.columns(self._numbers))
        whole: Mask | None = None
        if not _all_finite(columns):
            fills = self._design.fills
            columns = [_filled(c, fills.get(name)) for name, c in zip(self._numbers, columns, strict=True)]
            whole = np.logical_and.reduce([np.isfinite(column) for column in columns])
        for _, infinite in self._infinite(columns):
            whole = ~infinite if whole is None else whole & ~infinite
        codes = [self._coded(variable, batch) for variable in self._texts]
        for code in codes:
            if (missing := code == MISSING_CODE).any():
                whole = ~missing if whole is None else whole & ~missing
        for j, variable in enumerate(self._texts):
            unseen = codes[j] == UNSEEN_CODE
            for allowed in (whole, counted):
                if allowed is not None:
                    unseen &= allowed
            if unseen.any():
                codes[j] = self._unseen_levels(variable, batch, codes[j], unseen)
            if variable.open:
                self._count(variable, codes[j])
        return Encoded(columns, codes, whole)

    def in_range(self, columns: Sequence[Array] | Array) -> bool:
        """Tell whether all products of numbers in the terms are finite."""
        return not any(True for _ in self._infinite(columns))

    def _infinite(self, columns: Sequence[Array] | Array) -> Iterator[tuple[str, Mask]]:
        """Yield the products of numbers that are beyond the range of float64 in some rows, and these rows."""
        for label, powers in self._products:
            with np.errstate(all="ignore"):
                largest = [(np.nanmax(np.abs(columns[j]), initial=1.0), power) for j, power in powers]
                if sum(power * np.log2(size) for size, power in largest) > 1023.0:
                    given = np.logical_and.reduce([np.isfinite(columns[j]) for j, _ in powers])
                    infinite = given & ~np.isfinite(np.prod([columns[j] ** power for j, power in powers], axis=0))
                    if infinite.any():
                        yield label, infinite

    def _coded(self, variable: Variable, batch: Batch) -> Codes:
        """Return the codes of a text column, after a look at the spellings that are new."""
        known = self._codes[variable.name]
        codes = batch.codes(variable.name, known)
        unseen = codes == UNSEEN_CODE
        if not unseen.any():
            return codes
        spellings = batch.distinct(variable.name, unseen)
        found = {cell: self._code(variable, batch, cell) for cell in spellings}
        known |= {cell: code for cell, code in found.items() if code != UNSEEN_CODE}
        return batch.codes(variable.name, known) if set(found.values()) != {UNSEEN_CODE} else codes

    def _code(self, variable: Variable, batch: Batch, cell: str) -> int:
        """Return the code of a spelling; a level of the design is one even where its name means a missing cell."""
        level = batch.level(cell)
        named = level_of(cell) if level is None else level
        if not variable.open and named in self.levels[variable.name]:
            level = named
        return MISSING_CODE if level is None else self._codes[variable.name].get(level, UNSEEN_CODE)

    def _unseen_levels(self, variable: Variable, batch: Batch, codes: Codes, unseen: Mask) -> Codes:
        """Return codes that know the levels of rows not seen before, where there may be such."""
        levels, known = self.levels[variable.name], self._codes[variable.name]
        if variable.open:
            for cell in batch.distinct(variable.name, unseen):
                level = batch.level(cell) or ""
                if level not in known:
                    known[level] = len(levels)
                    levels.append(level)
                known[cell] = known[level]
            if len(levels) > self._most:
                settle(self._source, variable.name)
                raise many_levels(self._source, variable.name, levels, self._most)
            return batch.codes(variable.name, known)
        if self._handle_unknown == "reference" and not variable.all_levels:
            self.altered += int(unseen.sum())
            return np.where(unseen, 0, codes).astype(np.int32)
        row = int(np.flatnonzero(unseen)[0])
        raise unseen_level(self._source.place(batch.part, batch.first + row), variable, batch.texts(variable.name)[row])

    def _count(self, variable: Variable, codes: Codes) -> None:
        counts = np.bincount(codes[codes >= 0], minlength=len(self._counts[variable.name]))
        counts[: len(self._counts[variable.name])] += self._counts[variable.name]
        self._counts[variable.name] = counts
        self._unknown[variable.name] += int((codes == UNSEEN_CODE).sum())

    def missing_cells(self, encoded: Encoded, rows: Mask) -> dict[str, int]:
        """Count the missing cells of each column that nothing fills, in some rows of a batch."""
        numbers = zip(self._numbers, encoded.numbers, strict=True)
        counts = {name: int((~np.isfinite(column[rows])).sum()) for name, column in numbers}
        texts = zip(self._texts, encoded.codes, strict=True)
        counts |= {variable.name: int((codes[rows] == MISSING_CODE).sum()) for variable, codes in texts}
        counts |= {label: int(infinite[rows].sum()) for label, infinite in self._infinite(encoded.numbers)}
        return {name: count for name, count in counts.items() if count}

    @property
    def seen(self) -> SeenCells:
        """The cells of text columns so far."""
        counts = {
            variable.name: Counter(
                dict(zip(self.levels[variable.name], self._counts[variable.name].tolist(), strict=False))
            )
            for variable in self._texts
            if variable.open
        }
        return SeenCells(counts, self._unknown.copy())


def settle(source: Source, name: str) -> None:
    """Ask what a column is by all of its cells.

    Raises
    ------
    Reread
        If that was not known yet.
    """
    if not source.by_name[name].settled:
        raise Reread(source.settled([name]))


def many_levels(source: Source, name: str, levels: Sequence[str], most: int) -> TableError:
    """Return the error of a text column with more levels than are allowed."""
    return TableError(
        f"Column {name!r} of {source.label} is text with more than {most:,} different values, such as "
        f"{', '.join(map(repr, levels[:3]))}: more than {setting('max_categories', most)}. "
        f"Exclude it with {setting('drop', [name])}, or raise {setting('max_categories')}."
    )


def unseen_level(place: str, variable: Variable, cell: str) -> TableError:
    """Return the error of a cell that holds a level which training did not see."""
    shown = ", ".join(map(repr, variable.levels[:5])) + (", …" if len(variable.levels) > 5 else "")
    return TableError(
        f"{place}, column {variable.name!r}: the level {cell!r} was not seen in training, which saw {shown}. "
        "Exclude such rows, train on data that has it, or "
        + (
            "fit an intercept: without one the column has no reference level."
            if variable.all_levels
            else f"predict it as the reference level by {setting('handle_unknown', 'reference')}."
        )
    )


def altered_note(cells: int) -> str:
    """Say how many cells became the reference level."""
    held = "cell holds a level" if cells == 1 else "cells hold levels"
    return f"{cells:,} {held} that training did not see, predicted as the reference level."


def _all_finite(columns: Sequence[Array] | Array) -> bool:
    """Tell whether all cells are; a sum that overflows says no, and has them looked at."""
    with np.errstate(over="ignore", invalid="ignore"):
        sums = columns.sum() if isinstance(columns, np.ndarray) else [column.sum() for column in columns]
        return bool(np.isfinite(sums).all())


def _doubles(columns: Sequence[NDArray[Any]] | Array) -> Sequence[Array] | Array:
    if isinstance(columns, np.ndarray):
        return columns
    return [column.astype(np.float64, copy=False) for column in columns]


def _filled(column: Array, fill: float | None) -> Array:
    return column if fill is None else np.where(np.isfinite(column), column, fill)
