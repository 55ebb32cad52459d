"""CSV files: Polars reads them a block of complete records at a time; what it refuses is checked cell by cell.

The fast way carries no bookkeeping. Polars reads a short row as nulls, ignores what a long one has too many where only
some columns are read, and names no line in its errors. So some blocks are read again as text, cell by cell: those that
Polars refuses, those with a null in the file's last column, and those with too many delimiters.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from regress.blocks import Mask
from regress.numerics.threads import ordered_map
from regress.options import FileOptions
from regress.sources.base import Bookmark, Column, ColumnKind
from regress.sources.batches import Frame, MarkError
from regress.sources.cell_types import decimal_mark, marks_of
from regress.sources.cell_values import Reading
from regress.sources.csv.dialect import Dialect, read_dialect
from regress.sources.csv.record_ends import Plain, RecordSpans, full, line_count, short_lines, sound_quotes, split
from regress.sources.csv.rewrite import alike, pieces, plain, standard
from regress.sources.csv.row_errors import cell_fault, not_utf8, width_fault
from regress.sources.csv.stream import Records, Stream, opened, records_at
from regress.sources.file_parts import FilePart
from regress.sources.rejects import Fault, Rejects

_SPECIAL = (
    b"\x1f\x8b",
    b"\x78",
    b"\x28\xb5\x2f\xfd",
    b"\xef\xbb\xbf",
)  # Polars would decompress, or drop, what begins so
_LONGEST = 2**16  # bytes a column of the first line that Polars may be given
_AHEAD = 2  # blocks parsed at a time: while Polars' threads finish one, they begin the next


class _Parsed(NamedTuple):
    """A block: its rows, its lines, what is wrong with some rows; bytes read so far, and its first byte and length."""

    frame: pl.DataFrame
    lines: int
    faults: Sequence[Fault] = ()
    read: int = 0
    span: tuple[int, int] | None = None

    def as_frame(self, line: int) -> Frame:
        """Return the rows of a block that begins on a line."""
        bad = None
        if self.faults:
            bad = np.zeros(self.frame.height, dtype=bool)
            bad[[fault.record for fault in self.faults]] = True
        return Frame(self.frame, self.read, bad, None if self.span is None else (*self.span, line))


class _Way(NamedTuple):
    """A way to parse a block: columns that Polars parses as numbers, those converted after, and what is missing."""

    parsed: Collection[str]
    converted: Sequence[str]
    missing: Sequence[str] = ()
    second: bool = False


class Span(NamedTuple):
    """Some complete records of a file: bytes from `start` to `stop`, the number of the first record, their lines."""

    start: int
    stop: int
    record: int
    lines: range


@dataclass(eq=False, kw_only=True)
class CsvPart(FilePart):
    """A CSV file, plain or compressed, or a `span` of it; what is wrong with its rows goes to `rejects`.

    Records and lines of a span have the numbers that they have in the file.
    """

    written: Dialect
    options: FileOptions
    rejects: Rejects
    span: Span | None = None
    reading: Reading = field(init=False)
    of_text = True
    _second: bool = field(init=False, default=False)  # whether a block could not be parsed the quick way

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reading = self.written.reading
        self.dialect = f"{self.written}{', kept in a temporary file' * self.file.kept}"
        self.note, self.mark_known = self.written.note, self.written.decimal_known
        if self.span is not None:
            self.records_before = self.span.record
            if self.span.lines.start > 1 + self.written.skipped_lines:
                self.size, self.note = self.span.stop - self.span.start, ""
            else:  # the first span of a file has its header too
                self.size = self.span.stop

    @property
    def identity(self) -> str:
        """Its name, size and version, and the bytes of the span."""
        return super().identity + ("" if self.span is None else f", {self.span.start} to {self.span.stop}")

    def share(self, rejects: Rejects) -> None:
        """Take where bad rows go."""
        self.rejects = rejects

    def with_mark(self) -> Self:
        """Return the file with its decimal mark decided by all cells, if that is not done yet."""
        if self.mark_known:
            return self
        seen: dict[str, str] = {}
        for block in self.frames(dict.fromkeys(self.written.names, "text")):
            for column in block.columns:
                seen |= marks_of(column.filter(column.str.contains("[.,]"))) | seen
            if "comma" in seen and "point" in seen:
                break
        options = replace(self.options, decimal=decimal_mark(self.name, self.written.form.delimiter, seen))
        with opened(self.file, options.encoding) as stream:
            written = read_dialect(stream, options)
        return replace(self, written=replace(written, note=""))

    @property
    def _most_faults(self) -> int:
        """How many faults are enough for the rejects to refuse the table."""
        return self.options.max_bad_lines + 1 if self.options.on_bad_lines == "skip" else 1

    def columns(self) -> dict[str, Column | None]:
        """Return the columns, each as its first cell with a value has it; None where the start has no value."""
        return dict(zip(self.written.names, self.written.columns, strict=True))

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Read the named columns in blocks, in order."""
        self.rejects.begin(self.name, None if self.span is None else self.span.lines)
        line = self._line(self.span)
        with opened(self.file, self.written.encoding) as stream:
            for parsed in ordered_map(partial(self._parsed, kinds), self._blocks(stream, self.span), _AHEAD):
                self.file.check()
                self.rejects.add(self.name, line, parsed.faults)
                if parsed.frame.height:
                    yield parsed.as_frame(line)
                line += parsed.lines
        self.file.check()

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: Bookmark) -> Frame:
        """Read a block: its first byte, its bytes, and its first line; rows skipped before are not counted again."""
        start, length, line = place
        records = records_at(self.file, self.written.form, start, length)
        self.file.check()
        parsed = self._parsed(kinds, records)
        self.rejects.refuse(self.name, line, parsed.faults)
        return parsed.as_frame(line)

    def place(self, record: int) -> str:
        """Return the line of a record; lines count from 1."""
        span = None if self.span is None or record < self.span.record else self.span._replace(stop=self.file.size)
        line, seen, form = self._line(span), 0 if span is None else span.record, self.written.form
        with opened(self.file, self.written.encoding) as stream:
            for records in self._blocks(stream, span):
                for piece in pieces(records.data, form):
                    found = split(plain(piece, form), form)
                    if record < seen + len(found.lines):
                        return f"{self.name}, line {line + int(found.lines[record - seen])}"
                    line, seen = line + found.n_lines, seen + len(found.lines)
        return f"{self.name}, record {record + 1}"

    def _line(self, span: Span | None) -> int:
        return 1 + self.written.skipped_lines if span is None else span.lines.start

    def _blocks(self, stream: Stream, span: Span | None) -> Iterator[Records]:
        if span is None:
            return stream.records(self.written.form, self.written.skipped_bytes, self.block)
        return stream.records_of(self.written.form, span.start, span.stop, self.block)

    def _parsed(self, kinds: Mapping[str, ColumnKind], records: Records) -> _Parsed:
        if not self.mark_known and "number" in kinds.values():
            if b"." in records.data or b"," in records.data:
                raise MarkError(self.name)
        try:
            parsed = self._parse(records, kinds)
        except KeyboardInterrupt:  # Polars saw Ctrl-C before Python, whose own exception is on its way to the caller
            time.sleep(1.0)
            raise
        span = None if records.start is None else (records.start, len(records.data))
        return parsed._replace(read=records.read, span=span)

    def _parse(self, records: Records, kinds: Mapping[str, ColumnKind]) -> _Parsed:
        """Parse a block at once if it is plain and its lines are long enough for its columns; else piece by piece."""
        data, form = records.data, self.written.form
        ordinary = standard(form) and not form.trailing and (not records.marked or sound_quotes(data, form))
        if ordinary and (parsed := self._fast(Plain(data, data), records.marked, kinds)):
            return parsed
        frames, faults, records_before, lines_before = [], [], 0, 0
        for piece in pieces(data, form):
            block = plain(piece, form)
            parsed = self._fast(block, True, kinds) or self._careful(block, kinds)
            faults += [replace(f, record=f.record + records_before, line=f.line + lines_before) for f in parsed.faults]
            frames.append(parsed.frame)
            records_before, lines_before = records_before + parsed.frame.height, lines_before + parsed.lines
            if len(faults) >= self._most_faults:
                break
        return _Parsed(pl.concat(frames), lines_before, faults=faults)

    def _scan(self, data: bytes, numbers: Collection[str], missing: Sequence[str] = (), **more: Any) -> pl.LazyFrame:
        form = self.written.form
        return pl.scan_csv(
            b"\n" + data if data.startswith(_SPECIAL) else data,
            has_header=False,
            skip_rows=int(data.startswith(_SPECIAL)),
            schema={n: pl.Float64 if n in numbers else pl.String for n in self.written.names},
            separator=form.delimiter,
            quote_char=form.quote,
            decimal_comma=self.written.decimal == ",",
            null_values=list(missing) or None,
            **more,
        )

    def _fast(self, block: Plain, quoted: bool, kinds: Mapping[str, ColumnKind]) -> _Parsed | None:
        """Parse a block of numbers and sound text; None where that fails or may have gone wrong.

        Comparing every cell with the names of missing ones costs a third of the time, so that is tried second.
        """
        data, last = block.data, self.written.names[-1]
        width = len(self.written.names)
        if block.broken or short_lines(data, width) or not 0 < data.find(b"\n") + 1 <= width * _LONGEST:
            return None  # memory is for as many cells as the lines should have, or the first one has
        if self.written.decimal == "," and b"." in data:
            return None  # Polars takes 1.5 for a number beside 1,5 as well
        part = list(dict.fromkeys([*kinds, last]))
        for way in self._ways(kinds):
            scan = self._scan(data, way.parsed, way.missing)
            try:
                frame = (scan.select(part) if len(part) < len(self.written.names) else scan).collect()
            except pl.exceptions.PolarsError:
                continue
            values = [self.reading.converted(frame[name], kinds[name]) for name in way.converted]
            if any(wrong.any() for _, wrong in values):
                continue
            frame = frame.with_columns([column for column, _ in values]) if values else frame
            self._second = way.second
            partial = frame.width < len(self.written.names)
            suspicious = frame[last].null_count() or (
                partial and not full(data, self.written.form, frame.height, width)
            )
            if suspicious and not alike(data, self.written.form, frame.height, width):
                return None
            lines = line_count(block.raw) if quoted else frame.height
            return _Parsed(pl.DataFrame([frame[name] for name in kinds]), lines)  # select costs more
        return None

    def _ways(self, kinds: Mapping[str, ColumnKind]) -> list[_Way]:
        """Return how a block may be parsed, the quick way first."""
        numbers = {name for name, kind in kinds.items() if kind == "number"}
        others = [name for name, kind in kinds.items() if kind in ("boolean", "date", "moment")]
        second = _Way(numbers, others, self.reading.missing, True)
        if self.reading.thousands is not None or self.reading.absent != self.reading.missing:
            second = _Way((), [*numbers, *others], (), True)  # Polars knows no thousands, and one list of names
        return [second] if self._second or self.reading.thousands else [_Way(numbers, others), second]

    def _careful(self, block: Plain, kinds: Mapping[str, ColumnKind]) -> _Parsed:
        """Parse a block as text, and look at every cell that is used. A bad row is kept, as nulls or in part."""
        names = self.written.names
        found = split(block, self.written.form)
        right = found.widths == len(names)
        wrong_rows = np.flatnonzero(~right)[: self._most_faults].tolist()
        faults = {record: width_fault(found, record, len(names)) for record in wrong_rows}
        at = np.flatnonzero(right)
        columns = []
        for text in self._texts(found, right, list(kinds)):
            kind = kinds[text.name]
            if kind == "text":
                column, wrong = text, text.str.contains("\ufffd", literal=True).fill_null(False).to_numpy()
            else:
                column, wrong = self.reading.converted(text, kind)
            for k in np.flatnonzero(wrong).tolist():
                record = int(at[k])
                if kind != "text" or not_utf8(found.text(record)):
                    faults.setdefault(record, cell_fault(found, record, kind, self.reading, text[k : k + 1]))
            columns.append(column)
        frame = pl.DataFrame(columns)
        if len(at) < len(right):
            place = np.full(len(right), len(at))  # a row of nulls
            place[at] = np.arange(len(at))
            frame = pl.concat([frame, frame.clear(1)])[place]
        return _Parsed(frame, found.n_lines, faults=[faults[r] for r in sorted(faults)])

    def _texts(self, found: RecordSpans, right: Mask, names: Sequence[str]) -> list[pl.Series]:
        """Return columns of the records of the right width as text; bytes that are not UTF-8 become U+FFFD."""
        spans = zip(found.starts[right].tolist(), found.ends[right].tolist(), strict=True)
        whole = b"".join([found.block.data[start:end] for start, end in spans])
        return self._scan(whole, (), encoding="utf8-lossy").select(list(names)).collect().get_columns()
