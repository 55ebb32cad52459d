"""Large plain CSV files cut into ranges of bytes, which a cluster counts first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regress.api.cluster_work import Named
from regress.api.engine import Unit
from regress.options import Progress
from regress.sources.base import Partition, Source
from regress.sources.csv.range_counts import Range, RangeCount, count
from regress.sources.csv.ranges import cut, ranges_of
from regress.sources.csv.reader import CsvPart


@dataclass(frozen=True, slots=True)
class CountRange:
    """Counts the quotes, lines and records of a range of bytes."""

    def __call__(self, work: Range, progress: Progress) -> Named[RangeCount]:
        """Return the counts."""
        return Named({f"{work.file.name}:{work.start}": count(work)})


def in_ranges(source: Source, size: int, run: Callable[[tuple[Unit, ...], CountRange], Any]) -> Source:
    """Return a table with its large plain CSV files cut into ranges of about so many bytes.

    ``run(units, fold)`` has workers count each range.
    """
    pieces = {
        part.identity: ranges_of(part, size)
        for part in source.partitions()
        if isinstance(part, CsvPart) and part.size >= 2 * size
    }
    ranges = [one for found in pieces.values() if not isinstance(found, str) for one in found]
    if not ranges:
        return source
    units = tuple(
        Unit(f"{one.file.name}:{one.start}", f"{one.file.name} from byte {one.start:,}", one.stop - one.start, one)
        for one in ranges
    )
    counted: Named[RangeCount] = run(units, CountRange())
    parts = list[Partition]()
    for part in source.partitions():
        found = pieces.get(part.identity, "")
        if isinstance(found, str):
            parts.append(part)
            continue
        assert isinstance(part, CsvPart)
        spans = cut(part, [counted.values[f"{one.file.name}:{one.start}"] for one in found])
        parts += [part] if isinstance(spans, str) else spans
    return source.only(parts)
