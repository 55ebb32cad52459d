"""What a table is made of: a frame, or files, each read in blocks of bounded size.

Polars' `collect_batches` is marked unstable, so it stays in this module.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from regress.errors import TableError
from regress.numerics.twofold import Mask
from regress.tables.source import Column, Kind


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

    def columns(self) -> dict[str, Column | None]:
        """Return the columns by name, in order; None for one that may be anything."""
        ...

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Read the named columns in blocks, each as the kind given."""
        ...

    def place(self, record: int) -> str:
        """Say where a record is."""
        ...


@dataclass(frozen=True, slots=True)
class FramePart:
    """A Polars frame."""

    frame: pl.DataFrame
    name: str = ""
    dialect: str = ""

    @property
    def size(self) -> int:
        """Rows."""
        return self.frame.height

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return {name: _column(name, dtype) for name, dtype in self.frame.schema.items()}

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Yield slices."""
        read = 0
        for frame in self.frame.select(list(kinds)).iter_slices(2**16):
            read += frame.height
            yield Frame(frame, read)

    def place(self, record: int) -> str:
        """Frames count from 0."""
        return f"row {record}"


@dataclass(frozen=True, slots=True)
class ParquetPart:
    """A Parquet file."""

    path: Path
    name: str
    dialect: str = ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        with self._readable():
            schema = pl.scan_parquet(self.path, glob=False).collect_schema()
        return {name: _column(name, dtype) for name, dtype in schema.items()}

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Stream the columns, row group by row group."""
        with self._readable():
            scan = pl.scan_parquet(self.path, glob=False)
            rows, read, size = scan.select(pl.len()).collect().item(), 0, self.size
            for frame in scan.select(list(kinds)).collect_batches():
                read += frame.height
                yield Frame(frame, size * read // max(rows, 1))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pl.exceptions.PolarsError, OSError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise TableError(f"{self.name} is not a readable Parquet file: {said}.") from None

    def place(self, record: int) -> str:
        """Parquet has no lines."""
        return f"{self.name}, row {record}"


def _column(name: str, dtype: pl.DataType) -> Column:
    if dtype == pl.Boolean:
        return Column(name, "boolean")
    if dtype.is_numeric() or dtype == pl.Null:
        return Column(name, "number")
    if dtype == pl.Enum:
        return Column(name, "text", tuple(dtype.categories))  # type: ignore[attr-defined]  # of an Enum
    if dtype in (pl.String, pl.Categorical):
        return Column(name, "text")
    return Column(name, "unusable", dtype=str(dtype))
