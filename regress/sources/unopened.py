"""Files that are opened when the table is, and files that are opened by whoever reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regress.errors import TableError
from regress.options import FileOptions
from regress.sources.base import Column, ColumnKind
from regress.sources.cell_values import Reading, reading_of_frames
from regress.sources.csv.dialect import read_dialect
from regress.sources.csv.reader import CsvPart
from regress.sources.csv.stream import opened
from regress.sources.file_parts import File, FilePart, LocalFile
from regress.sources.paths import ARROW, JSON_LINES, PARQUET, format_ending
from regress.sources.polars_batch import PolarsBatch
from regress.sources.rejects import Rejects


def open_file(file: File, options: FileOptions, rejects: Rejects) -> FilePart:
    """Open a file, once: its name or its first bytes tell its format.

    Raises
    ------
    TableError
        If it cannot be read, or its header cannot be used.
    """
    reading, ending = reading_of_frames(options), format_ending(file.name)
    if ending in PARQUET:
        return _decoded("Parquet", file, reading)
    with opened(file, options.encoding) as stream:
        if stream.form not in ("text", "JSON lines"):
            return _decoded(stream.form, file, reading)
        if ending in ARROW:
            raise TableError(f"{file.name} does not begin as an Arrow file. Fetch or write it again.")
        if ending in JSON_LINES or stream.form == "JSON lines":
            from regress.sources.json_lines import read_json_lines

            return read_json_lines(file, stream, reading, ending in JSON_LINES)
        return CsvPart(file=file, written=read_dialect(stream, options), options=options, rejects=rejects)


def _decoded(form: str, file: File, reading: Reading) -> FilePart:
    """Return a file of a binary form."""
    from regress.sources.parquet import ArrowFilePart, ArrowStreamPart, ParquetPart

    kinds = {kind.form: kind for kind in (ParquetPart, ArrowFilePart, ArrowStreamPart)}
    return kinds[form](file=file, reading=reading)


@dataclass(eq=False, kw_only=True)
class UnopenedPart(FilePart):
    """A file of which only its name, size and version are known. Its format is found where it is read."""

    is_open = False
    options: FileOptions
    rejects: Rejects

    @property
    def plain_csv(self) -> bool:
        """Whether it is plain CSV, as far as its name tells."""
        ending = format_ending(self.name)
        return ending not in (*PARQUET, *ARROW, *JSON_LINES) and self.name.lower().endswith(ending)

    def opened(self) -> FilePart:
        """Open the file, which must be what it was when the table was opened.

        Raises
        ------
        TableError
            If it has changed, or cannot be read.
        """
        if isinstance(self.file, LocalFile) and not self.file.path.parent.is_dir():
            raise TableError(
                f"{self.name} is not on this worker, which has no folder {self.file.path.parent}. "
                "Name files that all workers can read."
            )
        try:
            part = open_file(self.file, self.options, self.rejects)
        finally:
            self.file.check()
        part.key, part.before, part.block = self.key, self.before, self.block
        return part

    def columns(self) -> dict[str, Column | None]:
        """Open the file, and return its columns."""
        return self.opened().columns()

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Any]:
        """Open the file, and read the named columns in frames."""
        return self.opened().frames(kinds)

    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[PolarsBatch]:
        """Open the file, and read the named columns in batches."""
        return self.opened().batches(kinds)
