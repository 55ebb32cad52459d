"""What to know of the order of rows, where mini-batches follow it."""

import numpy as np

from regress.api.sums import ReadTable
from regress.blocks import Array
from regress.messages import setting
from regress.options import TrainOptions
from regress.solvers.choose import batched

_LEAST = 0.1  # rank correlation that matters; and two standard deviations of chance, 2/√(k − 1) for k blocks


def drift(prepared: ReadTable, options: TrainOptions) -> list[str]:
    """Return a note if the target rises or falls along the rows, which mini-batches take in their order."""
    if not batched(options) or not drifts(_means(prepared, options.batch_size)):
        return []
    return [
        f"The rows are sorted by the target or drift, and {setting('shuffle')} is off. The last batches of an epoch "
        f"then decide its result. Remove {setting('shuffle', False)}."
    ]


def buffered(prepared: ReadTable, options: TrainOptions) -> list[str]:
    """Return a note if files can only be read in order, and have more rows than are shuffled with each other."""
    in_order = any(place.bookmark is None for place in prepared.index)
    if not (options.shuffle and in_order and prepared.data.summary.rows > options.shuffle_rows):
        return []
    return [
        f"{prepared.reader.source.label} can only be read in order. Rows are shuffled within a buffer of "
        f"{options.shuffle_rows:,} rows only. Raise {setting('shuffle_rows')}, or save the table as Parquet."
    ]


def _means(prepared: ReadTable, size: int) -> Array:
    """Return the mean of the target in each block: of the index of files, or of so many rows in memory."""
    if prepared.index:
        return np.array([place.target_mean for place in prepared.index if place.target_mean is not None])
    y = np.concatenate([block.Y[:, 0] for block in prepared.data.rows or ()])
    starts = np.arange(0, len(y), size)
    return np.add.reduceat(y, starts) / np.diff(starts, append=len(y))


def drifts(means: Array) -> bool:
    """Tell whether values rise or fall with their number, in rank and by more than chance.

    Examples
    --------
    >>> import numpy as np
    >>> drifts(np.arange(20.0) ** 3), drifts(np.arange(20.0) % 2)
    (True, False)
    """
    count = len(means)
    if count < 3 or not np.isfinite(means).all():
        return False
    _, inverse, ties = np.unique(means, return_inverse=True, return_counts=True)
    if len(ties) == 1:
        return False
    ranks = (np.cumsum(ties) - (ties - 1) / 2.0)[inverse]  # equal values share the mean of their ranks
    return bool(abs(np.corrcoef(np.arange(count), ranks)[0, 1]) > max(_LEAST, 2.0 / np.sqrt(count - 1)))
