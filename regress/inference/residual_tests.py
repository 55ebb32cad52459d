"""What residuals show, by named statistics: a bend, a spread that changes, rows that are alike, heavy tails.

A sentence on a page needs a p-value below 0.001 and an effect of some size, so that large tables do not report trifles.
Of tables that are linear with normal errors, fewer than 1 % get any sentence.
"""

from math import isfinite

import numpy as np

from regress.blocks import Array
from regress.numerics.hashing import Bits
from regress.term_records import ResidualTest, ResidualTestName

_LEAST_ROWS = 20
_LEAST_VALUES = 8  # different predictions, below which a curve cannot be told from levels
_P_VALUE = 1e-3
_SIZES: dict[ResidualTestName, float] = {"curvature": 0.01, "spread": 0.1, "order": 0.2, "tails": 1.0}


def residual_tests(
    z: Array, predicted: Array, weights: Array, columns: int, places: Bits | None
) -> tuple[ResidualTest, ...]:
    """Test the residuals of some rows.

    Parameters
    ----------
    z, predicted, weights : arrays of shape (m,)
        √a (y − ŷ)/σ, ŷ and a.
    columns : int
        Coefficients that were fitted to these rows; 0 if these are a sample of more rows.
    places : array of shape (m, 2) or None
        The part of the table and the record of each row; None where they are unknown.

    Returns
    -------
    tuple of ResidualTest
        curvature
            F of ŷ² and ŷ³ in a regression of the residuals on 1, ŷ, ŷ² and ŷ³ (Ramsey's RESET, 1969). Its size is the
            share of the variance that they explain, negative for a concave curve.
        spread
            Spearman's rank correlation of |z| and ŷ, which is also its size.
        order
            Durbin and Watson's d = Σ(zₜ − zₜ₋₁)²/Σzₜ² over rows that follow each other in a part (1950). Its size is
            2 − d, twice the correlation of neighbors. The p-value is that of the normal distribution.
        tails
            The kurtosis m₄/m₂², 3 of normal errors, from which its size is counted. The p-value is that of Anscombe and
            Glynn (1983).
    """
    if len(z) < _LEAST_ROWS or not np.isfinite(z).all():
        return ()
    found = [_curvature(z, predicted, weights, columns), _spread(z, predicted), _tails(z)]
    if places is not None:
        found.append(_order(z, places))
    return tuple(test for test in found if test is not None)


def _test(name: ResidualTestName, statistic: float, p_value: float, size: float) -> ResidualTest | None:
    if not (isfinite(statistic) and isfinite(p_value) and isfinite(size)):
        return None
    return ResidualTest(name, statistic, p_value, size, p_value < _P_VALUE and abs(size) >= _SIZES[name])


def _curvature(z: Array, predicted: Array, weights: Array, columns: int) -> ResidualTest | None:
    from scipy import special

    free = len(z) - max(columns, 2) - 2
    spread = predicted.std()
    if free < 1 or not spread > 0.0 or len(np.unique(predicted)) < _LEAST_VALUES:
        return None
    q = (predicted - predicted.mean()) / spread
    powers = np.vander(q, 4, increasing=True) * np.sqrt(weights)[:, None]
    basis, triangle = np.linalg.qr(powers)
    if np.abs(np.diagonal(triangle)).min() < 1e-8 * np.abs(np.diagonal(triangle)).max():
        return None
    along = basis.T @ z
    explained, left = float(along[2:] @ along[2:]), float(z @ z - along @ along)
    if not left > 0.0:
        return None
    f = explained / 2.0 / (left / free)
    bend = along[2] * triangle[2, 2]  # the sign of the coefficient of q², apart from q³
    return _test("curvature", f, float(special.fdtrc(2, free, f)), float(np.copysign(explained / (z @ z), bend)))


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
    of_part, e = places[at, 0], z[at]
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
