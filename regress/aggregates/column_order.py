"""Columns that turned up while rows were read, put into a design's order; those that a block lacks were zero."""

from collections.abc import Sequence

import numpy as np

from regress.blocks import Block


def arranged_rows(blocks: list[Block], order: Sequence[int] | None) -> list[Block]:
    """Return blocks with the columns of X in order; columns beyond a block's last are zeros."""
    if order is None:
        return blocks
    most = max(order, default=-1) + 1
    return [
        block._replace(X=np.pad(block.X, ((0, 0), (0, max(most - block.X.shape[1], 0))))[:, order]) for block in blocks
    ]
