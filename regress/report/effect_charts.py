"""What is drawn of columns that enter by curves: the effect of each, with its confidence band."""

from collections.abc import Sequence

from regress.errors import InputError
from regress.fit_record import FitRecord
from regress.messages import setting, shortened
from regress.report.charts import Axis, Chart, Mark
from regress.term_records import Effect

MOST_DRAWN = 24  # on a page
_YEAR, _FIRST_YEAR = 365.2425, 1970.0  # days of a mean year, and the year in which they are counted from


def effects(known: FitRecord, columns: Sequence[str] | None = None) -> tuple[Chart, ...]:
    """Return the effects of some columns, or of all that have one.

    Raises
    ------
    InputError
        If there is none, or a column has none.
    """
    found = known.terms.effects
    if not found:
        raise InputError(
            "There is no effect to draw. Effects are drawn of columns that enter by a curve, such as poly(x, 2), if "
            f"{setting('sample')} is not 0."
        )
    names = {effect.column: k for k, effect in enumerate(found)}
    for name in columns or ():
        if name not in names:
            raise InputError(f"Column {name!r} has no effect to draw. These have one: {', '.join(names)}.")
    chosen = [names[name] for name in columns or names]
    return tuple(_effect(known, found[k], k) for k in chosen)


def _effect(known: FitRecord, effect: Effect, k: int) -> Chart:
    target, column = shortened(known.trained.target, 24), shortened(effect.column, 40)
    x = [_place(point.x, effect) for point in effect.points]
    y = [point.effect for point in effect.points]
    banded = [(_place(p.x, effect), p.low, p.high) for p in effect.points if p.low is not None and p.high is not None]
    of_band, low, high = zip(*banded, strict=True) if banded else ((), (), ())
    return Chart(
        f"effect-{k}",
        f"Effect of {column}",
        alt=f"A curve from {y[0]:.3g} at {x[0]:.6g} to {y[-1]:.3g} at {x[-1]:.6g}. "
        f"Its lowest value is {min(y):.3g}, its highest {max(y):.3g}.",
        x=Axis(f"{column} (year)", years=True) if effect.kind == "date" else Axis(column),
        y=Axis(f"change in {target}"),
        marks=(
            *([Mark("band", of_band, low=low, high=high)] if banded else []),
            Mark("line", (x[0], x[-1]), (0.0, 0.0), "muted", dashed=True),
            Mark("line", x, y),
        ),
        caption=_caption(known, effect, banded=bool(banded)),
    )


def _caption(known: FitRecord, effect: Effect, *, banded: bool) -> str:
    at = _text(_place(effect.at, effect))
    said = [
        f"Change in the prediction if {effect.column} changes from its mean, {at}, by {_listed(effect.terms)}.",
        f"The band is the {known.trained.options.percent} confidence interval at each value."
        if banded
        else "The standard error is unknown.",
        *_held(effect),
        "The curve covers 1 % to 99 % of the values in a sample of the training rows.",
    ]
    if not known.arrived:
        said.append("Training did not converge, so the coefficients are not at the minimum.")
    return " ".join(said)


def _held(effect: Effect) -> list[str]:
    """Return at which values other columns of the terms are held."""
    held = [f"{name} = {_text(value)}" for name, value in effect.numbers.items()]
    held += [f"{name} = {level}" for name, level in effect.levels.items() if level is not None]
    others = [name for name, level in effect.levels.items() if level is None]
    said = (
        [f"Other columns of these terms are held at their mean or reference level: {', '.join(held)}."] if held else []
    )
    return said + [f"Comparisons of {name} with a text are false." for name in others]


def _place(value: float, effect: Effect) -> float:
    """Return where a value stands on the axis: a date as a year with decimals."""
    return _FIRST_YEAR + value / _YEAR if effect.kind == "date" else value


def _text(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
