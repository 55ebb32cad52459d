"""Rows in groups of five or more: what charts show of a cloud in place of its rows."""

from itertools import pairwise
from math import floor, log10

import numpy as np

from regress.blocks import Array

LEAST = 5  # rows of a group
_SLICES, _CELLS = 24, 20  # along x at most, and along the middle 99 % of y at most
_STEP = 0.15  # between normal quantiles


def groups(x: Array, y: Array, *others: Array) -> list[list[float]]:
    """Return [slice, mean x, mean y, means of others, rows] of groups of five rows or more, near each other.

    Slices are of as many rows each, in order of x; rows of one x stay together.
    """
    points = np.array([x, y, *others])[:, np.argsort(x, kind="stable")]
    low, high = np.quantile(y, [0.005, 0.995])
    grain = (high - low) / _CELLS
    found: list[list[float]] = []
    for number, (start, stop) in enumerate(pairwise(slices_of(points[0]))):
        rows = points[:, start + np.argsort(points[1, start:stop], kind="stable")]
        cuts, count = [0], stop - start
        while cuts[-1] < count:
            end = max(cuts[-1] + LEAST, int(rows[1].searchsorted(rows[1, cuts[-1]] + grain, side="right")))
            cuts.append(count if count - end < LEAST else end)
        sizes = np.diff(cuts)
        means = np.add.reduceat(rows, cuts[:-1], axis=1) / sizes
        found += [[number, *mean, size] for mean, size in zip(means.T.tolist(), sizes.tolist(), strict=True)]
    return rounded(found)


def slices_of(x: Array) -> list[int]:
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
    return rounded([[0, float(normal[p].mean()), float(z[p].mean()), p.stop - p.start] for p in parts])


def rounded(found: list[list[float]]) -> list[list[float]]:
    """Round means, between the number of a slice and of rows, to about a thousandth of their range."""
    places = []
    for values in list(zip(*found, strict=True))[1:-1]:
        extent, size = max(values) - min(values), max(map(abs, values))
        extent = extent if extent > 1e-12 * size else 1e-8 * size  # equal but for rounding
        places.append(3 - floor(log10(extent)) if extent > 0 else 0)
    return [[row[0], *(round(v, p) for v, p in zip(row[1:-1], places, strict=True)), row[-1]] for row in found]
