"""What a table is made of: a frame, or files, each read in blocks of bounded size."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from regress.blocks import Mask
from regress.errors import TableError
from regress.messages import setting
from regress.sources.base import Column, ColumnKind
from regress.sources.cell_types import level_of
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.rejects import CellError

_LOOK = 200  # rows that tell what a column of text seems to be


class Frame(NamedTuple):
    """Some rows of a part: the columns, how much of the part was read, and which rows are bad (None: none is)."""

    columns: pl.DataFrame
    read: int
    bad: Mask | None = None


class Part(Protocol):
    """One file, or one frame."""

    @property
    def name(self) -> str:
        """The file's name, or "" for a frame."""
        ...

    @property
    def size(self) -> int:
        """Bytes on disk, or rows of a frame."""
        ...

    @property
    def dialect(self) -> str:
        """How the file is written, as it was told or found; "" where there is nothing to tell."""
        ...

    @property
    def reading(self) -> Reading:
        """How its cells of text are read."""
        ...

    def columns(self) -> dict[str, Column | None]:
        """Return the columns by name, in order; None for one that may be anything."""
        ...

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Read the named columns in blocks, each as the kind given."""
        ...

    def place(self, record: int) -> str:
        """Say where a record is."""
        ...


@dataclass(frozen=True, slots=True)
class FramePart:
    """A Polars frame."""

    frame: pl.DataFrame
    reading: Reading = AS_IS
    name: str = ""
    dialect: str = ""

    @property
    def size(self) -> int:
        """Rows."""
        return self.frame.height

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return columns_of(self.frame.schema, self.frame.head, self.reading)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Yield slices."""
        read = 0
        for frame in self.frame.select(list(kinds)).iter_slices(2**16):
            yield Frame(typed(frame, kinds, self.reading, read, self.place), read + frame.height)
            read += frame.height

    def place(self, record: int) -> str:
        """Frames count from 0."""
        return f"row {record}"


@dataclass(slots=True)
class Unchanged:
    """A file, which must stay what it was when this was made: its size, time of change, and place on the disk."""

    path: Path
    name: str
    _seen: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self._look()

    def _look(self) -> tuple[int, ...]:
        seen = self.path.stat()
        return seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_dev

    def check(self) -> None:
        """Refuse a file that has changed.

        Raises
        ------
        TableError
            If it has.
        """
        try:
            same = self._look() == self._seen
        except OSError:
            same = False
        if not same:
            raise TableError(f"{self.name} changed while it was read. Read it again when no program writes to it.")


def columns_of(
    schema: Mapping[str, pl.DataType], head: Callable[[int], pl.DataFrame], reading: Reading
) -> dict[str, Column | None]:
    """Return what columns are by their types, and text by its first cells."""
    columns = {name: _column(name, dtype) for name, dtype in schema.items()}
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    if texts:
        columns |= {
            name: _of_text(reading.column(name, cells.drop_nulls().to_list()))
            for name, cells in head(_LOOK)[texts].to_dict().items()
        }
    return columns


def _of_text(column: Column | None) -> Column | None:
    """Return a column of text as such, whatever its cells look like."""
    return None if column is None else replace(column, dtype="text")


def typed(
    frame: pl.DataFrame, kinds: Mapping[str, ColumnKind], reading: Reading, first: int, place: Callable[[int], str]
) -> pl.DataFrame:
    """Return a frame, its first row the record `first`, with text as numbers or booleans where its kind says so.

    Raises
    ------
    CellError
        If a cell is not what its column is.
    """
    for name, kind in kinds.items():
        if kind in ("number", "boolean") and frame.schema[name] == pl.String:
            values, wrong = reading.converted(frame[name], kind)
            if wrong.any():
                row = int(wrong.argmax())
                what = "a number" if kind == "number" else "true or false"
                raise CellError(
                    f"{place(first + row)}, column {name!r}: {frame[name][row]!r} is not {what}. Fix the cell, or pass "
                    f"{setting('na_values', [frame[name][row].strip()])} to read it as missing.",
                    name,
                )
            frame = frame.with_columns(values)
    return frame


def named_values(given: Any) -> tuple[str | None, Any]:
    """Return the name and the values of a Polars Series, or of a frame with one column; nulls become NaN."""
    if isinstance(given, pl.DataFrame) and given.width == 1:
        given = given.to_series()
    if isinstance(given, pl.Series) and (given.dtype.is_numeric() or given.dtype in (pl.Boolean, pl.Null)):
        return given.name or None, given.cast(pl.Float64).to_numpy()
    return None, given


def _column(name: str, dtype: pl.DataType) -> Column | None:
    if dtype == pl.Boolean:
        return Column(name, "boolean", settled=True)
    if dtype == pl.Null:
        return None
    if dtype.is_numeric():
        return Column(name, "number", settled=True)
    if dtype == pl.Enum:
        return Column(name, "text", tuple(map(level_of, dtype.categories)), settled=True)  # type: ignore[attr-defined]  # of an Enum
    if dtype in (pl.String, pl.Categorical):
        return Column(name, "text", settled=dtype != pl.String)
    return Column(name, "unusable", dtype=str(dtype), settled=True)
