"""Tables of decimals as text: as blocks of integers, and as the fractions that the text says."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from regress.blocks import Block, Decimals
from regress.numerics.decimals import places, whole

Texts = Sequence[Sequence[str]]


def block_of(X: Texts, y: Sequence[str], weights: Sequence[str] | None = None) -> Block:
    """Return rows of text as a block without names."""
    columns = [np.array(list(map(float, column))) for column in zip(*X, strict=True)]
    columns += [np.array(list(map(float, column))) for column in ([y] if weights is None else [y, weights])]
    found = [places(column) for column in columns]
    needed = [d for d in found if d is not None]
    assert len(needed) == len(found), "all are decimals"
    k = [whole(column, d) for column, d in zip(columns, needed, strict=True)]
    n = len(X[0])
    of_weights = (k[-1], needed[-1]) if weights is not None else (None, 0)
    decimals = Decimals(tuple(needed[:n]), (needed[n],), of_weights[1])
    return Block(np.column_stack(k[:n]), k[n][:, None], of_weights[0], None, decimals)


def integers(columns: Texts) -> tuple[list[list[int]], int]:
    """Return text as integers, all multiplied by one power of ten, and that power."""
    values = [[Fraction(text) for text in column] for column in columns]
    ten = 1
    while any((v * ten).denominator > 1 for column in values for v in column):
        ten *= 10
    return [[int(v * ten) for v in column] for column in values], ten
