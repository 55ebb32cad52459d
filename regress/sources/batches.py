"""Polars frames as batches, and one or more parts with the same columns as a source."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from regress.blocks import Array, Mask
from regress.errors import TableError
from regress.messages import setting
from regress.numerics.threads import need_threads
from regress.sources.base import (
    EMPTY,
    MISSING_CODE,
    UNSEEN_CODE,
    Batch,
    Codes,
    Column,
    ColumnKind,
    Reread,
    cut,
    written,
)
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.column_types import Survey
from regress.sources.csv.reader import CsvPart, MarkError
from regress.sources.parts import Part
from regress.sources.paths import file_key
from regress.sources.rejects import CellError, Rejects


@dataclass(frozen=True, slots=True)
class PolarsBatch:
    """Some rows of a Polars frame. Missing cells are null or NaN."""

    part: str
    first: int
    frame: pl.DataFrame
    read: int
    bad: Mask | None = None
    reading: Reading = AS_IS
    key: str = ""

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        return self.frame.height

    def head(self, rows: int) -> "PolarsBatch":
        """Return the first rows of the batch."""
        bad = None if self.bad is None else self.bad[:rows]
        return replace(self, frame=self.frame.head(rows), bad=bad)

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column (rows,), NaN where missing."""
        column = self.frame[name]
        if column.dtype != pl.Float64:  # a cast costs, even to the same type
            column = column.cast(pl.Float64)
        if self.reading.codes:
            column = column.set(column.is_in(self.reading.codes), None)
        return column.to_numpy()  # nulls become NaN

    def columns(self, names: Sequence[str]) -> list[Array]:
        """Return number and boolean columns."""
        return [self.numbers(name) for name in names]

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""
        text = _text(self.frame[name])
        found = text.replace_strict(list(codes), list(codes.values()), default=UNSEEN_CODE, return_dtype=pl.Int32)
        return found.set(text.is_null(), MISSING_CODE).to_numpy()

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""
        return self.reading.level(cell)

    def texts(self, name: str) -> list[str]:
        """Return a column as text; numbers in one form, whatever the file's."""
        column = self.frame[name]
        if column.dtype.is_numeric():
            values = self.numbers(name)
            return [text if known else "" for text, known in zip(written(values), np.isfinite(values), strict=True)]
        return _text(column).fill_null("").to_list()

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, in order; null ones left out."""
        return _text(self.frame[name].filter(pl.Series(rows))).drop_nulls().unique(maintain_order=True).to_list()


def _text(column: pl.Series) -> pl.Series:
    """Return a column as text; what is no finite number of numbers is missing."""
    if column.dtype.is_float():
        column = column.set(~column.is_finite(), None)
    try:
        return column.cast(pl.String)
    except pl.exceptions.InvalidOperationError:
        raise TableError(f"Column {column.name!r} is of type {column.dtype}, which cannot be read as text.") from None


class PolarsSource:
    """One or more parts with the same columns, read one after the other."""

    def __init__(
        self,
        label: str,
        parts: Sequence[Part],
        rejects: Rejects | None = None,
        columns: tuple[Column, ...] | None = None,
        index: Any = None,
    ) -> None:
        need_threads()
        self.label, self._rejects, self.index = label, rejects or Rejects(), index
        self._parts = {part.name: part for part in parts}
        self.typed_alike = len(parts) == 1 or all(isinstance(part, CsvPart) for part in parts)
        self.unit = "bytes" if any(part.name for part in parts) else "rows"
        self.size = sum(part.size for part in parts)
        self.dialect = "; ".join(dict.fromkeys(part.dialect for part in parts if part.dialect))
        self.columns = columns if columns is not None else _common_columns(parts)
        self.by_name = {column.name: column for column in self.columns}

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns of every part in batches, up to a number of rows.

        Raises
        ------
        TableError
            If rows cannot be used.
        Reread
            If a column turns out to be another than its first cells said.
        """
        kinds: dict[str, ColumnKind] = {name: self.by_name[name].kind for name in names}
        self._rejects.begin()
        try:
            yield from cut(self._batches(kinds), limit)
            self._check_skipped()
        except CellError as error:
            if self.by_name[error.column].settled:
                self._rejects.write()
                raise
            raise Reread(self.settled([error.column])) from None
        except MarkError as error:
            error.part.settle_mark()
            raise Reread(self._with(_common_columns(list(self._parts.values())))) from None
        except TableError:  # what was skipped is worth seeing, the more so where the rest is refused
            self._rejects.write()
            raise
        self._rejects.write()

    def _check_skipped(self) -> None:
        """Ask whether columns and files are what they were read as where most of their cells, or rows, are bad."""
        for name, count in self._rejects.cells.items():
            column = self.by_name[name]
            if (count > self._good[name] or column.kind == "boolean") and not column.settled:
                raise CellError(f"Column {name!r} of {self.label} has more bad cells than good ones.", name)
        for file, count in self._rejects.files.items():
            rows, written = self._rows[file], self._parts[file].dialect
            if 2 * count > rows > 0:
                raise TableError(
                    f"{file}: {count:,} of {rows:,} rows cannot be used, more than half. See them with "
                    f"{setting('rejects', 'FILE')}: "
                    f"the file may not be what it was read as ({written})."
                )

    def _batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Batch]:
        before, self._good, self._rows = 0, Counter[str](), Counter[str]()
        for part in self._parts.values():
            first, key = 0, file_key(part.name) if len(self._parts) > 1 else ""
            for frame, read, bad in part.frames(kinds):
                for name in self._rejects.cells:
                    self._good[name] += frame.height - frame[name].null_count()
                yield PolarsBatch(part.name, first, frame, before + read, bad, part.reading, key)
                first += frame.height
            self._rows[part.name] = first
            before += part.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of how it is read, in sentences."""
        texts = [repr(c.name) for c in self.columns if c.kind == "number" and c.dtype == "text"]
        said = [
            f"{self.label} holds numbers as text in {', '.join(texts)}. They were read as numbers; "
            f"{setting('categorical')} keeps a column as text."
        ] * bool(texts)
        return (*said, *(part.note for part in self._parts.values() if isinstance(part, CsvPart) and part.note))

    def place(self, part: str, record: int) -> str:
        """Say where a record is."""
        return self._parts[part].place(record)

    def read_as(self, kinds: Mapping[str, ColumnKind]) -> "PolarsSource":
        """Return the source with columns read as the kinds given, whatever their cells look like."""
        if "number" in kinds.values():
            self._settle_marks()  # nobody will read again
        return self._with(
            [replace(c, kind=kinds[c.name], hint="", settled=True) if c.name in kinds else c for c in self.columns]
        )

    def settled(self, names: Sequence[str]) -> "PolarsSource":
        """Return the source with the named columns decided by all of their cells: a pass of its own where need be."""
        surveys = {name: Survey(name) for name in names if not self.by_name[name].settled}
        if not surveys:
            return self
        self._settle_marks()
        self._rejects.begin()
        for part in self._parts.values():
            first = 0
            for frame, _, _ in part.frames(dict.fromkeys(surveys, "text")):
                for name, survey in surveys.items():
                    survey.add(frame[name], part.reading, first, part.place)
                first += frame.height
        skip, skippable = self._rejects.skip, all(isinstance(part, CsvPart) for part in self._parts.values())
        found = {name: survey.column(skip, skippable) for name, survey in surveys.items()}
        return self._with([replace(found[c.name], index=c.index) if c.name in found else c for c in self.columns])

    def _settle_marks(self) -> None:
        for part in self._parts.values():
            if isinstance(part, CsvPart):
                part.settle_mark()

    def _with(self, columns: Sequence[Column]) -> "PolarsSource":
        return PolarsSource(self.label, list(self._parts.values()), self._rejects, tuple(columns), self.index)


def _common_columns(parts: Sequence[Part]) -> tuple[Column, ...]:
    """Return the columns of all parts: text where parts differ, a number where no part has a value to tell by."""
    first = parts[0]
    found = first.columns()
    for part in parts[1:]:
        others = part.columns()
        if odd := sorted(set(found) ^ set(others)):
            raise TableError(
                f"{first.name} and {part.name} have different columns ({odd[0]!r} stands in one of them only). "
                "Fit them apart, or fix one."
            )
        for name, column in others.items():
            found[name] = _joined(found[name], column)
    return tuple(column or Column(name, "number", dtype=EMPTY) for name, column in found.items())


def _joined(one: Column | None, other: Column | None) -> Column | None:
    """Return what a column is that is `one` in some parts and `other` in another; None tells nothing."""
    if one is None or other is None or one == other:
        return other if one is None else one
    for column in (one, other):
        if column.kind == "unusable":
            return column
    alike = one.kind == other.kind
    return Column(
        one.name,
        one.kind if alike else "text",
        dtype=one.dtype or other.dtype,
        settled=alike and one.settled and other.settled,
        doubtful=one.doubtful or other.doubtful or not alike,
        index=one.index or other.index,
    )
