"""One or more partitions with the same columns as a source that finds out what its columns are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from regress.errors import TableError
from regress.messages import setting
from regress.numerics.threads import need_threads
from regress.options import FileOptions
from regress.sources.base import EMPTY, Batch, Column, ColumnKind, Source, cut
from regress.sources.batches import MarkError, Part, WiderError
from regress.sources.column_types import Survey
from regress.sources.polars_batch import PolarsBatch
from regress.sources.rejects import CellError, Rejects, Skipped
from regress.sources.rereading import Reread, Unsettled
from regress.sources.summed import distant

T = TypeVar("T")


class Each(Protocol):
    """Maps a function over parts, and returns what it makes of each, in their order."""

    def __call__(self, function: Callable[[Part], T], parts: Sequence[Part]) -> list[T]:
        """Map."""
        ...


class Table(Source):
    """One or more parts with the same columns, read one after the other."""

    def __init__(
        self,
        label: str,
        parts: Sequence[Part],
        *,
        rejects: Rejects | None = None,
        index: Any = None,
        address: str = "",
        options: FileOptions | None = None,
    ) -> None:
        need_threads()
        self.label, self.index, self.address, self._rejects = label, index, address, rejects or Rejects()
        self.options = options or FileOptions()
        self.unit = "bytes" if any(part.name for part in parts) else "rows"
        self._parts, self._complete = tuple(parts), True
        self._each: Each = _in_order
        self.columns = _common_columns(parts)

    def partitions(self) -> tuple[Part, ...]:
        """Return the parts."""
        return self._parts

    @property
    def typed_alike(self) -> bool:
        """Whether a column is of one type in all parts."""
        return len(self._parts) == 1 or all(part.of_text for part in self._parts)

    @property
    def dialect(self) -> str:  # type: ignore[override]  # read only
        """How the files are written."""
        return "; ".join(dict.fromkeys(part.dialect for part in self._parts if part.dialect))

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]  # read only
        """What is worth knowing of how it is read, in sentences."""
        texts = [repr(c.name) for c in self.columns if c.kind == "number" and c.dtype == "text"]
        notes = [part.note for part in self._parts if part.note]
        if texts:
            keep = f"{setting('categorical')} keeps a column as text"
            notes.insert(
                0, f"{self.label} holds numbers as text in {', '.join(texts)}. They were read as numbers; {keep}."
            )
        return tuple(notes)

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns of every part in batches, up to a number of rows.

        Raises
        ------
        TableError
            If rows cannot be used.
        Reread
            If a column turns out to be another than its first cells said.
        InputError
            If a cluster reads the parts.
        """
        if self._each is not _in_order or not self._parts:
            raise distant(self.label)
        self._rejects.begin()
        try:
            yield from cut(self._counted(self.kinds(names)), limit)
            if self._complete:
                self.take_skipped(self._rejects.skipped)
        except CellError as error:
            if self.by_name[error.column].settled:
                self._write_rejects()
                raise
            raise Reread(self.settled([error.column])) from None
        except MarkError:
            raise Reread(self.marked()) from None
        except WiderError as found:
            raise Reread(self._widened(found)) from None
        except TableError:  # what was skipped is worth seeing, the more so where the rest is refused
            self._write_rejects()
            raise

    def _counted(self, kinds: Mapping[str, ColumnKind]) -> Iterator[PolarsBatch]:
        """Read all parts; count the good cells of columns with bad ones, and the rows of parts read to their end."""
        for part in self._parts:
            read = 0
            for batch in part.batches(kinds):
                for name in self._rejects.columns if self._rejects.skip else ():
                    self._rejects.skipped.good[name] += batch.rows - batch.frame[name].null_count()
                yield batch
                read += batch.rows
            self._rejects.skipped.read[part.name] += read

    def _write_rejects(self) -> None:
        if self._complete:
            self._rejects.write()

    def skipped(self) -> Skipped:
        """Return what the last pass skipped."""
        return self._rejects.skipped

    def take_skipped(self, skipped: Skipped) -> None:
        """Take what a pass over all parts skipped, in any order: refuse too much of it, and write it to its file.

        Raises
        ------
        TableError
            If more rows are bad than are allowed, or more than half of a file, or most cells of a column.
        """
        order = {part.name: k for k, part in enumerate(self._parts)}
        skipped.rows.sort(key=lambda row: (order[row.file], row.line))
        if self._rejects.skip:
            self._rejects.take(skipped)
            self._check_skipped(skipped)
        self._rejects.write()

    def _check_skipped(self, skipped: Skipped) -> None:
        """Ask whether columns and files are what they were read as where most of their cells, or rows, are bad."""
        for name, count in self._rejects.columns.items():
            column = self.by_name[name]
            if (count > skipped.good[name] or column.kind == "boolean") and not column.settled:
                raise CellError(f"Column {name!r} of {self.label} has more bad cells than good ones.", name)
        for file, count in self._rejects.files.items():
            if 2 * count > skipped.read[file] > 0:
                written = next(part.dialect for part in self._parts if part.name == file)
                raise TableError(
                    f"{file}: {count:,} of {skipped.read[file]:,} rows cannot be used, more than half. See them with "
                    f"{setting('rejects', 'FILE')}: "
                    f"perhaps the file was read in a wrong format ({written})."
                )

    def read_as(self, kinds: Mapping[str, ColumnKind]) -> Self:
        """Return the table with columns read as the kinds given, whatever their cells look like."""
        table = self._marked() if "number" in kinds.values() else self  # nobody will read again
        return super(Table, table).read_as(kinds)

    def settled(self, names: Sequence[str]) -> Self:
        """Return the table with the named columns decided by all of their cells: a pass of its own where need be."""
        surveys = {name: Survey(name) for name in names if not self.by_name[name].settled}
        if not surveys:
            return self
        if not self._complete:
            raise Unsettled(tuple(surveys))
        table = self._marked()
        self._rejects.begin()
        for found in table._each(partial(_surveyed, names=tuple(surveys)), table._parts):
            for name, survey in found.items():
                surveys[name].merge(survey)
        skip, skippable = self._rejects.skip, bool(self._parts) and all(part.of_text for part in self._parts)
        columns = {name: survey.column(skip, skippable) for name, survey in surveys.items()}
        return table.with_columns(
            replace(columns[c.name], index=c.index) if c.name in columns else c for c in self.columns
        )

    def marked(self) -> Self:
        """Return the table with the decimal marks of its files, and so its columns, decided by all cells."""
        if not self._complete:
            raise Unsettled(())
        marked = self._marked()
        return marked.with_columns(_common_columns(marked._parts))

    def _widened(self, found: WiderError) -> Self:
        """Return the table with a part that has more columns than before."""
        if not self._complete:
            late = next(name for name in found.wider.columns() if name not in found.part.columns())
            raise TableError(
                f"{found.part.name} has a column {late!r} that is not in its first rows. A cluster needs it in the "
                "first row."
            )
        wider = self.with_columns(self.columns)
        wider._parts = tuple(found.wider if part is found.part else part for part in self._parts)
        return wider.with_columns(_common_columns(wider._parts))

    def _marked(self) -> Self:
        table = self.with_columns(self.columns)
        if any(part.of_text for part in self._parts):
            table._parts = tuple(self._each(Part.with_mark, self._parts))
        return table

    def over(self, each: Each) -> Self:
        """Return the table with its parts looked at by a function that maps over them, such as on a cluster."""
        table = self.with_columns(self.columns)
        table._each, table._complete = each, True
        return table

    def recut(self, parts: Sequence[Any]) -> Self:
        """Return the table with the same rows in other parts."""
        table = self.with_columns(self.columns)
        table._parts = tuple(parts)
        return table

    def only(self, partitions: Sequence[Any]) -> Self:
        """Return the table with some of its parts: what it cannot tell from these alone, it raises as `Unsettled`."""
        table = self.with_columns(self.columns)
        table._parts, table._complete, table._each = tuple(partitions), False, _in_order
        return table


def _in_order(function: Callable[[Part], T], parts: Sequence[Part]) -> list[T]:
    return [function(part) for part in parts]


def _surveyed(part: Part, names: Sequence[str]) -> dict[str, Survey]:
    """Return what all cells of some columns of a part look like."""
    surveys = {name: Survey(name) for name in names}
    for batch in part.batches(dict.fromkeys(surveys, "text")):
        for name, survey in surveys.items():
            survey.add(batch.frame[name], part.reading, batch.first, part.place)
    return surveys


def _common_columns(parts: Sequence[Part]) -> tuple[Column, ...]:
    """Return the columns of all parts: text where parts differ, a number where no part has a value to tell by."""
    first = parts[0]
    found = first.columns()
    for part in parts[1:]:
        others = part.columns()
        if odd := sorted(set(found) ^ set(others)):
            raise TableError(
                f"{first.name} and {part.name} have different columns ({odd[0]!r} is in only one of them). "
                "Fit them apart, or fix one."
            )
        for name, column in others.items():
            found[name] = _joined(found[name], column)
    return tuple(column or Column(name, "number", dtype=EMPTY) for name, column in found.items())


def _joined(one: Column | None, other: Column | None) -> Column | None:
    """Return what a column is that is `one` in some parts and `other` in another; None tells nothing."""
    if one is None or other is None or one == other:
        return other if one is None else one
    for column in (one, other):
        if column.kind == "unusable":
            return column
    alike = one.kind == other.kind
    return Column(
        one.name,
        one.kind if alike else "text",
        dtype=one.dtype or other.dtype,
        settled=alike and one.settled and other.settled,
        doubtful=one.doubtful or other.doubtful or not alike,
        index=one.index or other.index,
    )
