"""Value and gradient of the squared error by the formulas derived by hand (docs/derivation.md).

`regress.objective.autodiff` has the same names: a gradient engine is either module.
"""

from collections.abc import Sequence
from typing import NamedTuple

from regress.blocks import Array, Block
from regress.objective.losses import Loss, MomentForm, SquaredError

_CACHED = 2**20  # cells, 8 MiB


class Evaluation(NamedTuple):
    """L, ∇_w L (n,) and ∂L/∂b at one point (w, b)."""

    value: float
    grad_w: Array
    grad_b: float


def chain_rule(X: Array, grad_prediction: Array) -> tuple[Array, float]:
    """Carry ∇_ŷ L back through ŷ = Xw + b: ∇_w L = Xᵀ∇_ŷ L and ∂L/∂b = 1ᵀ∇_ŷ L."""
    return X.T @ grad_prediction, float(grad_prediction.sum())


def value_and_gradient(loss: Loss, X: Array, y: Array, w: Array, b: float) -> Evaluation:
    """Evaluate any loss of the predictions at (w, b).

    Parameters
    ----------
    loss : Loss
        Knows ŷ and y only.
    X, y : arrays of shape (m, n), (m,)
        The rows.
    w, b : array of shape (n,), float
        The point.

    Returns
    -------
    Evaluation
        L, ∇_w L and ∂L/∂b.
    """
    prediction = X @ w + b
    return Evaluation(loss.value(prediction, y), *chain_rule(X, loss.gradient(prediction, y)))


def prepare(array: Array) -> Array:
    """Return `array` in the form that this engine computes with."""
    return array


def prepare_rows(blocks: Sequence[Block]) -> Sequence[Block]:
    """Return (X, y, weights) in views that stay in the cache between ŷ = Xw + b and Xᵀ(ŷ − y)."""
    out = []
    for X, y, weights, _ in blocks:
        step = max(_CACHED // max(X.shape[1], 1), 1)
        for i in range(0, len(X), step):
            rows = slice(i, i + step)
            out.append(Block(X[rows], y[rows], None if weights is None else weights[rows]))
    return out


def rows(X: Array, y: Array, weights: Array | None, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error over rows: ∇_w L = 2Xᵀ(ŷ − y), ∂L/∂b = 2Σ(ŷ − y)."""
    return value_and_gradient(SquaredError(weights), X, y, w, b)


def moments(form: MomentForm, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error from moments: ∂L/∂b = 2W(b + δᵀw − ȳ), ∇_w L = 2(Gw − c) + δ ∂L/∂b.

    O(n²) however many rows were summed.
    """
    level = b + float(form.mean @ w) - form.target_mean  # mean of ŷ − y
    Gw = form.gram @ w
    grad_b = 2.0 * form.weight * level
    value = form.square - 2.0 * float(form.cross @ w) + float(w @ Gw) + form.weight * level * level
    return Evaluation(value, 2.0 * (Gw - form.cross) + form.mean * grad_b, grad_b)
