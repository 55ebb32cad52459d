"""Target and weights: a column of the table, or values that come beside it."""

from typing import NamedTuple

import numpy as np

from regress.errors import InputError, TableError
from regress.numerics.twofold import Array
from regress.tables.source import Batch, Source, find_column


class Values(NamedTuple):
    """A column of the table by name, or values of its own, one a row, and what to call them."""

    name: str
    array: Array | None


def as_values(source: Source, given: object, role: str) -> Values:
    """Take a target or weights as a column name or as values; a shape of (m, 1) is ravelled.

    Raises
    ------
    TableError
        If the column is unknown or not a number.
    InputError
        If the values are not numbers in one dimension.
    """
    if isinstance(given, str):
        column = find_column(source, given, role)
        if column.kind not in ("number", "boolean"):
            raise TableError(
                f"Column {given!r} of {source.label} is {'text' if column.kind == 'text' else column.dtype}, "
                f"not numbers, so it cannot be {role}.{' ' * bool(column.hint)}{column.hint}"
            )
        return Values(given, None)
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{role} must be a column name or numbers; got {type(given).__name__}.") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array.ravel()
    if array.ndim != 1:
        raise InputError(f"{role} must have one value a row; its shape is {array.shape}.")
    name = getattr(given, "name", None)
    return Values(name if isinstance(name, str) else "y" if role == "the target" else role, array)


def column_of(values: Values, batch: Batch, start: int, stop: int) -> Array:
    """Return the values of a batch's rows, which are those from `start` to `stop` of the table."""
    if values.array is None:
        return batch.numbers(values.name)
    if stop > len(values.array):
        raise InputError(f"{values.name} has {len(values.array):,} values, fewer than the table's rows.")
    return values.array[start:stop]
