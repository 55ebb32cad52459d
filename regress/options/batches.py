"""How rows are fed to solvers that see a few of them at a time."""

from dataclasses import dataclass, fields
from typing import Any, get_args

from regress.errors import check_choice, check_number, check_switch, check_whole
from regress.options.declare import Schedule, option

BATCH_SOLVERS = ("sgd", "averaged-sgd", "adam")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How rows are fed to solvers that see a few of them at a time."""

    batch_size: int = option(256, "Number of rows per update.", "Mini-batches", "N")
    epochs: int = option(100, "Number of passes over the rows.", "Mini-batches", "N")
    schedule: Schedule = option(
        "constant",
        "Learning rate over time: constant; divided by t^0.25 at update t (invscaling); along a cosine to zero; or "
        "halved every ten epochs (step).",
        "Mini-batches",
    )
    momentum: float = option(
        0.0, "Momentum of sgd: the fraction of a step that is added to the next.", "Mini-batches", "F"
    )
    nesterov: bool = option(False, "Use Nesterov momentum.", "Mini-batches")
    shuffle: bool = option(
        True,
        "Whether each epoch takes the rows in a new random order, seeded by random_state.",
        "Mini-batches",
        off="Take the rows in the order of the table.",
    )
    shuffle_rows: int = option(
        262_144, "Number of rows of a file to hold in memory and shuffle together.", "Mini-batches", "N"
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
