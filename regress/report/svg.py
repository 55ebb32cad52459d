"""Charts as SVG: text stays text, colors come from the page's style, and all of it is escaped."""

from collections.abc import Iterable, Sequence
from math import log10
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from regress.messages import shortened, visible
from regress.report.charts import SHADES, Chart, Mark, label, offset, shades, ticks

_WIDTH, _HEIGHT, _ROW = 400, 280, 19  # of a chart, and of a name on an axis
_NAME, _SPACE = 32, 206.0  # characters of a name, and the room that it has
_SMALL, _DOT, _LARGEST = 2.0, 3.0, 7.0  # radii
_FAR = 1e5  # outside of every drawing


def svg(chart: Chart) -> Markup:
    """Draw a chart."""
    return _Drawing(chart).markup()


class _Drawing:
    """Where things are: the chart's values along x and y, and the box of its plot in units of the drawing."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        names = [_name(name) for name in chart.y.names]
        self.x_span, self.y_span = chart.span("x"), chart.span("y")
        self.y_ticks = [] if names else ticks(self.y_span, 6, chart.y)
        self.legend = [mark for mark in chart.marks if mark.label]
        wide = max(map(_width, [*names, *(text for _, text in self.y_ticks)]), default=8.0)
        self.left = 8.0 + wide + (16.0 if chart.y.label else 0.0)
        last = ticks(self.x_span, 6, chart.x)[-1:]
        self.right = _WIDTH - max(12.0, *(_width(text) / 2.0 + 2.0 for _, text in last))
        self.top = 24.0 if self.legend else 10.0
        self.x_label = label(chart.x, offset(self.x_span, chart.x))
        self.y_label = label(chart.y, offset(self.y_span, chart.y))
        self.height = self.top + 40.0 + _ROW * len(names) if names else _HEIGHT
        self.bottom = self.height - 40.0
        self.names = names
        longest = max((_width(text) for _, text in ticks(self.x_span, 6, chart.x)), default=8.0)
        fit = int((self.right - self.left) / (longest + 14.0))
        self.x_ticks = ticks(self.x_span, max(min(6, fit), 1), chart.x)

    def at_x(self, value: float) -> float:
        low, high = self.x_span
        part = (_of(value, self.chart.x.log) - low) / (high - low)
        return _near(self.left + part * (self.right - self.left))

    def at_y(self, value: float) -> float:
        low, high = self.y_span
        part = (_of(value, self.chart.y.log) - low) / (high - low)
        part = part if self.names else 1.0 - part
        return _near(self.top + part * (self.bottom - self.top))

    def markup(self) -> Markup:
        chart, name = self.chart, self.chart.name
        box = f'x="{self.left:.1f}" y="{self.top:.1f}" width="{self.right - self.left:.1f}" '
        box += f'height="{self.bottom - self.top:.1f}"'
        inside = "".join(self._mark(mark) for mark in chart.marks)
        if chart.view is not None:  # curves may leave it
            clip = f'<clipPath id="{name}-clip"><rect {box}/></clipPath>'
            inside = f'{clip}<g clip-path="url(#{name}-clip)">{inside}</g>'
        return Markup(
            f'<svg viewBox="0 0 {_WIDTH} {self.height:.0f}" role="img" aria-labelledby="{name}-title {name}-alt">'
            f'<title id="{name}-title">{_safe(chart.title)}</title><desc id="{name}-alt">{_safe(chart.alt)}</desc>'
            f"{self._axes()}{inside}{self._legend()}</svg>"
        )

    def _axes(self) -> str:
        parts = []
        low, high = self.top, self.bottom
        for value, text in self.x_ticks:
            x = self.left + (value - self.x_span[0]) / (self.x_span[1] - self.x_span[0]) * (self.right - self.left)
            parts.append(f'<path class="grid" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
            parts.append(_text(x, high + 14, text, "middle"))
        for value, text in self.y_ticks:
            part = (value - self.y_span[0]) / (self.y_span[1] - self.y_span[0])
            y = high - part * (high - low)
            parts.append(f'<path class="grid" d="M{self.left:.1f} {y:.1f}H{self.right:.1f}"/>')
            parts.append(_text(self.left - 5, y + 3.5, text, "end"))
        for place, (name, shown) in enumerate(zip(self.chart.y.names, self.names, strict=True)):
            parts.append(_text(self.left - 5, self.at_y(place) + 3.5, shown, "end", name if shown != name else ""))
        if self.x_span[0] < 0.0 < self.x_span[1] and not self.chart.x.log:
            parts.append(f'<path class="axis" d="M{self.at_x(0.0):.1f} {low:.1f}V{high:.1f}"/>')
        half = _width(self.x_label) / 2
        middle = min((self.left + self.right) / 2, _WIDTH - half)
        parts.append(_text(middle, self.height - 6, self.x_label, "middle"))
        if self.chart.y.label:
            y = (low + high) / 2
            turned = f'transform="rotate(-90 11 {y:.1f})" x="11" y="{y:.1f}" text-anchor="middle"'
            parts.append(f"<text {turned}>{_safe(self.y_label)}</text>")
        return "".join(parts)

    def _legend(self) -> str:
        wide = sum(30 + _width(mark.label) for mark in self.legend)
        parts, x = [], max(min(self.left, _WIDTH - wide), 4.0)
        for mark in self.legend:
            y = self.top - 11
            if mark.kind == "line":
                dashed = " dashed" if mark.dashed else ""
                parts.append(f'<path class="line {mark.role}{dashed}" d="M{x:.1f} {y:.1f}h14"/>')
            else:
                parts.append(f'<circle class="dots {mark.role}" cx="{x + 7:.1f}" cy="{y:.1f}" r="4"/>')
            parts.append(_text(x + 18, y + 3.5, mark.label, "start"))
            x += 30 + _width(mark.label)
        return "".join(parts)

    def _mark(self, mark: Mark) -> str:
        if mark.kind == "line":
            steps = " ".join(f"{self.at_x(x):.1f},{self.at_y(y):.1f}" for x, y in zip(mark.x, mark.y, strict=True))
            dashed = " dashed" if mark.dashed else ""
            return f'<polyline class="line {mark.role}{dashed}" points="{steps}"/>'
        if mark.kind == "spans":
            lines = "".join(
                f"M{self.at_x(low):.1f} {self.at_y(y):.1f}H{self.at_x(high):.1f}"
                for low, high, y in zip(mark.low, mark.high, mark.y, strict=True)
            )
            return f'<path class="line {mark.role}" d="{lines}"/>'
        if mark.kind == "band":
            edges = [*zip(mark.x, mark.low, strict=True), *zip(mark.x[::-1], mark.high[::-1], strict=True)]
            steps = "L".join(f"{self.at_x(x):.1f} {self.at_y(y):.1f}" for x, y in edges)
            return f'<path class="band {mark.role}" d="M{steps}z"/>'
        if mark.kind == "bars":
            zero, half = self.at_x(0.0), _ROW * 0.32
            bars = "".join(
                f"M{zero:.1f} {self.at_y(y) - half:.1f}H{self.at_x(x):.1f}v{2 * half:.1f}H{zero:.1f}z"
                for x, y in zip(mark.x, mark.y, strict=True)
            )
            return f'<path class="bars {mark.role}" d="{bars}"/>'
        return self._hexagons(mark) if mark.kind == "hexagons" else self._dots(mark)

    def _hexagons(self, mark: Mark) -> str:
        """Draw hexagons with a corner on top, those of one shade as one path."""
        half = mark.cell[0] / 2.0 * (self.right - self.left) / (self.x_span[1] - self.x_span[0])
        high = mark.cell[1] / 2.0 * (self.bottom - self.top) / (self.y_span[1] - self.y_span[0])
        a, b = f"{half:.1f}", f"{high / 2.0:.1f}"
        paths = [""] * SHADES
        for x, y, shade in zip(mark.x, mark.y, shades(mark.size), strict=True):
            top = f"M{self.at_x(x):.1f} {self.at_y(y) - high:.1f}"
            paths[shade] += f"{top}l{a} {b}v{high:.1f}l-{a} {b}l-{a} -{b}v-{high:.1f}z"
        drawn = [f'<path class="shade{k}" d="{path}"/>' for k, path in enumerate(paths) if path]
        return f'<g class="hexagons {mark.role}">{"".join(drawn)}</g>'

    def _dots(self, mark: Mark) -> str:
        if mark.frames:
            xs = " ".join(f"{self.at_x(x):.1f}" for x, _ in mark.frames)
            ys = " ".join(f"{self.at_y(y):.1f}" for _, y in mark.frames)
            (x, y), css = mark.frames[-1], f"dots walker {mark.role}"
            place = f'cx="{self.at_x(x):.1f}" cy="{self.at_y(y):.1f}" r="5"'
            return f'<circle class="{css}" {place} data-x="{xs}" data-y="{ys}"/>'
        most = max(mark.size, default=1.0)
        radii: Iterable[float] = [_SMALL if mark.small else _DOT] * len(mark.x)
        if len(mark.size):
            radii = [1.5 + (_LARGEST - 1.5) * (rows / most) ** 0.5 for rows in mark.size]
        dots: Sequence[str] = [
            f'<circle cx="{self.at_x(x):.1f}" cy="{self.at_y(y):.1f}" r="{r:.1f}"/>'
            for x, y, r in zip(mark.x, mark.y, radii, strict=True)
        ]
        many = " many" if len(mark.size) or mark.small else ""
        return f'<g class="dots {mark.role}{many}">{"".join(dots)}</g>'


def _width(text: str) -> float:
    """Return about how wide a text is: pages choose the font."""
    return sum(
        12.0 if east_asian_width(c) in "WF" else 9.5 if c in "mwMW@%&…−+=<>" or c.isupper() else 6.3 for c in text
    )


def _name(name: str) -> str:
    """Return a name as it fits beside its mark."""
    text, most = visible(name), _NAME
    while _width(shortened(text, most)) > _SPACE:
        most -= 1
    return shortened(text, most)


def _safe(text: str) -> Markup:
    return escape(visible(text))


def _near(place: float) -> float:
    return max(-_FAR, min(_FAR, place))


def _of(value: float, log: bool) -> float:
    return log10(value) if log else value


def _text(x: float, y: float, text: str, anchor: str, full: str = "") -> str:
    title = f"<title>{_safe(full)}</title>" if full else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{title}{_safe(text)}</text>'
