"""Partitions whose rows come as frames."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from regress.blocks import Mask
from regress.errors import TableError
from regress.messages import setting
from regress.sources.base import Bookmark, Column, ColumnKind, Partition
from regress.sources.cell_types import NUMBERS, is_missing, level_of
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.column_types import date_options
from regress.sources.date_columns import of_objects
from regress.sources.polars_batch import PolarsBatch
from regress.sources.rejects import CellError, Rejects


def typed(
    frame: pl.DataFrame, kinds: Mapping[str, ColumnKind], partition: "FramePartition", first: int
) -> pl.DataFrame:
    """Return a frame, its first row the record `first`, with text as numbers, booleans or dates as its kind says.

    Raises
    ------
    CellError
        If a cell is not what its column is.
    TableError
        If a column is of a type that cannot be read as its kind.
    """
    for name, kind in kinds.items():
        dtype, dated = frame[name].dtype, kind in ("date", "moment")
        if not (_cells(dtype) or (dtype in (pl.Date, pl.Datetime) and (dated or kind == "text"))):
            what = "dates" if dated else "text" if kind == "text" else "numbers"
            raise TableError(
                f"{partition.place(first)}, column {name!r}: the column is of type {dtype}, "
                f"which cannot be read as {what}."
            )
        if dated and not dtype.is_temporal():
            frame = frame.with_columns(_as_text(frame[name], partition, first))
        if kind not in ("text", "unusable") and frame[name].dtype == pl.String:
            values, wrong = partition.reading.converted(frame[name], kind)
            if wrong.any():
                row = int(wrong.argmax())
                cell = frame[name][row]
                why = partition.reading.why_not(cell, kind, name)
                dates = date_options(cell, kind, partition.reading)
                remedy = f"pass {dates or setting('na_values', [cell.strip()]) + ' to read it as missing'}"
                if not isinstance(partition, Part):
                    remedy = "yield None where it is missing"
                raise CellError(
                    f"{partition.place(first + row)}, column {name!r}: {cell!r} {why}. Fix the cell, or {remedy}.",
                    name,
                )
            frame = frame.with_columns(values)
    return frame


def _cells(dtype: pl.DataType) -> bool:
    """Tell whether cells of a type are numbers, true and false, or text."""
    return dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Null, pl.Categorical, pl.Enum)


def _as_text(cells: pl.Series, partition: "FramePartition", first: int) -> pl.Series:
    """Return cells to be read as dates as text: of numbers, only integers for which a format is given."""
    kind, formats = cells.dtype, partition.reading.dates
    if kind.is_numeric() and not (kind.is_integer() and isinstance(formats, Mapping) and cells.name in formats):
        raise TableError(f"{partition.place(first)}, column {cells.name!r}: the column holds numbers, not dates.")
    return cells.cast(pl.String)


class Frame(NamedTuple):
    """Some rows of a partition: the columns, how much of it was read, and which rows are bad (None: none is).

    `place` is what `frame_at` finds them by; None where the partition can only be read in order.
    """

    columns: pl.DataFrame
    read: int
    bad: Mask | None = None
    place: Bookmark | None = None


class FramePartition(Partition):
    """A partition whose rows come as frames.

    A class of your own says in `frames` what its rows are. All else follows.

    Attributes
    ----------
    reading : Reading
        How cells of text are read.
    key : str or None
        What tells its records from those of other partitions; the name unless given.
    before : int
        The size of all partitions before it.
    records_before : int
        The number of its first record, where records are not counted from 0.
    """

    reading: Reading = AS_IS
    key: str | None = None
    before: int = 0
    records_before: int = 0

    @abstractmethod
    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Any]:
        """Read the named columns: yield Polars frames, dicts of columns, or whatever speaks the Arrow stream protocol.

        A `Frame` says in addition how much was read, and which rows are bad.
        """

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Any:
        """Read the frame again that had a place, from any thread. Whoever gives places to frames defines it."""
        raise NotImplementedError(f"{type(self).__name__} gives its frames no places")

    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[PolarsBatch]:
        """Read the named columns as batches."""
        first = self.records_before
        for found in self.frames(kinds):
            yield (batch := self._batch(found, kinds, first))
            first += batch.rows

    def batch_at(self, kinds: Mapping[str, ColumnKind], bookmark: Bookmark) -> PolarsBatch:
        """Read the batch again that had a bookmark: the record of its first row, and the place of its frame."""
        first, *place = bookmark
        return self._batch(self.frame_at(kinds, tuple(place)), kinds, first)

    def _batch(self, found: Any, kinds: Mapping[str, ColumnKind], first: int) -> PolarsBatch:
        frame = found if isinstance(found, Frame) else as_frame(found, kinds, self, first)
        return PolarsBatch(
            self.name,
            first,
            typed(frame.columns, kinds, self, first),
            read=self.before + frame.read,
            bad=frame.bad,
            reading=self.reading,
            key=self.name if self.key is None else self.key,
            bookmark=None if frame.place is None else (first, *frame.place),
        )


def as_frame(found: Any, kinds: Mapping[str, ColumnKind], partition: FramePartition, first: int) -> Frame:
    """Return what a partition yields as a frame of the columns asked for, its first row the record `first`.

    Raises
    ------
    TableError
        If it cannot be.
    """
    where = partition.name or "The table"
    columns = found if isinstance(found, Mapping) else _columns(found, where)
    for name in kinds:
        if name not in columns:
            raise TableError(f"{where} yields rows without column {name!r}.")
    made = [_series(columns[name], Cells(name, kind, partition, first)) for name, kind in kinds.items()]
    for other in made:
        if len(other) != len(made[0]):
            raise TableError(
                f"{where} yields columns of different lengths: {made[0].name!r} has {len(made[0]):,} rows, and "
                f"{other.name!r} has {len(other):,}."
            )
    frame = pl.DataFrame(made)
    return Frame(frame, first + frame.height)


def _columns(found: Any, where: str) -> Mapping[str, Any]:
    try:
        if found is not None:
            return pl.DataFrame(found).to_dict()
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        pass
    raise TableError(f"{where} yields {type(found).__name__}, which is neither a frame nor a dict of lists.")


_PLAIN: Mapping[ColumnKind, tuple[type, type[pl.DataType]]] = {
    "number": (float, pl.Float64),
    "boolean": (bool, pl.Boolean),
    "text": (str, pl.String),
}


class Cells(NamedTuple):
    """What a column is that a partition yields, and the record of its first cell."""

    name: str
    kind: ColumnKind
    partition: FramePartition
    first: int

    def wrong(self, row: int, what: str) -> TableError:
        """Return the error of a cell."""
        return TableError(f"{self.partition.place(self.first + row)}, column {self.name!r}: {what}.")


def _series(cells: Any, column: Cells) -> pl.Series:
    """Return the cells of a column: as they are where they have one type, and of a list as its kind says."""
    if isinstance(cells, list | tuple) or (isinstance(cells, np.ndarray) and cells.dtype == object):
        return _listed(cells, column)
    try:
        series = pl.Series(column.name, cells)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        series = pl.Series(column.name, [], dtype=pl.Object)
    kind = series.dtype
    if column.kind == "text" and kind.is_temporal():
        return series.cast(pl.String)
    dates = column.kind in ("date", "moment") and kind in (pl.Date, pl.Datetime)
    if not (dates or _cells(kind)):
        raise column.wrong(0, f"{type(cells).__name__} holds neither numbers nor text. Yield a list")
    return series


def _listed(cells: Any, column: Cells) -> pl.Series:
    if column.kind in ("date", "moment"):
        reading = column.partition.reading
        dates, row = of_objects(column.name, cells, reading.forms(column.name), column.kind, reading.missing)
        if row is not None:
            cell = str(cells[row])
            raise column.wrong(row, f"{cell!r} {reading.why_not(cell, column.kind, column.name)}")
        return dates
    plain, dtype = _PLAIN[column.kind]
    if set(map(type, cells)) <= {plain, type(None)}:  # the usual case, many times as fast
        return pl.Series(column.name, list(cells), dtype=dtype)
    numbers = [None if isinstance(cell, str) else _number(cell, row, column) for row, cell in enumerate(cells)]
    texts = pl.Series(column.name, [cell if isinstance(cell, str) else None for cell in cells], dtype=pl.String)
    if column.kind == "text":
        levels = [None if n is None else level_of(str(cell)) for n, cell in zip(numbers, cells, strict=True)]
        return texts.fill_null(pl.Series(levels, dtype=pl.String))
    values = pl.Series(column.name, numbers, dtype=pl.Float64)
    if texts.null_count() < len(texts):
        read = typed(texts.to_frame(), {column.name: column.kind}, column.partition, column.first)
        values = values.fill_null(read[column.name].cast(pl.Float64))
    return values if column.kind == "number" else values.cast(pl.Boolean)


def _number(cell: Any, row: int, column: Cells) -> float | None:
    """Return a number, true and false as 1 and 0; None where it is missing."""
    if is_missing(cell):
        return None
    if not isinstance(cell, NUMBERS) or isinstance(cell, np.complexfloating):
        raise column.wrong(row, f"{cell!r} is neither number nor text")
    try:
        number = float(cell)
    except OverflowError:
        raise column.wrong(row, "the number is beyond the range of float64") from None
    if column.kind == "boolean" and number not in (0.0, 1.0):
        raise column.wrong(row, f"{cell!r} is not true or false")
    return number


class Part(FramePartition):
    """A partition that finds out what its columns are.

    Attributes
    ----------
    dialect, note : str
        How a file is written, as given or detected, and a note on it; "" where there is none.
    of_text : bool
        Whether all cells are text, as in CSV.
    is_open : bool
        Whether its columns are known. If not, `opened` returns the partition that knows them.
    mark_known : bool
        Whether its decimal mark is known, as far as it has one.
    """

    dialect: str = ""
    note: str = ""
    of_text: bool = False
    is_open: bool = True
    mark_known: bool = True

    @abstractmethod
    def columns(self) -> dict[str, Column | None]:
        """Return the columns by name, in order; None for one that may be anything."""

    def share(self, rejects: Rejects) -> None:
        """Take where rows go that cannot be used, which the parts of a table share; nothing where all can."""

    def opened(self) -> "Part":
        """Return the partition with its columns known."""
        return self

    def with_mark(self) -> Self:
        """Return the partition with its decimal mark decided by all cells, if that is not done yet."""
        return self


class WiderError(Exception):
    """A part has columns that its start does not have: it is to be read again as another part, which has them."""

    def __init__(self, part: Part, wider: Part) -> None:
        super().__init__(f"{part.name} has more columns than its start")
        self.part, self.wider = part, wider


class MarkError(Exception):
    """The first rows of a file do not tell its decimal mark, and a later one has a comma or point."""
