"""What a first look at a table sees of one column."""

from dataclasses import dataclass, field
from math import inf, nan, sqrt

import numpy as np

from regress.aggregates.moment_sums import MomentSums
from regress.blocks import Block, Mask
from regress.sources.base import MISSING_CODE, Batch, Column, ColumnKind
from regress.sources.cell_types import kind_of

MANY_LEVELS = 100
ENOUGH_LEVELS = 100_000  # different texts beyond which no more are counted


@dataclass(slots=True)
class ColumnReport:
    """What one column holds. Mean, spread (standard deviation), low and high are those of the cells with a number."""

    name: str
    kind: ColumnKind
    missing: int = 0
    mean: float = nan
    spread: float = nan
    low: float = nan
    high: float = nan
    n_levels: int = 0
    levels: list[str] = field(default_factory=list)
    looks_like_id: bool = False
    dtype: str = ""
    hint: str = ""


class Numbers:
    """What a column of numbers holds, from batches as they come; merged parts follow one another."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._sums = MomentSums()
        self._count = self._missing = 0
        self._low, self._high = inf, -inf
        self._first, self._last = inf, -inf
        self._whole = self._rising = True

    def add(self, batch: Batch, sound: Mask) -> None:
        """Add the sound rows of a batch."""
        cells = batch.numbers(self._column.name)[sound]
        finite = np.isfinite(cells)
        self._missing += int((~finite).sum())
        cells = cells[finite]
        if not len(cells):
            return
        self._sums.add(Block(cells[:, None], np.empty((len(cells), 0))))
        rising = bool(self._last < cells[0] and (np.diff(cells) > 0).all())
        self._follow(len(cells), (float(cells.min()), float(cells.max())), (float(cells[0]), float(cells[-1])))
        self._rising = self._rising and rising
        self._whole = self._whole and bool((cells == np.floor(cells)).all())

    def merge(self, other: "Numbers") -> None:
        """Add the rows of the part that follows."""
        self._missing += other._missing
        if not other._count:
            return
        self._sums.merge(other._sums)
        self._rising = self._rising and other._rising and self._last < other._first
        self._whole = self._whole and other._whole
        self._follow(other._count, (other._low, other._high), (other._first, other._last))

    def _follow(self, count: int, range_: tuple[float, float], ends: tuple[float, float]) -> None:
        self._low, self._high = min(self._low, range_[0]), max(self._high, range_[1])
        self._first, self._last = self._first if self._count else ends[0], ends[1]
        self._count += count

    def finish(self) -> ColumnReport:
        """Return what all rows so far hold."""
        report = report_of(self._column, self._missing)
        if self._count:
            moments = self._sums.finish()
            report.mean, report.low, report.high = float(moments.center[0]), self._low, self._high
            report.spread = sqrt(max(float(moments.xx[0, 0]), 0.0) / max(self._count - 1, 1))
            steady = self._low in (0, 1) and self._high - self._low == self._count - 1  # a counter; a year is none
            report.looks_like_id = self._count > 10 and self._whole and self._rising and steady and not self._missing
        return report


class Levels:
    """The levels of a text column, from batches as they come."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._rows = self._missing = 0
        self._found: set[str] = set()
        self._known: dict[str, int] = {}  # spellings: 0 or MISSING_CODE
        self.like_numbers = False

    def add(self, batch: Batch, sound: Mask) -> None:
        """Add the sound rows of a batch."""
        name = self._column.name
        codes = batch.codes(name, {})
        if len(self._found) <= ENOUGH_LEVELS:
            for cell in batch.distinct(name, sound):
                if cell not in self._known:
                    level = batch.level(cell)
                    self._known[cell] = MISSING_CODE if level is None else 0
                    if level is not None and level not in self._found:
                        self._found.add(level)
                        self.like_numbers |= kind_of(level) not in ("text", "boolean")
        absent = {cell: code for cell, code in self._known.items() if code == MISSING_CODE}
        if absent:
            codes = batch.codes(name, absent)
        self._rows += int(sound.sum())
        self._missing += int(((codes == MISSING_CODE) & sound).sum())

    def merge(self, other: "Levels") -> None:
        """Add the rows of another part."""
        self._rows += other._rows
        self._missing += other._missing
        self._found |= other._found
        self._known |= other._known
        self.like_numbers |= other.like_numbers

    @property
    def found(self) -> frozenset[str]:
        """The levels so far."""
        return frozenset(self._found)

    def finish(self) -> ColumnReport:
        """Return what all rows so far hold."""
        report, count = report_of(self._column, self._missing), len(self._found)
        report.n_levels, report.levels = count, sorted(self._found)[:MANY_LEVELS]
        report.looks_like_id = count > 10 and count == self._rows - self._missing
        return report


def report_of(column: Column, missing: int = 0) -> ColumnReport:
    """Return a report that holds nothing of the cells but how many are missing."""
    return ColumnReport(column.name, column.kind, missing, dtype=column.dtype, hint=column.hint)
