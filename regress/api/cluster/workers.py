"""What a run needs of a cluster, and what it hears of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from regress.api.cluster.engine import Unit

Handle: TypeAlias = Any  # a task of the engine


class Died(Exception):
    """The engine gave up a task, since its workers ended: its first argument is the key of the task."""


class Lost(Exception):
    """The engine forgot a task."""


@dataclass(frozen=True, slots=True)
class Done:
    """A task ended."""

    key: str
    error: Exception | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A worker ended while it had tasks of these keys."""

    keys: Collection[str]


@dataclass(frozen=True, slots=True)
class Beat:
    """A unit is under way."""

    unit: str
    done: int
    position: int


class Cluster(Protocol):
    """Workers somewhere."""

    name: str
    together: bool
    """Whether units share what they are computed from, so that all are to be begun at once."""

    def threads(self) -> int:
        """Return how many tasks can run at the same time; raise `EngineError` if the scheduler is gone."""

    def fold(self, key: str, units: Sequence[Unit], smaller: bool) -> Handle:
        """Begin to fold units."""

    def merge(self, key: str, inputs: Sequence[Handle]) -> Handle:
        """Begin to merge results."""

    def events(self, seconds: float) -> Iterable[Done | Gone | Beat]:
        """Return what happened; wait for so long if nothing did."""

    def fetch(self, handle: Handle, seconds: float) -> Any:
        """Return a result; raise `Died`, `Lost` or `EngineError` if it is gone."""

    def failed(self, handle: Handle) -> bool:
        """Tell whether a result is gone for good."""

    def cancel(self, handles: Sequence[Handle]) -> None:
        """Stop tasks, whether they run or not."""

    def check(self) -> None:
        """Raise `EngineError` if a worker cannot take part."""
