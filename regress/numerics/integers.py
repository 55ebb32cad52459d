"""Integers of any length as values with a binary point: shifted, divided, and rounded to doubles once."""

from fractions import Fraction
from math import inf, ldexp

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.object_]  # Python's, of any length
Exponents = NDArray[np.int64]


def power(exponent: int) -> Fraction:
    """Return 2^exponent."""
    return Fraction(2) ** int(exponent)


def ratio(number: int, exponent: int) -> float:
    """Return number / 2^exponent, correct to the last bit or the one before."""
    extra = max(number.bit_length() - 64, 0)
    try:
        return ldexp(float(number >> extra), extra - exponent)
    except OverflowError:
        return inf if number > 0 else -inf


def rounded(value: Fraction) -> float:
    """Return the nearest double, infinite beyond its range."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def scaled(value: float, exponent: int) -> int:
    """Return value · 2^exponent as a whole number, rounded down."""
    numerator, denominator = value.as_integer_ratio()
    return shifted(numerator, exponent - denominator.bit_length() + 1)


def shifted(number: int, bits: int) -> int:
    """Return number · 2^bits, rounded down."""
    return number << bits if bits >= 0 else number >> -bits
