"""Columns of a source by their names, and the names nearest to one that it does not have."""

import difflib
from collections.abc import Sequence

from regress.errors import TableError
from regress.sources.base import Column, Source


def find_column(source: Source, name: str, role: str) -> Column:
    """Return a column by name.

    Raises
    ------
    TableError
        If there is none; the message lists the nearest names.
    """
    if name in source.by_name:
        return source.by_name[name]
    raise TableError(f"{source.label} has no column {name!r} to use as {role}. {nearest(name, list(source.by_name))}")


def nearest(name: str, names: Sequence[str]) -> str:
    """Say which names are nearest to one, or which there are."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    lower = [other for other in names if other.strip().lower() == name.strip().lower()]
    hint = list(dict.fromkeys(lower + near)) or names[:8]
    return (
        ("Nearest: " if lower or near else "It has: ")
        + ", ".join(repr(other) for other in hint)
        + ("." if lower or near or len(names) <= 8 else f", … ({len(names)} columns).")
    )
