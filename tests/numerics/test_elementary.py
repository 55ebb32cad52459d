"""Elementary functions against decimal arithmetic, and their bits, which are the same on every CPU."""

import hashlib
import math
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics.elementary import cosine, exp, log, log1p, log2, log10, power, sine
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

positive = st.floats(0, exclude_min=True, allow_infinity=False)
near_one = st.floats(-1e-3, 1e-3).map(lambda d: 1 + d)
DIGITS = Context(prec=60, Emax=10**8, Emin=-(10**8))


def units_off(result, exact):
    """Return how far a result is from the exact one, in units of its last place."""
    return float(abs(Decimal(result) - exact) / Decimal(math.ulp(float(exact))))


def one(function, *values):
    return function(*(np.array([value]) for value in values)).item()


@QUICK
@given(positive | near_one)
def test_logarithms_are_rounded_once(x):
    with localcontext(DIGITS):
        exact = Decimal(x).ln()
        assert units_off(one(log, x), exact) < 0.51
        assert units_off(one(log2, x), exact / Decimal(2).ln()) < 0.51
        assert units_off(one(log10, x), exact / Decimal(10).ln()) < 0.51


@QUICK
@given(st.floats(-1, exclude_min=True, allow_infinity=False) | st.floats(-1e-14, 1e-14) | st.floats(-0.99, 3))
def test_the_logarithm_of_one_more_is_rounded_once(x):
    with localcontext(DIGITS):
        d = Decimal(x)
        exact = (1 + d).ln() if abs(x) > 1e-18 else d - d * d / 2
        assert units_off(one(log1p, x), exact) < 0.51


@QUICK
@given(st.floats(-708, 709.78) | st.floats(-1, 1))
def test_exponentials_are_rounded_once(x):
    with localcontext(DIGITS):
        assert units_off(one(exp, x), Decimal(x).exp()) < 0.51


@QUICK
@given(positive | near_one, st.floats(-1e4, 1e4) | st.floats(-3, 3))
def test_powers_are_nearly_rounded_once(base, exponent):
    with localcontext(DIGITS):
        exact = Decimal(base) ** Decimal(exponent)
        if Decimal(2) ** -1000 < exact < Decimal(2) ** 1000:
            assert units_off(one(power, base, exponent), exact) < 0.6


@QUICK
@given(st.integers(-30, 30), st.integers(0, 10))
def test_powers_of_integers_are_exact(base, exponent):
    assert one(power, float(base), float(exponent)) == float(base**exponent)
    assert exponent == 0 or one(log2, 2.0**exponent) == exponent
    assert one(log10, 10.0**exponent) == exponent


def test_the_ends_of_the_range():
    inf, nan = math.inf, math.nan
    cases = [
        (exp, (1e4,), inf),
        (exp, (-1e4,), 0.0),
        (exp, (-745.0,), 5e-324),
        (exp, (nan,), nan),
        (log, (0.0,), nan),
        (log, (-1.0,), nan),
        (log, (nan,), nan),
        (log1p, (-1.0,), nan),
        (log1p, (0.0,), 0.0),
        (power, (0.0, 0.0), 1.0),
        (power, (0.0, 3.0), 0.0),
        (power, (0.0, -1.0), inf),
        (power, (-8.0, 1 / 3), nan),
        (power, (-8.0, -1.0), -0.125),
        (power, (1.0, 1e300), 1.0),
        (power, (-1.0, 1e300), 1.0),
        (power, (1.7e308, 1e300), inf),
        (power, (1.7e308, -1e300), 0.0),
        (power, (5e-324, 1e300), 0.0),
        (power, (-1.7e308, 3.0), -inf),
        (power, (nan, 0.0), nan),
        (power, (1.0, nan), nan),
        (sine, (nan,), nan),
    ]
    for function, values, expected in cases:
        assert one(function, *values) == pytest.approx(expected, rel=0, abs=0, nan_ok=True), (function, values)


@QUICK
@given(st.floats(-1e6, 1e6))
def test_sines_and_cosines_of_turns_lie_on_the_circle(turns):
    s, c = one(sine, turns), one(cosine, turns)
    assert s * s + c * c == pytest.approx(1, abs=4e-16)
    rest = math.fmod(turns, 1)
    assert s == pytest.approx(math.sin(2 * math.pi * rest), abs=1e-15)
    assert c == pytest.approx(math.cos(2 * math.pi * rest), abs=1e-15)


def test_quarters_of_a_turn_are_exact():
    turns = np.arange(-8, 9) / 4
    assert sine(turns).tolist() == [0, 1, 0, -1] * 4 + [0]
    assert cosine(turns).tolist() == [1, 0, -1, 0] * 4 + [1]


BITS = {
    "log": "6e50ce50414c78bb",
    "log2": "0f858eed41e88e52",
    "log10": "23d563d0414d8781",
    "log1p": "301436a52f84ebda",
    "exp": "bdea51af2da76f6a",
    "sine": "92ab4ea8367783c3",
    "cosine": "00d8eed9e99a8fc2",
    "power": "1ffe64c666f9db39",
}


@pytest.mark.parametrize("name", BITS)
def test_the_bits_are_those_of_any_other_cpu(name):
    """The functions consist of operations that IEEE 754 defines to the last bit."""
    x = np.arange(1, 40_001) / 777
    function = {f.__name__: f for f in (log, log2, log10, log1p, exp, sine, cosine)}.get(name)
    result = function(x) if function else power(x, x[::-1] / 7)
    assert hashlib.sha256(result.astype("<f8").tobytes()).hexdigest()[:16] == BITS[name]
