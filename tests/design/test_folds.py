"""Folds: against TimeSeriesSplit, and what must hold of any of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.model_selection import TimeSeriesSplit

from regress.design.folds import by_hash, by_time
from regress.design.split import Split, TimeSplit
from regress.errors import TableError
from regress.sources.open import open_table
from tests.examples import examples

QUICK = settings(deadline=None, max_examples=examples(60))
COUNTS = st.integers(2, 6)
TIMES = arrays.arrays(np.float64, st.integers(8, 60), elements=st.integers(-5, 40).map(float))


def bits_of(split, **columns):
    (batch,) = open_table(pd.DataFrame(columns), None).batches(list(columns))
    return split.bits(batch)


@QUICK
@given(TIMES, COUNTS, st.randoms())
def test_groups_share_a_fold_and_the_order_of_rows_does_not_matter(keys, count, shuffle):
    order = list(range(len(keys)))
    shuffle.shuffle(order)

    def tested(keys):
        bits = bits_of(Split(key="key", seed=3), key=keys)
        return {key: k for k, fold in enumerate(by_hash(bits, count)) for key in keys[fold.test].tolist()}

    folds = by_hash(bits_of(Split(key="key", seed=3), key=keys), count)
    for train, test in folds:
        assert not {*keys[train].tolist()} & {*keys[test].tolist()}
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(keys)))
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(keys)))
    assert tested(keys) == tested(keys[order])
    sizes = [len({*keys[fold.test].tolist()}) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@QUICK
@given(st.integers(8, 60), COUNTS, st.randoms())
def test_folds_in_time_are_those_of_time_series_split(m, count, shuffle):
    times = np.linspace(-1e3, 1e9, m)
    order = list(range(m))
    shuffle.shuffle(order)
    folds = by_time(bits_of(TimeSplit(key="t", numbers=True), t=times[order]), count)
    for mine, (train, test) in zip(folds, TimeSeriesSplit(count).split(times), strict=True):
        assert sorted(times[order][mine.train]) == times[train].tolist()
        assert sorted(times[order][mine.test]) == times[test].tolist()


@QUICK
@given(TIMES, COUNTS)
def test_each_fold_trains_on_what_is_earlier_than_all_that_it_tests(times, count):
    folds = by_time(bits_of(TimeSplit(key="t", numbers=True), t=times), count)
    assert len(folds) == count
    for train, test in folds:
        if len(train) and len(test):
            assert times[train].max() < times[test].min()
    later = np.concatenate([test for _, test in folds])
    assert len({*later.tolist()}) == len(later)


@pytest.mark.parametrize(
    "times",
    [
        ["1969-12-31", "1970-01-01", "2024-02-29", "2024-03-01"],
        ["1969-12", "1970-01", "2024-03"],
        ["2024-03-01T09:00", "2024-03-01T09:00:00.5", "2024-03-01T10:00:00"],
        ["2024-03-01 09:00:00+02:00", "2024-03-01 08:00:00Z", "2024-03-01T09:00:00+00:00"],
        ["0001-01-01", "9999-12-31T23:59:59.999999"],
    ],
)
def test_times_are_ordered(times):
    bits = bits_of(TimeSplit(key="t"), t=times)
    assert (bits[1:] < bits[:-1]).all()  # the later, the smaller


@QUICK
@given(arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_ordered(times):
    bits = bits_of(TimeSplit(key="t", numbers=True), t=times)
    np.testing.assert_array_equal(np.unique(~bits, return_inverse=True)[1], np.unique(times, return_inverse=True)[1])


@pytest.mark.parametrize("cell", ["01.03.2024", "yesterday", "2024-13-01", None])
def test_what_is_no_time_is_refused(cell):
    with pytest.raises(TableError, match=r"Column 't' has .*needs numbers, or times such as 2024-03-01"):
        bits_of(TimeSplit(key="t"), t=["2024-03-01", cell])
