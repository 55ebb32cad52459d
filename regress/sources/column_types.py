"""What all cells of a column look like: what decides where the first cells cannot."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regress.messages import by_interface, setting
from regress.sources.base import Column, ColumnKind
from regress.sources.cell_types import BLANKS, READ, CellKind, column_of_kind, kind_of, verdict
from regress.sources.cell_values import Reading
from regress.sources.dates import DateKind, fitting

DATE_KINDS: tuple[DateKind, ...] = ("date", "moment")
Rows = NDArray[np.int64]
Place = Callable[[int], str]
"""Returns where a record of a part is."""


class Survey:
    """Counts the cells of a column by what they look like, and keeps the first of each kind with its place."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: Counter[CellKind] = Counter()
        self._first: dict[CellKind, tuple[str, str]] = {}
        self._formats: list[str] = []  # those that all dates seen have which are not read
        self._given: Mapping[str, str] | str | None = None

    def add(self, cells: pl.Series, reading: Reading, first: int, place: Place) -> None:
        """Count some cells, the first of which is the record `first`."""
        rows = np.arange(first, first + len(cells))
        if cells.dtype.is_numeric():
            self._count("number", cells.cast(pl.Float64).is_finite().fill_null(False), cells, rows, place)
            return
        if cells.dtype.is_temporal():
            zoned = getattr(cells.dtype, "time_zone", None) is not None
            self._count("moment" if zoned else "date", cells.is_not_null(), cells, rows, place)
            return
        self._given = reading.dates
        odd = cells.cast(pl.String)
        values, wrong = reading.converted(odd, "number")
        self._count("number", values.is_finite().fill_null(False), odd, rows, place)
        odd, rows = odd.filter(pl.Series(wrong)), rows[wrong]
        for kind in DATE_KINDS:
            found = reading.converted(odd, kind)[0].is_not_null()
            self._count(kind, found, odd, rows, place)
            odd, rows = odd.filter(~found), rows[~found.to_numpy()]
        for cell, count in odd.to_frame("cell").group_by("cell", maintain_order=True).len().iter_rows():
            like = kind_of(cell, reading.decimal, reading.forms(self.name))
            self.counts[like] += count
            if like not in self._first:
                self._first[like] = cell, place(int(rows[(odd == cell).arg_max() or 0]))
            if like == "dated" and len(self._formats) != 1:
                fit = fitting(cell.strip())
                self._formats = [f for f in self._formats if f in fit] or fit

    def _count(self, kind: CellKind, found: pl.Series, cells: pl.Series, rows: Rows, place: Place) -> None:
        """Count the cells found to be of a kind; `rows` are their records."""
        self.counts[kind] += int(found.sum())
        if kind not in self._first and found.any():
            row = found.arg_max() or 0
            self._first[kind] = str(cells[row]), place(int(rows[row]))

    def merge(self, other: "Survey") -> None:
        """Count the cells of later rows too."""
        self.counts.update(other.counts)
        self._first = other._first | self._first
        self._formats = [f for f in self._formats if f in other._formats] or self._formats or other._formats
        self._given = self._given or other._given

    def column(self, skip: bool, skippable: bool) -> Column:
        """Return what the column is; `skip` as in `verdict`. A column that is in doubt is text with a hint."""
        total = self.counts.total()
        kind, doubtful = verdict(self.counts, skip) if total else ("number", False)
        if not doubtful:
            return column_of_kind(self.name, kind, settled=True)
        if self.counts["dated"] + self.counts["time"] == total:
            what = "date" if self.counts["dated"] else "time"
            return Column(self.name, "unusable", dtype=what, hint=self._unread(), settled=True)
        return Column(self.name, "text", hint=self._why(total, skippable), settled=True)

    def _shown(self, *kinds: CellKind) -> str:
        return " and ".join("{!r} ({})".format(*self._first[kind]) for kind in kinds)

    def _unread(self) -> str:
        """Say how dates and times may be read, or that they are not."""
        drop = setting("drop", [self.name])
        if not self.counts["dated"]:
            return f"It holds times, such as {self._shown('time')}. Turn them into numbers, or pass {drop}."
        if not self._formats:
            shown, option = self._shown("dated"), setting("date_format")
            return f"It holds dates that cannot be read, such as {shown}. Pass their {option}, or {drop}."
        formats: list[Any] = list(self._formats)
        if self._given is not None:
            given = self._given if isinstance(self._given, Mapping) else {}
            formats = [{**given, self.name: format} for format in self._formats]
        return f"It holds dates, such as {self._shown('dated')}. Pass {_either(formats)}, or {drop}."

    def _why(self, total: int, skippable: bool) -> str:
        """Say in sentences which cells leave the column in doubt, and what to do about them."""
        counts = self.counts
        if counts["date"] and counts["moment"]:
            shown = f"such as {self._shown('moment')}, and others without one, such as {self._shown('date')}"
            return f"It holds times with an offset from UTC, {shown}. Write all of them in one way."
        if counts["dated"] + counts["time"] > total / 2:
            return self._unread()
        marked = next((c for c in self._first["marked"][0] if c in ".,"), "") if counts["marked"] else ""
        if counts["grouped"] and marked != _separators(self._first["grouped"][0])[0]:
            shown, flags = self._shown("grouped"), thousands_options(self._first["grouped"][0])
            return f"It holds numbers with thousands separators, such as {shown}. Pass {flags}."
        if counts["marked"]:
            shown = self._shown("marked")
            return f"It holds numbers with another decimal mark, such as {shown}. Pass {setting('decimal', marked)}."
        if counts["dressed"]:
            shown = self._shown("dressed")
            return f"It holds numbers with a unit or another sign, such as {shown}. Write them as plain numbers."
        read = max(READ, key=lambda k: counts[k])
        kinds: tuple[CellKind, ...] = ("text", "boolean", "time", "dated", *READ)
        kind = next(k for k in kinds if counts[k] and k != read)
        share, what = counts[read] / total, "number" if read == "number" else "date"
        if share < 0.5:
            return f"{share:.0%} of its cells are {what}s, others are text, such as {self._shown(kind)}."
        most = f"{share:.0%} of its cells are" if share < 0.995 else "nearly all of its cells are"
        cell = self._first[kind][0].strip()
        what += f" by {setting('date_format', self._given)}" * (kind == "dated" and self._given is not None)
        missing = f" Pass {setting('na_values', [cell])} if it stands for a missing one." * _is_word(cell)
        skip = f", or skip such rows with {setting('on_bad_lines', 'skip')}" * skippable
        return f"{self._shown(kind)} is not a {what}, but {most}. Fix the cell{skip}.{missing}"


def date_options(cell: str, kind: ColumnKind, reading: Reading) -> str:
    """Return the option that reads a cell of a column of dates, where none was given; "" if there is none."""
    formats = fitting(cell.strip()) if kind == "date" and reading.dates is None else []
    return _either(formats) if formats else ""


def _either(formats: Sequence[Any]) -> str:
    """Return the option with one format, or with two for the day or the month first."""
    if len(formats) == 1:
        return setting("date_format", formats[0])
    firsts = ("day comes first" if str(f).find("%d") < str(f).find("%m") else "month does" for f in formats)
    return ", ".join(f"{setting('date_format', f)} if the {first}" for f, first in zip(formats, firsts, strict=True))


def thousands_options(cell: str) -> str:
    """Return the options with which a number with thousands separators is read."""
    separators = _separators(cell)
    thousands = separators[0]
    options = [setting("thousands", thousands)]
    if separators[-1] not in (thousands, "."):
        options.append(setting("decimal", separators[-1]))
    return by_interface(", ", " ").join(options)


def _separators(cell: str) -> list[str]:
    """Return what stands between the digits of a number; blanks and apostrophes of every kind are one."""
    same = str.maketrans(dict.fromkeys(BLANKS, " ") | {"’": "'"})
    return [c for c in cell.strip().translate(same) if not c.isdigit() and c not in "+-"]


def _is_word(cell: str) -> bool:
    return cell.isprintable() and len(cell) <= 20 and not set(cell) & set(',"')
