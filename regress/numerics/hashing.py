"""64-bit hashes that are the same on every machine, and change with a seed."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)


def text_hash(text: str) -> int:
    """Return 64 bits of a text."""
    data = text.encode(errors="surrogateescape")  # a file's name may be no UTF-8
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def mix(x: Bits) -> Bits:
    """Scramble 64-bit integers (the finalizer of splitmix64: Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        x = x + _GOLDEN
        for shift, factor in _ROUNDS:
            x ^= x >> shift
            x *= factor
        x ^= x >> np.uint64(31)
    return x
