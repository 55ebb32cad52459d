"""Columns told apart by name: their union, and arrays and blocks brought into the order, and the sums, of a design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from regress.blocks import Array, Block

Columns = tuple[str, ...] | None
"""Names of columns of X; None where all rows have the same columns, in the same order."""


LOWER = "\x00part "  # before the number of a lower part, in the name of its column; no name in a table has it


def lower_part(name: str, k: int) -> str:
    """Return the name of the column that holds the k-th lower part of a column: numbers between its digits."""
    return f"{name}{LOWER}{k}"


AS_READ = "\x01"  # before the name of a column of the table that a sample holds, whatever X makes of it


def as_read(name: str) -> str:
    """Return the name, in a sample, of a column of the table as it was read."""
    return AS_READ + name


@dataclass(frozen=True, slots=True)
class Selection:
    """Columns of X in their order, each one that was collected, or a sum of such.

    Attributes
    ----------
    names : tuple of str
        The columns.
    sums : mapping
        Of which collected columns some are the sum, with integer factors; those that no block named are zero.
    products : frozenset of str
        Products, and the columns that they multiply. Rounding of a stored number is the same in all of them, so that
        it does not hide whether they depend on each other.
    """

    names: tuple[str, ...]
    sums: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    products: frozenset[str] = frozenset()

    @property
    def collected(self) -> tuple[str, ...]:
        """The collected columns that take part."""
        every = (self.sums.get(name, ((name, 1),)) for name in self.names)
        return tuple(dict.fromkeys(name for of_one in every for name, _ in of_one))

    def parts(self, first: int = 0) -> list[list[tuple[int, int]]]:
        """Return of which of the collected columns, counted from `first`, each column is the sum."""
        at = {name: j for j, name in enumerate(self.collected, start=first)}
        return [[(at[part], factor) for part, factor in self.sums.get(name, ((name, 1),))] for name in self.names]


def as_selection(names: "Sequence[str] | Selection") -> Selection:
    """Return columns, given by their names alone where they were collected so."""
    return names if isinstance(names, Selection) else Selection(tuple(names))


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


def selected(block: Block, names: Sequence[str] | Selection) -> Block:
    """Return a block with these columns of X, in this order; those that it does not name are zero."""
    selection = as_selection(names)
    if block.columns is None or block.columns == selection.names:
        return block
    where, decimals = places(block.columns, selection.collected), block.decimals
    X = np.pad(block.X, ((0, 0), (0, 1)))[:, where]
    given = (0,) * len(where) if decimals is None else tuple((*decimals.x, 0)[j] for j in where)
    if selection.sums:
        sums = [[X[:, j] * factor for j, factor in of_one] for of_one in selection.parts()]
        X = np.stack([sum(of_one[1:], of_one[0]) for of_one in sums]).T if sums else X[:, :0]
        held = [w < len(block.columns) for w in where]  # what a block does not name has no decimals
        known = [[given[j] for j, _ in of_one if held[j]] for of_one in selection.parts()]
        given = tuple(max(of_one, default=0) for of_one in known)
    decimals = None if decimals is None else decimals._replace(x=given)
    return block._replace(X=X, columns=selection.names, decimals=decimals)
