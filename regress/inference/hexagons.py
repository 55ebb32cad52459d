"""Rows counted in hexagons: a cloud of many rows, none of which is shown alone."""

import numpy as np

from regress.blocks import Array, Mask

_ACROSS, _DOWN = 26, 15  # hexagons along x, and rows of one of two lattices along y
_PLACES = 2 * _DOWN + 2  # along y, in half steps


def counted(x: Array, y: Array, least: int) -> tuple[float, float, list[tuple[float, float, int]], Mask] | None:
    """Count points in hexagons, on two lattices of rectangles that are half a step apart (Carr and others 1987).

    Parameters
    ----------
    x, y : arrays of shape (m,)
        The points.
    least : int
        Points that a hexagon needs to be a cell.

    Returns
    -------
    tuple or None
        Width and height of a hexagon, centers and counts of the cells, and which points (m,) are in no cell. None where
        x or y is constant, or its range cannot be divided.
    """
    low, step = (
        np.array([values.min() for values in (x, y)]),
        np.array([np.ptp(x) / _ACROSS, np.ptp(y) / _DOWN]),
    )
    if not (np.isfinite(step).all() and (step > 0.0).all() and (1.0 / step < np.inf).all()):
        return None
    at = ((x - low[0]) / step[0], (y - low[1]) / step[1])
    whole, half = [np.round(v) for v in at], [np.floor(v) + 0.5 for v in at]
    apart = [(at[0] - i) ** 2 + 3.0 * (at[1] - j) ** 2 for i, j in (whole, half)]
    nearer = apart[0] < apart[1]
    across, down = (np.where(nearer, *lattices) for lattices in zip(whole, half, strict=True))
    number = (2.0 * across).astype(np.intp) * _PLACES + (2.0 * down).astype(
        np.intp
    )  # of a hexagon: whole or half steps
    counts = np.bincount(number)
    dense = np.flatnonzero(counts >= least)
    centers = np.column_stack([dense // _PLACES, dense % _PLACES]) / 2.0 * step + low
    cells = [(cx, cy, k) for (cx, cy), k in zip(centers.tolist(), counts[dense].tolist(), strict=True)]
    return float(step[0]), float(step[1]) * 2.0 / 3.0, cells, counts[number] < least
