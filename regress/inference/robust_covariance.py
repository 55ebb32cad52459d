"""The middle of White's covariance, Σ (a e)² z zᵀ over z = [x − x̄, 1] (White 1980): a second pass over the rows."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from regress.aggregates.exact_sums import exact_totals
from regress.blocks import Array, Block
from regress.numerics.integers import ratio
from regress.numerics.prediction import line, residuals
from regress.solvers.solution import Training


class Meat(NamedTuple):
    """Σ (a e)² z zᵀ: entry (i, j) is ``matrix[i, j] · scale[i] · scale[j]``, which may be out of a double's range."""

    matrix: Array
    scale: Array


def meat_of(blocks: Iterable[Block], training: Training, center: Array, repeated: bool, n_jobs: int) -> Meat:
    """Return Σ (a e)² z zᵀ over z = [x − center, 1], or Σ a e² z zᵀ where a counts `repeated` rows.

    Of a fit by exact sums it is exact too, but for rounding (a e)z: it has the same bits in any order of the rows. Of
    one in float64 it is summed in the order of the blocks.
    """
    at, exact = (training.w, training.center, training.b_center), training.minimum is not None

    def scores() -> Iterator[Block]:
        for X, Y, a, _ in blocks:
            e = residuals(X, Y[:, 0], *at) if exact else line(X, *at) - Y[:, 0]
            if a is not None and not repeated:
                e *= a
            yield Block((X - center) * e[:, None], e[:, None], a if repeated else None)

    return _exactly(scores(), n_jobs) if exact else _in_order(scores(), len(center) + 1)


def _exactly(scores: Iterable[Block], n_jobs: int) -> Meat:
    totals = exact_totals(scores, n_jobs)
    value, unit = totals.value[1:, 1:], totals.unit[1:].tolist()
    half = [int(square).bit_length() // 2 for square in np.diagonal(value)]
    matrix = [
        [ratio(int(v), h + k) for v, k in zip(row, half, strict=True)] for row, h in zip(value, half, strict=True)
    ]
    return Meat(np.array(matrix), np.ldexp(1.0, np.add(half, unit)))


def _in_order(scores: Iterable[Block], size: int) -> Meat:
    total = np.zeros((size, size))
    for ez, e, a, _ in scores:
        z = np.append(ez, e, axis=1)
        total += (z if a is None else z * a[:, None]).T @ z
    return Meat(total, np.ones(size))
