"""Confidence intervals as small drawings, one a row of a table: standardized coefficients on one axis."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import NamedTuple

from markupsafe import Markup

from regress.fit_record import Coefficient
from regress.report.charts import Axis, ticks

_WIDE, _HIGH, _ROOM = 200, 20, 14.0  # of a drawing, and the room at its sides
_LETTER = 6.5  # width of a digit of a tick


class Interval(NamedTuple):
    """A standardized coefficient, and the ends of its confidence interval, if known."""

    at: float
    low: float | None = None
    high: float | None = None


class Drawings(NamedTuple):
    """A drawing for each row, empty where it has no coefficient, and the axis that they have in common."""

    rows: list[Markup]
    axis: Markup


def of_rows(lines: Sequence[Coefficient], with_ends: bool) -> Drawings:
    """Draw the standardized coefficients of some rows, if asked with their intervals."""
    found = [_standardized(line, with_ends) for line in lines]
    ends = [0.0, *(v for each in found if each for v in each if v is not None)]
    low, high = min(ends), max(ends)
    if not isfinite(high - low) or high - low < 1e-300:
        low, high = -1.0, 1.0

    def at(value: float) -> float:
        place = _ROOM + (value - low) / (high - low) * (_WIDE - 2 * _ROOM)
        return round(max(-_ROOM, min(_WIDE + _ROOM, place)), 1)

    return Drawings([_row(each, at) for each in found], _axis((low, high), at))


def _standardized(line: Coefficient, with_ends: bool) -> Interval | None:
    if line.standardized is None or line.status == "dropped":
        return None
    if not with_ends or not line.coef or line.ci_low is None or line.ci_high is None:
        return Interval(line.standardized)
    unit = line.standardized / line.coef
    return Interval(line.standardized, line.ci_low * unit, line.ci_high * unit)


def _row(each: Interval | None, at: Callable[[float], float]) -> Markup:
    """Draw the line of zero, an interval with its ends, and the coefficient."""
    if each is None:
        return Markup("")
    middle = _HIGH / 2
    lines = f'<path class="zero" d="M{at(0.0)} -4V{_HIGH + 4}"/>'
    if each.low is not None and each.high is not None:
        low, high = at(each.low), at(each.high)
        ends = f"M{low} {middle - 3}v6M{high} {middle - 3}v6"
        lines += f'<path class="line first" d="M{low} {middle}H{high}{ends}"/>'
    dot = f'<circle class="dots first" cx="{at(each.at)}" cy="{middle}" r="3.2"/>'
    return Markup(f'<svg viewBox="0 0 {_WIDE} {_HIGH}" aria-hidden="true">{lines}{dot}</svg>')


def _axis(span: tuple[float, float], at: Callable[[float], float]) -> Markup:
    """Write the ticks of the axis."""
    marks, free = "", 0.0
    for value, text in ticks(span, 4, Axis("")):
        half = len(text) * _LETTER / 2
        if at(value) - half < free or at(value) + half > _WIDE:
            continue
        free = at(value) + half + _LETTER
        marks += f'<path class="axis" d="M{at(value)} 0v4"/>'
        marks += f'<text x="{at(value)}" y="15" text-anchor="middle">{text}</text>'
    return Markup(f'<svg viewBox="0 0 {_WIDE} {_HIGH}" aria-hidden="true">{marks}</svg>')
