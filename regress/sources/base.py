"""Where rows come from: one contract for arrays, frames and files."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.options import FileOptions
from regress.sources.rejects import Skipped

ColumnKind = Literal["number", "boolean", "date", "moment", "text", "unusable"]
Codes = NDArray[np.int32]
Bookmark = tuple[int, ...]

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")
"""Cells of a CSV file that hold no value, in numbers and text alike; infinities count as missing too."""

MISSING_CODE, UNSEEN_CODE = -1, -2
EMPTY = "empty"
"""The `dtype` of a column without a value so far."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column before anything is done with it.

    Attributes
    ----------
    name, kind : str
        `kind` is what its first cells look like, until it is `settled`.
    levels : tuple of str, optional
        The order that a Categorical or Enum brings along.
    dtype : str
        What a column is that is neither number nor text.
    hint : str
        Why text that holds numbers cannot be used as it is, and what to do.
    settled : bool
        Whether all cells, their type or the user have decided what it is.
    doubtful : bool
        Whether its first cells are text with a tenth of numbers or more.
    index, zoned : bool
        Whether it holds the names of rows, a feature only where it is named. Whether dates have an offset from UTC.
    """

    name: str
    kind: ColumnKind
    _: KW_ONLY
    levels: tuple[str, ...] | None = None
    dtype: str = ""
    hint: str = ""
    settled: bool = False
    doubtful: bool = False
    index: bool = False
    zoned: bool = False

    @property
    def read_as(self) -> ColumnKind:
        """What partitions read it as: a date with an offset from UTC is a moment."""
        return "moment" if self.kind == "date" and self.zoned else self.kind


class Batch(Protocol):
    """Some consecutive rows of one partition of a table."""

    @property
    def part(self) -> str:
        """The partition's name."""

    @property
    def key(self) -> str:
        """What tells its records from those of others, whatever the format of a file; "" for a table of one part."""

    @property
    def first(self) -> int:
        """Record number of the first row within the partition, from 0."""

    @property
    def rows(self) -> int:
        """Rows in the batch."""

    @property
    def read(self) -> int:
        """How much of the table was read up to here, in the source's unit."""

    @property
    def bad(self) -> Mask | None:
        """Which rows cannot be used (rows,); None where all can."""

    @property
    def bookmark(self) -> Bookmark | None:
        """What `Partition.batch_at` finds it by; None where the partition can only be read in order."""

    def head(self, rows: int) -> "Batch":
        """Return the first rows of the batch."""

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column, or days since 1970 of a date (rows,), NaN where missing."""

    def columns(self, names: Sequence[str]) -> Sequence[NDArray[Any]] | Array:
        """Return such columns (rows,) each, of any type up to 64 bits, perhaps as one array (columns, rows)."""

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""

    def texts(self, name: str) -> list[str]:
        """Return any column as text, for messages and keys."""

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, in order, without null ones."""

    def counts(self, name: str, rows: Mask) -> dict[str, int]:
        """Return how often each cell of a text column occurs in some rows, without null ones."""


class Partition(ABC):
    """Some consecutive rows of a table, which can be read alone: in another process too, since it can be pickled.

    Attributes
    ----------
    name : str
        What tells it from the table's other partitions: the file's name; "" where there is one partition in memory.
    size : int
        Its bytes or rows, as the source's `unit` says; 0 where that is not known.
    """

    name: str
    size: int

    @property
    def identity(self) -> str:
        """What tells its rows from those of others in another run too: its name, unless more is known."""
        return self.name

    @property
    def memory(self) -> int:
        """Bytes in memory that reading it takes, as far as that is known."""
        return 0

    def smaller(self) -> "Partition":
        """Return the partition read in smaller blocks, if it can be."""
        return self

    @abstractmethod
    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Batch]:
        """Read the named columns, in order, each as the kind given, in batches of bounded size."""

    def batch_at(self, kinds: Mapping[str, ColumnKind], bookmark: Bookmark) -> Batch:
        """Read the batch again that had a bookmark: the same rows, from any thread.

        Whoever gives bookmarks to batches defines it.
        """
        raise NotImplementedError(f"{type(self).__name__} gives its batches no bookmarks")

    def place(self, record: int) -> str:
        """Say where a record is, counted from 0, in the words of whoever made the table: "houses.csv, line 17"."""
        return f"{self.name}, row {record}" if self.name else f"row {record}"


class Source(ABC):
    """A table that can be read again and again: its columns, and the partitions that hold its rows.

    A class of your own sets `columns` and returns `partitions()`. All else follows from these.

    Attributes
    ----------
    columns : tuple of Column
        The schema.
    label, address : str
        What messages call the table, and what names it in a command ("" in memory).
    unit : str
        What `size` counts: "bytes" or "rows".
    dialect : str
        How its files are written where that had to be found out.
    notes : tuple of str
        What is worth knowing of how it is read, in sentences.
    index : Index or None
        The row labels of a pandas frame.
    options : FileOptions
        The options it was opened with.
    """

    columns: tuple[Column, ...]
    label: str = "the table"
    address: str = ""
    unit: str = "rows"
    dialect: str = ""
    notes: tuple[str, ...] = ()
    index: Any = None
    options: FileOptions = FileOptions()

    @abstractmethod
    def partitions(self) -> Sequence[Partition]:
        """Return the partitions in the order of the rows."""

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def size(self) -> int:
        """Bytes or rows, as `unit` says."""
        return sum(partition.size for partition in self.partitions())

    def kinds(self, names: Iterable[str]) -> dict[str, ColumnKind]:
        """Return what columns are, as partitions take it."""
        return {name: self.by_name[name].read_as for name in names}

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns of every partition, in order, in batches of bounded size, up to a number of rows."""
        kinds = self.kinds(names)
        yield from cut((batch for partition in self.partitions() for batch in partition.batches(kinds)), limit)

    def place(self, part: str, record: int) -> str:
        """Say where a record of a partition is."""
        return next(partition for partition in self.partitions() if partition.name == part).place(record)

    def skipped(self) -> Skipped:
        """Return what the last pass skipped: nothing, unless a source skips rows."""
        return Skipped()

    def take_skipped(self, skipped: Skipped) -> None:
        """Take what a pass over all partitions skipped; a source that skips rows checks and writes it."""
        assert not skipped.rows

    def marked(self) -> "Source":
        """Return the source with the decimal marks of its files decided by all cells; itself where there are none."""
        return self

    def opened(self) -> "Source":
        """Return the source with all of its files opened; itself where they are."""
        return self

    def over(self, each: Any) -> "Source":
        """Return the source with its partitions looked at by a function that maps over them, if it ever does."""
        return self

    def only(self, partitions: Sequence[Partition]) -> "Source":
        """Return the source with some of its partitions."""
        return _Some(self, partitions)

    def with_columns(self, columns: Iterable[Column]) -> Self:
        """Return the source with other columns."""
        other = copy(self)
        other.__dict__.pop("by_name", None)
        other.columns = tuple(columns)
        return other

    def read_as(self, kinds: Mapping[str, ColumnKind]) -> Self:
        """Return the source with columns read as the kinds given, whatever their cells look like."""
        return self.with_columns(
            replace(c, kind=kinds[c.name], hint="", settled=True) if c.name in kinds else c for c in self.columns
        )

    def settled(self, names: Sequence[str]) -> Self:
        """Return the source with the named columns decided by all of their cells: a pass of its own where need be."""
        return self.with_columns(replace(c, settled=True) if c.name in names else c for c in self.columns)


class _Some(Source):
    """Some partitions of a source."""

    def __init__(self, source: Source, partitions: Sequence[Partition]) -> None:
        self.columns, self.label, self.address = source.columns, source.label, source.address
        self.unit, self.options, self._partitions = source.unit, source.options, tuple(partitions)

    def partitions(self) -> Sequence[Partition]:
        """Return these partitions."""
        return self._partitions


def cut(batches: Iterable[Batch], limit: int | None) -> Iterator[Batch]:
    """Yield batches up to a number of rows."""
    for batch in batches:
        if limit is not None:
            if batch.rows >= limit:
                yield batch.head(limit)
                return
            limit -= batch.rows
        yield batch
