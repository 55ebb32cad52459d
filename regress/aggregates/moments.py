"""Moments: one pass over the rows gives all that least squares needs to know of them.

For columns X (m, n), targets Y (m, k) and row weights a (m,) these are W = Σa, the weighted means, and the
centered co-moments Σ a (x − x̄)(x − x̄)ᵀ, Σ a (x − x̄)(y − ȳ), Σ a (y − ȳ)². They merge (Chan, Golub, LeVeque 1983),
so threads, files and folds all reduce the same way.

Raw sums of squares lose every digit on a column at 1e9 ± 1. So each column gets one shift c, chosen from the first
rows, and the sums are those of x − c: centering them afterwards costs about a digit while |x̄ − c| is at most a few
times the spread. A block for which it is more than that is summed again about its own mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Block
from regress.numerics.error_free import two_sum
from regress.numerics.threads import ordered_map

_TILE = 8192  # rows a product: they stay in the cache between their two uses
_FIRST_ROWS = 1000  # rows that choose the shift
_FAR = 0.9  # a mean with W·(x̄ − c)² above this part of Σa(x − c)², i.e. 3 spreads away from c, is far


class Shift(NamedTuple):
    """What is subtracted from every row before anything is summed: x (n,), y (k,)."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sufficient statistics of a table. Means are relative to the shift: x̄ = shift.x + mean_x.

    Attributes
    ----------
    rows : int
        Rows counted.
    weight : float
        Σa; equals `rows` without weights.
    shift : Shift
        The shift c of each column.
    mean_x, mean_y : arrays of shape (n,), (k,)
        x̄ − c and ȳ − c.
    xx, xy, yy : arrays of shape (n, n), (n, k), (k,)
        Σa(x − x̄)(x − x̄)ᵀ, Σa(x − x̄)(y − ȳ), Σa(y − ȳ)².
    """

    rows: int
    weight: float
    shift: Shift
    mean_x: Array
    mean_y: Array
    xx: Array
    xy: Array
    yy: Array

    @property
    def center(self) -> Array:
        """x̄ (n,), rounded to float64."""
        return self.shift.x + self.mean_x

    @property
    def target_center(self) -> Array:
        """ȳ (k,), rounded to float64."""
        return self.shift.y + self.mean_y

    def arranged(self, order: Sequence[int]) -> "Moments":
        """Return the moments of these columns in order; columns beyond the last are zeros."""
        n = max([len(self.mean_x), *(j + 1 for j in order)])
        xx, (shift, mean, xy) = _padded(self.xx, n, n), (_padded(p, n) for p in (self.shift.x, self.mean_x, self.xy))
        here = Shift(shift[order], self.shift.y)
        return replace(self, shift=here, mean_x=mean[order], xx=xx[np.ix_(order, order)], xy=xy[order])

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of rows; the shifts may differ, and the later columns be of one only."""
        if (n := len(self.mean_x)) != (k := len(other.mean_x)):
            return self.arranged(range(max(n, k))).merge(other.arranged(range(max(n, k))))
        weight = self.weight + other.weight
        part = other.weight / weight
        dx = _distance(self.shift.x, self.mean_x, other.shift.x, other.mean_x)
        dy = _distance(self.shift.y, self.mean_y, other.shift.y, other.mean_y)
        t = np.sqrt(self.weight * part)
        return Moments(
            self.rows + other.rows,
            weight,
            self.shift,
            self.mean_x + part * dx,
            self.mean_y + part * dy,
            self.xx + other.xx + np.outer(t * dx, t * dx),
            self.xy + other.xy + np.outer(t * dx, t * dy),
            self.yy + other.yy + (t * dy) ** 2,
        )

    def finite(self) -> bool:
        """Tell whether every sum is finite, which a single NaN, infinity or overflow prevents."""
        return bool(np.isfinite(self.xx).all() and np.isfinite(self.xy).all() and np.isfinite(self.yy).all())


def _distance(shift_a: Array, mean_a: Array, shift_b: Array, mean_b: Array) -> Array:
    """(shift_b + mean_b) − (shift_a + mean_a), the large parts taken as an exact pair."""
    high, low = two_sum(shift_b, -shift_a)
    return high + (low + (mean_b - mean_a))


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

    def grow(self, n: int) -> None:
        if n > len(self.x):
            self.shift = Shift(_padded(self.shift.x, n), self.shift.y)
            self.x, self.xx, self.xy = _padded(self.x, n), _padded(self.xx, n, n), _padded(self.xy, n)

    def add(self, other: "_Sums") -> None:
        self.grow(len(other.x))
        other.grow(len(self.x))
        self.rows += other.rows
        self.weight += other.weight
        for name in ("x", "y", "xx", "xy", "yy"):
            mine = getattr(self, name)
            mine += getattr(other, name)

    def far_from_shift(self) -> Shift | None:
        """Return a better shift, or None while no mean is too far from this one."""
        if self.weight == 0 or not (np.isfinite(self.x).all() and np.isfinite(self.y).all()):
            return None
        far_x = self.x**2 > _FAR * self.weight * np.diagonal(self.xx)
        far_y = self.y**2 > _FAR * self.weight * self.yy
        if not far_x.any() and not far_y.any():
            return None
        return Shift(
            np.where(far_x, self.shift.x + self.x / self.weight, self.shift.x),
            np.where(far_y, self.shift.y + self.y / self.weight, self.shift.y),
        )

    def centered(self) -> Moments:
        t = np.sqrt(self.weight)
        x, y = self.x / t, self.y / t
        return Moments(
            self.rows,
            self.weight,
            self.shift,
            self.x / self.weight,
            self.y / self.weight,
            self.xx - np.outer(x, x),
            self.xy - np.outer(x, y),
            np.maximum(self.yy - y**2, 0.0),
        )


def _padded(array: Array, *lengths: int) -> Array:
    """Return an array with zeros appended along its first axes, up to these lengths."""
    missing = [(0, n - have) for n, have in zip(lengths, array.shape, strict=False)]
    return np.pad(array, missing + [(0, 0)] * (array.ndim - len(missing)))


def choose_shift(block: Block) -> Shift:
    """Return one shift per column from the first rows: their mean, rounded to about their spread.

    A column within two spreads of zero gets the shift 0, and then its blocks need not be copied. A column that is
    constant so far gets that constant, so that its co-moments are exactly zero.
    """

    def of(columns: Array) -> Array:
        with np.errstate(all="ignore"):
            mean, spread = columns.mean(0), columns.std(0)
            unit = 2.0 * np.exp2(np.ceil(np.log2(spread)))
            shift = np.where(np.abs(mean) <= 2.0 * spread, 0.0, unit * np.round(mean / unit))
        shift = np.where((columns == columns[0]).all(0), columns[0], shift)
        return np.where(np.isfinite(shift), shift, 0.0)

    return Shift(of(block.X[:_FIRST_ROWS]), of(block.Y[:_FIRST_ROWS]))


def _sums(block: Block, shift: Shift, single: bool = False) -> _Sums:
    """Sum one block about `shift`, tile by tile; xᵀx in single precision if asked, all else in float64."""
    X, Y, weights, _ = block
    (m, n), k = X.shape, Y.shape[1]
    # For few columns `group` consecutive rows are viewed as one row of group·n columns: larger products are
    # faster, and the diagonal blocks of vᵀv add up to xᵀx.
    group = 4 if n <= 12 else 2 if n <= 20 else 1
    gram, cross = np.zeros((group * n, group * n)), np.zeros((1 + k, n))
    head = np.zeros((1 + k, 1 + k))
    root = None if weights is None else np.sqrt(weights)
    shifted = bool(shift.x.any())
    squares = np.zeros(n)
    for i in range(0, m, _TILE):
        x = X[i : i + _TILE]
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
    y, yy = head[0, 1:].copy(), np.diagonal(head)[1:].copy()
    return _Sums(m, float(head[0, 0]), shift, cross[0], y, xx, cross[1:].T, yy)


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


def accumulate(blocks: Iterable[Block], n_jobs: int = 1, single: bool = False) -> Moments:
    """Return the moments of at least one row, given in blocks on the fixed grid.

    A block may have more columns than those before it, in which these were zero. Blocks are summed by `n_jobs` threads
    and added in their order: the same bits for any number of threads. With `single`, the products xᵀx have the six
    digits of single precision, in half the time; their diagonal, and all other moments, are those of double.
    """
    iterator = iter(blocks)
    first = next(iterator)
    shift = choose_shift(first)

    def part(block: Block) -> tuple[_Sums, bool]:
        with _quiet():
            sums = _sums(block, Shift(_padded(shift.x, block.X.shape[1]), shift.y), single)
            better = sums.far_from_shift()
            return (sums, False) if better is None else (_sums(block, better, single), True)

    near: _Sums | None = None
    far: Moments | None = None
    with _quiet():
        for sums, is_far in ordered_map(part, chain([first], iterator), n_jobs):
            if is_far:
                far = sums.centered() if far is None else far.merge(sums.centered())
            elif near is None:
                near = sums
            else:
                near.add(sums)
        return reduce(Moments.merge, ([near.centered()] if near else []) + ([far] if far else []))


def _quiet() -> Any:
    """Let sums overflow in silence: whoever knows the columns' names reports them. Each thread has its own setting."""
    return np.errstate(over="ignore", invalid="ignore")
