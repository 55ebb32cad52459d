"""Parquet and Arrow files: Polars reads some rows of them at a time, and what it cannot decode is refused."""

import os
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import IO

import polars as pl
from polars import selectors

from regress.errors import TableError
from regress.numerics.threads import ordered_map
from regress.sources.base import Bookmark, Column, ColumnKind
from regress.sources.batches import Frame
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.file_parts import FilePart
from regress.sources.polars_frames import LOOK, SLICE, columns_of

_FIRST = 2**16  # rows read first, which tell how many to read next
_BLOCK = 2**24  # bytes in memory of the rows read at a time, or twice that: a group may be as large as the file
_LOOK = 2**20  # rows whose groups are found at a time, by a look at one column
_AHEAD = 2  # blocks that wait: while the rows of one are used, the next are decoded

_NO_MEMORY = ("Cannot allocate memory", "could not spawn threads", "code: 11")


@dataclass(eq=False, kw_only=True)
class DecodedPart(FilePart):
    """A file that Polars decodes."""

    reading: Reading = AS_IS

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dialect = f"{self.form}, kept in a temporary file" * self.file.local().kept

    @property
    def _damaged(self) -> str:
        return f"{self.name} is not a readable {self.form} file"

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            with _QUIET:
                yield
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            self.file.check()
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            if any(words in said for words in _NO_MEMORY):
                raise MemoryError(said) from None
            raise TableError(f"{self._damaged}: {said}. Fetch or write it again.") from None


class ScannedPart(DecodedPart):
    """A file of which Polars reads any rows."""

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        with self._readable():
            scan = self._scan()
            return columns_of(scan.collect_schema(), lambda rows: scan.head(rows).collect(), self.reading)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Read the columns, some rows at a time."""
        self.file.check()
        with self._readable():
            scan = self._scan().select(selectors.by_name(*kinds))
            rows = scan.select(pl.len()).collect().item()
        if not rows:
            return
        block = self.block or _BLOCK
        first = min(rows, max(_FIRST * block // _BLOCK, 1))
        start = self._frame(scan, (0, first, rows))
        yield start
        columns = start.columns
        step = max(1, int(block / max(columns.estimated_size() / first, 8 * columns.width)))
        narrow = next((name for name, kind in kinds.items() if kind != "text"), columns.columns[0])
        stops = accumulate(_blocks(self._groups(scan.select(narrow), first, rows), step), initial=first)
        places = ((at, stop, rows) for at, stop in pairwise(stops))
        yield from ordered_map(partial(self._frame, scan), places, _AHEAD)

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Read some rows: the first one, the one behind them, and the rows of the file."""
        with self._readable():
            scan = self._scan().select(selectors.by_name(*kinds))
        return self._frame(scan, place)

    def _frame(self, scan: pl.LazyFrame, place: Bookmark) -> Frame:
        start, stop, rows = place
        with self._readable():
            frame = scan.slice(start, stop - start).collect()
        self.file.check()
        if frame.height != stop - start:
            raise TableError(f"{self._damaged}: it has {rows:,} rows, and {start + frame.height:,} can be read.")
        return Frame(frame, self.size * stop // rows, place=place)

    def _groups(self, column: pl.LazyFrame, at: int, rows: int) -> Iterator[int]:
        """Yield the rows of each group from a row on: Polars returns a chunk of a column for each.

        What is cut within a group is decoded twice in part.
        """
        while at < rows:
            stop = min(at + _LOOK, rows)
            with self._readable():
                cells = column.slice(at, stop - at).collect().to_series()
            *groups, _ = cells.chunk_lengths()
            if stop == rows or not sum(groups):  # else there may be more of the last one
                groups.append(stop - at - sum(groups))
            yield from groups
            at += sum(groups)

    @abstractmethod
    def _scan(self) -> pl.LazyFrame:
        """Return the rows, none of them read yet."""


class ParquetPart(ScannedPart):
    """A Parquet file."""

    form = "Parquet"

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.file.local().path, glob=False)


class ArrowFilePart(ScannedPart):
    """An Arrow file, also called Feather or IPC; a batch of its rows is in memory as it was written."""

    form = "Arrow"

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_ipc(self.file.local().path, glob=False)


class ArrowStreamPart(DecodedPart):
    """An Arrow stream in a file. It has no index of its batches, so the columns asked for are read at once."""

    form = "Arrow stream"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dialect = "Arrow stream, read into memory at once" + ", kept in a temporary file" * self.file.kept

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        with self._readable():
            head = pl.read_ipc_stream(self.file.local().path, n_rows=LOOK)
        return columns_of(head.schema, head.head, self.reading)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Read the columns, and yield slices of them."""
        self.file.check()
        with self._readable():
            frame = pl.read_ipc_stream(self.file.local().path, columns=list(kinds))
        self.file.check()
        for start in range(0, frame.height, SLICE):
            yield Frame(frame[start : start + SLICE], self.size * min(start + SLICE, frame.height) // frame.height)


def _blocks(groups: Iterable[int], step: int) -> Iterator[int]:
    """Yield the rows of blocks, given those of groups: small ones are joined up to `step`, large ones cut at twice it.

    Polars fetches all of a group for each part of it.
    """
    joined = 0
    for rows in groups:
        if joined and joined + rows > step:
            yield joined
            joined = 0
        parts = -(-rows // (2 * step))
        if parts > 1:
            yield from (rows * (k + 1) // parts - rows * k // parts for k in range(parts))
        else:
            joined += rows
    if joined:
        yield joined


class _Quiet:
    """Holds back what is written to standard error while Polars reads; drops it after a panic, a page of Rust.

    A panic is written to the descriptor itself, which is one for all threads. So threads that read at a time share one
    hold, and whichever of them ends passes on what was written until then.
    """

    def __init__(self) -> None:
        self._lock, self._readers = threading.Lock(), 0
        self._held: IO[bytes] | None = None
        self._kept, self._passed, self._panicked = -1, 0, False

    def __enter__(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers > 1:
                return
            try:
                held = tempfile.TemporaryFile(buffering=0)
                self._kept = os.dup(2)
            except OSError:  # standard error is closed, or nothing temporary can be written
                return
            os.dup2(held.fileno(), 2)
            self._held, self._passed, self._panicked = held, 0, False

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._held is None:
                return
            if not self._readers:
                os.dup2(self._kept, 2)
            length = os.fstat(self._held.fileno()).st_size - self._passed
            text = os.pread(self._held.fileno(), length, self._passed)  # the descriptors have one position
            self._passed += length
            self._panicked |= b"panicked at" in text
            if text and not self._panicked:
                with suppress(OSError):  # nobody reads it
                    os.write(self._kept, text)
            if not self._readers:
                os.close(self._kept)
                self._held.close()
                self._held = None


_QUIET = _Quiet()  # standard error is one for all threads
