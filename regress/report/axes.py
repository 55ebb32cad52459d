"""Charts on matplotlib's axes. Owner of matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from regress.errors import INSTALL_PLOT, InputError, MissingDependencyError
from regress.messages import visible
from regress.report.charts import SHADES, Chart, Mark, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_COLORS = {"first": "C0", "second": "C1", "third": "C2", "muted": "0.5"}
_WIDE, _HIGH, _NAME = 5.0, 3.8, 0.28  # inches of a chart, and of a name on its axis


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """A figure that was drawn, and its axes.

    Attributes
    ----------
    axes_ : tuple of matplotlib Axes
        One per chart.
    figure_ : matplotlib Figure or SubFigure
        The figure that holds them.

    Examples
    --------
    >>> import regress
    >>> fit = regress.fit("data/diabetes.csv", "progression")
    >>> shown = regress.plot.coefficients(fit)
    >>> shown.figure_.savefig("coefficients.svg")
    >>> shown.ax_ is shown.axes_[0]
    True
    """

    axes_: "tuple[Axes, ...]"
    figure_: "Figure | SubFigure"

    @property
    def ax_(self) -> "Axes":
        """The first of the axes."""
        return self.axes_[0]


def draw(charts: Sequence[Chart], ax: Any) -> Display:
    """Draw charts on the axes given, or on a figure of its own."""
    axes = _axes(charts, ax)
    for chart, each in zip(charts, axes, strict=True):
        _draw(chart, each)
    return Display(tuple(axes), axes[0].figure)


def _axes(charts: Sequence[Chart], ax: Any) -> "list[Axes]":
    """Return one Axes a chart: those given, parts of the one given, or those of a new figure."""
    try:
        from matplotlib import pyplot
        from matplotlib.axes import Axes
    except ImportError:
        raise MissingDependencyError(
            f"regress.plot needs matplotlib, which is not installed. Install it with: {INSTALL_PLOT}"
        ) from None
    count = len(charts)
    columns = 2 if count == 4 else min(count, 3)
    rows = ceil(count / columns)
    if ax is None:
        high = max(_HIGH, *(1.2 + _NAME * len(chart.y.names) for chart in charts))
        figure: Any = pyplot.figure(figsize=(_WIDE * columns, high * rows), layout="constrained")
        grid: Any = figure.add_gridspec(rows, columns)
    elif isinstance(ax, Axes) and count > 1:
        place = ax.get_subplotspec()
        if place is None:
            raise InputError(f"{count} charts are drawn. Pass {count} axes, or one that stands in a grid.")
        ax.set_axis_off()
        figure, grid = ax.figure, place.subgridspec(rows, columns, wspace=0.4, hspace=0.5)
    else:
        given = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != count or not all(isinstance(each, Axes) for each in given):
            kinds = ", ".join(sorted({type(each).__name__ for each in given})) or "nothing"
            raise InputError(f"ax must be {count} of matplotlib's Axes; got {len(given)} ({kinds}).")
        return given
    return [figure.add_subplot(grid[k // columns, k % columns]) for k in range(count)]


def _draw(chart: Chart, ax: "Axes") -> None:
    """Draw a chart. What a table said is text, whatever dollars are in it."""
    from matplotlib.ticker import MaxNLocator

    for mark in chart.marks:
        _mark(mark, ax, chart.x.log)
    ax.set_title(chart.title, parse_math=False)
    ax.set_xlabel(visible(chart.x.label), parse_math=False)
    ax.set_ylabel(visible(chart.y.label), parse_math=False)
    ax.set_xscale("log" if chart.x.log else "linear")
    ax.set_yscale("log" if chart.y.log else "linear")
    if chart.x.whole:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chart.view is not None:
        ax.set_xlim(*chart.span("x"))
        ax.set_ylim(*chart.span("y"))
    if chart.x.log and not chart.values("x"):  # nothing to draw: matplotlib has no limits of its own
        ax.set_xlim(*(10.0**v for v in chart.span("x")))
    if chart.y.log and not chart.values("y"):
        ax.set_ylim(*(10.0**v for v in chart.span("y")))
    if chart.y.names:
        ax.set_yticks(range(len(chart.y.names)), labels=[visible(name) for name in chart.y.names])
        for label in ax.get_yticklabels():
            label.set_parse_math(False)
        ax.set_ylim(len(chart.y.names) - 0.5, -0.5)
    if any(mark.label for mark in chart.marks):
        ax.legend()


def _mark(mark: Mark, ax: "Axes", log: bool) -> None:
    color, label = _COLORS[mark.role], mark.label or "_"  # matplotlib leaves labels that begin so out of legends
    if mark.kind == "line":
        ax.plot(mark.x, mark.y, color=color, label=label, linestyle="--" if mark.dashed else "-", linewidth=1.3)
    elif mark.kind == "spans":
        ax.hlines(mark.y, mark.low, mark.high, color=color, label=label)
    elif mark.kind == "band":
        ax.fill_between(mark.x, mark.low, mark.high, color=color, label=label, alpha=0.2, linewidth=0)
    elif mark.kind == "bars":
        ax.barh(mark.y, mark.x, color=color, label=label, height=0.64)
    elif mark.kind == "hexagons":
        _hexagons(mark, ax, log)
    else:
        most = max(mark.size, default=1.0)
        size: Any = [10.0 + 60.0 * rows / most for rows in mark.size] if len(mark.size) else 24.0
        size = 8.0 if mark.small else size
        alpha = 0.55 if len(mark.size) or mark.small else 1.0
        ax.scatter(mark.x, mark.y, s=size, color=color, label=label, alpha=alpha, linewidths=0, zorder=3)


def _hexagons(mark: Mark, ax: "Axes", log: bool) -> None:
    """Draw hexagons with a corner on top, darker where they hold more rows; x may be on a logarithmic axis."""
    from matplotlib.collections import PolyCollection

    half, high = mark.cell[0] / 2.0, mark.cell[1] / 2.0
    corners = [
        (0.0, high),
        (half, high / 2.0),
        (half, -high / 2.0),
        (0.0, -high),
        (-half, -high / 2.0),
        (-half, high / 2.0),
    ]
    shapes = [[(x * 10.0**a if log else x + a, y + b) for a, b in corners] for x, y in zip(mark.x, mark.y, strict=True)]
    darkness = [(1.0 + shade) / SHADES for shade in shades(mark.size)]
    ax.add_collection(PolyCollection(shapes, facecolors=_COLORS[mark.role], alpha=darkness, linewidths=0))
    ax.autoscale_view()
