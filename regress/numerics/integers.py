"""Integers of any length as values with a binary point: shifted, divided, and rounded to doubles once."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import inf, isqrt, ldexp

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array

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


def nearest_doubles(values: Iterable[Fraction]) -> Array:
    """Return the nearest double of each value, infinite beyond the range."""
    return np.array([rounded(value) for value in values], dtype=np.float64)


def quotients(numbers: Iterable[int], exponents: Iterable[int]) -> Array:
    """Return number / 2^exponent of each pair, correct to the last bit or the one before."""
    pairs = zip(numbers, exponents, strict=True)
    return np.array([ratio(int(number), int(exponent)) for number, exponent in pairs], dtype=np.float64)


def magnitude(numbers: Iterable[int], exponents: Iterable[int]) -> int:
    """Return the bits before the point of the largest number / 2^exponent; 0 of none."""
    pairs = zip(numbers, exponents, strict=True)
    return max((int(number).bit_length() - int(exponent) for number, exponent in pairs), default=0)


def floors(values: Sequence[Fraction], exponents: Sequence[int]) -> Integers:
    """Return value / 2^exponent of each pair as integers, rounded down."""
    pairs = zip(values, exponents, strict=True)
    return np.array([(value / power(exponent)).__floor__() for value, exponent in pairs], dtype=object)


def fractions(numbers: Iterable[int], exponents: Iterable[int]) -> list[Fraction]:
    """Return number · 2^exponent of each pair."""
    return [Fraction(int(number)) * power(exponent) for number, exponent in zip(numbers, exponents, strict=True)]


def aligned(numbers: Iterable[int], bits: Iterable[int]) -> Integers:
    """Return number · 2^bits of each pair, rounded down."""
    pairs = zip(numbers, bits, strict=True)
    return np.array([shifted(int(number), int(count)) for number, count in pairs], dtype=object)


def roots(squares: Iterable[int], exponents: Iterable[int], factor: Fraction) -> Array:
    """Return √(square · 4^exponent / factor) of each pair."""
    return np.array([_root(int(square), int(e), factor) for square, e in zip(squares, exponents, strict=True)])


def _root(square: int, exponent: int, factor: Fraction) -> float:
    places = (128 - square.bit_length()) // 2
    quotient = int(shifted(square, 2 * places) / factor)
    with np.errstate(over="ignore"):
        return float(np.ldexp(float(quotient) ** 0.5, exponent - places))


def scaled(values: Iterable[float], exponent: int) -> Integers:
    """Return value · 2^exponent of each as integers, rounded down."""
    parts = [value.as_integer_ratio() for value in values]
    return np.array([shifted(n, exponent - d.bit_length() + 1) for n, d in parts], dtype=object)


def shifted(number: int, bits: int) -> int:
    """Return number · 2^bits, rounded down."""
    return number << bits if bits >= 0 else number >> -bits


def root(value: Fraction) -> float:
    """Return the double nearest to √value, for a value ≥ 0."""
    if not value:
        return 0.0
    half = (
        value.denominator.bit_length() - value.numerator.bit_length()
    ) // 2 + 66  # bits to bring in, at least 65 left
    scaled = value * power(2 * half)
    floor = isqrt(scaled.numerator // scaled.denominator)
    rest = floor * floor != scaled  # such a root is no tie of two doubles
    return rounded((2 * floor + rest) * power(-half - 1))
