"""Cells of text as what their column is: numbers, true and false, dates, levels."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from regress.blocks import Mask
from regress.options import FileOptions
from regress.sources.base import MISSING, Column, ColumnKind
from regress.sources.cell_types import BLANKS, BOOLEAN, column_of_kind, is_number, level_of, verdicts
from regress.sources.date_columns import read
from regress.sources.dates import ISO, Forms, forms_of


@dataclass(frozen=True, slots=True)
class Reading:
    """How cells of text are read.

    Attributes
    ----------
    missing : tuple of str
        Spellings of a missing cell in numbers.
    absent : tuple of str
        Those in text.
    decimal : {".", ","}
        What stands before a fraction.
    thousands : str, optional
        What may stand between groups of digits; a blank stands for every kind of blank.
    codes : tuple of float
        Numbers that stand for a missing cell, such as -999.
    dates : str or mapping, optional
        The option `date_format`.
    """

    missing: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str | None = None
    codes: tuple[float, ...] = ()
    dates: Mapping[str, str] | str | None = None

    def forms(self, name: str) -> Forms:
        """Return the forms of dates that a column may have."""
        return ISO if self.dates is None else forms_of(name, self.dates)

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if the cell is missing."""
        return None if cell.strip() in self.absent else level_of(cell, self.decimal)

    def column(self, name: str, cells: Iterable[str], skip: bool = False) -> Column | None:
        """Return what a column seems to be by some of its cells; None where none has a value."""
        return self.columns([name], [[cell] for cell in cells], skip)[0]

    def columns(self, names: Sequence[str], rows: Sequence[Sequence[str]], skip: bool = False) -> list[Column | None]:
        """Return what columns seem to be by some rows of cells; None where none has a value."""
        given = [[row[j] for row in rows if row[j].strip() not in self.missing] for j in range(len(names))]
        separator, forms = None if self.thousands is None else self._separator, [self.forms(name) for name in names]
        found = verdicts(zip(given, forms, strict=True), self.decimal, separator, skip)
        return [
            None if seen is None else column_of_kind(name, seen[0], doubtful=seen[1])
            for name, seen in zip(names, found, strict=True)
        ]

    @property
    def _separator(self) -> str:
        alike = {" ": BLANKS, "'": "’"}
        return f"[{re.escape(self.thousands or '')}{alike.get(self.thousands or '', '')}]"

    def converted(self, text: pl.Series, kind: ColumnKind) -> tuple[pl.Series, Mask]:
        """Return cells as what their column is, null where they are missing, and which are not that."""
        cells = text.str.strip_chars()
        cells = cells.set(cells.is_in(self.missing), None)
        if kind == "boolean":
            lower = cells.str.to_lowercase()
            values = (lower == "true").set(~lower.is_in(BOOLEAN), None)
        elif kind in ("date", "moment"):
            values = read(cells, self.forms(text.name), kind)
        else:
            values = self._plain(cells).cast(pl.Float64, strict=False)
        return values, (values.is_null() & cells.is_not_null()).to_numpy()

    def why_not(self, cell: str, kind: ColumnKind, name: str) -> str:
        """Say why a cell is not of the kind that a column is read as."""
        if kind in ("number", "boolean"):
            return f"is not {'a number' if kind == 'number' else 'true or false'}"
        if self.forms(name).find(cell.strip()) is None:
            return "is not a date"
        others = ("no", "one") if kind == "moment" else ("an", "none")
        return f"has {others[0]} offset from UTC, and other cells of the column have {others[1]}"

    def _plain(self, cells: pl.Series) -> pl.Series:
        """Write numbers with a point and no thousands; other cells do not become numbers."""
        mark = "," if self.decimal == "," else r"\."
        if self.thousands is not None:
            separator = self._separator
            grouped = cells.str.contains(
                f"^[+-]?[0-9]{{1,3}}({separator}[0-9]{{2,3}})*{separator}[0-9]{{3}}({mark}[0-9]*)?$"
            )
            cells = cells.str.replace_all(separator, "").zip_with(grouped, cells)
        if self.decimal == ",":
            cells = cells.set(cells.str.contains(".", literal=True), "a point").str.replace(",", ".", literal=True)
        return cells


AS_IS = Reading()
"""Of tables that mark missing cells themselves."""


def reading_of_files(options: FileOptions, decimal: str) -> Reading:
    """Return how cells of CSV files are read; with `keep_na` only empty cells of text, and `na_values`, are missing."""
    added = [value.strip() for value in options.na_values]
    missing = tuple(dict.fromkeys([*MISSING, *added]))
    absent = tuple(dict.fromkeys(["", *added])) if options.keep_na else missing
    return Reading(missing, absent, decimal, options.thousands, _codes(added, decimal), options.date_format)


def reading_of_frames(options: FileOptions) -> Reading:
    """Return how cells of text in frames and Parquet files are read."""
    added = tuple(value.strip() for value in options.na_values)
    decimal = "," if options.thousands == "." else "."
    return Reading(added, added, decimal, options.thousands, _codes(added, decimal), options.date_format)


def _codes(values: Iterable[str], decimal: str) -> tuple[float, ...]:
    """Return those of the texts for missing cells that are numbers."""
    return tuple(float(value.replace(decimal, ".")) for value in values if is_number(value, decimal))
