"""Other tools' fits, on their defaults; each returns [b, *w], or makes a frame and returns the fit of it."""

import os
from collections.abc import Callable, Iterable
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


def glum(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Fit glum's GeneralizedLinearRegressor without its penalty."""
    from glum import GeneralizedLinearRegressor

    return coefficients(GeneralizedLinearRegressor(family="normal", alpha=0).fit(X, y))


def polars_ols(X: np.ndarray, y: np.ndarray) -> Callable[[], list[float]]:
    """Make a frame of Polars, and return polars_ols on it."""
    import polars as pl

    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(X.shape[1])} | {"y": y}).lazy()
    return lambda: least_squares(frame, "y")


def least_squares(frame: Any, target: str) -> list[float]:
    """Fit polars_ols to a lazy frame of Polars."""
    import polars as pl
    from polars_ols import compute_least_squares

    fit = compute_least_squares(pl.col(target), pl.exclude(target), add_intercept=True, mode="coefficients")
    *w, b = frame.select(fit.alias("fit")).unnest("fit").collect().row(0)  # the intercept, "const", is last
    return [b, *w]


def pyfixest(X: np.ndarray, y: np.ndarray) -> Callable[[], list[float]]:
    """Make a frame of pandas, and return pyfixest's feols on it."""
    import pandas as pd
    from pyfixest import feols

    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names).assign(y=y)
    formula = f"y ~ {' + '.join(names)}"
    return lambda: list(map(float, feols(formula, frame).coef()))


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
