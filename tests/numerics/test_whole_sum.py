"""Sums without rounding, against rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regress.numerics.whole_sum import WholeSum, WholeSums

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
ROWS = arrays(np.float64, st.tuples(st.integers(0, 20), st.just(3)), elements=DOUBLES)


def nearest(value):
    """The nearest double, infinite beyond the range."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


@given(ROWS, ROWS)
def test_sums_by_column_are_rounded_once(one, other):
    sums, more = WholeSums(3), WholeSums(3)
    sums.add(one)
    more.add(other)
    sums.merge(more)
    columns = np.concatenate([one, other]).T.tolist()
    assert sums.finish().tolist() == [nearest(sum(map(Fraction, column))) for column in columns]


@given(ROWS)
def test_one_sum_is_exact(rows):
    total = WholeSum()
    total.add(rows.ravel())
    assert total.fraction == sum(map(Fraction, rows.ravel().tolist()))


def test_a_column_with_a_number_that_is_not_finite_has_no_finite_sum():
    sums, more = WholeSums(3), WholeSums(3)
    sums.add(np.array([[np.nan, 1.0, 2.0], [-np.inf, 1.0, 2.0]]))
    more.add(np.array([[1.0, np.inf, 2.0]]))
    sums.merge(more)
    assert sums.finish().tolist() == [np.inf, np.inf, 6.0]
