"""Residuals as charts show them: groups of five rows or more, never a single one.

Rows are divided into slices along ŷ, and each slice into groups along the residual. A dot is the mean of a group. All
charts over ŷ show the same groups, and their trends are means of complete slices. So no difference between two charts
is a single row. Outliers are moved to a fence, so that no mean depends on a single row.
"""

from itertools import pairwise
from math import floor, inf, log10
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Block
from regress.numerics.prediction import line
from regress.records import Band, Group, Quantile, ResidualGroups

LEAST = 5  # rows of a group
_SLICES, _CELLS = 24, 20  # along ŷ at most, and along the residual's middle 99 % at most
_STEP = 0.15  # between normal quantiles
_BANDS = ((2.0, 3.0), (3.0, 4.0), (4.0, 6.0), (6.0, inf))  # standard deviations
_FENCE = 5.0  # times the middle half of the rows, beyond it: seven standard deviations of normal ones
_ULPS = 64 * 2.0**-52  # of y: residuals below are rounding


class Sampled(NamedTuple):
    """ŷ, y and the weights (rows,) of a sample of the training rows; weights of 1 where there are none."""

    predicted: Array
    actual: Array
    weights: Array


def sampled(rows: Block, w: Array, center: Array, b_center: float, repeated: bool) -> Sampled:
    """Return ŷ = (x − center)ᵀw + b_center of some rows; weights that count `repeated` rows are ignored."""
    predicted = line(rows.X, w, center, b_center)
    weights = np.ones(len(predicted)) if rows.weights is None or repeated else rows.weights
    return Sampled(predicted, rows.Y[:, 0], weights)


def residual_groups(sampled: Sampled | None, sigma: float) -> ResidualGroups | str:
    """Return residuals in groups, as charts show them; or the reason why there are none.

    Parameters
    ----------
    sampled : Sampled or None
        Of the training rows.
    sigma : float
        Residual standard deviation of a row of weight 1, by which residuals are divided; that of the sample where it is
        not a positive number.

    Returns
    -------
    ResidualGroups or str
        With z = √a (y − ŷ)/σ, these are:

        "rows"
            Rows in the sample.
        "groups"
            By group: the slice, means of ŷ, y − ŷ and √|z|, and the number of rows.
        "normal"
            By group: 0, means of normal quantiles and of z, and the number of rows.
        "bands"
            By band of standard deviations: the number of |z| in it (None in place of 1 to 4), and the number expected
            of a normal distribution.
        "far"
            Rows moved to the fence, five interquartile ranges beyond the quartiles; None in place of 1 to 4.
    """
    from scipy import special

    if sampled is None:
        return "No rows were kept for them (sample=0)."
    predicted, actual, weights = sampled
    n = len(predicted)
    if n < 2 * LEAST:
        return "There are fewer than ten rows, and a group takes five."
    residual = actual - predicted
    if not np.abs(residual).max() > _ULPS * np.abs(actual).max():
        return "They are rounding: the columns explain the target to its last digits."
    z = np.sqrt(weights) * residual
    sigma = sigma if np.isfinite(sigma) and sigma > 0 else float(np.sqrt((z @ z) / n))
    if not sigma > 0:
        return "Their squares are beyond the range of float64."
    z = z / sigma
    inside = [_fenced(values) for values in (predicted, residual, z)]
    far = int(np.logical_or.reduce([a != b for a, b in zip(inside, (predicted, residual, z), strict=True)]).sum())
    size = np.abs(z)
    found = groups(inside[0], inside[1], np.sqrt(np.abs(inside[2])))
    by_rank = quantiles(inside[2], special.ndtri((np.arange(n) + 0.5) / n))
    if not np.isfinite([*(v for row in found for v in row), *(v for row in by_rank for v in row)]).all():
        return "Their means are beyond the range of float64."
    bands = [
        Band(a, b if b < inf else None, _count(((size > a) & (size <= b)).sum()), _normal(n, a) - _normal(n, b))
        for a, b in _BANDS
    ]
    return ResidualGroups(
        rows=n,
        groups=tuple(Group(int(p), x, y, z, int(k)) for p, x, y, z, k in found),
        normal=tuple(Quantile(int(p), x, y, int(k)) for p, x, y, k in by_rank),
        bands=tuple(bands),
        far=_count(far),
    )


def _count(rows: int) -> int | None:
    return int(rows) if not 0 < rows < LEAST else None


def _normal(n: int, deviations: float) -> float:
    """Return how many of n normal values are further from their mean than so many standard deviations."""
    from scipy import special

    return float(2.0 * n * special.ndtr(-deviations))


def _fenced(values: Array) -> Array:
    """Move what is far from the middle half of some values to a fence."""
    low, high = np.quantile(values, [0.25, 0.75])
    if low == high:
        return values
    reach = _FENCE * (high - low)
    fenced: Array = np.clip(values, low - reach, high + reach)
    return fenced


def groups(x: Array, y: Array, *others: Array) -> list[list[float]]:
    """Return [slice, mean x, mean y, means of others, rows] of groups of five rows or more, near each other.

    Slices are of as many rows each, in order of x; rows of one x stay together.
    """
    points = np.array([x, y, *others])[:, np.argsort(x, kind="stable")]
    low, high = np.quantile(y, [0.005, 0.995])
    grain = (high - low) / _CELLS
    found: list[list[float]] = []
    for number, (start, stop) in enumerate(pairwise(_slices(points[0]))):
        rows = points[:, start + np.argsort(points[1, start:stop], kind="stable")]
        cuts, count = [0], stop - start
        while cuts[-1] < count:
            end = max(cuts[-1] + LEAST, int(rows[1].searchsorted(rows[1, cuts[-1]] + grain, side="right")))
            cuts.append(count if count - end < LEAST else end)
        sizes = np.diff(cuts)
        means = np.add.reduceat(rows, cuts[:-1], axis=1) / sizes
        found += [[number, *mean, size] for mean, size in zip(means.T.tolist(), sizes.tolist(), strict=True)]
    return _rounded(found)


def _slices(x: Array) -> list[int]:
    """Return where slices of sorted x begin, and where the last ends."""
    n = len(x)
    wanted = np.linspace(0, n, min(_SLICES, int(0.7 * n**0.5)) + 1)[1:-1].astype(int)
    cuts = [0]
    for at in np.searchsorted(x, x[wanted]).tolist():  # where the rows of this x begin
        if at - cuts[-1] >= LEAST and n - at >= LEAST:
            cuts.append(at)
    return [*cuts, n]


def quantiles(z: Array, normal: Array) -> list[list[float]]:
    """Return [0, mean normal quantile, mean z, rows] of groups of z in order, close where rows are many."""
    z, n = np.sort(z), len(z)
    cuts = [0]
    for edge in np.arange(normal[0], normal[-1], _STEP)[1:]:
        at = int(np.searchsorted(normal, edge))
        if at - cuts[-1] >= LEAST and n - at >= LEAST:
            cuts.append(at)
    parts = [slice(a, b) for a, b in zip(cuts, [*cuts[1:], n], strict=True)]
    return _rounded([[0, float(normal[p].mean()), float(z[p].mean()), p.stop - p.start] for p in parts])


def _rounded(found: list[list[float]]) -> list[list[float]]:
    """Round means, between the number of a slice and of rows, to about a thousandth of their range."""
    places = []
    for values in list(zip(*found, strict=True))[1:-1]:
        extent, size = max(values) - min(values), max(map(abs, values))
        extent = extent if extent > 1e-12 * size else 1e-8 * size  # equal but for rounding
        places.append(3 - floor(log10(extent)) if extent > 0 else 0)
    return [[row[0], *(round(v, p) for v, p in zip(row[1:-1], places, strict=True)), row[-1]] for row in found]
