"""Exact totals as bytes: equal rows give equal bytes, whatever their order, blocks, threads and partition.

After a header come fields, each with its length before it. All but the names are numbers:

1. the number of targets, of rows and of columns x, and 1 if these have names,
2. the names, sorted,
3. a bit for each column of [1, x, y]: whether it holds only integers,
4. Σ a ulp(z)² by column,
5. Σ a z zᵀ row by row from the diagonal on.

A sum is an odd number and the exponent of the power of two that it counts.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from regress.aggregates.totals import Totals
from regress.numerics.integers import Integers, power

_HEADER = b"regress totals 1\n"
_LONG = 255  # before a length in four bytes
_FARTHEST = 3300  # exponent in a sum of products of three doubles


def to_bytes(totals: Totals) -> bytes:
    """Return totals as bytes, with columns in the order of their names where they have some."""
    names = None if totals.columns is None else sorted(totals.columns)
    if names is not None:
        totals = totals.select(names)
    p = len(totals.unit)
    head = [totals.targets, totals.rows, p - 1 - totals.targets, int(names is not None)]
    fields = [*map(_written, head), *(name.encode("utf-8", "surrogatepass") for name in names or ())]
    fields.append(_written(sum(1 << j for j in np.flatnonzero(totals.whole).tolist())))
    for sum_ in (*totals.noise, *(totals.fraction(i, j) for i in range(p) for j in range(i, p))):
        fields += map(_written, _odd(sum_))
    return _HEADER + b"".join(_length(len(field)) + field for field in fields)


def from_bytes(data: bytes) -> Totals:
    """Return the totals that bytes hold. Nothing is executed.

    Raises
    ------
    ValueError
        If they are not what `to_bytes` makes of some totals.
    """
    if not data.startswith(_HEADER):
        raise ValueError("These bytes are not exact totals of this version.")
    fields = list(_fields(data))
    targets, rows, n, named, *_ = (*map(_read, fields[:4]), -1, -1, -1, -1)
    p, first = 1 + n + targets, 5 + n * named
    if min(targets, rows, n) < 0 or named not in (0, 1) or len(fields) != first + p * (p + 3):
        raise ValueError("These totals are damaged: they have too few fields, or too many.")
    names = tuple(field.decode("utf-8", "surrogatepass") for field in fields[4 : first - 1])
    whole = _read(fields[first - 1])
    numbers = list(map(_read, fields[first:]))
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    if not all(-_FARTHEST <= e <= _FARTHEST - m.bit_length() for m, e in pairs):
        raise ValueError("These totals are damaged: a sum is out of the range of float64.")
    odd: Integers = np.zeros((p, p), dtype=object)
    exponent = odd.copy()
    above = np.triu_indices(p)
    odd[above], exponent[above] = zip(*pairs[p:], strict=True)
    odd.T[above], exponent.T[above] = odd[above], exponent[above]
    unit = np.where(odd != 0, exponent, _FARTHEST).min(1).astype(np.int64) // 2  # so those of i and j are enough for ij
    totals = Totals(
        value=odd << np.where(odd != 0, exponent - unit[:, None] - unit, 0).astype(object),
        unit=unit,
        noise=np.array([Fraction(m) * power(e) for m, e in pairs[:p]], dtype=object),
        whole=np.array([bool(whole >> j & 1) for j in range(p)]),
        rows=rows,
        targets=targets,
        columns=names if named else None,
    )
    if len(set(names)) < len(names) or min(*totals.noise, *np.diagonal(odd)) < 0 or to_bytes(totals) != data:
        raise ValueError("These totals are damaged: no rows have them.")
    return totals


def _fields(data: bytes) -> Iterator[bytes]:
    at = len(_HEADER)
    while at < len(data):
        long = data[at] == _LONG
        start = at + (5 if long else 1)
        size = int.from_bytes(data[at + 1 : start], "little") if long else data[at]
        at = start + size
        if at > len(data):
            raise ValueError("These totals are damaged: they end early.")
        yield data[start:at]


def _length(size: int) -> bytes:
    return bytes([size]) if size < _LONG else bytes([_LONG]) + size.to_bytes(4, "little")


def _written(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 8) // 8 if number else 0, "little", signed=True)


def _read(field: bytes) -> int:
    return int.from_bytes(field, "little", signed=True)


def _odd(value: Fraction) -> tuple[int, int]:
    """Return the odd number m and the e of value = m·2^e; zeros for 0."""
    top, down = value.numerator, value.denominator.bit_length() - 1
    zeros = (top & -top).bit_length() - 1 if top else 0
    return top >> zeros, zeros - down
