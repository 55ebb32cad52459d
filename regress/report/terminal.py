"""Results as a terminal shows them: text in styles, and confidence intervals as bars."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Literal, NamedTuple
from unicodedata import east_asian_width

from regress.fit_record import Coefficient, FitRecord, Outcome
from regress.messages import aligned
from regress.report import summary
from regress.solvers.status import Status

_LEFT, _LINE, _DOT, _RIGHT, _ZERO, _CROSS = BARS = ("├", "─", "●", "┤", "│", "┼")  # what bars are made of
_WIDEST, _NARROWEST = 40, 16  # of a bar
_FAR_BELOW = 0.1  # R² on held-out rows below that on training rows

Style = Literal["", "strong", "dim", "warning", "good", "bad"]


class Span(NamedTuple):
    """A part of a line in one style. What a table said is in it as it is: who writes it makes it visible."""

    text: str
    style: Style = ""


Line = Sequence[Span]


def fit_lines(record: FitRecord, vif: bool, width: int) -> list[Line]:
    """Return a fit as `summary` shows it, in styles, with bars where a terminal has the width for them."""
    title, *used = summary.fitted(record)
    own, held = summary.shares(record)
    lines: list[Line] = [[Span(title, "strong")], *_all(used)]
    lines.append([Span(own, "strong"), Span(held, "warning" if far_below(record.outcome) else "strong")])
    lines += [[Span(text, _of_quality(text))] for text in summary.quality(record)]
    lines += [[Span(text, "dim" if _well(text, record) else "warning")] for text in summary.ended(record)]
    lines += [[], *_table(record, vif, width)]
    head, tests = summary.term_table(record)
    for more in (_headed(aligned(head, tests)) if tests else [], _all(summary.read_as(record), "dim"), _notes(record)):
        lines += [[], *more] if more else []
    return lines


def far_below(outcome: Outcome) -> bool:
    """Tell whether R² on rows that are not trained on is negative, or far below that of the training rows."""
    if outcome.r2_test is None:
        return False
    return outcome.r2_test < 0.0 or (outcome.r2 is not None and outcome.r2_test < outcome.r2 - _FAR_BELOW)


def judged(lines: Sequence[str], verdict: int, good: bool) -> list[Line]:
    """Return lines of text with the verdict, one of them, in its color."""
    styled = _all(lines)
    styled[verdict] = [Span(lines[verdict], "good" if good else "bad")]
    return styled


def _all(lines: Sequence[str], style: Style = "") -> list[Line]:
    return [[Span(text, style)] for text in lines]


def _headed(lines: Sequence[str]) -> list[Line]:
    return [*_all(lines[:1], "dim"), *_all(lines[1:])]


def _of_quality(text: str) -> Style:
    if text.startswith("No standard errors"):
        return "warning"
    return "" if text.startswith(("Residual standard error", "Scale of", "R²")) else "dim"


def _well(text: str, record: FitRecord) -> bool:
    """Tell whether a line on how a fit was computed reports nothing to look at."""
    asked = Status(record.trained.status).as_asked
    return not text.startswith("Not verified") and (asked or text.startswith(record.trained.objective))


def _notes(record: FitRecord) -> list[Line]:
    parts = [text.partition(":") for text in summary.notes(record)]
    return [[Span(head + colon, "warning"), Span(rest)] for head, colon, rest in parts]


def _table(record: FitRecord, vif: bool, width: int) -> list[Line]:
    """Return the table of coefficients, with an axis of bars behind it where there is room."""
    head, rows = summary.coefficient_table(record, vif)
    first, *lines = summary.coefficient_lines(record, vif)
    headings = [not any(row[1:]) for row in rows]
    wide = max(len(line) for line, heading in zip([first, *lines], [False, *headings], strict=True) if not heading)
    doubled = max(sum(east_asian_width(letter) in "WF" for letter in line) for line in lines)  # of two cells each
    axis = _Axis.of(record, min(width - wide - doubled - 3, _WIDEST))
    of_lines = iter(record.coefficients)
    styled: list[Line] = [[Span(first, "dim")]]
    for row, line, heading in zip(rows, lines, headings, strict=True):
        interval = None if heading else _interval(next(of_lines))
        spans = [*_marked(line, row[-1] if head[-1] == summary.MARK else "")]
        if axis is not None and len(line) <= wide:
            spans.append(Span(f"{' ' * (wide - len(line))}  {axis.bar(interval)}"))
        styled.append(spans)
    return styled if axis is None else [*styled, [Span(axis.scale(record.trained.options.percent), "dim")]]


def _marked(line: str, mark: str) -> Iterator[Span]:
    """Yield a line of the table, its mark as a warning."""
    yield Span(line.removesuffix(mark))
    if mark:
        yield Span(mark, "warning")


def _interval(line: Coefficient) -> tuple[float, float, float] | None:
    """Return a standardized coefficient between the ends of its confidence interval."""
    if line.standardized is None or not line.coef or line.ci_low is None or line.ci_high is None:
        return None
    unit = line.standardized / line.coef
    ends = line.ci_low * unit, line.standardized, line.ci_high * unit
    return ends if all(map(isfinite, ends)) else None


class _Axis(NamedTuple):
    """An axis of some cells, from its low end to its high end; zero is on it."""

    low: float
    high: float
    cells: int

    @classmethod
    def of(cls, record: FitRecord, cells: int) -> "_Axis | None":
        """Return the axis of the intervals of a fit; None without intervals, or with too few cells."""
        known = [one for one in map(_interval, record.coefficients) if one is not None]
        low, high = min([0.0, *(one[0] for one in known)]), max([0.0, *(one[2] for one in known)])
        shown = record.trained.status == "converged" and high > low and cells >= _NARROWEST
        return cls(low, high, cells) if shown else None

    def scale(self, level: str) -> str:
        """Return what the bars show."""
        return f"Bars: standardized coefficients, {level} intervals, {self.low:.2g} to {self.high:.2g}; {_ZERO} is 0."

    def bar(self, interval: tuple[float, float, float] | None) -> str:
        """Draw an interval, and zero. An interval without zero does not touch it."""
        cells = [" "] * self.cells
        zero = self._cell(0.0)
        cells[zero] = _ZERO
        if interval is not None:
            low, middle, high = (self._beside(value, zero) for value in interval)
            if interval[0] <= 0.0 <= interval[2]:
                low, middle, high = map(self._cell, interval)
            cells[low : high + 1] = [_CROSS if at == zero else _LINE for at in range(low, high + 1)]
            cells[low], cells[high] = _LEFT, _RIGHT
            cells[middle] = _DOT
        return "".join(cells).rstrip()

    def _cell(self, value: float) -> int:
        return round((value - self.low) / (self.high - self.low) * (self.cells - 1))

    def _beside(self, value: float, zero: int) -> int:
        """Return the cell of a value, next to zero if that has the same one."""
        found = self._cell(value)
        return found if found != zero else max(zero - 1, 0) if value < 0.0 else min(zero + 1, self.cells - 1)
