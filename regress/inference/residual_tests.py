"""What residuals show, by named statistics: a bend, a spread that changes, rows that are alike, heavy tails.

A sentence on a page needs a p-value below 0.001 and an effect of some size, so that large tables do not report trifles.
Of tables that are linear with normal errors, fewer than 1 % get any sentence.
"""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.numerics.hashing import Bits
from regress.term_records import ResidualTest, ResidualTestName

_LEAST_ROWS = 20
_LEAST_VALUES = 8  # different predictions, below which a curve cannot be told from levels
_MOST_CURVES = 50  # columns that are tried
_P_VALUE = 1e-3
_SIZES: dict[ResidualTestName, float] = {"curvature": 0.01, "spread": 0.1, "order": 0.2, "tails": 1.0}


class SampledResiduals(NamedTuple):
    """Some rows: z = √a (y − ŷ)/σ, ŷ and a, (m,) each.

    `basis` (m, n) is that of the columns that were fitted. `places` (m, 2) are the part of the table and the record of
    each row. Both are None where they are unknown.
    """

    z: Array
    predicted: Array
    weights: Array
    basis: Array | None
    places: Bits | None


def residual_tests(rows: SampledResiduals) -> tuple[ResidualTest, ...]:
    """Test the residuals of some rows.

    Returns
    -------
    tuple of ResidualTest
        curvature
            Ramsey's RESET (1969): F of ŷ² and ŷ³, added to the columns. Its size is the share of the variance of the
            residuals that they explain, negative for a concave curve.
        spread
            Spearman's rank correlation of |z| and ŷ, which is also its size.
        order
            Durbin and Watson's d = Σ(zₜ − zₜ₋₁)²/Σzₜ² over rows that follow each other in a part (1950). Its size is
            2 − d, twice the correlation of neighbors. The p-value is that of the normal distribution, of a d below 2.
        tails
            The kurtosis m₄/m₂², 3 of normal errors, from which its size is counted. The p-value is that of Anscombe and
            Glynn (1983), of a kurtosis above 3.
    """
    z = rows.z
    if len(z) < _LEAST_ROWS or not np.isfinite(z).all():
        return ()
    found = [_curvature(rows), _spread(z, rows.predicted), _tails(z)]
    if rows.places is not None:
        found.append(_order(z, rows.places))
    return tuple(test for test in found if test is not None)


def _test(name: ResidualTestName, statistic: float, p_value: float, size: float) -> ResidualTest | None:
    if not (isfinite(statistic) and isfinite(p_value) and isfinite(size)):
        return None
    return ResidualTest(name, statistic, p_value, size, p_value < _P_VALUE and abs(size) >= _SIZES[name])


def _curvature(rows: SampledResiduals) -> ResidualTest | None:
    from scipy import special

    z, predicted, basis = rows.z, rows.predicted, rows.basis
    spread = predicted.std()
    if basis is None or not spread > 0.0 or len(np.unique(predicted)) < _LEAST_VALUES:
        return None
    free = len(z) - basis.shape[1] - 2
    q, root = (predicted - predicted.mean()) / spread, np.sqrt(rows.weights)
    z, *powers = _apart(np.array([z, root * q**2, root * q**3]), basis)
    added, triangle = np.linalg.qr(np.array(powers).T)
    if free < 1 or np.abs(np.diagonal(triangle)).min() < 1e-8 * np.sqrt(len(z)):
        return None  # ŷ² or ŷ³ is a combination of the columns
    along = added.T @ z
    explained = float(along @ along)
    left = float(z @ z) - explained
    if not left > 0.0:
        return None
    f = explained / 2.0 / (left / free)
    bend = along[0] * triangle[0, 0]  # the sign of the coefficient of ŷ², apart from ŷ³
    return _test("curvature", f, float(special.fdtrc(2, free, f)), float(np.copysign(explained / (z @ z), bend)))


def _apart(columns: Array, basis: Array) -> Array:
    """Return what is left of some columns (k, m) in a regression on the columns of a basis (m, n)."""
    inner = basis.T @ basis  # near the identity, or a multiple of it in a sample
    apart: Array = columns - (columns @ basis) @ np.linalg.solve(inner, basis.T)
    return apart


def bent_column(rows: SampledResiduals, X: Array, numbers: Sequence[int]) -> int | None:
    """Return which of some columns of X explains most of the residuals by its square; None if that is little.

    Columns of fewer than eight values are excluded, and all columns if the basis is unknown.
    """
    if rows.basis is None:
        return None
    at = [j for j in numbers[:_MOST_CURVES] if len(np.unique(X[:, j])) >= _LEAST_VALUES]
    if not at:
        return None
    x = X[:, at] - X[:, at].mean(axis=0)
    z, *squares = _apart(np.array([rows.z, *(np.sqrt(rows.weights) * (x / np.abs(x).max(axis=0)).T ** 2)]), rows.basis)
    norms = np.sqrt([max(float(s @ s), 1e-300) for s in squares])
    shares = (np.array(squares) @ z) ** 2 / norms**2 / (z @ z)
    best = int(np.argmax(np.where(norms > 1e-8, shares, 0.0)))
    return at[best] if shares[best] >= _SIZES["curvature"] else None


def _spread(z: Array, predicted: Array) -> ResidualTest | None:
    from scipy import special

    free = len(z) - 2
    a, b = (_ranks(values) - (len(z) + 1) / 2.0 for values in (np.abs(z), predicted))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    if not norm > 0.0:
        return None
    rho = min(max(float(a @ b) / norm, -1.0), 1.0)
    if abs(rho) == 1.0:
        return _test("spread", rho, 0.0, rho)
    t = rho * np.sqrt(free / (1.0 - rho * rho))
    return _test("spread", rho, float(2.0 * special.stdtr(free, -abs(t))), rho)


def _ranks(values: Array) -> Array:
    """Return ranks from 1; equal values share the mean of theirs."""
    order = np.argsort(values)
    new = np.append(True, np.diff(values[order]) > 0.0)
    starts = np.flatnonzero(new)
    means = (starts + np.append(starts[1:], len(values)) + 1.0) / 2.0
    ranks = np.empty(len(values))
    ranks[order] = means[np.cumsum(new) - 1]
    return ranks


def _order(z: Array, places: Bits) -> ResidualTest | None:
    from scipy import special

    at = np.lexsort((places[:, 1], places[:, 0]))
    of_part, e = places[at, 0], z[at] - z.mean()  # which is not 0 without an intercept
    together = of_part[1:] == of_part[:-1]
    pairs = int(together.sum())
    if pairs < _LEAST_ROWS:
        return None
    steps = np.diff(e)[together]
    first, second = e[:-1][together], e[1:][together]
    around = float(first @ first + second @ second) / 2.0
    if not around > 0.0:
        return None
    d = float(steps @ steps) / around
    return _test("order", d, float(special.ndtr(-(2.0 - d) * np.sqrt(pairs) / 2.0)), 2.0 - d)


def _tails(z: Array) -> ResidualTest | None:
    from scipy import special

    n, e = len(z), z - z.mean()
    variance = float(e @ e) / n
    if not variance > 0.0:
        return None
    kurtosis = float(np.mean((e * e / variance) ** 2))
    mean = 3.0 * (n - 1) / (n + 1)
    var = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    skew = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * np.sqrt(6.0 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    freedom = 6.0 + 8.0 / skew * (2.0 / skew + np.sqrt(1.0 + 4.0 / skew**2))
    ratio = (1.0 - 2.0 / freedom) / (1.0 + (kurtosis - mean) / np.sqrt(var) * np.sqrt(2.0 / (freedom - 4.0)))
    normal = (1.0 - 2.0 / (9.0 * freedom) - np.cbrt(ratio)) / np.sqrt(2.0 / (9.0 * freedom))
    return _test("tails", kurtosis, float(special.ndtr(-normal)), kurtosis - 3.0)
