"""Columns told apart by name: the union of two sets of them, and arrays and blocks brought into a given order."""

from collections.abc import Sequence

import numpy as np

from regress.blocks import Array, Block

Columns = tuple[str, ...] | None
"""Names of columns of X; None where all rows have the same columns, in the same order."""


def union(mine: Columns, theirs: Columns) -> Columns:
    """Return the columns of both, mine first.

    Raises
    ------
    ValueError
        If only one of the two is named.
    """
    if mine is theirs or mine == theirs:
        return mine
    if mine is None or theirs is None:
        raise ValueError("rows with named columns cannot be added to rows without names")
    return tuple(dict.fromkeys((*mine, *theirs)))


def places(columns: Columns, names: Sequence[str]) -> list[int]:
    """Return where each name stands among the columns; their number for a name that is not there."""
    at = {name: j for j, name in enumerate(columns or ())}
    return [at.get(name, len(at)) for name in names]


def taken(array: Array, where: Sequence[int]) -> Array:
    """Return the entries of an array (n, …) at some places; zeros at place n."""
    wide = np.pad(array, [(0, 1)] + [(0, 0)] * (array.ndim - 1))
    return np.asarray(wide[list(where)])


def selected(block: Block, names: Sequence[str]) -> Block:
    """Return a block with these columns of X, in this order; those that it does not name are zero."""
    if block.columns is None or block.columns == tuple(names):
        return block
    where, decimals = places(block.columns, names), block.decimals
    if decimals is not None:
        given = (*decimals.x, 0)
        decimals = decimals._replace(x=tuple(given[j] for j in where))
    return block._replace(X=np.pad(block.X, ((0, 0), (0, 1)))[:, where], columns=tuple(names), decimals=decimals)
