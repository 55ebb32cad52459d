"""What a first look at a table sees of one column."""

from dataclasses import dataclass, field
from math import nan, sqrt

import numpy as np

from regress.blocks import Mask
from regress.sources.base import MISSING_CODE, Batch, ColumnKind
from regress.sources.cell_types import kind_of

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
    """Count, mean, squares, extremes of one column, batch by batch (Chan's merge)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.low, self.high, self.last = np.inf, -np.inf, -np.inf
        self.whole = self.rising = True

    def look(self, batch: Batch, sound: Mask) -> int:
        """Take the sound rows of a batch in; return the missing cells."""
        cells = batch.numbers(self.name)[sound]
        finite = np.isfinite(cells)
        self._add(cells[finite])
        return int((~finite).sum())

    def _add(self, cells: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        if not len(cells):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(cells[0] + (cells - cells[0]).mean())
            squares = float(((cells - mean) ** 2).sum())
            count = self.count + len(cells)
            change = mean - self.mean
            self.squares += squares + change**2 * self.count * len(cells) / count
            self.mean += change * len(cells) / count
        self.count = count
        self.low, self.high = min(self.low, float(cells.min())), max(self.high, float(cells.max()))
        self.whole = self.whole and bool((cells == np.floor(cells)).all())
        self.rising = self.rising and bool(cells[0] > self.last and (np.diff(cells) > 0).all())
        self.last = float(cells[-1])

    def report(self, to: ColumnReport) -> None:
        """Write what was seen into a report."""
        if self.count:
            to.mean, to.low, to.high = self.mean, self.low, self.high
            to.spread = sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
            steady = self.low in (0, 1) and self.high - self.low == self.count - 1  # a counter; a year is none
            to.looks_like_id = self.count > 10 and self.whole and self.rising and steady and to.missing == 0


class Levels:
    """The levels of a text column."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: dict[str, None] = {}
        self._known: dict[str, int] = {}  # spellings: 0 or MISSING_CODE
        self.like_numbers = False

    def look(self, batch: Batch, sound: Mask) -> int:
        """Take the sound rows of a batch in; return the missing cells."""
        codes = batch.codes(self.name, {})
        if len(self.found) <= ENOUGH_LEVELS:
            for cell in batch.distinct(self.name, sound):
                if cell not in self._known:
                    level = batch.level(cell)
                    self._known[cell] = MISSING_CODE if level is None else 0
                    if level is not None and level not in self.found:
                        self.found[level] = None
                        self.like_numbers |= kind_of(level) not in ("text", "boolean")
        absent = {cell: code for cell, code in self._known.items() if code == MISSING_CODE}
        if absent:
            codes = batch.codes(self.name, absent)
        return int(((codes == MISSING_CODE) & sound).sum())
