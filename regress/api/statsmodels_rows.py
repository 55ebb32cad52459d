"""The rows that a statsmodels result was fitted to, which must be those of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from regress.api.claim import Claim, Held
from regress.api.read import with_target
from regress.blocks import Array
from regress.design.roles import as_values
from regress.errors import InputError
from regress.keywords import made
from regress.options import FileOptions
from regress.sources.arrays import ArraySource
from regress.sources.base import Source
from regress.sources.open import open_table
from regress.sources.rereading import rereading


def as_held(
    claim: Claim, held: Held, table: Any, target: Any, options: Mapping[str, Any]
) -> tuple[Any, Any, dict[str, Any], str]:
    """Return the rows that a statsmodels result was fitted to, which must be those of the table, and their space."""
    free = *(f.name for f in fields(FileOptions)), "formula", "rows", "missing", "random_state"
    for name, value in options.items():
        if name not in free and value is not claim.options.get(name):
            raise InputError(f"The {held.kind} result holds its own columns and weights. Remove {name}.")
    source = with_target(open_table(table, made(FileOptions, options)), options.get("formula"))
    if target is None and held.target is not None and held.target not in source.by_name:
        raise InputError(
            f"The {held.kind} result predicts {held.target!r}, which is not a column of {source.label}. Name the "
            "target, as a formula if it is computed, such as 'log(price) ~ area'."
        )
    y = as_values(source, held.target if target is None else target, "the target")
    rest = [column.name for column in source.columns if column.name != y.name]
    names = held.names or (tuple(rest) if len(rest) == held.X.shape[1] else None)
    ours = {name: held.X[:, j] for j, name in enumerate(names or ()) if name in rest}
    theirs = _columns(source, [*ours, *([y.name] if y.array is None else [])], options.get("rows"))
    if y.array is not None:
        theirs[y.name] = y.array
    for name, fitted in {y.name: held.y, **ours}.items():
        _compare(held, name, fitted, theirs[name], y.name)
    space = "" if held.names is None or len(ours) == len(held.names) else f"in the columns of the {held.kind} result"
    of_result = {"fit_intercept": claim.options["fit_intercept"], "weights": held.weights}
    return ArraySource(held.X, names), held.y, of_result, space


def _columns(source: Source, names: Sequence[str], limit: int | None) -> dict[str, Array]:
    """Return columns of a table without the bad rows."""

    def read(source: Source) -> dict[str, Array]:
        for name in names:
            as_values(source, name, "a column of the result")
        parts: dict[str, list[Array]] = {name: [] for name in names}
        for batch in source.batches(names, limit):
            for name, part in parts.items():
                part.append(batch.numbers(name) if batch.bad is None else batch.numbers(name)[~batch.bad])
        return {name: np.concatenate(part) for name, part in parts.items()}

    return rereading(source, read)


def _compare(held: Held, name: str, fitted: Array, there: Array, target: str) -> None:
    """Refuse a column of the table that differs from the one that a result was fitted to."""
    if len(there) == len(fitted) + len(held.left_out):
        there = np.delete(there, held.left_out)
    if len(there) != len(fitted):
        raise InputError(
            f"The {held.kind} result was fitted to {len(fitted):,} rows; the table has {len(there):,}. "
            "Pass the rows that it was fitted to."
        )
    if not np.array_equal(fitted, there, equal_nan=True):
        if name == target and held.target not in (None, target):
            raise InputError(
                f"The {held.kind} result was fitted to {held.target!r}, not to {target!r}. "
                "Pass the target that it was fitted to."
            )
        raise InputError(
            f"The {held.kind} result was fitted to other values of {name!r} than the table's. "
            "Pass the table that it was fitted to."
        )
