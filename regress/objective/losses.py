"""The loss, its derivatives, and the conventions of the whole package, stated here once.

Shapes: X (m, n), w (n,), b scalar, y and ŷ (m,), row weights a (m,). Every other file stays silent about them.

    ŷ = Xw + b                        model; the Jacobian of ŷ is X with respect to w, and 1 with respect to b
    L(ŷ) = (y − ŷ)ᵀ(y − ŷ)            squared error: a sum, with no ½ and no 1/m; in units of y²
    ∇_ŷ L = 2(ŷ − y)
    ∇_w L = Xᵀ ∇_ŷ L = 2Xᵀ(ŷ − y)     chain rule; entry j in units of y²/wⱼ, that is y·xⱼ
    ∂L/∂b = 1ᵀ ∇_ŷ L = 2 Σ(ŷ − y)     in units of y
    ∇²L   = 2 [X 1]ᵀ[X 1]             curvature: constant, since L is quadratic

With row weights, L = Σ a (ŷ − y)²: the quadratic form below with A = diag(a). Ridge adds α‖w‖², b free. The
learning rate multiplies ∇L/m (with weights ∇L/Σa).

Other packages put other factors in front of the same squared error:

    scikit-learn  SGDRegressor              ½(ŷ − y)² a row: its eta0 is 2η of ours
    scikit-learn  HalfSquaredError (mean)   L/(2m)
    scikit-learn  Ridge                     L + α‖w‖²: the same as ours
    skglm, glum                             L/(2m)
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from regress.blocks import Array
from regress.errors import InputError


class Loss(Protocol):
    """A loss that knows only predictions and targets; the linear model adds X by the chain rule."""

    def value(self, prediction: Array, target: Array) -> float:
        """L(ŷ)."""
        ...

    def gradient(self, prediction: Array, target: Array) -> Array:
        """∇_ŷ L (m,)."""
        ...

    def curvature(self, direction: Array) -> Array:
        """∇²_ŷ L times a direction (m,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SquaredError:
    """L = Σ a (ŷ − y)², with a = 1 unless `weights` (m,) are given.

    Its Jacobian with respect to ŷ is 2a(ŷ − y)ᵀ; the gradient is the transpose.
    """

    weights: Array | None = None

    def value(self, prediction: Array, target: Array) -> float:
        """Return L in units of y²."""
        residual = prediction - target
        return float(residual @ self._weighted(residual))

    def gradient(self, prediction: Array, target: Array) -> Array:
        """Return ∇_ŷ L = 2(ŷ − y), times the weights."""
        return 2.0 * self._weighted(prediction - target)

    def curvature(self, direction: Array) -> Array:
        """Return ∇²_ŷ L d = 2d, times the weights."""
        return 2.0 * self._weighted(direction)

    def _weighted(self, rows: Array) -> Array:
        return rows if self.weights is None else self.weights * rows


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticForm:
    """L = (ŷ − y)ᵀA(ŷ − y) for any square A (m, m): generalized least squares.

    By the product rule dL = drᵀAr + rᵀA dr = (Ar + Aᵀr)ᵀdr with r = ŷ − y, so ∇_ŷ L = (A + Aᵀ)(ŷ − y). The often
    printed 2Aᵀr and 2Ar hold only where A is symmetric.
    """

    A: Array

    def __post_init__(self) -> None:
        if self.A.ndim != 2 or self.A.shape[0] != self.A.shape[1]:
            raise InputError(f"A must be square to form rᵀAr; its shape is {self.A.shape}.")

    def value(self, prediction: Array, target: Array) -> float:
        """Return rᵀAr with r = ŷ − y."""
        residual = prediction - target
        return float(residual @ self.A @ residual)

    def gradient(self, prediction: Array, target: Array) -> Array:
        """Return ∇_ŷ L = (A + Aᵀ)(ŷ − y)."""
        return self.curvature(prediction - target)

    def curvature(self, direction: Array) -> Array:
        """Return ∇²_ŷ L d = (A + Aᵀ)d."""
        return self.A @ direction + self.A.T @ direction


@dataclass(frozen=True, slots=True, eq=False)
class MomentForm:
    """The squared error as a quadratic in w and b, with the rows already summed.

    With δ the means of the columns of X, ȳ that of y, and G, c, s the centered co-moments XᵀX, Xᵀy, yᵀy:

        L(w, b) = s − 2cᵀw + wᵀGw + W(b + δᵀw − ȳ)²

    Attributes
    ----------
    weight : float
        W = Σa, the number of rows without weights.
    mean : array of shape (n,)
        δ, in the coordinates in which w and b are.
    gram, cross, square : arrays of shape (n, n), (n,) and a float
        G, c, s.
    target_mean : float
        ȳ.
    """

    weight: float
    mean: Array
    gram: Array
    cross: Array
    square: float
    target_mean: float


def central_difference_step(residual_norm: float, column_norm: Array) -> Array:
    """Return the step hⱼ = ‖ŷ − y‖/‖xⱼ‖ at which a central difference of L loses least to rounding.

    L is quadratic, so the difference has no truncation error at any step; this one makes both parts of
    L(w ± h) as large as L(w) itself. A column of zeros gets the step 1: its gradient is zero.
    """
    return np.divide(residual_norm, column_norm, out=np.ones_like(column_norm), where=column_norm > 0)
