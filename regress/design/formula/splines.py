"""Bases of splines by column: B-splines and natural cubic splines, with the same columns as R's `bs` and `ns`.

Sources: de Boor, *A Practical Guide to Splines*, chapter X, for the recurrence and the derivatives. Dongarra et al.,
*LINPACK Users' Guide*, chapter 9, for the reflections, which decide the signs of natural splines.
"""

from collections.abc import Sequence

import numpy as np

from regress.blocks import Array


def b_splines(x: Array, knots: Array, degree: int) -> Array:
    """Return all B-splines on ascending knots, whose first and last stand there degree + 1 times: (splines, rows).

    Beyond the outer knots the polynomials of the first and last interval go on. NaN stays NaN.

    Examples
    --------
    >>> b_splines(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]), degree=1).tolist()
    [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
    """
    count = len(knots) - degree - 1
    at = np.clip(np.searchsorted(knots, x, side="right") - 1, degree, count - 1)
    near = [knots[at + j] for j in range(1 - degree, degree + 1)]  # the knots that matter for each row
    basis = [np.ones(len(x))]
    for d in range(1, degree + 1):
        larger = [np.zeros(len(x))]
        for r, spline in enumerate(basis):
            lower, upper = near[degree - d + r], near[degree + r]
            share = spline / (upper - lower)
            larger[r] = larger[r] + (upper - x) * share
            larger.append((x - lower) * share)
        basis = larger
    columns = np.zeros((count, len(x)))
    rows = np.arange(len(x))
    for r, spline in enumerate(basis):
        columns[at - degree + r, rows] = spline
    columns[:, np.isnan(x)] = np.nan
    return columns


def padded(lower: float, inner: Sequence[float], upper: float, degree: int) -> Array:
    """Return knots with the boundaries repeated degree + 1 times."""
    return np.array([lower] * (degree + 1) + sorted(inner) + [upper] * (degree + 1))


def knots_fault(lower: float, inner: Sequence[float], upper: float, degree: int) -> str | None:
    """Return what is wrong with knots between boundaries; None if nothing is."""
    if not lower < upper:
        return f"its boundaries, {lower} and {upper}, do not ascend"
    if not all(lower < knot < upper for knot in inner):
        return f"its knots must lie between {lower} and {upper}"
    if any(inner.count(knot) > degree for knot in inner):
        return f"a knot may be repeated {degree} times at most"
    return None


def natural_splines(x: Array, knots: Array, intercept: bool) -> Array:
    """Return cubic splines that are linear beyond the outer knots: (columns, rows).

    As in R, the cubic B-splines, without the first unless `intercept`, are turned by an orthogonal matrix. After it,
    the second derivatives at the boundaries depend on the first two columns only, which are dropped.
    """
    ends = knots[[0, -1]]
    inside = np.clip(x, *ends)
    beyond = x - inside
    basis = b_splines(inside, knots, 3)
    slopes = _derivatives(ends, knots, 3, 1)
    for end in (0, 1):
        rows = np.flatnonzero(beyond > 0 if end else beyond < 0)
        basis[:, rows] += slopes[:, end, None] * beyond[rows]
    bends = _derivatives(ends, knots, 3, 2)
    first = 0 if intercept else 1
    return _turned(basis[first:], bends[first:])[2:]


def _derivatives(x: Array, knots: Array, degree: int, order: int) -> Array:
    """Return derivatives of all B-splines at some places (splines, places)."""
    if not order:
        return b_splines(x, knots, degree)
    widths = (knots[degree + 1 : -1] - knots[1 : -degree - 1])[:, None]
    lower = degree * _derivatives(x, knots[1:-1], degree - 1, order - 1) / np.where(widths, widths, 1.0)  # 0/0 is 0
    return -np.diff(lower, axis=0, prepend=0.0, append=0.0)


def _turned(columns: Array, constraints: Array) -> Array:
    """Return Qᵀ columns, for the QR factorization of constraints (k, 2) by LINPACK's reflections."""
    work = np.concatenate([constraints, columns], axis=1)
    for j in range(2):
        mirror = work[j:, j] / np.copysign(np.sqrt(_dot(work[j:, j], work[j:, j, None])), work[j, j])
        mirror[0] += 1.0
        work[j:] -= mirror[:, None] * (_dot(mirror, work[j:]) / mirror[0])
    return work[:, 2:]


def _dot(weights: Array, columns: Array) -> Array:
    """Return weights · columns, added in the order of the splines: the same bits for any number of rows."""
    total = np.zeros(columns.shape[1])
    for weight, column in zip(weights.tolist(), columns, strict=True):
        if weight:
            total += weight * column
    return total
