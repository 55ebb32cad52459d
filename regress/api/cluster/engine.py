"""Work on many machines: units of work, what becomes of each, and the errors. No engine is imported here.

A unit becomes a **partial result**: it names its parts, and merges with others. An engine maps a function over units,
wherever there are workers, and returns what all of them merge to. It knows neither tables nor sums.
"""

import errno
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from regress.errors import InputError, RegressError, TransientError, check_number
from regress.options import Progress

_PASSING = (errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH)


class EngineError(RegressError, RuntimeError):
    """A cluster that cannot do its work, or stopped doing it. The message names the worker or the part."""


class Mergeable(Protocol):
    """A partial result: that of some units. Picklable."""

    @property
    def parts(self) -> Collection[str]:
        """The keys of its units."""

    def merge(self, other: Self) -> None:
        """Add another partial result, in place; the result has the same bits in any order and grouping."""


A = TypeVar("A", bound=Mergeable)
Fold = Callable[[Any, Progress], A]
"""fold(work, progress): the partial result of one unit, whose key it names. It may call `progress` with rows so far."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work that is done by one worker, alone.

    Attributes
    ----------
    key : str
        Its identity: the same in every run, and another where its content changed, such as address, range and ETag.
    label : str
        Its name in messages, such as ``parts/07.csv``.
    size : int
        Bytes; 0 where they are not known.
    work : object
        What the function takes: picklable, or a Dask ``Future`` or ``Delayed`` of it. It is not shown in any log.
    """

    key: str
    label: str
    size: int
    work: Any = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[A]):
    """What is to be done with units.

    Attributes
    ----------
    fold : callable
        ``fold(work, progress)`` returns the partial result of one unit.
    smaller : callable, optional
        ``smaller(work)`` is the same work in less memory: for a unit that ended two workers.
    need : callable, optional
        ``need(unit)`` is the memory in bytes that a worker needs for it.
    """

    fold: Fold[A] = field(repr=False)
    smaller: Callable[[Any], Any] | None = field(default=None, repr=False)
    need: Callable[[Unit], int] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How long an engine waits, in seconds.

    Attributes
    ----------
    timeout : float
        Without any progress of any unit.
    connect : float
        For an answer of the scheduler, and of a new worker.
    gather : float
        Between two times that the client collects what is finished, so that a lost worker costs no more.
    backoff : float
        Before a unit is read again after an error of its storage; twice as long the next time.
    """

    timeout: float = 300.0
    connect: float = 10.0
    gather: float = 60.0
    backoff: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        InputError
            If one of them is not a positive number.
        """
        check_number("timeout", self.timeout, above=0)
        for value in (self.connect, self.gather, self.backoff):
            check_number("seconds", value, above=0)


class UnitFailed(Exception):
    """A unit that a worker could not finish: its key, the reason, and the exception.

    The reason is ``transient``, ``memory``, ``error``, or ``worker`` if the worker cannot take part.
    """

    def __init__(self, key: str, why: str, error: Exception) -> None:
        super().__init__(key, why, error)  # as it travels
        self.key, self.why, self.error = key, why, error


def reason(error: Exception) -> str:
    """Return whether work may succeed if it is done again: ``transient``, ``memory``, or ``error``.

    Examples
    --------
    >>> reason(ConnectionResetError()), reason(FileNotFoundError()), reason(MemoryError())
    ('transient', 'error', 'memory')
    """
    if isinstance(error, MemoryError):
        return "memory"
    passing = isinstance(error, OSError) and error.errno in _PASSING
    if passing or isinstance(error, ConnectionError | TimeoutError | TransientError):
        return "transient"
    return "error"


def check_parts(total: Mergeable, units: Collection[Unit]) -> None:
    """Check that a result holds every unit exactly once.

    Raises
    ------
    EngineError
        If one is missing, counted twice, or of another table.
    """
    held = list(total.parts)
    names = set(held)
    for unit in units:
        if unit.key not in names:
            raise EngineError(f"The result does not hold {unit.label}: its part was lost. Nothing was computed.")
    if len(held) != len(names) or len(names) != len(units):
        extra = next((key for i, key in enumerate(held) if key in held[:i]), None)
        wrong = extra if extra is not None else next(iter(names - {unit.key for unit in units}))
        label = next((unit.label for unit in units if unit.key == wrong), wrong)
        raise EngineError(f"The result holds {label} twice, or without having read it. Nothing was computed.")


def check_units(units: Collection[Unit]) -> None:
    """Check that there are units, and that their keys differ.

    Raises
    ------
    InputError
        If two units have the same key, or there is no unit.
    """
    seen = dict[str, str]()
    for unit in units:
        if unit.key in seen:
            raise InputError(f"The table has the same part twice: {seen[unit.key]} and {unit.label}.")
        seen[unit.key] = unit.label
    if not seen:
        raise InputError("The table has no parts.")
