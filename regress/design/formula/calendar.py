"""Parts of a date and waves over time: numbers are days since 1970-01-01, in UTC and the Gregorian calendar."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.numerics.elementary import cosine, sine

_HOUR = 3_600_000_000  # microseconds
_DAY = 24 * _HOUR
_LATEST = 1e8  # days: its microseconds are 64-bit integers

Microseconds = NDArray[np.int64]


def _years(time: Microseconds) -> NDArray[np.int64]:
    return _calendar(time, "Y") + 1970


def _months(time: Microseconds) -> NDArray[np.int64]:
    return _calendar(time, "M") % 12 + 1


def _quarters(time: Microseconds) -> NDArray[np.int64]:
    return (_months(time) + 2) // 3


def _weekdays(time: Microseconds) -> NDArray[np.int64]:
    return (time // _DAY + 3) % 7 + 1  # 1970-01-01 was a Thursday


def _days_of_year(time: Microseconds) -> NDArray[np.int64]:
    first = _calendar(time, "Y").astype("M8[Y]").astype("M8[D]").astype(np.int64)
    return time // _DAY - first + 1


def _hours(time: Microseconds) -> NDArray[np.int64]:
    return time % _DAY // _HOUR


PARTS: dict[str, Callable[[Microseconds], NDArray[np.int64]]] = {
    "year": _years,
    "quarter": _quarters,
    "month": _months,
    "weekday": _weekdays,
    "yday": _days_of_year,
    "hour": _hours,
}


def part_of(name: str, days: Array) -> Array:
    """Return a part of dates, of `PARTS`, rounded to the nearest microsecond before; NaN for NaN.

    Weekdays count from 1 (Monday) to 7 (Sunday), as in ISO 8601; days of the year from 1; hours from 0 to 23.

    Examples
    --------
    >>> part_of("weekday", np.array([0.0])).tolist()  # 1970-01-01
    [4.0]
    """
    known = np.abs(days) < _LATEST
    time = np.rint(np.where(known, days, 0.0) * _DAY).astype(np.int64)
    return np.where(known, PARTS[name](time), np.nan)


def waves(time: Array, period: float, k: int) -> Array:
    """Return sin(2πjt/period) and cos(2πjt/period) for j = 1 … k in turn (2k, rows)."""
    turn = np.fmod(time, period) / period  # the remainder is exact
    return np.array([wave(j * turn) for j in range(1, k + 1) for wave in (sine, cosine)])


def _calendar(time: Microseconds, unit: str) -> NDArray[np.int64]:
    """Return years or months since 1970."""
    return time.view("M8[us]").astype(f"M8[{unit}]").astype(np.int64)
