"""When a descent ends, and what looks at it while it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan

from regress.blocks import Array
from regress.objective.gradient import Evaluation
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State

Gap = Callable[[Array, float, Evaluation], float]
Save = Callable[[State, Course, float, bool], None]
Callback = Callable[[State, Iteration], object]
"""Called with every state that is evaluated, and its row of the history. One that returns "stop" ends the descent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """When a descent ends.

    Attributes
    ----------
    tol : float
        Where the stationarity (see `Objective.stationarity`) is at most this.
    max_iter, epochs : int or None
        After this many steps or epochs, those before the first state included.
    max_seconds : float
        After this time, without that of earlier runs.
    patience, min_delta : int or None, float
        After so many evaluations without a loss on the validation rows that is lower by more than this. Then the state
        of the lowest such loss is the result, however the descent ends.
    leaves : float
        At `tol`, a descent goes on while steps at least halve the stationarity, and one more step would leave more
        than this. That step is expected to shrink it as the last one did.
    """

    tol: float
    max_iter: int | None = None
    epochs: int | None = None
    max_seconds: float = inf
    patience: int | None = None
    min_delta: float = 0.0
    leaves: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What looks at a descent while it runs.

    Attributes
    ----------
    callbacks : sequence of callable
        Each is called as callback(state, record).
    validation : callable or None
        The loss on the validation rows, as a function of w and b.
    gap, least : callable or None, float
        L + P above its minimum, as a function of w, b and their `Evaluation`; and that minimum, NaN if it is unknown.
    every : int
        Epochs between evaluations that need a pass over the rows.
    save : callable or None
        Called as save(state, course, seconds, ended) before every step, and once more at the end.
    """

    callbacks: Sequence[Callback] = ()
    validation: Callable[[Array, float], float] | None = None
    gap: Gap | None = None
    least: float = nan
    every: int = 1
    after: Sequence[Save] = ()
