"""Sums of powers against rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics.power_sums import PowerSums
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

finite = st.floats(allow_nan=False, allow_infinity=False)


@QUICK
@given(st.lists(finite, min_size=1), st.data())
def test_power_sums_are_exact(values, data):
    size = len(values)
    weights = data.draw(st.none() | st.lists(finite.map(abs), min_size=size, max_size=size))
    sums = PowerSums(5)
    cut = data.draw(st.integers(0, size))
    for part in (slice(cut), slice(cut, None)):
        other = PowerSums(5)
        other.add(np.array(values[part]), None if weights is None else np.array(weights[part]))
        sums.merge(other)
    w = weights or [1.0] * size
    assert sums.sums == [sum(Fraction(a) * Fraction(x) ** p for a, x in zip(w, values, strict=True)) for p in range(6)]
    assert sums.rows == size


def test_power_sums_of_many_rows_are_exact():
    x = np.full(200_000, -np.nextafter(2.0, 1))
    sums = PowerSums(4)
    sums.add(x)
    assert sums.sums == [200_000 * Fraction(x[0].item()) ** p for p in range(5)]
