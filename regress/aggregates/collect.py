"""Rows, read once, into what training needs of them: moments, the rows themselves, or both."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from regress.aggregates.base import A, FoldRows, in_any_order
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.limits import NEVER, Limits, summed
from regress.aggregates.moment_sums import accumulate
from regress.aggregates.moments import Moments
from regress.aggregates.totals import Totals, moments_of
from regress.blocks import Array, Block, blocks_of
from regress.design.columns import Columns, Selection, selected, union
from regress.errors import InputError
from regress.messages import setting
from regress.options import Over, Precision

_WHOLE = 6  # times the side of a square matrix: what exact sums take


class NoRowsError(InputError):
    """There is no row."""


class RoomError(InputError):
    """Holding the rows would take more memory than allowed."""


def memory() -> int:
    """Return the bytes of physical memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def square_fits(n: int) -> bool:
    """Tell whether an n×n matrix of float64 fits in a quarter of memory."""
    return 8 * n * n <= memory() // 4


def exact_fits(n: int) -> bool:
    """Tell whether exact totals of `n` columns, or products of `n` rows, fit in a quarter of memory."""
    return square_fits(_WHOLE * n)


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Per column the mean, and the norm about it: x (n,), y (k,)."""

    rows: int
    weight: float
    center: Array
    norm: Array
    target_center: Array
    target_norm: Array


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What was read: moments (None where no n×n matrix was formed) and rows (None where they were not held).

    Where `rough`, the products in the moments have single precision: they serve as curvature, and the gradient comes
    from the rows. `totals` are sums without rounding, where they were requested or cost little. They are made of
    `sums`, which may have more columns. If `exact`, the minimum is computed in exact arithmetic, from totals or from
    rows. `again` reads the rows once more, in the order of the columns. Where they cannot be read here, `elsewhere`
    folds them; both are None where there are only sums. `written` are the held rows with their decimals, where numbers
    are meant as written.
    """

    summary: Summary
    moments: Moments | None
    rows: Sequence[Block] | None
    rough: bool = False
    totals: Totals | None = None
    sums: ExactSums | None = None
    exact: bool = False
    again: Callable[[], Iterable[Block]] | None = None
    elsewhere: FoldRows | None = None
    written: Sequence[Block] | None = None

    @property
    def has_rows(self) -> bool:
        """Whether the rows can be looked at once more."""
        return not (self.rows is None and self.again is None and self.elsewhere is None)

    def fold(self, make: Callable[[], A]) -> A:
        """Return an aggregate over the rows, of which there are some; here they are added in their order."""
        if self.elsewhere is not None:
            return self.elsewhere(make)
        rows = self.rows if self.rows is not None or self.again is None else self.again()
        assert rows is not None
        return in_any_order(make, rows, 1)


class _Held:
    """Rows that are held, for good or until it is known what becomes of them; and how many there are in all so far."""

    def __init__(self, width: Callable[[], int] | None) -> None:
        self.blocks: list[Block] = []
        self.rows = self.collected = 0  # rows so far, and columns of blocks
        self._columns: Columns = None
        self._of_x = width

    def add(self, block: Block) -> None:
        """Hold a block."""
        self.count(block)
        self.blocks.append(block)

    def count(self, block: Block) -> None:
        """Take note of a block."""
        self._columns = union(self._columns, block.columns) if self.rows else block.columns
        self.collected = block.X.shape[1] if self._columns is None else len(self._columns)
        self.rows += len(block.X)

    @property
    def width(self) -> int:
        """Columns of X so far."""
        return self.collected if self._of_x is None else self._of_x()

    def settle(self, selection: Selection, *, summed: bool) -> None:
        """Take note of the final columns; drop what they are not made of, unless exact sums have them all."""
        self._of_x = partial(len, selection.names)
        if summed:
            self.select(Selection(selection.collected))

    def select(self, selection: Selection) -> None:
        """Give the blocks the columns of a selection alone."""
        self.blocks = [selected(block, selection) for block in self.blocks]
        self.collected = len(selection.names)

    def released(self) -> Iterator[Block]:
        """Yield the blocks, and hold them no longer."""
        self.blocks.reverse()
        while self.blocks:
            yield self.blocks.pop()


def collect_rows(
    blocks: Iterable[Block],
    over: Over = "auto",
    n_jobs: int = 1,
    *,
    room: int | None = None,
    precision: Precision = "float64",
    selection: Callable[[], Selection] | None = None,
    width: Callable[[], int] | None = None,
    limits: Limits = NEVER,
) -> TrainingData:
    """Read blocks once.

    With over="auto", rows are held while there are no more of them than columns, or where an n×n matrix would not
    fit in a quarter of memory. Otherwise they go into the moments and are released. "rows" always holds them,
    "moments" never. Held rows may take `room` bytes, half of memory unless given. With precision="exact", or "auto" on
    a table within `limits`, sums are exact, and the moments are those rounded once.

    Blocks may name their columns. `selection`, called after the last block, returns those that are wanted, in their
    order. `width` returns how many columns X has by the blocks read so far.

    Raises
    ------
    InputError
        If there is no row, or what was asked for does not fit in memory.
    """
    room = memory() // 2 if room is None else room
    coming, held = iter(blocks), _Held(width)
    enough, ended = over == "moments", False
    while not held.blocks or not enough or (precision == "auto" and limits.wait(held.rows, held.width)):
        block = next(coming, None)
        if block is None:
            ended = True
            break
        held.add(block)
        enough = _enough(held, over)
        if over == "rows" or not enough:
            _check_room(held, room)
    if not held.blocks:
        raise NoRowsError("There is no row to train on.")
    if ended and selection is not None:
        held.settle(selection(), summed=precision == "float64")
        enough = _enough(held, over)
    if precision == "exact" and not exact_fits(held.collected if enough else held.rows):
        raise InputError(
            f"{setting('precision', 'exact')} on {held.rows:,} rows or more of {held.collected:,} columns needs too "
            f"much memory. Use {setting('precision', 'float64')}."
        )
    if not enough:
        if selection is not None:
            held.select(selection())
        exact = precision == "exact" or (precision == "auto" and limits.allow_wide(held.rows, held.width))
        doubles = [block.in_doubles() for block in held.blocks]
        written = held.blocks if any(block.decimals is not None for block in held.blocks) else None
        return TrainingData(_summarize_rows(doubles), None, doubles, exact=exact, written=written)

    def passing() -> Iterator[Block]:
        yield from tuple(held.blocks) if over == "rows" else held.released()
        for block in coming:
            if over == "rows":
                held.add(block)
                _check_room(held, room)
            else:
                held.count(block)
            yield block

    def allowed() -> bool:
        return precision == "exact" or (precision == "auto" and limits.allow(held.rows, held.width))

    totals, (sums, moments) = None, summed(passing(), allowed, n_jobs)
    if moments is None:
        totals = sums.finish()
        totals = totals if selection is None else totals.select(selection())
        moments = moments_of(totals, totals.targets)
    else:
        moments = moments if selection is None else moments.select(selection())
    if over == "rows" and selection is not None:
        held.select(selection())
    rows = [block.in_doubles() for block in held.blocks] if over == "rows" else None
    exact = totals is not None
    return TrainingData(summary_of(moments), moments, rows, totals=totals, sums=sums if exact else None, exact=exact)


def _enough(held: _Held, over: Over) -> bool:
    """Tell whether moments are to be taken of the rows so far, all of them and more to come."""
    fits = square_fits(held.collected)
    if over == "moments" and not fits:
        raise InputError(
            f"{setting('over', 'moments')} needs an n×n matrix of {held.collected:,} columns, more than a quarter of "
            f"memory. Use {setting('over', 'rows')}."
        )
    return over == "moments" or (held.rows > held.width and fits)


def collect_rough(X: Array, Y: Array, weights: Array | None, n_jobs: int) -> TrainingData | None:
    """Take rows in memory once, the products of their columns in single precision only.

    With many columns the products are all of the work, and single precision halves it; `regress.solvers.choose` decides
    where that pays. A Newton step with such a curvature gains up to six digits. The gradient over the rows is computed
    in float64. So steps go on until the remainder is rounding.

    Returns
    -------
    TrainingData or None
        None where it would not work: columns far from zero, or out of range.
    """
    blocks = list(blocks_of(X, Y, weights))
    moments = accumulate(blocks, n_jobs, single=True)
    if moments.shift.x.any() or not moments.finite():
        return None
    return TrainingData(summary_of(moments), moments, blocks, rough=True)


def summary_of(m: Moments) -> Summary:
    """Return means and norms of columns from their moments."""
    norm = np.sqrt(np.diagonal(m.xx))
    return Summary(m.rows, m.weight, m.center, norm, m.target_center, np.sqrt(m.yy))


def _check_room(held: _Held, room: int) -> None:
    if 8 * held.rows * held.collected > room:
        raise RoomError(
            f"Holding {held.rows:,} rows of {held.collected:,} columns would take more than {room / 2**30:.1f} GiB of "
            f"memory. Use {setting('over', 'moments')}, or fewer rows or columns."
        )


def _summarize_rows(blocks: Sequence[Block]) -> Summary:
    """Two passes over held rows: means, then norms about them."""

    def weighted_sum(part: Array, a: Array | None) -> Array:
        total: Array = part.sum(0) if a is None else a @ part
        return total

    with np.errstate(over="ignore", invalid="ignore"):
        weight = float(sum(len(X) if a is None else a.sum() for X, _, a, *_ in blocks))
        center = np.asarray(sum(weighted_sum(X, a) for X, _, a, *_ in blocks) / weight)
        target_center = np.asarray(sum(weighted_sum(Y, a) for _, Y, a, *_ in blocks) / weight)
        square = np.asarray(sum(weighted_sum((X - center) ** 2, a) for X, _, a, *_ in blocks))
        target_square = np.asarray(sum(weighted_sum((Y - target_center) ** 2, a) for _, Y, a, *_ in blocks))
        return Summary(
            sum(len(block.X) for block in blocks),
            weight,
            center,
            _norm(square, center, weight),
            target_center,
            _norm(target_square, target_center, weight),
        )


def _norm(square: Array, center: Array, weight: float) -> Array:
    """Return √square; 0 where it is rounding of a mean of equal numbers, as in a constant column."""
    noise = (2.0 * np.finfo(np.float64).eps * np.abs(center)) ** 2 * weight
    return np.sqrt(np.where((square <= noise) & np.isfinite(noise), 0.0, square))
