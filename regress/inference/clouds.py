"""The rows of a sample in several planes: in hexagons where they are many, one by one where that is asked for."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.inference.hexagons import counted
from regress.inference.row_groups import LEAST, groups, rounded, slices_of
from regress.numerics.hashing import Bits
from regress.records import LEAST_LEVERAGE
from regress.term_records import Dot, Hexagons, PlaneName, Point


class Cloud(NamedTuple):
    """Some rows: ŷ, y − ŷ and z (m,) each; their leverages and record numbers (m,), if known."""

    predicted: Array
    residual: Array
    z: Array
    leverages: Array | None
    records: Array | None


def records(places: Bits | None) -> Array | None:
    """Return the record numbers of rows, from 0, if all are of one part of the table."""
    if places is None or (places[:, 0] != places[0, 0]).any():
        return None
    return places[:, 1].astype(np.float64)


def planes(cloud: Cloud) -> tuple[Hexagons, ...]:
    """Return the rows in hexagons, in every plane in which they can be counted."""
    x, e, z, h, at = cloud
    several: dict[PlaneName, tuple[Array | None, Array]] = {
        "actual": (x, x + e),
        "fitted": (x, e),
        "scale": (x, np.sqrt(np.abs(z))),
        "leverage": (None if h is None else np.log10(np.maximum(h, LEAST_LEVERAGE)), z),
        "order": (at, z),
    }
    found = [_plane(name, x, y) for name, (x, y) in several.items() if x is not None]
    return tuple(plane for plane in found if plane is not None)


def _plane(name: PlaneName, x: Array, y: Array) -> Hexagons | None:
    if (found := counted(x, y, LEAST)) is None:
        return None
    others = groups(x[found.apart], y[found.apart]) if found.apart.sum() >= LEAST else []
    shown = rounded([[0, *cell] for cell in found.cells]) if found.cells else []
    if name == "leverage":
        shown, others = ([[k, 10.0**x, y, rows] for k, x, y, rows in some] for some in (shown, others))
    return Hexagons(name, found.width, found.height, _dots(shown), _dots(others))


def _dots(found: list[list[float]]) -> tuple[Dot, ...]:
    return tuple(Dot(x, y, int(rows)) for _, x, y, rows in found)


def along_order(cloud: Cloud) -> tuple[Dot, ...]:
    """Return means of z over slices along the order of the rows; nothing where that is unknown."""
    if cloud.records is None:
        return ()
    at = np.argsort(cloud.records)
    place, z = cloud.records[at], cloud.z[at]
    means = [[0, float(place[a:b].mean()), float(z[a:b].mean()), b - a] for a, b in pairwise(slices_of(place))]
    return _dots(rounded(means))


def points(cloud: Cloud) -> tuple[Point, ...]:
    """Return every row, in the order of the table where that is known, else of ŷ."""
    m = len(cloud.z)
    h = [None] * m if cloud.leverages is None else cloud.leverages.tolist()
    place = [None] * m if cloud.records is None else cloud.records.astype(int).tolist()
    rows = zip(cloud.predicted.tolist(), cloud.residual.tolist(), cloud.z.tolist(), h, place, strict=True)
    order = cloud.predicted if cloud.records is None else cloud.records
    listed = list(rows)
    return tuple(Point(*listed[k]) for k in np.argsort(order, kind="stable"))
