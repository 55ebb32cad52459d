"""How rows are fed to solvers that see a few of them at a time."""

from dataclasses import dataclass, fields
from typing import Any, get_args

from regress.errors import check_choice, check_number, check_switch, check_whole
from regress.options.declare import Schedule, option

BATCH_SOLVERS = ("sgd", "averaged-sgd", "adam")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How rows are fed to solvers that see a few of them at a time."""

    batch_size: int = option(256, "Rows of an update.", "Mini-batches", "N")
    epochs: int = option(100, "Passes over the rows.", "Mini-batches", "N")
    schedule: Schedule = option(
        "constant",
        "Learning rate of update t (from 0) of T: constant; invscaling, times (t + 1)^-0.25; cosine, times "
        "(1 + cos(πt/T))/2; step, halved every ten epochs.",
        "Mini-batches",
    )
    momentum: float = option(0.0, "Momentum of sgd: the part of a step that the next one repeats.", "Mini-batches", "F")
    nesterov: bool = option(
        False, "Nesterov momentum: the gradient counts as that after the repeated step.", "Mini-batches"
    )
    shuffle: bool = option(
        True,
        "Whether each epoch takes the rows in a new random order, seeded by random_state.",
        "Mini-batches",
        off="Take rows in their order.",
    )
    shuffle_rows: int = option(
        262_144, "Rows of a file that are in memory at a time, and shuffled with each other.", "Mini-batches", "N"
    )
    optimizer: Any = option(
        None, "A `tf.keras.optimizers.Optimizer` that takes the steps. It needs gradient='autodiff'.", "Mini-batches"
    )

    def __post_init__(self) -> None:
        if all(getattr(self, f.name) is f.default for f in fields(BatchOptions)):
            return
        for name in ("batch_size", "epochs", "shuffle_rows"):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), 1))
        check_choice("schedule", self.schedule, get_args(Schedule))
        object.__setattr__(self, "momentum", check_number("momentum", self.momentum, at_least=0.0, below=1.0))
        for name in ("nesterov", "shuffle"):
            object.__setattr__(self, name, check_switch(name, getattr(self, name)))
