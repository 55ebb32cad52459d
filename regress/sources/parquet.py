"""Parquet and Arrow files: Polars reads some rows of them at a time, and what it cannot decode is refused."""

import os
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

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
_BLOCK = 2**25  # bytes in memory of the rows read at a time: a group of rows may be as large as the file
_AHEAD = 2  # blocks that wait: while the rows of one are used, the next are decoded
_QUIET = threading.Lock()  # standard error is one for all threads

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
            with _quiet():
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
            rows = self._scan().select(pl.len()).collect().item()
        if not rows:
            return
        block = self.block or _BLOCK
        first = min(rows, max(_FIRST * block // _BLOCK, 1))
        start = self.frame_at(kinds, (0, first, rows))
        yield start
        columns = start.columns
        step = max(1, int(block / max(columns.estimated_size() / first, 8 * columns.width)))
        places = ((at, min(at + step, rows), rows) for at in range(first, rows, step))
        yield from ordered_map(partial(self.frame_at, kinds), places, _AHEAD)

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Read some rows: the first one, the one behind them, and the rows of the file."""
        start, stop, rows = place
        with self._readable():
            frame = self._scan().select(selectors.by_name(*kinds)).slice(start, stop - start).collect()
        self.file.check()
        if frame.height != stop - start:
            raise TableError(f"{self._damaged}: it has {rows:,} rows, and {start + frame.height:,} can be read.")
        return Frame(frame, self.size * stop // rows, place=place)

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


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written to standard error, and drop it after a panic of Polars, which writes a page of Rust.

    That writes to the descriptor itself, which is one for all threads, so one thread reads at a time.
    """
    with _QUIET:
        yield from _held_back()


def _held_back() -> Iterator[None]:
    try:
        held = tempfile.TemporaryFile(buffering=0)
        kept = os.dup(2)
    except OSError:  # standard error is closed, or nothing temporary can be written
        yield
        return
    with held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            text = held.read()
            if text and b"panicked at" not in text:
                os.write(2, text)
