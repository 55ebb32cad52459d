"""CSV files: Polars reads them a block of whole records at a time, and what it refuses is looked at cell by cell.

The fast way carries no bookkeeping. Polars reads a short row as nulls, ignores what a long one has too many where only
some columns are read, and names no line in its errors. So a block that it refuses, or in which the file's last column
has a null or delimiters are too many, is read again as text, with every cell in view.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from regress.escaping import flag
from regress.numerics.threads import ordered_map
from regress.numerics.twofold import Mask
from regress.tables.cells import Reading, reading_of_files
from regress.tables.dialect import Dialect, read_dialect
from regress.tables.kinds import decimal_mark, marks_of
from regress.tables.ledger import Fault, Ledger
from regress.tables.options import FileOptions
from regress.tables.parts import Frame, Unchanged
from regress.tables.pipes import Spool
from regress.tables.records import NO_QUOTES, Split, sound_quotes, split
from regress.tables.source import Column, Kind
from regress.tables.streams import Records, Stream, opened

_COMPRESSED = (b"\x1f\x8b", b"\x78", b"\x28\xb5\x2f\xfd")  # Polars would decompress what begins so
_AHEAD = 2  # blocks parsed at a time: while Polars' threads finish one, they begin the next


class MarkError(Exception):
    """The first rows of a file do not tell its decimal mark, and a later one has a comma or point."""

    def __init__(self, part: "CsvPart") -> None:
        super().__init__(part.name)
        self.part = part


class _Parsed(NamedTuple):
    frame: pl.DataFrame
    lines: int
    read: int
    faults: Sequence[Fault] = ()


class _Way(NamedTuple):
    """A way to parse a block: columns that Polars parses as numbers, those converted after, and what is missing."""

    parsed: Sequence[str]
    converted: Sequence[str]
    missing: Sequence[str] = ()
    second: bool = False


@dataclass(slots=True)
class CsvPart:
    """A CSV file, plain or compressed, read as `dialect` says; what is wrong with its rows goes to `ledger`."""

    path: Path
    name: str
    options: FileOptions
    ledger: Ledger
    reading: Reading = field(init=False)
    _dialect: Dialect = field(init=False)
    _unchanged: Unchanged = field(init=False)
    _second: bool = False  # whether a block could not be parsed the quick way

    def __post_init__(self) -> None:
        self._unchanged = Unchanged(self.path, self.name)
        self._take(read_dialect(self.path, self.options))

    def _take(self, dialect: Dialect) -> None:
        self._dialect, self.reading = dialect, reading_of_files(self.options, dialect.decimal)

    def settle_mark(self) -> None:
        """Decide the decimal mark by all cells."""
        seen: dict[str, str] = {}
        for block in self.frames(dict.fromkeys(self._dialect.names, "text")):
            for column in block.columns:
                seen |= marks_of(column.filter(column.str.contains("[.,]"))) | seen
            if "comma" in seen and "point" in seen:
                break
        decimal = decimal_mark(self.name, self._dialect.form.delimiter, seen)
        self._take(replace(read_dialect(self.path, replace(self.options, decimal=decimal)), note=""))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    @property
    def dialect(self) -> str:
        """How the file is written."""
        return f"{self._dialect}{', kept in a temporary file' * isinstance(self.path, Spool)}"

    @property
    def note(self) -> str:
        """What is worth knowing of how the file is read; "" where nothing is."""
        return self._dialect.note

    def columns(self) -> dict[str, Column | None]:
        """Return the columns, each as its first cell with a value has it; None where the start has no value."""
        return dict(zip(self._dialect.names, self._dialect.columns, strict=True))

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Read the named columns in blocks, in order."""
        line = 1 + self._dialect.header_lines
        unknown = not self._dialect.decimal_known and "number" in kinds.values()

        def parse(records: Records) -> _Parsed | None:
            if unknown and (b"." in records.data or b"," in records.data):
                raise MarkError(self)
            try:
                return self._fast(records, kinds) or self._careful(records, kinds)
            except KeyboardInterrupt:
                return None

        with opened(self.path, self._dialect.encoding) as stream:
            for parsed in ordered_map(parse, self._records(stream), _AHEAD):
                if parsed is None:  # Polars saw Ctrl-C before Python, whose own exception is on its way to this thread
                    time.sleep(1.0)
                    raise KeyboardInterrupt
                self._unchanged.check()
                bad = None
                if parsed.faults:
                    self.ledger.add(self.name, line, parsed.faults)
                    bad = np.zeros(parsed.frame.height, dtype=bool)
                    bad[[fault.record for fault in parsed.faults]] = True
                line += parsed.lines
                if parsed.frame.height:
                    yield Frame(parsed.frame, parsed.read, bad)
        self._unchanged.check()

    def place(self, record: int) -> str:
        """Return the line of a record; lines count from 1."""
        line, seen = 1 + self._dialect.header_lines, 0
        with opened(self.path, self._dialect.encoding) as stream:
            for data, _, _ in self._records(stream):
                found = split(data, self._dialect.form)
                if record < seen + len(found.lines):
                    return f"{self.name}, line {line + int(found.lines[record - seen])}"
                line, seen = line + found.n_lines, seen + len(found.lines)
        return f"{self.name}, record {record + 1}"

    def _records(self, stream: Stream) -> Iterator[Records]:
        """Yield blocks of records, the header left out."""
        skip = self._dialect.header_bytes
        for data, read, quoted in stream.records(self._dialect.form):
            if skip < len(data):
                yield Records(data[skip:] if skip else data, read, quoted)
            skip = max(skip - len(data), 0)

    def _scan(self, data: bytes, numbers: Collection[str], missing: Sequence[str] = (), **more: Any) -> pl.LazyFrame:
        form = self._dialect.form
        return pl.scan_csv(
            b"\n" + data if data.startswith(_COMPRESSED) else data,
            has_header=False,
            skip_rows=int(data.startswith(_COMPRESSED)),
            schema={n: pl.Float64 if n in numbers else pl.String for n in self._dialect.names},
            separator=form.delimiter,
            quote_char=form.quote,
            decimal_comma=self._dialect.decimal == ",",
            null_values=list(missing) or None,
            **more,
        )

    def _fast(self, records: Records, kinds: Mapping[str, Kind]) -> _Parsed | None:
        """Parse a block of numbers and sound text; None where that fails or may have gone wrong.

        Comparing every cell with the names of missing ones costs a third of the time, so that is tried second.
        """
        data, _, quoted = records
        form, last = self._dialect.form, self._dialect.names[-1]
        if (quoted and not sound_quotes(data, form)) or (self._dialect.decimal == "," and b"." in data):
            return None  # Polars takes 1.5 for a number beside 1,5 as well
        part = list(dict.fromkeys([*kinds, last]))
        for way in self._ways(kinds):
            scan = self._scan(data, way.parsed, way.missing)
            try:
                frame = (scan.select(part) if len(part) < len(self._dialect.names) else scan).collect()
            except pl.exceptions.PolarsError:
                continue
            values = [self.reading.converted(frame[name], kinds[name]) for name in way.converted]
            if any(wrong.any() for _, wrong in values):
                continue
            frame = frame.with_columns([column for column, _ in values]) if values else frame
            self._second = way.second
            partial = frame.width < len(self._dialect.names)
            suspicious = frame[last].null_count() or (partial and not self._full(data, frame.height))
            if suspicious and not self._sound(data, frame.height):
                return None
            lines = data.count(b"\n") if quoted else frame.height
            return _Parsed(pl.DataFrame([frame[name] for name in kinds]), lines, records.read)  # select costs more
        return None

    def _ways(self, kinds: Mapping[str, Kind]) -> list[_Way]:
        """Return how a block may be parsed, the quick way first."""
        numbers = [name for name, kind in kinds.items() if kind == "number"]
        booleans = [name for name, kind in kinds.items() if kind == "boolean"]
        second = _Way(numbers, booleans, self.reading.missing, True)
        if self.reading.thousands is not None or self.reading.absent != self.reading.missing:
            second = _Way((), [*numbers, *booleans], (), True)  # Polars knows no thousands, and one list of names
        return [second] if self._second or self.reading.thousands else [_Way(numbers, booleans), second]

    def _full(self, data: bytes, rows: int) -> bool:
        """Tell whether delimiters are as many as in full rows: Polars ignores more where it reads some columns only."""
        found = np.count_nonzero(np.frombuffer(data, np.uint8) == ord(self._dialect.form.delimiter))
        return int(found) == rows * (len(self._dialect.names) - 1)

    def _sound(self, data: bytes, rows: int) -> bool:
        """Tell whether every row has the width of the header, and none is blank."""
        widths = split(data, self._dialect.form).widths
        return len(widths) == rows and bool((widths == len(self._dialect.names)).all())

    def _careful(self, records: Records, kinds: Mapping[str, Kind]) -> _Parsed:
        """Parse a block as text, and look at every cell that is used. A bad row is kept, as nulls or in part."""
        data, names = records.data, self._dialect.names
        found = split(data, self._dialect.form)
        if found.unclosed is not None:
            fault = Fault(0, found.unclosed, ": the quotes of this record never end", NO_QUOTES, "", fatal=True)
            return _Parsed(pl.DataFrame(), found.n_lines, records.read, [fault])
        right = found.widths == len(names)
        faults = {int(r): _width_fault(found, int(r), len(names)) for r in np.flatnonzero(~right)}
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
                if kind != "text" or _not_utf8(found.text(record)):
                    faults.setdefault(record, _cell_fault(found, record, text.name, kind, text[k]))
            columns.append(column)
        frame = pl.DataFrame(columns)
        if len(at) < len(right):
            place = np.full(len(right), len(at))  # a row of nulls
            place[at] = np.arange(len(at))
            frame = pl.concat([frame, frame.clear(1)])[place]
        return _Parsed(frame, found.n_lines, records.read, [faults[r] for r in sorted(faults)])

    def _texts(self, found: Split, right: Mask, names: Sequence[str]) -> list[pl.Series]:
        """Return columns of the records of the right width as text; bytes that are not UTF-8 become U+FFFD."""
        if found.cells is not None:
            rows = [cells for cells, ok in zip(found.cells, right.tolist(), strict=True) if ok]
            at = [self._dialect.names.index(name) for name in names]
            return [pl.Series(n, [row[j] for row in rows], dtype=pl.String) for n, j in zip(names, at, strict=True)]
        spans = zip(found.starts[right].tolist(), found.ends[right].tolist(), strict=True)
        whole = b"".join([found.data[start:end] for start, end in spans])
        return self._scan(whole, (), encoding="utf8-lossy").select(list(names)).collect().get_columns()


def _width_fault(found: Split, record: int, width: int) -> Fault:
    cells = int(found.widths[record])
    if not cells:
        return _fault(found, record, ": the quotes of this record cannot be read")
    what = "too few" if cells < width else "too many"
    return _fault(
        found,
        record,
        f": {cells} cell{'s' * (cells != 1)} where the header names {width} columns: {what}",
        "A cell that contains the delimiter must stand in quotes. ",
    )


def _cell_fault(found: Split, record: int, name: str, kind: Kind, cell: str) -> Fault:
    text = found.text(record)
    if "\ufffd" in cell and (at := _not_utf8(text)):
        return _fault(
            found,
            record,
            f", column {name!r}: byte {at} of the record ({text[at - 1]:#04x}) is not UTF-8",
            "Pass the encoding that the file has, often --encoding cp1252. ",
        )
    what = "true or false" if kind == "boolean" else "a number"
    hint = f"Pass {flag('--na-values', [cell.strip()])} to read such cells as missing. "
    return _fault(found, record, f", column {name!r}: {cell!r} is not {what}", hint)._replace(column=name)


def _fault(found: Split, record: int, reason: str, hint: str = "") -> Fault:
    text = found.text(record).decode("utf-8", "replace").rstrip("\r\n")
    remedy = f"{hint}Fix the line, or leave such rows out with --on-bad-row skip"
    return Fault(record, int(found.lines[record]), reason, remedy, text)


def _not_utf8(text: bytes) -> int:
    """Return which byte, counting from 1, is not UTF-8; 0 where all are."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start + 1
    return 0
