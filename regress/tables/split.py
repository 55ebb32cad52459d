"""Which rows are held out: a hash of the row's key, so that order, machine and batch size do not matter."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regress.tables.source import Batch

Bits = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)


def text_hash(text: str) -> int:
    """Return 64 bits of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mix(x: Bits) -> Bits:
    """Scramble 64-bit integers (the finaliser of splitmix64: Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        x = x + _GOLDEN
        for shift, factor in _ROUNDS:
            x ^= x >> shift
            x *= factor
        x ^= x >> np.uint64(31)
    return x


@dataclass(frozen=True, slots=True)
class Split:
    """Hold out about `fraction` of the rows.

    The key of a row is its value in the column `key`, or, without one, its file's name and its record number there.
    """

    fraction: float = 0.0
    key: str | None = None
    seed: int = 0

    def held_out(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell for each row of a batch whether it is held out (rows,)."""
        if self.key is None:
            keys = np.arange(batch.first, batch.first + batch.rows, dtype=np.uint64)
            salt = text_hash(f"{self.seed}:{batch.part}")
        else:
            keys = self._hashes(batch.texts(self.key))
            salt = text_hash(f"{self.seed}")
        bits = mix(mix(keys) ^ np.uint64(salt))
        return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53 < self.fraction

    @staticmethod
    def _hashes(texts: Sequence[str]) -> Bits:
        return np.array([text_hash(text) for text in texts], dtype=np.uint64)
