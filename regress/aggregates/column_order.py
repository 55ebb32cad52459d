"""Columns that turned up while rows were read, put into a design's order; those that a block lacks were zero."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from regress.aggregates.totals import Totals
from regress.blocks import Block


def arranged_rows(blocks: list[Block], order: Sequence[int] | None) -> list[Block]:
    """Return blocks with the columns of X in order; columns beyond a block's last are zeros."""
    if order is None:
        return blocks
    most = max(order, default=-1) + 1
    return [
        block._replace(X=np.pad(block.X, ((0, 0), (0, max(most - block.X.shape[1], 0))))[:, order]) for block in blocks
    ]


def arranged_totals(totals: Totals, order: Sequence[int] | None, k: int) -> Totals:
    """Return totals of [1, x, y] with x in order, for k targets; columns beyond its last are zeros."""
    if order is None:
        return totals
    size = len(totals.unit)
    x = [1 + j if j < size - 1 - k else size for j in order]
    return totals.arranged([0, *x, *range(size - k, size)])


def merged_totals(parts: Sequence[Totals], k: int) -> Totals:
    """Return the totals of [1, x, y] over all parts, for k targets; a part may lack the last columns x of others."""
    most = max(len(totals.unit) for totals in parts) - 1 - k
    wide = [totals if len(totals.unit) == 1 + most + k else arranged_totals(totals, range(most), k) for totals in parts]
    return reduce(Totals.merge, wide)
