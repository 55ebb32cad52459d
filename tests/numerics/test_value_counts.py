"""Quantiles against rational arithmetic, and that order and parts have no effect."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.numerics.value_counts import ValueCounts
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))

finite = st.floats(allow_nan=False, allow_infinity=False)


@QUICK
@given(st.lists(finite, min_size=1), st.lists(st.fractions(0, 1), min_size=1, max_size=3))
def test_quantiles_are_those_of_r_rounded_once(values, shares):
    """R: type 7, the default of quantile()."""
    counts = ValueCounts()
    counts.add(np.array(values))
    ordered = sorted(map(Fraction, values))

    def quantile(share):
        place = (len(values) - 1) * share
        low, high = ordered[int(place)], ordered[min(int(place) + 1, len(values) - 1)]
        return float(low + (high - low) * (place - int(place)))

    assert counts.quantiles(shares) == tuple(map(quantile, shares))


@QUICK
@given(st.lists(finite, min_size=1, max_size=60), st.randoms())
def test_many_distinct_values_are_rounded_in_the_same_way_in_any_order(values, random):
    def counts_of(parts):
        total = ValueCounts(most=8)
        for part in parts:
            counts = ValueCounts(most=8)
            counts.add(np.array(part))
            counts.quantiles([Fraction(0)])  # counts what waits
            total.merge(counts)
        return total.quantiles([Fraction(k, 7) for k in range(8)]), total.bits_cut

    quantiles, bits = counts_of([values])

    def distinct(cut):
        return len(set((np.array(values).view(np.int64) >> cut << cut).view(np.float64).tolist()))

    assert distinct(bits) <= 8
    assert not bits or distinct(bits - 1) > 8
    shuffled = random.sample(values, len(values))
    cut = random.randint(1, len(values))
    assert counts_of([part for part in (shuffled[:cut], shuffled[cut:]) if part]) == (quantiles, bits)
