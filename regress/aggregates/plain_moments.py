"""Moments as plain values, as files hold them: means, norms, and half a matrix of cosines."""

import numpy as np

from regress.aggregates.moments import Moments, Shift
from regress.blocks import Array
from regress.fit_record import PlainMoments

MOST_MOMENTS = 50  # columns whose moments are kept


def of_moments(m: Moments) -> PlainMoments:
    """Return moments of one target as plain values: means, norms about them, and cosines, upper triangle by rows."""
    norm, target_norm = np.sqrt(np.diagonal(m.xx)), float(np.sqrt(m.yy[0]))
    unit, target_unit = np.where(norm > 0, norm, 1.0), target_norm or 1.0
    cosines, center, target_center = m.xx / unit / unit[:, None], m.center, m.target_center
    return PlainMoments(
        rows=m.rows,
        weight=m.weight,
        mean=tuple(center.tolist()),
        norm=tuple(norm.tolist()),
        cosines=tuple(tuple(cosines[j, j:].tolist()) for j in range(len(norm))),
        target_cosines=tuple((m.xy[:, 0] / unit / target_unit).tolist()),
        target_mean=float(target_center[0]),
        target_norm=target_norm,
    )


def to_moments(held: PlainMoments) -> Moments:
    """Return the moments that `of_moments` wrote, to rounding.

    Raises
    ------
    ValueError
        If they are no moments.
    """
    norm, target_norm = np.array(held.norm, dtype=np.float64), float(held.target_norm)
    n = len(norm)
    cosines: Array = np.zeros((n, n))
    for j, row in enumerate(held.cosines):
        cosines[j, j:] = cosines[j:, j] = row
    shift = Shift(np.array(held.mean, dtype=np.float64), np.array([held.target_mean], dtype=np.float64))
    with np.errstate(all="ignore"):  # looked for right below
        xx, yy = cosines * norm * norm[:, None], np.array([target_norm**2])
        cross = np.array(held.target_cosines, dtype=np.float64) * norm * target_norm
    found = Moments(
        rows=int(held.rows),
        weight=float(held.weight),
        shift=shift,
        mean_x=np.zeros(n),
        mean_y=np.zeros(1),
        xx=xx,
        xy=cross[:, None],
        yy=yy,
    )
    if not (found.finite() and np.isfinite([*shift.x, *shift.y]).all() and 0 < found.weight < np.inf):
        raise ValueError("the moments are not finite")
    if (np.diagonal(cosines) < 0).any():
        raise ValueError("the moments are of no columns")
    return found
