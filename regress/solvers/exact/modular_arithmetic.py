"""Tests for exact zero, by arithmetic modulo primes of 31 bits, which has no rounding.

A number that is not 0 modulo a prime is not 0. One that is 0 modulo all of them is 0, except with a probability of
about 2^-80.
"""

import numpy as np
from numpy.typing import NDArray

from regress.numerics.integers import Integers

PRIMES = (2**31 - 1, 2**31 - 19, 2**31 - 61)  # products of two remainders fit in 64 bits

Residues = NDArray[np.int64]


def residues(numbers: Integers, prime: int) -> Residues:
    """Return integers modulo a prime."""
    return np.asarray(numbers % prime, dtype=np.int64)


def independent(gram: Integers) -> list[int]:
    """Return the columns that do not depend on those before them, from their products (n, n).

    `gram` is positive semi-definite: the remainder of a column on those before it is 0 if it depends on them.
    """
    return max((_reduce(residues(gram, prime), prime)[1] for prime in PRIMES), key=len)


def solutions(gram: Integers, right: Integers) -> list[tuple[int, Residues]]:
    """Return pairs of a prime and gram⁻¹ right (n,) modulo it, for a positive definite `gram` (n, n)."""
    found = []
    for prime in PRIMES:
        reduced, pivots = _reduce(residues(np.column_stack([gram, right]), prime), prime)
        if len(pivots) == len(gram):  # else the prime divides a minor and decides nothing
            found.append((prime, reduced[:, -1]))
    return found


def _reduce(matrix: Residues, prime: int) -> tuple[Residues, list[int]]:
    """Return the matrix (n, n or more) reduced by Gauss and Jordan, and the columns with a pivot."""
    pivots = []
    for j in range(len(matrix)):
        if pivot := int(matrix[j, j]):
            pivots.append(j)
            matrix[j, j:] = matrix[j, j:] * pow(pivot, -1, prime) % prime
            column = matrix[:, j].copy()
            column[j] = 0
            rows = np.flatnonzero(column)
            matrix[rows, j:] = (matrix[rows, j:] - column[rows, None] * matrix[j, j:]) % prime
    return matrix, pivots
