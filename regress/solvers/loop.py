"""The only loop: evaluate, look whether to stop, step."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import hypot, inf, isfinite
from typing import NamedTuple

import numpy as np

from regress.errors import InputError
from regress.messages import setting
from regress.objective.gradient import Evaluation
from regress.objective.objective import Objective
from regress.solvers.state import State
from regress.solvers.steps import Solver

_BLOW_UP = 1e3  # a loss this many times the first one: no stable descent gets there


class Status(StrEnum):
    """How training ended. Each member carries its own message and remedy."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    DIVERGED = "diverged"
    NON_FINITE = "non_finite"
    INTERRUPTED = "interrupted"

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return _MESSAGES[self][0]

    @property
    def remedy(self) -> str:
        """What to do about it; empty when nothing is to be done."""
        return _MESSAGES[self][1].format(
            auto=setting("solver", "auto"),
            iterations=setting("max_iter"),
            tol=setting("tol"),
            rate=setting("learning_rate"),
        )


_MESSAGES = {
    Status.CONVERGED: ("The gradient reached its tolerance.", ""),
    Status.MAX_ITER: (
        "The maximum number of iterations was reached before the gradient reached its tolerance.",
        "Use {auto}, raise {iterations}, or loosen {tol}.",
    ),
    Status.DIVERGED: ("The loss grew instead of falling.", "Lower {rate}, or leave it at auto."),
    Status.NON_FINITE: (
        "A value became infinite or not a number; the parameters are the last good ones.",
        "Rescale the largest columns, and standardize.",
    ),
    Status.INTERRUPTED: (
        "Training was interrupted; the parameters are the last good ones.",
        "Run it again to finish.",
    ),
}


class Iteration(NamedTuple):
    """One row of the history, in the coordinates of the descent.

    `loss` and `gradient_norm` (2-norm over w and b) are those before the step, whose 2-norm is `step`; the last row has
    no step and holds NaN there. `seconds` counts from the start.
    """

    iteration: int
    loss: float
    gradient_norm: float
    step: float
    seconds: float


Callback = Callable[[State, Iteration], None]
"""Called with every state that is evaluated, and its row of the history."""


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent ended: its state, the evaluation there, its status, and one `Iteration` a row."""

    state: State
    evaluation: Evaluation
    stationarity: float
    status: Status
    history: list[Iteration]


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a descent ends.

    Attributes
    ----------
    tol : float
        Where the stationarity (see `Objective.stationarity`) is at most this.
    max_iter : int
        After this many steps, those before the first state included.
    leaves : float
        At `tol`, a descent goes on while steps at least halve the stationarity, and one more step would leave more
        than this. That step is expected to shrink it as the last one did.
    """

    tol: float
    max_iter: int
    leaves: float = inf


def descend(
    objective: Objective, solver: Solver, state: State, stop: StopRule, callbacks: Iterable[Callback] = ()
) -> Descent:
    """Follow a solver down an objective.

    Parameters
    ----------
    objective, solver
        What to minimize, and the update rule.
    state : State
        Where to begin: what `Solver.init` returned, or a later state, from which the descent goes on.
    stop : StopRule
        When to end.
    callbacks : iterable of callable
        Each is called as callback(state, record).

    Returns
    -------
    Descent
        The last state with finite value and gradient, on every way out: a limit, Ctrl-C, an overflow. After a blow-up
        the state with the lowest loss.
    """
    began = time.perf_counter()
    history: list[Iteration] = []
    n = len(state.w)
    good = best = (state, Evaluation(float("nan"), np.full(n, np.nan), float("nan")), float("nan"))
    status: Status | None = None
    last = 1.0  # the largest stationarity at w = 0, by Cauchy and Schwarz
    try:
        while status is None:
            with np.errstate(over="ignore", invalid="ignore"):  # looked for right below
                at = objective(state.w, state.b)
                norm = hypot(*at.grad_w.tolist(), at.grad_b)
                stationarity = objective.stationarity(at)
            if not (isfinite(at.value) and isfinite(norm)):
                status = Status.NON_FINITE
                break
            here = good = state, at, stationarity
            best = good if not history or at.value < best[1].value else best
            limited = state.iteration >= stop.max_iter
            settled = stationarity * stationarity <= stop.leaves * last or stationarity > last / 2.0 or limited
            last = stationarity
            step = float("nan")
            if stationarity <= stop.tol and settled:
                status = Status.CONVERGED
            elif history and at.value > _BLOW_UP * history[0].loss:
                status, good = Status.DIVERGED, best
            elif limited:
                status = Status.MAX_ITER
            else:
                state = _next(objective, solver, state)
                step = hypot(*(state.w - here[0].w).tolist(), state.b - here[0].b)
            history.append(Iteration(here[0].iteration, at.value, norm, step, time.perf_counter() - began))
            for callback in callbacks:
                callback(here[0], history[-1])
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    return Descent(*good, status, history)


def _next(objective: Objective, solver: Solver, state: State) -> State:
    """Return the state after one step. The loop counts the steps, so that any solver reaches the limit.

    Raises
    ------
    InputError
        If the solver returns anything but a state of as many coefficients.
    """
    after = check_state(solver, "step", solver.step(objective, state), len(state.w))
    steps = state.iteration + 1
    return after if after.iteration == steps else replace(after, iteration=steps)


def check_state(solver: Solver, method: str, returned: object, n: int) -> State:
    """Return what a method of a solver returned if it is a state of n coefficients, or raise `InputError`."""
    if not isinstance(returned, State) or returned.w.shape != (n,):
        raise InputError(f"{type(solver).__name__}.{method} must return a regress.State with w of shape ({n},).")
    return returned
