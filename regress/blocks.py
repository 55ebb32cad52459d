"""Blocks of rows, and the types of arrays."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Block(NamedTuple):
    """Some rows: X (m, n), Y (m, k), and weights (m,) > 0 or None for all ones.

    `columns` names the columns of X. A column that a block does not name is zero in all of its rows. None means that
    all blocks have the same columns, in the same order.
    """

    X: Array
    Y: Array
    weights: Array | None = None
    columns: tuple[str, ...] | None = None


def block_rows(n: int) -> int:
    """Return the rows a block for `n` columns. It fixes the grid, and so the bits, whatever the threads."""
    return min(max(1 << (2**22 // max(n, 1)).bit_length() >> 1, 2048), 65536)


def blocks_of(X: Array, Y: Array, weights: Array | None = None) -> Iterator[Block]:
    """Cut arrays into blocks on the fixed grid: views, not copies."""
    step = block_rows(X.shape[1])
    for i in range(0, len(X), step):
        yield Block(X[i : i + step], Y[i : i + step], None if weights is None else weights[i : i + step])
