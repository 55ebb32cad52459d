"""The only loop: evaluate, look whether to stop, step."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import hypot, inf, isfinite
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.messages import setting
from regress.objective.gradient import Evaluation
from regress.objective.objective import Objective
from regress.solvers.steps import Optimizer

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
        "The iteration limit came before the gradient reached its tolerance.",
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


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent ended: w (n,), b, the evaluation there, its status, and one `Iteration` a row."""

    w: Array
    b: float
    evaluation: Evaluation
    stationarity: float
    status: Status
    history: list[Iteration]


def descend(
    objective: Objective,
    optimizer: Optimizer,
    start: tuple[Array, float],
    *,
    tol: float,
    max_iter: int,
    leaves: float = inf,
    watch: Callable[[Array, float], None] | None = None,
) -> Descent:
    """Follow `optimizer` down `objective` from `start`.

    Parameters
    ----------
    objective, optimizer
        What to minimize, and the update rule.
    start : (array of shape (n,), float)
        First w and b.
    tol : float
        Stop when the stationarity (see `Objective.stationarity`) is at most this.
    max_iter : int
        Stop after this many steps.
    leaves : float
        At `tol`, go on while one more step, which shrinks the stationarity as the last one did, would leave more than
        this, and steps still halve it at least.
    watch : callable, optional
        Called with every (w, b) that is evaluated.

    Returns
    -------
    Descent
        The last point with finite value and gradient, on every way out: a limit, Ctrl-C, an overflow. After a blow-up
        the point with the lowest loss.
    """
    began = time.perf_counter()
    w, b = start
    history: list[Iteration] = []
    good: tuple[Array, float, Evaluation, float] | None = None
    best: tuple[Array, float, Evaluation, float] | None = None
    status: Status | None = None
    last = 1.0  # the largest stationarity at w = 0, by Cauchy and Schwarz
    try:
        while status is None:
            with np.errstate(over="ignore", invalid="ignore"):  # looked for right below
                at = objective(w, b)
                norm = hypot(*at.grad_w.tolist(), at.grad_b)
                stationarity = objective.stationarity(at)
            if not (isfinite(at.value) and isfinite(norm)):
                status = Status.NON_FINITE
                break
            good = w, b, at, stationarity
            best = good if best is None or at.value < best[2].value else best
            if watch is not None:
                watch(w, b)
            settled = (
                stationarity * stationarity <= leaves * last or stationarity > last / 2.0 or len(history) == max_iter
            )
            last = stationarity
            if stationarity <= tol and settled:
                status = Status.CONVERGED
            elif history and at.value > _BLOW_UP * history[0].loss:
                status, good = Status.DIVERGED, best
            elif len(history) == max_iter:
                status = Status.MAX_ITER
            else:
                w, b = optimizer.step(w, b, at)
            moved_w, moved_b = w - good[0], b - good[1]
            step = float("nan") if status else hypot(*moved_w.tolist(), moved_b)
            history.append(Iteration(len(history), at.value, norm, step, time.perf_counter() - began))
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    if good is None:  # not even the start could be evaluated
        n = len(start[0])
        good = *start, Evaluation(float("nan"), np.full(n, np.nan), float("nan")), float("nan")
    return Descent(*good, status, history)
