"""What a first look at a table sees of one column."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, nan, sqrt

import numpy as np

from regress.aggregates.moment_sums import MomentSums
from regress.api.inspect_ids import Repeats, numbers_rows
from regress.blocks import Array, Block, Mask
from regress.records import NO_DATES, Bin, DateRange, LevelCount
from regress.sources.base import MISSING, MISSING_CODE, Batch, Column, ColumnKind
from regress.sources.cell_types import kind_of

MANY_LEVELS = 100
ENOUGH_LEVELS = 100_000  # different texts beyond which no more are counted
FEW = 10  # rows up to which all values may differ by chance
_SHOWN = 10  # levels of which the rows are reported, the most frequent ones
_EXAMPLES = 3


@dataclass(slots=True)
class ColumnReport:
    """What one column holds. Mean, spread (standard deviation), low and high are those of the cells with a number.

    Attributes
    ----------
    dates : DateRange
        The mean, the first and the last date as text.
    all_differ : bool
        Whether every row has another value, as far as that is looked at.
    n_single, single : int, list of str
        How many levels have a single row, and some of them.
    n_like_numbers, like_numbers : int, list of str
        How many cells of text look like numbers, dates or times, and some of their levels.
    bins : list of Bin
        A histogram of a sample of the rows.
    frequent : list of LevelCount
        The most frequent levels with their rows.
    """

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
    dates: DateRange = NO_DATES
    all_differ: bool = False
    n_single: int = 0
    single: list[str] = field(default_factory=list)
    n_like_numbers: int = 0
    like_numbers: list[str] = field(default_factory=list)
    bins: list[Bin] = field(default_factory=list)
    frequent: list[LevelCount] = field(default_factory=list)

    @property
    def is_constant(self) -> bool:
        """Whether all of its cells with a value have the same."""
        return self.low == self.high or (self.kind == "text" and self.n_levels == 1)


class Numbers:
    """What a column of numbers holds, from batches as they come; merged parts follow one another."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._sums = MomentSums()
        self._count = self._missing = 0
        self._low, self._high = inf, -inf
        self._whole = True
        self._repeats = Repeats()

    def add(self, batch: Batch, sound: Mask) -> None:
        """Add the sound rows of a batch."""
        self.take(batch.numbers(self._column.name), None if sound.all() else sound)

    def take(self, cells: Array, sound: Mask | None) -> None:
        """Add the cells of the sound rows of a batch; of all where that is None."""
        cells = cells if sound is None else cells[sound]
        finite = np.isfinite(cells)
        if not finite.all():
            self._missing += len(cells) - int(finite.sum())
            cells = cells[finite]
        if not len(cells):
            return
        self._sums.add(Block(cells[:, None], np.empty((len(cells), 0))))
        self._count += len(cells)
        self._low, self._high = min(self._low, float(cells.min())), max(self._high, float(cells.max()))
        self._whole = self._whole and bool((cells == np.floor(cells)).all())
        if self._whole and self._column.kind == "number":
            self._repeats.add(cells)

    def merge(self, other: "Numbers") -> None:
        """Add the rows of the part that follows."""
        self._missing += other._missing
        if not other._count:
            return
        self._sums.merge(other._sums)
        self._count += other._count
        self._low, self._high = min(self._low, other._low), max(self._high, other._high)
        self._whole = self._whole and other._whole
        self._repeats.merge(other._repeats)

    @property
    def whole(self) -> bool:
        """Whether all numbers so far are integers."""
        return self._whole

    def finish(self) -> ColumnReport:
        """Return what all rows so far hold."""
        report = report_of(self._column, self._missing)
        if self._count:
            moments = self._sums.finish()
            report.mean, report.low, report.high = float(moments.center[0]), self._low, self._high
            report.spread = sqrt(max(float(moments.xx[0, 0]), 0.0) / max(self._count - 1, 1))
            whole = self._whole and self._column.kind == "number" and not self._missing
            report.all_differ = whole and self._count > FEW and not self._repeats.found
            report.looks_like_id = report.all_differ and numbers_rows(report.name, self._count, self._low, self._high)
        if self._count and self._column.kind == "date":
            zoned, mean = self._column.zoned, report.mean if not self._whole else report.mean // 1.0
            dates = [_written(value, self._whole) for value in (mean, report.low, report.high)]
            report.dates = DateRange(*(f"{date} UTC" if zoned and date else date for date in dates))
        return report


class Levels:
    """The levels of a text column and their rows, from batches as they come."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._rows = self._missing = 0
        self._counts = Counter[str]()  # rows of each level
        self._known: dict[str, str | None] = {}  # the level of each spelling
        self._odd: set[str] = set()  # levels that look like numbers, dates or times
        self._more = False  # whether there are more levels than are counted

    def add(self, batch: Batch, sound: Mask) -> None:
        """Add the sound rows of a batch."""
        rows = int(sound.sum())
        self._rows += rows
        if self._more:
            self._missing += self._absent(batch, sound)
            return
        present = 0
        for cell, count in batch.counts(self._column.name, sound).items():
            if cell not in self._known:
                self._known[cell] = self._learned(batch.level(cell))
            level = self._known[cell]
            if level is not None:
                present += count
                self._counts[level] += count
        self._missing += rows - present
        self._more = len(self._counts) > ENOUGH_LEVELS

    def _learned(self, level: str | None) -> str | None:
        """Remember whether a new level looks like a number."""
        if level is not None and level not in self._counts and kind_of(level) not in ("text", "boolean"):
            self._odd.add(level)
        return level

    def _absent(self, batch: Batch, sound: Mask) -> int:
        """Count the missing cells of a batch, whose levels are no longer counted."""
        known = [cell for cell, level in self._known.items() if level is None]
        spelled = [cell for cell in MISSING if batch.level(cell) is None]
        codes = batch.codes(self._column.name, dict.fromkeys([*known, *spelled], MISSING_CODE))
        return int(((codes == MISSING_CODE) & sound).sum())

    def merge(self, other: "Levels") -> None:
        """Add the rows of another part."""
        self._rows += other._rows
        self._missing += other._missing
        self._counts.update(other._counts)
        self._known |= other._known
        self._odd |= other._odd
        self._more = self._more or other._more or len(self._counts) > ENOUGH_LEVELS

    @property
    def found(self) -> frozenset[str]:
        """The levels so far."""
        return frozenset(self._counts)

    @property
    def in_doubt(self) -> bool:
        """Whether some levels look like numbers, dates or times."""
        return bool(self._odd)

    def finish(self) -> ColumnReport:
        """Return what all rows so far hold; beyond `ENOUGH_LEVELS` levels their rows are not known."""
        report, count = report_of(self._column, self._missing), len(self._counts)
        report.n_levels, report.levels = min(count, ENOUGH_LEVELS + 1), sorted(self._counts)[:MANY_LEVELS]
        report.all_differ = report.looks_like_id = FEW < count == self._rows - self._missing
        if not self._more:
            single = sorted(level for level, rows in self._counts.items() if rows == 1)
            report.n_single, report.single = len(single), single[:_EXAMPLES]
            by_rows = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
            report.frequent = [LevelCount(level, rows) for level, rows in by_rows[:_SHOWN]]
            report.n_like_numbers = sum(self._counts[level] for level in self._odd)
            report.like_numbers = sorted(self._odd)[:_EXAMPLES]
        return report


def report_of(column: Column, missing: int = 0) -> ColumnReport:
    """Return a report that holds nothing of the cells but how many are missing."""
    return ColumnReport(column.name, column.kind, missing, dtype=column.dtype, hint=column.hint)


def _written(days: float, whole: bool) -> str:
    """Write days since 1970-01-01 as a date, with the time unless they are whole; "" for a year beyond the calendar."""
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=round(days * 86_400))
    except OverflowError:
        return ""
    return moment.date().isoformat() if whole else moment.isoformat(sep=" ", timespec="seconds")
