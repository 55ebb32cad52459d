"""The solvers. Each turns a state into the next one; the loop is in `loop`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import ClassVar, Literal

import numpy as np

from regress.blocks import Array
from regress.errors import LearningRateError
from regress.messages import setting
from regress.objective.objective import Objective
from regress.solvers.state import State


class Solver(ABC):
    """An update rule. What it remembers between steps is in the state, so a descent can go on from any state.

    Attributes
    ----------
    needs : frozenset of str
        What it asks of the objective: "gradient", and "hessian" or "hessian_along", which only the squared error with
        a quadratic penalty has.

    Examples
    --------
    >>> import regress
    >>> class HalfSteps(regress.Solver):
    ...     def step(self, objective, state):
    ...         _, grad_w, grad_b = objective(state.w, state.b)
    ...         rate = objective.longest_step / 2 / objective.weight
    ...         return state.moved(state.w - rate * grad_w, state.b - rate * grad_b)
    >>> fit = regress.fit({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y", solver=HalfSteps())
    >>> fit.solver, fit.w.round(9).tolist(), round(fit.b, 9)
    ('HalfSteps', [2.0], 1.0)
    """

    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})

    def init(self, objective: Objective, w: Array, b: float) -> State:
        """Return the state before the first step from (w, b)."""
        return State(w, b)

    @abstractmethod
    def step(self, objective: Objective, state: State) -> State:
        """Return the next state: ``state.moved(w, b, …)``."""

    def next_rate(self, objective: Objective, state: State) -> float:
        """Return the learning rate of the next step; NaN where the solver has none."""
        return float(state.memory.get("rate", nan))

    def __str__(self) -> str:
        return type(self).__name__


@dataclass(frozen=True)
class GradientDescent(Solver):
    """w ← w − η ∇_w L/Σa and b ← b − η ∂L/∂b/Σa."""

    learning_rate: float | Literal["auto"] = "auto"

    stable: ClassVar[float] = 1.0  # largest stable η, as a part of 2Σa/λmax(∇²L)

    def init(self, objective: Objective, w: Array, b: float) -> State:
        """Choose the learning rate."""
        return State(w, b, {"rate": step_size(objective, self.learning_rate, self.stable, str(self))})

    def step(self, objective: Objective, state: State) -> State:
        """Go down the gradient."""
        _, grad_w, grad_b = objective(state.w, state.b)
        rate = state.memory["rate"] / objective.weight
        return state.moved(state.w - rate * grad_w, state.b - rate * grad_b)

    def __str__(self) -> str:
        return "gd"


@dataclass(frozen=True)
class Accelerated(GradientDescent):
    """Nesterov's method: gradient steps from a point extrapolated along the last move.

    The momentum restarts where it points uphill (O'Donoghue and Candès 2015, gradient scheme). The point that the loop
    sees is the extrapolated one.
    """

    stable = 2.0 / 3.0  # the momentum approaches 1, and carries each step further

    def init(self, objective: Objective, w: Array, b: float) -> State:
        """Start without momentum."""
        state = super().init(objective, w, b)
        return State(w, b, {**state.memory, "momentum": 1.0, "last_w": state.w, "last_b": state.b})

    def step(self, objective: Objective, state: State) -> State:
        """Go down the gradient, then on along the move that this completes."""
        _, grad_w, grad_b = objective(state.w, state.b)
        rate, momentum = state.memory["rate"] / objective.weight, state.memory["momentum"]
        new_w, new_b = state.w - rate * grad_w, state.b - rate * grad_b
        move_w, move_b = new_w - state.memory["last_w"], new_b - state.memory["last_b"]
        if grad_w @ move_w + grad_b * move_b > 0:
            momentum = 1.0
        following = (1.0 + sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        beta = (momentum - 1.0) / following
        return state.moved(new_w + beta * move_w, new_b + beta * move_b, momentum=following, last_w=new_w, last_b=new_b)

    def __str__(self) -> str:
        return "accelerated"


@dataclass(frozen=True)
class ConjugateGradient(Solver):
    """Conjugate directions with the exact line search that a quadratic allows (Polak and Ribière).

    The gradient is evaluated afresh at every point, so rounding does not accumulate. Squares of gradients and
    directions are taken of their parts relative to the largest, since their own may be beyond the range of a double.
    """

    needs = frozenset({"gradient", "hessian_along"})

    def step(self, objective: Objective, state: State) -> State:
        """Minimize along the direction conjugate to the last one."""
        _, grad_w, grad_b = objective(state.w, state.b)
        gradient = np.append(grad_w, grad_b)
        along = -gradient
        if state.memory:
            old = state.memory["gradient"]
            size = np.abs(old).max()
            change = (gradient / size) @ ((gradient - old) / size)
            along += max(0.0, float(change / ((old / size) @ (old / size)))) * state.memory["along"]
        size = np.abs(along).max()
        unit = along / size if size > 0.0 else along
        curvature = objective.curvature_along(unit[:-1], float(unit[-1]))
        length = -float(gradient @ unit) / curvature if curvature > 0 else 0.0
        w, b = state.w + length * unit[:-1], state.b + length * float(unit[-1])
        return state.moved(w, b, gradient=gradient, along=along)

    def __str__(self) -> str:
        return "cg"


@dataclass(frozen=True)
class Newton(Solver):
    """w ← w − (∇²L)⁻¹∇L: gradient descent preconditioned by the curvature.

    L is quadratic, so one step lands; further steps only polish what rounding left.
    """

    needs = frozenset({"gradient", "hessian"})

    def step(self, objective: Objective, state: State) -> State:
        """Jump to where the quadratic through this point has its minimum."""
        step_w, step_b = objective.newton_step(state.w, state.b)
        return state.moved(np.subtract(state.w, step_w), state.b - step_b)

    def __str__(self) -> str:
        return "newton"


def step_size(objective: Objective, asked: float | Literal["auto"], stable: float, name: str) -> float:
    """Return the step on ∇L/Σa: half the stability limit of gradient descent, or the user's if it is stable.

    Raises
    ------
    LearningRateError
        If the user's rate is above the limit; the message names it and the columns of the steepest direction.
    """
    longest = objective.longest_step
    limit = stable * longest
    if asked == "auto":
        return longest / 2.0 if longest < inf else 1.0
    if asked > limit:
        size = np.abs(objective.hessian().steepest[1])
        largest = [int(j) for j in np.argsort(-size)[:3] if size[j] >= 0.5 * size.max(initial=0.0) > 0]
        blame = (
            f" The steepest direction is that of {', '.join(objective.names[j] for j in largest)}." if largest else ""
        )
        remedy = "Use" if (objective.scale != 1.0).any() else "Standardize, or use"
        raise LearningRateError(
            f"{setting('learning_rate', asked)} is above {limit:.6g}, the stability limit of {name} on these "
            f"rows: it would diverge.{blame} {remedy} a rate below the limit, or auto."
        )
    return asked
