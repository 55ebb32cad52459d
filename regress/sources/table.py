"""One or more partitions with the same columns as a source that finds out what its columns are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import methodcaller
from typing import Any, Protocol, Self, TypeVar

from regress.errors import TableError
from regress.messages import setting
from regress.numerics.threads import need_threads
from regress.options import FileOptions
from regress.sources.base import Batch, ColumnKind, Source, cut
from regress.sources.batches import MarkError, Part, WiderError
from regress.sources.column_types import Survey
from regress.sources.common_columns import common_columns, complete, shows_no_more
from regress.sources.find import find_column
from regress.sources.polars_batch import PolarsBatch
from regress.sources.rejects import CellError, Rejects, Skipped
from regress.sources.rereading import Reread, Unopened, Unsettled
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
        self._starts = common_columns([part for part in parts if part.is_open])
        formats = self._parts[0].reading.dates if parts else None
        self._formats = formats if isinstance(formats, Mapping) else {}
        self.columns = complete(self._starts, self._formats)
        for name in self._formats:
            find_column(self, name, "a column of dates")

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
        try:
            self._take(skipped)
        except CellError as error:
            if not self.by_name[error.column].settled:
                raise Reread(self.settled([error.column])) from None
            self._rejects.write()
            raise
        except TableError:  # what was skipped is worth seeing, the more so where the rest is refused
            self._rejects.write()
            raise
        self._rejects.write()

    def _take(self, skipped: Skipped) -> None:
        order = {part.name: k for k, part in enumerate(self._parts)}
        skipped.rows.sort(key=lambda row: (order[row.file], row.line))
        if self._rejects.skip:
            self._rejects.take(skipped)
            self._check_skipped(skipped)

    def _check_skipped(self, skipped: Skipped) -> None:
        """Ask whether columns and files are what they were read as where most of their cells, or rows, are bad."""
        for name, count in self._rejects.columns.items():
            column = self.by_name[name]
            if (count > skipped.good[name] or column.kind == "boolean") and not column.settled:
                raise CellError(f"Column {name!r} of {self.label} has more bad cells than good ones.", name)
        for file, count in self._rejects.files.items():
            if 2 * count > skipped.read[file] > 0:
                written = next(part.opened().dialect for part in self._parts if part.name == file)
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
        skip, skippable = self._rejects.skip, bool(table._parts) and all(part.of_text for part in table._parts)
        columns = {name: survey.column(skip, skippable) for name, survey in surveys.items()}
        return table.with_columns(
            replace(columns[c.name], index=c.index) if c.name in columns else c for c in table.columns
        )

    def marked(self) -> Self:
        """Return the table with the decimal marks of its files, and so its columns, decided by all cells."""
        if not self._complete:
            raise Unsettled(())
        return self._marked()._of_starts()

    def _widened(self, found: WiderError) -> Self:
        """Return the table with a part that has more columns than before."""
        if not self._complete:
            late = next(name for name in found.wider.columns() if name not in found.part.columns())
            raise TableError(
                f"{found.part.name} has a column {late!r} that is not in its first rows. A cluster needs it in the "
                "first row."
            )
        return self.in_parts([found.wider if part is found.part else part for part in self._parts])._of_starts()

    def _marked(self) -> Self:
        return self.opened()._made(methodcaller("with_mark"), lambda part: not part.mark_known)

    def opened(self, chosen: Callable[[Part], bool] = lambda part: True) -> Self:
        """Return the table with files opened that were not yet, all or some; itself where there are none.

        The columns are those of all files that are open, except for those that were decided since the others were.

        Raises
        ------
        TableError
            If a file has other columns, or cannot be read.
        """
        if all(part.is_open or not chosen(part) for part in self._parts):
            return self
        table = self._made(methodcaller("opened"), lambda part: not part.is_open and chosen(part))._of_starts()
        before = {column.name: column for column in complete(self._starts, self._formats)}
        return table.with_columns(c if c != before[c.name] else table.by_name[c.name] for c in self.columns)

    def _of_starts(self) -> Self:
        """Return the table with the columns that the starts of its files show."""
        starts = common_columns([part for part in self._parts if part.is_open])
        table = self.with_columns(complete(starts, self._formats))
        table._starts = starts
        return table

    def _made(self, function: Callable[[Part], Part], chosen: Callable[[Part], bool]) -> Self:
        """Return the table with what a function makes of some of its parts."""
        parts = [part for part in self._parts if chosen(part)]
        made = iter(self._each(function, parts) if parts else ())
        return self.in_parts([next(made) if chosen(part) else part for part in self._parts])

    def in_parts(self, parts: Sequence[Part]) -> Self:
        """Return the table in other parts, which hold the same rows."""
        table = self.with_columns(self.columns)
        table._parts = tuple(parts)
        return table

    def over(self, each: Each) -> Self:
        """Return the table with its parts looked at by a function that maps over them, such as on a cluster."""
        table = self.with_columns(self.columns)
        table._each, table._complete = each, True
        return table

    def only(self, partitions: Sequence[Any]) -> Self:
        """Return the table with some of its parts, opened: what these alone do not tell, it raises as `Unsettled`.

        Raises
        ------
        Unopened
            If a file that was not open shows more of the columns than those that were.
        """
        table = self.in_parts([self._alike(part) for part in partitions])
        table._complete, table._each = False, _in_order
        for part in table._parts:
            part.share(self._rejects)  # a part that was opened, or came, apart from the table has others
        return table

    def _alike(self, part: Part) -> Part:
        if part.is_open:
            return part
        found = part.opened()
        if found.note or not shows_no_more(self._starts, found.columns()):
            raise Unopened(found.name)
        return found


def _in_order(function: Callable[[Part], T], parts: Sequence[Part]) -> list[T]:
    return [function(part) for part in parts]


def _surveyed(part: Part, names: Sequence[str]) -> dict[str, Survey]:
    """Return what all cells of some columns of a part look like."""
    surveys = {name: Survey(name) for name in names}
    for batch in part.batches(dict.fromkeys(surveys, "text")):
        for name, survey in surveys.items():
            survey.add(batch.frame[name], part.reading, batch.first, part.place)
    return surveys
