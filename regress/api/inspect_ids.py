"""Whether a column names the rows: its numbers are all different, and a name or the numbers themselves say so."""

import re

import numpy as np

from regress.blocks import Array
from regress.numerics.hashing import Bits, mix

KEPT = 4096  # different numbers that are looked at: all of a small table
_PIECE = 2**13  # numbers that are hashed together, so that they stay in the cache
_END, _NONE = 2**64 - 1, 2**64  # the last hash, and what is none
_YEARS = (1500, 2200)
_BY_DESIGN = 10.0  # pairs of equal numbers that chance would make, above which their absence is no chance
_ROW_NAMES = re.compile(
    r"(?:.*[^a-z])?(?:id|ids|identifier|key|uid|guid|uuid|idx|nr|no|rowid|row ?names?|row ?numbers?|row ?num)"
    r"|index|row|serial|obs|observation|record|number|num|case|unnamed.*"
)
_TIME_NAMES = re.compile(
    r"(?:.*[^a-z])?(?:t|time|date|year|yr|quarter|month|week|day|hour|minute|second|period|trend|age)s?"
)


class Repeats:
    """Tells whether numbers repeat: of all different numbers, those of the smallest hashes are looked at.

    The answer depends on the numbers alone, not on their order, nor on how they were cut into parts.

    Examples
    --------
    >>> repeats = Repeats()
    >>> repeats.add(np.array([3.0, 1.0, 2.0]))
    >>> repeats.found
    False
    >>> repeats.add(np.array([1.0]))
    >>> repeats.found
    True
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._once = np.empty(0, dtype=np.uint64)  # ascending hashes of numbers seen once, below the repeated one
        self._repeated = _NONE  # the smallest hash of a number that repeats
        self._limit = _END  # no hash from here on matters

    @property
    def found(self) -> bool:
        """Whether one of the numbers looked at repeats."""
        return self._repeated < _NONE

    def add(self, values: Array) -> None:
        """Add finite numbers (m,)."""
        waiting: list[Bits] = []
        for start in range(0, len(values), _PIECE):
            bits = mix((values[start : start + _PIECE] + 0.0).view(np.uint64))  # −0 + 0 is 0
            waiting.append(bits[bits < np.uint64(self._limit)])
            if self._limit == _END or sum(map(len, waiting)) > self._kept:
                self._take(waiting)
                waiting = []
        self._take(waiting)

    def merge(self, other: "Repeats") -> None:
        """Add the numbers of another part."""
        self._repeated = min(self._repeated, other._repeated)
        self._take([other._once])

    def _take(self, several: list[Bits]) -> None:
        bits = np.sort(np.concatenate([self._once, *several]))
        again = bits[1:][bits[1:] == bits[:-1]]
        self._repeated = min([self._repeated, *again[:1].tolist()])
        self._once = np.unique(bits[bits < self._repeated] if self.found else bits)[: self._kept]
        if len(self._once) == self._kept:
            self._repeated, self._limit = _NONE, min(int(self._once[-1]) + 1, _END)
        else:
            self._limit = min(self._repeated, _END)


def numbers_rows(name: str, count: int, low: float, high: float) -> bool:
    """Tell whether different integers number the rows: by the column's name, or as they count from 0 or 1.

    Half of the integers up to the highest are enough where there are many rows, as some may have been taken away.
    """
    if _ROW_NAMES.fullmatch(_words(name)):
        return True
    span = high - low + 1
    counts = span == count or (2 * count >= span and _by_design(count, span))
    return low in (0, 1) and counts and not _TIME_NAMES.fullmatch(_words(name))


def may_number_rows(name: str, count: int, low: float, high: float) -> bool:
    """Tell whether different integers are so dense that they are not so by chance, and not years or times either."""
    if _TIME_NAMES.fullmatch(_words(name)) or (_YEARS[0] <= low and high <= _YEARS[1]):
        return False
    return _by_design(count, high - low + 1)


def _by_design(count: int, span: float) -> bool:
    """Tell whether so many different integers of a range would hardly be different by chance."""
    return count * (count - 1) / (2 * span) > _BY_DESIGN


def _words(name: str) -> str:
    """Return the words of a name in lower case, with a blank between them."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z0-9]+", " ", parted.lower()).strip()
