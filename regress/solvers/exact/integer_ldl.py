"""Symmetric positive definite systems in integers with at least 192 bits behind the point, more than float64 holds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction

import numpy as np

from regress.blocks import Array
from regress.numerics.integers import Exponents, Integers, aligned, fractions, magnitude, quotients

BITS = 192  # behind the point, unless pivots are too small for them
_MOST_BITS = 6 * 2048  # a pivot of doubles is no smaller, but for hundreds of columns of the most different scales


class SingularError(Exception):
    """The matrix has no factor at this precision."""


def eliminate(work: Integers, lower: Integers, j: int, bits: int = BITS) -> None:
    """Compute column j of LDLᵀ: store its multipliers in `lower`, and subtract it from the later columns of `work`."""
    lower[j + 1 :, j] = (work[j + 1 :, j] << bits) // int(work[j, j])
    work[j + 1 :, j + 1 :] -= np.outer(lower[j + 1 :, j], work[j + 1 :, j]) >> bits


class FixedFactor:
    """LDLᵀ of a matrix with a diagonal near 1, given in units of 2^(−bits)."""

    def __init__(self, gram: Integers, bits: int = BITS) -> None:
        n, self.bits = len(gram), bits
        work, self._lower, self._pivots = gram.copy(), np.zeros((n, n), dtype=object), []
        for j in range(n):
            pivot = int(work[j, j])
            if pivot <= 1 << 32:  # its own rounding
                raise SingularError
            self._pivots.append(pivot)
            eliminate(work, self._lower, j, bits)
        if n and self._growth() > 1 << 2 * bits - 48:  # rounding of the factor is not far below its smallest eigenvalue
            raise SingularError

    def _growth(self) -> int:
        """Estimate the norm of the inverse, in units of 2^(−bits): two steps of inverse iteration."""
        one, size = 1 << self.bits, 1
        x: Integers = np.zeros(len(self._pivots), dtype=object)
        x[self._pivots.index(min(self._pivots))] = one
        for _ in range(2):
            x = self.solve_whole(x)
            size = max(abs(int(v)) for v in x)
            x = x * one // size
        return size

    def solve_whole(self, right: Integers) -> Integers:
        """Solve for right-hand sides (n,) or (n, k) in the units of the matrix."""
        x, n = right.copy(), len(right)
        lower = self._lower if x.ndim == 1 else self._lower[:, :, None]
        for j in range(n):
            x[j + 1 :] -= (lower[j + 1 :, j] * x[j]) >> self.bits
        for j, pivot in enumerate(self._pivots):
            x[j] = (x[j] << self.bits) // pivot
        for j in reversed(range(n)):
            x[:j] -= (lower[j, :j] * x[j]) >> self.bits
        return x

    def step(self, pull: Integers, exponent: Integers) -> Integers:
        """Solve for the right-hand side (n,) pull · 2^−exponent, to the digits of its largest entry, rounded down."""
        common = magnitude(pull, exponent)  # so that the largest is about 1
        x = self.solve_whole(aligned(pull, self.bits - common - exponent))
        return aligned(x, [common - self.bits] * len(x))

    def form(self, vector: Sequence[Fraction], exponent: Exponents) -> Fraction:
        """Return vᵀ M⁻¹ v for v = vector · 2^(−exponent)."""
        v = [x * unit for x, unit in zip(vector, fractions([1] * len(exponent), -exponent), strict=True)]
        size = max((abs(x) for x in v), default=Fraction(0)) or Fraction(1)
        whole = np.array([int(x / size * (1 << self.bits)) for x in v], dtype=object)
        return Fraction(int(whole @ self.solve_whole(whole)) if v else 0, 1 << 2 * self.bits) * size**2

    def inverse(self) -> Array:
        """Return the inverse (n, n), each entry rounded once."""
        n = len(self._pivots)
        unit = np.zeros((n, n), dtype=object)
        np.fill_diagonal(unit, 1 << self.bits)
        x = self.solve_whole(unit)
        return quotients(x.ravel(), [self.bits] * x.size).reshape(n, n)


def fixed_factors(gram: Callable[[int], Integers]) -> Iterator[FixedFactor]:
    """Yield factors of a matrix with increasing numbers of bits; `gram` returns it in units of 2^(−bits)."""
    bits = BITS
    while bits <= _MOST_BITS:
        with suppress(SingularError):
            yield FixedFactor(gram(bits), bits)
        bits *= 2
