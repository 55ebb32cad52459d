"""Which rows are held out: by a hash of the row's key, so that order and batch size do not matter, or by its time."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from regress.errors import InputError, TableError
from regress.messages import setting, shortened
from regress.numerics.hashing import Bits, mix, text_hash
from regress.sources.base import Batch

_MONTH = re.compile(r"\d{4}-\d{2}")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Split:
    """Hold out about `fraction` of the rows, those with the smallest hashes.

    The key of a row is its value in the column `key`. Without one it is its record number and, if the table has several
    files, its file's name without endings such as .csv and .gz. So data.csv, data.csv.gz and data.parquet hold out the
    same rows. `bound` is the largest hash that is held out, if the rows are known: see `over`.
    """

    fraction: float = 0.0
    key: str | None = None
    seed: int = 0
    bound: np.uint64 | None = None

    def bits(self, batch: Batch) -> Bits:
        """Return the hash of each row of a batch (rows,)."""
        if self.key is None:
            keys = np.arange(batch.first, batch.first + batch.rows, dtype=np.uint64)
            salt = text_hash(f"{self.seed}:{batch.key}")
        else:
            texts = batch.texts(self.key)
            hashes = {text: text_hash(batch.level(text) or "") for text in set(texts)}  # 1 and 1.0 are one key
            keys = np.array([hashes[text] for text in texts], dtype=np.uint64)
            salt = text_hash(f"{self.seed}")
        return mix(mix(keys) ^ np.uint64(salt))

    def held_out(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell for each row of a batch whether it is held out (rows,)."""
        bits = self.bits(batch)
        if self.bound is not None:
            return bits <= self.bound
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53 < self.fraction

    def over(self, bits: Bits) -> "Split":
        """Return the split that holds out the fraction of just these rows, to the nearest row; one is left at least."""
        count = min(round(self.fraction * len(bits)), len(bits) - 1)
        if count < 1:
            return replace(self, fraction=0.0)
        return replace(self, bound=np.partition(bits, count - 1)[count - 1])


@dataclass(frozen=True, slots=True)
class TimeSplit(Split):
    """Hold out the latest rows by the times in the column `key`: numbers, or texts in ISO 8601 order.

    Its bits are the smaller the later a row is, so that `over` finds the latest; equal times stay together.
    """

    numbers: bool = False

    def bits(self, batch: Batch) -> Bits:
        """Return for each row of a batch (rows,) bits that are the smaller the later it is.

        Raises
        ------
        TableError
            If a cell is missing, or is not a time.
        """
        assert self.key is not None
        texts, bad = batch.texts(self.key), batch.bad
        good = texts if bad is None else [text for text, wrong in zip(texts, bad.tolist(), strict=True) if not wrong]
        known = dict.fromkeys(texts, 0) | {text: self._moment(batch.level(text) or "") for text in set(good)}
        if self.numbers:
            of = np.array([known[text] for text in texts], dtype=np.float64) + 0.0  # −0 is 0
            bits = of.view(np.uint64)
            negative = bits >> np.uint64(63) != 0
            rising = np.where(negative, ~bits, bits | np.uint64(2**63))
        else:
            rising = np.array([known[text] for text in texts], dtype=np.int64).view(np.uint64) + np.uint64(2**63)
        return ~rising

    def over(self, bits: Bits) -> "Split":
        """Return the split that holds out the latest of these rows: the fraction, and rows of the same time."""
        split = super(TimeSplit, self).over(bits)
        if split.bound is not None and (bits <= split.bound).all():
            raise InputError(
                f"Column {self.key!r} has too few different times: all rows would be held out. "
                f"Use a smaller {setting('test_size')}."
            )
        return split

    def _moment(self, text: str) -> float | int:
        """Return a cell as a number, or in microseconds since 1970; a time without an offset counts as UTC."""
        try:
            if self.numbers:
                return float(text)
            when = datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
        except ValueError:
            cell = f"{shortened(text, 40)!r}, not a time" if text else "a missing cell"
            raise TableError(
                f"Column {self.key!r} has {cell}. A split in time needs numbers, or times such as "
                "2024-03-01 or 2024-03-01T12:30, in every row."
            ) from None
        return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
