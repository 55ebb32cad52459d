"""Predictions of a transformed target, such as log(y), in the units of y.

Back-transformed predictions estimate the mean of y after a correction. Smearing (Duan 1983) takes the mean of
g⁻¹(ŷ + e) over residuals e, and assumes no distribution. Its alternative takes errors as normal. Without a correction,
predictions are medians of y where errors are symmetric. With logs to base c and p(z) = cᶻ:

    smearing   p(ŷ) · Σa p(e)/Σa            ŷ² + 2ŷ · Σa e/Σa + Σa e²/Σa for a square root
    normal     p(ŷ) · exp((s · ln c)²/2)    ŷ² + s², with the residual variance s²
    naive      p(ŷ)                         ŷ²

and 1 less for log1p. A square root is never negative, so ŷ below 0 counts as 0: its square would rise again. Limits of
intervals are transformed one by one without a correction, since quantiles stay quantiles under a rising function.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from regress.blocks import Array
from regress.design.formula.expression import Call, Expression, Named
from regress.inference.residuals import Sampled
from regress.numerics.elementary import exp, log, power
from regress.records import known
from regress.term_records import Retransform, Transform


def _expm1(values: Array) -> Array:
    """Return exp(z) − 1: the rounding of u = exp(z) cancels in (u − 1)/log(u), which Kahan found."""
    powers = exp(values)
    inside = (powers > 0.0) & (powers < np.inf) & (powers != 1.0)
    ratio = values / log(np.where(inside, powers, math.e))
    return np.where(inside, (powers - 1.0) * ratio, np.where(powers == 1.0, values, powers - 1.0))


_INVERSES: Mapping[Transform, Callable[[Array], Array]] = {
    "log": exp,
    "log1p": _expm1,
    "log2": lambda values: power(np.full(len(values), 2.0), values),
    "log10": lambda values: power(np.full(len(values), 10.0), values),
    "sqrt": lambda values: np.square(np.maximum(values, 0.0)),
}
_LOG_OF_BASE = {"log": 1.0, "log1p": 1.0, "log2": math.log(2.0), "log10": math.log(10.0)}


def transform_of(expression: Expression) -> tuple[Transform, str] | None:
    """Return the transform that an expression is and the column that it is of; None for any other expression."""
    match expression:
        case Call(function, (Named(column),), ()):
            return next(((name, column) for name in _INVERSES if name == function), None)
    return None


@np.errstate(over="ignore", invalid="ignore")
def inverse(transform: Transform, values: Array) -> Array:
    """Return values in the units of the column."""
    return np.asarray(_INVERSES[transform](values))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def smearing(transform: Transform, rows: Sampled) -> dict[str, float]:
    """Return what the residuals of some rows correct predictions by: factor, mean and square of `Retransform`."""
    residuals, a = rows.actual - rows.predicted, rows.weights / rows.weights.max()
    if transform == "sqrt":
        mean, square = (float(np.average(values, weights=a)) for values in (residuals, np.square(residuals)))
        return {"mean": mean, "square": square}
    powers = exp(residuals * _LOG_OF_BASE[transform])
    return {"factor": float(np.average(powers, weights=a))}


def normal(transform: Transform, variance: float) -> dict[str, float]:
    """Return what normal errors of a variance correct predictions by: factor or square of `Retransform`."""
    if transform == "sqrt":
        return {"square": variance}
    with np.errstate(over="ignore"):
        return {"factor": float(exp(np.array([variance * _LOG_OF_BASE[transform] ** 2 / 2.0]))[0])}


@np.errstate(over="ignore", invalid="ignore")
def in_units(how: Retransform | None, predicted: Array, half_width: Array | None = None) -> Array:
    """Return predictions (m,) in the units of the user, or (m, 3) with the limits of intervals ŷ ± `half_width`."""
    if half_width is None:
        return predicted if how is None else _point(how, predicted)
    limits = [predicted - half_width, predicted + half_width]
    if how is None:
        return np.column_stack([predicted, *limits])
    return np.column_stack([_point(how, predicted), *(inverse(how.transform, limit) for limit in limits)])


def _point(how: Retransform, predicted: Array) -> Array:
    values = inverse(how.transform, predicted)
    if how.transform == "sqrt":
        return values + 2.0 * how.mean * np.maximum(predicted, 0.0) + how.square
    return values * how.factor + (how.factor - 1.0 if how.transform == "log1p" else 0.0)


@np.errstate(over="ignore", invalid="ignore")
def r2_original(how: Retransform, rows: Sampled) -> float | None:
    """Return 1 − Σa(y − p)²/Σa(y − ȳ)² of predictions p in the units of the column; None where it is undefined."""
    y, a = inverse(how.transform, rows.actual), rows.weights / rows.weights.max()
    scale = float(np.abs(y).max())  # so that no square is out of range
    if not 0.0 < scale < np.inf:
        return None
    y, predicted = y / scale, in_units(how, rows.predicted) / scale
    spread = float(np.average(np.square(y - np.average(y, weights=a)), weights=a))
    error = float(np.average(np.square(y - predicted), weights=a))
    return known(1.0 - error / spread) if spread > 0.0 else None


def sentence(how: Retransform) -> str:
    """Return the units of predictions and their correction in one sentence."""
    rows = f"{how.rows:,} residual{'s' * (how.rows != 1)}"
    if how.correction == "naive":
        by = "not corrected, so they are medians if errors are symmetric"
    elif how.transform == "sqrt":
        what = f"the mean square of {rows} (smearing)" if how.correction == "smearing" else "the residual variance"
        by = f"{what}, {how.square:.5g}, is added"
    else:
        of = f" of 1 + {how.column}" if how.transform == "log1p" else ""
        source = f"from {rows}" if how.correction == "smearing" else "for normal errors"
        name = "smearing factor" if how.correction == "smearing" else "factor"
        by = f"{name}{of} {how.factor:.5g} {source}"
    return f"Predictions are in units of {how.column}: {by}."
