"""One row of a table, given as a dict, as a row of X: without a frame, which takes a hundred times as long."""

from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.design.encode import unseen_level
from regress.design.terms import Design, Term
from regress.errors import TableError
from regress.options import HandleUnknown
from regress.sources.cell_types import BOOLEAN, NUMBERS, is_missing, is_number, level_of
from regress.sources.dates import days_of_cell
from regress.sources.find import nearest

ROW = "the row"
_NAN = ("nan", "+nan", "-nan")


def encode_row(row: Mapping[str, Any], design: Design, handle_unknown: HandleUnknown) -> tuple[Array | None, int]:
    """Return the row of X (1, n), None where a cell is missing, and how many cells became the reference level.

    Raises
    ------
    TableError
        If a column is missing, or a cell is not what training saw.
    """
    x, missing, unseen = list[float](), False, list[tuple[Term, str]]()
    for term in design.terms:
        if term.name not in row:
            row = {str(name): cell for name, cell in row.items()}  # integers are names as those of a frame are
        if term.name not in row:
            names = nearest(term.name, list(row)) if row else f"{ROW.capitalize()} is empty."
            raise TableError(f"{ROW} has no column {term.name!r} to use as a feature of the model. {names}")
        cell = row[term.name]
        if term.kind == "text":
            level = _level(cell, term)
            missing |= level is None
            if level is not None and level not in term.levels:
                unseen.append((term, str(cell)))
            x += [float(level == other) for other in term.coded]
        else:
            number = _number(cell, term)
            x.append(number if isfinite(number) else design.fills.get(term.name, nan))
    if missing or not all(map(isfinite, x)):
        return None, 0
    for term, cell in unseen:
        if handle_unknown == "error" or term.all_levels:
            raise unseen_level(ROW, term, cell)
    return np.array([x]), len(unseen)


def _number(cell: Any, term: Term) -> float:
    """Return a number, true and false as 1 and 0, days since 1970 of a date; NaN where it is missing."""
    if is_missing(cell):
        return nan
    if term.kind == "date":
        return _days(cell, term)
    if isinstance(cell, NUMBERS) and not isinstance(cell, np.complexfloating):
        try:
            return float(cell)
        except OverflowError:
            raise TableError(f"Column {term.name!r} of {ROW} holds a number beyond the range of float64.") from None
    if not isinstance(cell, str):
        raise TableError(f"Column {term.name!r} of {ROW} is {type(cell).__name__}; training saw {term.kind}.")
    text = cell.strip().lower()
    if is_number(text, ".") or (text in _NAN and term.kind == "number"):
        return float(text)
    if text not in BOOLEAN:
        what = "a number" if term.kind == "number" else "true or false"
        raise TableError(f"{ROW}, column {term.name!r}: {cell!r} is not {what}. Pass None where it is missing.")
    return float(text == "true")


def _days(cell: Any, term: Term) -> float:
    days = days_of_cell(cell)
    if days is None:
        shown = repr(cell) if isinstance(cell, str) else type(cell).__name__
        raise TableError(
            f"{ROW}, column {term.name!r}: {shown} is not a date. Pass a date, datetime, or text such as '2024-03-01'."
        )
    return days


def _level(cell: Any, term: Term) -> str | None:
    """Return a level, known or not; None where it is missing."""
    if is_missing(cell):
        return None
    if not isinstance(cell, str | NUMBERS):
        raise TableError(
            f"Column {term.name!r} of {ROW} holds {type(cell).__name__}, which is neither number nor text. "
            "Pass a level of training."
        )
    text = str(cell)
    return text if text in term.levels else level_of(text)
