"""Tables and fits whose pages are tested, one for each kind of result."""

from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import regress
from regress.api.result import Fit
from regress.blocks import Array
from regress.errors import ConvergenceWarning, DataWarning

Rows = tuple[NDArray[Any], Array]  # X may hold booleans, too
DATA = Path(__file__).parents[2] / "data"
DIABETES = str(DATA / "diabetes.csv")


def normal_rows(m: int = 300, n: int = 3, seed: int = 0) -> Rows:
    """Return rows of a linear model with normal errors."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, n)) * [1.0, 40.0, 0.02][:n] + [0.0, 5.0, 1.0][:n]
    return X, X @ [1.5, -0.2, 30.0][:n] + 7.0 + random.normal(size=m) * 0.7


def solved(X: Array, y: Array, a: Array | None = None, intercept: bool = True) -> tuple[Array, float, Array]:
    """Return w, b and residuals by numpy."""
    Z = np.column_stack([X, np.ones(len(X))]) if intercept else X
    root = np.ones(len(X)) if a is None else np.sqrt(a)
    found = np.linalg.lstsq(Z * root[:, None], y * root)[0]
    return found[: X.shape[1]], found[-1] if intercept else 0.0, y - Z @ found


def correlated_rows() -> Rows:
    """Rows whose columns have much in common, so that descents take their time."""
    X, y = normal_rows()
    mixed = X @ [[1.0, 0.0, 0.9], [0.0, 1.0, 0.02], [0.0, 0.0, 20.0]]
    return mixed, y


def dependent_rows() -> Rows:
    """Return rows of four columns, one of which is the sum of two others."""
    X, y = normal_rows()
    X = np.round(X * 8.0) / 8.0
    return np.column_stack([X, X[:, 0] + X[:, 1]]), y


SITUATIONS: dict[str, tuple[Rows, dict[str, Any]]] = {
    "plain": (normal_rows(), {}),
    "float64": (normal_rows(), {"precision": "float64"}),
    "no intercept": (normal_rows(), {"fit_intercept": False}),
    "alpha": (normal_rows(), {"alpha": 2.0}),
    "weights": (normal_rows(), {"weights": np.random.default_rng(1).uniform(0.5, 4.0, 300)}),
    "frequency": (normal_rows(), {"weights": np.arange(300.0) % 3 + 1.0, "weight_type": "frequency"}),
    "HC1": (normal_rows(), {"cov_type": "HC1"}),
    "held out": (normal_rows(), {"test_size": 0.3}),
    "gd": (normal_rows(), {"solver": "gd"}),
    "accelerated": (normal_rows(), {"solver": "accelerated"}),
    "cg": (normal_rows(), {"solver": "cg"}),
    "not converged": (normal_rows(), {"solver": "gd", "max_iter": 1}),
    "raw units": (normal_rows(), {"solver": "gd", "standardize": False, "max_iter": 40}),
    "dependent": (dependent_rows(), {}),
    "dependent, in float64": (dependent_rows(), {"precision": "float64"}),
    "dependent, by gd": (dependent_rows(), {"solver": "gd"}),
    "dropped": (dependent_rows(), {"collinear": "drop"}),
    "constant column": ((np.column_stack([normal_rows()[0], np.full(300, 4.0)]), normal_rows()[1]), {}),
    "constant target": ((normal_rows()[0], np.full(300, 2.5)), {}),
    "zero target": ((normal_rows()[0], np.zeros(300)), {}),
    "constant target, no intercept": ((normal_rows()[0], np.full(300, 2.5)), {"fit_intercept": False}),
    "perfect": ((np.arange(24.0).reshape(12, 2) ** 2, np.arange(24.0).reshape(12, 2) ** 2 @ [2.0, 3.0] + 1.0), {}),
    "one column": (normal_rows(n=1), {}),
    "one row": ((np.array([[1.5, 2.25]]), np.array([3.0])), {}),
    "two rows": ((np.array([[1.5, 2.25], [1.0, 7.0]]), np.array([3.0, 4.0])), {}),
    "more columns than rows": ((np.random.default_rng(2).normal(size=(20, 33)), np.arange(20.0)), {}),
    "few rows, more columns": ((np.random.default_rng(2).normal(size=(3, 5)), np.arange(3.0)), {}),
    "as many rows as coefficients": ((np.random.default_rng(2).normal(size=(4, 3)), np.arange(4.0) ** 2), {}),
    "small target": ((normal_rows()[0], normal_rows()[1] * 1e-200), {}),
    "large target": ((normal_rows()[0], normal_rows()[1] * 1e140), {}),
    "small columns": ((normal_rows()[0] * 1e-140, normal_rows()[1]), {}),
    "two values": ((np.arange(100.0)[:, None] % 3 > 1, normal_rows(100)[1]), {}),
    "constant prediction": ((np.full((60, 1), 4.0), normal_rows(60)[1]), {}),
    "without a sample": (normal_rows(), {"sample": 0}),
    "outlier": ((normal_rows(100)[0], np.append(normal_rows(99)[1], 1e6)), {}),
    "negative, far from zero": ((normal_rows()[0], normal_rows()[1] * 0.01 - 1.7e9), {}),
    "far from zero": ((normal_rows()[0] + 1e9, normal_rows()[1] + 1e12), {}),
}


@cache
def fitted(name: str) -> Fit:
    """Fit one of the situations, once a process."""
    (X, y), options = SITUATIONS[name]
    with pytest.warns((ConvergenceWarning, DataWarning)) if noisy(name) else nullcontext():
        return regress.fit(X, y, **options)


def with_outcome(fit: Fit, *, trained: dict[str, Any] | None = None, **outcome: Any) -> Fit:
    """Return a fit whose record says something else of how it came about."""
    known = fit.record
    known = replace(known, trained=replace(known.trained, **trained or {}), outcome=replace(known.outcome, **outcome))
    return Fit(_bare=replace(fit.model, trained=known.trained), _held=known)


def noisy(name: str) -> bool:
    """Return whether a fit warns."""
    return name in (
        "not converged", "raw units", "dependent", "dependent, in float64", "dependent, by gd", "dropped",
        "constant column", "constant prediction", "one row", "two rows", "more columns than rows",
        "few rows, more columns", "perfect",
    )  # fmt: skip


OBJECTIVES = {"weights": "Σa(ŷ − y)²", "frequency": "Σa(ŷ − y)²", "alpha": "Σ(ŷ − y)² + 2‖w‖²"}


def plain_residuals(X: Array, y: Array, a: Array | None = None, intercept: bool = True) -> tuple[Array, Array, Array]:
    """Return ŷ, y − ŷ and z = √a (y − ŷ)/σ by numpy."""
    _, _, residual = solved(X, y, a, intercept)
    a = np.ones(len(y)) if a is None else a
    sigma = np.sqrt((a * residual**2).sum() / (len(y) - X.shape[1] - intercept))
    return y - residual, residual, np.sqrt(a) * residual / sigma
