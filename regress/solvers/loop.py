"""The only loop: evaluate, look whether to stop, step."""

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import hypot, isnan, nan
from typing import Any

import numpy as np

from regress.errors import InputError
from regress.objective.gradient import Evaluation
from regress.objective.objective import Objective
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import Solver
from regress.solvers.watch import StopRule, Watch

_ANYWHERE = (Status.MAX_SECONDS, Status.INTERRUPTED)  # between two evaluations, too
_BLOW_UP = 1e3  # a loss this many times the first one and that at zero: no stable descent gets there


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent ended: its state, the evaluation there, its status, and one `Iteration` a row.

    `error` is what a callback raised, and `gap` is L + P above its minimum there, NaN if unknown. `best_epoch` is the
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

    @cached_property
    def at_zero(self) -> float:
        """L + P at zero: from a start near the minimum, the loss may grow a thousandfold and still be small."""
        return self.objective(np.zeros(len(self.objective.scale)), 0.0).value

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
        epoch, stop = self.epoch(state), self.stop
        limited = stop.max_iter is not None and state.iteration >= stop.max_iter
        over = stop.epochs is not None and epoch >= stop.epochs
        complete = not self.objective.needs_pass or over or epoch % self.watch.every == 0
        at = self.objective(state.w, state.b) if complete else None
        record = self._record(state, epoch, at)
        looked_at = (record.batch_loss,) if at is None else (at.value, record.gradient_norm)
        if not np.isfinite([*looked_at, *state.w, state.b]).all():
            return Status.NON_FINITE
        if not (seen := self.seen(state)):
            self.course = self._followed(state, record, at)  # at once: Ctrl-C finds the course before or after
        ended = self._decide(at, record, limited)
        ended = ended or (Status.EPOCHS if over else Status.MAX_ITER if limited else None)
        if seen:
            return ended
        called = self._call(state, record)
        return called if called is Status.CALLBACK_ERROR else ended or called

    def _followed(self, state: State, record: Iteration, at: Evaluation | None) -> Course:
        """Return the course after the evaluation of a state."""
        course = self.course
        new: dict[str, Any] = {"history": course.history.after(record), "good": state, "waited": course.waited + 1}
        if at is not None:
            new |= {"before": course.stationarity, "stationarity": self.objective.stationarity(at)}
            if at.value < course.lowest_loss:
                new |= {"lowest": state, "lowest_loss": at.value}
        if record.val_loss < course.best_val - (self.stop.min_delta if course.best is not None else 0.0):
            new |= {"best": state, "best_val": record.val_loss, "waited": 0}
        return replace(course, **new)

    def _decide(self, at: Evaluation | None, record: Iteration, limited: bool) -> Status | None:
        """Return the status if the descent ends for what was seen at a state."""
        course, stop = self.course, self.stop
        if at is not None:
            now, before = course.stationarity, course.before
            settled = now * now <= stop.leaves * before or now > before / 2.0 or limited
            if now <= stop.tol and settled:
                return Status.CONVERGED
        loss = record.batch_loss if at is None else at.value
        if loss > _BLOW_UP * course.history.rows[0].loss and loss > _BLOW_UP * self.at_zero:
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
                for look in run.watch.after:
                    look(state, run.course, run.seconds, False)
                state = _next(objective, solver, state)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    for look in run.watch.after:
        look(state, run.course, run.seconds, True)
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
