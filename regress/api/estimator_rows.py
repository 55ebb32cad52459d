"""Rows that a scikit-learn estimator is given."""

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array, Block, block_rows, blocks_of
from regress.errors import InputError
from regress.sources.arrays import unmasked


class Table(NamedTuple):
    """Rows in memory, and how they were given.

    Attributes
    ----------
    X, Y, weights : array of shape (m, n), (m, k), and (m,) or None
        The rows, in float64.
    names : sequence of str
        Of the columns.
    jobs : int
        Threads.
    dtype : dtype
        That of X as given.
    shape : tuple of int
        That of a row of y as given: () for one target, (k,) for several.
    """

    X: Array
    Y: Array
    weights: Array | None
    names: Sequence[str]
    jobs: int
    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]

    @classmethod
    def of(cls, X: Any, y: Any, sample_weight: Any, names: Sequence[str], jobs: int) -> "Table":
        """Return rows of checked arrays, without those of weight 0."""
        rows, targets = (part.astype(np.float64, copy=False) for part in (X, y.reshape(len(X), -1)))
        weights = None if sample_weight is None else _weights(sample_weight, len(X))
        if weights is not None and not weights.all():
            kept = weights > 0
            rows, targets, weights = rows[kept], targets[kept], weights[kept]
        blocks = -(-len(rows) // block_rows(rows.shape[1]))
        jobs = min(jobs, blocks)  # a single block needs no threads
        return cls(rows, targets, weights, names, jobs, dtype=X.dtype, shape=y.shape[1:])

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """Return the rows of tables that are like each other, in arrays of their own."""
        X, Y = np.concatenate([table.X for table in tables]), np.concatenate([table.Y for table in tables])
        weights = [table.weights for table in tables if table.weights is not None]
        return tables[-1]._replace(X=X, Y=Y, weights=np.concatenate(weights) if weights else None)

    def copied(self) -> "Table":
        """Return the rows in arrays of their own."""
        return self._replace(
            X=self.X.copy(), Y=self.Y.copy(), weights=None if self.weights is None else self.weights.copy()
        )

    def like(self, other: "Table") -> bool:
        """Tell whether both have weights, or neither."""
        return (self.weights is None) == (other.weights is None)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows."""
        return blocks_of(self.X, self.Y, self.weights)


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
