"""Pairs of doubles are exact: the oracle is rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics import error_free
from tests.examples import examples

# No overflow of a sum or product, no underflow of an error term: what the transformations assume.
numbers = st.floats(min_value=-1e100, max_value=1e100).filter(lambda v: v == 0 or abs(v) > 1e-100)
lists = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20)
relaxed = settings(deadline=None, max_examples=examples(100), derandomize=True)


@relaxed
@given(numbers, numbers)
def test_a_sum_and_its_error_are_the_exact_sum(a, b):
    s, e = error_free.two_sum(np.float64(a), np.float64(b))
    assert Fraction(float(s)) + Fraction(float(e)) == Fraction(a) + Fraction(b)
    assert s == a + b


@relaxed
@given(numbers, numbers)
def test_a_product_and_its_error_are_the_exact_product(a, b):
    p, e = error_free.two_product(np.float64(a), np.float64(b))
    assert Fraction(float(p)) + Fraction(float(e)) == Fraction(a) * Fraction(b)
    assert p == a * b


@relaxed
@given(lists, numbers)
def test_a_dot_product_is_rounded_once(pairs, start):
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    exact = Fraction(start) + sum(Fraction(x) * Fraction(y) for x, y in pairs)
    assert error_free.dot(a, b, start) == float(exact)
