"""Solvers that take a few rows an update: stochastic gradient descent, its averages, and Adam."""

from abc import abstractmethod
from dataclasses import dataclass
from math import cos, pi
from typing import Any, ClassVar

import numpy as np

from regress.blocks import Array
from regress.errors import check_number
from regress.objective.batches import Batches
from regress.objective.objective import Objective
from regress.options import Rate, Schedule
from regress.solvers.state import State
from regress.solvers.steps import Solver, step_size

_INVSCALING = 0.25  # scikit-learn's power of t
_HALVED = 10  # epochs after which `step` halves the rate


@dataclass(frozen=True)
class BatchSolver(Solver):
    """An update rule for batches of rows.

    `begin` and `update` define one. A step of the loop takes the updates of a chunk of batches. Between two steps a
    descent can be stopped and saved.

    Attributes
    ----------
    learning_rate : float, "auto" or callable
        The rate of the first update, or a function of the update's number; "auto" is half the stability limit of sgd.
    schedule : {"constant", "invscaling", "cosine", "step"}
        How the rate changes, unless it is a function.

    Examples
    --------
    >>> import numpy as np
    >>> import regress
    >>> class Clipped(regress.BatchSolver):
    ...     def update(self, point, slope, rate, memory):
    ...         point -= rate * slope / max(1.0, np.linalg.norm(slope))
    >>> fit = regress.fit({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y", solver=Clipped())
    >>> fit.solver, fit.w.round(9).tolist(), round(fit.b, 9)
    ('Clipped', [2.0], 1.0)
    """

    learning_rate: Rate = "auto"
    schedule: Schedule = "constant"

    needs = frozenset({"batches"})

    def begin(self, n: int) -> dict[str, Any]:
        """Return the memory before the first update of n coefficients."""
        return {}

    @abstractmethod
    def update(self, point: Array, slope: Array, rate: float, memory: dict[str, Any]) -> None:
        """Move `point` and change `memory`, both in place.

        `point` is (w, b) in one array (n + 1,), and `slope` the gradient of L_B/|B| + P/Σa there.
        """

    def first_rate(self, objective: Objective) -> float:
        """Return the learning rate of the first update: the user's, or half the stability limit."""
        return float(self.learning_rate) if isinstance(self.learning_rate, int | float) else _stable(objective)

    def init(self, objective: Objective, w: Array, b: float) -> State:
        """Return the state before the first epoch."""
        rate = {} if callable(self.learning_rate) else {"rate": self.first_rate(objective)}
        return State(w, b, {**rate, "batch_loss": 0.0, **self.begin(len(w))}, position=0)

    def step(self, objective: Objective, state: State) -> State:
        """Take the updates of the next chunk of batches."""
        batches = batches_of(objective)
        memory = {name: v.copy() if isinstance(v, np.ndarray) else v for name, v in state.memory.items()}
        position, t = state.position or 0, state.iteration
        if position % batches.rows == 0:
            memory["batch_loss"] = 0.0
            self.begin_epoch(memory)
        point, slope = self.enter(state), np.empty(len(state.w) + 1)
        for part in batches.after(position):
            value, slope[:-1], slope[-1] = batches(part, point[:-1], float(point[-1]))  # ∇L_B/|B|
            self.update(point, slope, self.rate(memory, t, position / batches.rows, batches.epochs), memory)
            memory["batch_loss"] += value
            t, position = t + 1, position + len(part.y)
        w, b = self.leave(point, memory)
        return State(w, b, memory, t, position=position)

    def begin_epoch(self, memory: dict[str, Any]) -> None:
        """Change the memory at the start of an epoch."""

    def enter(self, state: State) -> Array:
        """Return the point (w, b) at which updates go on."""
        return np.append(state.w, state.b)

    def leave(self, point: Array, memory: dict[str, Any]) -> tuple[Array, float]:
        """Return the w and b that the updates so far amount to."""
        return point[:-1], float(point[-1])

    def next_rate(self, objective: Objective, state: State) -> float:
        """Return the learning rate of the next update; of a function, that of the last one."""
        batches, t = batches_of(objective), state.iteration
        t = max(t - 1, 0) if callable(self.learning_rate) else t
        return self.rate(dict(state.memory), t, (state.position or 0) / batches.rows, batches.epochs)

    def rate(self, memory: dict[str, Any], t: int, epoch: float, epochs: int) -> float:
        """Return the learning rate of update t, so many epochs after the first."""
        if callable(self.learning_rate):
            return check_number("learning_rate", np.asarray(self.learning_rate(t)).tolist(), at_least=0.0)
        factor = 1.0
        match self.schedule:
            case "invscaling":
                factor = (t + 1) ** -_INVSCALING
            case "cosine":
                factor = (1.0 + cos(pi * min(epoch / epochs, 1.0))) / 2.0
            case "step":
                factor = 0.5 ** (int(epoch) // _HALVED)
        return float(memory["rate"]) * factor


@dataclass(frozen=True)
class Sgd(BatchSolver):
    """v ← μv − η∇ and w ← w + v, for ∇ = ∇(L_B/|B|) of one batch B.

    With Nesterov's momentum w ← w + μv − η∇ after the same v: the step that the next update would repeat is taken now.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def begin(self, n: int) -> dict[str, Any]:
        """Start without velocity."""
        return {"velocity": np.zeros(n + 1)} if self.momentum else {}

    def first_rate(self, objective: Objective) -> float:
        """Return the user's rate if it is stable without noise, or half of what the noise of batches allows."""
        if isinstance(self.learning_rate, float):
            return float(step_size(objective, self.learning_rate, 1.0 + self.momentum, str(self)))
        return (1.0 - self.momentum) * _stable(objective)

    def update(self, point: Array, slope: Array, rate: float, memory: dict[str, Any]) -> None:
        """Go down the slope, and on along the last move."""
        step = rate * slope
        if not self.momentum:
            point -= step
            return
        velocity = memory["velocity"]
        velocity *= self.momentum
        velocity -= step
        point += self.momentum * velocity - step if self.nesterov else velocity

    def __str__(self) -> str:
        return "sgd"


@dataclass(frozen=True)
class AveragedSgd(Sgd):
    """`Sgd` whose result is the mean of the points after each update of the epoch (Polyak and Juditsky 1992).

    The window is the current epoch: the mean begins anew with each. In it the noise of the batches nearly cancels,
    since the batches of an epoch are all rows, once.
    """

    def begin(self, n: int) -> dict[str, Any]:
        """Start with an empty window."""
        return {**super().begin(n), "sum": np.zeros(n + 1), "count": 0, "last": np.zeros(0)}

    def begin_epoch(self, memory: dict[str, Any]) -> None:
        """Empty the window."""
        memory["sum"], memory["count"] = np.zeros_like(memory["sum"]), 0

    def enter(self, state: State) -> Array:
        """Return the point after the last update, or the start."""
        last: Array = state.memory["last"]
        return last.copy() if len(last) else super().enter(state)

    def update(self, point: Array, slope: Array, rate: float, memory: dict[str, Any]) -> None:
        """Go down the slope, and add the point to the window."""
        super().update(point, slope, rate, memory)
        memory["sum"] += point
        memory["count"] += 1

    def leave(self, point: Array, memory: dict[str, Any]) -> tuple[Array, float]:
        """Return the mean of the window."""
        memory["last"] = point
        mean = memory["sum"] / memory["count"]
        return mean[:-1], float(mean[-1])

    def __str__(self) -> str:
        return "averaged-sgd"


@dataclass(frozen=True)
class Adam(BatchSolver):
    """Adam (Kingma and Ba 2015), with its β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.

    m ← β₁m + (1 − β₁)∇ and v ← β₂v + (1 − β₂)∇², then w ← w − η m̂/(√v̂ + ε), with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
    """

    beta1: ClassVar[float] = 0.9
    beta2: ClassVar[float] = 0.999
    epsilon: ClassVar[float] = 1e-8

    def begin(self, n: int) -> dict[str, Any]:
        """Start with means of zero."""
        return {"mean": np.zeros(n + 1), "square": np.zeros(n + 1), "steps": 0}

    def first_rate(self, objective: Objective) -> float:
        """Return the user's rate, or 1 % of sd(y): steps do not depend on the size of the gradient."""
        if isinstance(self.learning_rate, float):
            return self.learning_rate
        widest = float(objective.column_norm.max(initial=0.0))
        return 0.01 * objective.target_norm / widest if widest and objective.target_norm else 0.01

    def update(self, point: Array, slope: Array, rate: float, memory: dict[str, Any]) -> None:
        """Go down the mean slope, divided by its mean size."""
        memory["steps"] += 1
        mean, square, t = memory["mean"], memory["square"], memory["steps"]
        mean += (1.0 - self.beta1) * (slope - mean)
        square += (1.0 - self.beta2) * (slope * slope - square)
        grown = 1.0 - np.float64(self.beta1) ** t  # 0 divides to infinity
        root = np.sqrt(square / (1.0 - self.beta2**t))
        point -= rate / grown * mean / (root + self.epsilon)

    def __str__(self) -> str:
        return "adam"


def batches_of(objective: Objective) -> Batches:
    """Return the batches of an objective; `choose` gives them to solvers that need them."""
    assert objective.batches is not None
    return objective.batches


def _stable(objective: Objective) -> float:
    """Return 1/(λ + c/B): half the stability limit of batches of B rows, with λ of ∇²(L + P)/Σa and c of single rows.

    The batch's own curvature varies: E[H_B²] ≼ H² + cH/B, where no row has a curvature above c. Of files that are read
    in blocks, c is that of the first rows.
    """
    batches = batches_of(objective)
    X, _, a = batches.groups.at(0, 0).rows
    squares = np.einsum("ij,ij->i", X, X) + objective.fit_intercept
    sharpest = objective.steepness * float((a * squares).max(initial=0.0))
    limit = 2.0 / objective.longest_step + sharpest / min(batches.size, batches.rows)
    return 1.0 / limit if limit > 0.0 else 1.0
