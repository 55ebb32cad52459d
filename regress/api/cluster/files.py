"""Files as the partitions that a cluster reads: each of them, or ranges of bytes of a large one."""

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from regress.api.cluster.engine import EngineOptions, Unit
from regress.api.cluster.table import Cluster, dask_collection
from regress.api.cluster.work import Named, PartWork
from regress.errors import InputError
from regress.messages import setting
from regress.options import Progress, TableOptions
from regress.sources.base import Partition, Source
from regress.sources.csv.range_counts import Range, RangeCount, count
from regress.sources.csv.ranges import cut, ranges_of
from regress.sources.csv.reader import CsvPart
from regress.sources.file_parts import FilePart
from regress.sources.open import open_table
from regress.sources.table import Table

RANGE = 2**25  # bytes of a CSV file that are a partition


def cluster_of(
    client: Any, table: Any, target: Any, options: TableOptions, *, engine: EngineOptions, checkpoint: Any = None
) -> Cluster:
    """Return a table that a cluster reads; large plain CSV files in ranges of bytes.

    Raises
    ------
    InputError
        If it has no partitions that can be read elsewhere.
    """
    given = {"address": client, "options": engine, "checkpoint": checkpoint}
    if dask_collection(table):
        from regress.api.cluster.dask_collections import collection_of

        source, units, target, weights = collection_of(table, target, options.weights, client, options)
        return Cluster(units=units, table=source, target=target, weights=weights, **given)
    source = open_table(table, options)
    if not all(isinstance(part, FilePart) for part in source.partitions()):
        raise InputError(
            f"A cluster reads files, and collections of Dask; {source.label} is in memory. Remove {setting('cluster')}."
        )
    whole = Cluster(units=units_of(source), table=source, target=target, weights=options.weights, **given)
    source = in_ranges(whole, source)
    return replace(whole, units=units_of(source), table=source)


def units_of(source: Source) -> tuple[Unit, ...]:
    """Return the partitions of a table as units of work."""
    return tuple(
        Unit(part.identity, part.name, part.size, PartWork(part.identity, part.name, part))
        for part in source.partitions()
    )


def in_ranges(cluster: Cluster, source: Source) -> Source:
    """Return a table with its large plain CSV files cut into ranges of bytes, each counted by a worker first."""
    pieces = {
        part.identity: ranges_of(part, RANGE)
        for part in source.partitions()
        if isinstance(part, CsvPart) and part.size >= 2 * RANGE
    }
    ranges = [one for found in pieces.values() if not isinstance(found, str) for one in found]
    if not pieces:
        return source
    units = tuple(
        Unit(key_of(one), f"{one.file.name} from byte {one.start:,}", one.stop - one.start, one) for one in ranges
    )
    counted: Named[RangeCount] = replace(cluster, units=units).run(CountRange()) if units else Named()
    parts = list[Partition]()
    for part in source.partitions():
        spans: list[CsvPart] | str = ""
        if isinstance(part, CsvPart) and part.identity in pieces:
            found = pieces[part.identity]
            spans = found if isinstance(found, str) else cut(part, [counted.values[key_of(one)] for one in found])
        parts += [noted(part, spans)] if isinstance(spans, str) else spans
    assert isinstance(source, Table)
    return source.recut(parts)


def key_of(one: Range) -> str:
    """Return what tells a range from others."""
    return f"{one.file.name}:{one.start}"


def noted(part: Partition, note: str) -> Partition:
    """Return a file with a note on how it is read."""
    if isinstance(part, FilePart) and note:
        part = copy(part)
        part.note = f"{part.note} {note}".strip()
    return part


@dataclass(frozen=True, slots=True)
class CountRange:
    """Counts the quotes, lines and records of a range of bytes."""

    def __call__(self, work: Range, progress: Progress) -> Named[RangeCount]:
        """Return the counts."""
        return Named({key_of(work): count(work)})
