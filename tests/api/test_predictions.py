"""A prediction has the same bits alone, in any block and from any source, and is right to the rounding of its terms."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import LinearRegressor
from regress.numerics.prediction import line, residuals
from tests.examples import examples

random = np.random.default_rng(17)
rows = 300
TABLE = pd.DataFrame(random.normal(size=(rows, 7)) * 10.0 ** np.arange(-3, 4), columns=list("abcdefg"))
TABLE["time"] = 1.7e9 + random.uniform(0, 1e6, rows)
TABLE["k"] = random.choice(["u", "v", "w"], rows)
TABLE["y"] = TABLE[list("abcdefg")] @ random.normal(size=7) + random.normal(size=rows)
FIT = regress.fit(TABLE, "y", cov_type="HC1")


def rationals(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def exact(X, w, center, level):
    """Return ŷ in rational arithmetic, and Σ|terms|."""
    terms = (rationals(X) - rationals(center)) * rationals(w)
    return terms.sum(1) + Fraction(level), np.abs(terms).sum(1) + abs(Fraction(level))


def predicted(fit, table, level):
    """Return ŷ, or with a level prediction intervals, as an array."""
    return fit.predict(table) if level is None else fit.predict_interval(table, level).to_numpy()


@pytest.mark.parametrize("level", [None, 0.9])
def test_a_row_is_predicted_alike_alone_and_in_any_block(level):
    expected = predicted(FIT, TABLE, level)
    for step in (1, 2, 3, 7, 16, 64, 299):
        parts = [predicted(FIT, TABLE.iloc[i : i + step], level) for i in range(0, rows, step)]
        np.testing.assert_array_equal(np.concatenate(parts), expected)
    np.testing.assert_array_equal(predicted(FIT, pd.concat([TABLE] * 60), level), np.concatenate([expected] * 60))


@pytest.mark.parametrize("level", [None, 0.9])
def test_every_source_is_predicted_alike(level, tmp_path):
    expected = predicted(FIT, TABLE, level)
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    pl.DataFrame(TABLE.to_dict("list")).write_parquet(tmp_path / "t.parquet", row_group_size=70)
    shuffled = TABLE[[*"kgfe", "time", *"dcba"]]
    for source in (tmp_path / "t.csv", tmp_path / "t.parquet", pl.DataFrame(TABLE.to_dict("list")), shuffled):
        np.testing.assert_array_equal(predicted(FIT, source, level), expected)


@pytest.mark.parametrize("level", [None, 0.9])
def test_the_layout_of_an_array_changes_no_bit(level):
    X = TABLE[list("abcdefg")].to_numpy()
    fit = regress.fit(X, TABLE.y)
    expected = predicted(fit, X, level)
    wide = np.zeros((rows, 14))
    wide[:, ::2] = X
    for other in (np.ascontiguousarray(X), np.asfortranarray(X), X[::-1][::-1], wide[:, ::2]):
        np.testing.assert_array_equal(predicted(fit, other, level), expected)


@pytest.mark.parametrize("targets", [None, 1, 3])
def test_the_estimator_predicts_a_row_alike_alone_and_in_any_block(targets):
    X = random.normal(size=(rows, 11))
    y = random.normal(size=rows if targets is None else (rows, targets))
    regressor = LinearRegressor().fit(X, y)
    expected = regressor.predict(X)
    assert expected.shape == y.shape
    for step in (1, 5, 128):
        parts = [regressor.predict(np.asfortranarray(X[i : i + step])) for i in range(0, rows, step)]
        np.testing.assert_array_equal(np.concatenate(parts), expected)
    if targets is None:
        np.testing.assert_array_equal(expected, regress.fit(X, y).predict(X))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 16, 31, 127, 128, 129, 300, 9000])
def test_a_row_has_the_same_bits_wherever_it_stands_and_however_it_is_stored(n):
    X, w, center = random.normal(size=(67, n)), random.normal(size=n), 1e3 * random.normal(size=n)
    alone = np.array([line(X[i : i + 1], w, center, 0.5)[0] for i in range(67)])
    for step in (2, 3, 5, 8, 67):
        parts = [line(X[i : i + step], w, center, 0.5) for i in range(0, 67, step)]
        np.testing.assert_array_equal(np.concatenate(parts), alone)
    many = np.tile(X, (max(2**19 // X.size, 1), 1))  # more than fit in one part
    wide = np.zeros((67, 3 * n + 1))
    wide[:, 1::3] = X
    for layout in (X[::-1][::-1], np.asfortranarray(X), wide[:, 1::3], wide[::-1, 1::3][::-1]):
        np.testing.assert_array_equal(line(layout, w, center, 0.5), alone)
    for n_jobs in (1, 2, 3, 100):
        np.testing.assert_array_equal(line(many, w, center, 0.5, n_jobs), np.tile(alone, len(many) // 67))
    single = X.astype(np.float32)
    np.testing.assert_array_equal(line(single, w, center, 0.5), line(single.astype(np.float64), w, center, 0.5))


@pytest.mark.parametrize("n", [5, 128, 129, 1000, 5000])
def test_a_line_far_from_zero_is_right_to_the_rounding_that_is_promised(n):
    X, w, center = 1.7e9 + random.uniform(0, 1e6, (5, n)), random.normal(size=n), np.full(n, 1.7e9)
    expected, size = exact(X, w, center, 3.0)
    roundings = 130 + np.ceil(np.log2(max(n / 128, 1)))
    got = line(X, w, center, 3.0)
    assert all(abs(Fraction(g) - e) <= roundings * 2**-53 * s for g, e, s in zip(got, expected, size, strict=True))


finite = st.floats(-1e6, 1e6)


@settings(deadline=None, max_examples=examples(200), derandomize=True)
@given(st.data(), st.integers(0, 40), st.integers(1, 9))
def test_a_line_is_right_to_the_rounding_of_its_terms_in_any_block(data, n, m):
    def draw(size):
        return np.array(data.draw(st.lists(finite, min_size=size, max_size=size)))

    X, w, center, level = draw(m * n).reshape(m, n), draw(n), draw(n), data.draw(finite)
    got = line(X, w, center, level)
    for i in range(m):
        for block in (X[i : i + 1], X[i:], np.asfortranarray(X[: i + 1])[-1:]):
            np.testing.assert_array_equal(line(block, w, center, level)[0], got[i])
    expected, size = exact(X, w, center, level)
    roundings = 2 + n + 1  # difference and product, sums of up to 128, level
    tiny = n * 2.0**-1073  # products below the range of a double
    assert all(
        abs(Fraction(g) - e) <= 1.01 * roundings * 2**-53 * s + tiny
        for g, e, s in zip(got, expected, size, strict=True)
    )


@pytest.mark.parametrize("scale", [1.0, 1e140, 1e-140])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 64, 257])
def test_residuals_are_rounded_once_where_the_fit_is_near_perfect(n, scale):
    X, w = random.normal(size=(40, n)) / scale, random.normal(size=n) * scale * scale
    center, level = random.normal(size=n) / scale, 3.0 * scale
    y = line(X, w, center, level) + np.where(np.arange(40) % 2, 1e-13, 1e-3) * scale * random.normal(size=40)
    expected, size = exact(X, w, center, level)
    expected -= rationals(y)
    got = residuals(X, y, w, center, level)
    twice = (n + 4) * 2.0**-104  # of the terms: the rounding of twice the digits
    assert all(abs(Fraction(g) - e) <= 2**-52 * abs(e) + twice * s for g, e, s in zip(got, expected, size, strict=True))
    alone = [residuals(X[i : i + 1], y[i : i + 1], w, center, level)[0] for i in range(40)]
    np.testing.assert_array_equal(alone, got)
    np.testing.assert_array_equal(residuals(np.asfortranarray(X), y, w, center, level), got)


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_a_missing_cell_of_an_array_costs_its_own_prediction_only(layout):
    X = random.normal(size=(rows, 3))
    fit = regress.fit(X, X.sum(1) + random.normal(size=rows))
    gaps = layout(X)
    gaps[[3, 50, 299], [0, 1, 2]] = np.nan, np.inf, -np.inf
    expected = np.where(np.isin(np.arange(rows), [3, 50, 299]), np.nan, fit.predict(X))
    np.testing.assert_array_equal(fit.predict(gaps), expected)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        LinearRegressor().fit(X, X[:, 0]).predict(gaps)


def test_an_array_of_numbers_is_predicted_with_options_that_exist():
    fit = regress.fit(TABLE[["a", "b"]].to_numpy(), TABLE.y)
    with pytest.raises(regress.InputError, match="handle_unknown"):
        fit.predict(np.zeros((2, 2)), handle_unknown="ignore")
    with pytest.raises(regress.InputError, match="X has 3 columns; the model takes 2"):
        fit.predict(np.zeros((2, 3)))
    with pytest.raises(regress.InputError, match="beyond the range of float64"):
        fit.predict(np.full((2, 2), 1.7e308) * [[1.0, -1.0]])
