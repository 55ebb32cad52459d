"""Exact totals as bytes: equal rows give equal bytes, whatever their order, blocks, threads, units and partition.

A row is what its columns are called and hold, where a column without a name in it is zero. So columns x that are zero
in all rows are not written, and those that have names are sorted by name. After a header come, little-endian:

1. six integers of 64 bits: the number of rows, of targets and of columns x, 1 if these have names, the bytes of the
   names, and the kind of numbers,
2. the length of each name in UTF-8 in 32 bits, and the names,
3. for each column of [1, y, x], in 64 bits: how many cells are no integers below 2^53,
4. Σ a zᵢzⱼ for i ≤ j, row by row,
5. Σ a (2^52 ulp(z))² by column,
6. the SHA-256 of all before it, which is the fingerprint of the rows.

The kind is 0 for numbers as stored, and 1 + f for numbers as written. Then 4 and 5 are multiplied by 5^f. This is the
least power of five that makes all of them finite in binary. 3 and 5 are 0 for columns of decimals.

Numbers are sums of d · 2^(−23k) with digits −2^22 ≤ d < 2^22, which are unique. 4 and 5 hold four parts:

1. the count of levels k at which some digit is not zero, in 64 bits,
2. these levels, ascending, in 16 bits each,
3. for each level, a bit for each number: whether it has a digit there. They are filled up to bytes,
4. these digits in 24 bits each, level by level.
"""

from collections.abc import Collection
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.entries import Entries
from regress.aggregates.exact_sums import CanonicalSums, ExactSums
from regress.blocks import Mask
from regress.design.columns import Columns
from regress.numerics.levels import BITS, Levels

_HEADER = b"regress totals 1\n"
_HASH = 32  # bytes
_ROWS = 1 << 53  # at most, so that thousands of files do not overflow a count
_LARGEST = 1 << (BITS - 1)  # of a digit
_LEVELS = 145  # farthest from 0, so that 23 · 145 bits hold any sum of products of three doubles
_FIVES = 1 << 10  # at most, of three decimals


def to_bytes(sums: ExactSums, names: Collection[str] | None = None) -> bytes:
    """Return the sums over some rows as bytes; of named columns x, `names` chooses some.

    Examples
    --------
    >>> import numpy as np
    >>> from regress.blocks import Block
    >>> sums = ExactSums()
    >>> sums.add(Block(np.array([[0.1], [0.2]]), np.array([[1.0], [2.0]]), columns=("a",)))
    >>> data = to_bytes(sums)
    >>> from_bytes(data).finish().rows, fingerprint(data)[:8]
    (2, 'c1b34d33')
    """
    rows, targets, columns, entries = sums.canonical(names)
    texts = [name.encode("utf-8", "surrogatepass") for name in columns or ()]
    n = 0 if entries is None else len(entries.inexact) - 1 - targets
    kind = 0 if entries is None or entries.fives is None else 1 + entries.fives
    head = [rows, targets, n, int(columns is not None), sum(map(len, texts)), kind]
    parts = [_HEADER, np.array(head, dtype="<i8").tobytes(), np.array(list(map(len, texts)), dtype="<u4").tobytes()]
    parts += texts
    if entries is not None:
        parts += [entries.inexact.astype("<i8").tobytes(), *_written(entries.products), *_written(entries.squares)]
    data = b"".join(parts)
    return data + sha256(data).digest()


def fingerprint(data: bytes) -> str:
    """Return what tells the rows of some totals, written as bytes, from all others: in hexadecimal."""
    return data[-_HASH:].hex()


def from_bytes(data: bytes) -> ExactSums:
    """Return the accumulator of the rows of which bytes hold the sums. Nothing is executed.

    The memory needed is at most 250 times that of the bytes.

    Raises
    ------
    ValueError
        If they are not what `to_bytes` makes of some rows.
    """
    if not data.startswith(_HEADER):
        raise ValueError("These bytes are not exact totals of this version.")
    if len(data) < len(_HEADER) + _HASH or sha256(memoryview(data)[:-_HASH]).digest() != data[-_HASH:]:
        raise _damaged("their hash differs")
    reader = _Reader(data)
    rows, targets, n, named, length, kind = reader.numbers(6, "<i8").tolist()
    p = 1 + n + targets
    if p * (p + 1) > 16 * len(data):  # a level has a bit for each entry on and above the diagonal
        raise _damaged("they are too short for so many columns")
    if min(rows, targets, n) < 0 or rows > _ROWS or named not in (0, 1) or not 0 <= kind <= _FIVES:
        raise _damaged("a count is out of range")
    if not rows:
        if targets or n or named or length or kind or not reader.at_end():
            raise _damaged("there are sums of no row")
        return ExactSums()
    columns = reader.names(n, length) if named else None
    inexact = reader.numbers(p, "<i8").astype(np.int64)
    fives = kind - 1 if kind else None
    entries = Entries(reader.levels(p * (p + 1) // 2), reader.levels(p), inexact, fives)
    if not reader.at_end() or (not named and length):
        raise _damaged("they go on after their end")
    if not entries.possible(rows) or (named and entries.zero[1 + targets :].any()) or entries.coarser() is not None:
        raise _damaged("no rows have them")
    return ExactSums.of(CanonicalSums(rows, targets, columns, entries))


def _damaged(what: str) -> ValueError:
    return ValueError(f"These totals are damaged: {what}.")


def _written(levels: Levels) -> list[bytes]:
    """Return numbers whose digits are carried."""
    at = sorted(levels.digits)
    digits = np.array([levels.digits[level] for level in at], dtype="<i4").reshape(len(at), *levels.shape)
    held = digits != 0
    found = digits[held].view(np.uint8).reshape(-1, 4)[:, :3]
    return [
        np.array([len(at)], dtype="<i8").tobytes(),
        np.array(at, dtype="<i2").tobytes(),
        np.packbits(held, axis=1, bitorder="little").tobytes(),
        found.tobytes(),
    ]


class _Reader:
    """Bytes read in order. None are taken that are not there, and nothing is made of more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data = np.frombuffer(data, dtype=np.uint8)[len(_HEADER) : -_HASH]

    def at_end(self) -> bool:
        """Tell whether all is read."""
        return not len(self._data)

    def numbers(self, count: int, kind: str) -> NDArray[Any]:
        """Return the next numbers of a kind."""
        size = count * np.dtype(kind).itemsize
        if not 0 <= size <= len(self._data):
            raise _damaged("they end early")
        taken, self._data = self._data[:size], self._data[size:]
        return taken.view(kind)

    def names(self, count: int, length: int) -> Columns:
        """Return names, sorted, of this length together."""
        ends = np.cumsum(self.numbers(count, "<u4"), dtype=np.int64).tolist()
        text = self.numbers(length, "u1").tobytes()
        if (ends[-1] if ends else 0) != length:
            raise _damaged("the names are longer or shorter")
        try:
            names = [text[i:j].decode("utf-8", "surrogatepass") for i, j in zip([0, *ends], ends, strict=False)]
        except UnicodeDecodeError as error:
            raise _damaged("a name is not text") from error
        if any(one >= other for one, other in pairwise(names)):
            raise _damaged("the names are not in order")
        return tuple(names)

    def levels(self, size: int) -> Levels:
        """Return this many numbers."""
        (count,) = self.numbers(1, "<i8").tolist()
        at = self.numbers(count, "<i2").astype(np.int64)
        wide = -(-size // 8)
        bits = self.numbers(count * wide, "u1").reshape(count, wide)
        held: Mask = np.unpackbits(bits, axis=1, bitorder="little").view(bool)
        digits = self._digits(int(np.count_nonzero(held)))
        if (
            (np.diff(at) <= 0).any()
            or (np.abs(at) > _LEVELS).any()
            or held[:, size:].any()
            or not held.any(1).all()
            or not digits.all()
            or digits.min(initial=0) < -_LARGEST
            or digits.max(initial=0) >= _LARGEST
        ):
            raise _damaged("their digits are not those of sums")
        levels = Levels(size)
        starts = np.cumsum([0, *np.count_nonzero(held, axis=1)])
        for k, level in enumerate(at.tolist()):
            numbers = np.zeros(size, dtype=np.int64)
            numbers[held[k, :size]] = digits[starts[k] : starts[k + 1]]
            levels.digits[level] = numbers
        return levels

    def _digits(self, count: int) -> NDArray[np.int32]:
        bytes_ = self.numbers(3 * count, "u1").reshape(count, 3)
        wide = np.zeros((count, 4), dtype=np.uint8)
        wide[:, 1:] = bytes_
        return wide.view("<i4")[:, 0] >> 8
