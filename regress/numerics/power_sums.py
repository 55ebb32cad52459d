"""Sums of powers of float64 values as integers."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array

_UNIT = 1126  # a double is a multiple of 2^-1126, when it is written with 53 digits
_BITS = 27  # of a digit of a product: sums of up to 2^26 of them are exact in float64
_ROWS = 2**15  # that stay in the cache with their powers

Digits = NDArray[np.int64]


class PowerSums:
    """Σ w·x^p for p = 0 … degree over finite doubles without rounding, in any order and any parts.

    Examples
    --------
    >>> sums = PowerSums(2)
    >>> sums.add(np.array([1e-200, 3.0]))
    >>> sums.sums[2] == Fraction(1e-200) ** 2 + 9
    True
    """

    def __init__(self, degree: int) -> None:
        self.rows = 0
        self._units = [0] * (degree + 1)  # of 2^-1126 for w and for each factor x

    def add(self, values: Array, weights: Array | None = None) -> None:
        """Add numbers (m,), with weights ≥ 0 or each of weight one."""
        self.rows += len(values)
        for i in range(0, len(values), _ROWS):
            self._add(values[i : i + _ROWS], None if weights is None else weights[i : i + _ROWS])

    def merge(self, other: "PowerSums") -> None:
        """Add other sums of the same degree."""
        self.rows += other.rows
        self._units = [mine + more for mine, more in zip(self._units, other._units, strict=True)]

    @property
    def sums(self) -> list[Fraction]:
        """The sums by power."""
        return [Fraction(units, 1 << (_UNIT * (p + 1))) for p, units in enumerate(self._units)]

    def _add(self, values: Array, weights: Array | None) -> None:
        factor, exponent = _digits(np.abs(values))
        sign = np.sign(values)
        product, place = [np.ones(len(values), dtype=np.int64)], np.zeros(len(values), dtype=np.int64)
        if weights is not None:
            product, place = _digits(weights)
        for p in range(len(self._units)):
            if p:
                product, place = _times(product, factor), place + exponent
            self._units[p] += _total(product, place + _UNIT * (p + 1), sign if p % 2 else None)


def _digits(values: Array) -> tuple[list[Digits], Digits]:
    """Return values ≥ 0 as (low + high · 2^27) · 2^exponent."""
    part, exponent = np.frexp(values)
    digits = np.ldexp(part, 53).astype(np.int64)
    return [digits & (2**_BITS - 1), digits >> _BITS], exponent.astype(np.int64) - 53


def _times(product: list[Digits], factor: list[Digits]) -> list[Digits]:
    """Return the digits of products by numbers of two digits; the last ones are not zero in all rows."""
    low, high = factor
    digits, carry = [], np.zeros(len(low), dtype=np.int64)
    for j in range(len(product) + 2):
        if j < len(product):
            carry = carry + product[j] * low
        if 0 < j <= len(product):
            carry = carry + product[j - 1] * high
        digits.append(carry & (2**_BITS - 1))
        carry = carry >> _BITS
    while digits and not digits[-1].any():
        digits.pop()
    return digits


def _total(digits: list[Digits], place: Digits, sign: Array | None) -> int:
    """Return Σ sign · digits · 2^place, for places ≥ 0."""
    least, total = int(place.min()), 0
    for j, digit in enumerate(digits):
        sums = np.bincount(place - least, digit if sign is None else digit * sign)
        for k in np.flatnonzero(sums).tolist():
            total += int(sums[k]) << (k + _BITS * j)
    return total << least
