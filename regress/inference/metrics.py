"""Metrics of predictions, as scikit-learn defines them, from residuals ŷ − y that are rounded once."""

from collections.abc import Callable
from math import inf, nan

import numpy as np

from regress.blocks import Array
from regress.numerics.whole_sum import WholeSum

Measured = Callable[[Array, Array, Array], float]
"""measured(residuals, y, weights): all of shape (m,)."""

_LEAST = float(np.finfo(np.float64).eps)  # of |y| in a percentage, as in scikit-learn


def _total(a: Array, values: Array) -> float:
    """Return Σa·v rounded once, so that it does not depend on the order of the rows."""
    if not np.isfinite(values).all():
        return inf
    total = WholeSum()
    total.add_products(a, values)
    return float(total.fraction)


def _mean(a: Array, values: Array) -> float:
    return _total(a, values) / _total(a, np.ones(len(a)))


def r2(residuals: Array, y: Array, a: Array) -> float:
    """Return R² = 1 − Σa(ŷ − y)²/Σa(y − ȳ)²; NaN for a constant y."""
    square = _total(a, (y - _mean(a, y)) ** 2)
    return 1.0 - _total(a, residuals**2) / square if square and np.ptp(y) else nan


def rmse(residuals: Array, y: Array, a: Array) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(_mean(a, residuals**2)))


def mae(residuals: Array, y: Array, a: Array) -> float:
    """Return the mean absolute error."""
    return _mean(a, np.abs(residuals))


def mape(residuals: Array, y: Array, a: Array) -> float:
    """Return the mean of |ŷ − y|/|y|: 0.05 is five percent."""
    return _mean(a, np.abs(residuals) / np.maximum(np.abs(y), _LEAST))


def max_error(residuals: Array, y: Array, a: Array) -> float:
    """Return the maximum of |ŷ − y| over rows, whatever their weights."""
    return float(np.abs(residuals).max())


METRICS: dict[str, Measured] = {"r2": r2, "rmse": rmse, "mae": mae, "mape": mape, "max_error": max_error}
