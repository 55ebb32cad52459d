"""One row of a table, given as a dict, as a row of X: without a frame, which takes a hundred times as long."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.design.encode import unseen_level
from regress.design.formula.computed_batch import cells_of, column_of, values_of
from regress.design.matrix import Layout
from regress.design.terms import Computed, Design
from regress.design.variables import Variable
from regress.errors import TableError
from regress.options import HandleUnknown
from regress.sources.base import ColumnKind
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
    read = {name: kind for computed in design.computed for name, kind in computed.reads}
    cells = _Cells(row, read | {variable.name: variable.kind for variable in design.variables})
    computed = {of_one.name: of_one for of_one in design.computed}
    numbers, codes, unseen = list[float](), list[int](), list[tuple[Variable, str]]()
    for variable in design.variables:
        name = variable.name
        if variable.kind != "text":
            number = cells.computed(computed[name]) if name in computed else cells.number(name)
            numbers.append(number if isfinite(number) else design.fills.get(name, nan))
            continue
        level = cells.level_of(computed[name]) if name in computed else cells.level(variable)
        if level is None:
            return None, 0
        known = level in variable.levels
        codes.append(variable.levels.index(level) if known else 0)
        unseen += [] if known else [(variable, str(row.get(name, level)))]
    if not all(map(isfinite, numbers)):
        return None, 0
    for variable, cell in unseen:
        if handle_unknown == "error" or variable.reference is None:
            raise unseen_level(ROW, variable, cell)
    if design.formula:
        levels = {variable.name: variable.levels for variable in design.texts}
        X = Layout(design, levels).final(np.array([numbers]), np.array([codes], dtype=np.int32))
        return (X if np.isfinite(X).all() else None), len(unseen)
    given, of_level = iter(numbers), iter(codes)
    x = list[float]()
    for variable in design.variables:
        if variable.kind == "text":
            level = variable.levels[next(of_level)]
            x += [float(level == other) for other in variable.coded]
        else:
            x.append(next(given))
    return np.array([x]), len(unseen)


class _Cells:
    """The cells of a row, as expressions read them too."""

    def __init__(self, row: Mapping[str, Any], kinds: Mapping[str, ColumnKind]) -> None:
        self._row, self._kinds = row, kinds

    def cell(self, name: str) -> Any:
        """Return one cell."""
        if name not in self._row:
            self._row = {str(key): cell for key, cell in self._row.items()}  # integers are names as a frame's are
        if name not in self._row:
            names = nearest(name, list(self._row)) if self._row else f"{ROW.capitalize()} is empty."
            raise TableError(f"{ROW} has no column {name!r} to use as a feature of the model. {names}")
        return self._row[name]

    def number(self, name: str) -> float:
        """Return a number; NaN where it is missing."""
        return _number(self.cell(name), name, self._kinds.get(name, "number"))

    def level(self, variable: Variable) -> str | None:
        """Return the level of a text variable; None where it is missing."""
        return _level(self.cell(variable.name), variable.name, variable.levels)

    def numbers(self, name: str) -> Array:
        """Return a number (1,); NaN where it is missing."""
        return np.array([self.number(name)])

    def equals(self, name: str, text: str) -> Array:
        """Tell whether a text has a level (1,); NaN where it is missing."""
        level = _level(self.cell(name), name, (text,))
        return np.array([nan if level is None else float(level == text)])

    def missing(self, name: str) -> Array:
        """Tell whether a cell has no value (1,)."""
        cell = self.cell(name)
        return np.array([float(is_missing(cell) or cell == "")])

    def computed(self, computed: Computed) -> float:
        """Return a computed number; NaN where it is missing."""
        return float(column_of(computed, values_of(computed, self))[0])

    def level_of(self, computed: Computed) -> str | None:
        """Return the level of a computed text; None where it is missing."""
        cells, _ = cells_of(computed, column_of(computed, values_of(computed, self)))
        return cells[0] if cells else None


def _number(cell: Any, name: str, kind: ColumnKind) -> float:
    """Return a number, true and false as 1 and 0, days since 1970 of a date; NaN where it is missing."""
    if is_missing(cell):
        return nan
    if kind == "date":
        return _days(cell, name)
    if isinstance(cell, NUMBERS) and not isinstance(cell, np.complexfloating):
        try:
            return float(cell)
        except OverflowError:
            raise TableError(f"Column {name!r} of {ROW} holds a number beyond the range of float64.") from None
    if not isinstance(cell, str):
        raise TableError(f"Column {name!r} of {ROW} is {type(cell).__name__}; training saw {kind}.")
    text = cell.strip().lower()
    if is_number(text, ".") or (text in _NAN and kind == "number"):
        return float(text)
    if text not in BOOLEAN:
        what = "a number" if kind == "number" else "true or false"
        raise TableError(f"{ROW}, column {name!r}: {cell!r} is not {what}. Pass None where it is missing.")
    return float(text == "true")


def _days(cell: Any, name: str) -> float:
    days = days_of_cell(cell)
    if days is None:
        shown = repr(cell) if isinstance(cell, str) else type(cell).__name__
        raise TableError(
            f"{ROW}, column {name!r}: {shown} is not a date. Pass a date, datetime, or text such as '2024-03-01'."
        )
    return days


def _level(cell: Any, name: str, levels: Sequence[str]) -> str | None:
    """Return a level, known or not; None where it is missing."""
    if is_missing(cell):
        return None
    if not isinstance(cell, str | NUMBERS):
        raise TableError(
            f"Column {name!r} of {ROW} holds {type(cell).__name__}, which is neither number nor text. "
            "Pass a level of training."
        )
    text = str(cell)
    return text if text in levels else level_of(text)
