"""Exact totals Σ a z zᵀ over the rows z = [1, x, y]: no rounding, whatever the order, blocks, threads or partition.

Each column is cut into slices: integers of at most 2^22, each in units 2^23 times as fine as those of the one before,
until nothing is left (Ogita, Rump, Oishi 2005; Ozaki et al. 2012). A product of two slices summed over 512 rows is an
integer of at most 2^53, so matrix products in floating point compute it without error. Products whose units multiply to
the same power of two meet in one matrix of 64-bit integers, a level; levels end in whole numbers of any length, which
merge by adding.

Normal numbers need three slices, but for the odd cell near zero. So rows that few others would wait for (a cell far
below, or far above, all others of its column) are set aside, and cut as far as they need in a sum of their own.
"""

from collections.abc import Iterable
from itertools import chain
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.column_order import merged_totals
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block, Mask
from regress.numerics.integers import Exponents, Integers
from regress.numerics.threads import ordered_map

_BITS = 23  # between the units of two slices
_TOP = 22  # a slice is at most 2^_TOP units
_ROWS = 512  # products of 2^44 that sum to at most 2^53
_DEPTH = 38  # slices, so that the last is still in the range of a double
_PRODUCTS = 16  # at most of 512 rows each in a chunk
_ADDS = 1000  # sums of at most 2^53 that a level holds
_CELLS = 2**17  # worked on at a time
_FEW = 0.25  # part of the rows that is cheaper to set aside than to wait for
_COLUMNS = 48  # at a time, of a product that is needed above its diagonal only
_EXPONENT = np.int64(0x7FF0000000000000)  # these bits of a double alone: the power of two below it, 2^52 ulps


def exact_totals(blocks: Iterable[Block], n_jobs: int = 1) -> Totals:
    """Return the exact totals of [1, x, y] over at least one row of finite numbers.

    All blocks have weights or none; one may have more columns x than those before it, in which these were zero.
    """
    iterator = iter(blocks)
    first = next(iterator)
    sums = [RunningTotals() for _ in range(n_jobs)]
    idle: SimpleQueue[RunningTotals] = SimpleQueue()  # one a thread at a time; exact sums may come in any order
    for running in sums:
        idle.put(running)

    def add(block: Block) -> None:
        running = idle.get()
        try:
            running.add(block)
        finally:
            idle.put(running)

    for _ in ordered_map(add, chain([first], iterator), n_jobs):
        pass
    done = chain.from_iterable(ordered_map(RunningTotals.finish, sums, n_jobs))
    return merged_totals(list(done), first.Y.shape[1])


class RunningTotals:
    """Exact totals of [1, x, y] over blocks as they come, with weights or without."""

    def __init__(self) -> None:
        self._sum: _Sum | None = None
        self._done: list[Totals] = []

    def add(self, block: Block) -> None:
        """Add at least one row; its columns x may be more than before."""
        X, Y, weights, _ = block
        parts = [np.ones((len(X), 1)), X, Y, *([] if weights is None else [weights[:, None]])]
        size = 1 + X.shape[1] + Y.shape[1]
        if self._sum is None or self._sum.size != size:
            self._done = self.finish()
            self._sum = _Sum(size, weights is not None)
        self._sum.add(np.concatenate(parts, axis=1))
        self._sum.totals.rows += len(X)

    def finish(self) -> list[Totals]:
        """Return the totals of all rows, one for each number of columns that blocks had."""
        return self._done if self._sum is None else [*self._done, self._sum.finish()]


class _Sum:
    """The running sum of a thread, over rows [1, x, y] or [1, x, y, a].

    A patient one cuts as deep as any row needs, and sets aside only what is out of a double's range of its largest.
    """

    def __init__(self, size: int, weighted: bool, patient: bool = False) -> None:
        self.size = size
        self.totals = Totals(size)
        self._weighted, self._patient = weighted, patient
        self._few = 0.0 if patient else _FEW
        self._unit: Exponents | None = None
        self._levels: dict[int, NDArray[np.int64]] = {}
        self._adds = 0
        self._squares = np.zeros(size)  # Σ a (2^52 ulp(z))², in units
        self._aside: list[Array] = []
        self._deep: _Sum | None = None

    def add(self, rows: Array) -> None:
        """Add rows, in chunks of some products each."""
        step = min(max(_CELLS // (_ROWS * rows.shape[1]), 1), _PRODUCTS) * _ROWS
        whole = len(rows) - len(rows) % _ROWS
        for i in range(0, whole, step):
            self._add_chunk(rows[i : min(i + step, whole)])
        if whole < len(rows):
            self._add_chunk(rows[whole:])

    def finish(self) -> Totals:
        """Return the totals of all rows."""
        self._sum_aside()
        if self._deep is not None:
            self.totals.merge(self._deep.finish())
        self._flush()
        return self.totals

    def _add_chunk(self, rows: Array) -> None:
        unit = self._restart(rows) if self._unit is None else self._unit
        if self.totals.whole[1:].any():
            self._look_for_fractions(rows)
        with np.errstate(over="ignore", invalid="ignore"):  # far above the unit: such rows are set aside
            rest = _times_power(rows, -unit)
            beyond = _beyond(rest)
            if beyond.mean() > self._few:
                rest = _times_power(rows, -self._restart(rows))
                beyond[:] = False
            powers = (rest.view(np.int64) & _EXPONENT).view(np.float64)
            a = rest[:, -1].copy() if self._weighted else np.ones(len(rest))
            lost = _lost(rest, rows)
            slices, undone = self._cut(rest)
        aside = beyond | lost | undone
        if aside.any():
            for part in (*slices, powers, a):
                part[aside] = 0.0
            self._set_aside(rows[aside], of=len(rows))
        self._squares += a @ np.square(powers, out=powers)[:, : len(self._squares)]
        self._multiply([(k, part) for k, part in enumerate(slices) if part.any()])

    def _restart(self, rows: Array) -> Exponents:
        """Choose units that suit these rows, with a bit to spare for later ones, and all before them."""
        exponent = np.frexp(np.abs(rows).max(0))[1].astype(np.int64) - _TOP + (not self._patient)
        if self._unit is not None:
            self._flush()
            exponent = np.maximum(exponent, self._unit)
        self._unit = exponent
        return self._unit

    def _look_for_fractions(self, rows: Array) -> None:
        """Note which columns hold more than whole numbers below 2^53."""
        whole = self.totals.whole
        equal = rows == np.rint(rows)
        group = 64 if len(rows) % 64 == 0 else 1  # rows of a few columns are slow to reduce one by one
        equal = equal.reshape(-1, group * rows.shape[1]).all(0).reshape(group, -1)
        whole &= equal.all(0)[: len(whole)]
        if self._unit is not None and (self._unit >= 53 - _TOP).any():  # else all are smaller, or set aside
            whole &= np.abs(rows).max(0)[: len(whole)] < 2.0**53

    def _cut(self, rest: Array) -> tuple[list[Array], Mask]:
        """Cut scaled rows into slices, and tell which rows have something left."""
        slices: list[Array] = []
        undone: Mask = np.ones(len(rest), dtype=bool)
        while undone.mean() > self._few and len(slices) < _DEPTH:
            part = np.rint(rest)
            rest -= part
            rest *= 2.0**_BITS
            slices.append(part)
            if rest[::16].any(1).mean() <= 2.0 * self._few:  # else far from done: no need to look closer
                undone = np.asarray(rest.any(1))
        return slices, undone

    def _set_aside(self, rows: Array, of: int) -> None:
        if not self._patient:
            self._aside.append(rows)
            if sum(map(len, self._aside)) >= _PRODUCTS * _ROWS:
                self._sum_aside()
            return
        for part in [rows] if len(rows) < of else np.array_split(rows, 2):  # one row is never out of its own range
            alone = _Sum(len(self._squares), self._weighted, patient=True)
            alone.add(part)
            self.totals.merge(alone.finish())

    def _sum_aside(self) -> None:
        if self._aside:
            self._deep = self._deep or _Sum(len(self._squares), self._weighted, patient=True)
            self._deep.add(np.concatenate(self._aside))
            self._aside = []

    def _multiply(self, slices: list[tuple[int, Array]]) -> None:
        """Add the products of all slices of a chunk to their levels."""
        if not slices:
            return
        p, rows = len(self._squares), len(slices[0][1])
        products = max(rows // _ROWS, 1)
        if self._adds + products * len(slices) > _ADDS:
            self._flush()
        self._adds += products * len(slices)
        left = [(k, part[:, :p].reshape(products, -1, p)) for k, part in slices]
        if not self._weighted:
            for i, (k, one) in enumerate(left):
                for m, other in left[i:]:
                    product = _product(one, other)
                    self._keep(k + m, product + product.T if m > k else product)
            return
        right = [(m, part.reshape(products, -1, p)) for m, part in _weighted(slices)]
        for k, one in left:
            for m, other in right:
                above = np.zeros((p, p), dtype=np.int64)
                for j in range(0, p, _COLUMNS):
                    above[j : j + _COLUMNS, j:] = _product(one[:, :, j : j + _COLUMNS], other[:, :, j:])
                self._keep(k + m, above)

    def _keep(self, level: int, product: NDArray[np.int64]) -> None:
        if level in self._levels:
            self._levels[level] += product
        else:
            self._levels[level] = product

    def _flush(self) -> None:
        """Bring what the levels hold into the totals, as whole numbers."""
        if not self._levels or self._unit is None:
            return
        p, top, last = len(self._squares), min(self._levels), max(self._levels)
        value: Integers = np.zeros((p, p), dtype=object)
        for level in range(top, last + 1):
            value <<= _BITS
            if level in self._levels:
                value += self._levels[level].astype(object)
        unit, of_a = self._unit[:p], int(self._unit[p]) if self._weighted else 0
        if self._weighted:
            value = np.triu(value) + np.triu(value, 1).T
        exponent = of_a - _BITS * last
        self.totals.add(value << (exponent % 2), unit + exponent // 2)
        ulps = np.ldexp(np.sqrt(np.ldexp(self._squares, of_a % 2)), unit - 52 + of_a // 2)
        self.totals.ulps = np.hypot(self.totals.ulps, ulps)
        self._levels, self._adds = {}, 0
        self._squares[:] = 0.0


def _times_power(rows: Array, exponent: Exponents) -> Array:
    """Return rows · 2^exponent by columns."""
    if np.abs(exponent).max() < 1000:
        return np.asarray(rows * np.ldexp(1.0, exponent))
    return np.ldexp(rows, exponent)


def _beyond(rest: Array) -> Mask:
    """Tell which scaled rows have a cell too large for a first slice."""
    if rest.max() <= 2.0**_TOP and rest.min() >= -(2.0**_TOP):
        return np.zeros(len(rest), dtype=bool)
    return np.asarray(~(np.abs(rest) <= 2.0**_TOP).all(1))


def _lost(rest: Array, rows: Array) -> Mask:
    """Tell which rows have a cell that is zero only since it was scaled."""
    if rest.all():
        return np.zeros(len(rest), dtype=bool)
    return np.asarray(((rest == 0.0) & (rows != 0.0)).any(1))


def _weighted(slices: list[tuple[int, Array]]) -> list[tuple[int, Array]]:
    """Return az in slices, from those of [z, a]: products by level, then carried upwards like digits."""
    levels: dict[int, Array] = {}
    for k, part in slices:
        a = part[:, -1:]
        for m, other in slices if a.any() else []:
            product = a * other[:, :-1]
            levels[k + m] = np.add(levels[k + m], product, out=product) if k + m in levels else product
    for level in range(max(levels, default=-1), -1, -1):
        if level in levels:
            digit, above = levels[level], np.rint(levels[level] * 2.0**-_BITS)
            if level - 1 in levels:
                levels[level - 1] += above
            else:
                levels[level - 1] = above.copy()
            above *= 2.0**_BITS
            digit -= above
    return [(level, part) for level, part in levels.items() if part.any()]


def _product(left: Array, right: Array) -> NDArray[np.int64]:
    """Return Σ leftᵀ right over some products, each without rounding."""
    products = (left.transpose(0, 2, 1) @ right).astype(np.int64)
    return np.asarray(products[0] if len(products) == 1 else products.sum(0))
