"""How a CSV file is written: delimiter, quotes, decimal mark, encoding, header; by flags, or read off its start."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from regress.errors import TableError
from regress.tables.cells import reading_of_files
from regress.tables.kinds import comma_note, decimal_mark, is_number, marks_of
from regress.tables.options import FileOptions, Header
from regress.tables.records import Format, csv_reader, last_end
from regress.tables.source import MISSING, Column
from regress.tables.streams import opened

_YEAR = re.compile(r"[12]\d{3}")
_SAMPLE = 2**22  # bytes that the header must fit in
_ROWS = 1000  # records looked at
_LOOK = 200  # of them for what columns are
_DELIMITERS = ",;\t|"
_SHOWN = {"\t": "tab", "|": "'|'", ";": "';'", ",": "','"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, its header, and what its columns look like at its start."""

    form: Format
    decimal: str
    encoding: str
    compression: str
    names: tuple[str, ...]
    header_bytes: int
    header_lines: int
    columns: tuple[Column | None, ...]
    decimal_known: bool = True
    note: str = ""

    def __str__(self) -> str:
        quote = "no quotes" if self.form.quote is None else f"quote {self.form.quote}"
        parts = [f"delimiter {_SHOWN.get(self.form.delimiter, repr(self.form.delimiter))}", f"decimal {self.decimal!r}"]
        parts += [quote, self.encoding] + ([self.compression] if self.compression else [])
        return ", ".join([*parts, "a header" if self.header_lines else "no header"])


def read_dialect(path: Path, options: FileOptions) -> Dialect:
    """Read the start of a file.

    Raises
    ------
    TableError
        If it is empty, its header cannot be used, or a guess would be one; the message names the flag that decides.
    """
    with opened(path, options.encoding) as stream:
        sample, more = stream.read(_SAMPLE), stream.read(1)
        compression, encoding = stream.compression, stream.encoding
    if b"\r" in sample and b"\n" not in sample:
        raise TableError(f"{path.name} ends its lines by carriage returns alone. Convert them, as tr '\\r' '\\n' does.")
    quote = _quote(sample) if options.quote is None else None if options.quote == "none" else options.quote
    form = Format(options.delimiter or _delimiter(sample, quote), quote)
    sample = sample[: last_end(sample, form)] if more else sample
    reader = csv_reader(_lines(sample), form)
    try:
        first = next(reader, None)
    except csv.Error as error:
        raise TableError(
            f"{path.name}, line 1: the quotes of this record cannot be read ({error}). Mend them."
        ) from None
    if not first:
        what = "longer than 4 MB" if more and first is None else "empty"
        raise TableError(f"{path.name}, line 1 is {what}: the first line must name the columns.")
    lines = reader.line_num
    others = (row for row in _sound(reader) if len(row) == len(first))
    rows = list(islice(others, _ROWS))
    if not rows:
        _check_width(
            path, len(first), {len(row) for row in islice(_sound(csv_reader(_lines(sample), form)), 1, _ROWS) if row}
        )
    decimal, known = _decimal(path.name, form, rows, options, complete=not more and len(rows) < _ROWS)
    if _has_header(path, options.header, first, rows, decimal):
        header = b"".join(islice(io.BytesIO(sample), lines))
        _check_names(path, header, first)
    else:
        lines, header, rows, first = 0, b"", [first, *rows], [f"x{j}" for j in range(len(first))]
    reading, skip = reading_of_files(options, decimal), options.on_bad_row == "skip"
    columns = tuple(reading.column(name, (row[j] for row in rows[:_LOOK]), skip) for j, name in enumerate(first))
    if None in columns:  # no value so far: look on
        rows += others
        columns = tuple(
            c or reading.column(name, (r[j] for r in rows), skip)
            for j, (name, c) in enumerate(zip(first, columns, strict=True))
        )
    note = comma_note(path.name, rows) if options.decimal == "," else ""
    return Dialect(form, decimal, encoding, compression, tuple(first), len(header), lines, columns, known, note)


def _decimal(
    file: str, form: Format, rows: Sequence[Sequence[str]], options: FileOptions, complete: bool
) -> tuple[str, bool]:
    """Return the decimal mark, and whether that is certain: where some rows do not tell, all have to be asked."""
    if options.decimal is not None:
        return options.decimal, True
    if options.thousands in (",", ".") or form.delimiter == ",":
        return "," if options.thousands == "." else ".", True
    seen = marks_of(cell for row in rows for cell in row)
    if complete or "comma" in seen or "point" in seen:
        return decimal_mark(file, form.delimiter, seen), True
    return ".", False


def _lines(sample: bytes) -> Iterator[str]:
    return (line.decode("utf-8", "replace") for line in io.BytesIO(sample))


def _sound(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the records that can be read."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue


def _quote(sample: bytes) -> str:
    """Take single quotes for quotes where every name of the header stands in them, and nothing in double ones."""
    names = re.split(rb"[,;\t|]", sample.partition(b"\n")[0].strip())
    single = b'"' not in sample and all(len(n) > 1 and n[:1] == n[-1:] == b"'" for n in names)
    return "'" if single else '"'


def _delimiter(sample: bytes, quote: str | None) -> str:
    """Return what cuts most records into as many cells as the first; of equals, what makes more numbers."""

    def score(delimiter: str) -> tuple[int, int]:
        reader = csv_reader(_lines(sample), Format(delimiter, quote))
        rows = list(islice(_sound(reader), _ROWS // 10))
        if not rows or len(rows[0]) < 2:
            return 0, 0
        alike = [row for row in rows if len(row) == len(rows[0])]
        comma = "," if delimiter != "," else "."
        return len(alike), sum(is_number(cell, comma) or is_number(cell, ".") for row in alike for cell in row)

    return max((d for d in _DELIMITERS if d != quote), key=score)


def _has_header(path: Path, asked: Header, first: Sequence[str], rows: Sequence[Sequence[str]], decimal: str) -> bool:
    """Tell whether the first record names the columns; refuse where it does not look like what it is taken for."""
    numbers = [cell for cell in first if is_number(cell, decimal) and cell[-1:].isdigit()]  # "inf" may be a name
    counted = len(first) > 1 and list(first) == [str(j) for j in range(len(first))]  # as pandas names an array
    years = 1 < len(set(numbers)) == len(numbers) < len(first) and all(_YEAR.fullmatch(cell) for cell in numbers)
    if asked == "auto" and numbers and not counted and not years:
        raise TableError(
            f"{path.name}, line 1 looks like data ({', '.join(map(repr, first[:3]))}), not like names. Pass --header "
            "no to name the columns x0, x1, …, or --header yes if these are their names."
        )
    over = [j for j, cell in enumerate(first) if cell.strip() not in MISSING and not is_number(cell, decimal)]
    below = [[row[j] for row in rows if row[j].strip() not in MISSING] for j in over]
    if asked == "no" and any(cells and all(is_number(cell, decimal) for cell in cells) for cells in below):
        raise TableError(
            f"{path.name}, line 1 names the columns ({', '.join(map(repr, first[:3]))}). Pass --header yes."
        )
    return asked != "no"


def _check_width(path: Path, width: int, others: set[int]) -> None:
    """Refuse a first line that no other line is like."""
    if len(others) == 1:
        raise TableError(
            f"{path.name}, line 1 has {width} cell{'s' * (width != 1)}, and all others have {others.pop()}. If it is a "
            "title or a comment, remove it; if cells were cut wrongly, pass --delimiter."
        )


def _check_names(path: Path, header: bytes, names: Sequence[str]) -> None:
    try:
        header.decode()
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path.name}, line 1: byte {error.start + 1} ({header[error.start]:#04x}) is not UTF-8. "
            "Pass the encoding that the file has, often --encoding cp1252."
        ) from None
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
