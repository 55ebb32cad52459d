"""A table read by a cluster: each of its partitions by a worker, into sums that merge."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from regress.aggregates.base import Aggregate
from regress.aggregates.part_sums import PartSums
from regress.api.engine import EngineOptions, Job, Unit
from regress.api.sums import Reading, sums_of
from regress.blocks import Array
from regress.design.preparation import Means
from regress.design.roles import Values
from regress.design.rows import Reader
from regress.options import Progress
from regress.sources.base import Partition, Source
from regress.sources.open import open_table
from regress.sources.rereading import Reread, Unsettled

_PROGRAM = 250_000_000  # bytes of a process that has read something

A = TypeVar("A", bound=Aggregate[Any])
M = TypeVar("M", bound="Merging")
T = TypeVar("T")


class PartWork(NamedTuple):
    """A partition, by its key and its name; or rows in memory of it, with their target and weights if these are values."""

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
class MeansOfPart(OnPart):
    """Sums the cells of a partition that are not missing."""

    def __call__(self, work: PartWork, progress: Progress) -> Summed[Means]:
        """Return the sums."""
        means = Means(self.of(work))
        means.read()
        return Summed(means, frozenset([work.key]))


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


def need(unit: Unit) -> int:
    """Return the bytes that a worker needs for a partition: the program, and the blocks that it works on."""
    rows = unit.work.rows if isinstance(unit.work, PartWork) else None
    held = rows.memory if isinstance(rows, Partition) else 2 * unit.size
    return _PROGRAM + held


def smaller(work: PartWork) -> PartWork:
    """Return the same work in smaller blocks."""
    return work._replace(rows=work.rows.smaller()) if isinstance(work.rows, Partition) else work


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the partitions of a table are read.

    Attributes
    ----------
    address : object
        A client of Dask, the address of a scheduler, or "local:N".
    options : EngineOptions
        How long to wait.
    units : tuple of Unit
        The partitions.
    """

    address: Any
    options: EngineOptions
    units: tuple[Unit, ...]

    def run(self, fold: Any, progress: Progress | None = None, checkpoint: Any = None) -> Any:
        """Return what the partitions merge to."""
        from regress.api.dask_engine import reduce

        job = Job(fold=fold, smaller=smaller, need=need)
        return reduce(self.units, job, self.address, options=self.options, checkpoint=checkpoint, progress=progress)

    def each(self, source: Source, function: Callable[[Any], T], parts: Sequence[Any]) -> list[T]:
        """Return what a function makes of each partition, in their order."""
        found: Named[T] = self.run(Apply(function, source.only(())))
        return [found.values[unit.key] for unit in self.units]

    def sums(
        self, reader: Reader, reading: Reading, progress: Progress | None = None, checkpoint: Any = None
    ) -> PartSums:
        """Return sums over the rows of a table.

        Raises
        ------
        Reread
            If a column is not what its first cells look like.
        """
        source = reader.source
        reader = replace(reader, source=source.only(()))
        try:
            if reader.missing == "mean" and not reader.design.fills:
                means: Summed[Means] = self.run(MeansOfPart(reader))
                reader = replace(reader, design=reader.design.with_fills(means.aggregate.finish()))
            sums: PartSums = self.run(SumPart(reader, replace(reading, n_jobs=1, summed=True)), progress, checkpoint)
        except Unsettled as asked:
            raise Reread(source.settled(asked.names) if asked.names else source.marked()) from None
        return sums

    def fold(self, reader: Reader, make: Callable[[], A]) -> A:
        """Return an aggregate over the training rows."""
        summed: Summed[A] = self.run(FoldPart(replace(reader, source=reader.source.only(())), make))
        return summed.aggregate
