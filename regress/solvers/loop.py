"""The only loop: evaluate, look whether to stop, step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import hypot, inf, isnan, nan

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.objective.gradient import Evaluation
from regress.objective.objective import Objective
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import Solver

_ANYWHERE = (Status.MAX_SECONDS, Status.INTERRUPTED)  # between two evaluations, too
_BLOW_UP = 1e3  # a loss this many times the first one: no stable descent gets there

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
        Called as save(state, course, seconds, ended) after every step, and once more at the end.
    """

    callbacks: Sequence[Callback] = ()
    validation: Callable[[Array, float], float] | None = None
    gap: Gap | None = None
    least: float = nan
    every: int = 1
    save: Save | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent ended: its state, the evaluation there, its status, and one `Iteration` a row.

    `error` is what a callback raised, `gap` is L + P above its minimum there (NaN if unknown), and `best_epoch` the
    epoch of the state if that has the lowest loss on the validation rows.
    """

    state: State
    evaluation: Evaluation
    stationarity: float
    status: Status
    history: list[Iteration]
    error: Exception | None = None
    gap: float = nan
    best_epoch: int | None = None


@dataclass
class _Run:
    """A descent while it runs."""

    objective: Objective
    solver: Solver
    stop: StopRule
    watch: Watch
    course: Course
    began: float = field(default_factory=time.perf_counter)
    error: Exception | None = None

    @property
    def seconds(self) -> float:
        """Since the start, those of earlier runs included."""
        return self.course.seconds + time.perf_counter() - self.began

    def epoch(self, state: State) -> int:
        """Return the complete passes over the rows."""
        batches = self.objective.batches
        return state.iteration if batches is None or state.position is None else state.position // batches.rows

    def due(self, state: State) -> bool:
        """Tell whether a state is to be looked at: at the end of an epoch, or after any step on all rows."""
        batches = self.objective.batches
        return batches is None or state.position is None or state.position % batches.rows == 0

    def look(self, state: State) -> Status | None:
        """Evaluate a state, write its row of the history, and return the status if the descent ends here."""
        epoch, course, stop = self.epoch(state), self.course, self.stop
        limited = stop.max_iter is not None and state.iteration >= stop.max_iter
        over = stop.epochs is not None and epoch >= stop.epochs
        complete = not self.objective.needs_pass or over or epoch % self.watch.every == 0
        at = self.objective(state.w, state.b) if complete else None
        record = self._record(state, epoch, at)
        looked_at = (record.batch_loss,) if at is None else (at.value, record.gradient_norm)
        if not np.isfinite([*looked_at, *state.w, state.b]).all():
            return Status.NON_FINITE
        before, seen = course.stationarity, self.seen(state)
        if not seen:
            course.good = state
            course.history.add(record)
            self._validate(state, record.val_loss)
            if at is not None and at.value < course.lowest_loss:
                course.lowest, course.lowest_loss = state, at.value
        ended = self._decide(at, record, before, limited or seen)
        ended = ended or (Status.EPOCHS if over else Status.MAX_ITER if limited else None)
        return ended if seen else self._call(state, record) or ended

    def _decide(self, at: Evaluation | None, record: Iteration, before: float, limited: bool) -> Status | None:
        """Return the status if the descent ends for what was seen at a state."""
        course, stop = self.course, self.stop
        if at is not None:
            course.stationarity = self.objective.stationarity(at)
            settled = course.stationarity**2 <= stop.leaves * before or course.stationarity > before / 2.0 or limited
            if course.stationarity <= stop.tol and settled:
                return Status.CONVERGED
        if (record.batch_loss if at is None else at.value) > _BLOW_UP * course.history.rows[0].loss:
            return Status.DIVERGED
        return Status.EARLY_STOPPING if stop.patience is not None and course.waited >= stop.patience else None

    def seen(self, state: State) -> bool:
        """Tell whether a state has its row in the history: that at which an earlier run ended."""
        last = self.course.history.last
        return last is not None and last.iteration == state.iteration

    def _record(self, state: State, epoch: int, at: Evaluation | None) -> Iteration:
        course, watch = self.course, self.watch
        before = course.good
        norm = nan if at is None else hypot(*at.grad_w.tolist(), at.grad_b)
        gap = nan if watch.gap is None or at is None else watch.gap(state.w, state.b, at)
        exact = watch.least + gap  # s − 2cᵀw + wᵀGw has fewer digits
        return Iteration(
            iteration=state.iteration,
            epoch=epoch,
            loss=nan if at is None else at.value if isnan(exact) else exact,
            batch_loss=nan if not self.objective.needs_pass or not epoch else state.memory.get("batch_loss", nan),
            val_loss=nan if watch.validation is None else watch.validation(state.w, state.b),
            gradient_norm=norm,
            step=nan if before is None else hypot(*(state.w - before.w).tolist(), state.b - before.b),
            learning_rate=self.solver.next_rate(self.objective, state),
            gap=gap,
            seconds=self.seconds,
        )

    def _validate(self, state: State, loss: float) -> None:
        """Keep the state of the lowest loss on the validation rows."""
        course = self.course
        course.waited += 1
        if loss < course.best_val - (self.stop.min_delta if course.best is not None else 0.0):
            course.best, course.best_val, course.waited = state, loss, 0

    def _call(self, state: State, record: Iteration) -> Status | None:
        """Call the callbacks, and return the status if one of them fails or asks to stop."""
        ended = None
        for callback in self.watch.callbacks:
            try:
                ended = Status.CALLBACK if callback(state, record) == "stop" else ended
            except Exception as error:  # the result so far must not be lost
                self.error = error
                return Status.CALLBACK_ERROR
        return ended

    def result(self, status: Status, state: State) -> Descent:
        """Return where the descent ended, if that is good; the best state on the validation rows; or the lowest one."""
        course = self.course
        rows = course.history.finish()
        last = course.lowest if status is Status.DIVERGED else course.good
        if status in _ANYWHERE and not self.seen(state):
            at = self.objective(state.w, state.b)
            last = state if np.isfinite([at.value, *state.w, state.b]).all() else last
            rows += [self._record(state, self.epoch(state), at)] if last is state else []
        best = course.best if self.stop.patience is not None else None
        last = last if best is None else best
        if last is None:
            n = len(self.objective.scale)
            nothing = Evaluation(nan, np.full(n, nan), nan)
            return Descent(State(np.full(n, nan), nan), nothing, nan, status, [])
        at = self.objective(last.w, last.b)
        gap = nan if self.watch.gap is None else self.watch.gap(last.w, last.b, at)
        epoch = None if best is None else self.epoch(best)
        small = self.objective.stationarity(at)
        return Descent(last, at, small, status, rows, error=self.error, gap=gap, best_epoch=epoch)


def descend(
    objective: Objective,
    solver: Solver,
    state: State,
    stop: StopRule,
    *,
    watch: Watch | None = None,
    course: Course | None = None,
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
    watch : Watch, optional
        What looks at the descent.
    course : Course, optional
        That of the earlier run which the descent goes on from.

    Returns
    -------
    Descent
        The last state with finite value and gradient, on every way out: a limit, Ctrl-C, an overflow, an error in a
        callback. After a blow-up the state with the lowest loss. With a `patience`, the state with the lowest loss on
        the validation rows.
    """
    run = _Run(objective, solver, stop, watch or Watch(), course or Course())
    status: Status | None = None
    try:
        while status is None:
            if run.due(state):
                with np.errstate(over="ignore", invalid="ignore"):  # looked for there
                    status = run.look(state)
            if status is None and time.perf_counter() - run.began >= stop.max_seconds:
                status = Status.MAX_SECONDS
            if status is None:
                state = _next(objective, solver, state)
                if run.watch.save is not None:
                    run.watch.save(state, run.course, run.seconds, False)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    if run.watch.save is not None:
        run.watch.save(state, run.course, run.seconds, True)
    return run.result(status, state)


def _next(objective: Objective, solver: Solver, state: State) -> State:
    """Return the state after one step. The loop sees to it that steps are counted, so that any solver has an end.

    Raises
    ------
    InputError
        If the solver returns anything but a state of as many coefficients.
    """
    after = check_state(solver, "step", solver.step(objective, state), len(state.w))
    steps = state.iteration + 1
    counted = after.iteration == steps or (objective.batches is not None and after.iteration > steps)
    return after if counted else replace(after, iteration=steps)


def check_state(solver: Solver, method: str, returned: object, n: int) -> State:
    """Return what a method of a solver returned if it is a state of n coefficients, or raise `InputError`."""
    if not isinstance(returned, State) or returned.w.shape != (n,):
        raise InputError(f"{type(solver).__name__}.{method} must return a regress.State with w of shape ({n},).")
    return returned
