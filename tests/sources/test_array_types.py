"""Arrays of any type of number give what their float64 copies give, and are not copied as a whole."""

import tracemalloc

import numpy as np
import pytest

import regress

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(-99, 100, size=(70_000, 4))  # two blocks, of numbers that any type holds
TARGET = CELLS @ [1.0, -2.0, 3.0, 0.5] + RANDOM.normal(size=len(CELLS))
TYPES = [np.float32, np.float16, np.int64, np.int8, np.longdouble, ">f8", ">i2", object]
types = pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: np.dtype(dtype).str)


@types
@pytest.mark.parametrize("options", [{"precision": "float64"}, {"precision": "exact"}, {"over": "rows"}], ids=str)
def test_a_fit_has_the_same_bits(dtype, options):
    ours, expected = (regress.fit(X, TARGET, **options) for X in (CELLS.astype(dtype), CELLS.astype(np.float64)))
    np.testing.assert_array_equal(ours.w, expected.w)
    np.testing.assert_array_equal(ours.bse, expected.bse)
    np.testing.assert_array_equal(ours.predict(CELLS.astype(dtype)), expected.predict(CELLS.astype(np.float64)))


@types
@pytest.mark.filterwarnings("ignore::regress.errors.ConvergenceWarning")
def test_batches_in_an_order_of_their_own_are_found_again(dtype):
    options = {"solver": "sgd", "over": "blocks", "epochs": 2, "test_size": 0.2, "random_state": 3}
    ours, expected = (regress.fit(X, TARGET, **options) for X in (CELLS.astype(dtype), CELLS.astype(np.float64)))
    np.testing.assert_array_equal(ours.w, expected.w)
    assert ours.r2_test == expected.r2_test


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int8])
def test_a_fit_takes_less_memory_than_a_float64_copy(dtype):
    X, y = np.tile(CELLS, (30, 1)).astype(dtype), np.tile(TARGET, 30)
    regress.fit(X[:2000], y[:2000])
    tracemalloc.start()
    try:
        regress.fit(X, y, precision="float64", n_jobs=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.75 * 8 * X.size
