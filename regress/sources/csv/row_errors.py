"""What is wrong with a row of a CSV file, in words: its width, its quotes, a cell of it."""

from dataclasses import replace

import polars as pl

from regress.messages import setting
from regress.sources.base import ColumnKind
from regress.sources.cell_types import kind_of
from regress.sources.cell_values import Reading
from regress.sources.column_types import date_options, thousands_options
from regress.sources.csv.record_ends import RecordSpans
from regress.sources.rejects import Fault

_LONGEST = 2**16  # bytes of a bad row that are kept


def width_fault(found: RecordSpans, record: int, width: int) -> Fault:
    """Say that a record has too few or too many cells, or cannot be read."""
    cells = int(found.widths[record])
    if not cells:
        return _broken_fault(found, record)
    what = "too few" if cells < width else "too many"
    return _fault(
        found,
        record,
        f": {cells} cell{'s' * (cells != 1)} where the header names {width} column{'s' * (width != 1)}: {what}",
        "A cell that contains the delimiter must stand in quotes. ",
    )


def _broken_fault(found: RecordSpans, record: int) -> Fault:
    text = found.text(record)
    escaped = b'\\"' in text or b"\\'" in text
    hint = (
        f"If a backslash stands before quotes within cells, pass {setting('escapechar', chr(92))}. " if escaped else ""
    )
    hint += f"If quotes are ordinary characters here, pass {setting('quotechar', 'none')}. "
    return _fault(found, record, f": {found.block.broken[int(found.lines[record])]}", hint)


def cell_fault(found: RecordSpans, record: int, kind: ColumnKind, reading: Reading, wrong: pl.Series) -> Fault:
    """Say that a cell, the only one of a column, is not of a kind."""
    name, cell, text = wrong.name, wrong[0], found.text(record)
    if "\ufffd" in cell and (at := not_utf8(text)):
        return _fault(
            found,
            record,
            f", column {name!r}: byte {at} of the record ({text[at - 1]:#04x}) is not UTF-8",
            f"Pass the encoding of the file, often {setting('encoding', 'cp1252')}. ",
        )
    dates = date_options(cell, kind, reading)
    hint = f"Pass {dates}. " if dates else f"{remedy_of(cell, kind)} ".lstrip()
    why = reading.why_not(cell, kind, name)
    return replace(_fault(found, record, f", column {name!r}: {cell!r} {why}", hint), column=name)


def remedy_of(cell: str, wanted: ColumnKind = "number") -> str:
    """Return the option that reads a cell which is not a number as one, or as missing; "" if a date may be meant."""
    kind = kind_of(cell)
    if wanted in ("date", "moment") and kind != "text":
        return ""
    if kind == "grouped":
        return f"If it has thousands separators, pass {thousands_options(cell)}."
    if kind == "marked":
        return f"If its comma is a decimal one, pass {setting('decimal', ',')}."
    if kind == "number":
        return f"If its point is a decimal one, pass {setting('decimal', '.')}."
    if kind != "text":
        return "Write it as a plain number."
    return f"Pass {setting('na_values', [cell.strip()])} if it stands for a missing cell."


def _fault(found: RecordSpans, record: int, reason: str, hint: str = "") -> Fault:
    text = found.text(record)[:_LONGEST].decode("utf-8", "replace").rstrip("\r\n")
    remedy = f"{hint}Fix the line, or skip such rows with {setting('on_bad_lines', 'skip')}"
    return Fault(record=record, line=int(found.lines[record]), reason=reason, remedy=remedy, text=text)


def not_utf8(text: bytes) -> int:
    """Return which byte, counting from 1, is not UTF-8; 0 where all are."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start + 1
    return 0
