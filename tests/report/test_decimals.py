"""Estimates are written to the last digit that their standard errors show, in one format a column."""

import doctest
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.report import decimals

NUMBERS = st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-9)
ERRORS = st.floats(1e-8, 1e8)


def test_the_examples_hold():
    assert doctest.testmod(decimals).failed == 0


@given(st.lists(st.tuples(NUMBERS, ERRORS), min_size=1, max_size=8))
def test_what_is_cut_off_is_below_a_hundredth_of_the_standard_error(pairs):
    values, errors = zip(*pairs, strict=True)
    for text, value, error in zip(decimals.estimates(values, errors), values, errors, strict=True):
        cut = abs(Fraction(text.strip()) - Fraction(value))
        assert cut <= max(Fraction(error) / 100, abs(Fraction(value)) / 10**15)


@given(st.lists(st.tuples(NUMBERS, ERRORS), min_size=1, max_size=8))
def test_a_column_has_one_format_and_its_points_stand_below_each_other(pairs):
    values, errors = zip(*pairs, strict=True)
    texts = decimals.estimates(values, errors)
    assert len({"e" in text for text in texts}) == 1
    behind = {len(text) - text.index(".") for text in texts if "." in text and "e" not in text}
    assert len(behind) <= 1


@pytest.mark.parametrize(
    ("r2", "shown"),
    [(0.517748, "0.5177"), (1.0, "1.0000"), (0.99999912, "0.99999912"), (-2.5, "-2.5000"), (-1e-17, "0.0000")],
)
def test_r2_is_not_rounded_to_1(r2, shown):
    assert decimals.share(r2) == shown


@pytest.mark.parametrize(
    ("p", "shown"), [(np.nan, ""), (0.0, "<0.0001"), (0.00012, "0.0001"), (0.0499, "0.0499"), (1.0, "1.0000")]
)
def test_a_p_value_has_four_decimals(p, shown):
    assert decimals.probabilities([p]) == [shown]
