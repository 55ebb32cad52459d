"""Which rows are held out: a hash of the row's key, so that order, machine and batch size do not matter."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regress.tables.source import Batch

Bits = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_COMPRESSIONS = (".gz", ".zst", ".zstd")
_FORMATS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".parquet", ".pq")


def text_hash(text: str) -> int:
    """Return 64 bits of a text."""
    data = text.encode(errors="surrogateescape")  # a file's name may be no UTF-8
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def file_key(name: str) -> str:
    """Return a file's name without its endings of compression and format."""
    for endings in (_COMPRESSIONS, _FORMATS):
        ending = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(ending)]
    return name


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
