"""Decimals are found again from their float64 values, and the first number that is not a decimal is named."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics.decimals import Places, places, whole

decimal = st.tuples(st.integers(-(10**15), 10**15), st.integers(0, 22)).map(lambda t: f"{t[0]}e-{t[1]}")


def needed(text):
    """Return how many decimals a number has, by its text."""
    return max(-int(Decimal(text).normalize().as_tuple().exponent), 0)


@settings(deadline=None, derandomize=True)
@given(decimal, st.integers(0, 22))
def test_a_decimal_of_fifteen_digits_is_found_again(text, at_least):
    value = np.array([float(text)])
    d = max(needed(text), at_least)
    fits = abs(Fraction(text)) * 10**d <= 10**15
    assert places(value, at_least) == (d if fits else None)
    if fits:
        assert Fraction(int(whole(value, d)[0]), 10**d) == Fraction(text)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_the_first_number_that_does_not_fit_is_found_in_any_batches(data):
    small = st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 9)).map(lambda t: f"{t[0]}e-{t[1]}")
    other = st.sampled_from(["123456789012", "1e15", "2e15", "0.3333333333333333", "1e-22", "inf", "nan", "1e-300"])
    texts = data.draw(st.lists(st.one_of(small, small, small, other), min_size=1, max_size=12))
    most, largest, expected = 0, Fraction(0), None
    for i, text in enumerate(texts):
        if text == "nan":
            continue
        if text != "inf":
            most, largest = max(most, needed(text)), max(largest, abs(Fraction(text)))
        if text == "inf" or most > 22 or largest * 10**most > 10**15:
            expected = i
            break
    cuts = sorted(data.draw(st.sets(st.integers(1, len(texts)))))
    column, found = Places(), None
    for part in np.split(np.arange(len(texts)), cuts):
        before = column.places
        if len(part) and (at := column.add(np.array([float(texts[i]) for i in part]))) is not None:
            found = part[at]
            assert column.places == before
            break
    assert found == expected
    if expected is None:
        assert column.places == most


def test_what_is_missing_stays_missing():
    values = np.array([np.nan, -0.05, np.nan])
    assert places(values) == 2
    np.testing.assert_array_equal(whole(values, 2), [np.nan, -5.0, np.nan])
    assert places(values[:1]) == 0


@pytest.mark.parametrize("values", [[1 / 3], [0.1 + 0.2], [1e23], [2.0**53], [np.inf], [5e-324]])
def test_other_numbers_are_refused(values):
    assert places(np.array(values)) is None
