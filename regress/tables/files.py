"""Files and Polars frames as sources: CSV, Parquet and globs of them, streamed by Polars.

Polars' `collect_batches` is marked unstable, so it stays in this module. Numbers are read as Float64 from the first
row on: no block decides a column's type for the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
import polars as pl

from regress.errors import TableError
from regress.numerics.twofold import Array
from regress.tables import csvtext
from regress.tables.source import MISSING, MISSING_CODE, UNSEEN_CODE, Batch, Codes, Column, Kind

_HEAD = 1000  # rows read to learn what the columns are


@dataclass(frozen=True, slots=True)
class PolarsBatch:
    """Some rows of a Polars frame. Missing cells are null or NaN."""

    part: str
    first: int
    frame: pl.DataFrame

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        return self.frame.height

    def head(self, rows: int) -> "PolarsBatch":
        """Return the first rows of the batch."""
        return PolarsBatch(self.part, self.first, self.frame.head(rows))

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column (rows,), NaN where missing."""
        column = self.frame[name]
        floats = (
            column if column.dtype == pl.Float64 else column.cast(pl.Float64)
        )  # a cast costs, even to the same type
        return floats.to_numpy()  # nulls become NaN

    def matrix(self, names: Sequence[str]) -> Array:
        """Return number and boolean columns side by side."""
        out = np.empty((self.rows, len(names)))
        for j, name in enumerate(names):
            out[:, j] = self.numbers(name)
        return out

    def codes(self, name: str, levels: Sequence[str]) -> Codes:
        """Return a text column as positions in `levels`."""
        text = _text(self.frame[name])
        codes = text.replace_strict(list(levels), list(range(len(levels))), default=UNSEEN_CODE, return_dtype=pl.Int32)
        return codes.set(text.is_null(), MISSING_CODE).to_numpy()

    def texts(self, name: str) -> list[str]:
        """Return a column as text; numbers in one form, whatever the file's."""
        column = self.frame[name]
        if column.dtype.is_numeric():
            values = np.nan_to_num(self.numbers(name)).tolist()
            return [f"{v:.0f}" if v == int(v) else repr(v) for v in values]
        return column.cast(pl.String).fill_null("").to_list()


def _text(column: pl.Series) -> pl.Series:
    """Return a column as text with the missing cells null."""
    text = column.cast(pl.String)
    return text.set(text.is_in(MISSING), None)


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
        """Stream the columns. The file's last one always comes along: where it is null, rows may be short."""
        last = self.header[-1]
        read: dict[str, Kind] = {name: kinds.get(name, "text") for name in self.header}
        wanted = list(dict.fromkeys([*kinds, last]))
        blanks: list[int] | None = None
        seen = 0
        try:
            for frame in self._scan(read).select(wanted).collect_batches():
                if blanks is None and frame[last].null_count():
                    blanks = csvtext.blank_records(self.path, len(self.header))
                kept = frame
                if blanks:
                    inside = [r - seen for r in blanks if seen <= r < seen + frame.height]
                    kept = frame.filter(~pl.Series(np.isin(np.arange(frame.height), inside))) if inside else frame
                seen += frame.height
                yield self._booleans(kept.select(list(kinds)), kinds)
        except (pl.exceptions.PolarsError, _NotBooleanError) as error:
            self._explain(read, error)

    def _scan(self, kinds: Mapping[str, Kind]) -> pl.LazyFrame:
        schema = {name: pl.Float64 if kind == "number" else pl.String for name, kind in kinds.items()}
        return pl.scan_csv(self.path, schema=schema, null_values=list(MISSING), glob=False, encoding="utf8")

    @staticmethod
    def _booleans(frame: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
        for name in (name for name, kind in kinds.items() if kind == "boolean"):
            lower = frame[name].str.to_lowercase()
            if not lower.drop_nulls().is_in(csvtext.BOOLEAN).all():
                raise _NotBooleanError(name)
            frame = frame.with_columns((lower == "true").alias(name))
        return frame

    def _explain(self, kinds: Mapping[str, Kind], error: Exception) -> NoReturn:
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


class PolarsSource:
    """One or more parts with the same columns, read one after the other."""

    def __init__(self, label: str, parts: Sequence[Part], columns: tuple[Column, ...] | None = None) -> None:
        self.label = label
        self._parts = {part.name: part for part in parts}
        self.columns = columns if columns is not None else self._common_columns(parts)

    @staticmethod
    def _common_columns(parts: Sequence[Part]) -> tuple[Column, ...]:
        each = [part.columns() for part in parts]
        for (one, left), (other, right) in pairwise(zip(parts, each, strict=True)):
            names, others = [c.name for c in left], [c.name for c in right]
            if set(names) != set(others):
                odd = sorted(set(names) ^ set(others))[0]
                raise TableError(
                    f"{one.name} and {other.name} have different columns ({odd!r} stands in one of them only). "
                    "Fit them apart, or mend one."
                )
        return each[0]

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read the named columns of every part in batches."""
        kinds: dict[str, Kind] = {c.name: c.kind for c in self.columns if c.name in set(names)}
        for part in self._parts.values():
            first = 0
            for frame in part.frames(kinds):
                yield PolarsBatch(part.name, first, frame)
                first += frame.height

    def levels(self, name: str) -> list[str]:
        """Return the distinct values of a text column, sorted by code point."""
        found: set[str] = set()
        for part in self._parts.values():
            for frame in part.frames({name: "text"}):
                found.update(_text(frame[name]).drop_nulls().unique().to_list())
        return sorted(found)

    def place(self, part: str, record: int) -> str:
        """Say where a record is."""
        return self._parts[part].place(record)

    def as_text(self, names: Sequence[str]) -> "PolarsSource":
        """Return the source with the named columns read as text."""
        columns = tuple(Column(c.name, "text", c.levels) if c.name in names else c for c in self.columns)
        return PolarsSource(self.label, list(self._parts.values()), columns)


def is_frame(table: object) -> bool:
    """Tell whether a table is a Polars DataFrame."""
    return isinstance(table, pl.DataFrame)


def open_polars(frame: pl.DataFrame) -> PolarsSource:
    """Return a Polars frame as a source."""
    return PolarsSource("the frame", [FramePart(frame)])


def open_files(path: str | Path) -> PolarsSource:
    """Open a file, or every file that a glob matches, in the order of their names.

    Raises
    ------
    TableError
        If there is no such file, or its header cannot be used.
    """
    text = str(path)
    paths = [Path(text)] if Path(text).exists() or not has_magic(text) else [Path(p) for p in sorted(glob(text))]
    if not paths:
        raise TableError(f"No file matches {text}.")
    parts: list[Part] = []
    for one in paths:
        if not one.exists():
            raise TableError(f"There is no file {one}.")
        if not one.is_file():
            raise TableError(f"{one} is not a file. Name a file, or a glob such as '{one}/*.csv'.")
        parquet = one.suffix.lower() in (".parquet", ".pq")
        parts.append(ParquetPart(one) if parquet else CsvPart(one))
    return PolarsSource(paths[0].name if len(paths) == 1 else text, parts)
