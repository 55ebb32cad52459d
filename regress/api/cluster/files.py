"""Files as the partitions that a cluster reads: each of them, or ranges of bytes of a large one."""

import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from regress.api.cluster.engine import EngineOptions, Unit
from regress.api.cluster.table import ClusterTable, dask_collection
from regress.api.cluster.work import Named
from regress.errors import InputError
from regress.messages import setting
from regress.options import Progress, TableOptions
from regress.sources.batches import Part
from regress.sources.csv.range_counts import Range, RangeCount, count
from regress.sources.csv.ranges import cut, ranges_of
from regress.sources.csv.reader import CsvPart
from regress.sources.file_parts import FilePart
from regress.sources.files import open_files
from regress.sources.open import open_table
from regress.sources.table import Table
from regress.sources.unopened import UnopenedPart

RANGE = 2**25  # bytes of a CSV file that are a partition


def cluster_of(
    client: Any, table: Any, target: Any, options: TableOptions, *, engine: EngineOptions, checkpoint: Any = None
) -> ClusterTable:
    """Return a table that a cluster reads; large plain CSV files in ranges of bytes.

    Raises
    ------
    InputError
        If it has no partitions that can be read elsewhere.
    """
    given = {"address": client, "options": engine, "checkpoint": checkpoint}
    if dask_collection(table):
        from regress.api.cluster.dask_collections import collection_of

        source, units, target, weights = collection_of(
            table, target, options.weights, client, options, timeout=engine.timeout
        )
        return ClusterTable(units=units, table=source, target=target, weights=weights, **given)
    named = isinstance(table, str | os.PathLike)
    files = open_files(table, options, first_only=True) if named else open_table(table, options)
    if not (isinstance(files, Table) and all(isinstance(part, FilePart) for part in files.partitions())):
        raise InputError(
            f"A cluster reads files, and collections of Dask; {files.label} is in memory. Remove {setting('cluster')}."
        )
    cluster = ClusterTable(table=files, target=target, weights=options.weights, **given)
    files = files.over(cluster.each)
    if checkpoint is not None:  # which holds for columns as all files show them, in another run too
        files = files.opened()
    return replace(cluster, table=in_ranges(cluster, files))


def in_ranges(cluster: ClusterTable, table: Table) -> Table:
    """Return a table with its large plain CSV files cut into ranges of bytes, each counted by a worker first."""
    table = table.opened(_large)
    pieces = {
        part.identity: ranges_of(part, RANGE)
        for part in table.partitions()
        if isinstance(part, CsvPart) and part.size >= 2 * RANGE
    }
    if not pieces:
        return table
    units = [
        Unit(key_of(one), f"{one.file.name} from byte {one.start:,}", one.stop - one.start, one)
        for found in pieces.values()
        if not isinstance(found, str)
        for one in found
    ]
    counted: Named[RangeCount] = cluster.run(CountRange(), units) if units else Named()
    parts = list[Part]()
    for part in table.partitions():
        spans: Sequence[CsvPart] | str = ""
        if isinstance(part, CsvPart) and part.identity in pieces:
            found = pieces[part.identity]
            spans = found if isinstance(found, str) else cut(part, [counted.values[key_of(one)] for one in found])
        parts += [noted(part, spans)] if isinstance(spans, str) else spans
    return table.in_parts(parts)


def noted(part: Part, note: str) -> Part:
    """Return a file with a note on how it is read."""
    if note:
        part = copy(part)
        part.note = f"{part.note} {note}".strip()
    return part


def _large(part: Part) -> bool:
    """Tell whether a file that is not open may be cut: its dialect tells where."""
    return isinstance(part, UnopenedPart) and part.plain_csv and part.size >= 2 * RANGE


def key_of(one: Range) -> str:
    """Return what tells a range from others."""
    return f"{one.file.name}:{one.start}"


@dataclass(frozen=True, slots=True)
class CountRange:
    """Counts the quotes, lines and records of a range of bytes."""

    def __call__(self, work: Range, progress: Progress) -> Named[RangeCount]:
        """Return the counts."""
        return Named({key_of(work): count(work)})
