"""The update rules. Each turns the gradient at (w, b) into the next point; the loop is in `loop`."""

from collections.abc import Callable
from math import sqrt
from typing import Protocol

import numpy as np

from regress.blocks import Array
from regress.objective.gradient import Evaluation


class Optimizer(Protocol):
    """An update rule, with whatever it remembers between steps."""

    def step(self, w: Array, b: float, at: Evaluation) -> tuple[Array, float]:
        """Return the next (w, b) after the gradient `at` (w, b)."""
        ...


class GradientDescent:
    """w ← w − η ∇_w L/Σa and b ← b − η ∂L/∂b/Σa."""

    stable = 1.0  # largest stable η, in units of Σa/λmax(∇²L/2)

    def __init__(self, learning_rate: float, weight: float) -> None:
        self._rate = learning_rate / weight

    def step(self, w: Array, b: float, at: Evaluation) -> tuple[Array, float]:
        """Go down the gradient."""
        return w - self._rate * at.grad_w, b - self._rate * at.grad_b


class Accelerated:
    """Nesterov's method: gradient steps from a point extrapolated along the last move.

    The momentum restarts where it points uphill (O'Donoghue and Candès 2015, gradient scheme). The point that the loop
    sees is the extrapolated one.
    """

    stable = 2.0 / 3.0  # the momentum approaches 1, and carries each step further

    def __init__(self, learning_rate: float, weight: float) -> None:
        self._rate = learning_rate / weight
        self._momentum = 1.0
        self._last: tuple[Array, float] | None = None

    def step(self, w: Array, b: float, at: Evaluation) -> tuple[Array, float]:
        """Go down the gradient, then on along the move that this completes."""
        new_w, new_b = w - self._rate * at.grad_w, b - self._rate * at.grad_b
        old_w, old_b = self._last or (w, b)
        self._last = new_w, new_b
        move_w, move_b = new_w - old_w, new_b - old_b
        if at.grad_w @ move_w + at.grad_b * move_b > 0:
            self._momentum = 1.0
        following = (1.0 + sqrt(1.0 + 4.0 * self._momentum**2)) / 2.0
        beta, self._momentum = (self._momentum - 1.0) / following, following
        return new_w + beta * move_w, new_b + beta * move_b


class ConjugateGradient:
    """Conjugate directions with the exact line search that a quadratic allows (Polak and Ribière).

    The gradient is evaluated afresh at every point, so rounding does not accumulate.
    """

    def __init__(self, curvature_along: Callable[[Array, float], float]) -> None:
        self._curvature_along = curvature_along
        self._last: tuple[Evaluation, Array, float] | None = None

    def step(self, w: Array, b: float, at: Evaluation) -> tuple[Array, float]:
        """Minimize along the direction conjugate to the last one."""
        along_w, along_b = -at.grad_w, -at.grad_b
        if self._last is not None:
            old, old_w, old_b = self._last
            change = at.grad_w @ (at.grad_w - old.grad_w) + at.grad_b * (at.grad_b - old.grad_b)
            beta = max(0.0, float(change / (old.grad_w @ old.grad_w + old.grad_b**2)))
            along_w, along_b = along_w + beta * old_w, along_b + beta * old_b
        self._last = at, along_w, along_b
        slope = at.grad_w @ along_w + at.grad_b * along_b
        curvature = self._curvature_along(along_w, along_b)
        length = float(-slope / curvature) if curvature > 0 else 0.0
        return w + length * along_w, b + length * along_b


class Newton:
    """w ← w − (∇²L)⁻¹∇L: gradient descent preconditioned by the curvature.

    L is quadratic, so one step lands; further steps only polish what rounding left.
    """

    def __init__(self, solve: Callable[[Array, float], tuple[Array, float]]) -> None:
        self._solve = solve

    def step(self, w: Array, b: float, at: Evaluation) -> tuple[Array, float]:
        """Jump to where the quadratic through this point has its minimum."""
        step_w, step_b = self._solve(at.grad_w, at.grad_b)
        return np.subtract(w, step_w), b - step_b
