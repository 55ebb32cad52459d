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


def inverse(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    """Return the inverse of a regular matrix of fractions, by Gauss and Jordan."""
    n = len(matrix)
    rows = [[*row, *(Fraction(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for j in range(n):
        at = next(i for i in range(j, n) if rows[i][j])
        rows[j], rows[at] = rows[at], rows[j]
        rows[j] = [v / rows[j][j] for v in rows[j]]
        for i in range(n):
            if i != j:
                rows[i] = [v - rows[i][j] * u for v, u in zip(rows[i], rows[j], strict=True)]
    return [row[n:] for row in rows]
