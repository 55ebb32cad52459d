"""Tables that can be read once, batch by batch: kept in a temporary file while they are read.

Each batch is written as an Arrow stream of its own, so that any of them can be read again, from any thread.
"""

import io
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import polars as pl

from regress.errors import InputError, TableError
from regress.numerics.atomic_write import in_temporary_folder
from regress.sources.arrow import grouped, stream
from regress.sources.base import Bookmark, Column, ColumnKind
from regress.sources.batches import Frame, Part
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.kept import temporary_file
from regress.sources.polars_frames import SLICE, columns_of, kind_of_type
from regress.sources.table import Table

_NO_MORE = object()


def open_once(table: Any, reading: Reading = AS_IS) -> Table:
    """Return an iterator of batches, or an Arrow stream, as a source.

    Raises
    ------
    TableError
        If it yields nothing, or something that is no batch of rows.
    """
    frames = stream(table) if hasattr(table, "__arrow_c_stream__") else _batches(table)
    return Table("the table", [OncePart(_Kept(grouped(frames, SLICE), type(table).__name__), reading)])


def _batches(table: Iterator[Any]) -> Iterator[pl.DataFrame]:
    """Yield what an iterator yields as frames that are alike.

    Raises
    ------
    TableError
        If they are not, or it raises an error.
    """
    what, count, first = type(table).__name__, 0, pl.DataFrame()
    while True:
        try:
            found = next(table, _NO_MORE)
        except Exception as error:
            raise TableError(f"The {what} raised {type(error).__name__} after {count:,} batches: {error}") from error
        if found is _NO_MORE:
            break
        count += 1
        for frame in _frames(found, what):
            if count == 1:
                first = first if first.width else frame
            yield _alike(frame, first, f"Batch {count:,} of the {what}")
    if not count:
        raise TableError(f"The {what} yields no rows, or was read before.")


def _frames(found: Any, what: str) -> Iterator[pl.DataFrame]:
    """Return a batch as frames: one of Polars, pandas or Arrow, or a dict of columns."""
    pandas = sys.modules.get("pandas")
    if isinstance(found, pl.DataFrame):
        yield found
    elif isinstance(found, Mapping) or (pandas is not None and isinstance(found, pandas.DataFrame)):
        from regress.sources.frames import open_pandas, open_plain

        opened = open_plain(found) if isinstance(found, Mapping) else open_pandas(found)
        kinds = opened.kinds(opened.by_name) | {c.name: "text" for c in opened.columns if c.kind == "unusable"}
        for part in opened.partitions():
            for frame in part.frames(kinds):
                yield frame.columns
    elif hasattr(found, "__arrow_c_stream__"):
        yield from stream(found)
    else:
        raise TableError(
            f"The {what} yields {type(found).__name__}. Yield batches of rows: frames, record batches, or dicts of "
            "columns."
        )


def _alike(frame: pl.DataFrame, first: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return a frame with the columns of the first one, in their order."""
    if odd := sorted(set(frame.columns) ^ set(first.columns)):
        raise TableError(f"{what} has other columns than the first one, such as {odd[0]!r}. All need the same columns.")
    for name in frame.columns:
        kind, expected = (kind_of_type(one.schema[name]) for one in (frame, first))
        if kind != expected and pl.Null not in (frame.schema[name], first.schema[name]):
            raise TableError(
                f"{what} has {frame.schema[name]} in column {name!r}, and the first one has {first.schema[name]}. "
                "All need the same types."
            )
    return pl.DataFrame([frame[name] for name in first.columns])


class _Place(NamedTuple):
    start: int
    length: int
    rows: int


class _Kept:
    """Frames in a temporary file: those that came so far, and where the others come from."""

    def __init__(self, frames: Iterator[pl.DataFrame], what: str) -> None:
        self.what = what
        self._frames, self._places, self._end = frames, list[_Place](), 0
        self._error: Exception | None = None
        self._reads = threading.Lock()
        with in_temporary_folder():
            self._file, _ = temporary_file()
        weakref.finalize(self, self._file.close)

    def place(self, number: int) -> _Place | None:
        """Return where a frame is, when it has come; None behind the last one."""
        with self._reads:
            if number == len(self._places):
                self._take()
            return self._places[number] if number < len(self._places) else None

    def _take(self) -> None:
        if self._error is not None:
            raise self._error
        try:
            frame = next(self._frames, None)
        except Exception as error:
            self._error = error
            raise
        if frame is not None:
            text = io.BytesIO()
            frame.write_ipc_stream(text)
            with in_temporary_folder():
                self._file.seek(self._end)
                self._file.write(text.getbuffer())
                self._file.flush()
            self._places.append(_Place(self._end, text.tell(), frame.height))
            self._end += text.tell()

    def frame(self, place: _Place, names: list[str] | None = None) -> pl.DataFrame:
        """Read a frame."""
        return pl.read_ipc_stream(os.pread(self._file.fileno(), place.length, place.start), columns=names)


@dataclass(eq=False)
class OncePart(Part):
    """Batches that come once."""

    kept: _Kept
    reading: Reading = AS_IS
    name: str = ""
    size: int = 0
    dialect: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.dialect = f"{self.kept.what}, kept in a temporary file"
        first = self.kept.place(0)
        self._head = pl.DataFrame() if first is None else self.kept.frame(first)

    def __reduce__(self) -> NoReturn:
        raise InputError(
            f"This {self.kept.what} is kept in a temporary file of this process. Write it to a file, and name that."
        )

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order, by the first rows."""
        return columns_of(self._head.schema, self._head.head, self.reading)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Yield the frames that came, and then those that come."""
        number, read = 0, 0
        while (place := self.kept.place(number)) is not None:
            for start in range(0, place.rows, SLICE):
                stop = min(start + SLICE, place.rows)
                yield self.frame_at(kinds, (*place, start, stop, read + stop))
            number, read = number + 1, read + place.rows

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Read some rows of a frame: where it is, the first one, the one behind them, and the rows until there."""
        start, stop, read = place[3:]
        frame = self.kept.frame(_Place(*place[:3]), list(kinds))[start:stop]
        return Frame(frame, read, place=place)
