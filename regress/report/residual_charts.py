"""What is drawn of residuals: groups of rows, hexagons that count many rows, or single rows if these were asked for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.messages import setting, shortened
from regress.records import LEAST_LEVERAGE, MOST_POINTS
from regress.report.charts import Axis, Chart, Mark, View
from regress.term_records import PlaneName, Point, ResidualGroups


class _Rows(NamedTuple):
    """The rows in one chart: their marks, the ends of what they show, and what they are called."""

    marks: tuple[Mark, ...]
    x: tuple[float, float]
    y: tuple[float, float]
    said: str


def residuals(known: FitRecord) -> tuple[Chart, ...]:
    """Return actual against predicted, residuals against predicted, the normal Q-Q, and scale against location.

    Raises
    ------
    InputError
        If the model holds no residuals.
    """
    found = _of(known)
    predicted = Axis(f"predicted {shortened(known.trained.target, 24)}")
    return _actual(found, predicted), _fitted(found, predicted), _normal(found), _scale(found, predicted)


def further(known: FitRecord) -> tuple[Chart, ...]:
    """Return residuals against leverage and in the order of the rows, where these are known."""
    found = known.residuals
    if found is None:
        return ()
    known_ones = ((leverage, _in_plane(found, "leverage")), (order, bool(found.order)))
    return tuple(draw(known) for draw, there in known_ones if there)


def _of(known: FitRecord) -> ResidualGroups:
    if known.residuals is None:
        raise InputError(f"There are no residuals to draw. {known.residuals_missing}")
    return known.residuals


def how_drawn(found: ResidualGroups) -> str:
    """Say what the marks of the charts are, and how to see single rows if that is possible."""
    if found.points:
        return "Each dot is a row."
    if found.hexagons:
        return (
            "A darker hexagon holds more rows. Dots are means of 5 rows or more that lie outside. "
            f"Single rows are drawn of at most {MOST_POINTS:,}."
        )
    wish = f" To draw each row, use {setting('points', True)}." if found.rows <= MOST_POINTS else ""
    return f"Each dot is the mean of 5 rows or more. Its area shows their number.{wish}"


def _actual(found: ResidualGroups, predicted: Axis) -> Chart:
    _, x, residual, _, rows = zip(*found.groups, strict=True)
    shown = _rows(found, "actual", x, [a + b for a, b in zip(x, residual, strict=True)], rows)
    low, high = min(shown.x[0], shown.y[0]), max(shown.x[1], shown.y[1])
    return Chart(
        "actual",
        "Actual against predicted",
        alt=f"{shown.said} They lie about the line on which both are equal, from {low:.4g} to {high:.4g}.",
        x=predicted,
        y=Axis("actual"),
        marks=(*shown.marks, _equal(low, high)),
        caption="On the dashed line, predicted and actual values are equal.",
        view=View(shown.x, shown.y),
    )


def _fitted(found: ResidualGroups, predicted: Axis) -> Chart:
    part, x, residual, _, rows = zip(*found.groups, strict=True)
    mean, shown = trend(part, x, residual, rows), _rows(found, "fitted", x, residual, rows)
    return Chart(
        "fitted",
        "Residuals against predicted",
        alt=_course(shown, mean),
        x=predicted,
        y=Axis("actual − predicted"),
        marks=(*shown.marks, _zero(shown), *_mean(mean)),
        caption="The mean should be close to zero. A curve means that the relation is not linear.",
    )


def _normal(found: ResidualGroups) -> Chart:
    _, normal, z, _ = zip(*found.normal, strict=True)
    said = f"{len(z)} dots, each the mean of 5 rows or more in order."
    if found.points:
        from statistics import NormalDist

        z = tuple(sorted(point.z for point in found.points))
        normal = tuple(NormalDist().inv_cdf((k + 0.5) / len(z)) for k in range(len(z)))
        said = f"{len(z)} dots, one per row."
    return Chart(
        "normal",
        "Normal Q-Q",
        alt=f"{said} The lowest is at {z[0]:.2g} standard deviations; {normal[0]:.2g} is normal. The highest is at "
        f"{z[-1]:.2g}; {normal[-1]:.2g} is normal.",
        x=Axis("normal quantile"),
        y=Axis("residual / σ"),
        marks=(_equal(min(*normal, *z), max(*normal, *z)), Mark("dots", normal, z)),
        caption="Points on the dashed line: normal errors. Ends that bend away: heavy or light tails. This matters "
        "for p-values in small samples, not for the coefficients.",
        view=View((min(normal), max(normal)), (min(z), max(z))),
    )


def _scale(found: ResidualGroups, predicted: Axis) -> Chart:
    part, x, _, root, rows = zip(*found.groups, strict=True)
    mean, shown = trend(part, x, root, rows), _rows(found, "scale", x, root, rows)
    return Chart(
        "scale",
        "Scale against location",
        alt=_course(shown, mean),
        x=predicted,
        y=Axis("√|residual / σ|"),
        marks=(*shown.marks, *_mean(mean)),
        caption="The mean should be level. If it rises or falls, the spread of the residuals changes.",
    )


def leverage(known: FitRecord) -> Chart:
    """Return residuals against leverage: single rows or hexagons, as means would hide the few rows that matter.

    Raises
    ------
    InputError
        If the rows are not drawn one by one, and too few for hexagons; or leverages are unknown.
    """
    found = _of(known)
    if not _in_plane(found, "leverage"):
        raise InputError(
            "There are no leverages to draw. They are known for the squared error without a penalty, of up to 300 "
            f"columns. Up to {MOST_POINTS:,} rows are drawn with {setting('points', True)}."
        )
    shown = _rows(found, "leverage", (), (), ())
    return Chart(
        "leverage",
        "Residuals against leverage",
        alt=f"{shown.said} Leverages reach {shown.x[1]:.2g}.",
        x=Axis("leverage", log=True),
        y=Axis("residual / σ"),
        marks=(*shown.marks, _zero(shown)),
        caption="Leverage is the share of a row in its own prediction. Rows to the right with a large residual "
        "change the coefficients most.",
    )


def order(known: FitRecord) -> Chart:
    """Return residuals in the order of the rows.

    Raises
    ------
    InputError
        If the order is unknown, as it is of several files.
    """
    found = _of(known)
    if not found.order:
        raise InputError("The order of the rows is unknown: the table has several parts, or is known by sums alone.")
    mean = [(dot.x + 1.0, dot.y) for dot in found.order]
    x, y, rows = zip(*found.order, strict=True)
    shown = _rows(found, "order", x, y, rows)
    return Chart(
        "order",
        "Residuals in the order of the rows",
        alt=_course(shown, mean),
        x=Axis("row"),
        y=Axis("residual / σ"),
        marks=(*shown.marks, _zero(shown), *_mean(mean)),
        caption="The mean should be close to zero everywhere. Waves mean that neighboring rows are alike.",
    )


def _in_plane(found: ResidualGroups, plane: PlaneName) -> bool:
    """Tell whether rows, or hexagons of them, are known in a plane."""
    if found.points:
        return all(None not in _at(plane, point) for point in found.points)
    return any(each.plane == plane for each in found.hexagons)


def _at(plane: PlaneName, point: Point) -> tuple[float | None, float | None]:
    """Return where a row is in a plane."""
    if plane == "actual":
        return point.predicted, point.predicted + point.residual
    if plane == "fitted":
        return point.predicted, point.residual
    if plane == "scale":
        return point.predicted, abs(point.z) ** 0.5
    if plane == "leverage":
        return None if point.leverage is None else max(point.leverage, LEAST_LEVERAGE), point.z
    return None if point.place is None else point.place + 1.0, point.z


def _rows(
    found: ResidualGroups, plane: PlaneName, x: Sequence[float], y: Sequence[float], rows: Sequence[float]
) -> _Rows:
    """Return the rows in a plane: each, or hexagons, or else groups with these means and numbers of rows."""
    if found.points:
        at = [(a, b) for a, b in (_at(plane, point) for point in found.points) if a is not None and b is not None]
        x, y = zip(*at, strict=True)
        return _shown(f"{len(x):,} dots, one per row.", Mark("dots", x, y, small=True))
    for each in found.hexagons:
        if each.plane == plane:
            x, y, rows = zip(*each.cells, strict=True) if each.cells else ((), (), ())
            marks = [Mark("hexagons", _numbered(plane, x), y, size=rows, cell=(each.width, each.height))]
            if each.others:
                x, y, _ = zip(*each.others, strict=True)
                marks.append(Mark("dots", _numbered(plane, x), y, small=True))
            return _shown(f"{len(each.cells)} hexagons for {found.rows:,} rows.", *marks)
    said = f"{len(x)} dots for {found.rows:,} rows. Each is the mean of 5 or more, and its area shows their number."
    return _shown(said, Mark("dots", _numbered(plane, x), y, size=rows))


def _shown(said: str, *marks: Mark) -> _Rows:
    x, y = [v for mark in marks for v in mark.x], [v for mark in marks for v in mark.y]
    return _Rows(marks, (min(x), max(x)), (min(y), max(y)), said)


def _numbered(plane: PlaneName, x: Sequence[float]) -> Sequence[float]:
    """Return places along x; records are counted from 1."""
    return [v + 1.0 for v in x] if plane == "order" else x


def trend(
    part: Sequence[float], x: Sequence[float], y: Sequence[float], rows: Sequence[float]
) -> list[tuple[float, float]]:
    """Return means of x and y of the groups of each part, slice by slice."""
    table = np.array([part, x, y, rows], dtype=np.float64).T
    slices = [table[table[:, 0] == k] for k in np.unique(table[:, 0])]
    means = [np.average(t[:, 1:3], axis=0, weights=t[:, 3]) for t in slices]
    return [(float(a), float(b)) for a, b in means]


def _course(shown: _Rows, mean: list[tuple[float, float]]) -> str:
    """Describe the rows of a chart and their mean, for those who do not see it."""
    levels = [y for _, y in mean]
    return f"{shown.said} Their mean runs from {min(levels):.2g} to {max(levels):.2g}."


def _mean(points: list[tuple[float, float]]) -> tuple[Mark, ...]:
    x, y = [a for a, _ in points], [b for _, b in points]
    return (Mark("line", x, y, "second", "mean"),) if len(points) > 1 else ()


def _zero(shown: _Rows) -> Mark:
    return Mark("line", shown.x, (0.0, 0.0), "muted", dashed=True)


def _equal(low: float, high: float) -> Mark:
    return Mark("line", (low, high), (low, high), "muted", dashed=True)
