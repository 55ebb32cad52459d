"""What a worker of a Dask cluster does: fold units, and merge partial results."""

import pickle
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic

from distributed import get_worker
from distributed.protocol.pickle import dumps, loads

import regress
from regress.api.cluster.engine import A, Fold, Unit, UnitFailed, reason
from regress.errors import RegressError
from regress.messages import speaking_flags

_EVERY = 0.5  # seconds between two messages of one unit


@dataclass(frozen=True, slots=True)
class Task(Generic[A]):
    """What all tasks of a run have in common."""

    fold: Fold[A] = field(repr=False)
    topic: str  # of events: where the client hears of rows
    version: str
    flags: bool  # whether messages name options as the command line does


def dask_setup(worker: object) -> None:
    """Prepare a worker that the client started. Ctrl-C is for the client, which first collects what is finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def fold_units(
    task: Task[A], units: Sequence[Unit], change: Callable[[Any], Any] | None, inputs: Sequence[Any]
) -> bytes:
    """Return the pickled result of units, in their order.

    Parameters
    ----------
    task : Task
        What to do.
    units : sequence of Unit
        With their work, unless it is in `inputs`.
    change : callable, optional
        Makes the work smaller.
    inputs : sequence
        Work that Dask computed for the units.

    Raises
    ------
    UnitFailed
        If one of them cannot be folded.
    """
    _check(task, units[0].key)
    total: A | None = None
    for unit, work in zip(units, inputs or [unit.work for unit in units], strict=True):
        try:
            with speaking_flags() if task.flags else nullcontext():
                one = task.fold(change(work) if change is not None else work, _Report(task.topic, unit.key))
            if total is None:
                total = one
            else:
                total.merge(one)
        except Exception as error:
            raise UnitFailed(unit.key, reason(error), _picklable(error)) from error
    return bytes(dumps(total))


def merge_partials(task: Task[A], inputs: Sequence[bytes]) -> bytes:
    """Return what pickled results amount to."""
    _check(task, "")
    total: A = loads(inputs[0])
    for other in inputs[1:]:
        total.merge(loads(other))
    return bytes(dumps(total))


def _check(task: Task[A], key: str) -> None:
    if task.version != regress.__version__:
        raise UnitFailed(key, "worker", RuntimeError(f"regress {regress.__version__}, not {task.version}"))


def _picklable(error: Exception) -> Exception:
    """Return an exception that arrives with its text."""
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    except Exception:  # whatever a class of exceptions does
        pass
    kind = next((k for k in type(error).__mro__ if k.__module__ in ("builtins", "regress.errors")), Exception)
    text = str(error) if isinstance(error, RegressError) else f"{type(error).__name__}: {error}"
    arrives: Exception = kind(text) if issubclass(kind, RegressError) else RuntimeError(text)
    return arrives


class _Report:
    """Tells the client how far a unit is, now and then."""

    def __init__(self, topic: str, key: str) -> None:
        self._topic, self._key, self._last = topic, key, -_EVERY

    def __call__(self, stage: str, done: int, position: int, size: int) -> None:
        now = time.monotonic()
        if now - self._last >= _EVERY or position == size:
            self._last = now
            get_worker().log_event(self._topic, {"unit": self._key, "done": int(done), "position": int(position)})
