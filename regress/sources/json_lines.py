"""JSON lines: Polars parses a block of lines at a time; a block that may hold a bad line is read again line by line.

Polars is strict where a column is of numbers or booleans. It turns anything into text, though, and ignores keys that it
was not asked for. So both are looked for: a key has a colon, and text has a quote behind the colon.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from math import isinf
from typing import Any

import polars as pl

from regress.errors import TableError
from regress.messages import setting
from regress.numerics.threads import ordered_map
from regress.sources.base import Bookmark, Column, ColumnKind
from regress.sources.batches import Frame, WiderError
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.csv.format import refuse_json
from regress.sources.csv.record_ends import Format, line_count
from regress.sources.csv.stream import Records, Stream, opened, records_at
from regress.sources.file_parts import File, FilePart
from regress.sources.json_rows import TYPES, WORDS, CellType, columns_of_rows, objects, types_of

_DTYPES = {"number": pl.Float64, "boolean": pl.Boolean}
_LINES = Format(quote=None)
_SAMPLE = 2**22  # bytes of the start that are looked at
_ROWS = 1000  # rows of it
_AHEAD = 2  # blocks parsed at a time
_SURROGATES = b"\\ud", b"\\uD"  # half a character, perhaps without the other half


def read_json_lines(file: File, stream: Stream, reading: Reading, named: bool) -> "JsonLinesPart":
    """Return a file as a part; its first rows tell what its columns are.

    Raises
    ------
    TableError
        If it is empty, or its start is something else. Unless it is `named` as JSON lines, it needs two rows.
    """
    sample, more = stream.read(_SAMPLE), stream.read(1)
    if not named or sample.lstrip()[:1] != b"{":
        refuse_json(file.name, sample)
    if more:
        sample = sample[: sample.rfind(b"\n") + 1]
    rows = [row for _, row in islice(objects(file.name, sample.split(b"\n"), 1), _ROWS)]
    if not rows:
        what = f", line 1 is longer than {_SAMPLE / 1e6:.0f} MB" if more else " is empty"
        raise TableError(f"{file.name}{what}. JSON lines have one object on each line.")
    return JsonLinesPart(
        file=file,
        start=columns_of_rows(rows, reading),
        types=types_of(rows),
        reading=reading,
        encoding=stream.encoding,
        compression=stream.compression,
    )


@dataclass(eq=False, kw_only=True)
class JsonLinesPart(FilePart):
    """A file of JSON lines, plain or compressed: what the keys of its start are, and the types of their values."""

    form = "JSON lines"
    start: Mapping[str, Column | None]
    types: Mapping[str, CellType | None]
    reading: Reading = AS_IS
    encoding: str = "utf-8"
    compression: str = ""
    dialect: str = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        details = [self.encoding] * (self.encoding != "utf-8") + [self.compression] * bool(self.compression)
        self.dialect = ", ".join(["JSON lines", *details, *["kept in a temporary file"] * self.file.kept])

    def columns(self) -> dict[str, Column | None]:
        """Return the columns, in the order of their keys; None for one that has only null so far."""
        return dict(self.start)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Read the named columns in blocks, in order."""
        with opened(self.file, self.encoding) as stream:
            blocks = _numbered(stream.records(_LINES, block=self.block))
            for frame in ordered_map(partial(self._parsed, kinds), blocks, _AHEAD):
                self.file.check()
                if frame.columns.height:
                    yield frame
        self.file.check()

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Read a block: its first byte, its bytes, and its first line."""
        start, length, line = place
        records = records_at(self.file, _LINES, start, length)
        self.file.check()
        return self._parsed(kinds, (line, records))

    def place(self, record: int) -> str:
        """Return the line of a record; lines count from 1."""
        with opened(self.file, self.encoding) as stream:
            lines = ((n, text) for line, found in _numbered(stream.records(_LINES)) for n, text in _lines(found, line))
            line = next(islice(lines, record, None), (0, b""))[0]
        return f"{self.name}, line {line}"

    def _parsed(self, kinds: Mapping[str, ColumnKind], block: tuple[int, Records]) -> Frame:
        line, records = block
        frame = self._fast(records.data, kinds)
        if frame is None:
            self._check(records.data, line, kinds)
            frame = self._lenient(records.data, line, kinds)
        place = None if records.start is None else (records.start, len(records.data), line)
        return Frame(pl.DataFrame([frame[name] for name in kinds]), records.read, place=place)

    def _schema(self, kinds: Mapping[str, ColumnKind]) -> dict[str, Any]:
        """Return what Polars parses columns as: the others as text, which anything can be."""
        exact = {name: self.types[name] for name, kind in kinds.items() if kind == self.types[name]}
        return {name: _DTYPES.get(str(exact.get(name)), pl.String) for name in self.types}

    def _fast(self, data: bytes, kinds: Mapping[str, ColumnKind]) -> pl.DataFrame | None:
        """Parse a block; None where that fails, or where there may be cells of another type, or other keys."""
        try:
            frame = pl.read_ndjson(data, schema=self._schema(kinds))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None
        if any(mark in data for mark in _SURROGATES) or not all(self._is_sound(frame[name], data) for name in kinds):
            return None
        return frame if self._knows_keys(frame, data) else None

    def _is_sound(self, cells: pl.Series, data: bytes) -> bool:
        """Tell whether cells are surely of their type."""
        if cells.dtype != pl.String:
            return True
        if self.types[cells.name] == "text":
            return _count(data, cells.name, b'"') >= len(cells) - cells.null_count()
        return not cells.str.contains(r"^[\[{]").any()

    def _knows_keys(self, frame: pl.DataFrame, data: bytes) -> bool:
        """Tell whether a block surely has no keys but those known: each has a colon."""
        known = sum(len(cells) - cells.null_count() for cells in frame)
        colons = data.count(b":")
        if colons == known or colons == known + sum(_count(data, name, b"null") for name in self.types):
            return True
        try:
            return set(pl.scan_ndjson(data, infer_schema_length=None).collect_schema()) <= set(self.types)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return False

    def _check(self, data: bytes, line: int, kinds: Mapping[str, ColumnKind]) -> None:
        """Look at a block line by line.

        Raises
        ------
        TableError
            If a line is not an object, or a cell is not what its column is.
        WiderError
            If there are other keys.
        """
        late: list[dict[str, Any]] = []
        for number, row in objects(self.name, data.split(b"\n"), line):
            for name, value in row.items():
                if name not in self.types:
                    late.append({name: value})
                elif name in kinds and value is not None and (wrong := self._wrong(name, value, kinds[name])):
                    raise TableError(f"{self.name}, line {number}, column {name!r}: {wrong}.")
        if late:
            raise WiderError(
                self,
                replace(
                    self,
                    start={**self.start, **columns_of_rows(late, self.reading)},
                    types={**self.types, **types_of(late)},
                ),
            )

    def _wrong(self, name: str, value: Any, kind: ColumnKind) -> str:
        """Say why a cell cannot be used, and what to do; "" where it can."""
        found, expected = TYPES[type(value)], self.types[name]
        if found in ("object", "array"):
            return f"{WORDS[found]} is not one value. Exclude the column with {setting('drop', [name])}"
        if found == "number" and isinf(value):
            return "the number is beyond the range of float64"
        if found == expected or (expected != "text" and kind != expected):
            return ""
        shown = json.dumps(value, ensure_ascii=False)[:40]
        remedy = f"read the column as text with {setting('categorical', [name])}"
        if expected == "text":
            remedy = "write it in quotes, as text"
        return f"{shown} is {WORDS[found]}, and the first value of the column is {expected}. Fix it, or {remedy}"

    def _lenient(self, data: bytes, line: int, kinds: Mapping[str, ColumnKind]) -> pl.DataFrame:
        """Parse a block that is sound in the columns asked for."""
        try:
            return pl.read_ndjson(data, schema=self._schema(kinds))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            lines = f"lines {line} to {line + line_count(data)}"
            raise TableError(f"{self.name}, {lines}, cannot be read as JSON lines: {said}.") from None


def _numbered(blocks: Iterable[Records]) -> Iterator[tuple[int, Records]]:
    """Yield blocks, each with its first line."""
    line = 1
    for records in blocks:
        yield line, records
        line += line_count(records.data)


def _lines(records: Records, line: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a block that are not blank, with their numbers."""
    return ((n, text) for n, text in enumerate(records.data.split(b"\n"), line) if text.strip())


def _count(data: bytes, name: str, value: bytes) -> int:
    """Count cells of a column whose value begins so. Within text, a quote would be escaped."""
    keys = {json.dumps(name, ensure_ascii=False).encode("utf-8", "replace"), json.dumps(name).encode()}
    return sum(data.count(key + colon + value) for key in keys for colon in (b":", b": "))
