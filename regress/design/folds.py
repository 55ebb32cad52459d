"""Folds of a cross-validation: which rows are trained on, and which are tested, by the bits of a split."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.numerics.hashing import Bits

Rows = NDArray[np.intp]


class CrossFold(NamedTuple):
    """The rows of one fold: to train on, and to test."""

    train: Rows
    test: Rows


def by_hash(bits: Bits, count: int) -> list[CrossFold]:
    """Return folds of rows by the hashes of their keys: equal keys share a fold, and folds have as many keys.

    A fold depends on the keys alone, not on the order of the rows. With fewer keys than folds, some folds are empty.
    """
    keys, of = np.unique(bits, return_inverse=True)
    fold = (np.arange(len(keys)) * count // len(keys))[of]
    return [CrossFold(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]


def by_time(bits: Bits, count: int) -> list[CrossFold]:
    """Return folds of rows in time: each tests the rows that follow those that it trains on, like TimeSeriesSplit.

    Of m rows, each fold tests m // (count + 1) of them, the last fold the latest. Rows of one time stay together, in
    the later of two parts. A part is empty where too many rows have the same time, or there are too few rows.
    """
    late = ~bits  # the smaller the bits, the later the row
    order = np.argsort(late, kind="stable")
    times, part = late[order], len(bits) // (count + 1)
    starts = [len(bits) - part * (count - k) for k in range(count)]
    firsts = np.searchsorted(times, times[starts]).tolist() if part else starts  # the first row of the same time
    ends = [*firsts, len(bits)]
    return [CrossFold(np.sort(order[: ends[k]]), np.sort(order[ends[k] : ends[k + 1]])) for k in range(count)]
