"""Charts as plain descriptions: what is drawn, not how. Pages draw them as SVG, `regress.plot` on matplotlib's axes."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, isfinite, log10
from typing import Literal, NamedTuple

_MOST_POINTS, _FEW_POINTS = 300, 30  # of a line
SHADES = 5  # of hexagons
_LEAST, _MOST = 1e-300, 1e307  # length of an axis that can be divided, and what ends of an axis can be subtracted

MarkKind = Literal["dots", "line", "spans", "bars", "band", "hexagons"]
Role = Literal["first", "second", "third", "muted"]


class Axis(NamedTuple):
    """One axis: its label with units, a log scale or not, or names of categories, the first on top.

    `most` is the end of the axis, where it has one, as for digits. If `whole`, the ticks are integers. `years` are
    written without separators.
    """

    label: str
    log: bool = False
    names: tuple[str, ...] = ()
    most: float | None = None
    whole: bool = False
    years: bool = False


class Mark(NamedTuple):
    """Something drawn at (x, y), (k,) each.

    Attributes
    ----------
    kind : {"dots", "line", "spans", "bars", "band", "hexagons"}
        Bars go from zero, and spans from `low` to `high`, along x; a band goes from `low` to `high` along y. Hexagons
        are darker the more rows they hold.
    x, y : sequences of float
        Where; y counts names from 0 on an axis that has them.
    role : {"first", "second", "third", "muted"}
        Decides the color.
    label : str
        For the legend; none if empty.
    size : sequence of float
        Rows of a dot, which give its area, or of a hexagon.
    cell : (float, float)
        Width and height of a hexagon, in decades along a logarithmic axis.
    small : bool
        Whether dots are small, as there are many.
    low, high : sequences of float
        Ends of spans, or edges of a band.
    dashed : bool
        Whether a line is.
    frames : sequence of (float, float)
        Where a dot that walks is at each step.
    """

    kind: MarkKind
    x: Sequence[float] = ()
    y: Sequence[float] = ()
    role: Role = "first"
    label: str = ""
    size: Sequence[float] = ()
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False
    frames: Sequence[tuple[float, float]] = ()
    cell: tuple[float, float] = (0.0, 0.0)
    small: bool = False


class View(NamedTuple):
    """What part of the plane is shown."""

    x: tuple[float, float]
    y: tuple[float, float]


class Chart(NamedTuple):
    """A titled pair of axes with marks on them.

    Attributes
    ----------
    name : str
        A word that identifies it on its page.
    title, alt, caption : str
        What it is; what it shows, for those who do not see it; and how to read it.
    x, y : Axis
        Its axes.
    marks : tuple of Mark
        Drawn in this order.
    view : View or None
        What to show, with some room about it; all marks unless given.
    """

    name: str
    title: str
    alt: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    caption: str = ""
    view: View | None = None

    def span(self, along: Literal["x", "y"]) -> tuple[float, float]:
        """Return the first and last value shown along an axis; logarithms on a log scale."""
        axis = self.x if along == "x" else self.y
        if axis.names:
            return -0.5, len(axis.names) - 0.5
        values = self.values(along) or [1.0 if axis.log else 0.0]
        low, high = min(values), max(values)
        if axis.log:
            first = floor(log10(low))
            return first, max(ceil(log10(high)), first + 1)
        if axis.most is not None:
            return min(low, 0.0), axis.most
        if high - low < _LEAST:
            room = 0.05 * (abs(low) if abs(low) > _LEAST else 1.0)
            low, high = low - room, high + room
        margin = 0.04 * (high - low)
        return low - margin, high + margin

    def values(self, along: Literal["x", "y"]) -> list[float]:
        """Return what is to be seen along an axis: the ends of the view, or all values of marks that can be drawn."""
        axis = self.x if along == "x" else self.y
        if self.view is not None:
            return [*(self.view.x if along == "x" else self.view.y)]
        values = [v for mark in self.marks for v in _values(mark, along, axis.log)]
        return [v for v in values if (isfinite(v) and v > 0 if axis.log else abs(v) <= _MOST)]


class Drawing(NamedTuple):
    """Charts, or why there are none."""

    charts: Sequence[Chart] = ()
    why: str = ""


def _values(mark: Mark, along: Literal["x", "y"], log: bool) -> Iterable[float]:
    if mark.kind == "band":
        return mark.x if along == "x" else [*mark.low, *mark.high]
    if mark.kind == "hexagons":
        middle, half = (mark.x if along == "x" else mark.y), mark.cell[along == "y"] / 2.0
        return middle if log else [v + s for v in middle for s in (-half, half)]
    if along == "y":
        return mark.y
    return [*mark.x, *mark.low, *mark.high, *([0.0] if mark.kind == "bars" else [])]


def shades(size: Sequence[float]) -> list[int]:
    """Return one of `SHADES` shades a hexagon, by the logarithm of its rows, the lightest first."""
    low, high = log10(min(size, default=1.0)), log10(max(size, default=1.0))
    span = max(high - low, 1e-9)
    return [min(int((log10(rows) - low) / span * SHADES), SHADES - 1) for rows in size]


def polyline(points: Sequence[tuple[float, ...]], role: Role = "first", label: str = "") -> tuple[Mark, ...]:
    """Return a line through points, thinned evenly where they are many; dots as well where they are few."""
    if len(points) > _MOST_POINTS:
        last = len(points) - 1
        points = [points[k * last // (_MOST_POINTS - 1)] for k in range(_MOST_POINTS)]
    x, y = [p[0] for p in points], [p[1] for p in points]
    dots = (Mark("dots", x, y, role),) if len(points) <= _FEW_POINTS else ()
    return (Mark("line", x, y, role, label), *dots)


def offset(span: tuple[float, float], axis: Axis) -> float:
    """Return what to take off the ticks of a span that is short and far from zero, so that they differ."""
    low, high = span
    if axis.log or axis.names or max(abs(low), abs(high)) < 1e4 * (high - low):
        return 0.0
    unit = 10.0 ** (floor(log10(high - low)) + 1)
    return floor(low / unit) * unit


def label(axis: Axis, base: float) -> str:
    """Return the label of an axis whose ticks are short of an offset."""
    return f"{axis.label} {'−' if base > 0 else '+'} {abs(base):,.15g}" if base else axis.label


def ticks(span: tuple[float, float], most: int, axis: Axis) -> list[tuple[float, str]]:
    """Return where the ticks of a span are, at most about so many, and their texts."""
    base = offset(span, axis)
    low, high = span[0] - base, span[1] - base
    if axis.log:
        powers = range(ceil(low), floor(high) + 1, max(ceil((high - low) / most), 1))
        return [(float(p), power_of_ten(p)) for p in powers]
    unit = 10.0 ** floor(log10((high - low) / most))
    step = next((f * unit for f in (1.0, 2.0, 5.0) if (high - low) / (f * unit) <= most), 10.0 * unit)
    step = max(step, 1.0) if axis.whole else step
    places = [k * step for k in range(ceil(low / step), floor(high / step) + 1)]
    size = max((abs(v) for v in places), default=0.0)
    digits = max(floor(log10(size)) - floor(log10(step)) if size else 0, 0)
    if size and not 1e-4 <= size < 1e6:
        texts = [f"{v:.{digits}e}".replace("e+0", "e").replace("e-0", "e-") if v else "0" for v in places]
    else:
        separator = "" if axis.years else ","
        texts = [f"{v:{separator}.{max(-floor(log10(step)), 0)}f}" for v in places]
    return [(v + base, text.replace("-", "−")) for v, text in zip(places, texts, strict=True)]


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(power: int) -> str:
    """Write 10 to a power."""
    return f"10{str(power).translate(_RAISED)}" if power else "1"


def finite(*columns: Sequence[float | None]) -> list[tuple[float, ...]]:
    """Return the rows of some columns in which all values are finite numbers."""
    rows = zip(*columns, strict=True)
    return [tuple(v for v in row if v is not None) for row in rows if all(v is not None and isfinite(v) for v in row)]
