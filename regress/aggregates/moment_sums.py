"""Moments of rows as they come: sums about one shift for each column, block by block.

Raw sums of squares lose every digit on a column at 1e9 ± 1. So each column gets one shift c, chosen from the first
rows, and the sums are those of x − c. Centering them afterwards costs about a digit while |x̄ − c| is at most a few
times the spread. A block for which it is more is summed again about its own mean.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.moments import Moments, Shift
from regress.blocks import Array, Block
from regress.design.columns import Columns, places, taken, union
from regress.numerics import kernel
from regress.numerics.threads import ordered_map
from regress.sources.frame_rows import parts_of

_TILE = 8192  # rows a product: they stay in the cache between their two uses
_FIRST_ROWS = 1000  # rows that choose the shift
_FAR = 0.9  # a mean with W·(x̄ − c)² above this part of Σa(x − c)², i.e. 3 spreads away from c, is far


@dataclass(slots=True, eq=False)
class _Sums:
    """Plain sums of x − c and y − c and their products: parts with the same shift simply add."""

    rows: int
    weight: float
    shift: Shift
    x: Array
    y: Array
    xx: Array
    xy: Array
    yy: Array
    columns: Columns

    def add(self, other: "_Sums") -> None:
        """Add sums about the same shift, which is 0 for a column that only one of the two has."""
        columns = union(self.columns, other.columns)
        self.widen(columns)
        other.widen(columns)
        self.rows += other.rows
        self.weight += other.weight
        for name in ("x", "y", "xx", "xy", "yy"):
            mine = getattr(self, name)
            mine += getattr(other, name)

    def widen(self, columns: Columns) -> None:
        if columns is None or self.columns == columns:
            return
        at = places(self.columns, columns)
        self.shift = Shift(taken(self.shift.x, at), self.shift.y)
        self.x, self.xy, self.xx = taken(self.x, at), taken(self.xy, at), np.pad(self.xx, (0, 1))[np.ix_(at, at)]
        self.columns = columns

    def far_from_shift(self) -> Shift | None:
        """Return a better shift, or None while no mean is too far from this one."""
        far_x = self.x**2 > _FAR * self.weight * np.diagonal(self.xx)
        far_y = self.y**2 > _FAR * self.weight * self.yy
        if not (far_x.any() or far_y.any()) or not (np.isfinite(self.x).all() and np.isfinite(self.y).all()):
            return None
        return Shift(
            np.where(far_x, self.shift.x + self.x / self.weight, self.shift.x),
            np.where(far_y, self.shift.y + self.y / self.weight, self.shift.y),
        )

    def centered(self) -> Moments:
        t = np.sqrt(self.weight)
        x, y = self.x / t, self.y / t
        return Moments(
            rows=self.rows,
            weight=self.weight,
            shift=self.shift,
            mean_x=self.x / self.weight,
            mean_y=self.y / self.weight,
            xx=self.xx - np.outer(x, x),
            xy=self.xy - np.outer(x, y),
            yy=np.maximum(self.yy - y**2, 0.0),
            columns=self.columns,
        )


def choose_shift(block: Block) -> Shift:
    """Return one shift per column from the first rows: their mean, rounded to about their spread.

    A column within two spreads of zero gets the shift 0, and then its blocks need not be copied. A column that is
    constant so far gets that constant, so that its co-moments are exactly zero.
    """
    first = [np.asarray(part[:_FIRST_ROWS], dtype=np.float64) for part in (block.X, block.Y)]
    m, n = first[0].shape
    z = np.concatenate(first, axis=1, out=np.empty((m, n + first[1].shape[1])))  # the same bits for any memory layout
    with np.errstate(all="ignore"):
        mean = z.mean(0)
        spread = np.sqrt(((z - mean) ** 2).mean(0))
        unit = 2.0 * np.exp2(np.ceil(np.log2(spread)))
        shift = np.where(np.abs(mean) <= 2.0 * spread, 0.0, unit * np.round(mean / unit))
    shift = np.where((z == z[0]).all(0), z[0], shift)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    return Shift(shift[:n], shift[n:])


def _sums(block: Block, shift: Shift, single: bool = False) -> _Sums:
    """Sum one block about `shift`; xᵀx in single precision if asked, all else in float64."""
    X, Y, weights, columns, decimals = block
    if decimals is not None:
        raise ValueError("numbers as written are summed exactly; see Block.in_doubles")
    (m, n), code = X.shape, None if single else kernel.compiled()
    root = None if weights is None else np.sqrt(weights)
    if code is None:
        sums = _products(X, Y, shift, root, single)
    else:  # zᵀz of the rows z = [x, 1, y]
        z, c = (*parts_of(X), np.broadcast_to(1.0, (m, 1)), Y), np.concatenate([shift.x, [0.0], shift.y])
        sums = kernel.products(code, z, c, root)
    x, one, y = slice(n), n, slice(n + 1, None)
    return _Sums(
        rows=m,
        weight=float(sums[one, one]),
        shift=shift,
        x=sums[x, one].copy(),
        y=sums[y, one].copy(),
        xx=sums[x, x].copy(),
        xy=sums[x, y].copy(),
        yy=np.diagonal(sums)[y].copy(),
        columns=columns,
    )


def _products(X: Array, Y: Array, shift: Shift, root: Array | None, single: bool) -> Array:
    """Return zᵀz over the rows z = [x, 1, y] about a shift, times `root`, tile by tile."""
    (m, n), k = X.shape, Y.shape[1]
    # For few columns `group` consecutive rows are viewed as one row of group·n columns: larger products are
    # faster, and the diagonal blocks of vᵀv add up to xᵀx.
    group = 4 if n <= 12 else 2 if n <= 20 else 1
    gram, cross = np.zeros((group * n, group * n)), np.zeros((1 + k, n))
    head = np.zeros((1 + k, 1 + k))
    shifted = bool(shift.x.any())
    squares = np.zeros(n)
    for i in range(0, m, _TILE):
        x = np.asarray(X[i : i + _TILE], dtype=np.float64)  # of the type that was given, until here
        left = np.empty((1 + k, len(x)))  # [1; y] times the rows gives their sums and Xᵀy in one product
        left[0] = 1.0
        np.subtract(Y[i : i + _TILE].T, shift.y[:, None], out=left[1:])
        if shifted:
            x = np.subtract(x, shift.x, order="C")
        if root is not None:
            x = x * root[i : i + _TILE, None]
            left *= root[i : i + _TILE]
        if single:
            squares += np.einsum("ij,ij->j", x, x)
            _add_gram(gram, x.astype(np.float32), group)
        else:
            _add_gram(gram, x, group)
        cross += left @ x
        head += left @ left.T
    xx = sum((gram[g * n : (g + 1) * n, g * n : (g + 1) * n] for g in range(1, group)), gram[:n, :n])
    if single:  # out of single precision's range: shows as a column that is not finite
        lost = ~np.isclose(np.diagonal(xx), squares, rtol=1e-3, atol=0.0)
        np.fill_diagonal(xx, np.where(lost, np.nan, squares))
    return np.block([[xx, cross.T], [cross, head]])


def _add_gram(gram: Array, x: "NDArray[np.floating[Any]]", group: int) -> None:
    """Gram += xᵀx, with `group` rows at a time where the memory layout allows the view."""
    m, n = x.shape
    whole = m - m % group if x.flags.c_contiguous else 0
    if whole:
        v = x[:whole].reshape(-1, group * n)
        gram += v.T @ v
    if whole < m:
        rest = x[whole:]
        gram[:n, :n] += rest.T @ rest


class MomentSums:
    """The moments of rows as they come.

    The first block chooses the shift of its columns. Sums of later blocks about the same shift are added; a block for
    which that would lose digits is summed about a shift of its own, and merged.

    Parameters
    ----------
    single : bool
        Whether products xᵀx have the six digits of single precision, in half the time. Their diagonal, and all other
        moments, are those of float64.

    Examples
    --------
    >>> import numpy as np
    >>> from regress.aggregates.moment_sums import MomentSums
    >>> from regress.blocks import Block
    >>> sums, y = MomentSums(), np.zeros((2, 1))
    >>> sums.add(Block(np.array([[1.0], [3.0]]), y, columns=("x",)))
    >>> sums.add(Block(np.array([[2.0, 4.0], [2.0, 0.0]]), y, columns=("x", "late")))
    >>> sums.finish().select(["late", "x"]).center.tolist()
    [1.0, 2.0]
    """

    def __init__(self, single: bool = False) -> None:
        self._single = single
        self._columns: Columns = None
        self._shift: Shift | None = None
        self._near: _Sums | None = None
        self._far: Moments | None = None

    def add(self, block: Block) -> None:
        """Add at least one row."""
        self.add_all([block])

    def add_all(self, blocks: Iterable[Block], n_jobs: int = 1) -> None:
        """Add blocks, summed by some threads and added in their order: the same bits for any number of threads."""

        def started() -> Iterator[Block]:
            for block in blocks:
                if self._shift is None:
                    self._shift, self._columns = choose_shift(block), block.columns
                yield block

        with _quiet():
            for sums, is_far in ordered_map(self._summed, started(), n_jobs):
                if is_far:
                    self._include(sums.centered())
                elif self._near is None:
                    self._near = sums
                else:
                    self._near.add(sums)

    def _summed(self, block: Block) -> tuple[_Sums, bool]:
        """Return the sums of a block, and whether they are about another shift than that of all rows."""
        assert self._shift is not None
        shift, lacking = self._shift, False
        if block.columns != self._columns:
            union(self._columns, block.columns)
            x = taken(shift.x, places(self._columns, block.columns or ()))
            lacking = bool(np.count_nonzero(x) < np.count_nonzero(shift.x))  # zeros are far from such a shift
            shift = Shift(x, shift.y)
        with _quiet():
            sums = _sums(block, shift, self._single)
            better = sums.far_from_shift()
            return (sums, lacking) if better is None else (_sums(block, better, self._single), True)

    def _include(self, moments: Moments) -> None:
        self._far = moments if self._far is None else self._far.merge(moments)

    def merge(self, other: "MomentSums | Moments") -> None:
        """Add the rows of other sums, or of moments."""
        if isinstance(other, Moments):
            self._include(other)
        elif not other.empty:
            with _quiet():
                self._include(other.finish())

    @property
    def empty(self) -> bool:
        """Whether no row was added."""
        return self._near is None and self._far is None

    def finish(self) -> Moments:
        """Return the moments of all rows so far, of which there is at least one."""
        with _quiet():
            parts = [self._near.centered()] if self._near is not None else []
            return reduce(Moments.merge, parts + ([self._far] if self._far is not None else []))


def accumulate(blocks: Iterable[Block], n_jobs: int = 1, single: bool = False) -> Moments:
    """Return the moments of at least one row, given in blocks on the fixed grid: see `MomentSums`."""
    sums = MomentSums(single)
    sums.add_all(blocks, n_jobs)
    return sums.finish()


def _quiet() -> Any:
    """Let sums overflow in silence: whoever knows the columns' names reports them. Each thread has its own setting."""
    return np.errstate(over="ignore", invalid="ignore")
