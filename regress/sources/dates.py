"""Dates of cells: microseconds since 1970-01-01 00:00 UTC."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from regress.options.date_formats import MONTHS, OFFSET, pattern_of

DateKind = Literal["date", "moment"]
"""A `moment` has an offset from UTC, a `date` has no offset."""

DATES = date | np.datetime64
"""The types of cells that are dates."""

DAY, SECOND = 86_400_000_000, 1_000_000  # microseconds
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_AT_CLOCK = re.compile("(?:T|,? +)[0-9]{1,2}:")
_DAYS = (
    *(f"{a}{mark}{b}{mark}{c}" for mark in "/-." for c in ("%Y", "%y") for a, b in (("%d", "%m"), ("%m", "%d"))),
    *("%Y.%m.%d", "%Y/%m", "%Y.%m", "%m/%Y", "%m-%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%d%b%Y"),
    *(f"%d{mark}{name}{mark}%Y" for mark in " -/" for name in ("%b", "%B")),
    *("%d-%b-%y", "%d. %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
)
_TIMES = [
    f"{before}{clock}"
    for before in (" ", ", ", "T")
    for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
]
_CLOCK = (
    "(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    f"(?: ?{OFFSET})?"
)
_ISO = (
    f"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{1,2}})(?:-(?P<day>[0-9]{{1,2}})(?:[T ]{_CLOCK})?)?",
    f"(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})(?:[T ]{_CLOCK})?",
)


class Found(NamedTuple):
    """A date: microseconds since 1970 UTC, and its kind."""

    micros: int
    kind: DateKind


class Forms(NamedTuple):
    """The patterns of dates that a column may have, the first one that a cell matches before others."""

    patterns: tuple[str, ...]

    def find(self, cell: str) -> Found | None:
        """Return the date that a cell of text is; None if it is not a date."""
        for pattern in self.patterns:
            if match := _compiled(pattern).fullmatch(cell):
                return _found(match.groupdict())
        return None


ISO = Forms(_ISO)
"""2024-03-01, 2024/03/01 and 2024-03, perhaps with a time as in 2024-03-01T12:30:00.5 and an offset from UTC."""


def forms_of(name: str, formats: Mapping[str, str] | str | None) -> Forms:
    """Return the forms of a column's dates, given the option `date_format`.

    A format for all columns adds to the ISO forms, unless it may read these otherwise.
    """
    format = formats if formats is None or isinstance(formats, str) else formats.get(name)
    return ISO if format is None else _of_format(format, isinstance(formats, str))


@lru_cache(maxsize=256)
def _of_format(format: str, for_all: bool) -> Forms:
    more = _ISO if for_all and not format.startswith("%Y") else ()
    return Forms((pattern_of(format), *more))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _found(groups: Mapping[str, str | None]) -> Found | None:
    """Return the date that the parts of a cell are; None if there is no such day or time."""
    given = {name: text for name, text in groups.items() if text is not None}
    number = {name: int(text) for name, text in given.items() if text.isdigit() and name != "fraction"}
    year, month, hour = number.get("year"), number.get("month", 1), number.get("hour", 0)
    if "short" in number:
        year = number["short"] + (2000 if number["short"] < 69 else 1900)
    if "name" in given:
        name = given["name"].lower()[:3]
        month = MONTHS.index(name) + 1 if name in MONTHS else 0
    if "half" in number:
        hour = number["half"] % 12 + 12 * (given["noon"].lower() == "pm") if 1 <= number["half"] <= 12 else 24
    fraction = int(given.get("fraction", "")[:6].ljust(6, "0"))
    try:
        day = datetime(year or 0, month, number.get("day", 1))
        clock = time(hour, number.get("minute", 0), number.get("second", 0), fraction)
    except ValueError:
        return None
    when = datetime.combine(day, clock)
    micros = (when - _EPOCH) // _MICROSECOND
    if "offset" not in given:
        return Found(micros, "date")
    digits = re.sub("[^0-9]", "", given["offset"]).ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        return None
    minutes = (60 * hours + minutes) * (-1 if given["offset"].startswith("-") else 1)
    return Found(micros - 60 * minutes * SECOND, "moment")


def fitting(cell: str) -> list[str]:
    """Return the formats that a date may have which has none of the ISO forms, as far as they are common.

    Examples
    --------
    >>> fitting("01/03/2024"), fitting("31.12.99 10:30")
    (['%d/%m/%Y', '%m/%d/%Y'], ['%d.%m.%y %H:%M'])
    """
    clock = _AT_CLOCK.search(cell)
    days = cell[: clock.start()] if clock else cell
    known = [format for format in _DAYS if Forms((pattern_of(format),)).find(days)]
    joined = [day + time for day in known for time in (_TIMES if clock else [""])]
    return [format for format in joined if Forms((pattern_of(format),)).find(cell)]


def of_cell(cell: Any, forms: Forms = ISO) -> Found | None:
    """Return the date that a cell of any type is; None if it is not a date.

    Examples
    --------
    >>> of_cell(date(1970, 1, 2)), of_cell("1970-01-01T00:00+01:00"), of_cell(3.0)
    (Found(micros=86400000000, kind='date'), Found(micros=-3600000000, kind='moment'), None)
    """
    if isinstance(cell, str):
        return forms.find(cell.strip())
    if isinstance(cell, np.datetime64):
        return None if np.isnat(cell) else Found(int(cell.astype("datetime64[us]").astype(np.int64)), "date")
    if isinstance(cell, datetime):
        offset = cell.utcoffset()
        when = datetime.combine(cell.date(), cell.time())  # of pandas' too, without its nanoseconds
        if offset is None:
            return Found((when - _EPOCH) // _MICROSECOND, "date")
        return Found((when - _EPOCH - offset) // _MICROSECOND, "moment")
    if isinstance(cell, date):
        return Found((cell.toordinal() - _EPOCH.toordinal()) * DAY, "date")
    return None


def days_of_cell(cell: Any) -> float | None:
    """Return the days since 1970-01-01 00:00 UTC of one cell; None if it is neither a date nor ISO text."""
    found = of_cell(cell)
    return None if found is None else found.micros / DAY
