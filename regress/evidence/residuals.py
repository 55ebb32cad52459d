"""Residuals as pictures show them: groups of five rows or more, so that no single row leaves its table.

Groups of rows near each other are drawn as one dot at their mean. Where rows are many they are the cells of a grid;
where rows are few the cells are larger, until each has enough.
"""

from math import floor, log10
from typing import Any, NamedTuple

import numpy as np

from regress.numerics.moments import Block
from regress.numerics.twofold import Array

LEAST = 5  # rows of a group
_CELLS = 20  # of the grid, along the middle 99 % of the rows, at least
_BINS = 12  # of a trend
_STEP = 0.15  # between normal quantiles
_BEYOND = (2.0, 3.0, 4.0, 6.0)  # standard deviations

Dots = list[tuple[float, float, int]]  # means of x and y of a group, and its rows


class Sampled(NamedTuple):
    """ŷ, y and the weights (rows,) of a sample of the training rows; weights of 1 where there are none."""

    predicted: Array
    actual: Array
    weights: Array


def sampled(rows: Block, w: Array, center: Array, b_center: float, repeated: bool) -> Sampled:
    """Return what ŷ = (x − center)ᵀw + b_center says of some rows; weights that count `repeated` rows are left out."""
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = (rows.X - center) @ w + b_center
    weights = np.ones(len(predicted)) if rows.weights is None or repeated else rows.weights
    return Sampled(predicted, rows.Y[:, 0], weights)


def pictures(sampled: Sampled, sigma: float) -> dict[str, Any] | None:
    """Return what pictures of residuals need, in groups; None for fewer rows than make two groups.

    Parameters
    ----------
    sampled : Sampled
        Of the training rows.
    sigma : float
        Residual standard deviation of a row of weight 1, by which residuals are divided; that of the sample where it is
        not a positive number.

    Returns
    -------
    dict
        "rows" in the sample; "actual", "fitted" and "scale": groups of (ŷ, y), (ŷ, y − ŷ) and (ŷ, √|z|) for
        z = √a (y − ŷ)/σ; "trend" and "scale_trend": means of the last two along ŷ; "normal": groups of normal quantiles
        and of z; "beyond": how many |z| are above 2, 3, 4 and 6, as many as a normal distribution would have, and None
        in place of counts from 1 to 4.
    """
    from scipy import special

    predicted, actual, weights = sampled
    n = len(predicted)
    if n < 2 * LEAST:
        return None
    residual = actual - predicted
    z = np.sqrt(weights) * residual
    sigma = sigma if np.isfinite(sigma) and sigma > 0 else float(np.sqrt((z @ z) / n))
    z = z / sigma if sigma > 0 else z
    root = np.sqrt(np.abs(z))
    order = np.argsort(predicted, kind="stable")
    beyond = [(k, int((np.abs(z) > k).sum()), float(2.0 * n * special.ndtr(-k))) for k in _BEYOND]
    return {
        "rows": n,
        "actual": groups(predicted, actual),
        "fitted": groups(predicted, residual),
        "trend": trend(predicted[order], residual[order]),
        "scale": groups(predicted, root),
        "scale_trend": trend(predicted[order], root[order]),
        "normal": quantiles(z),
        "beyond": [(k, count if not 0 < count < LEAST else None, normal) for k, count, normal in beyond],
    }


def groups(x: Array, y: Array) -> Dots:
    """Return (mean x, mean y, rows) of groups of rows near each other, each of at least five.

    They are the cells of a grid over the middle of the rows; those of emptier cells are grouped by `_halves`.
    """
    points = np.array([x, y])
    low, high = np.quantile(points, [0.005, 0.995], axis=1)
    extent = np.where(high > low, high - low, np.ptp(points, axis=1))
    grain = np.where(extent > 0, extent, 1.0) / _CELLS
    cells = np.clip((points - low[:, None]) // grain[:, None], -1, _CELLS).astype(np.intp) + 1
    cell = cells[0] * (_CELLS + 2) + cells[1]
    cell[((cells == 0) | (cells == _CELLS + 1)).any(0)] = 0  # outside: no cell of the grid
    rows = np.bincount(cell)
    rows[0] = 0
    full = np.flatnonzero(rows >= LEAST)
    if 0 < len(x) - rows[full].sum() < LEAST:  # too few to make a group
        full = np.delete(full, rows[full].argmin())
    means = [np.bincount(cell, values)[full] / rows[full] for values in points]
    dots = list(zip(*(part.tolist() for part in (*means, rows[full])), strict=True))
    rest = points[:, ~np.isin(cell, full)]
    dots += [(float(c[0].mean()), float(c[1].mean()), c.shape[1]) for c in _halves(rest, grain)]
    return _rounded(dots)


def _halves(points: Array, grain: Array) -> list[Array]:
    """Cut points (2, rows) in the middle of their longer side until they are less than a grain, or ten."""
    found: list[Array] = []
    waiting = [points] if points.size else []
    while waiting:
        cell = waiting.pop()
        size = np.ptp(cell, axis=1) / grain
        axis = int(np.argmax(size))
        if size[axis] <= 1.0 or cell.shape[1] < 2 * LEAST:
            found.append(cell)
            continue
        cell = cell[:, np.argsort(cell[axis], kind="stable")]
        at = int(np.searchsorted(cell[axis], (cell[axis, 0] + cell[axis, -1]) / 2.0))
        at = min(max(at, LEAST), cell.shape[1] - LEAST)
        waiting += [cell[:, at:], cell[:, :at]]
    return found


def trend(x: Array, y: Array) -> Dots:
    """Return (mean x, mean y, rows) of equal parts of the rows, whose x rise."""
    bins = max(min(_BINS, len(x) // (2 * LEAST)), 1)
    parts = zip(np.array_split(x, bins), np.array_split(y, bins), strict=True)
    return _rounded([(float(a.mean()), float(b.mean()), len(a)) for a, b in parts])


def quantiles(z: Array) -> Dots:
    """Return (mean normal quantile, mean z, rows) of groups of z in order, close where rows are many."""
    from scipy import special

    z, n = np.sort(z), len(z)
    normal = special.ndtri((np.arange(n) + 0.5) / n)
    cuts = [0]
    for edge in np.arange(normal[0], normal[-1], _STEP)[1:]:
        at = int(np.searchsorted(normal, edge))
        if at - cuts[-1] >= LEAST and n - at >= LEAST:
            cuts.append(at)
    parts = [slice(a, b) for a, b in zip(cuts, [*cuts[1:], n], strict=True)]
    return _rounded([(float(normal[p].mean()), float(z[p].mean()), p.stop - p.start) for p in parts])


def _rounded(dots: Dots) -> Dots:
    """Round means to about a thousandth of their range: as much as a picture shows."""
    places = []
    for values in list(zip(*dots, strict=True))[:2]:
        extent = max(values) - min(values)
        places.append(3 - floor(log10(extent)) if extent > 0 else 12)
    return [(round(x, places[0]), round(y, places[1]), rows) for x, y, rows in dots]
