"""Exact totals Σ a z zᵀ over the rows z = [1, x, y]: no rounding, whatever the order, blocks, threads or partition.

An accumulator holds 64-bit integers while rows come in. Columns are identified by name, and two accumulators merge by
adding. Integers of any length are made once, when a result is requested.
"""

from collections.abc import Collection, Iterable, Iterator
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from regress.aggregates.base import in_any_order
from regress.aggregates.decimal_units import DecimalUnits
from regress.aggregates.entries import Entries
from regress.aggregates.sliced_sum import SlicedSum
from regress.aggregates.totals import Totals
from regress.blocks import Block
from regress.design.columns import Columns, places, selected, union
from regress.errors import InputError
from regress.messages import setting
from regress.numerics.integers import Exponents
from regress.sources.frame_rows import parts_of


def exact_totals(blocks: Iterable[Block], n_jobs: int = 1) -> Totals:
    """Return the exact totals of [1, x, y] over at least one row of finite numbers, x in order of first appearance."""
    order: dict[str, None] = {}

    def named() -> Iterator[Block]:
        for block in blocks:
            order.update(dict.fromkeys(block.columns or ()))
            yield block

    totals = in_any_order(ExactSums, named(), n_jobs).finish()
    return totals if totals.columns in (None, tuple(order)) else totals.select(tuple(order))


class CanonicalSums(NamedTuple):
    """Sums as equal rows have them: columns x sorted by name, without those that are zero in all rows."""

    rows: int
    targets: int
    columns: Columns
    entries: Entries | None


class ExactSums:
    """Exact totals of [1, x, y] over blocks as they come and go, all with as many targets.

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
        self._columns: Columns = None
        self._targets = self._rows = 0
        self._sum: SlicedSum | None = None  # over [1, y, x], so that a column that turns up is the last
        self._units: DecimalUnits | None = None  # of numbers as written

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._rows

    @property
    def targets(self) -> int:
        """Targets of each row."""
        return self._targets

    @property
    def columns(self) -> Columns:
        """The columns x so far."""
        return self._columns

    def add(self, block: Block) -> None:
        """Add at least one row.

        Raises
        ------
        InputError
            If its numbers are as written, and those so far are not, or the other way round.
        """
        k, units = block.Y.shape[1], None
        self._refuse_other_kind(block.decimals is not None)
        self._sum_over(block.columns, block.X.shape[1], k, block.weights is not None, block.decimals is not None)
        if self._columns is not None:
            block = selected(block, self._columns)
        if block.decimals is not None:
            units = DecimalUnits.of(block)
            if self._units is not None and not units.as_fine(self._units):
                part = ExactSums()
                part.add(block)
                self.merge(part)
                return
        running, weights = self._in_units(units), block.weights
        if running.weighted and weights is None:
            weights = np.ones(len(block.X))
        ones = np.broadcast_to(1.0, (len(block.X), 1))
        x = [np.asarray(part, dtype=np.float64) for part in parts_of(block.X)]
        parts = [ones, block.Y, *x, *([] if weights is None else [weights[:, None]])]
        if units is not None:
            parts = [units.rows(np.concatenate(parts, axis=1))]
        running.add(*parts)
        self._rows += len(ones)

    def subtract(self, block: Block) -> None:
        """Take at least one row away that was added, in any block.

        Raises
        ------
        InputError
            If these rows cannot all be among those so far, by their counts and sums of squares. Nothing has changed.
        """
        gone = ExactSums()
        gone.add(block)
        self.subtract_sums(gone)

    def subtract_sums(self, gone: "ExactSums") -> None:
        """Take the rows of another accumulator away, as `subtract` does.

        Examples
        --------
        >>> import numpy as np
        >>> from regress.blocks import Block
        >>> week, monday = ExactSums(), ExactSums()
        >>> week.add(Block(np.array([[0.1], [0.2]]), np.array([[1.0], [2.0]])))
        >>> monday.add(Block(np.array([[0.2]]), np.array([[2.0]])))
        >>> week.subtract_sums(monday)
        >>> week.rows, float(week.finish().fraction(0, 1))
        (1, 0.1)
        """
        if gone._rows <= self._rows and set(gone._held()) <= set(self._columns or ()):
            self.merge(gone.negated())
            if self.possible():
                return
            self.merge(gone)
        raise InputError("These rows were not all added. Take away rows as they were added, weights included.")

    def _held(self) -> list[str]:
        """Return the named columns x that are not zero in all rows."""
        if self._sum is None or self._columns is None:
            return []
        zero = self._sum.zero()[1 + self._targets :].tolist()
        return [name for name, without in zip(self._columns, zero, strict=True) if not without]

    def negated(self) -> "ExactSums":
        """Return what takes the rows so far away from another accumulator that is merged with it."""
        other = copy(self)
        other._sum = None if self._sum is None else self._sum.negated()
        other._rows = -self._rows
        return other

    def merge(self, other: "ExactSums") -> None:
        """Add the rows of another accumulator.

        Raises
        ------
        InputError
            If the numbers of one are as written, and those of the other are not.
        """
        if other._sum is None:
            return
        self._refuse_other_kind(other.as_written)
        if self._sum is not None and self._targets != other._targets:
            raise ValueError(f"rows with {other._targets} targets cannot be added to rows with {self._targets}")
        first = 1 + other._targets
        n, k, weighted = other._sum.size - first, other._targets, other._sum.weighted
        running = self._sum_over(other._columns, n, k, weighted, other.as_written)
        theirs, units = other._sum.with_weights() if running.weighted and not weighted else other._sum, other._units
        if other._columns != self._columns:
            at = np.array([*range(first), *(first + j for j in places(self._columns, other._columns or ()))])
            theirs = theirs.arranged(at, running.size)
            units = None if units is None else units.arranged(at, running.size)
        running = self._in_units(units)
        if units is not None and self._units is not None:
            theirs = theirs.with_fives(*units.powers(self._units))
        running.merge(theirs)
        self._rows += other._rows

    def finish(self) -> Totals:
        """Return the totals of all rows so far, of which there must be one."""
        if self._sum is None or not self._rows:
            raise ValueError("There is no row.")
        (value, unit, noise), whole = self._sum.finish()
        k, units, divisor = self._targets, self._units, 1
        if units is not None:
            value, divisor = units.over_common(value)
            noise, whole = noise * units.stored / 5**units.of_weight, whole | ~units.stored
        totals = Totals(value, unit, noise, whole, self._rows, k, divisor=divisor)
        arranged = totals.take([0, *range(1 + k, len(unit)), *range(1, 1 + k)])
        return replace(arranged, columns=self._columns)

    def canonical(self, names: Collection[str] | None = None) -> "CanonicalSums":
        """Return what equal rows have in common, whatever their order, blocks, threads and partition.

        Of named columns x, `names` chooses some.
        """
        if self._sum is None or not self._rows:
            return CanonicalSums(0, 0, None, None)
        first = 1 + self._targets
        columns = None
        at = list(range(self._sum.size))
        if self._columns is not None:
            columns = tuple(sorted(self._held() if names is None else set(self._held()) & set(names)))
            at = [*range(first), *(first + j for j in places(self._columns, columns))]
        return CanonicalSums(self._rows, self._targets, columns, self._entries(np.array(at)))

    @classmethod
    def of(cls, canonical: "CanonicalSums") -> "ExactSums":
        """Return the accumulator whose rows have these sums."""
        sums = cls()
        sums._rows, sums._targets, sums._columns, entries = canonical
        if entries is not None:
            sums._sum, sums._units = SlicedSum.of_entries(entries), DecimalUnits.of_entries(entries)
        return sums

    def possible(self) -> bool:
        """Tell whether there may be rows with these sums."""
        return self._sum is None or self._entries(np.arange(self._sum.size)).possible(self._rows)

    @property
    def as_written(self) -> bool:
        """Whether the numbers are as written."""
        return self._units is not None

    def _entries(self, at: Exponents) -> Entries:
        """Return the sums over some columns as equal rows have them."""
        assert self._sum is not None
        entries = self._sum.entries(at)
        return entries if self._units is None else self._units.entries(entries, at)

    def _refuse_other_kind(self, as_written: bool) -> None:
        if self._sum is not None and self.as_written != as_written:
            raise InputError(
                f"Numbers as written cannot be added to numbers as stored. Read all rows with "
                f"{setting('as_written', True)}, or all rows without it."
            )

    def _in_units(self, units: DecimalUnits | None) -> SlicedSum:
        """Return the sum so far, in units that are at least as fine."""
        assert self._sum is not None
        if units is not None and self._units is not None:
            finer = self._units.union(units)
            if not self._units.as_fine(units):
                self._sum = self._sum.with_fives(*self._units.powers(finer))
            self._units = finer
        return self._sum

    def _sum_over(self, columns: Columns, n: int, targets: int, weighted: bool, as_written: bool) -> SlicedSum:
        """Return the sum over all columns so far and these n."""
        if self._sum is None:
            self._columns, self._targets = columns, targets
            self._sum = SlicedSum(1 + targets + n, weighted)
            self._units = DecimalUnits.none(1 + targets + n) if as_written else None
        if weighted and not self._sum.weighted:
            self._sum = self._sum.with_weights()
        self._columns = union(self._columns, columns)
        if self._columns is not None and 1 + targets + len(self._columns) > self._sum.size:
            at, size = np.arange(self._sum.size), 1 + targets + len(self._columns)
            self._sum = self._sum.arranged(at, size)
            self._units = None if self._units is None else self._units.arranged(at, size)
        return self._sum
