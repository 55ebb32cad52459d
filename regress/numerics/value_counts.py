"""Counts of distinct values in bounded memory, and quantiles from them, the same in any order of the values."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.numerics.integers import rounded

MOST = 2**20  # distinct values that are kept
_WAITING = 2**17  # values that wait to be counted, at least


class ValueCounts:
    """How often each value occurs.

    Of more than `most` distinct values, the last bits of all are cut off: as many as leave `most` of them distinct. The
    number of these bits depends on the set of values alone, since a part of a set needs no more bits cut off.

    Examples
    --------
    >>> counts = ValueCounts()
    >>> counts.add(np.array([1.0, 5.0, 2.0, 2.0]))
    >>> counts.quantiles([Fraction(1, 2), Fraction(1, 3)])
    (2.0, 2.0)
    """

    def __init__(self, most: int = MOST) -> None:
        self.bits_cut = 0
        self._most = most
        self._values, self._counts = np.empty(0), np.empty(0, dtype=np.int64)  # ascending and distinct
        self._waiting: list[tuple[Array, NDArray[np.int64]]] = []
        self._rows_waiting = 0

    def add(self, values: Array) -> None:
        """Add finite numbers (m,)."""
        self._take(values + 0.0, np.ones(len(values), dtype=np.int64))  # −0 + 0 is 0

    def merge(self, other: "ValueCounts") -> None:
        """Add the values of other counts with the same maximum."""
        self.bits_cut = max(self.bits_cut, other.bits_cut)
        for values, counts in [(other._values, other._counts), *other._waiting]:
            self._take(values, counts)

    @property
    def rows(self) -> int:
        """Values so far, each as often as it occurs."""
        return int(self._counts.sum()) + sum(int(counts.sum()) for _, counts in self._waiting)

    def quantiles(self, shares: Sequence[Fraction]) -> tuple[float, ...]:
        """Return quantiles by linear interpolation (R's type 7), each rounded once, of at least one value."""
        self._settle()
        ends = np.cumsum(self._counts)
        return tuple(rounded(self._at((int(ends[-1]) - 1) * share, ends)) for share in shares)

    def _at(self, place: Fraction, ends: NDArray[np.int64]) -> Fraction:
        """Return the value at a place, from 0, in the ascending list of all values."""
        first = place.__floor__()
        low, high = (
            Fraction(self._values[np.searchsorted(ends, k, side="right")].item()) for k in (first, place.__ceil__())
        )
        return low + (high - low) * (place - first)

    def _take(self, values: Array, counts: NDArray[np.int64]) -> None:
        self._waiting.append((values, counts))
        self._rows_waiting += len(values)
        if self._rows_waiting > max(_WAITING, len(self._values)):
            self._settle()

    def _settle(self) -> None:
        """Count the values that wait."""
        parts = [(self._values, self._counts), *self._waiting]
        values, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(values)
        self._waiting, self._rows_waiting = [], 0
        self._values, self._counts = _distinct(_cut(values[order], self.bits_cut), counts[order])
        while len(self._values) > self._most:
            self.bits_cut += 1
            self._values, self._counts = _distinct(_cut(self._values, self.bits_cut), self._counts)


def _cut(values: Array, bits: int) -> Array:
    """Return numbers without their last bits: nearer to zero, in the same order."""
    whole = values.view(np.int64) >> bits << bits
    return whole.view(np.float64) + 0.0


def _distinct(values: Array, counts: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Return the distinct ones of ascending values, at least one, with the sums of their counts."""
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return values[first], np.add.reduceat(counts, first)
