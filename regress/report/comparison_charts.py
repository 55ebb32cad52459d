"""What is drawn of a comparison: who is right, by how much, and how long it took."""

from typing import NamedTuple

from regress.numerics.digits import MOST_DIGITS
from regress.records import ComparisonRecord
from regress.report.charts import Axis, Chart, Drawing, Mark
from regress.report.comparison_tables import differ
from regress.report.text import METRIC_HEADS

_MOST_ROWS = 40  # coefficients shown, those in which the fewest digits are right


class Cell(NamedTuple):
    """Digits of one tool in one coefficient, and which of six shades they have; None where it has no fit."""

    digits: float | None
    shade: int


class ComparisonDrawings(NamedTuple):
    """What the page of a comparison shows besides its texts and tables: a map of digits, and charts that say something.

    `left` is the number of coefficients that the map does not show.
    """

    digits: list[tuple[str, list[Cell]]]
    left: int
    accuracy: Drawing
    scores: Drawing
    seconds: Drawing
    most: float = MOST_DIGITS


def of_comparison(comparison: ComparisonRecord) -> ComparisonDrawings:
    """Return what the page of a comparison shows besides its texts and tables."""
    worst = {f"{fit.digits:.1f}" for fit in comparison.fits if fit.digits is not None}
    right = [worst_digits(comparison)] if len(worst) > 1 else []
    if comparison.disagree:  # else the loss of every tool is at the minimum
        right.append(loss(comparison))
    predicted = [metric(comparison, name) for name in comparison.metrics[:1] if differ(comparison)]
    left = max(len(comparison.names) - _MOST_ROWS, 0)
    return ComparisonDrawings(
        digits(comparison), left, Drawing(right), Drawing(predicted), Drawing([seconds(comparison)])
    )


def digits(comparison: ComparisonRecord) -> list[tuple[str, list[Cell]]]:
    """Return the digits of each tool in b, if it is fitted, and in the coefficients with the fewest correct digits."""
    fits = comparison.fits
    found = [fit.digits_of for fit in fits if fit.digits_of is not None]
    worst = [min(of[j] for of in found) for j in range(len(comparison.names))] if found else []
    shown = sorted(sorted(range(len(worst)), key=lambda j: worst[j])[:_MOST_ROWS])
    rows = [("(intercept)", [_cell(None if fit.coef is None else fit.intercept_digits) for fit in fits])]
    for j in shown:
        of = [None if fit.digits_of is None else fit.digits_of[j] for fit in fits]
        rows.append((comparison.names[j], [_cell(d) for d in of]))
    return rows if comparison.fit_intercept else rows[1:]


def _cell(right: float | None) -> Cell:
    return Cell(right, 0 if right is None else min(int(right // 3.0) + 1, 6))


def worst_digits(comparison: ComparisonRecord) -> Chart:
    """Return the correct digits of the worst coefficient of each tool."""
    fits = [(fit.name, fit.digits) for fit in comparison.fits if fit.digits is not None]
    ends = "; ".join(f"{name} {right:.1f}" for name, right in fits)
    return Chart(
        "worst",
        "Correct digits of the worst coefficient",
        alt=f"One bar per tool: {ends}.",
        x=Axis("decimal digits, of the 15.9 that a float64 holds", most=16.0),
        y=Axis("", names=tuple(name for name, _ in fits)),
        marks=(Mark("bars", [right for _, right in fits], list(range(len(fits)))),),
        caption="Longer is better. A tool is judged by its least accurate coefficient.",
    )


def loss(comparison: ComparisonRecord) -> Chart:
    """Return how far the loss of each tool is above the minimum, in powers of ten."""
    above = [(fit.name, fit.excess_loss) for fit in comparison.fits if fit.excess_loss is not None]
    drawn = [(place, value) for place, (_, value) in enumerate(above) if value > 0]
    exact = [name for name, value in above if not value > 0]
    ends = "; ".join(f"{name} {value:.2g}" for name, value in above)
    return Chart(
        "loss-above",
        "Loss above the minimum",
        alt=f"One dot per tool: {ends}.",
        x=Axis("L − min L", log=True),
        y=Axis("", names=tuple(name for name, _ in above)),
        marks=(Mark("dots", [value for _, value in drawn], [place for place, _ in drawn]),),
        caption="Lower is better (logarithmic scale)."
        + (f" No dot, because the loss is at its minimum: {', '.join(exact)}." if exact else ""),
    )


def metric(comparison: ComparisonRecord, name: str) -> Chart:
    """Return how well each tool predicts by one metric: its value, or its mean and deviation over folds."""
    head, folds = METRIC_HEADS.get(name, name), bool(comparison.folds)
    fits = [(fit.name, *(fit.cv[name][:2] if folds else (fit.metrics.get(name), None))) for fit in comparison.fits]
    known = [(tool, value, sd or 0.0) for tool, value, sd in fits if value is not None]
    places = list(range(len(known)))
    low, high = [value - sd for _, value, sd in known], [value + sd for _, value, sd in known]
    spans = (Mark("spans", y=places, low=low, high=high),) if folds else ()
    caption = "Higher is better. " if name == "r2" else "Lower is better. " if name in METRIC_HEADS else ""
    caption += "Dot: mean over the folds. Bar: one standard deviation to each side." if folds else ""
    return Chart(
        "metric",
        f"{head} of rows that were not trained on",
        alt=f"One dot per tool: {'; '.join(f'{tool} {value:.4g}' for tool, value, _ in known)}.",
        x=Axis(head),
        y=Axis("", names=tuple(tool for tool, _, _ in known)),
        marks=(*spans, Mark("dots", [value for _, value, _ in known], places)),
        caption=caption.strip(),
    )


def seconds(comparison: ComparisonRecord) -> Chart:
    """Return how long the fit of each tool took."""
    fits = [(fit.name, fit.seconds) for fit in comparison.fits if fit.seconds]
    ends = "; ".join(f"{name} {taken:.2g}" for name, taken in fits)
    return Chart(
        "seconds",
        "Seconds of fitting",
        alt=f"One dot per tool, in seconds: {ends}.",
        x=Axis("seconds of fitting alone", log=True),
        y=Axis("", names=tuple(name for name, _ in fits)),
        marks=(Mark("dots", [taken for _, taken in fits], list(range(len(fits)))),),
        caption="One run of each tool on this machine. This is an order of magnitude, not a benchmark.",
    )
