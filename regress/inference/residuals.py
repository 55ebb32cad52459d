"""Residuals as charts show them: groups of five rows or more, never a single one unless that is asked for.

Rows are divided into slices along ŷ, and each slice into groups along the residual. A dot is the mean of a group. All
charts over ŷ show the same groups, and their trends are means of complete slices. So no difference between two charts
is a single row. Outliers are moved to a fence, so that no mean depends on a single row. Of many rows, hexagons show how
many are where.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Block
from regress.inference.clouds import Cloud, along_order, planes, points, records
from regress.inference.leverage import NEAR_ONE, leverages
from regress.inference.residual_tests import SampledResiduals, bent_column, residual_tests
from regress.inference.row_groups import LEAST, groups, quantiles
from regress.numerics.hashing import Bits
from regress.numerics.prediction import line
from regress.records import MOST_POINTS
from regress.term_records import Band, Group, Quantile, ResidualGroups

_BANDS = ((2.0, 3.0), (3.0, 4.0), (4.0, 6.0), (6.0, inf))  # standard deviations
_FENCE = 5.0  # times the middle half of the rows, beyond it: seven standard deviations of normal ones
_ULPS = 64 * 2.0**-52  # of y: residuals below are rounding


class Sampled(NamedTuple):
    """ŷ, y, the weights and X of a sample of the training rows, and where they are; weights of 1 where there are none.

    `places` (m, 2) has a number for the part of the table, and the record in it; None where these are unknown.
    """

    predicted: Array
    actual: Array
    weights: Array
    X: Array
    places: Bits | None = None


class OfFit(NamedTuple):
    """The fit of the residuals: its training rows, and the sample in a basis of its columns (m, k), if known.

    `leveraged` tells whether leverages are those of the basis, `points` whether rows are listed. `numbers` are the
    columns of X that are no levels, and `names` those of all.
    """

    rows: int
    basis: Array | None
    leveraged: bool
    points: bool
    numbers: Sequence[int]
    names: Sequence[str]


def sampled(rows: Block, w: Array, center: Array, b_center: float, repeated: bool) -> Sampled:
    """Return ŷ = (x − center)ᵀw + b_center of some rows; weights that count `repeated` rows are ignored."""
    predicted = line(rows.X, w, center, b_center)
    weights = np.ones(len(predicted)) if rows.weights is None or repeated else rows.weights
    return Sampled(predicted, rows.Y[:, 0], weights, rows.X)


def residual_groups(sampled: Sampled | None, sigma: float, fit: OfFit) -> ResidualGroups | str:
    """Return residuals in groups, as charts show them; or the reason why there are none.

    Parameters
    ----------
    sampled : Sampled or None
        Of the training rows.
    sigma : float
        Residual standard deviation of a row of weight 1, by which residuals are divided; that of the sample where it is
        not a positive number.
    fit : OfFit
        What else is known of them.

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

        The other attributes are described by `ResidualGroups`.
    """
    from scipy import special

    if sampled is None:
        return "No rows were kept for them (sample=0)."
    predicted, actual, weights, X, places = sampled
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
    h = leverages(fit.basis) if fit.leveraged and fit.basis is not None else None
    known = h, records(places)
    cloud = Cloud(inside[0], inside[1], inside[2], *known)
    tested = SampledResiduals(z, predicted, weights, fit.basis, places)
    tests = residual_tests(tested)
    bends = any(test.name == "curvature" and test.found for test in tests)
    column = bent_column(tested, X, fit.numbers) if bends else None
    return ResidualGroups(
        rows=n,
        complete=n == fit.rows,
        groups=tuple(Group(int(p), x, y, z, int(k)) for p, x, y, z, k in found),
        normal=tuple(Quantile(int(p), x, y, int(k)) for p, x, y, k in by_rank),
        bands=tuple(bands),
        far=_count(far),
        order=along_order(cloud),
        hexagons=planes(cloud) if n > MOST_POINTS else (),
        points=points(Cloud(predicted, residual, z, *known)) if fit.points and n <= MOST_POINTS else (),
        tests=tests,
        bent=None if column is None else fit.names[column],
        decisive=None if h is None else int((h > NEAR_ONE).sum()),
        positive=bool(actual.min() > 0.0),
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
    reach = _FENCE * (high - low)
    if low == high:  # most are alike: what the others are decides, unless they are too few
        others = np.abs(values[values != low] - low)
        reach = _FENCE * np.quantile(others, 0.75) if len(others) >= LEAST else 0.0
    fenced: Array = np.clip(values, low - reach, high + reach)
    return fenced
