"""Value and gradient of a loss of ŷ = Xw + b by the formulas derived by hand (docs/derivation.md).

`regress.objective.autodiff` has the same names: a gradient engine is either module.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array
from regress.objective.losses import Loss, MomentForm

_CACHED = 2**20  # cells, 8 MiB


class Evaluation(NamedTuple):
    """L, ∇_w L (n,) and ∂L/∂b at one point (w, b)."""

    value: float
    grad_w: Array
    grad_b: float


class Rows(NamedTuple):
    """Some rows of one target: X (m, n), y (m,), and weights (m,), or 1.0 without any."""

    X: Any
    y: Any
    weights: Any = 1.0


def chain_rule(X: Array, grad_prediction: Array) -> tuple[Array, float]:
    """Carry ∇_ŷ L back through ŷ = Xw + b: ∇_w L = Xᵀ∇_ŷ L and ∂L/∂b = 1ᵀ∇_ŷ L."""
    return X.T @ grad_prediction, float(grad_prediction.sum())


def prepare(array: Array) -> Array:
    """Return `array` in the form that this engine computes with."""
    return array


def prepare_rows(parts: Sequence[Rows], separable: bool = True) -> Sequence[Rows]:
    """Return views of the rows that stay in the cache between ŷ = Xw + b and Xᵀ(ŷ − y); else one piece."""
    if not separable:
        columns = zip(*((X, y, np.broadcast_to(a, y.shape)) for X, y, a in parts), strict=True)
        return [Rows(*map(np.concatenate, columns))]
    out = []
    for X, y, weights in parts:
        step = max(_CACHED // max(X.shape[1], 1), 1)
        for i in range(0, len(X), step):
            rows = slice(i, i + step)
            out.append(Rows(X[rows], y[rows], weights if isinstance(weights, float) else weights[rows]))
    return out


def rows(loss: Loss, part: Rows, w: Array, b: float) -> Evaluation:
    """Evaluate a loss over rows. For the squared error, ∇_w L = 2Xᵀ(ŷ − y) and ∂L/∂b = 2Σ(ŷ − y)."""
    X, y, weights = part
    prediction = X @ w + b  # ŷ = Xw + b
    grad_prediction = loss.gradient(prediction, y, weights)  # ∇_ŷ L = 2(ŷ − y)
    grad_w, grad_b = chain_rule(X, grad_prediction)  # ∇L = 2Xᵀ(ŷ − y)
    return Evaluation(float(loss.value(prediction, y, weights, np)), grad_w, grad_b)


def moments(form: MomentForm, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error from moments: O(n²) however many rows were summed."""
    Gw = form.gram @ w
    return Evaluation(float(form.value(w, b, Gw, np)), *form.gradient(w, b, Gw))
