"""Logarithms, exponentials, powers and sines from basic operations: the same bits on every CPU, and in any block.

NumPy's functions have other last bits on other CPUs. These are correct to 0.51 units of the last place, and powers to
0.6. They take finite numbers or NaN, and return NaN where the result is undefined.

Sources: Tang 1989 and 1990, ACM Transactions on Mathematical Software 15 and 16, for the tables.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from functools import cache
from math import factorial, pi

import numpy as np

from regress.blocks import Array
from regress.numerics.error_free import two_product, two_sum

_EXACT = Context(prec=40)
_STEPS = 128  # of the tables, between 1 and 2
_FIRST = 90  # of the table of logarithms: rint(128 √½) or one less
_ROWS = 2**13  # that stay in the cache
_LARGEST = 2.0**65  # exponent that matters

Pair = tuple[Array, Array]  # an unevaluated sum


def log(x: Array) -> Array:
    """Return the natural logarithm of positive numbers."""
    return _in_runs(lambda x: _sum(_logarithm(x)), x)


def log2(x: Array) -> Array:
    """Return the logarithm to base 2 of positive numbers."""
    return _in_runs(lambda x: _sum(_product(_logarithm(x), _constants()[2])), x)


def log10(x: Array) -> Array:
    """Return the logarithm to base 10 of positive numbers."""
    return _in_runs(lambda x: _sum(_product(_logarithm(x), _constants()[3])), x)


def log1p(x: Array) -> Array:
    """Return log(1 + x) of numbers above −1."""

    def compute(x: Array) -> Array:
        total, lost = two_sum(np.ones(len(x)), x)
        high, low = _logarithm(total)
        more = lost / total
        high, lost = two_sum(high, more)
        return high + (lost + (low - 0.5 * more * more))

    return _in_runs(compute, x)


def exp(x: Array) -> Array:
    """Return the exponential of numbers; infinite beyond the range."""
    return _in_runs(lambda x: _exponential(x, np.zeros(len(x))), x)


def power(base: Array, exponent: Array) -> Array:
    """Return base to the power of exponent, by rows: NaN for a negative base and an exponent that is no integer."""

    def compute(base: Array, exponent: Array) -> Array:
        y = np.clip(exponent, -_LARGEST, _LARGEST)
        high, low = _logarithm(np.abs(base))
        product, lost = two_product(high, y)
        size = _exponential(product, np.where(np.abs(product) < 800, lost + low * y, 0.0))
        signed = np.where(exponent % 2 == 1, -size, np.where(exponent % 1 == 0, size, np.nan))
        of_zero = np.where(exponent > 0, 0.0, np.where(exponent == 0, 1.0, np.inf))
        return np.where(base > 0, size, np.where(base < 0, signed, np.where(base == 0, of_zero, np.nan)))

    return _in_runs(compute, base, exponent)


def sine(turns: Array) -> Array:
    """Return sin(2πt)."""
    return _in_runs(lambda t: _wave(t, 0), turns)


def cosine(turns: Array) -> Array:
    """Return cos(2πt)."""
    return _in_runs(lambda t: _wave(t, 1), turns)


def _in_runs(compute: Callable[..., Array], *columns: Array) -> Array:
    """Return what is computed from runs of rows that stay in the cache."""
    with np.errstate(all="ignore"):
        rows = range(0, len(columns[0]), _ROWS)
        runs = [compute(*(column[i : i + _ROWS] for column in columns)) for i in rows]
    return np.concatenate(runs) if runs else np.empty(0)


def _logarithm(x: Array) -> Pair:
    """Return log(x) to about 66 bits: x = 2^k z with z near 1, and z = (1 + r)/c for a tabulated c."""
    (ln2, ln2_low), _, _, _ = _constants()
    inverses, logs, logs_low = _log_table()
    positive = x > 0
    z, k = np.frexp(np.where(positive, x, 1.0))
    small = z < 0.5**0.5
    z, k = np.where(small, 2 * z, z), k - small.astype(np.float64)
    at = np.rint(z * _STEPS).astype(np.int64) - _FIRST
    c = inverses[at]
    head = _on_grid(z, 2.0**-26)
    r, r_low = two_sum(head * c - 1, (z - head) * c)
    head = _on_grid(r, 2.0**-33)
    square, square_low = head * head, (r - head) * (r + head)
    rest = np.zeros(len(x))
    for n in range(10, 2, -1):
        rest = rest * -r + 1 / n
    total, low = two_sum(k * ln2, logs[at])
    for part in (r, -0.5 * square):
        total, lost = two_sum(total, part)
        low = low + lost
    low = low + (k * ln2_low + logs_low[at] + (r_low - (0.5 * square_low + r * r_low)) + r * r * r * rest)
    total, low = two_sum(total, low)
    return np.where(positive, total, np.nan), low


def _on_grid(x: Array, unit: float) -> Array:
    """Return small numbers rounded to multiples of a unit, whose products by short numbers are exact."""
    large = 1.5 * 2**52 * unit
    return (x + large) - large


def _exponential(x: Array, low: Array) -> Array:
    """Return exp(x + low): x = k ln 2/128 + r, and 2^(k/128) from a table."""
    _, (step, step_low), (to_base_2, _), _ = _constants()
    powers, powers_low = _power_table()
    x = np.clip(x, -800.0, 800.0)
    known = ~np.isnan(x)
    k = np.rint(np.where(known, x, 0.0) * (to_base_2 * _STEPS))
    r = (x - k * step) + (low - k * step_low)
    rest = np.full(len(x), 1 / factorial(7))
    for n in range(6, 0, -1):
        rest = rest * r + 1 / factorial(n)
    whole = k.astype(np.int64)
    at = whole % _STEPS
    part = powers[at] + (powers[at] * (r * rest) + powers_low[at])
    result: Array = np.ldexp(part, (whole // _STEPS).astype(np.int32))
    return result


def _wave(turns: Array, quarter: int) -> Array:
    """Return sin(2π(t + quarter/4)) from the nearest quarter of a turn, which is exact."""
    known = np.isfinite(turns)
    t = np.fmod(np.where(known, turns, 0.0), 1.0)
    quarters = np.rint(4 * t)
    angle = 2 * pi * (t - quarters / 4)
    square = angle * angle
    odd, even = np.zeros(len(t)), np.zeros(len(t))
    for n in range(9, -1, -1):
        sign = -1 if n % 2 else 1
        odd = odd * square + sign / factorial(2 * n + 1)
        even = even * square + sign / factorial(2 * n)
    at = (quarters.astype(np.int64) + quarter) % 4
    size = np.where(at % 2, even, odd * angle)
    return np.where(known, np.where(at >= 2, -size, size), np.nan)


def _sum(pair: Pair) -> Array:
    return pair[0] + pair[1]


def _product(pair: Pair, factor: tuple[float, float]) -> Pair:
    high, low = two_product(pair[0], np.full(len(pair[0]), factor[0]))
    return high, low + (pair[0] * factor[1] + pair[1] * factor[0])


@cache
def _constants() -> tuple[tuple[float, float], ...]:
    """Return ln 2 and ln 2/128, whose first parts have few digits, and 1/ln 2 and 1/ln 10, as pairs."""
    ln2, ln10 = _EXACT.ln(Decimal(2)), _EXACT.ln(Decimal(10))
    return (
        _pair(ln2, 2**42),
        _pair(_EXACT.divide(ln2, Decimal(_STEPS)), 2**42),
        _pair(_EXACT.divide(Decimal(1), ln2)),
        _pair(_EXACT.divide(Decimal(1), ln10)),
    )


@cache
def _log_table() -> tuple[Array, Array, Array]:
    """Return c with few digits near 1/z, and −log c as pairs, by rint(128 z) − 90, for z from √½ to √2."""
    inverses = [round(2 * _STEPS * _STEPS / i) / (2 * _STEPS) for i in range(_FIRST, 182)]
    logs = [_pair(-_EXACT.ln(Decimal(c))) for c in inverses]
    high, low = np.array(logs).T
    return np.array(inverses), high, low


@cache
def _power_table() -> tuple[Array, Array]:
    """Return 2^(k/128) as pairs."""
    powers = [_pair(_EXACT.power(Decimal(2), Decimal(k) / _STEPS)) for k in range(_STEPS)]
    high, low = np.array(powers).T
    return high, low


def _pair(value: Decimal, grid: int | None = None) -> tuple[float, float]:
    """Return a number as a sum of two doubles, the first on a grid of 1/grid if given."""
    high = float(value) if grid is None else int(value * grid) / grid
    return high, float(_EXACT.subtract(value, Decimal(high)))
