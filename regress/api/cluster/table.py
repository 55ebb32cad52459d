"""A table read by a cluster: each of its partitions by a worker, into sums that merge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from regress.aggregates.base import Aggregate, FoldRows
from regress.aggregates.part_sums import PartSums
from regress.api.cluster.engine import EngineOptions, Job, Unit
from regress.api.cluster.work import (
    Apply,
    FirstPassOfPart,
    FoldPart,
    Named,
    PartWork,
    Summed,
    SumPart,
)
from regress.api.sums import Reading
from regress.design.preparation import FirstPass, after_passes
from regress.design.rows import Reader
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import Progress, TableOptions
from regress.sources.base import Partition, Source
from regress.sources.open import of_package
from regress.sources.rereading import Reread, Unopened, Unsettled

_PROGRAM = 180_000_000  # bytes of a process that has read something
_CATEGORIES, _ROWS = 50, 2**16  # of a text column, about, and rows of its columns of X at a time
_LEVELS, _SAMPLES = 24, 4  # arrays of a part's sums and of those that it is merged with; copies of a sample

A = TypeVar("A", bound=Aggregate[Any])
T = TypeVar("T")


def need(reader: Reader, sampled: int, unit: Unit) -> int:
    """Return the bytes that a worker needs for a partition.

    These are the program, the blocks that it works on, sums of products in 64-bit levels, and the sample.
    """
    texts = len(reader.design.texts)
    columns = len(reader.design.numbers) + 2 + _CATEGORIES * texts
    rows = unit.work.rows if isinstance(unit.work, PartWork) else None
    held = rows.memory if isinstance(rows, Partition) else 3 * unit.size
    held += _ROWS * 8 * _CATEGORIES * texts
    return _PROGRAM + held + _LEVELS * 8 * columns**2 + _SAMPLES * 8 * columns * sampled


def smaller(work: PartWork) -> PartWork:
    """Return the same work in smaller blocks."""
    return work._replace(rows=work.rows.smaller()) if isinstance(work.rows, Partition) else work


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTable:
    """A table whose partitions are read by a cluster.

    Attributes
    ----------
    address : object
        A client of Dask, the address of a scheduler, or "local:N".
    options : EngineOptions
        How long to wait.
    table : Source
        The table: files, or what the partitions of a collection look like.
    units : tuple of Unit
        The partitions of a collection; none for files.
    target, weights : str, Values or None
        The columns with these roles, or values that the partitions bring along.
    checkpoint : callable, optional
        checkpoint(reader, options) is where sums are kept.
    """

    address: Any
    options: EngineOptions
    table: Source
    target: Any
    weights: Any
    units: tuple[Unit, ...] = ()
    checkpoint: Callable[[Reader, TableOptions], Any] | None = None

    @property
    def source(self) -> Source:
        """The table, whose partitions the cluster looks at."""
        return self.table.over(self.each)

    def each(self, function: Callable[[Any], T], parts: Sequence[Any]) -> list[T]:
        """Return what a function makes of each of some partitions, in their order."""
        units = self._units(parts)
        found: Named[T] = self.run(Apply(function, self.table.only(())), units)
        return [found.values[unit.key] for unit in units]

    def _units(self, parts: Sequence[Any]) -> tuple[Unit, ...]:
        """Return partitions as units of work."""
        return self.units or tuple(
            Unit(part.identity, part.name, part.size, PartWork(part.identity, part.name, part)) for part in parts
        )

    def run(self, fold: Any, units: Sequence[Unit], progress: Progress | None = None, checkpoint: Any = None) -> Any:
        """Return what units merge to."""
        from regress.api.cluster.dask_engine import reduce

        needed = None
        if isinstance(fold, SumPart):
            needed = partial(need, fold.reader, fold.reading.sampled)
        job = Job(fold=fold, smaller=smaller, need=needed)
        return reduce(units, job, self.address, options=self.options, checkpoint=checkpoint, progress=progress)

    def filled(self, reader: Reader) -> Reader:
        """Return a reader that knows what first passes find: means that fill missing cells, and what terms need."""

        def read(reader: Reader, kind: type[FirstPass]) -> FirstPass:
            summed: Summed[FirstPass] = self._of_parts(FirstPassOfPart(distant(reader), kind), reader.source)
            return summed.aggregate

        return after_passes(reader, read)

    def sums(
        self, reader: Reader, options: TableOptions, reading: Reading, progress: Progress | None = None
    ) -> PartSums:
        """Return sums over the rows of a table.

        Raises
        ------
        InputError
            If the rows themselves are needed.
        Reread
            If a column is not what its first cells look like.
        """
        if reading.over == "rows" or reading.indexed or reading.along:
            raise InputError(
                f"A cluster sums the rows of {reader.source.label}, and this fit needs the rows in memory. "
                f"Use the squared error, {setting('over', 'auto')} and a solver that takes moments."
            )
        checkpoint = None if self.checkpoint is None else self.checkpoint(reader, options)
        fold = SumPart(distant(reader), replace(reading, n_jobs=1, precision="exact", summed=True))
        sums: PartSums = self._of_parts(fold, reader.source, progress, checkpoint)
        reader.source.take_skipped(sums.skipped)
        return sums

    def _of_parts(self, fold: Any, source: Source, progress: Progress | None = None, checkpoint: Any = None) -> Any:
        try:
            return self.run(fold, self._units(source.partitions()), progress, checkpoint)
        except Unopened:
            raise Reread(source.opened()) from None
        except Unsettled as asked:
            raise Reread(source.settled(asked.names) if asked.names else source.marked()) from None
        except TableError:
            known = source.opened()  # as one process has before it reads: a column may be text, or missing, elsewhere
            if known.columns != source.columns:
                raise Reread(known) from None
            raise

    def folding(self, reader: Reader) -> FoldRows:
        """Return what folds the training rows that a reader reads, by workers."""

        def fold(make: Callable[[], A]) -> A:
            summed: Summed[A] = self.run(FoldPart(distant(reader), make), self._units(reader.source.partitions()))
            return summed.aggregate

        return fold


def distant(reader: Reader) -> Reader:
    """Return a reader of none of the partitions, for whoever is given one."""
    return replace(reader, source=reader.source.only(()))


def dask_collection(table: object) -> bool:
    """Tell whether a table is a frame, a Series or an array of Dask."""
    return of_package(table, "dask")
