"""What a worker of a cluster makes of a partition: sums over its rows, and whatever else merges."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from regress.aggregates.base import Aggregate
from regress.aggregates.part_sums import PartSums
from regress.api.sums import Reading, sums_of
from regress.blocks import Array
from regress.design.preparation import FirstPass
from regress.design.roles import Values
from regress.design.rows import Reader
from regress.options import Progress
from regress.sources.base import Partition, Source
from regress.sources.open import open_table

A = TypeVar("A", bound=Aggregate[Any])
M = TypeVar("M", bound="Merging")
T = TypeVar("T")


class PartWork(NamedTuple):
    """A partition and its key; or rows of it in memory, with target and weights where these are values."""

    key: str
    name: str
    rows: Any
    target: Array | None = None
    weights: Array | None = None


@dataclass(slots=True, eq=False)
class Named(Generic[T]):
    """What came of partitions, by their keys."""

    values: dict[str, T] = field(default_factory=dict)

    @property
    def parts(self) -> frozenset[str]:
        """The keys."""
        return frozenset(self.values)

    def merge(self, other: "Named[T]") -> None:
        """Add other partitions."""
        self.values |= other.values


class Merging(Protocol):
    """What merges with others of its kind."""

    def merge(self, other: Self) -> None:
        """Add another."""
        ...


@dataclass(slots=True, eq=False)
class Summed(Generic[M]):
    """What merges, over the rows of partitions, and their keys."""

    aggregate: M
    parts: frozenset[str]

    def merge(self, other: Self) -> None:
        """Add other partitions."""
        self.aggregate.merge(other.aggregate)
        self.parts |= other.parts


@dataclass(frozen=True, slots=True)
class OnPart:
    """Reads partitions of a table as a reader does, which itself has none."""

    reader: Reader

    def of(self, work: PartWork) -> Reader:
        """Return what reads one partition."""
        reader, source = self.reader, self.reader.source
        partition = work.rows if isinstance(work.rows, Partition) else in_memory(work, source)
        values = {"target": work.target, "weights": work.weights}
        given: dict[str, Any] = {
            role: Values(getattr(reader, role).name, array) for role, array in values.items() if array is not None
        }
        return replace(reader, source=source.only([partition]), **given)


def in_memory(work: PartWork, source: Source) -> Partition:
    """Return the rows of a frame or array as a partition with a name."""
    found = copy(open_table(work.rows, source.options).partitions()[0])
    found.name = work.name
    return found


@dataclass(frozen=True, slots=True)
class SumPart(OnPart):
    """Sums the rows of a partition."""

    reading: Reading

    def __call__(self, work: PartWork, progress: Progress) -> PartSums:
        """Return the sums."""
        sums = sums_of(self.of(work), self.reading, progress)
        sums.parts = frozenset([work.key])
        return sums


@dataclass(frozen=True, slots=True)
class FirstPassOfPart(OnPart):
    """Reads a partition before its rows are encoded."""

    kind: type[FirstPass]

    def __call__(self, work: PartWork, progress: Progress) -> Summed[FirstPass]:
        """Return what was found."""
        found = self.kind(self.of(work))
        found.read()
        return Summed(found, frozenset([work.key]))


@dataclass(frozen=True, slots=True)
class FoldPart(OnPart, Generic[A]):
    """Folds the training rows of a partition."""

    make: Callable[[], A]

    def __call__(self, work: PartWork, progress: Progress) -> Summed[A]:
        """Return the aggregate."""
        made = self.make()
        for block in self.of(work).blocks():
            made.add(block)
        return Summed(made, frozenset([work.key]))


@dataclass(frozen=True, slots=True)
class Apply(Generic[T]):
    """Applies a function to a partition."""

    function: Callable[[Any], T]
    source: Source

    def __call__(self, work: PartWork, progress: Progress) -> Named[T]:
        """Return what it makes of it."""
        partition = work.rows if isinstance(work.rows, Partition) else in_memory(work, self.source)
        return Named({work.key: self.function(partition)})
