"""Parquet files: Polars reads some rows of them at a time, and what it cannot decode is refused."""

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from regress.errors import TableError
from regress.tables.cells import AS_IS, Reading
from regress.tables.parts import Frame, Unchanged, columns_of, typed
from regress.tables.source import Column, Kind

_FIRST = 2**16  # rows read first, which tell how many to read next
_BLOCK = 2**26  # bytes in memory of the rows read at a time: a group of rows may be as large as the file

_NO_MEMORY = ("Cannot allocate memory", "could not spawn threads", "code: 11")


@dataclass(frozen=True, slots=True)
class ParquetPart:
    """A Parquet file."""

    path: Path
    name: str
    reading: Reading = AS_IS
    dialect: str = ""
    _unchanged: Unchanged = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_unchanged", Unchanged(self.path, self.name))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        with self._readable():
            scan = self._scan()
            return columns_of(scan.collect_schema(), lambda rows: scan.head(rows).collect(), self.reading)

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Read the columns, some rows at a time."""
        self._unchanged.check()
        with self._readable():
            rows = self._scan().select(pl.len()).collect().item()
        size, read, step = self.size, 0, _FIRST
        while read < rows:
            with self._readable():
                frame = self._scan().select(list(kinds)).slice(read, step).collect()
            self._unchanged.check()
            if frame.height != min(step, rows - read):
                raise TableError(f"{self._damaged}: it has {rows:,} rows, and {read + frame.height:,} can be read.")
            typed_frame = typed(frame, kinds, self.reading, read, self.place)
            read += frame.height
            yield Frame(typed_frame, size * read // rows)
            bytes_a_row = max(frame.estimated_size() / frame.height, 8 * frame.width)
            step = max(1, int(_BLOCK / bytes_a_row))

    def place(self, record: int) -> str:
        """Parquet has no lines."""
        return f"{self.name}, row {record}"

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.path, glob=False)

    @property
    def _damaged(self) -> str:
        return f"{self.name} is not a readable Parquet file"

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            with _quiet():
                yield
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            self._unchanged.check()
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            if any(words in said for words in _NO_MEMORY):
                raise MemoryError(said) from None
            raise TableError(f"{self._damaged}: {said}. Fetch or write it again.") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written to standard error, and drop it after a panic of Polars, which writes a page of Rust.

    That writes to the descriptor itself. So this is done in the main thread only, where no other call comes between.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        held = tempfile.TemporaryFile(buffering=0)
        kept = os.dup(2)
    except OSError:  # standard error is closed, or nothing temporary can be written
        yield
        return
    with held:
        os.dup2(held.fileno(), 2)
        panicked = False
        try:
            yield
        except pl.exceptions.PanicException:
            panicked = True
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            if not panicked and (text := held.read()):
                os.write(2, text)
