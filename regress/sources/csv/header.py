"""What the first line of a table is: names, data, or neither."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from regress.errors import TableError
from regress.messages import setting
from regress.options import Header
from regress.sources.base import MISSING
from regress.sources.cell_types import is_number, looks_of
from regress.sources.csv.rewrite import Row

INDEX = "index"  # what a column of row names is called

_TEXT = "text"
_YEAR, _WHOLE = re.compile(r"1[5-9]\d\d|20\d\d|2100"), re.compile(r"[+-]?\d+")
_FIRST_NAMES = ("id", "index", "name", "key", "no", "nr", "row", "#")  # of a column that tells rows apart


class HeaderLayout(NamedTuple):
    """The first record and those below as cells of equal number, and the cells without a name or a value.

    `trailing` is the number of cells without a name and a value at the end of each row. If `row_names`, the header has
    no name for the first column.
    """

    first: list[str]
    below: list[list[str]]
    trailing: int
    row_names: bool


def layout(file: str, rows: Sequence[Row], header: Header) -> HeaderLayout:
    """Fit the first record to those below.

    Raises
    ------
    TableError
        If it has another number of cells, so that it is a title, a comment, or lacks a name.
    """
    first = rows[0].cells or []
    readable = [row.cells for row in rows[1:] if row.cells is not None]
    counts = Counter(len(cells) for cells in readable)
    width = max(counts, key=lambda w: (counts[w], w == len(first), w), default=len(first))
    below = [cells for cells in readable if len(cells) == width]
    named = max((j for j, cell in enumerate(first, start=1) if cell.strip()), default=0)
    if 0 < named <= width and not any(cell.strip() for cells in below for cell in cells[named:]):
        return HeaderLayout(first[:named], [cells[:named] for cells in below], width - named, False)
    if width == len(first):
        return HeaderLayout(first, below, 0, False)
    if width == len(first) + 1 and header != "no" and _are_row_names(first, below):
        return HeaderLayout(["", *first], below, 0, True)
    _refuse_width(file, rows, width, len(below))


def _are_row_names(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first cells of rows number them, or are all different text, as R's write.table has them."""
    cells = [row[0] for row in below]
    if len(cells) < 2 or first[0].strip().lower() in _FIRST_NAMES:
        return False
    texts = set(looks_of(cells, ".")) == {_TEXT}
    return cells == [str(i) for i in range(1, len(cells) + 1)] or (texts and len(set(cells)) == len(cells))


def _refuse_width(file: str, rows: Sequence[Row], width: int, count: int) -> NoReturn:
    first, line = rows[0].cells or [], rows[0].line
    what = f"{file}, line {line + 1} has {_cells(len(first))}, and {'all' if count == len(rows) - 1 else 'most'} "
    what += f"lines below have {width}"
    if first[0].startswith("#"):
        raise TableError(f"{what}. If lines that begin with # are comments, pass {setting('comment', '#')}.")
    begin = _begins(rows, width)
    title = f" If it is a title or a comment, pass {setting('skip_lines', begin.line)}." if begin is not None else ""
    if width == len(first) + 1:
        names = begin is not None and set(looks_of(begin.cells or (), ".")) <= {_TEXT}
        raise TableError(
            f"{what}. If each row begins with its name, put a name for that column at the start of line {line + 1}. "
            f"If another column has no name, add it there.{title if names else ''}"
        )
    if title:
        raise TableError(f"{what}.{title} If cells were cut wrongly, pass {setting('delimiter')}.")
    raise TableError(
        f"{what}. If it is a title or a comment, remove it; if cells were cut wrongly, pass "
        f"{setting('delimiter')}. If quotes "
        f"are ordinary characters here, pass {setting('quotechar', 'none')}."
    )


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def _begins(rows: Sequence[Row], width: int) -> Row | None:
    """Return the first record of this width whose cells are all filled, but perhaps the first."""
    return next(
        (row for row in rows[1:] if row.cells and len(row.cells) == width and all(c.strip() for c in row.cells[1:])),
        None,
    )


def is_header(file: str, line: int, asked: Header, found: HeaderLayout, decimal: str) -> bool:
    """Tell whether the first record names the columns.

    Raises
    ------
    TableError
        If it does not look like what it is taken for.
    """
    first, below = found.first, found.below
    shown, looks = ", ".join(map(repr, first[:3])), looks_of(first, decimal)
    if asked == "auto" and _looks_like_data(found, looks, decimal):
        raise TableError(
            f"{file}, line {line + 1} looks like data ({shown}), not like names. Pass {setting('header', 'no')} to "
            "name the columns "
            f"x0, x1, …, or {setting('header', 'yes')} if these are their names."
        )
    texts = [j for j, what in enumerate(looks) if what == _TEXT]
    held = [[row[j] for row in below if row[j].strip() not in MISSING] for j in texts]
    if asked == "no" and any(cells and all(is_number(cell, decimal) for cell in cells) for cells in held):
        raise TableError(f"{file}, line {line + 1} names the columns ({shown}). Pass {setting('header', 'yes')}.")
    return asked != "no"


def _looks_like_data(found: HeaderLayout, looks: Sequence[str], decimal: str) -> bool:
    """Tell whether some name is one that only data has, or that the cells below are like, or all names are data.

    Names of two kinds may be numbers: 0, 1, 2, … as pandas names an array, and years.
    """
    first, below = found.first, found.below
    numbers = [name for name, what in zip(first, looks, strict=True) if what == "number"]
    counted = len(first) > 1 and list(first) == [str(j) for j in range(len(first))]
    years = 1 < len(set(numbers)) == len(numbers) and all(_YEAR.fullmatch(name) for name in numbers)
    for j, what in enumerate(looks):
        cells = [row[j].strip() for row in below if row[j].strip() not in MISSING]
        if what in ("boolean", "missing") or (what == "number" and not (counted or years)):
            return True
        if what == "number" and all((_WHOLE if counted else _YEAR).fullmatch(cell) for cell in cells):
            return True
        if what in ("date", "time") and set(looks_of(cells, decimal)) <= {what}:
            return True
        if what == "dressed" and set(looks_of(cells, decimal)) <= {"dressed", "number"}:
            return True
    return not counted and all(what not in (_TEXT, "empty") for what in looks)


def column_names(file: str, rows: Sequence[Row], header: bytes, found: HeaderLayout) -> list[str]:
    """Return the names of a header; a first one that is missing is that of row names.

    Raises
    ------
    TableError
        If another name is missing, one stands there twice, or it is not UTF-8.
    """
    place, names = f"{file}, line {rows[0].line + 1}", list(found.first)
    try:
        header.decode()
    except UnicodeDecodeError as error:
        raise TableError(
            f"{place}: byte {error.start + 1} ({header[error.start]:#04x}) is not UTF-8. "
            f"Pass the encoding of the file, often {setting('encoding', 'cp1252')}."
        ) from None
    nameless = [j for j, name in enumerate(names, start=1) if not name.strip()]
    if nameless and nameless != [1]:
        begin = _begins(rows, len(rows[0].cells or ()))
        title = (
            f"If it is a title, pass {setting('skip_lines', begin.line)}; else name" if begin is not None else "Name"
        )
        raise TableError(f"{place}: column {next(j for j in nameless if j > 1)} has no name. {title} every column.")
    if nameless:
        if INDEX in names:
            raise TableError(
                f"{place}: column 1 has no name, and column {names.index(INDEX) + 1} is called {INDEX!r}, as row names "
                "are here. Name column 1, or rename the other."
            )
        names[0] = INDEX
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        where = [j for j, name in enumerate(names, start=1) if name == doubled[0]]
        raise TableError(f"{place}: columns {' and '.join(map(str, where))} are both named {doubled[0]!r}. Rename one.")
    return names
