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

_QUICK = {  # what Polars parses by itself, ten times as fast
    "%Y-%m-%d": "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}",
    "%Y-%m-%d %H:%M:%S": "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-5][0-9]:[0-5][0-9]",
    "%Y-%m-%dT%H:%M:%S": "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9]",
}


def read(cells: pl.Series, forms: Forms, kind: ColumnKind) -> pl.Series:
    """Return cells of text as dates of a kind, null where they are none."""
    if forms is ISO and kind == "date":
        for format, pattern in _QUICK.items():
            if cells.str.contains(f"^{pattern}$").all():
                return cells.str.to_datetime(format, time_unit="us", strict=False)
    micros, right, open_ = np.zeros(len(cells), np.int64), np.zeros(len(cells), bool), cells.is_not_null().to_numpy()
    for pattern in forms.patterns:
        groups = cells.str.extract_groups(f"^(?:{pattern})$").struct.unnest()
        matched = _matched(groups) & open_
        if matched.any():
            found, good = _micros(groups, kind)
            np.copyto(micros, found, where=matched)
            right, open_ = right | (matched & good), open_ & ~matched
    values = pl.Series(cells.name, micros)
    return values.set(~pl.Series(right), None).cast(pl.Datetime("us"))


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
        offset, minutes = _offsets(groups["offset"])
        good &= (minutes >= 0) & ((kind == "moment") == offset.is_not_null().to_numpy())
        micros -= np.where(offset.str.starts_with("-").fill_null(False).to_numpy(), -minutes, minutes)
    elif kind == "moment":
        good[:] = False
    micros = (micros * 60 + second) * SECOND
    if "fraction" in groups.columns:
        fraction = groups["fraction"].str.slice(0, 6).str.pad_end(6, "0")
        micros += fraction.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    return micros, good


def _offsets(offset: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    """Return offsets, and their minutes without a sign: 0 where there is none, −1 where there is no such offset."""
    digits = offset.str.replace_all("[^0-9]", "").str.pad_end(4, "0")
    hours, minutes = (digits.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0).to_numpy() for at in (0, 2))
    return offset, np.where((hours < 24) & (minutes < 60), 60 * hours + minutes, -1)


def of_objects(
    name: str, cells: Sequence[Any], forms: Forms, kind: ColumnKind, missing: Collection[str]
) -> tuple[pl.Series, int | None]:
    """Return cells of any types as dates of a kind, and which cell is the first that is none; None where all are."""
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
