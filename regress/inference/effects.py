"""The effect of a column that enters by a curve: the change in the prediction, with a pointwise confidence band.

A column x is a part of terms such as bs(x) or x + I(x ** 2). With z(x) = X(x) − X(x̄), where all other columns have the
same values, the effect is z(x)ᵀw, and its variance z(x)ᵀVz(x) for the covariance V of w.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from regress.blocks import Array, Block
from regress.design.columns import as_read
from regress.design.formula.curves import curved, grid, read_beside
from regress.design.terms import Design
from regress.inference.term_tests import Estimates, term_tests
from regress.term_records import LARGEST, ColumnRange, Effect, EffectPoint, Terms

_Kind = Literal["number", "date"]
_POINTS = {"number": 61, "date": 241}  # of a grid: dates may have seasons
_SHARE = 0.01  # of the values on either side that it does not cover
_STEPS = 1000  # of its range that its ends are rounded to, so that they are no cells of rows
_MOST = 50  # columns
_ROUNDING = 2.0**-52
_KNOWN = 1e-3  # of a variance that its rounding may be


def ranges_of(sample: Block, design: Design) -> tuple[ColumnRange, ...]:
    """Return where the values of the columns lie that effects need, given a sample of the training rows."""
    at = {name: j for j, name in enumerate(sample.columns or ())}
    found = []
    for name in read_beside(design):
        values = sample.X[:, at[as_read(name)]]
        given = np.isfinite(values)
        weights = None if sample.weights is None else sample.weights[given]
        if given.any() and (weights is None or weights.any()):
            low, high = np.quantile(values[given], [_SHARE, 1.0 - _SHARE]).tolist()
            mean = float(np.average(values[given], weights=weights))
            if max(map(abs, (low, high, mean))) <= LARGEST:
                found.append(ColumnRange(name, *_rounded(low, high), mean))
    return tuple(found)


def _rounded(low: float, high: float) -> tuple[float, float]:
    if not high > low:
        return low, high
    places = int(np.floor(np.log10(_STEPS / (high - low)))) + 1
    return (round(low, places), round(high, places)) if abs(places) < 300 else (low, high)


def terms_of(design: Design, found: Estimates, ranges: tuple[ColumnRange, ...], level: float) -> Terms:
    """Return what is known of the terms of a design: tests of those of several columns, and effects with intervals."""
    return Terms(
        formula=design.formula,
        sum_coded={v.name: v.levels[-1] for v in design.texts if v.coding == "sum" and not v.all_levels},
        tests=term_tests([label for _, label, _ in design.origins], found),
        ranges=ranges,
        effects=effects(design, found, ranges, level) if design.formula else (),
    )


def effects(design: Design, found: Estimates, ranges: tuple[ColumnRange, ...], level: float) -> tuple[Effect, ...]:
    """Return the effects of all columns that enter by curves, with intervals of a level where variances are known.

    Columns of one value, or whose effect is not finite, have none; and no column where a range is unknown.
    """
    known = {of_one.column: of_one for of_one in ranges}
    if not known.keys() >= {*read_beside(design)}:
        return ()
    means = {of_one.column: of_one.mean for of_one in ranges}
    columns = [*curved(design).items()]
    made = (
        _effect(design, found, known[name], level, means=means, kind="date" if kind == "date" else "number")
        for name, kind in columns[:_MOST]
    )
    return tuple(effect for effect in made if effect is not None)


def _effect(
    design: Design, found: Estimates, where: ColumnRange, level: float, *, means: Mapping[str, float], kind: _Kind
) -> Effect | None:
    if not where.high > where.low:
        return None
    values = np.array([where.mean, *np.linspace(where.low, where.high, _POINTS[kind])])
    with np.errstate(all="ignore"):
        over = grid(design, where.column, values, means)
        places = [design.names.index(name) for name in over.names]
        z = over.X[1:] - over.X[0]
        change, half = z @ found.w[places], _half_widths(z, found, places, level)
    points = tuple(_points(values[1:], change, half))
    if len(points) < 2:
        return None
    return Effect(
        column=where.column,
        kind=kind,
        terms=over.terms,
        at=where.mean,
        numbers={name: means[name] for name in over.numbers},
        levels=over.levels,
        points=points,
    )


def _points(x: Array, change: Array, half: Array) -> Iterator[EffectPoint]:
    for at, effect, wide in zip(x.tolist(), change.tolist(), half.tolist(), strict=True):
        if abs(effect) <= LARGEST:  # not NaN
            ends = (effect - wide, effect + wide)
            yield EffectPoint(at, effect, *(ends if max(map(abs, ends)) <= LARGEST else (None, None)))


def _half_widths(z: Array, found: Estimates, places: list[int], level: float) -> Array:
    """Return t · √(zᵀVz) for rows z (m, k) of some columns; NaN where that is unknown, or lost to rounding."""
    from scipy import special

    if found.covariance is None or not found.estimable[places].all():
        return np.full(len(z), np.nan)
    V = found.covariance[np.ix_(places, places)]
    variance = np.einsum("ij,jk,ik->i", z, V, z)
    noise = _ROUNDING * np.einsum("ij,jk,ik->i", np.abs(z), np.abs(V), np.abs(z))
    variance = np.where((noise <= _KNOWN * variance) | (noise == 0.0), variance, np.nan)
    return np.asarray(float(special.stdtrit(found.df, 0.5 + level / 2.0)) * np.sqrt(variance))
