"""Rows counted in hexagons: a cloud of many rows, none of which is shown alone."""

from math import ceil, floor, log10
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Mask

_ACROSS, _DOWN = 26, 15  # hexagons along x, and rows of one of two lattices along y
_HALF_STEPS = 2 * _DOWN + 4  # along y, with those that rounding of a step adds
_LEAST_STEP = 1e-290


class Lattice(NamedTuple):
    """Hexagons: their width and height, centers and counts of the cells, and which points (m,) are in no cell."""

    width: float
    height: float
    cells: list[tuple[float, float, int]]
    apart: Mask


def counted(x: Array, y: Array, least: int) -> Lattice | None:
    """Count points in hexagons, on two lattices of rectangles that are half a step apart (Carr and others 1987).

    Steps are rounded up to two digits, and begin at a multiple of themselves: the lattice tells no value of a point.

    Parameters
    ----------
    x, y : arrays of shape (m,)
        The points.
    least : int
        Points that a hexagon needs to be a cell.

    Returns
    -------
    Lattice or None
        None where x or y is constant, or its range cannot be divided.
    """
    spans = np.ptp(x) / _ACROSS, np.ptp(y) / _DOWN
    if not all(_LEAST_STEP < span < np.inf for span in spans):
        return None
    step = np.array([_rounded_up(float(span)) for span in spans])
    low = np.floor(np.array([x.min(), y.min()]) / step) * step
    if not np.isfinite(low).all() or (np.abs(low) > 2.0**52 * step).any():
        return None
    at = ((x - low[0]) / step[0], (y - low[1]) / step[1])
    whole, half = [np.round(v) for v in at], [np.floor(v) + 0.5 for v in at]
    apart = [(at[0] - i) ** 2 + 3.0 * (at[1] - j) ** 2 for i, j in (whole, half)]
    nearer = apart[0] < apart[1]
    across, down = (np.where(nearer, *lattices) for lattices in zip(whole, half, strict=True))
    # Whole or half steps along x and y, as one number.
    number = (2.0 * across).astype(np.intp) * _HALF_STEPS + (2.0 * down).astype(np.intp)
    counts = np.bincount(number)
    dense = np.flatnonzero(counts >= least)
    centers = np.column_stack([dense // _HALF_STEPS, dense % _HALF_STEPS]) / 2.0 * step + low
    cells = [(cx, cy, k) for (cx, cy), k in zip(centers.tolist(), counts[dense].tolist(), strict=True)]
    return Lattice(float(step[0]), float(step[1]) * 2.0 / 3.0, cells, counts[number] < least)


def _rounded_up(step: float) -> float:
    """Return a step with two significant digits that is no smaller."""
    unit = 10.0 ** (floor(log10(step)) - 1)
    return ceil(step / unit) * unit
