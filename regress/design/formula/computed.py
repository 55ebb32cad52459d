"""A table with columns that are computed from others while it is read, row by row, by NumPy alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from regress.blocks import Array, Mask
from regress.design.formula.expression import Call, Expression, names_in
from regress.design.terms import Computed
from regress.sources.base import (
    MISSING_CODE,
    UNSEEN_CODE,
    Batch,
    Bookmark,
    Codes,
    Column,
    ColumnKind,
    Partition,
    Source,
)
from regress.sources.cell_types import level_of
from regress.sources.rejects import Skipped

if TYPE_CHECKING:
    from regress.design.formula.evaluate import Values


class ComputedSource(Source):
    """A source with computed columns beside its own.

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
            *(Column(c.name, "text" if c.text else "number", levels=_levels(c), settled=True) for c in computed),
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


@dataclass(frozen=True, slots=True)
class BatchValues:
    """The columns of a batch as expressions read them."""

    batch: Batch
    kinds: Mapping[str, ColumnKind]

    def numbers(self, name: str) -> Array:
        """Return a number column (rows,), NaN where missing."""
        return self.batch.numbers(name)

    def equals(self, name: str, text: str) -> Array:
        """Tell in which rows a text column has a level, as 1.0 and 0.0; NaN where it is missing."""
        levels = self._levels(name)
        codes = self.batch.codes(name, {cell: int(level == text) for cell, level in levels.items()})
        return np.where(codes < 0, np.nan, codes.astype(np.float64))

    def missing(self, name: str) -> Array:
        """Tell in which rows a column has no value, as 1.0 and 0.0."""
        if self.kinds[name] == "text":
            return (self.batch.codes(name, dict.fromkeys(self._levels(name), 0)) < 0).astype(np.float64)
        return (~np.isfinite(self.batch.numbers(name))).astype(np.float64)

    def _levels(self, name: str) -> dict[str, str]:
        spellings = self.batch.distinct(name, np.ones(self.batch.rows, dtype=bool))
        levels = {cell: self.batch.level(cell) for cell in spellings}
        return {cell: level for cell, level in levels.items() if level is not None}


class ComputedBatch:
    """A batch with computed columns; each expression is evaluated once."""

    def __init__(self, base: Batch, computed: Mapping[str, Computed], kinds: Mapping[str, ColumnKind]) -> None:
        self.base, self._computed, self._values = base, computed, BatchValues(base, kinds)
        self._found = dict[Expression, Array]()
        self._cells = dict[str, tuple[list[str], Codes]]()
        self.part, self.key, self.first, self.rows = base.part, base.key, base.first, base.rows
        self.read, self.bad, self.bookmark = base.read, base.bad, base.bookmark

    def head(self, rows: int) -> Batch:
        """Return the first rows of the batch."""
        return ComputedBatch(self.base.head(rows), self._computed, self._values.kinds)

    def numbers(self, name: str) -> Array:
        """Return a number column (rows,), NaN where missing."""
        if name not in self._computed:
            return self.base.numbers(name)
        computed = self._computed[name]
        if computed.expression not in self._found:
            self._found[computed.expression] = values_of(computed, self._values)
        return column_of(computed, self._found[computed.expression])

    def columns(self, names: Sequence[str]) -> Sequence[Array] | Array:
        """Return number columns (rows,) each, NaN where missing."""
        own = [name for name in names if name not in self._computed]
        if len(own) == len(names):
            return self.base.columns(names)
        given = dict(zip(own, self.base.columns(own), strict=True)) if own else {}
        return [given[name] if name in given else self.numbers(name) for name in names]

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""
        if name not in self._computed:
            return self.base.codes(name, codes)
        cells, at = self._texts(name)
        return np.array([*(codes.get(cell, UNSEEN_CODE) for cell in cells), MISSING_CODE], dtype=np.int32)[at]

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""
        return self.base.level(cell)

    def texts(self, name: str) -> list[str]:
        """Return any column as text."""
        if name not in self._computed:
            return self.base.texts(name)
        if not self._computed[name].text:
            return [repr(value) for value in self.numbers(name).tolist()]
        cells, at = self._texts(name)
        return [[*cells, ""][k] for k in at.tolist()]

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, without null ones."""
        if name not in self._computed:
            return self.base.distinct(name, rows)
        cells, at = self._texts(name)
        return [cells[k] for k in np.unique(at[rows]).tolist() if k < len(cells)]

    def _texts(self, name: str) -> tuple[list[str], Codes]:
        if name not in self._cells:
            self._cells[name] = cells_of(self._computed[name], self.numbers(name))
        return self._cells[name]


def values_of(computed: Computed, values: "Values") -> Array:
    """Return all columns of a computed column's expression (rows,) or (k, rows)."""
    from regress.design.formula.evaluate import evaluate  # which fits without a formula do not need

    return evaluate(computed.expression, values, dict(computed.learned))


def column_of(computed: Computed, found: Array) -> Array:
    """Return one of the columns of an expression."""
    return np.asarray(found[computed.place]) if found.ndim == 2 else found


def cells_of(computed: Computed, values: Array) -> tuple[list[str], Codes]:
    """Return the different cells of a computed text column, and which one each row has: their number for none."""
    found, at = np.unique(values, return_inverse=True, equal_nan=True)
    names, numbers = _levels(computed), found[~np.isnan(found)].tolist()
    return [level_of(repr(v)) if names is None else names[int(v)] for v in numbers], at.astype(np.int32)


def _levels(computed: Computed) -> tuple[str, ...] | None:
    """Return the levels of a computed column in their order, where its function has such."""
    expression = computed.expression
    if not computed.text or not isinstance(expression, Call):
        return None
    from regress.design.formula.functions import kind, levels

    return levels(expression) if kind(expression) == "text" else None


def _inputs(names: Sequence[str], computed: Mapping[str, Computed]) -> list[str]:
    """Return the columns of the table that these need."""
    needed = (names_in(computed[name].expression) if name in computed else (name,) for name in names)
    return list(dict.fromkeys(name for some in needed for name in some))
