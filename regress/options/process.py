"""How training runs: what watches it, when it ends early, where it begins, and how it continues after a stop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from regress.errors import InputError, check_number, check_switch, check_whole
from regress.messages import setting
from regress.options.declare import option

_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """How training runs: what watches it, when it ends early, where it begins, and how it continues after a stop."""

    init: Any = option(
        None,
        "Begin at these coefficients: a saved model, a fit, or (w, b) in the user's units.",
        "Process",
        "MODEL",
        text="Begin at the coefficients of this saved model.",
    )
    validation: Any = option(
        None,
        "Rows to validate on, in place of held-out rows: a table, or (X, y).",
        "Process",
        "TABLE",
        text="Validate on the rows of this table, in place of held-out rows.",
    )
    early_stopping: int | Mapping[str, float] | None = option(
        None,
        "Stop after N epochs without a lower held-out loss, and return the best weights. A mapping such as "
        "{'patience': 5, 'min_delta': 0.0} sets the least improvement, too.",
        "Process",
        "N",
        text="Stop after N epochs without a lower held-out loss, and return the best weights.",
    )
    max_seconds: float | None = option(
        None, "Stop after S seconds of training, and return the result so far.", "Process", "S"
    )
    monitor_every: int = option(
        1, "Evaluate the loss every N epochs, if that needs a pass over the rows.", "Process", "N"
    )
    callbacks: Sequence[Callable[[Any, Any], Any]] = option(
        (),
        "Functions, each called as callback(state, record) at every evaluation. One that returns 'stop' ends training.",
        "Process",
    )
    verbose: int = option(0, "1 shows a line for the latest evaluation on standard error.", "Process")
    checkpoint: str | Path | None = option(
        None, "Save the state of training to this file while it runs.", "Process", "FILE"
    )
    checkpoint_every: int | None = option(None, "Save after every N updates.", "Process", "N")
    checkpoint_seconds: float = option(_MINUTE, "Save every S seconds, unless updates are counted.", "Process", "S")
    resume: bool = option(
        False, "Continue from the checkpoint. The result is that of an uninterrupted run, bit by bit.", "Process"
    )

    def __post_init__(self) -> None:
        if all(getattr(self, f.name) is f.default for f in fields(self)):
            return
        object.__setattr__(self, "early_stopping", _patience(self.early_stopping))
        if self.max_seconds is not None:
            object.__setattr__(self, "max_seconds", check_number("max_seconds", self.max_seconds, above=0.0))
        object.__setattr__(self, "monitor_every", check_whole("monitor_every", self.monitor_every, 1))
        verbose = int(self.verbose) if isinstance(self.verbose, bool) else self.verbose
        object.__setattr__(self, "verbose", check_whole("verbose", verbose, 0))
        several = isinstance(self.callbacks, Iterable) and not callable(self.callbacks)
        callbacks = tuple(self.callbacks) if several else (self.callbacks,)
        for callback in callbacks:
            if not callable(callback):
                raise InputError(f"{setting('callbacks')} must be functions (state, record); got {callback!r}.")
        object.__setattr__(self, "callbacks", callbacks)
        if not isinstance(self.checkpoint, str | PathLike | None) or "\0" in str(self.checkpoint):
            raise InputError(f"{setting('checkpoint')} must be the name of a file; got {self.checkpoint!r}.")
        if self.checkpoint_every is not None:
            check_whole("checkpoint_every", self.checkpoint_every, 1)
        seconds = check_number("checkpoint_seconds", self.checkpoint_seconds, at_least=0.0)
        object.__setattr__(self, "checkpoint_seconds", seconds)
        object.__setattr__(self, "resume", check_switch("resume", self.resume))
        given = {
            "resume": self.resume,
            "checkpoint_every": self.checkpoint_every,
            "checkpoint_seconds": seconds != _MINUTE,
        }
        if self.checkpoint is None and (name := next((name for name, value in given.items() if value), None)):
            raise InputError(f"{setting(name)} needs a file. Name it with {setting('checkpoint')}.")

    @property
    def patience(self) -> Mapping[str, float] | None:
        """`early_stopping` as "patience" and "min_delta"."""
        return _patience(self.early_stopping)

    @property
    def steps(self) -> str:
        """The first given option that needs a descent, since a direct solution has no steps; "" if there is none."""
        given = {"init": self.init, "checkpoint": self.checkpoint, "early_stopping": self.early_stopping}
        given |= {"max_seconds": self.max_seconds, "callbacks": self.callbacks or None}
        return next((name for name, value in given.items() if value is not None), "")


def _patience(given: Any) -> dict[str, float] | None:
    """Return {"patience": epochs, "min_delta": loss}, checked."""
    if given is None:
        return None
    told = dict(given) if isinstance(given, Mapping) else {"patience": given}
    if unknown := sorted(set(told) - {"patience", "min_delta"}):
        raise InputError(f"{setting('early_stopping')} has no {unknown[0]!r}. It takes patience and min_delta.")
    patience = check_whole("early_stopping", told.get("patience", 5), 1)
    return {"patience": patience, "min_delta": check_number("min_delta", told.get("min_delta", 0.0), at_least=0.0)}
