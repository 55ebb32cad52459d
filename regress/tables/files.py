"""Files and frames as sources: one or more parts that Polars scans, read one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from regress.errors import TableError
from regress.numerics.twofold import Array
from regress.tables.parts import CsvPart, FramePart, ParquetPart, Part
from regress.tables.source import MISSING, MISSING_CODE, UNSEEN_CODE, Batch, Codes, Column, Kind


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
        if column.dtype != pl.Float64:  # a cast costs, even to the same type
            column = column.cast(pl.Float64)
        return column.to_numpy()  # nulls become NaN

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
        return _text(column).fill_null("").to_list()


def _text(column: pl.Series) -> pl.Series:
    """Return a column as text with the missing cells null."""
    text = column.cast(pl.String)
    return text.set(text.is_in(MISSING), None)


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
