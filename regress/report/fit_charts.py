"""What is drawn of a fit: charts from its record."""

from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.records import ROUNDING
from regress.report.charts import Axis, Chart, Mark, finite, polyline

_MOST_BARS = 25  # coefficients drawn
_ALL_DIGITS = 16.0
DIRECT = "Solved directly in exact arithmetic."
_UNSTARTED = "Training ended before its first step."


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
        alt=f"One dot per coefficient, {which}, with its {level} interval as a line. {top} The table below has all "
        "figures.",
        x=Axis("sd of the target for one sd of the column"),
        y=Axis("", names=tuple(line.name for line, _ in sized)),
        marks=(
            Mark("line", (0.0, 0.0), (-0.5, len(sized) - 0.5), "muted"),
            Mark("spans", y=y, low=low, high=high),
            Mark("dots", [beta for _, beta in sized], places),
        ),
        caption="Change in the target, in standard deviations, if a column increases by one standard deviation and "
        "the others are constant. "
        + ("If an interval contains zero, the sign is uncertain." if spans else "There are no intervals.")
        + ("" if known.arrived else " Training did not converge, so the coefficients are not at the minimum."),
    )


def digits(known: FitRecord) -> Chart:
    """Return the correct digits of each coefficient, the fewest first.

    Raises
    ------
    InputError
        If they are unknown.
    """
    found = [(line.name, line.digits) for line in known.coefficients if line.digits is not None]
    if known.digits is None:
        raise InputError("The number of correct digits is unknown. Measure it with `regress certify`.")
    return bars_of_digits(found, "Correct digits" + ("" if known.certificate else ", at least"))


def bars_of_digits(digits: list[tuple[str, float]], title: str = "Correct digits") -> Chart:
    """Return bars of digits, the fewest first."""
    worst = sorted(digits, key=lambda pair: pair[1])[:_MOST_BARS]
    return Chart(
        "digits",
        title,
        alt="One bar per coefficient, the fewest digits first: from "
        f"{min((d for _, d in digits), default=0.0):.1f} of 15.9.",
        x=Axis("decimal digits, of the 15.9 that a float64 holds", most=_ALL_DIGITS),
        y=Axis("", names=tuple(name for name, _ in worst)),
        marks=(Mark("bars", [d for _, d in worst], list(range(len(worst)))),),
        caption="Number of correct decimal digits of each coefficient, the fewest first.",
    )


def convergence(known: FitRecord, lowest: float | None) -> tuple[Chart, Chart]:
    """Return the loss above its minimum, where that is known, and ‖∇L‖, before each step.

    Raises
    ------
    InputError
        If nothing was descended: the solution is exact, or the descent began at the minimum.
    """
    outcome, proof = known.outcome, known.certificate
    if not outcome.history:
        raise InputError(DIRECT if known.trained.status == "converged" else _UNSTARTED)
    rows = finite(*zip(*((row.iteration, row.loss, row.gradient_norm) for row in outcome.history), strict=True))
    first = max((loss for _, loss, _ in rows), default=0.0)
    base = min((loss for _, loss, _ in rows), default=0.0) if lowest is None else lowest
    above = [(k, loss - base) for k, loss, _ in rows if loss - base > ROUNDING * first]
    caption = "Differences below 1e-15 of the first loss are rounding and are not drawn."
    if proof is not None and proof.excess_loss and outcome.best_epoch is None:
        last = float(outcome.n_iter)
        above = [point for point in above if point[0] < last] + [(last, proof.excess_loss)]
        caption = f"{caption} The last point is computed in exact arithmetic."
    norms = [(k, norm) for k, _, norm in rows if norm > 0]
    if not outcome.n_iter or not (above or norms):
        minimum = known.trained.status == "converged"
        raise InputError(
            "The first point was already the minimum, so there is no descent to draw." if minimum else _UNSTARTED
        )
    steps = Axis("step", most=float(max(outcome.n_iter, 1)), whole=True)
    named = "the minimum" if lowest is not None else "the lowest of these"
    count = f"{outcome.n_iter:,} step{'s' * (outcome.n_iter != 1)} of {outcome.solver}"
    return (
        Chart(
            "loss",
            f"Loss above {named}",
            alt=f"{count}: {_outcome(above)}",
            x=steps,
            y=Axis("L − min L", log=True),
            marks=polyline(above),
            caption=caption,
        ),
        Chart(
            "gradient",
            "Size of the gradient",
            alt=f"{count}: {_outcome(norms)}",
            x=steps,
            y=Axis("‖∇L‖", log=True),
            marks=polyline(norms),
            caption="In the coordinates of the descent. It vanishes at the minimum, and only there.",
        ),
    )


def _outcome(points: list[tuple[float, float]]) -> str:
    return f"from {points[0][1]:.3g} to {points[-1][1]:.3g}." if points else "nothing to draw."
