"""What a cell looks like, and what that makes of its column: a number, true or false, a date, text."""

import re
from collections.abc import Sequence

from regress.errors import TableError
from regress.tables.source import MISSING, Column

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d+)([eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?(\d*\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
BOOLEAN = ("true", "false")

_MOSTLY = 0.9
_DRESSED = re.compile(  # numbers with a sign of money or parts, or with thousands
    r"[$€£¥]\s*[+-]?\d[\d.,']*|[+-]?\d[\d.,']*\s*[%$€£¥]"
    r"|[+-]?\d{1,3}([,']\d{3})+(\.\d+)?|[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d{1,3}(\.\d{3}){2,}"
)


def is_number(cell: str, decimal: str) -> bool:
    """Tell whether a cell is a number with this decimal mark."""
    cell = cell.strip()
    if decimal == ",":
        if "." in cell:
            return False
        cell = cell.replace(",", ".", 1)
    return NUMBER.fullmatch(cell) is not None


def decimal_mark(file: str, delimiter: str, rows: Sequence[Sequence[str]]) -> str:
    """Return the decimal mark that the cells have: a comma only where another delimiter leaves it free."""
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    commas = [cell for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    if not commas or any(_DECIMAL_POINT.fullmatch(cell) for cell in cells):
        return "."
    if all(_THOUSANDS.fullmatch(cell) for cell in commas):
        raise TableError(
            f"{file}: {commas[0]!r} may be {commas[0].replace(',', '.')} or {commas[0].replace(',', '')}. Pass "
            "--decimal , for the former; for the latter write the numbers without commas."
        )
    return ","


def column_of(name: str, cells: Sequence[str], decimal: str) -> Column | None:
    """Tell what a column is by its first cell with a value; None where it has none."""
    held = [cell for cell in cells if cell.strip() not in MISSING]
    if not held:
        return None
    if is_number(held[0], decimal):
        return Column(name, "number")
    if _DATE.fullmatch(held[0]):
        return Column(name, "unusable", dtype="date")
    cells, hint, enough = [cell.strip() for cell in held], "", _MOSTLY * len(held)
    numbers = sum(is_number(cell, ",") or is_number(cell, ".") for cell in cells)
    dressed = sum(_DRESSED.fullmatch(cell) is not None for cell in cells if not is_number(cell, ","))
    if numbers >= enough:
        hint = f"its first cell {held[0]!r} is no number, as most others are: mend it, or leave it empty"
        if is_number(cells[0], "," if decimal == "." else "."):
            mark, flag = ("comma", ",") if decimal == "." else ("point", "'.'")
            hint = f"its cells, such as {held[0]!r}, look like numbers with a decimal {mark}: pass --decimal {flag}"
    elif dressed and numbers + dressed >= enough:
        hint = f"its cells, such as {held[0]!r}, look like numbers: write them without signs and thousands"
    return Column(name, "boolean" if cells[0].lower() in BOOLEAN else "text", hint=hint)
