"""Rows that an estimator is given: whatever they are stored as, they are not copied as a whole, and count the same."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.utils import check_array

from regress import LinearRegressor

RANDOM = np.random.default_rng(0)
SMALL = RANDOM.integers(-99, 100, size=(3000, 8))  # that any type of number holds
TARGET = SMALL @ np.arange(8.0) + RANDOM.normal(size=3000)


def by_column(cells, types):
    """Return columns that are stored one by one, of types in turn."""
    return {f"c{j}": cells[:, j].astype(types[j % len(types)]) for j in range(cells.shape[1])}


def in_two(frame):
    half = len(frame) // 2
    return pl.concat([frame[:half], frame[half:]], rechunk=False)


MIXED = (np.float32, np.int64, np.float64, np.int8)
STORED = {
    "float64": lambda cells: cells.astype(np.float64),
    "column by column": lambda cells: np.asfortranarray(cells, dtype=np.float64),
    "every other column": lambda cells: np.repeat(cells, 2, axis=1).astype(np.float64)[:, ::2],
    "float32": lambda cells: cells.astype(np.float32),
    "float32 by column": lambda cells: np.asfortranarray(cells, dtype=np.float32),
    "int64": lambda cells: cells.astype(np.int64),
    "int16": lambda cells: cells.astype(np.int16),
    "pandas, one type": lambda cells: pd.DataFrame(cells.astype(np.float64)),
    "pandas, int32": lambda cells: pd.DataFrame(cells.astype(np.int32)),
    "pandas, columns": lambda cells: pd.DataFrame(by_column(cells, [np.float64]), copy=False),
    "pandas, mixed": lambda cells: pd.DataFrame(by_column(cells, MIXED), copy=False),
    "pandas, nullable": lambda cells: pd.DataFrame(by_column(cells, MIXED)).astype("Float64"),
    "Polars": lambda cells: pl.DataFrame(by_column(cells, [np.float64])),
    "Polars, mixed": lambda cells: pl.DataFrame(by_column(cells, MIXED)),
    "Polars, in pieces": lambda cells: in_two(pl.DataFrame(by_column(cells, MIXED))),
}
stored = pytest.mark.parametrize("store", STORED.values(), ids=STORED)


def peak(work):
    """Return the most memory that NumPy and Python had more than before, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def many():
    """As many rows as fill 77 MB in float64."""
    return np.tile(SMALL, (400, 1)), np.tile(TARGET, 400)


WEIGHTED = ("float64", "float32 by column", "pandas, mixed", "Polars, mixed")


@pytest.mark.parametrize(("kind", "weighted"), [*((k, False) for k in STORED), *((k, True) for k in WEIGHTED)])
def test_a_fit_takes_a_fifth_of_the_memory_of_its_rows(many, kind, weighted):
    X, y = STORED[kind](many[0]), many[1]
    weights = (np.arange(len(y)) % 3 > 0).astype(np.float64) if weighted else None
    regressor = LinearRegressor(precision="float64", n_jobs=1)
    regressor.fit(X[:2000], y[:2000], None if weights is None else weights[:2000])
    noted = 0 if weights is None else 4 * y.nbytes  # the rows that are kept, their weights and targets
    assert peak(lambda: regressor.fit(X, y, weights)) < 0.2 * many[0].size * 8 + noted


@stored
def test_a_prediction_takes_a_fifth_of_the_memory_of_its_rows(many, store):
    X = store(many[0])
    regressor = LinearRegressor(n_jobs=1).fit(X[:2000], many[1][:2000])
    regressor.predict(X[:2000])
    assert peak(lambda: regressor.predict(X)) < 0.2 * many[0].size * 8 + 4 * len(X)  # 8 bytes a row are the result


@stored
@pytest.mark.parametrize("weights", [None, 2.0, np.arange(3000.0) % 3], ids=["", "one weight", "rows of weight 0"])
def test_exact_results_are_those_of_the_float64_array_to_the_bit(store, weights):
    X, plain = store(SMALL), SMALL.astype(np.float64)
    ours, expected = (LinearRegressor(precision="exact").fit(rows, TARGET, weights) for rows in (X, plain))
    np.testing.assert_array_equal(ours.coef_, expected.coef_.astype(ours.coef_.dtype))
    np.testing.assert_array_equal(ours.intercept_, expected.intercept_.astype(ours.coef_.dtype))
    found = LinearRegressor(precision="exact").partial_fit(X[:999], TARGET[:999]).partial_fit(X[999:], TARGET[999:])
    np.testing.assert_array_equal(found.coef_, LinearRegressor().partial_fit(plain, TARGET).coef_.astype(X_type(found)))
    assert found.forget(X[:500], TARGET[:500])._totals.rows == 2500


def X_type(fitted):
    return fitted.coef_.dtype


@stored
@pytest.mark.parametrize(
    "options", [{}, {"over": "rows"}, {"solver": "gd"}, {"solver": "sgd", "epochs": 2}, {"loss": "huber"}], ids=str
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_results_of_every_solver_are_those_of_the_float64_array(store, options):
    X = store(SMALL)
    ours, expected = (
        LinearRegressor(**{"precision": "float64"} | options).fit(rows, TARGET)
        for rows in (X, SMALL.astype(np.float64))
    )
    within = 1e-6 if ours.coef_.dtype == np.float32 else 1e-9  # of float32, or of the descent
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=within, atol=within)
    np.testing.assert_allclose(ours.predict(X), expected.predict(SMALL), rtol=within, atol=1e3 * within)


@pytest.mark.parametrize("kind", ["float32", "int64", "int16"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "rows of weight 0"])
def test_types_of_arrays_give_the_same_bits_in_float64_arithmetic(many, kind, weighted):
    X, y = many[0][:200_000], many[1][:200_000]  # several blocks
    weights = (np.arange(len(y)) % 7).astype(np.float64) if weighted else None
    kept = slice(None) if weights is None else weights > 0
    ours = LinearRegressor(precision="float64").fit(STORED[kind](X), y, weights)
    expected = LinearRegressor(precision="float64").fit(
        X.astype(np.float64)[kept], y[kept], None if weights is None else weights[kept]
    )
    np.testing.assert_array_equal(ours.coef_, expected.coef_.astype(ours.coef_.dtype))
    assert ours.intercept_ == expected.intercept_.astype(ours.coef_.dtype)


@stored
def test_types_and_names_are_those_that_scikit_learn_finds(store):
    X = store(SMALL)
    ours, theirs = (make().fit(X, TARGET) for make in (LinearRegressor, LinearRegression))
    assert ours.coef_.dtype == theirs.coef_.dtype
    assert ours.n_features_in_ == theirs.n_features_in_ == 8
    assert getattr(ours, "feature_names_in_", None) is None or list(ours.feature_names_in_) == list(X.columns)
    assert hasattr(ours, "feature_names_in_") == hasattr(theirs, "feature_names_in_")
    assert ours.predict(X).dtype == theirs.predict(X).dtype


@pytest.mark.parametrize("package", [pd, pl], ids=["pandas", "Polars"])
@pytest.mark.parametrize(
    "types",
    [
        (np.float32, np.int16), (np.float32, np.int32), (np.float16, np.int8), (bool, np.float32), (bool,),
        (np.uint64, np.int8), (np.uint8, np.int8),
    ],
    ids=str,
)  # fmt: skip
def test_columns_of_several_types_give_results_of_the_type_that_scikit_learn_finds(package, types):
    X = package.DataFrame(by_column(abs(SMALL), types))
    ours = LinearRegressor().fit(X, TARGET)
    assert ours.coef_.dtype == ours.intercept_.dtype == check_array(X, dtype=[np.float64, np.float32]).dtype
    plain = np.column_stack([column.astype(np.float64) for column in by_column(abs(SMALL), types).values()])
    np.testing.assert_allclose(ours.coef_, LinearRegressor().fit(plain, TARGET).coef_, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, np.arange(3000.0) % 2], ids=["", "rows of weight 0"])
@pytest.mark.parametrize("precision", ["float64", "exact"])
@pytest.mark.parametrize(
    "store",
    [
        lambda cells: pd.DataFrame(cells).astype("Float64").mask(pd.DataFrame(cells) == 50),
        lambda cells: pd.DataFrame(cells).astype("Int64").mask(pd.DataFrame(cells) == 50),
        lambda cells: pd.DataFrame(by_column(cells, MIXED)).mask(lambda frame: frame == 50),
        lambda cells: pl.DataFrame(by_column(cells, MIXED)).with_columns(pl.all().replace(50, None)),
        lambda cells: pl.DataFrame(by_column(cells, MIXED)).with_columns(pl.all() > 0).with_columns(
            pl.all().replace(True, None)
        ),
    ],
    ids=["Float64", "Int64", "pandas", "Polars", "Polars, true or false"],
)  # fmt: skip
def test_missing_cells_are_refused_in_scikit_learns_words(store, precision, weights):
    cells = SMALL.copy()
    cells[:2] = 1  # what the first row holds decides on nothing
    fitted = LinearRegressor().fit(cells, TARGET)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LinearRegressor(precision=precision).fit(store(cells), TARGET, weights)
    with pytest.raises(ValueError, match="Input X contains NaN"), pytest.warns(UserWarning, match="feature names"):
        fitted.predict(store(cells).rename(columns=str) if isinstance(store(cells), pd.DataFrame) else store(cells))


def test_a_target_of_any_type_that_is_not_finite_is_refused():
    for y in (TARGET.copy(), TARGET.astype(np.float32), pd.Series(TARGET), TARGET.astype(object)):
        y[2999] = np.nan
        for precision in ("float64", "exact"):
            with pytest.raises(ValueError, match="Input y contains NaN"):
                LinearRegressor(precision=precision).fit(SMALL, y)


@pytest.mark.parametrize("value", ["word", b"word", 1j], ids=str)
def test_cells_that_are_no_numbers_are_refused_wherever_they_are(value):
    frame = pd.DataFrame(by_column(SMALL, MIXED)).astype({"c3": object})
    frame.loc[2999, "c3"] = value
    for table in (frame, frame.to_numpy(dtype=object)):
        with pytest.raises((ValueError, TypeError)):
            LinearRegressor().fit(table, TARGET)


def test_frames_of_sparse_columns_are_refused():
    frame = pd.DataFrame(SMALL.astype(np.float64)).astype(pd.SparseDtype(np.float64, 0.0))
    with pytest.raises(TypeError, match="dense data is required"):
        LinearRegressor().fit(frame, TARGET)


@pytest.mark.parametrize(
    "table",
    [
        SMALL.astype(np.longdouble),
        SMALL.astype(">f8"),
        SMALL.tolist(),
        SMALL.astype(object),
        pl.DataFrame(SMALL).cast(pl.Decimal(10, 2)),
    ],
    ids=["long double", "big-endian", "lists", "objects", "decimals"],
)
def test_other_tables_are_converted_by_scikit_learn(table):
    np.testing.assert_array_equal(
        LinearRegressor().fit(table, TARGET).coef_, LinearRegressor().fit(SMALL, TARGET).coef_
    )


@pytest.mark.parametrize("kernel", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("precision", ["float64", "exact"])
@pytest.mark.parametrize("store", [STORED[name] for name in ("int64", "pandas, int32", "pandas, columns", "Polars")])
def test_columns_far_from_zero_and_dependent_ones_are_the_same_in_any_table(store, precision, kernel, monkeypatch):
    if not kernel:
        monkeypatch.setattr("regress.numerics.kernel.compiled", lambda: None)
    cells = np.column_stack([SMALL[:, :3] + 1_000_000_000, SMALL[:, 0] - SMALL[:, 1], SMALL[:, 3]])
    ours = LinearRegressor(precision=precision).fit(store(cells), TARGET)
    expected = LinearRegressor(precision=precision).fit(np.asfortranarray(cells, dtype=np.float64), TARGET)
    assert ours.rank_ == expected.rank_ == 4
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=0.0 if precision == "exact" else 1e-9)
    centered, residual = cells - cells.mean(0), TARGET - TARGET.mean()
    np.testing.assert_allclose(ours.coef_, np.linalg.pinv(centered, rcond=1e-10) @ residual, rtol=1e-6)
