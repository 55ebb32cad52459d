"""What is drawn of a training: the loss by epoch, on training and held-out rows, and the exact minimum."""

from collections.abc import Sequence

from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.records import ROUNDING
from regress.report.charts import Axis, Chart, Mark, finite, polyline
from regress.report.fit_charts import DIRECT

_DECADES = 100.0  # between the first and the smallest loss, from which an axis is logarithmic


def training(known: FitRecord) -> tuple[Chart, ...]:
    """Return the loss per row by epoch and, where the exact minimum is known, the loss above it.

    Raises
    ------
    InputError
        If there was no descent.
    """
    history, used, held = known.outcome.history, known.trained.n_rows, known.outcome.validation_rows
    other = known.outcome.tested_on
    if not history:
        raise InputError(DIRECT if known.trained.status == "converged" else "Training ended before its first step.")
    unit = "iteration" if known.epochs is None else "epoch"
    epochs = Axis(unit, most=float(max(history[-1].epoch, 1)), whole=True)
    losses = finite(*zip(*((row.epoch, row.loss) for row in history), strict=True))
    gaps = finite(*zip(*((row.epoch, row.loss, row.gap) for row in history), strict=True))
    on_held = finite(*zip(*((row.epoch, row.val_loss) for row in history), strict=True))
    per_row = [(k, loss / used) for k, loss in losses]
    per_held = [(k, loss / held) for k, loss in on_held] if held else []
    least = min(((gap, (loss - gap) / used) for _, loss, gap in gaps), default=None)
    marks = list(polyline(per_row, "first", "training"))
    marks += polyline(per_held, "second", other) if per_held else ()
    if least is not None:
        marks.append(
            Mark("line", (0.0, epochs.most or 1.0), (least[1], least[1]), "muted", "exact minimum", dashed=True)
        )
    best = [point for point in per_held if point[0] == known.outcome.best_epoch]
    marks += [Mark("dots", [k], [loss], "third", f"best {unit}") for k, loss in best]
    levels = [v for mark in marks for v in mark.y]
    loss = Chart(
        "training",
        "Loss per row",
        alt=f"By {unit}: {_course('training rows', per_row)}{_course(f'{other} rows', per_held)}"
        f"{f' The exact minimum is {least[1]:.4g}.' if least is not None else ''}",
        x=epochs,
        y=Axis("loss per row", log=min(levels, default=0.0) > 0 and levels[0] > _DECADES * min(levels)),
        marks=tuple(marks),
        caption=_caption(other if per_held else "", least is not None),
    )
    above = [(k, gap) for k, first, gap in gaps if gap > ROUNDING * first]
    if not above:
        return (loss,)
    return loss, Chart(
        "above",
        "Loss above its exact minimum",
        alt=f"By {unit}: {_course('training rows', above)}",
        x=epochs,
        y=Axis("L − min L", log=True),
        marks=polyline(above),
        caption="The minimum comes from sums over the rows, not from this training. Differences that are rounding are "
        "not drawn.",
    )


def _caption(other: str, with_minimum: bool) -> str:
    """Return what a chart of the loss shows: of the training rows, and of other rows if these have a name."""
    if with_minimum:
        further = f"; that on {other} rows can" if other else ""
        return f"The loss on the training rows cannot fall below the dashed line{further}."
    return f"The loss on the training rows{f', and on the {other} rows' if other else ''}."


def _course(what: str, points: Sequence[tuple[float, ...]]) -> str:
    return f" {what} from {points[0][1]:.4g} to {points[-1][1]:.4g}." if points else ""
