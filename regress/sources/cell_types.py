"""What a cell looks like: a number, true or false, a date, a time, a number with something about it, or text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import numpy as np

from regress.errors import TableError
from regress.messages import setting
from regress.sources.base import MISSING, Column, ColumnKind
from regress.sources.dates import ISO, Forms

CellKind = Literal["number", "boolean", "date", "moment", "dated", "time", "grouped", "marked", "dressed", "text"]
"""`moment` is a date with an offset from UTC, `dated` a date in a form that is not read.

`grouped` is a number with thousands separators, `marked` one with the other decimal mark, `dressed` one with a sign,
currency or unit about it."""

READ: tuple[Literal["number", "date", "moment"], ...] = ("number", "date", "moment")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
_DECIMAL_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
BOOLEAN = ("true", "false")
NUMBERS = int | float | np.number | np.bool_ | Decimal
"""The types of cells that are numbers, or true and false."""
BLANKS = "\u00a0\u2009\u202f "  # that stand between thousands
_SEPARATORS = f"[.,'’_{BLANKS}]"
GROUPED = re.compile(
    rf"[+-]?[0-9]{{1,3}}(?P<mark>{_SEPARATORS})([0-9]{{2,3}}(?P=mark))*[0-9]{{3}}(?P<fraction>(?!(?P=mark))[.,][0-9]*)?"
)
_DIGITS_OF_ISO = 5  # a date has at least: 2024-3
_LONGEST = 64  # characters of a cell that may be a date, or a number with a unit
_PLAIN = re.compile(r"[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?(e[+-][0-9]{1,3})?")


_ABSENT = ("NAType", "NaTType")  # pandas' missing values, by name: pandas need not be there


def is_missing(cell: object) -> bool:
    """Tell whether a cell of any type is None, NaN, or missing as pandas has it."""
    if isinstance(cell, Decimal):
        return cell.is_nan()
    if isinstance(cell, int | float | np.floating):
        return bool(cell != cell)
    return cell is None or type(cell).__name__ in _ABSENT or (isinstance(cell, np.datetime64) and bool(np.isnat(cell)))


def is_number(cell: str, decimal: str) -> bool:
    """Tell whether a cell is a number with this decimal mark."""
    cell = cell.strip()
    if decimal == ",":
        if "." in cell:
            return False
        cell = cell.replace(",", ".", 1)
    return NUMBER.fullmatch(cell) is not None


def kind_of(cell: str, decimal: str = ".", forms: Forms = ISO) -> CellKind:
    """Tell what a cell with a value looks like; dates are read in some forms."""
    cell = cell.strip()
    if is_number(cell, decimal):
        return "number"
    if cell.lower() in BOOLEAN:
        return "boolean"
    if len(cell) > _LONGEST or not any(map(str.isdecimal, cell)):
        return "text"
    few = sum(map(str.isdigit, cell)) < _DIGITS_OF_ISO
    if not (few and forms is ISO) and (found := forms.find(cell)):
        return found.kind
    date, time, dressed = _patterns()
    if date.fullmatch(cell):
        return "dated"
    if time.fullmatch(cell):
        return "time"
    if GROUPED.fullmatch(cell):
        return "grouped"
    if is_number(cell, "," if decimal == "." else "."):
        return "marked"
    plain = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").replace("–", "-")
    return "dressed" if dressed.fullmatch(plain) else "text"


def verdicts(
    columns: Iterable[tuple[Sequence[str], Forms]], decimal: str, separator: str | None, skip: bool
) -> list[tuple[ColumnKind, bool] | None]:
    """Return the `verdict` on the cells with a value of each column, given the forms of dates; None where it has none.

    Numbers whose thousands are separated by `separator`, a pattern, are numbers.
    """
    return [
        verdict(_count_kinds(cells, decimal, separator, forms), skip) if cells else None for cells, forms in columns
    ]


def _count_kinds(cells: Iterable[str], decimal: str, separator: str | None, forms: Forms) -> Counter[CellKind]:
    kinds: Counter[CellKind] = Counter()
    for cell in cells:
        kind = kind_of(cell, decimal, forms)
        grouped = GROUPED.fullmatch(cell.strip()) if kind == "grouped" and separator is not None else None
        kinds["number" if grouped and re.fullmatch(separator or "", grouped["mark"]) else kind] += 1
    return kinds


def count_values(cells: Iterable[str], comma: bool) -> int:
    """Count cells that are numbers (with a decimal comma too if `comma`), true or false, or name a missing cell."""
    return sum(cell.strip() in MISSING[1:] or _is_value(cell, comma) for cell in cells)


def all_values(cells: Iterable[str]) -> bool:
    """Tell whether there are cells with a value, and all of these are numbers, or true and false."""
    held = [cell for cell in cells if cell.strip() not in MISSING]
    return bool(held) and all(_is_value(cell, True) for cell in held)


def _is_value(cell: str, comma: bool) -> bool:
    return is_number(cell, ".") or (comma and is_number(cell, ",")) or cell.strip().lower() in BOOLEAN


def looks_of(cells: Sequence[str], decimal: str) -> list[str]:
    """Tell what cells look like: "missing", "empty", "number", "date", "time", "boolean", "dressed" or "text" each."""
    return [_looks_like(cell.strip(), decimal) for cell in cells]


def _looks_like(cell: str, decimal: str) -> str:
    if cell in MISSING:
        return "missing" if cell else "empty"
    kind = kind_of(cell, decimal)
    if kind == "number" and not cell[-1].isdigit():
        return "text"  # "inf" may be a name
    if kind in ("moment", "dated"):
        return "date"
    return "dressed" if kind in ("grouped", "marked") else kind


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what dates, times, and dressed numbers look like; made on use, as few tables need it."""
    month = (
        r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(t(ember)?)?|oct(ober)?|nov(ember)?"
        r"|dec(ember)?)\.?"
    )
    clock = r"[0-9]{1,3}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\s?([ap]\.?m\.?)?"
    date = (
        r"([0-9]{4}([-/.])[0-9]{1,2}(\2[0-9]{1,2})?|[0-9]{1,2}([-/.])[0-9]{1,2}\4([0-9]{4}|[0-9]{2})|[0-9]{1,2}/[0-9]{4}"
        rf"|[0-9]{{1,2}}[-/ .]?{month}[-/ .,]*([0-9]{{4}}|[0-9]{{2}})"
        rf"|{month}([-/ ]?([0-9]{{1,2}}, ?)?[0-9]{{4}}|-[0-9]{{2}}))"
        rf"([T ,]+{clock}(Z|\s?[+-][0-9:]{{2,6}}|\s?[A-Z]{{3,4}})?)?"
    )
    currency = (
        r"(?:[A-Z]{0,3}[$¢£¥฿₠-⃀]|\b(?:AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|Fr|GBP|HKD|HUF|ILS|INR|JPY|KRW|kr|Kč|MXN|NOK|NZD"
        r"|PLN|RUB|Rs|SEK|SGD|THB|TRY|TWD|USD|zł|ZAR)\b\.?)"
    )
    number = rf"(?:\d+(?:{_SEPARATORS}\d{{2,3}})*(?:[.,]\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?\+?"
    unit = r"(?!(?:st|nd|rd|th)\b)[^\W\d_]{1,12}(?:/[^\W\d_]{1,8})?[23]?\.?"
    before = rf"""['="(<>≤≥~≈]{{0,3}}\s?[+-]?\s?{currency}?\s?[+-]?\s?"""
    after = rf"""\s?(?:[%‰°"'′″]{{1,2}}|{currency}|{unit}|°{unit})?["')+-]{{0,2}}"""
    return re.compile(date, re.IGNORECASE), re.compile(clock, re.IGNORECASE), re.compile(before + number + after)


def level_of(cell: str, decimal: str = ".") -> str:
    """Return the level that a cell is: blanks around it do not count, and equal numbers and booleans are one level.

    A number with leading zeros is a code, and stays as it is.

    Examples
    --------
    >>> [level_of(cell) for cell in (" male ", "2.0", "2", "0.50", "007", "TRUE")]
    ['male', '2', '2', '0.5', '007', 'true']
    """
    cell = cell.strip()
    if cell.lower() in BOOLEAN:
        return cell.lower()
    if not is_number(cell, decimal):
        return cell
    number = cell.replace(",", ".") if decimal == "," else cell
    if not _PLAIN.fullmatch(number):
        return cell
    number = format(Decimal(number), "f")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def verdict(counts: Mapping[CellKind, int], skip: bool) -> tuple[ColumnKind, bool]:
    """Return what a column of such cells is, and whether that is in doubt: text with a tenth of numbers or more.

    With `skip`, rows with other cells are excluded where at least half of the cells are numbers, or dates.
    """
    total = sum(counts.values())
    if counts.get("boolean", 0) == total:
        return "boolean", False
    most = max(READ, key=lambda kind: counts.get(kind, 0))
    if counts.get(most, 0) == total or (skip and 2 * counts.get(most, 0) >= total):
        return most, False
    like = total - counts.get("text", 0) - counts.get("boolean", 0)
    return "text", 10 * like >= total


def column_of_kind(name: str, kind: ColumnKind, **more: Any) -> Column:
    """Return a column that partitions read as a kind."""
    return Column(name, "date" if kind == "moment" else kind, zoned=kind == "moment", **more)


def marks_of(cells: Iterable[str]) -> dict[str, str]:
    """Return what cells say of the decimal mark, each with a cell that says it.

    `comma` and `point` are certain; `comma?` and `point?` may also stand between thousands: 1.234.
    """
    seen: dict[str, str] = {}
    for cell in map(str.strip, cells):
        if DECIMAL_COMMA.fullmatch(cell):
            seen.setdefault("comma?" if _THOUSANDS.fullmatch(cell) else "comma", cell)
        elif _DECIMAL_POINT.fullmatch(cell):
            seen.setdefault("point?" if _THOUSANDS.fullmatch(cell) else "point", cell)
        elif (grouped := GROUPED.fullmatch(cell)) and grouped["fraction"]:
            seen.setdefault("point" if grouped["fraction"][0] == "." else "comma", cell)
        if "comma" in seen and "point" in seen:
            break
    return seen


def comma_note(file: str, rows: Iterable[Iterable[str]]) -> str:
    """Say so where a decimal comma was asked for, and every comma may as well stand between thousands."""
    seen = marks_of(cell for row in rows for cell in row)
    if "comma?" not in seen or "comma" in seen:
        return ""
    cell = seen["comma?"]
    return (
        f"{file}: with the decimal comma {cell!r} is {cell.replace(',', '.')}, and every comma stands before three "
        f"digits. If it separates thousands, pass {setting('thousands', ',')} instead."
    )


def decimal_mark(file: str, delimiter: str, seen: Mapping[str, str]) -> Literal[".", ","]:
    """Return the decimal mark that the cells of a file have by `marks_of`: a comma only where it is no delimiter.

    Raises
    ------
    TableError
        If 1,234 may be either number, and in a file of semicolons 1.234.
    """
    if delimiter == "," or "point" in seen:
        return "."
    if "comma" in seen:
        return ","
    doubtful = "comma?" if "comma?" in seen else "point?" if "point?" in seen and delimiter == ";" else None
    if doubtful is None:
        return "."
    cell, mark = seen[doubtful], "," if doubtful == "comma?" else "."
    raise TableError(
        f"{file}: {cell!r} may be {cell.replace(',', '.')} or {cell.replace(mark, '')}. Pass "
        f"{setting('decimal', mark)} for "
        f"the former, {setting('thousands', mark)} for the latter."
    )
