"""Columns of dates: text read as dates, and dates as days since 1970-01-01 00:00 UTC."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.options.date_formats import MONTHS
from regress.sources.base import ColumnKind
from regress.sources.cell_types import is_missing
from regress.sources.dates import DAY, ISO, SECOND, Forms, of_cell

_DATE, _CLOCK = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-5][0-9]:[0-5][0-9]"
_SECONDS = 19  # characters of a date and time


def read(cells: pl.Series, forms: Forms, kind: ColumnKind) -> pl.Series:
    """Return cells of text as dates of a kind, null where they are none."""
    usual = _usual(cells, kind) if forms is ISO else None
    if usual is not None:
        return usual.cast(pl.Datetime("us"))
    micros, right, open_ = np.zeros(len(cells), np.int64), np.zeros(len(cells), bool), cells.is_not_null().to_numpy()
    for pattern in forms.patterns:
        if not open_.any():
            break
        groups = cells.str.extract_groups(f"^(?:{pattern})$").struct.unnest()
        matched = _matched(groups) & open_
        if matched.any():
            found, good = _micros(groups, kind)
            np.copyto(micros, found, where=matched)
            right, open_ = right | (matched & good), open_ & ~matched
    values = pl.Series(cells.name, micros)
    return values.set(~pl.Series(right), None).cast(pl.Datetime("us"))


def _usual(cells: pl.Series, kind: ColumnKind) -> pl.Series | None:
    """Return cells in the usual ISO forms, in microseconds, much faster; None where some have another form."""
    if kind == "date" and cells.str.contains(f"^{_DATE}$").all():
        return cells.str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    offset = "" if kind == "date" else "(?:Z|[+-][0-9]{2}:[0-9]{2})"
    for mark in " T":
        if cells.str.contains(rf"^{_DATE}{mark}{_CLOCK}(?:\.[0-9]{{1,9}})?{offset}$").all():
            seconds = cells.str.slice(0, _SECONDS)
            micros = seconds.str.to_datetime(f"%Y-%m-%d{mark}%H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
            rest = cells.str.slice(_SECONDS)
            micros += _fraction(rest.str.extract(r"^\.([0-9]+)"))
            if kind == "moment":
                minutes, good = _offsets(rest.str.extract("([Z+-].*)$"))
                micros = (micros - minutes * (60 * SECOND)).set(~pl.Series(good), None)
            return micros
    return None


def _matched(groups: pl.DataFrame) -> Mask:
    year = groups["year"] if "year" in groups.columns else groups["short"]
    return year.is_not_null().to_numpy()


def _micros(groups: pl.DataFrame, kind: ColumnKind) -> tuple[NDArray[np.int64], Mask]:
    """Return what the parts of cells are in microseconds, and whether there is such a day and time of the kind."""

    def number(name: str, default: int = 0) -> NDArray[np.int64]:
        if name not in groups.columns:
            return np.full(len(groups), default, dtype=np.int64)
        return groups[name].cast(pl.Int64, strict=False).fill_null(default).to_numpy()

    year, month, day, hour = number("year"), number("month", 1), number("day", 1), number("hour")
    if "short" in groups.columns:
        short = number("short")
        year = short + np.where(short < 69, 2000, 1900)
    if "name" in groups.columns:
        names = groups["name"].str.to_lowercase().str.slice(0, 3)
        numbers = names.replace_strict(MONTHS, range(1, 13), default=0, return_dtype=pl.Int64)
        month = numbers.fill_null(0).to_numpy()
    good = np.ones(len(groups), dtype=bool)
    if "half" in groups.columns:
        half = number("half", 1)
        pm = (groups["noon"].str.to_lowercase() == "pm").fill_null(False).to_numpy()
        good &= (half >= 1) & (half <= 12)
        hour = half % 12 + 12 * pm
    minute, second = number("minute"), number("second")
    good &= (year >= 1) & (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    first, after = (m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (months, months + 1))
    good &= (day >= 1) & (day <= after - first)
    micros = ((first + day - 1) * 24 + hour) * 60 + minute
    if "offset" in groups.columns:
        minutes, known = _offsets(groups["offset"])
        good &= known & ((kind == "moment") == groups["offset"].is_not_null().to_numpy())
        micros -= minutes
    elif kind == "moment":
        good[:] = False
    micros = (micros * 60 + second) * SECOND
    if "fraction" in groups.columns:
        micros += _fraction(groups["fraction"]).to_numpy()
    return micros, good


def _fraction(digits: pl.Series) -> pl.Series:
    """Return the digits behind the point of seconds in microseconds, 0 where there are none."""
    return digits.str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64).fill_null(0)


def _offsets(offset: pl.Series) -> tuple[NDArray[np.int64], Mask]:
    """Return offsets from UTC in minutes, 0 where there is none, and whether there is such an offset."""
    digits = offset.str.replace_all("[^0-9]", "").str.pad_end(4, "0")
    hours, minutes = (digits.str.slice(at, 2).cast(pl.Int64).fill_null(0).to_numpy() for at in (0, 2))
    signs = np.where(offset.str.starts_with("-").fill_null(False).to_numpy(), -1, 1)
    return signs * (60 * hours + minutes), (hours < 24) & (minutes < 60)


def of_objects(
    name: str, cells: Sequence[Any], forms: Forms, kind: ColumnKind, missing: Collection[str]
) -> tuple[pl.Series, int | None]:
    """Return cells of any types as dates of a kind, and the first cell that is not such a date, if any."""
    micros = list[int | None]()
    for row, cell in enumerate(cells):
        absent = cell.strip() in missing if isinstance(cell, str) else is_missing(cell)
        found = None if absent else of_cell(cell, forms)
        if not absent and (found is None or found.kind != kind):
            return pl.Series(name, [], dtype=pl.Datetime("us")), row
        micros.append(None if found is None else found.micros)
    dates = pl.Series(name, micros, dtype=pl.Int64).cast(pl.Datetime("us"))
    return dates.dt.replace_time_zone("UTC") if kind == "moment" else dates, None


def days_of(column: pl.Series) -> Array:
    """Return a column of dates as days since 1970-01-01 00:00 UTC, NaN where missing.

    They are the float64 numbers nearest to the microseconds, divided. What is finer than those does not count.
    """
    values = column.to_physical().cast(pl.Int64)
    missing, counts = values.is_null().to_numpy(), values.fill_null(0).to_numpy()
    unit = getattr(column.dtype, "time_unit", None)
    if unit == "ns":
        counts = counts // 1000
    days = counts / {None: 1, "ms": DAY // 1000}.get(unit, DAY)
    for k in np.flatnonzero(counts.astype(np.float64).astype(np.int64) != counts).tolist():
        days[k] = int(counts[k]) / DAY  # rounded once, which only Python's integers are
    days[missing] = np.nan
    return days
