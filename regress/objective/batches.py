"""Training rows, some at a time: in which order, in the coordinates of the descent, and the gradient of a batch.

Epoch e takes the rows of memory in the order of ``np.random.default_rng([seed, e, 0]).permutation(m)``. Files are read
in blocks, in the order of ``default_rng([seed, e]).permutation(blocks)``. Blocks are held until they have as many rows
as are shuffled with each other. The rows of the g-th such group are ordered by ``default_rng([seed, e, g])``.
The order follows from seed and epoch, so a descent goes on from a number of rows alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Block
from regress.objective.gradient import Evaluation, Rows
from regress.objective.losses import Loss
from regress.objective.scaling import Coordinates

_TILE = 4096  # rows that are scaled at a time, so that they stay in the cache
_CHUNK = 2**18  # cells that are gathered at a time


Bring = Callable[[Sequence[Block]], Rows]


class Group(NamedTuple):
    """Rows that are in memory at a time: which group of the epoch, the rows before it, and the rows."""

    number: int
    before: int
    rows: Rows


class Groups(Protocol):
    """Where the rows of a group come from."""

    @property
    def size(self) -> int:
        """Training rows in all."""
        ...

    def at(self, epoch: int, row: int) -> Group:
        """Return the group of an epoch that holds a row, counted from 0 in the order of that epoch."""
        ...


class RowsInMemory:
    """All rows as one group."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self.size = rows, len(rows.y)

    def at(self, epoch: int, row: int) -> Group:
        """Return all rows."""
        return Group(0, 0, self._rows)


class BlockReader(Protocol):
    """A table that is read again in blocks, in any order where it is `random`."""

    @property
    def used(self) -> Sequence[int]:
        """Training rows by block."""
        ...

    @property
    def random(self) -> bool:
        """Whether blocks can be read in any order."""
        ...

    def blocks(self, order: Sequence[int]) -> Iterator[Block]:
        """Yield the training rows of some blocks."""
        ...


class RowsInBlocks:
    """Rows that are read again in every epoch, a group of blocks at a time.

    Parameters
    ----------
    reader : BlockReader
        What reads them.
    bring : callable
        Brings blocks into the coordinates of the descent, in one piece; see `brought`.
    most : int
        Rows from which on a group is full.
    seed : int or None
        Of the order of blocks; None for that of the table.
    """

    def __init__(self, reader: BlockReader, bring: Bring, most: int, seed: int | None) -> None:
        self._reader, self._bring, self._most = reader, bring, most
        self._seed = seed if reader.random else None
        self.size = sum(reader.used)
        self._open: tuple[int, int, Iterator[Block]] | None = None  # epoch, next block of its order, the blocks to come
        self._here: tuple[int, Group] | None = None

    def at(self, epoch: int, row: int) -> Group:
        """Read the group, unless it is the one at hand; the blocks after the last group are already on their way."""
        if self._here is None or self._here[0] != epoch or not self._holds(self._here[1], row):
            self._here = epoch, self._read(epoch, row)
        return self._here[1]

    @staticmethod
    def _holds(group: Group, row: int) -> bool:
        return group.before <= row < group.before + len(group.rows.y)

    def _read(self, epoch: int, row: int) -> Group:
        order = self._order(epoch)
        number, first, last, before = self._bounds(order, row)
        coming = self._open[2] if self._open is not None and self._open[:2] == (epoch, first) else None
        coming = self._reader.blocks(order[first:]) if coming is None else coming
        blocks = [next(coming) for _ in range(first, last)]
        self._open = epoch, last, coming
        return Group(number, before, self._bring(blocks))

    def _order(self, epoch: int) -> list[int]:
        """Return the blocks that have rows, in the order of an epoch."""
        count = len(self._reader.used)
        order = range(count) if self._seed is None else np.random.default_rng([self._seed, epoch]).permutation(count)
        return [k for k in map(int, order) if self._reader.used[k]]

    def _bounds(self, order: Sequence[int], row: int) -> tuple[int, int, int, int]:
        """Return the number of the group that holds a row, its blocks from first to last, and the rows before it."""
        number = first = before = held = 0
        for k, total in enumerate(accumulate(self._reader.used[k] for k in order), start=1):
            held = total - before
            if total > row and (held >= self._most or k == len(order)):
                return number, first, k, before
            if held >= self._most:
                number, first, before = number + 1, k, total
        raise IndexError(row)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Batches:
    """The objective of a few rows at a time, and the order in which they come.

    Attributes
    ----------
    groups : Groups
        The rows.
    loss, engine : Loss, module
        Of the rows, and who computes its gradient.
    size, epochs : int
        Rows of a batch, and passes over the rows. A group's last batch may be smaller.
    seed : int or None
        Of the order of rows; None for that of the table.
    penalty : callable or None
        ∇P(w)/Σa (n,) in the coordinates of the descent; None where there is no penalty.
    mean_weight : float
        Σa/m. Rows have weights divided by this, so that learning rates do not depend on their unit.
    fit_intercept : bool
        Whether b moves.
    """

    groups: Groups
    loss: Loss
    engine: Any
    size: int
    epochs: int
    seed: int | None
    penalty: Callable[[Array], Array] | None
    mean_weight: float
    fit_intercept: bool
    _seen: dict[str, Any] = field(default_factory=dict)  # the order of the group at hand

    @property
    def rows(self) -> int:
        """Training rows."""
        return self.groups.size

    def after(self, position: int) -> Iterator[Rows]:
        """Yield the next batches after so many rows, all epochs counted: up to a chunk, or to the end of a group."""
        epoch, row = divmod(position, self.rows)
        number, before, (X, y, a) = self.groups.at(epoch, row)
        first = row - before
        last = min(len(y), first + max(_CHUNK // max(X.shape[1], 1) // self.size, 1) * self.size)
        if self.seed is None:
            X, y, a = X[first:last], y[first:last], a if isinstance(a, float) else a[first:last]
        else:
            order = self._order(epoch, number, len(y))[first:last]
            X, y, a = X.take(order, axis=0), y.take(order), a if isinstance(a, float) else a.take(order)
        for k in range(0, last - first, self.size):
            rows = slice(k, k + self.size)
            yield Rows(X[rows], y[rows], a if isinstance(a, float) else a[rows])

    def _order(self, epoch: int, number: int, rows: int) -> NDArray[np.int64]:
        """Return the order of the rows of a group, made once for each."""
        key = (epoch, number)
        if self._seen.get("key") != key:
            self._seen.update(key=key, order=np.random.default_rng([self.seed or 0, *key]).permutation(rows))
        order: NDArray[np.int64] = self._seen["order"]
        return order

    def __call__(self, part: Rows, w: Array, b: float) -> Evaluation:
        """Return L_B, and the gradient of L_B/|B| + P/Σa: on average over batches, that of (L + P)/Σa."""
        value, grad_w, grad_b = self.engine.rows(self.loss, part, w, b)
        grad_w = grad_w / len(part.y)
        if self.penalty is not None:
            grad_w += self.penalty(w)
        return Evaluation(value * self.mean_weight, grad_w, grad_b / len(part.y) if self.fit_intercept else 0.0)


def brought(blocks: Sequence[Block], coordinates: Coordinates, target: int, mean_weight: float) -> Rows:
    """Return blocks in the coordinates of the descent, in one piece, with weights of mean 1.

    X is in C order, since rows are gathered one by one.
    """
    size = sum(len(block.X) for block in blocks)
    X, y, a = np.empty((size, len(coordinates.scale))), np.empty(size), np.ones(size)
    start = 0
    for block in blocks:
        here = slice(start, start := start + len(block.X))
        for i in range(0, len(block.X), _TILE):
            tile = X[here][i : i + _TILE]
            np.subtract(block.X[i : i + _TILE], coordinates.origin, out=tile)
            tile /= coordinates.scale
        np.subtract(block.Y[:, target], coordinates.target_origin, out=y[here])
        if block.weights is not None:
            a[here] = block.weights
    weighted = any(block.weights is not None for block in blocks)
    return Rows(X, y, a / mean_weight if weighted else 1.0)
