"""Penalties on the coefficients, in the user's units; the objective carries them to the coordinates of the descent."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from regress.blocks import Array


class Penalty(ABC):
    """A penalty P(w) that is a smooth sum over coefficients. The intercept is never penalized.

    Attributes
    ----------
    quadratic : bool
        Whether `curvature` is ∇²P itself, and P is least at w = 0.

    Examples
    --------
    >>> import numpy as np
    >>> import regress
    >>> class SecondOnly(regress.Penalty):
    ...     quadratic = True
    ...     def value(self, w):
    ...         return float(w[1] ** 2)
    ...     def gradient(self, w):
    ...         return np.array([0.0, 2.0 * w[1]])
    ...     def curvature(self, n):
    ...         return np.array([0.0, 2.0])
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> regress.fit(X, X @ [2.0, 5.0], penalty=SecondOnly()).w.round(12).tolist()
    [2.0, 4.0]
    """

    quadratic: bool = False

    @abstractmethod
    def value(self, w: Array) -> float:
        """Return P(w), for w (n,) in the user's units."""

    @abstractmethod
    def gradient(self, w: Array) -> Array:
        """Return ∇P (n,)."""

    @abstractmethod
    def curvature(self, n: int) -> Array:
        """Return the diagonal of ∇²P (n,), which has no other entries, or an upper bound of it."""

    def __str__(self) -> str:
        return type(self).__name__


@dataclass(frozen=True)
class Ridge(Penalty):
    """P = α‖w‖², with ∇P = 2αw."""

    alpha: float = 0.0

    quadratic = True

    def value(self, w: Array) -> float:
        """Return α‖w‖²."""
        return float((self.alpha * w) @ w)  # w² alone may be beyond the range of a double

    def gradient(self, w: Array) -> Array:
        """Return ∇P = 2αw."""
        return 2.0 * self.alpha * w

    def curvature(self, n: int) -> Array:
        """Return ∇²P, which is 2α on its diagonal."""
        return np.full(n, 2.0 * self.alpha)
