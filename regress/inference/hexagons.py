"""Rows counted in hexagons: a cloud of many rows, none of which is shown alone."""

import numpy as np

from regress.blocks import Array, Mask

_ACROSS, _DOWN = 26, 15  # hexagons along x, and rows of one of two lattices along y


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
        Width and height of a hexagon, centers and counts of the cells, and which points (m,) are in none; None where x
        or y is constant, or its range is not a number that can be divided.
    """
    low, step = (
        np.array([values.min() for values in (x, y)]),
        np.array([np.ptp(x) / _ACROSS, np.ptp(y) / _DOWN]),
    )
    if not (np.isfinite(step).all() and (step > 0.0).all() and (1.0 / step < np.inf).all()):
        return None
    at = (np.array([x, y]).T - low) / step
    lattices = np.round(at), np.floor(at) + 0.5
    apart = [((at - center) ** 2) @ [1.0, 3.0] for center in lattices]
    center = np.where((apart[0] < apart[1])[:, None], *lattices)
    found, of, counts = np.unique(center, axis=0, return_inverse=True, return_counts=True)
    dense = counts >= least
    centers = (found * step + low)[dense]
    cells = [(cx, cy, k) for (cx, cy), k in zip(centers.tolist(), counts[dense].tolist(), strict=True)]
    return float(step[0]), float(step[1]) * 2.0 / 3.0, cells, ~dense[of.ravel()]
