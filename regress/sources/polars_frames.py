"""Polars frames as partitions, and what their columns are."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from regress.sources.base import Bookmark, Column, ColumnKind
from regress.sources.batches import Frame, Part
from regress.sources.cell_types import level_of
from regress.sources.cell_values import AS_IS, Reading

LOOK = 200  # rows that tell what a column of text seems to be
SLICE = 2**16  # rows of a batch


Rows = Callable[[int, int], pl.DataFrame]


class SlicedPart(Part):
    """A frame in memory, read a slice at a time."""

    @abstractmethod
    def rows(self, kinds: Mapping[str, ColumnKind]) -> Rows:
        """Return what gives the rows of the named columns from one to before another."""

    def slices(self) -> Iterator[tuple[int, int]]:
        """Yield the first row of each slice, and the row behind it."""
        for start in range(0, self.size, SLICE):
            yield start, min(start + SLICE, self.size)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Yield slices of the named columns."""
        rows = self.rows(kinds)
        for start, stop in self.slices():
            yield Frame(rows(start, stop), stop, place=(start, stop))

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Return a slice: its first row, and the row behind it."""
        start, stop = place
        return Frame(self.rows(kinds)(start, stop), stop, place=place)


@dataclass(eq=False)
class PolarsPartition(SlicedPart):
    """A Polars frame."""

    frame: pl.DataFrame
    reading: Reading = AS_IS
    name: str = ""
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.frame.height

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return columns_of(self.frame.schema, self.frame.head, self.reading)

    def rows(self, kinds: Mapping[str, ColumnKind]) -> Rows:
        """Return what gives some rows."""
        frame = self.frame.select(list(kinds))
        return lambda start, stop: frame.slice(start, stop - start)


def columns_of(
    schema: Mapping[str, pl.DataType], head: Callable[[int], pl.DataFrame], reading: Reading
) -> dict[str, Column | None]:
    """Return what columns are by their types, and text by its first cells."""
    columns = {name: _column(name, dtype) for name, dtype in schema.items()}
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    if texts:
        columns |= {
            name: of_text(reading.column(name, cells.drop_nulls().to_list()))
            for name, cells in head(LOOK)[texts].to_dict().items()
        }
    return columns


def of_text(column: Column | None) -> Column | None:
    """Return a column of text as such, whatever its cells look like."""
    return None if column is None else replace(column, dtype="text")


def named_values(given: Any) -> tuple[str | None, Any]:
    """Return the name and the values of a Polars Series, or of a frame with one column; nulls become NaN."""
    if isinstance(given, pl.DataFrame) and given.width == 1:
        given = given.to_series()
    if isinstance(given, pl.Series) and (given.dtype.is_numeric() or given.dtype in (pl.Boolean, pl.Null)):
        return given.name or None, given.cast(pl.Float64).to_numpy()
    return None, given


def kind_of_type(dtype: pl.DataType) -> ColumnKind:
    """Return what a column of a type is read as, as far as its type tells."""
    column = _column("", dtype)
    return "number" if column is None else column.read_as


def _column(name: str, dtype: pl.DataType) -> Column | None:
    if dtype == pl.Boolean:
        return Column(name, "boolean", settled=True)
    if dtype == pl.Null:
        return None
    if dtype.is_numeric():
        return Column(name, "number", settled=True)
    if dtype in (pl.Date, pl.Datetime):
        return Column(name, "date", zoned=getattr(dtype, "time_zone", None) is not None, settled=True)
    if dtype == pl.Enum:
        return Column(name, "text", levels=tuple(map(level_of, dtype.categories)), settled=True)  # type: ignore[attr-defined]  # of an Enum
    if dtype in (pl.String, pl.Categorical):
        return Column(name, "text", settled=dtype != pl.String)
    return Column(name, "unusable", dtype=str(dtype), settled=True)
