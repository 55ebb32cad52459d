"""Exact totals Σ a z zᵀ over the rows z = [1, x, y]: no rounding, whatever the order, blocks, threads or partition.

An accumulator is 64-bit integers while rows come in. Columns are told apart by name, and two accumulators merge by
adding. Whole numbers of any length are made once, when a result is asked for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from regress.aggregates.base import in_any_order
from regress.aggregates.sliced_sum import SlicedSum
from regress.aggregates.totals import Totals
from regress.blocks import Block
from regress.numerics.integers import Exponents

Names = tuple[str, ...] | range  # positions, where blocks name no columns


def exact_totals(blocks: Iterable[Block], n_jobs: int = 1) -> Totals:
    """Return the exact totals of [1, x, y] over at least one row of finite numbers, x in order of first appearance."""
    order: dict[str, None] = {}

    def named() -> Iterator[Block]:
        for block in blocks:
            order.update(dict.fromkeys(block.columns or ()))
            yield block

    totals = in_any_order(ExactSums, named(), n_jobs).finish()
    return totals if totals.columns in (None, tuple(order)) else totals.select(tuple(order))


class ExactSums:
    """Exact totals of [1, x, y] over blocks as they come: all with weights or none, and with as many targets.

    Examples
    --------
    >>> import numpy as np
    >>> from regress.blocks import Block
    >>> one, other = ExactSums(), ExactSums()
    >>> one.add(Block(np.array([[0.1], [0.2]]), np.array([[1.0], [2.0]]), columns=("a",)))
    >>> other.add(Block(np.array([[0.3]]), np.array([[3.0]]), columns=("b",)))
    >>> one.merge(other)
    >>> one.finish().columns
    ('a', 'b')
    """

    def __init__(self) -> None:
        self._names: Names = ()
        self._targets = self._rows = 0
        self._sum: SlicedSum | None = None  # over [1, y, x], so that a column that turns up is the last

    def add(self, block: Block) -> None:
        """Add at least one row."""
        X, Y, weights, columns = block
        names = range(X.shape[1]) if columns is None else columns
        if self._sum is None:
            self._start(names, Y.shape[1], weights is not None)
        running, at = self._room_for(names)
        if at is not None:
            narrow, X = X, np.zeros((len(X), len(self._names)))
            X[:, at[1 + self._targets :] - 1 - self._targets] = narrow
        parts = [np.ones((len(X), 1)), Y, X, *([] if weights is None else [weights[:, None]])]
        running.add(np.concatenate(parts, axis=1))
        self._rows += len(X)

    def merge(self, other: "ExactSums") -> None:
        """Add the rows of another accumulator."""
        if other._sum is None:
            return
        if self._sum is None:
            self._start(other._names, other._targets, other._sum.weighted)
        running, at = self._room_for(other._names)
        running.merge(other._sum if at is None else other._sum.arranged(at, running.size))
        self._rows += other._rows

    def finish(self) -> Totals:
        """Return the totals of all rows so far, of which there must be one."""
        if self._sum is None:
            raise ValueError("There is no row.")
        (value, unit, noise), whole = self._sum.finish()
        k, names = self._targets, self._names
        totals = Totals(value, unit, noise, whole, self._rows, k)
        arranged = totals.take([0, *range(1 + k, len(unit)), *range(1, 1 + k)])
        return replace(arranged, columns=None if isinstance(names, range) else names)

    def _start(self, names: Names, targets: int, weighted: bool) -> None:
        self._names, self._targets = names, targets
        self._sum = SlicedSum(1 + targets + len(names), weighted)

    def _room_for(self, names: Names) -> tuple[SlicedSum, Exponents | None]:
        """Return the sum over all columns so far and these, and where in it rows of these go, if not as they are."""
        assert self._sum is not None
        if names == self._names:
            return self._sum, None
        first = 1 + self._targets
        known = {name: j for j, name in enumerate(self._names, first)}
        for name in names:
            known.setdefault(name, first + len(known))
        if len(known) > len(self._names):
            self._names = range(len(known)) if isinstance(names, range) else tuple(map(str, known))
            self._sum = self._sum.arranged(np.arange(self._sum.size), first + len(known))
        return self._sum, np.array([*range(first), *(known[name] for name in names)])
