"""What Polars can scan: a CSV file, a Parquet file, or a frame, each in batches of bounded size.

Polars' `collect_batches` is marked unstable, so it stays in this module. Numbers are read as Float64 from the first
row on: no block decides a column's type for the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
import polars as pl

from regress.errors import TableError
from regress.tables import csvtext
from regress.tables.source import MISSING, Column, Kind

_HEAD = 1000  # rows read to learn what the columns are


class Part(Protocol):
    """One file, or one frame: something that Polars can scan."""

    @property
    def name(self) -> str:
        """The file's name, or "" for a frame."""
        ...

    def columns(self) -> tuple[Column, ...]:
        """Return the columns in order."""
        ...

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[pl.DataFrame]:
        """Read the named columns in batches, each as the kind given."""
        ...

    def place(self, record: int) -> str:
        """Say where a record is."""
        ...


@dataclass(frozen=True, slots=True)
class FramePart:
    """A Polars frame."""

    frame: pl.DataFrame
    name: str = ""

    def columns(self) -> tuple[Column, ...]:
        """Return the columns in order."""
        return tuple(_column(name, dtype) for name, dtype in self.frame.schema.items())

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[pl.DataFrame]:
        """Yield slices."""
        yield from self.frame.select(list(kinds)).iter_slices(2**16)

    def place(self, record: int) -> str:
        """Frames count from 0."""
        return f"row {record}"


@dataclass(frozen=True, slots=True)
class ParquetPart:
    """A Parquet file."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def columns(self) -> tuple[Column, ...]:
        """Return the columns in order."""
        try:
            schema = pl.scan_parquet(self.path, glob=False).collect_schema()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise TableError(f"{self.name} is not a readable Parquet file: {_first_line(error)}.") from None
        return tuple(_column(name, dtype) for name, dtype in schema.items())

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[pl.DataFrame]:
        """Stream the columns."""
        try:
            yield from pl.scan_parquet(self.path, glob=False).select(list(kinds)).collect_batches()
        except pl.exceptions.PolarsError as error:
            raise TableError(f"{self.name} is not a readable Parquet file: {_first_line(error)}.") from None

    def place(self, record: int) -> str:
        """Parquet has no lines."""
        return f"{self.name}, row {record}"


@dataclass(slots=True)
class CsvPart:
    """A CSV file: comma-separated, UTF-8, one header line."""

    path: Path
    header: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.header = csvtext.read_header(self.path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def columns(self) -> tuple[Column, ...]:
        """Return the columns; each is what its first cell with a value is."""
        all_text: dict[str, Kind] = dict.fromkeys(self.header, "text")
        scan = self._scan(all_text)
        try:
            first = scan.head(_HEAD).select(pl.all().drop_nulls().first()).collect().row(0, named=True)
            late = [name for name, cell in first.items() if cell is None]
            if late:
                first |= scan.select(pl.col(late).drop_nulls().first()).collect(engine="streaming").row(0, named=True)
        except pl.exceptions.PolarsError as error:
            self._explain(all_text, error)
        return tuple(csvtext.column_of(name, first[name]) for name in self.header)

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[pl.DataFrame]:
        """Stream the columns. The file's last one always comes along: where it is null, rows may be short.

        Comparing every cell with the names of missing ones costs a third of the time, so it is done from the first row
        on that cannot be read without.
        """
        last = self.header[-1]
        read: dict[str, Kind] = {name: kinds.get(name, "text") for name in self.header}
        wanted = list(dict.fromkeys([*kinds, last]))
        blanks: list[int] | None = None
        failed: Exception | None = None
        seen = 0
        for missing in ((), MISSING):
            try:
                for frame in self._scan(read, missing).slice(seen).select(wanted).collect_batches():
                    if blanks is None and frame[last].null_count():
                        blanks = csvtext.blank_records(self.path, len(self.header))
                    kept = frame
                    if blanks:
                        inside = [r - seen for r in blanks if seen <= r < seen + frame.height]
                        kept = frame.filter(~pl.Series(np.isin(np.arange(frame.height), inside))) if inside else frame
                    out = self._booleans(
                        pl.DataFrame([kept[name] for name in kinds]), kinds
                    )  # a select would cost more
                    seen += frame.height
                    yield out
                return
            except (pl.exceptions.PolarsError, _NotBooleanError) as error:
                failed = error
        self._explain(read, failed)

    def _scan(self, kinds: Mapping[str, Kind], missing: Sequence[str] = MISSING) -> pl.LazyFrame:
        schema = {name: pl.Float64 if kind == "number" else pl.String for name, kind in kinds.items()}
        return pl.scan_csv(
            self.path,
            has_header=False,  # names with quotes in them would not match the schema's
            skip_rows=1,
            schema=schema,
            null_values=list(missing) or None,
            glob=False,
            encoding="utf8",
        )

    @staticmethod
    def _booleans(frame: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
        for name in (name for name, kind in kinds.items() if kind == "boolean"):
            lower = frame[name].str.to_lowercase()
            if not lower.drop_nulls().is_in(csvtext.BOOLEAN).all():
                raise _NotBooleanError(name)
            frame = frame.with_columns((lower == "true").alias(name))
        return frame

    def _explain(self, kinds: Mapping[str, Kind], error: Exception | None) -> NoReturn:
        csvtext.explain(self.path, kinds, str(error))

    def place(self, record: int) -> str:
        """Lines count from 1, the header's."""
        return csvtext.place(self.path, record)


class _NotBooleanError(Exception):
    """A cell of a true/false column is neither."""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _column(name: str, dtype: pl.DataType) -> Column:
    if dtype == pl.Boolean:
        return Column(name, "boolean")
    if dtype.is_numeric() or dtype == pl.Null:
        return Column(name, "number")
    if dtype == pl.Enum:
        return Column(name, "text", tuple(dtype.categories))  # type: ignore[attr-defined]
    if dtype in (pl.String, pl.Categorical):
        return Column(name, "text")
    return Column(name, "unusable", dtype=str(dtype))
