"""The columns of a table, by what the starts of its files show of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regress.errors import TableError
from regress.sources.base import EMPTY, Column
from regress.sources.batches import Part

Starts = Mapping[str, Column | None]  # None where no cell has a value


def common_columns(parts: Sequence[Part]) -> Starts:
    """Return the columns of all parts: text where parts differ, None where no part has a value to tell by.

    Raises
    ------
    TableError
        If a part has other columns than the first.
    """
    first = parts[0]
    found = first.columns()
    for part in parts[1:]:
        others = part.columns()
        if odd := sorted(set(found) ^ set(others)):
            raise TableError(
                f"{first.name} and {part.name} have different columns ({odd[0]!r} is in only one of them). "
                "Fit them apart, or fix one."
            )
        for name, column in others.items():
            found[name] = _joined(found[name], column)
    return found


def complete(columns: Starts, formats: Mapping[str, str]) -> tuple[Column, ...]:
    """Return columns: dates where a format of them is given, and a number where there is no value to tell by."""
    found = (column or Column(name, "number", dtype=EMPTY) for name, column in columns.items())
    return tuple(_dates(column, formats[column.name]) if column.name in formats else column for column in found)


def _dates(column: Column, format: str) -> Column:
    """Return a column as dates, unless its type is another one."""
    if column.kind in ("boolean", "unusable") or column.levels is not None:
        return column
    return replace(column, kind="date", dtype="", doubtful=False, zoned="%z" in format, settled=True)


def shows_no_more(columns: Starts, other: Starts) -> bool:
    """Tell whether another file shows no more of columns than is known of them."""
    return columns.keys() == other.keys() and all(
        _joined(columns[n], column) == columns[n] for n, column in other.items()
    )


def _joined(one: Column | None, other: Column | None) -> Column | None:
    """Return what a column is that is `one` in some parts and `other` in another; None tells nothing."""
    if one is None or other is None or one == other:
        return other if one is None else one
    for column in (one, other):
        if column.kind == "unusable":
            return column
    alike = one.read_as == other.read_as
    return Column(
        one.name,
        one.kind if alike else "text",
        dtype=one.dtype or other.dtype,
        settled=alike and one.settled and other.settled,
        doubtful=one.doubtful or other.doubtful or not alike,
        index=one.index or other.index,
        zoned=one.zoned,
    )
