"""The loss, its derivatives, and the conventions of the package, stated here once.

Shapes: X (m, n), w (n,), b scalar, y and ŷ (m,), row weights a (m,). No other file repeats these conventions:

    ŷ = Xw + b                        model; the Jacobian of ŷ is X with respect to w, and 1 with respect to b
    L(ŷ) = (y − ŷ)ᵀ(y − ŷ)            squared error: a sum, with no ½ and no 1/m; in units of y²
    ∇_ŷ L = 2(ŷ − y)
    ∇_w L = Xᵀ ∇_ŷ L = 2Xᵀ(ŷ − y)     chain rule; entry j in units of y²/wⱼ, that is y·xⱼ
    ∂L/∂b = 1ᵀ ∇_ŷ L = 2 Σ(ŷ − y)     in units of y
    ∇²L   = 2 [X 1]ᵀ[X 1]             curvature: constant, since L is quadratic

With row weights, L = Σ a (ŷ − y)²: the quadratic form below with A = diag(a). Ridge adds α‖w‖², b free. The
learning rate multiplies ∇L/m (with weights ∇L/Σa).

Other packages put other factors in front of the same squared error:

    scikit-learn  SGDRegressor              ½(ŷ − y)² a row: its eta0 is 2η of regress
    scikit-learn  HalfSquaredError (mean)   L/(2m)
    scikit-learn  Ridge                     L + α‖w‖²: the same as regress
    skglm, glum                             L/(2m)
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.errors import InputError


class Loss(ABC):
    """A loss that knows only predictions and targets; the linear model adds X by the chain rule.

    `value` is written once, in functions that NumPy and TensorFlow share: the tape differentiates the very value that
    is tested. `gradient` is its derivative by hand.

    Attributes
    ----------
    quadratic : bool
        Whether L = Σ a (ŷ − y)², so that moments hold all that is needed of the rows.
    separable : bool
        Whether L is a sum over rows; else the rows are evaluated in one piece, and take no weights.
    curvature_bound : float
        An upper bound of the largest eigenvalue of ∇²_ŷ L at unit weights. The learning rate rests on it.
    rows : int, optional
        The number of rows to which the loss applies. Default: any.

    Examples
    --------
    >>> import numpy as np
    >>> import regress
    >>> class LogCosh(regress.Loss):
    ...     curvature_bound = 1.0
    ...     def value(self, prediction, target, weights, xp):
    ...         return xp.sum(weights * xp.log(xp.cosh(prediction - target)))
    ...     def gradient(self, prediction, target, weights):
    ...         return weights * np.tanh(prediction - target)
    >>> fit = regress.fit({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 1.0, 1.0, 3.0]}, "y", loss=LogCosh())
    >>> fit.solver, str(fit.status), fit.w.round(3).tolist()
    ('accelerated', 'converged', [0.603])
    """

    quadratic: bool = False
    separable: bool = True
    curvature_bound: float
    rows: int | None = None

    @abstractmethod
    def value(self, prediction: Any, target: Any, weights: Any, xp: Any) -> Any:
        """Return L(ŷ).

        Parameters
        ----------
        prediction, target : arrays of shape (m,)
            ŷ and y.
        weights : array of shape (m,), or 1.0
            a.
        xp : module
            NumPy, or TensorFlow's module of the same functions, which then gets tensors.
        """

    @abstractmethod
    def gradient(self, prediction: Array, target: Array, weights: Array | float) -> Array:
        """Return ∇_ŷ L (m,)."""

    def __str__(self) -> str:
        return type(self).__name__


@dataclass(frozen=True)
class SquaredError(Loss):
    """L = Σ a (ŷ − y)². Its Jacobian with respect to ŷ is 2a(ŷ − y)ᵀ; the gradient is the transpose.

    Examples
    --------
    >>> import numpy as np
    >>> import regress
    >>> loss, prediction, target = regress.SquaredError(), np.array([1.0, 4.0]), np.array([2.0, 2.0])
    >>> float(loss.value(prediction, target)), loss.gradient(prediction, target).tolist()
    (5.0, [-2.0, 4.0])
    """

    quadratic = True
    curvature_bound = 2.0

    def value(self, prediction: Any, target: Any, weights: Any = 1.0, xp: Any = np) -> Any:
        """Return L in units of y².

        Examples
        --------
        >>> import numpy as np
        >>> import regress
        >>> float(regress.SquaredError().value(np.array([1.0, 4.0]), np.array([2.0, 2.0])))
        5.0
        """
        residual = prediction - target
        return xp.dot(weights * residual, residual)

    def gradient(self, prediction: Array, target: Array, weights: Array | float = 1.0) -> Array:
        """Return ∇_ŷ L = 2(ŷ − y), times the weights.

        Examples
        --------
        >>> import numpy as np
        >>> import regress
        >>> regress.SquaredError().gradient(np.array([1.0, 4.0]), np.array([2.0, 2.0])).tolist()
        [-2.0, 4.0]
        """
        return 2.0 * weights * (prediction - target)


@dataclass(frozen=True, eq=False)
class QuadraticForm(Loss):
    """L = (ŷ − y)ᵀA(ŷ − y) for any square A (m, m): generalized least squares.

    By the product rule dL = drᵀAr + rᵀA dr = (Ar + Aᵀr)ᵀdr with r = ŷ − y, so ∇_ŷ L = (A + Aᵀ)(ŷ − y). The often
    printed 2Aᵀr and 2Ar hold only where A is symmetric.
    """

    A: Array

    separable = False

    def __post_init__(self) -> None:
        if self.A.ndim != 2 or self.A.shape[0] != self.A.shape[1]:
            raise InputError(f"A must be square to form rᵀAr; its shape is {self.A.shape}.")

    @property
    def rows(self) -> int:  # type: ignore[override]  # of this form
        """The rows of A."""
        return len(self.A)

    @cached_property
    def curvature_bound(self) -> float:  # type: ignore[override]  # computed on first use
        """The largest eigenvalue of A + Aᵀ.

        Raises
        ------
        InputError
            If one is negative: then L has no minimum.
        """
        values = np.linalg.eigvalsh(self.A + self.A.T)
        if not values[0] >= -1e-12 * values[-1]:
            raise InputError("A + Aᵀ has a negative eigenvalue, so the loss rᵀAr may have no minimum.")
        return float(values[-1])

    def value(self, prediction: Any, target: Any, weights: Any = 1.0, xp: Any = np) -> Any:
        """Return rᵀAr with r = ŷ − y."""
        residual = prediction - target
        return xp.dot(residual, xp.dot(self.A, residual))

    def gradient(self, prediction: Array, target: Array, weights: Array | float = 1.0) -> Array:
        """Return ∇_ŷ L = (A + Aᵀ)(ŷ − y)."""
        residual = prediction - target
        return self.A @ residual + self.A.T @ residual


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
    mean: Any
    gram: Any
    cross: Any
    square: float
    target_mean: float

    def value(self, w: Any, b: Any, Gw: Any, xp: Any) -> Any:
        """Return L(w, b), given Gw: arrays of NumPy, or tensors with TensorFlow's module of the same functions."""
        level = b + xp.dot(self.mean, w) - self.target_mean  # mean of ŷ − y
        return self.square - 2.0 * xp.dot(self.cross, w) + xp.dot(w, Gw) + self.weight * level * level

    def gradient(self, w: Array, b: float, Gw: Array) -> tuple[Array, float]:
        """Return ∇_w L = 2(Gw − c) + δ ∂L/∂b and ∂L/∂b = 2W(b + δᵀw − ȳ), given Gw."""
        grad_b = 2.0 * self.weight * (b + float(self.mean @ w) - self.target_mean)
        return 2.0 * (Gw - self.cross) + self.mean * grad_b, grad_b


def central_difference_step(residual_norm: float, column_norm: Array) -> Array:
    """Return the step hⱼ = ‖ŷ − y‖/‖xⱼ‖ at which a central difference of L loses least to rounding.

    L is quadratic, so the difference has no truncation error at any step; this one makes both parts of
    L(w ± h) as large as L(w) itself. A column of zeros gets the step 1: its gradient is zero.
    """
    return np.divide(residual_norm, column_norm, out=np.ones_like(column_norm), where=column_norm > 0)
