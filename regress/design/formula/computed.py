"""A table with columns that are computed from others while it is read, row by row, by NumPy alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from regress.design.formula.computed_batch import ComputedBatch, levels_of
from regress.design.formula.expression import names_in
from regress.design.terms import Computed
from regress.sources.base import (
    Batch,
    Bookmark,
    Column,
    ColumnKind,
    Partition,
    Source,
)
from regress.sources.rejects import Skipped


class ComputedSource(Source):
    """A source with computed columns after its own.

    Parameters
    ----------
    base : Source
        The table.
    computed : sequence of Computed
        The columns, and what a first pass found for them.
    """

    def __init__(self, base: Source, computed: Sequence[Computed]) -> None:
        self.base, self.computed = base, tuple(computed)
        names = {c.name for c in computed}
        self.columns = (
            *(column for column in base.columns if column.name not in names),
            *(Column(c.name, "text" if c.text else "number", levels=levels_of(c), settled=True) for c in computed),
        )
        self.label, self.address, self.unit, self.index, self.options = (
            base.label, base.address, base.unit, base.index, base.options,
        )  # fmt: skip

    @property
    def dialect(self) -> str:  # type: ignore[override]  # read only
        """How the table's files are written."""
        return self.base.dialect

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]  # read only
        """What is worth knowing of how it is read."""
        return self.base.notes

    @property
    def size(self) -> int:
        """Bytes or rows of the table."""
        return self.base.size

    def partitions(self) -> Sequence[Partition]:
        """Return the partitions in the order of the rows."""
        return [ComputedPartition(partition, self.computed, self._base_kinds) for partition in self.base.partitions()]

    @cached_property
    def _base_kinds(self) -> dict[str, ColumnKind]:
        return self.base.kinds(column.name for column in self.base.columns)

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns, and what the computed ones need."""
        computed = {c.name: c for c in self.computed}
        for batch in self.base.batches(_inputs(names, computed), limit):
            yield ComputedBatch(batch, computed, self._base_kinds)

    def place(self, part: str, record: int) -> str:
        """Say where a record of a partition is."""
        return self.base.place(part, record)

    def skipped(self) -> Skipped:
        """Return what the last pass skipped."""
        return self.base.skipped()

    def take_skipped(self, skipped: Skipped) -> None:
        """Take what a pass over all partitions skipped."""
        self.base.take_skipped(skipped)

    def marked(self) -> Source:
        """Return the table with the decimal marks of its files decided by all cells."""
        return self._over(self.base.marked())

    def opened(self) -> Source:
        """Return the table with all of its files opened."""
        return self._over(self.base.opened())

    def over(self, each: Any) -> Source:
        """Return the table with its partitions looked at by a function that maps over them."""
        return self._over(self.base.over(each))

    def only(self, partitions: Sequence[Partition]) -> Source:
        """Return the table with some of its partitions."""
        return self._over(self.base.only([p.base if isinstance(p, ComputedPartition) else p for p in partitions]))

    def with_columns(self, columns: Iterable[Column]) -> Self:
        """Return the table with other columns of its own."""
        names = {c.name for c in self.computed}
        return self._over(self.base.with_columns(column for column in columns if column.name not in names))

    def read_as(self, kinds: Mapping[str, ColumnKind]) -> Self:
        """Return the table with columns of its own read as the kinds given."""
        names = {c.name for c in self.computed}
        return self._over(self.base.read_as({name: kind for name, kind in kinds.items() if name not in names}))

    def settled(self, names: Sequence[str]) -> Self:
        """Return the table with the named columns decided by all of their cells."""
        return self._over(self.base.settled(_inputs(names, {c.name: c for c in self.computed})))

    def _over(self, base: Source) -> Self:
        return type(self)(base, self.computed)


@dataclass(frozen=True, slots=True)
class ComputedPartition(Partition):
    """A partition whose batches have computed columns."""

    base: Partition
    computed: tuple[Computed, ...]
    kinds: Mapping[str, ColumnKind]

    @property
    def name(self) -> str:  # type: ignore[override]  # read only
        """What tells it from the table's other partitions."""
        return self.base.name

    @property
    def size(self) -> int:  # type: ignore[override]  # read only
        """Its bytes or rows."""
        return self.base.size

    @property
    def identity(self) -> str:
        """What tells its rows from those of others in another run too."""
        return self.base.identity

    @property
    def memory(self) -> int:
        """Bytes in memory that reading it takes."""
        return self.base.memory

    def smaller(self) -> Partition:
        """Return the partition read in smaller blocks."""
        return replace(self, base=self.base.smaller())

    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Batch]:
        """Read the named columns, and what the computed ones need."""
        computed = {c.name: c for c in self.computed}
        for batch in self.base.batches(self._kinds(kinds, computed)):
            yield ComputedBatch(batch, computed, self.kinds)

    def batch_at(self, kinds: Mapping[str, ColumnKind], bookmark: Bookmark) -> Batch:
        """Read the batch again that had a bookmark."""
        computed = {c.name: c for c in self.computed}
        return ComputedBatch(self.base.batch_at(self._kinds(kinds, computed), bookmark), computed, self.kinds)

    def _kinds(self, kinds: Mapping[str, ColumnKind], computed: Mapping[str, Computed]) -> dict[str, ColumnKind]:
        return {name: kinds.get(name, self.kinds[name]) for name in _inputs([*kinds], computed)}

    def place(self, record: int) -> str:
        """Say where a record is."""
        return self.base.place(record)


def _inputs(names: Sequence[str], computed: Mapping[str, Computed]) -> list[str]:
    """Return the columns of the table that these need."""
    needed = (names_in(computed[name].expression) if name in computed else (name,) for name in names)
    return list(dict.fromkeys(name for some in needed for name in some))
