"""What the fast CSV reader does not say: header, row widths, and where a bad cell is. Standard library and NumPy only.

Polars reads a short row as nulls and a blank line as a row of nulls, garbles a header that is not UTF-8, renames
duplicate columns, and names no line in its errors. So the header is read here, and the rest of a file only when
something about it is suspicious.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np

from regress.errors import TableError
from regress.tables.source import MISSING, Column, Kind

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
BOOLEAN = ("true", "false")

_CHUNK = 2**24


def column_of(name: str, cell: str | None) -> Column:
    """Tell what a column is whose first cell with a value is this one; None where it has no value at all."""
    if cell is None or NUMBER.fullmatch(cell.lstrip()):
        return Column(name, "number")
    if DATE.fullmatch(cell):
        return Column(name, "unusable", dtype="date")
    return Column(name, "boolean" if cell.lower() in BOOLEAN else "text")


def read_header(path: Path) -> list[str]:
    """Return the column names of a CSV file.

    Raises
    ------
    TableError
        If the file is empty, the header is not UTF-8, or a name is empty or stands twice.
    """
    names = next(_records(path), (1, []))[1]
    if not names:
        raise TableError(f"{path.name}, line 1 is empty: the first line must name the columns.")
    for j, name in enumerate(names, start=1):
        if not name.strip():
            hint = " (a saved pandas index? write it with index=False)" if j == 1 else ""
            raise TableError(f"{path.name}, line 1: column {j} has no name{hint}. Name every column.")
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        where = [j for j, name in enumerate(names, start=1) if name == doubled[0]]
        raise TableError(
            f"{path.name}, line 1: columns {' and '.join(map(str, where))} are both named {doubled[0]!r}. Rename one."
        )
    return names


def blank_records(path: Path, width: int) -> list[int]:
    """Return which records are blank lines, counting from 0 after the header.

    Raises
    ------
    TableError
        If a row has more or fewer than `width` cells; the message names its line.
    """
    with path.open("rb") as file:
        blanks: list[int] = []
        line, rest = 0, b""
        while chunk := file.read(_CHUNK):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if b'"' in whole or b'"' in rest:
                return _blank_records_quoted(path, width)
            if newline:
                line = _count_cells(path, whole + newline, width, line, blanks)
        if rest:
            _count_cells(path, rest + b"\n", width, line, blanks)
    return [number - 1 for number in blanks if number > 0]


def _count_cells(path: Path, lines: bytes, width: int, first: int, blanks: list[int]) -> int:
    """Check the widths of whole lines without quotes; note blank ones; return the number of the next line."""
    cells = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(cells == ord("\n"))
    commas = np.searchsorted(np.flatnonzero(cells == ord(",")), ends)
    commas = np.diff(commas, prepend=0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    length = ends - starts
    blank = (length == 0) | ((length == 1) & (cells[np.minimum(starts, len(cells) - 1)] == ord("\r")))
    wrong = np.flatnonzero((commas != width - 1) & ~blank)
    if wrong.size:
        _refuse_width(path, first + int(wrong[0]) + 1, int(commas[wrong[0]]) + 1, width)
    blanks.extend((first + np.flatnonzero(blank)).tolist())
    return first + len(ends)


def _blank_records_quoted(path: Path, width: int) -> list[int]:
    blanks = []
    for index, (line, cells) in enumerate(_records(path)):
        if not cells:
            blanks.append(index - 1)
        elif len(cells) != width:
            _refuse_width(path, line, len(cells), width)
    return blanks


def place(path: Path, record: int) -> str:
    """Return "file, line n" of a record, counting from 0 without header and blank lines."""
    seen = -2
    for line, cells in _records(path):
        seen += bool(cells)
        if seen == record:
            return f"{path.name}, line {line}"
    return f"{path.name}, record {record + 1}"


def explain(path: Path, kinds: Mapping[str, Kind], reason: str) -> NoReturn:
    """Raise the `TableError` that says where a file could not be read, by reading it slowly.

    Parameters
    ----------
    path : Path
        The file that the fast reader refused.
    kinds : mapping
        Every column in order, and what it was read as; columns that are not used are "text".
    reason : str
        What the fast reader said, for a fault that cannot be found here.
    """
    names = list(kinds)
    for line, cells in _records(path, after_header=True):
        if cells and len(cells) != len(names):
            _refuse_width(path, line, len(cells), len(names))
        for name, cell in zip(names, cells, strict=False):
            if not _fits(cell, kinds[name]):
                raise TableError(
                    f"{path.name}, line {line}, column {name!r}: {cell!r} is not "
                    f"{'true or false' if kinds[name] == 'boolean' else 'a number'}, as its first value is. "
                    f"Mend the cell, or read the column as text with --categorical {_flag(name)}."
                )
    raise TableError(f"{path.name} is not a readable CSV file: {reason.strip().splitlines()[0]}.")


def _fits(cell: str, kind: Kind) -> bool:
    if kind == "text" or cell in MISSING or not cell.strip():
        return True
    return cell.lower() in BOOLEAN if kind == "boolean" else NUMBER.fullmatch(cell.lstrip()) is not None


def _flag(name: str) -> str:
    """Quote a column name for a command line where it needs it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"


def _records(path: Path, after_header: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of every record, blank ones as no cells."""
    with path.open(newline="", encoding="utf-8-sig", errors="strict") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        try:
            for cells in reader:
                if not (after_header and line == 1):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise TableError(
                f"{path.name}, line {line}: the quotes of this record cannot be read ({error}). Mend them."
            ) from None
        except UnicodeDecodeError:
            _refuse_encoding(path)


def _refuse_width(path: Path, line: int, found: int, width: int) -> NoReturn:
    what = "too few" if found < width else "too many"
    raise TableError(
        f"{path.name}, line {line}: {found} cell{'s' * (found != 1)} where the header names {width} columns: {what}. "
        "Mend the line; a cell that contains a comma must stand in double quotes."
    )


def _refuse_encoding(path: Path) -> NoReturn:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise TableError(
                    f"{path.name}, line {number}: byte {error.start + 1} ({line[error.start]:#04x}) is not UTF-8. "
                    "Save the file as UTF-8 (a spreadsheet's “CSV UTF-8”)."
                ) from None
    raise TableError(f"{path.name} is not UTF-8. Save it as UTF-8.")
