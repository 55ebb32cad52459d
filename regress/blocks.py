"""Blocks of rows, and the types of arrays."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STORED = -1  # in place of a number of decimals: such a column holds the doubles that are meant


class Decimals(NamedTuple):
    """How many decimals the numbers of a block have: d for a column that holds integers k in place of k/10^d.

    Attributes
    ----------
    x, y : tuples of int
        By column of X and of Y; `STORED` for columns of doubles that are meant as they are.
    weights : int
        Of the weights.
    """

    x: tuple[int, ...]
    y: tuple[int, ...]
    weights: int = 0


class Block(NamedTuple):
    """Some rows: X (m, n), Y (m, k), and weights (m,) > 0 or None for all ones.

    `columns` names the columns of X. A column that a block does not name is zero in all of its rows. None means that
    all blocks have the same columns, in the same order. With `decimals`, the numbers are integers that stand for
    decimals. X may be of another type of number, or what NumPy makes an array of: whoever sums rows converts them.
    """

    X: Array
    Y: Array
    weights: Array | None = None
    columns: tuple[str, ...] | None = None
    decimals: Decimals | None = None

    def in_doubles(self) -> "Block":
        """Return the same rows as float64 numbers, each the nearest to what is meant.

        Examples
        --------
        >>> import numpy as np
        >>> Block(np.array([[1.0]]), np.array([[25.0]]), decimals=Decimals((1,), (2,))).in_doubles().Y
        array([[0.25]])
        """
        if self.decimals is None:
            return self._replace(X=np.asarray(self.X, dtype=np.float64))
        x, y, of_weights = self.decimals
        weights = self.weights if self.weights is None else self.weights / 10.0**of_weights
        return Block(self.X / _tens(x), self.Y / _tens(y), weights, self.columns)


def _tens(places: tuple[int, ...]) -> Array:
    return 10.0 ** np.maximum(np.array(places, dtype=np.float64), 0.0)


def block_rows(n: int) -> int:
    """Return the rows a block for `n` columns. It fixes the grid, and so the bits, whatever the threads."""
    return min(max(1 << (2**22 // max(n, 1)).bit_length() >> 1, 2048), 65536)


def blocks_of(X: Array, Y: Array, weights: Array | None = None) -> Iterator[Block]:
    """Cut arrays into blocks on the fixed grid: views, not copies."""
    step = block_rows(X.shape[1])
    for i in range(0, len(X), step):
        yield Block(X[i : i + step], Y[i : i + step], None if weights is None else weights[i : i + step])
