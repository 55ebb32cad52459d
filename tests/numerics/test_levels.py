"""Digits of 64 bits hold what Python integers hold."""

import math
import pickle
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics.integers import root
from regress.numerics.levels import Levels
from tests.examples import examples

sums = st.lists(st.integers(-(2**53), 2**53), min_size=3, max_size=3)


def fractions(levels):
    value, exponent = levels.integers()
    return [Fraction(v) * Fraction(2) ** exponent for v in value.tolist()]


def filled(parts):
    levels, total = Levels(3), [Fraction(0)] * 3
    for level, numbers in parts:
        levels.make_room(1)
        levels.add(level, np.array(numbers, dtype=np.int64))
        total = [t + Fraction(n) / Fraction(2) ** (23 * level) for t, n in zip(total, numbers, strict=True)]
    return levels, total


@settings(deadline=None, max_examples=examples(200), derandomize=True)
@given(
    st.lists(st.tuples(st.integers(-3, 60), sums), max_size=8),
    st.lists(st.tuples(st.integers(-3, 60), sums), max_size=8),
    st.lists(st.integers(0, 400), min_size=3, max_size=3),
    st.integers(0, 40),
)
def test_sums_shifts_and_merges_are_exact(parts, others, bits, spread):
    (levels, total), (other, more) = filled(parts), filled(others)
    assert fractions(levels) == total
    for down in (np.array(bits), np.array(bits) // 20, bits[0] + np.array([0, spread, spread // 2])):
        expected = [t / Fraction(2) ** int(b) for t, b in zip(total, down, strict=True)]
        moved = levels.below(down)
        assert all(np.abs(digits).max() <= 2**53 for digits in moved.digits.values())
        moved.merge(other)
        again = pickle.loads(pickle.dumps(moved))
        assert fractions(again) == fractions(moved) == [e + m for e, m in zip(expected, more, strict=True)]
    levels.carry()
    assert all(np.abs(digits).max() <= 2**22 for digits in levels.digits.values())
    assert fractions(levels) == total


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(st.lists(st.tuples(st.integers(-3, 60), sums), max_size=8), st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_powers_of_five_are_exact_in_both_directions(parts, powers):
    levels, total = filled(parts)
    moved = levels.with_fives(np.array(powers))
    assert fractions(moved) == [t * 5**p for t, p in zip(total, powers, strict=True)]
    assert fractions(levels) == total
    for _ in range(min(powers)):
        moved = moved.fifth()
        assert moved is not None
    assert fractions(moved) == [t * 5 ** (p - min(powers)) for t, p in zip(total, powers, strict=True)]
    divides = all(t.numerator % 5 == 0 for t in fractions(moved))
    assert (moved.fifth() is not None) == divides


def test_as_many_of_the_largest_sums_as_there_is_room_for():
    for sign in (1, -1):
        levels = Levels(2)
        for _ in range(5000):
            levels.make_room(1)
            levels.add(0, np.full(2, sign * 2**53))
        assert fractions(levels) == [Fraction(sign * 5000 * 2**53)] * 2


@settings(deadline=None, max_examples=examples(300), derandomize=True)
@given(st.integers(0, 2**200), st.integers(-3300, 1500))
def test_roots_are_the_nearest_double(number, exponent):
    value = Fraction(number) * Fraction(2) ** exponent
    found = Fraction(root(value))
    below, above = (Fraction(math.nextafter(float(found), to)) for to in (0.0, math.inf))
    assert ((below + found) / 2) ** 2 <= value or not found
    assert value <= ((found + above) / 2) ** 2


def test_roots_of_squares_and_next_to_ties():
    assert [root(Fraction(v)) for v in (0, 1, 4, 2)] == [0.0, 1.0, 2.0, math.sqrt(2.0)]
    tie = Fraction(2**53 + 1, 2**53)  # between 1 and the next double
    assert [root(tie**2 + e) for e in (0, Fraction(1, 2**400), -Fraction(1, 2**400))] == [1.0, 1.0 + 2**-52, 1.0]
