"""Frames and arrays of Dask as units of work: each of their partitions, wherever it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from dask.array import Array
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from distributed import Client

from regress.api.cluster.engine import EngineError, Unit
from regress.api.cluster.work import PartWork
from regress.design.roles import Values
from regress.errors import InputError, TableError
from regress.options import FileOptions
from regress.sources.base import Column, Source
from regress.sources.open import of_package, open_table
from regress.sources.summed import DistantSource

_HEAD = 1000  # rows that show what columns are, unless later ones contradict


class Collection(NamedTuple):
    """A collection as a table: its columns, its partitions, and target and weights, by name or as values with them."""

    source: Source
    units: tuple[Unit, ...]
    target: Any
    weights: Any


def collection_of(
    table: Any, target: Any, weights: Any, client: Client, options: FileOptions, *, timeout: float
) -> Collection:
    """Return a frame or array of Dask as a table, whose divisions and lengths of partitions need not be known.

    Raises
    ------
    InputError
        If it is neither, or target or weights have other partitions.
    """
    kind, array = type(table).__name__, isinstance(table, Array)
    if kind != "DataFrame" and not (array and table.ndim == 2):
        raise InputError(f"A table of Dask is a frame, or an array of two dimensions; got {kind}.")
    if array and len(table.chunks[1]) > 1:
        table = table.rechunk({1: -1})
    rows = np.ravel(table.to_delayed()).tolist()
    if array:
        names = [f"x{j}" for j in range(table.shape[1])]
        source: Source = DistantSource("the Dask array", [Column(name, "number", settled=True) for name in names])
    else:
        source = open_table(_head(rows, client, timeout), options)
        source.label = "the Dask frame"
        source = source.only(())  # nobody takes the head for the table
    roles = {"the target": target, "weights": weights}
    parts = {role: _parts(role, given, table, len(rows)) for role, given in roles.items()}
    units = []
    for k, part in enumerate(rows):
        values = [None if found is None else found[k] for found in parts.values()]
        name, key = f"partition {k + 1}", " ".join(str(one.key) for one in (part, *values) if one is not None)
        arrays = [None if one is None else delayed(np.asarray, pure=True)(one).ravel() for one in values]
        units.append(Unit(key, name, 0, delayed(PartWork, pure=True)(key, name, part, *arrays)))
    named = [given if parts[role] is None else Values(_name(role, given), np.empty(0)) for role, given in roles.items()]
    named = [str(given.name) if of_package(given, "dask") else given for given in named]
    return Collection(source, tuple(units), *named)


def _name(role: str, given: Any) -> str:
    """Return what values are called that come with the partitions."""
    named = None if isinstance(given, Array) else given.name
    return named if isinstance(named, str) else "y" if role == "the target" else role


def _head(rows: Sequence[Delayed], client: Client, timeout: float) -> Any:
    """Return the first rows of the first partition that has some."""
    for k, part in enumerate(rows, 1):
        try:
            head = client.compute(part.head(_HEAD)).result(timeout)
        except TimeoutError:
            raise EngineError(f"The cluster did not compute partition {k} within {timeout:g} s.") from None
        except Exception as error:  # of whatever makes the partition
            raise TableError(
                f"Partition {k} of the Dask frame cannot be computed: it raises {type(error).__name__}. "
                "Compute it with Dask to see why."
            ) from None
        if len(head):
            return head
    return head


def _parts(role: str, given: Any, table: Any, count: int) -> list[Any] | None:
    """Return the values of a role by partition; None where it is a column of the table."""
    if not of_package(given, "dask"):
        if given is None or isinstance(given, str):
            return None
        raise InputError(f"{role} of a Dask collection must be the name of a column, or a Dask collection too.")
    if of_column(given, table):
        return None
    parts: list[Any] = np.ravel(given.to_delayed()).tolist()
    if len(parts) != count:
        raise InputError(f"{role} has {len(parts):,} partitions, and the table {count:,}. Give both the same ones.")
    return parts


def of_column(given: Any, table: Any) -> bool:
    """Tell whether a Series of Dask is a column of a frame: both then compute the same.

    Raises
    ------
    InputError
        If it only has the name of one.
    """
    if isinstance(given, Array) or isinstance(table, Array) or given.name not in table.columns:
        return False
    if tokenize(given) != tokenize(table[given.name]):
        raise InputError(
            f"The Series {given.name!r} has the name of a column of the Dask frame, and may differ from it. "
            f"Pass the name {given.name!r}, or rename the Series."
        )
    return True
