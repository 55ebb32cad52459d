"""How a descent runs, whatever it minimizes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from regress.aggregates.held_out import HeldOut
from regress.blocks import Array
from regress.objective.batches import BlockReader
from regress.solvers.course import Course
from regress.solvers.state import State
from regress.solvers.watch import Callback, Save


class Start(NamedTuple):
    """Where a descent begins, in the user's units: ŷ = (x − center)ᵀw + b_center."""

    w: Array
    center: Array
    b_center: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a descent runs.

    Attributes
    ----------
    descends : bool
        Whether a descent is asked for, where the minimum could be taken directly.
    start : Start or None
        Where it begins; None for w = 0 and b = 0.
    resumed : callable or None
        Returns where an earlier run was, from the start and the solver's step.
    callbacks : sequence of callable
        Called as callback(state, record).
    held_out : HeldOut or None
        Rows to validate on.
    early_stopping : mapping or None
        "patience" and "min_delta".
    max_seconds, every : float, int
        The time limit, and epochs between evaluations that need a pass over the rows.
    save : callable or None
        Called as save(state, course, seconds, ended) before every step, and at the end.
    seed, reader : int, BlockReader or None
        Of the order of rows, and what reads them in blocks.
    """

    descends: bool = False
    start: Start | None = None
    resumed: Callable[[State, Callable[[State], State]], tuple[State, Course]] | None = None
    callbacks: Sequence[Callback] = ()
    held_out: HeldOut | None = None
    early_stopping: Mapping[str, float] | None = None
    max_seconds: float = inf
    every: int = 1
    after: Sequence[Save] = ()
    seed: int = 0
    reader: BlockReader | None = None
