"""Other tools' fits, on their defaults; each returns [b, *w]."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

CHUNK = 100_000  # rows that SGDRegressor sees at once
COPIES = 7  # of X that OLS holds at once: [1 X], its decomposition and its pseudo-inverse


def coefficients(model: Any) -> list[float]:
    """Return [b, *w] of a fitted estimator."""
    return np.append(model.intercept_, model.coef_).tolist()


def scikit_learn(X: Any, y: Any) -> list[float]:
    """Fit scikit-learn's LinearRegression."""
    from sklearn.linear_model import LinearRegression

    return coefficients(LinearRegression().fit(X, y))


def onedal(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Fit scikit-learn-intelex's LinearRegression."""
    from sklearnex.linear_model import LinearRegression

    return coefficients(LinearRegression().fit(X, y))


def statsmodels(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Fit statsmodels' OLS, where its copies of the rows fit into memory."""
    needed, there = COPIES * X.nbytes, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise MemoryError(f"needs about {needed / 1e9:.1f} GB of memory, and the machine has {there / 1e9:.1f} GB")
    from statsmodels.api import OLS, add_constant

    return list(map(float, OLS(y, add_constant(X, has_constant="add")).fit().params))


def descend(chunks: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """Take SGDRegressor once over chunks of rows, standardized as the first one is."""
    from sklearn.linear_model import SGDRegressor
    from sklearn.preprocessing import StandardScaler

    model, scaler = SGDRegressor(random_state=0), StandardScaler()
    for X, y in chunks:
        if not hasattr(model, "coef_"):
            scaler.fit(X)
        model.partial_fit(scaler.transform(X), y)
    w = model.coef_ / scaler.scale_
    return [float(model.intercept_[0] - scaler.mean_ @ w), *w.tolist()]


def stochastic(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Take SGDRegressor once over the rows."""
    return descend((X[i : i + CHUNK], y[i : i + CHUNK]) for i in range(0, len(X), CHUNK))
