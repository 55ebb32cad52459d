"""How training ended."""

from enum import StrEnum

from regress.fit_record import FitOptions
from regress.messages import setting
from regress.options import BATCH_SOLVERS, TrainOptions


class Status(StrEnum):
    """How training ended. Each member carries its own message and remedy."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    EPOCHS = "epochs"
    EARLY_STOPPING = "early_stopping"
    MAX_SECONDS = "max_seconds"
    CALLBACK = "callback"
    CALLBACK_ERROR = "callback_error"
    DIVERGED = "diverged"
    NON_FINITE = "non_finite"
    INTERRUPTED = "interrupted"

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return _MESSAGES[self][0]

    @property
    def remedy(self) -> str:
        """What to do about it, whatever ran; empty when nothing is to be done."""
        return _MESSAGES[self][1].format(
            auto=_auto(),
            iterations=setting("max_iter"),
            epochs=setting("epochs"),
            seconds=setting("max_seconds"),
            tol=setting("tol"),
            rate=setting("learning_rate"),
            size=setting("batch_size"),
            checkpoint=setting("checkpoint"),
        )

    def remedy_for(self, options: TrainOptions | FitOptions, checkpoint: str | None = None) -> str:
        """Return what to do about it after a training with such options, saved to a checkpoint if one is named."""
        if self is Status.INTERRUPTED and checkpoint is not None:
            return saved(checkpoint)
        if self is not Status.EPOCHS:
            return self.remedy
        epochs, rate = setting("epochs"), options.learning_rate
        if options.optimizer:
            return f"Raise {epochs}, let the learning rate of the optimizer fall, or remove {setting('optimizer')}."
        falls = callable(rate) or rate == "function" or options.schedule != "constant"
        if falls or options.solver not in BATCH_SOLVERS:
            return self.remedy
        return f"Raise {epochs}, let the learning rate fall by {setting('schedule', 'cosine')}, or use {_auto()}."

    @property
    def as_asked(self) -> bool:
        """Whether training ended where it was asked to end: at the minimum, or where validation stopped it."""
        return self in (Status.CONVERGED, Status.EARLY_STOPPING)


_MESSAGES = {
    Status.CONVERGED: ("The gradient reached its tolerance.", ""),
    Status.MAX_ITER: (
        "The maximum number of iterations was reached before the gradient reached its tolerance.",
        "Use {auto}, raise {iterations}, or loosen {tol}.",
    ),
    Status.EPOCHS: (
        "All epochs were run before the gradient reached its tolerance.",
        "Raise {epochs}, or use {auto}.",
    ),
    Status.EARLY_STOPPING: ("The loss on the validation rows stopped falling.", ""),
    Status.MAX_SECONDS: ("The time limit was reached before the gradient reached its tolerance.", "Raise {seconds}."),
    Status.CALLBACK: ("A callback stopped training.", "Run it again without that callback to finish."),
    Status.CALLBACK_ERROR: ("An error in a callback stopped training.", "Correct the callback."),
    Status.DIVERGED: ("The loss grew instead of falling.", "Lower {rate}, or raise {size} of mini-batches."),
    Status.NON_FINITE: (
        "A value became infinite or not a number; the parameters are the last valid ones.",
        "Rescale the largest columns, and standardize.",
    ),
    Status.INTERRUPTED: (
        "Training was interrupted; the parameters are the last valid ones.",
        "To be able to continue the next time, add {checkpoint}.",
    ),
}


def saved(checkpoint: str) -> str:
    """Return how to go on from a checkpoint."""
    return f"Training is saved to {checkpoint}: add {setting('resume', True)} to continue."


def _auto() -> str:
    return setting("solver", "auto")
