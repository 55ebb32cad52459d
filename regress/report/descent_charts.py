"""What is drawn of the descent: the loss over two coefficients, the paths that methods take, and how fast they are."""

from typing import NamedTuple

import numpy as np

from regress.messages import shortened
from regress.records import ROUNDING, STEPS, DescentPath, Descents
from regress.report.charts import Axis, Chart, Mark, Role, View, polyline

_ROLES: tuple[Role, ...] = ("first", "second", "third")


class DescentDrawing(NamedTuple):
    """Where the descents go and how fast, and what to say at each step that the slider stops at."""

    chart: Chart
    loss: Chart
    told: list[str]


def descent(found: Descents, names: tuple[str, str]) -> DescentDrawing:
    """Return the contours of L over two coefficients with the paths of three methods, and their loss by step."""
    last = max(len(path.excess) for path in found.paths) - 1
    steps = sorted({*range(min(last, 10) + 1), *np.geomspace(1, max(last, 1), 40).astype(int).tolist(), last})
    marks = [*_contours(found)]
    for role, path in zip(_ROLES, found.paths, strict=True):
        at_steps = path.points[[min(k, len(path.points) - 1) for k in steps]].tolist()
        frames = [(a, b) for a, b in at_steps]
        x, y = path.points.T.tolist()
        dashed = role == "second"  # it mostly lies on the first
        marks.append(Mark("line", x, y, role, path.method, dashed=dashed))
        marks.append(Mark("dots", [frames[-1][0]], [frames[-1][1]], role, frames=frames))
    marks.append(Mark("dots", [float(found.minimum[0])], [float(found.minimum[1])], "muted", "minimum"))
    first, second = (shortened(name, 24) for name in names)
    ends = "; ".join(f"{p.method} {_after(p)}" for p in found.paths)
    chart = Chart(
        "descent-map",
        "Where the descents go",
        alt=f"Contours of the loss over the coefficients of {first} and {second}, and three paths from zero: {ends}.",
        x=Axis(f"coefficient of {first}"),
        y=Axis(f"coefficient of {second}"),
        marks=tuple(marks),
        caption="The loss above the minimum is four times as large at each contour as at the next one inside. All "
        "other coefficients are optimal at each point.",
        view=_view(found),
    )
    lines = [polyline(_outcome(p), role, p.method) for role, p in zip(_ROLES, found.paths, strict=True)]
    loss = Chart(
        "descent-loss",
        "How fast they arrive",
        alt=f"Loss above the minimum by step: {ends}.",
        x=Axis("step", whole=True),
        y=Axis("L − min L", log=True),
        marks=tuple(mark for drawn in lines for mark in drawn),
        caption=f"At most {STEPS} steps, in standardized columns. Each method uses its default step. "
        "A line that ends at the bottom has converged: the remainder is rounding.",
    )
    told = [
        f"Step {k}. Loss above the minimum: " + ", ".join(f"{p.method} {_at(p, k)}" for p in found.paths) for k in steps
    ]
    return DescentDrawing(chart, loss, told)


def _after(path: DescentPath) -> str:
    count = len(path.excess) - 1
    after = f"after {count:,} step{'s' * (count != 1)}"
    return f"arrives at the minimum {after}" if path.arrived else f"is {path.excess[-1]:.2g} above it {after}"


def _at(path: DescentPath, step: int) -> str:
    if path.arrived and step >= len(path.excess) - 1:
        return "only rounding"
    return f"{path.excess[min(step, len(path.excess) - 1)]:.3g}".replace("-", "−")


def _outcome(path: DescentPath) -> list[tuple[float, float]]:
    """Return the loss above the minimum by step, down to where it is rounding."""
    floor = ROUNDING * path.excess[0]
    return [(float(k), max(e, floor)) for k, e in enumerate(path.excess.tolist()) if max(e, floor) > 0]


def _contours(found: Descents) -> list[Mark]:
    most = max(float(path.excess[0]) for path in found.paths)
    if not most > 0:
        return []
    curves = [found.contour(most * 4.0**-k) for k in range(7)]
    return [Mark("line", curve[:, 0].tolist(), curve[:, 1].tolist(), "muted") for curve in curves]


def _view(found: Descents) -> View:
    """Return what holds all paths, with some room about them."""
    points = np.concatenate([*(path.points for path in found.paths), found.minimum[None, :]])
    low, high = points.min(0), points.max(0)
    room = np.where(high > low, 0.15 * (high - low), np.maximum(np.abs(high), 1.0) * 0.1)
    ends = list(zip((low - room).tolist(), (high + room).tolist(), strict=True))
    return View(ends[0], ends[1])
