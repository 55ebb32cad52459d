"""Rows that a scikit-learn estimator is given."""

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Block, block_rows
from regress.errors import InputError
from regress.sources.arrays import unmasked
from regress.sources.frame_rows import KeptRows, Rows


class Table(NamedTuple):
    """Rows in memory, and how they were given.

    Attributes
    ----------
    X, Y : rows of shape (m, n), array of shape (m, k)
        The rows, of any types of number.
    weights : array of shape (m,) or None
        Their weights, all of which are positive.
    names : sequence of str
        Of the columns.
    jobs : int
        Threads.
    dtype : dtype
        In which results are given.
    shape : tuple of int
        That of a row of y as given: () for one target, (k,) for several.
    """

    X: Rows
    Y: NDArray[Any]
    weights: Array | None
    names: Sequence[str]
    jobs: int
    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]

    @classmethod
    def of(cls, X: Rows, y: Any, sample_weight: Any, *, names: Sequence[str], jobs: int, dtype: Any) -> "Table":
        """Return rows that are checked, without those of weight 0."""
        targets = y.reshape(len(X), -1)
        weights = None if sample_weight is None else _weights(sample_weight, len(X))
        if weights is not None and not weights.all():
            kept = np.flatnonzero(weights)
            X, targets, weights = KeptRows(X, kept), targets[kept], weights[kept]
        blocks = -(-len(X) // block_rows(X.shape[1]))
        jobs = min(jobs, blocks)  # a single block needs no threads
        return cls(X, targets, weights, names, jobs, dtype=dtype, shape=y.shape[1:])

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """Return the rows of tables that are like each other, in arrays of their own."""
        X, Y = np.concatenate([table.X for table in tables]), np.concatenate([table.Y for table in tables])
        weights = [table.weights for table in tables if table.weights is not None]
        return tables[-1]._replace(X=X, Y=Y, weights=np.concatenate(weights) if weights else None)

    def copied(self) -> "Table":
        """Return the rows in arrays of their own."""
        weights = None if self.weights is None else self.weights.copy()
        return self._replace(X=np.array(self.X), Y=self.Y.copy(), weights=weights)

    @property
    def cells(self) -> int:
        """Cells of X."""
        return len(self.X) * int(self.X.shape[1])

    def like(self, other: "Table") -> bool:
        """Tell whether both have weights, or neither."""
        return (self.weights is None) == (other.weights is None)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows on the fixed grid, X as it is given: who sums it converts a part at a time."""
        step = block_rows(self.X.shape[1])
        for i in range(0, len(self.X), step):
            rows = slice(i, i + step)
            Y = self.Y[rows].astype(np.float64, copy=False)
            yield Block(self.X[rows], Y, None if self.weights is None else self.weights[rows])

    def doubles(self) -> Iterator[Block]:
        """Yield the same blocks in float64."""
        return (block.in_doubles() for block in self.blocks())


def _weights(given: Any, rows: int) -> Array:
    weights = (
        np.full(rows, given, dtype=np.float64)
        if isinstance(given, Real)
        else np.asarray(unmasked(given), dtype=np.float64)
    )
    if weights.shape != (rows,):
        raise InputError(
            f"Sample weights must be 1D array or scalar: sample_weight has shape {weights.shape}, not ({rows},)."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError("sample_weight must be finite and at least 0.")
    return weights
