"""What is drawn of a fit: charts from its record."""

from collections.abc import Sequence

import numpy as np

from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.messages import shortened
from regress.records import ROUNDING
from regress.report.charts import Axis, Chart, Mark, View, finite, polyline

_MOST_BARS = 25  # coefficients drawn
_ALL_DIGITS = 16.0
DIRECT = "Solved directly in exact arithmetic."


def coefficients(known: FitRecord) -> Chart:
    """Return standardized coefficients, the largest first, with their confidence intervals."""
    sized = [(line, line.standardized) for line in known.columns if line.standardized is not None]
    sized = sorted(sized, key=lambda pair: -abs(pair[1]))[:_MOST_BARS]
    places = list(range(len(sized)))
    spans = []
    for place, (line, beta) in enumerate(sized):
        if line.coef and line.ci_low is not None and line.ci_high is not None:
            unit = beta / line.coef
            spans.append((float(place), line.ci_low * unit, line.ci_high * unit))
    y, low, high = zip(*spans, strict=True) if spans else ((), (), ())
    n = len(known.columns)
    which = f"the {len(sized)} largest of {n:,}" if n > len(sized) else f"all {n}"
    level = known.trained.options.percent
    top = f"The largest is {sized[0][1]:.3g}, of {sized[0][0].name}." if sized else ""
    return Chart(
        "betas",
        "Standardized coefficients",
        alt=f"A dot a coefficient, {which}, with its {level} interval as a line. {top} The table below has all "
        f"figures.",
        x=Axis("sd of the target for one sd of the column"),
        y=Axis("", names=tuple(line.name for line, _ in sized)),
        marks=(
            Mark("line", (0.0, 0.0), (-0.5, len(sized) - 0.5), "muted"),
            Mark("spans", y=y, low=low, high=high),
            Mark("dots", [beta for _, beta in sized], places),
        ),
        caption="How much the target moves, in its standard deviations, when a column moves by one of its own and "
        "the others "
        "hold still. "
        + ("An interval that crosses zero leaves the sign open." if spans else "There are no intervals.")
        + ("" if known.arrived else " Training did not arrive: both are about another point than the minimum."),
    )


def digits(known: FitRecord) -> Chart:
    """Return the digits of each coefficient that are right, the fewest first.

    Raises
    ------
    InputError
        If they are unknown.
    """
    found = [(line.name, line.digits) for line in known.coefficients if line.digits is not None]
    if known.digits is None:
        raise InputError("How many digits float64 leaves is unknown here; `regress certify` tells.")
    return bars_of_digits(found, "Digits right" + ("" if known.certificate else ", at least"))


def bars_of_digits(digits: list[tuple[str, float]], title: str = "Digits right") -> Chart:
    """Return bars of digits, the fewest first."""
    worst = sorted(digits, key=lambda pair: pair[1])[:_MOST_BARS]
    return Chart(
        "digits",
        title,
        alt=f"A bar a coefficient, the fewest digits first: from {min((d for _, d in digits), default=0.0):.1f} of "
        f"15.9.",
        x=Axis("decimal digits, of the 15.9 that a float64 holds", most=_ALL_DIGITS),
        y=Axis("", names=tuple(name for name, _ in worst)),
        marks=(Mark("bars", [d for _, d in worst], list(range(len(worst)))),),
        caption="How many decimal digits each coefficient shares with the exact answer, the fewest first.",
    )


def convergence(known: FitRecord, lowest: float | None) -> tuple[Chart, Chart]:
    """Return the loss above its minimum, where that is known, and ‖∇L‖, before each step.

    Raises
    ------
    InputError
        If nothing was descended: the solution is exact, or the descent began at the minimum.
    """
    course, proof = known.course, known.certificate
    if not course.history:
        raise InputError(DIRECT if known.trained.status == "converged" else "Training ended before its first step.")
    rows = finite(*list(zip(*course.history, strict=True))[:3])
    first = max((loss for _, loss, _ in rows), default=0.0)
    base = min((loss for _, loss, _ in rows), default=0.0) if lowest is None else lowest
    above = [(k, loss - base) for k, loss, _ in rows if loss - base > ROUNDING * first]
    caption = "Where the difference is rounding, below 1e-15 of the first loss, nothing is drawn."
    if proof is not None and proof.excess_loss:
        last = float(course.n_iter)
        above = [point for point in above if point[0] < last] + [(last, proof.excess_loss)]
        caption = f"{caption[:-1]}, but for the last point, which is by exact sums."
    norms = [(k, norm) for k, _, norm in rows if norm > 0]
    if not course.n_iter or not (above or norms):
        raise InputError("There was nothing to descend: the first point passed for the minimum.")
    steps = Axis("step", most=float(max(course.n_iter, 1)), whole=True)
    named = "the minimum" if lowest is not None else "the lowest of these"
    count = f"{course.n_iter:,} step{'s' * (course.n_iter != 1)} of {course.solver}"
    return (
        Chart(
            "loss",
            f"Loss above {named}",
            alt=f"{count}: {_course(above)}",
            x=steps,
            y=Axis("L − min L", log=True),
            marks=polyline(above),
            caption=caption,
        ),
        Chart(
            "gradient",
            "Size of the gradient",
            alt=f"{count}: {_course(norms)}",
            x=steps,
            y=Axis("‖∇L‖", log=True),
            marks=polyline(norms),
            caption="In the coordinates of the descent. It vanishes at the minimum, and only there.",
        ),
    )


def _course(points: list[tuple[float, float]]) -> str:
    return f"from {points[0][1]:.3g} to {points[-1][1]:.3g}." if points else "nothing to draw."


def residuals(known: FitRecord) -> tuple[Chart, Chart, Chart, Chart]:
    """Return actual against predicted, residuals against predicted, the normal Q-Q, and scale against location.

    Raises
    ------
    InputError
        If the model holds no residuals.
    """
    found = known.residuals
    if found is None:
        raise InputError(f"There are no residuals to draw. {known.residuals_missing}")
    predicted = Axis(f"predicted {shortened(known.trained.target, 24)}")
    part, x, residual, root, rows = zip(*found.groups, strict=True)
    actual = [a + b for a, b in zip(x, residual, strict=True)]
    _, normal, z, _ = zip(*found.normal, strict=True)
    mean, spread = trend(part, x, residual, rows), trend(part, x, root, rows)
    dots = f"{len(x)} dots of {found.rows:,} rows, each the mean of 5 or more; its area counts them."
    return (
        Chart(
            "actual",
            "Actual against predicted",
            alt=f"{dots} They lie about the line on which both are equal, from {min(x):.4g} to {max(x):.4g}.",
            x=predicted,
            y=Axis("actual"),
            marks=(_equal(x, actual), Mark("dots", x, actual, size=rows)),
            caption="On the dashed line a prediction is right.",
            view=_view(x, actual),
        ),
        Chart(
            "fitted",
            "Residuals against predicted",
            alt=f"{dots} Their mean runs from {min(y for _, y in mean):.2g} to {max(y for _, y in mean):.2g}.",
            x=predicted,
            y=Axis("actual − predicted"),
            marks=(
                Mark("line", (min(x), max(x)), (0.0, 0.0), "muted", dashed=True),
                Mark("dots", x, residual, size=rows),
                *_mean(mean),
            ),
            caption="The mean should keep to zero: a bend says that a straight line is not the whole story.",
        ),
        Chart(
            "normal",
            "Normal Q-Q",
            alt=f"{len(z)} dots, each the mean of 5 rows or more in order. The lowest is at {z[0]:.2g} standard "
            f"deviations "
            f"where normal ones would be at {normal[0]:.2g}, the highest at {z[-1]:.2g} for {normal[-1]:.2g}.",
            x=Axis("normal quantile"),
            y=Axis("residual / σ"),
            marks=(_equal(normal, z), Mark("dots", normal, z)),
            caption="Residuals that are normal keep to the dashed line; ends off it are heavy or light tails. "
            "Coefficients do "
            "not need it, p-values of few rows do.",
            view=_view(normal, z),
        ),
        Chart(
            "scale",
            "Scale against location",
            alt=f"{dots} Their mean runs from {min(y for _, y in spread):.2g} to {max(y for _, y in spread):.2g}.",
            x=predicted,
            y=Axis("√|residual / σ|"),
            marks=(Mark("dots", x, root, size=rows), *_mean(spread)),
            caption="A mean that rises or falls shows that the spread of the residuals changes. Then use robust "
            "standard "
            "errors, such as HC1.",
        ),
    )


def trend(
    part: Sequence[float], x: Sequence[float], y: Sequence[float], rows: Sequence[float]
) -> list[tuple[float, float]]:
    """Return means of x and y of the groups of each part, slice by slice."""
    table = np.array([part, x, y, rows], dtype=np.float64).T
    slices = [table[table[:, 0] == k] for k in np.unique(table[:, 0])]
    means = [np.average(t[:, 1:3], axis=0, weights=t[:, 3]) for t in slices]
    return [(float(a), float(b)) for a, b in means]


def _mean(points: list[tuple[float, float]]) -> tuple[Mark, ...]:
    x, y = [a for a, _ in points], [b for _, b in points]
    return (Mark("line", x, y, "second", "mean"),) if len(points) > 1 else ()


def _equal(x: Sequence[float], y: Sequence[float]) -> Mark:
    low, high = min(*x, *y), max(*x, *y)
    return Mark("line", (low, high), (low, high), "muted", dashed=True)


def _view(x: Sequence[float], y: Sequence[float]) -> View:
    """Return what shows all dots, wherever a line through them leads."""
    return View((min(x), max(x)), (min(y), max(y)))
