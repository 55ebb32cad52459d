"""CSV files: Polars reads them a block of whole records at a time, and what it refuses is looked at cell by cell.

The fast way carries no bookkeeping. Polars reads a short row as nulls, ignores what a long one has too many where only
some columns are read, and names no line in its errors. So a block that it refuses, or in which the file's last column
has a null or delimiters are too many, is read again as text, with every cell in view.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from regress.numerics.threads import ordered_map
from regress.numerics.twofold import Mask
from regress.tables.dialect import Dialect, read_dialect
from regress.tables.kinds import BOOLEAN, DECIMAL_COMMA, NUMBER
from regress.tables.ledger import Fault, Ledger
from regress.tables.options import FileOptions
from regress.tables.parts import Frame
from regress.tables.records import NO_QUOTES, Split, sound_quotes, split
from regress.tables.source import MISSING, Column, Kind
from regress.tables.streams import Records, Stream, opened

_COMPRESSED = (b"\x1f\x8b", b"\x78", b"\x28\xb5\x2f\xfd")  # Polars would decompress what begins so
_AHEAD = 2  # blocks parsed at a time: while Polars' threads finish one, they begin the next


class _Parsed(NamedTuple):
    frame: pl.DataFrame
    lines: int
    read: int
    faults: Sequence[Fault] = ()


@dataclass(slots=True)
class CsvPart:
    """A CSV file, plain or compressed, read as `dialect` says; what is wrong with its rows goes to `ledger`."""

    path: Path
    name: str
    options: FileOptions
    ledger: Ledger
    _dialect: Dialect = field(init=False)
    _needs_names: bool = False  # of missing cells, since a block could not be read without

    def __post_init__(self) -> None:
        self._dialect = read_dialect(self.path, self.options)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size

    @property
    def dialect(self) -> str:
        """How the file is written."""
        return str(self._dialect)

    def columns(self) -> dict[str, Column | None]:
        """Return the columns, each as its first cell with a value has it; None where the start has no value."""
        return dict(zip(self._dialect.names, self._dialect.columns, strict=True))

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Read the named columns in blocks, in order."""
        line = 1 + self._dialect.header_lines

        def parse(records: Records) -> _Parsed | None:
            try:
                return self._fast(records, kinds) or self._careful(records, kinds)
            except KeyboardInterrupt:
                return None

        with opened(self.path, self._dialect.encoding) as stream:
            for parsed in ordered_map(parse, self._records(stream), _AHEAD):
                if parsed is None:  # Polars saw Ctrl-C before Python, whose own exception is on its way to this thread
                    time.sleep(1.0)
                    raise KeyboardInterrupt
                bad = None
                if parsed.faults:
                    self.ledger.add(self.name, line, parsed.faults)
                    bad = np.zeros(parsed.frame.height, dtype=bool)
                    bad[[fault.record for fault in parsed.faults]] = True
                line += parsed.lines
                if parsed.frame.height:
                    yield Frame(parsed.frame, parsed.read, bad)

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

    def _scan(self, data: bytes, kinds: Mapping[str, Kind], missing: Sequence[str] = (), **more: Any) -> pl.LazyFrame:
        form = self._dialect.form
        return pl.scan_csv(
            b"\n" + data if data.startswith(_COMPRESSED) else data,
            has_header=False,
            skip_rows=int(data.startswith(_COMPRESSED)),
            schema={n: pl.Float64 if kinds.get(n) == "number" else pl.String for n in self._dialect.names},
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
        for missing in (MISSING,) if self._needs_names else ((), MISSING):
            scan = self._scan(data, kinds, missing)
            try:
                frame = (scan.select(part) if len(part) < len(self._dialect.names) else scan).collect()
                frame = _booleans(frame, kinds)
            except (pl.exceptions.PolarsError, _NotBooleanError):
                continue
            self._needs_names = bool(missing)
            partial = frame.width < len(self._dialect.names)
            suspicious = frame[last].null_count() or (partial and not self._full(data, frame.height))
            if suspicious and not self._sound(data, frame.height):
                return None
            lines = data.count(b"\n") if quoted else frame.height
            return _Parsed(pl.DataFrame([frame[name] for name in kinds]), lines, records.read)  # select costs more
        return None

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
            column, wrong = _converted(text, kind, self._dialect.decimal)
            for k in np.flatnonzero(wrong).tolist():
                record = int(at[k])
                if kind != "text" or _not_utf8(found.text(record)):
                    faults.setdefault(
                        record, _cell_fault(found, record, text.name, kind, text[k], self._dialect.decimal)
                    )
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
        return self._scan(whole, {}, encoding="utf8-lossy").select(list(names)).collect().get_columns()


class _NotBooleanError(Exception):
    """A cell of a true/false column is neither."""


def _booleans(frame: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    for name in (name for name, kind in kinds.items() if kind == "boolean"):
        lower = frame[name].str.to_lowercase()
        if not lower.drop_nulls().is_in(BOOLEAN).all():
            raise _NotBooleanError(name)
        frame = frame.with_columns((lower == "true").alias(name))
    return frame


def _converted(text: pl.Series, kind: Kind, decimal: str) -> tuple[pl.Series, Mask]:
    """Return cells as what their column is, null where they are missing, and which are not that."""
    if kind == "text":
        return text, text.str.contains("\ufffd", literal=True).fill_null(False).to_numpy()
    cells = text.str.strip_chars()
    cells = cells.set(cells.is_in(MISSING), None)
    if kind == "boolean":
        lower = cells.str.to_lowercase()
        values = (lower == "true").set(~lower.is_in(BOOLEAN), None)
    else:
        if decimal == ",":
            cells = cells.set(cells.str.contains(".", literal=True), "a point").str.replace(",", ".", literal=True)
        values = cells.cast(pl.Float64, strict=False)
    return values, (values.is_null() & cells.is_not_null()).to_numpy()


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


def _cell_fault(found: Split, record: int, name: str, kind: Kind, cell: str, decimal: str) -> Fault:
    text = found.text(record)
    if "\ufffd" in cell and (at := _not_utf8(text)):
        return _fault(
            found,
            record,
            f", column {name!r}: byte {at} of the record ({text[at - 1]:#04x}) is not UTF-8",
            "Pass the encoding that the file has, often --encoding cp1252. ",
        )
    flag = name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
    what = "true or false" if kind == "boolean" else "a number"
    hint = f"--categorical {flag} reads it as text. "
    if decimal == "." and DECIMAL_COMMA.fullmatch(cell.strip()):
        hint = "If its comma is a decimal one, pass --decimal ,. "
    elif decimal == "," and NUMBER.fullmatch(cell.strip()):
        hint = "If its point is a decimal one, pass --decimal '.'. "
    return _fault(found, record, f", column {name!r}: {cell!r} is not {what}, as its first value is", hint)


def _fault(found: Split, record: int, reason: str, hint: str = "") -> Fault:
    text = found.text(record).decode("utf-8", "replace").rstrip("\r\n")
    remedy = f"{hint}Mend the line, or leave such rows out with --on-bad-row skip"
    return Fault(record, int(found.lines[record]), reason, remedy, text)


def _not_utf8(text: bytes) -> int:
    """Return which byte, counting from 1, is not UTF-8; 0 where all are."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start + 1
    return 0
