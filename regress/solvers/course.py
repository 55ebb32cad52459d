"""The course of a descent: its history, and what the loop carries from one evaluation to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from regress.solvers.state import State

_STATES = ("good", "lowest", "best")
_ROWS = 2000  # of a history, above which every second one is dropped


class Iteration(NamedTuple):
    """One row of the history, in the coordinates of the descent. What is not known there is NaN.

    Attributes
    ----------
    iteration, epoch : int
        Updates so far, and passes over the rows.
    loss : float
        L + P on the training rows.
    batch_loss : float
        Sum of the losses of the epoch's batches, each before its own update; only where `loss` needs a pass.
    val_loss : float
        L on the rows held out, or on those of `validation`.
    gradient_norm : float
        ‖∇(L + P)‖ over w and b.
    step : float
        ‖(w, b) − those of the row before‖.
    learning_rate : float
        That of the next update; given as a function, that of the last one.
    gap : float
        L + P above its exact minimum.
    seconds : float
        Since the start, those of earlier runs included.
    """

    iteration: int
    epoch: int
    loss: float
    batch_loss: float
    val_loss: float
    gradient_norm: float
    step: float
    learning_rate: float
    gap: float
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """Evenly spaced rows of a descent, and its last one, in bounded memory.

    Every row is kept up to 2,000; beyond that every second one, every fourth one, and so on, by their numbers alone.
    """

    rows: list[Iteration] = field(default_factory=list)
    last: Iteration | None = None
    count: int = 0
    stride: int = 1

    @property
    def kept(self) -> list[Iteration]:
        """The evenly spaced rows."""
        return self.rows[: -(-self.count // self.stride)]  # later histories share the list

    def after(self, row: Iteration) -> "History":
        """Return the history with one more row."""
        rows, stride = self.rows, self.stride
        if self.count % stride == 0:
            rows[self.count // stride :] = [row]
            if len(rows) > _ROWS:
                rows, stride = rows[::2], 2 * stride
        return History(rows, row, self.count + 1, stride)

    def finish(self) -> list[Iteration]:
        """Return the rows, the first and the last one included."""
        kept, last = self.kept, self.last
        return [*kept, *([last] if last is not None and last.iteration != kept[-1].iteration else [])]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"rows": self.kept, "last": self.last, "count": self.count, "stride": self.stride}

    @staticmethod
    def from_dict(held: Mapping[str, Any]) -> "History":
        """Return the history of which these are the plain values."""
        rows = [Iteration(*row) for row in held["rows"]]
        last = None if held["last"] is None else Iteration(*held["last"])
        return History(rows, last, held["count"], held["stride"])


@dataclass(frozen=True, slots=True)
class Course:
    """What the loop carries from one evaluation to the next, besides the state.

    Attributes
    ----------
    history : History
        A row an evaluation.
    good : State or None
        The last state that was evaluated, with a finite value and gradient.
    lowest, lowest_loss : State or None, float
        The state of the lowest loss.
    best, best_val, waited : State or None, float, int
        The state of the lowest loss on the validation rows, and the evaluations since it fell by `min_delta`.
    before, stationarity : float
        Of the last two evaluations; 1 before the first, its largest value at w = 0, by Cauchy and Schwarz.
    seconds : float
        Of earlier runs.
    """

    history: History = field(default_factory=History)
    good: State | None = None
    lowest: State | None = None
    lowest_loss: float = inf
    best: State | None = None
    best_val: float = inf
    waited: int = 0
    before: float = 1.0
    stationarity: float = 1.0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        states = {name: None if plain[name] is None else plain[name].to_dict() for name in _STATES}
        return {**plain, **states, "history": self.history.to_dict()}

    @staticmethod
    def from_dict(held: Mapping[str, Any]) -> "Course":
        """Return the course of which these are the plain values."""
        states = {name: None if held[name] is None else State.from_dict(held[name]) for name in _STATES}
        return Course(**{**held, **states, "history": History.from_dict(held["history"])})
