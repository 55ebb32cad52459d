"""Rows held out, as what R² needs of them for any coefficients."""

from collections.abc import Sequence
from dataclasses import dataclass

from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.moment_sums import MomentSums
from regress.aggregates.moments import Moments
from regress.aggregates.totals import Totals, moments_of
from regress.blocks import Block
from regress.design.columns import Columns, Selection, selected, union

_MOST = 600  # columns summed exactly unasked: a table of more is never so small that its training sums are exact


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What is known of rows held out: their totals, their moments, or the rows themselves.

    Attributes
    ----------
    count : int
        How many there are.
    rows : tuple of Block
        Empty where they are summed.
    totals, moments : Totals or None, Moments or None
        Their sums over [1, x, y].
    """

    count: int
    rows: tuple[Block, ...] = ()
    totals: Totals | None = None
    moments: Moments | None = None

    def select(self, names: Sequence[str] | Selection) -> "HeldOut":
        """Return what is known of the columns of these names, in this order; one that no row had is zero."""
        return HeldOut(
            self.count,
            tuple(selected(block, names) for block in self.rows),
            None if self.totals is None else self.totals.select(names),
            None if self.moments is None else self.moments.select(names),
        )


class HeldOutSums:
    """Rows while there are no more of them than columns, else sums over [1, x, y].

    Sums are exact for up to 600 columns, for more on request, and always of numbers as written. Others are moments.
    Merging gives sums where either part has them, and moments where either has those.

    Parameters
    ----------
    exact : bool
        Whether sums of more columns are exact too.
    kept : bool
        Whether rows are held, however many there are: for losses that sums do not give.
    summed : bool
        Whether no row is held, however few there are.
    """

    def __init__(self, exact: bool, kept: bool = False, summed: bool = False) -> None:
        self._exact, self._kept, self._summed = exact, kept, summed
        self._count = self._width = 0
        self._columns: Columns = None
        self._rows: list[Block] = []
        self._sums: ExactSums | MomentSums | None = None

    def add(self, block: Block) -> None:
        """Add rows with one target."""
        self._take(len(block.X), block.X.shape[1], block.columns, [block])

    def merge(self, other: "HeldOutSums") -> None:
        """Add the rows of another part."""
        if other._sums is not None:
            self._sums = _merged(self._sums, other._sums)
        if other._count:
            self._take(other._count, other._width, other._columns, other._rows)

    def _take(self, count: int, width: int, columns: Columns, rows: Sequence[Block]) -> None:
        known = self._columns  # sums that were read have none here, nor rows that would need them
        self._columns = columns if known is None else known if columns is None else union(known, columns)
        self._width = max(self._width, width) if self._columns is None else len(self._columns)
        self._count += count
        self._rows += rows
        as_written = any(block.decimals is not None for block in rows)  # exactly so in sums only
        needed = not self._kept and (as_written or self._count > self._width)
        if self._sums is None and self._count and (self._summed or needed):
            self._sums = ExactSums() if self._exact or as_written or self._width <= _MOST else MomentSums()
        if self._sums is not None:
            for block in self._rows:
                self._sums.add(block)
            self._rows = []
        self._rows = [block.in_doubles() for block in self._rows]

    def exact(self) -> ExactSums:
        """Return the sums over all rows so far, which no option keeps from being exact."""
        if self._sums is None:
            return ExactSums()
        assert isinstance(self._sums, ExactSums)
        return self._sums

    @classmethod
    def of(cls, sums: ExactSums) -> "HeldOutSums":
        """Return the rows that have these sums."""
        held = cls(True, summed=True)
        held._count, held._sums = sums.rows, sums if sums.rows else None
        return held

    def finish(self) -> HeldOut:
        """Return what is known of all rows so far."""
        if self._sums is None:
            return HeldOut(self._count, tuple(self._rows))
        if isinstance(self._sums, ExactSums):
            return HeldOut(self._count, totals=self._sums.finish())
        return HeldOut(self._count, moments=self._sums.finish())


def _merged(mine: ExactSums | MomentSums | None, theirs: ExactSums | MomentSums) -> ExactSums | MomentSums:
    """Return sums of both; moments where only one of the two is exact."""
    if mine is None:
        mine = ExactSums() if isinstance(theirs, ExactSums) else MomentSums()
    if isinstance(mine, ExactSums) and isinstance(theirs, ExactSums):
        mine.merge(theirs)
        return mine
    sums = MomentSums()
    for part in (mine, theirs):
        if isinstance(part, ExactSums):
            sums.merge(moments_of(part.finish(), 1))
        else:
            sums.merge(part)
    return sums
