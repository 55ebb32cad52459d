"""One line about a descent that runs: where it is, how good, and the time left."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, log

import numpy as np

from regress.solvers.course import Iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """When a descent ends.

    Attributes
    ----------
    epochs, rows : int or None, int
        Passes over so many rows, of solvers that take a few rows an update; None for others.
    max_iter, tol, steady : int, float, bool
        For others: after so many steps, or where the stationarity is at most `tol`; and whether each step shrinks the
        gradient by about the same factor in the end.
    max_seconds : float
        The time limit.
    """

    epochs: int | None = None
    rows: int = 0
    max_iter: int = 0
    tol: float = 0.0
    steady: bool = False
    max_seconds: float = inf


@dataclass(frozen=True, slots=True)
class Place:
    """Where a descent is: rows or steps done, and the seconds until then; both from the start of the first run."""

    done: int
    seconds: float


def line(record: Iteration, totals: Totals, left: float, room: int | None = None) -> str:
    """Return a row of the history and the time left as text, without the last parts where there is too little room."""
    parts = [reached(record.epoch, totals), *([f"{duration(left)} left"] if isfinite(left) else [])]
    loss = ("batch loss", record.batch_loss) if isnan(record.loss) else ("loss", record.loss)
    gap = [] if isnan(record.gap) else [f"{record.gap:.2g} above the minimum"]
    others = ("held-out loss", record.val_loss), ("‖∇L‖", record.gradient_norm), ("learning rate", record.learning_rate)
    parts += [*_known(loss), *gap, *_known(*others)]
    while room is not None and len(parts) > 1 and len(", ".join(parts)) > room:
        parts.pop()
    return ", ".join(parts)[:room]


def _known(*figures: tuple[str, float]) -> list[str]:
    return [f"{name} {value:.6g}" for name, value in figures if not isnan(value)]


def reached(epoch: int, totals: Totals) -> str:
    """Return how far a descent is; a step on all rows is an epoch."""
    return f"iteration {epoch:,}" if totals.epochs is None else f"epoch {epoch:,} of {totals.epochs:,}"


def duration(seconds: float) -> str:
    """Return seconds as people count them.

    Examples
    --------
    >>> duration(4.2), duration(75.0), duration(7300.0)
    ('4 s', '1 min 15 s', '2 h 1 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, more = divmod(minutes, 60)
    return f"{hours:,} h {more} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def time_left(totals: Totals, start: Place, now: Place, stationarity: float, history: Sequence[Iteration]) -> float:
    """Return the seconds until a descent ends; infinity where that is unknown.

    Passes over rows take as long as those before. Where the gradient is to reach a tolerance, its norm is taken to
    shrink on as it did. If that is steady, it is measured since half of the steps so far, else since the start.
    """
    done, seconds = now.done - start.done, now.seconds - start.seconds
    limit = max(totals.max_seconds - seconds, 0.0)
    if totals.epochs is not None:
        work: float = totals.epochs * totals.rows - now.done
    else:
        work = min(_steps_left(stationarity / totals.tol, history, totals.steady), totals.max_iter - now.done)
    left = max(work, 0.0) * seconds / done if done > 0 else inf
    return min(left, limit)


def _steps_left(factor: float, history: Sequence[Iteration], steady: bool) -> float:
    """Return the steps until ‖∇L‖ is smaller by a factor."""
    if factor <= 1.0:
        return 0.0
    known = [(row.iteration, log(row.gradient_norm)) for row in history if row.gradient_norm > 0]
    first = known[-1][0] // 2 if known and steady else 0
    recent = np.array([row for row in known if row[0] >= first])
    if len(recent) < 3:
        return inf
    slope = float(np.polyfit(recent[:, 0], recent[:, 1], 1)[0])
    return log(factor) / -slope if slope < 0.0 else inf
