"""How training ended."""

from enum import StrEnum

from regress.messages import setting


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
        """What to do about it; empty when nothing is to be done."""
        return _MESSAGES[self][1].format(
            auto=setting("solver", "auto"),
            averaged=setting("solver", "averaged-sgd"),
            iterations=setting("max_iter"),
            epochs=setting("epochs"),
            seconds=setting("max_seconds"),
            tol=setting("tol"),
            rate=setting("learning_rate"),
            size=setting("batch_size"),
            resume=setting("resume", True),
        )

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
        "Use {auto} or {averaged}, or raise {epochs}.",
    ),
    Status.EARLY_STOPPING: ("The loss on the validation rows stopped falling.", ""),
    Status.MAX_SECONDS: ("The time limit was reached before the gradient reached its tolerance.", "Raise {seconds}."),
    Status.CALLBACK: ("A callback stopped training.", "Run it again without that callback to finish."),
    Status.CALLBACK_ERROR: ("A callback raised an error, which stopped training.", "Correct the callback."),
    Status.DIVERGED: ("The loss grew instead of falling.", "Lower {rate}, or raise {size} of mini-batches."),
    Status.NON_FINITE: (
        "A value became infinite or not a number; the parameters are the last good ones.",
        "Rescale the largest columns, and standardize.",
    ),
    Status.INTERRUPTED: (
        "Training was interrupted; the parameters are the last good ones.",
        "Run it again to finish, with {resume} if there is a checkpoint.",
    ),
}
