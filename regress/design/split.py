"""Which rows are held out: a hash of the row's key, so that order, machine and batch size do not matter."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regress.numerics.hashing import Bits, mix, text_hash
from regress.sources.base import Batch


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
