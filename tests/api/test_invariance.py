"""A fit has the same bits whatever the order, partition and threads, for exact sums do not round: not even extremes."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import LinearRegressor
from regress.aggregates.exact_sums import exact_totals
from regress.blocks import Block
from regress.errors import DataWarning
from tests.examples import examples, in_turn

m, n = 1100, 3
random = np.random.default_rng(31)
heavy = np.exp(5 * random.normal(size=(m, n + 1)))
heavy[700] = [1e14, -3e13, 7e14, 2e15]
FAMILIES = {  # columns and target
    "normal": random.normal(size=(m, n + 1)),
    "one huge row": heavy,
    "timestamps": 1.7e9 + random.uniform(0, 1e6, size=(m, n + 1)),
    "twelve decades": 10 ** random.uniform(-12, 0, size=(m, n + 1)),
    "many decades": 10 ** random.uniform(-75, 75, size=(m, n + 1)),
}
WEIGHTS = {
    "no weights": None,
    "whole weights": random.integers(1, 2**16, m).astype(float),
    "real weights": random.uniform(0.1, 3.0, m),
}


def rationals(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def blocks(Z, step=10**6, weights=None):
    for i in range(0, len(Z), step):
        yield Block(Z[i : i + step, :-1], Z[i : i + step, -1:], None if weights is None else weights[i : i + step])


def entries(totals):
    p = len(totals.unit)
    return [[totals.fraction(i, j) for j in range(p)] for i in range(p)]


def bits(fit):
    figures = (fit.loss, fit.digits, fit.intercept_digits, fit.r2, fit.status, fit.precision)
    return fit.w.tolist(), fit.b, *figures, fit.coefficients["std_err"].tolist()


@pytest.mark.parametrize(("family", "kind", "alpha"), in_turn(FAMILIES, WEIGHTS, [0.0, 0.7]))
def test_the_bits_of_a_fit_depend_on_neither_order_nor_threads(family, kind, alpha):
    X, y, a = FAMILIES[family][:, :n], FAMILIES[family][:, n], WEIGHTS[kind]
    first = regress.fit(X, y, weights=a, alpha=alpha, n_jobs=1)
    assert first.precision == "exact"
    assert min(first.digits.values()) >= 15.0
    by_size = np.argsort(np.abs(X).max(1))
    for jobs, order in enumerate((random.permutation(m), by_size, by_size[::-1]), 1):
        weights = None if a is None else a[order]
        other = regress.fit(X[order], y[order], weights=weights, alpha=alpha, n_jobs=jobs)
        np.testing.assert_equal(bits(other), bits(first))
        estimator = LinearRegressor(alpha=alpha, n_jobs=jobs).fit(X[order], y[order], sample_weight=weights)
        assert estimator.coef_.tolist() == first.w.tolist()
        assert estimator.intercept_ == first.b


@pytest.mark.parametrize(("family", "kind"), in_turn(FAMILIES, WEIGHTS))
def test_exact_totals_depend_on_neither_blocks_nor_threads(family, kind):
    Z, a = FAMILIES[family], WEIGHTS[kind]
    expected = entries(exact_totals(blocks(Z, weights=a)))
    row_by_row = ((1, 1),) if kind == "real weights" else ()  # takes longest
    for step, jobs in (*row_by_row, (7, 2), (512, 1), (512, 3), (513, 2), (m, 2)):
        got = exact_totals(blocks(Z, step, a), jobs)
        assert (entries(got), got.rows) == (expected, m)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_table_in_several_files_has_the_bits_of_the_whole(family, tmp_path):
    table = pd.DataFrame(FAMILIES[family], columns=["a", "b", "c", "y"]).assign(weight=WEIGHTS["whole weights"])
    first = bits(regress.fit(table, "y", weights="weight"))
    table.to_csv(tmp_path / "whole.csv", index=False)
    np.testing.assert_equal(bits(regress.fit(tmp_path / "whole.csv", "y", weights="weight")), first)
    for split, (names, cuts) in enumerate((("abcd", [1, 513, 1000]), ("dbac", [7, 8, 600]))):
        (tmp_path / str(split)).mkdir()
        for name, part in zip(names, np.split(np.arange(m), cuts), strict=True):
            table.iloc[part].to_csv(tmp_path / str(split) / f"{name}.csv", index=False)
        np.testing.assert_equal(bits(regress.fit(str(tmp_path / str(split) / "*.csv"), "y", weights="weight")), first)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_of_weight_k_counts_k_times_and_one_of_weight_0_never(family, alpha):
    X, y = FAMILIES[family][:400, :n], FAMILIES[family][:400, n]
    times = random.integers(0, 5, 400)
    counted = regress.fit(X, y, weights=times, weight_type="frequency", alpha=alpha)
    repeated = regress.fit(np.repeat(X, times, axis=0), np.repeat(y, times), alpha=alpha)
    assert (counted.w.tolist(), counted.b, counted.loss) == (repeated.w.tolist(), repeated.b, repeated.loss)
    weights = np.where(times > 0, random.uniform(0.1, 3.0, 400), 0.0)
    left, kept = regress.fit(X, y, weights=weights, alpha=alpha), times > 0
    without = regress.fit(X[kept], y[kept], weights=weights[kept], alpha=alpha)
    np.testing.assert_equal(bits(left), bits(without))
    estimator = LinearRegressor(alpha=alpha).fit(X, y, sample_weight=weights)
    assert (estimator.coef_.tolist(), estimator.intercept_) == (left.w.tolist(), left.b)


cell = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -2.2e-308, 1e-300, -1e300, 1.7976931348623157e308, 0.1, 1.0]),
    st.floats(-1e3, 1e3),
)
weight = st.one_of(st.floats(0.0, 1e6, exclude_min=True), st.integers(1, 2**16).map(float))


@settings(deadline=None, max_examples=examples(150), derandomize=True)
@given(st.data(), st.integers(1, 9), st.booleans(), st.integers(1, 9))
def test_exact_totals_equal_rational_arithmetic(data, rows, weighted, step):
    def draw(values, size):
        return np.array(data.draw(st.lists(values, min_size=size, max_size=size)))

    Z = draw(cell, rows * 3).reshape(rows, 3)
    a = draw(weight, rows) if weighted else None
    R = rationals(np.c_[np.ones(rows), Z])
    expected = R.T @ (rationals(np.ones(rows) if a is None else a)[:, None] * R)
    assert entries(exact_totals(blocks(Z, step, a))) == expected.tolist()


@pytest.mark.parametrize("weights", ["largest", "any", "none"])
def test_many_rows_equal_whole_numbers(weights):
    rows = 72_000
    Z = random.integers(-(2**43), 2**43, (rows, 3)).astype(float)
    Z[:66_000, 1:] = 2.0**43 - 2.0**22, -(2.0**42) + 2.0**22  # the largest second slices, all of one sign
    a = {"largest": np.full(rows, 65535.0), "any": random.integers(1, 2**16, rows).astype(float), "none": None}[weights]
    W = np.c_[np.ones(rows), Z].astype(np.int64).astype(object)
    expected = W.T @ W if a is None else W.T @ (a.astype(np.int64).astype(object)[:, None] * W)
    for step in (rows, 10_000):
        got = exact_totals(blocks(Z, step, a))
        assert (entries(got), got.rows) == (expected.tolist(), rows)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rare", ["first", "last", "each in one column", "half"])
def test_rows_that_are_set_aside_count_as_all_others(rare, weighted):
    Z = random.normal(size=(600, 3))
    if rare == "each in one column":  # far above in one column is far below in two
        Z *= np.where(np.arange(600)[:, None] % 3 == np.arange(3), 1e150, 1e-150)
    elif rare == "half":
        Z[::2] *= 1e-200
    else:  # beside which all others vanish
        Z *= 1e-150
        Z[0 if rare == "first" else -1] = [1e300, -3e250, 7e280]
    a = random.uniform(0.1, 3.0, 600) if weighted else None
    R = rationals(np.c_[np.ones(600), Z])
    expected = R.T @ (rationals(np.ones(600) if a is None else a)[:, None] * R)
    for step in (600, 100):
        assert entries(exact_totals(blocks(Z, step, a))) == expected.tolist()


def eliminated(rows):
    """Solve in rational arithmetic."""
    for i in range(len(rows)):
        pivot = next(k for k in range(i, len(rows)) if rows[k, i])
        rows[[i, pivot]] = rows[[pivot, i]]
        rows[i] = rows[i] / rows[i, i]
        others = [k for k in range(len(rows)) if k != i]
        rows[others] = rows[others] - np.outer(rows[others, i], rows[i])
    return rows[:, -1]


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 6),
    st.integers(5, 8),
    st.permutations(range(3)),
    st.sampled_from([0.0, 1.0]),
)
def test_columns_that_nearly_depend_on_each_other_are_solved_to_the_last_bit(seed, large, near, order, at):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(30, 3)) + at
    X[:, 2] = X @ [10.0**large, 1.0, 10.0**-near]
    X, y = X[:, order], draw.normal(size=30)
    Z = rationals(np.c_[np.ones(30), X])
    b, *w = eliminated(Z.T @ np.c_[Z, rationals(y)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Nearly collinear", DataWarning)
        fit = regress.fit(X, y)
    assert fit.rank == 3
    assert (fit.w.tolist(), fit.b) == ([float(v) for v in w], float(b))


def wide_minimum(X, y, alpha, a, fit_intercept):
    """Return w = Xᵀq and b from [XXᵀ + αA⁻¹ 1; 1ᵀ 0][q; b] = [y; 0], as rationals."""
    X, y, a, one = rationals(X), rationals(y), rationals(a), rationals(np.ones((len(X), 1)))
    rows = np.hstack([X @ X.T + np.diag(Fraction(alpha) / a), one, y[:, None]])
    rows = np.vstack([rows, np.r_[one[:, 0], 0, 0]]) if fit_intercept else np.delete(rows, -2, 1)
    q = eliminated(rows)
    return X.T @ q[: len(X)], q[-1] if fit_intercept else Fraction(0)


WIDE = {
    "normal": random.normal(size=(8, 20)),
    "as many rows as columns": random.normal(size=(8, 8)),
    "two rows": random.normal(size=(2, 5)),
    "one row": random.normal(size=(1, 5)),
    "timestamps": 1.7e9 + random.uniform(0, 1e6, size=(6, 9)),
    "twelve decades": 10 ** random.uniform(-12, 0, size=(6, 15)),
    "scales": np.random.default_rng(5).normal(size=(6, 9)) * 10.0 ** np.arange(-8, 10, 2),
    "other scales": np.random.default_rng(22).normal(size=(6, 9)) * 10.0 ** np.arange(-8, 10, 2),
    "rows of other scales": random.normal(size=(5, 8)) * 10.0 ** np.array([[-60], [40], [0], [-20], [60]]),
    "near duplicates": np.repeat(random.normal(size=(3, 9)), 2, axis=0) + 1e-9 * random.normal(size=(6, 9)),
}


@pytest.mark.filterwarnings("ignore:There are only:regress.DataWarning")
@pytest.mark.filterwarnings("ignore:Constant in the training rows:regress.DataWarning")  # one row
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("family", WIDE)
def test_wide_tables_equal_rational_arithmetic(family, alpha, weighted, fit_intercept):
    X = WIDE[family]
    y, a = random.normal(size=len(X)), random.uniform(0.1, 3.0, len(X)) if weighted else None
    options = {"alpha": alpha, "fit_intercept": fit_intercept, "precision": "exact"}
    w, b = wide_minimum(X, y, alpha, np.ones(len(X)) if a is None else a, fit_intercept)
    fit = regress.fit(X, y, weights=a, **options)
    assert fit.precision == "exact"
    assert (fit.w.tolist(), fit.b) == ([float(v) for v in w], float(b))
    estimator = LinearRegressor(**options).fit(X, y, sample_weight=a)
    assert (estimator.coef_.tolist(), estimator.intercept_) == (fit.w.tolist(), fit.b)


@pytest.mark.filterwarnings("ignore:There are only:regress.DataWarning")
@pytest.mark.parametrize("weights", [np.ones(5), np.array([1.0, 3.0, 1.0, 2.0, 1.0])], ids=["plain", "weighted"])
def test_of_equal_rows_a_wide_table_fits_the_mean(weights):
    X, y = random.normal(size=(5, 9)), np.arange(5.0)
    X[4] = X[1]
    share = weights[4] / (weights[1] + weights[4])
    w, b = wide_minimum(X[:4], [y[0], (1 - share) * y[1] + share * y[4], y[2], y[3]], 0, np.ones(4), True)
    fit = regress.fit(X, y, weights=weights)
    assert (fit.w.tolist(), fit.b, fit.rank) == ([float(v) for v in w], float(b), 3)
    w, b = wide_minimum(X, y, 0.7, weights, True)
    fit = regress.fit(X, y, weights=weights, alpha=0.7)
    assert (fit.w.tolist(), fit.b) == ([float(v) for v in w], float(b))
