"""Target and weights: a column of the table, or separate values."""

from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array
from regress.errors import InputError, TableError
from regress.sources.arrays import unmasked
from regress.sources.base import Batch, Source
from regress.sources.find import find_column
from regress.sources.open import of_package


class Values(NamedTuple):
    """A column of the table by name, or values of its own, one per row, and what to call them.

    `clash` says that the values came with the name of a column that holds others.
    """

    name: str
    array: Array | None
    clash: bool = False


def as_values(source: Source, given: object, role: str) -> Values:
    """Take a target or weights as a column name or as values; a shape of (m, 1) is ravelled.

    A Series that is a column of the table is taken by its name. The rows of a pandas Series are paired with those of a
    pandas frame by their labels.

    Raises
    ------
    TableError
        If the column is unknown or not a number.
    InputError
        If the values are not numbers in one dimension, or their labels are not those of the table.
    """
    if isinstance(given, Values):
        return given
    if isinstance(given, str):
        column = find_column(source, given, role)
        if column.kind not in ("number", "boolean") and (column.kind != "date" or role == "weights"):
            what = {"text": "text", "date": "dates"}.get(column.kind, column.dtype)
            raise TableError(
                f"Column {given!r} of {source.label} is {what}, "
                f"not numbers, so it cannot be {role}.{' ' * bool(column.hint)}{column.hint}"
            )
        return Values(given, None)
    name, array = _named_array(source, given, role)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array.ravel()
    if array.ndim != 1:
        raise InputError(f"{role} must have one value a row; its shape is {array.shape}.")
    if name is None:
        return Values("y" if role == "the target" else role, array)
    if name in source.by_name and _equals_column(source, name, array):
        return Values(name, None)
    return Values(name, array, name in source.by_name)


def _named_array(source: Source, given: Any, role: str) -> tuple[str | None, Array]:
    """Return values as floats, missing ones as NaN, and the name that they came with."""
    name = None
    if of_package(given, "pandas"):
        from regress.sources.frames import values_beside

        name, given = values_beside(given, source.index, role)
    elif of_package(given, "polars"):
        from regress.sources.polars_frames import named_values

        name, given = named_values(given)
    try:
        array = np.asarray(unmasked(given))
        text = array.dtype.kind == "O" and any(isinstance(v, str) for v in array.flat)
        if not array.ndim or text or array.dtype.kind not in "biufO":
            raise TypeError
        return name, array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        short = given is None or np.isscalar(given) or (isinstance(given, list) and len(given) == 1)
        what = repr(given) if short else type(given).__name__
        raise InputError(f"{role} must be a column name, as text, or numbers, one per row; got {what}.") from None


def _equals_column(source: Source, name: str, array: Array) -> bool:
    """Tell whether values are those of a column, which is read for it."""
    if source.by_name[name].kind not in ("number", "boolean"):
        return False
    start = 0
    for batch in source.batches([name]):
        column = batch.numbers(name)
        if not np.array_equal(column, array[start : start + batch.rows], equal_nan=True):
            return False
        start += batch.rows
    return start == len(array)


def column_of(values: Values, batch: Batch, start: int, stop: int) -> Array:
    """Return the values of a batch's rows, which are those from `start` to `stop` of the table."""
    if values.array is None:
        return batch.numbers(values.name)
    if stop > len(values.array):
        raise InputError(f"{values.name} has {len(values.array):,} values, fewer than the table's rows.")
    return values.array[start:stop]
