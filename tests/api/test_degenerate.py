"""Degenerate tables: one defined behavior each."""

import warnings

import numpy as np
import pytest

import regress
from regress.errors import ConvergenceWarning, DataWarning, InputError, TableError


def fit(text, tmp_path, **options):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return regress.fit(path, "y", **options)


def test_no_row_is_refused(tmp_path):
    with pytest.raises(InputError, match="no row"):
        fit("x,y\n", tmp_path)


def test_rows_that_are_all_missing_are_refused_with_their_account(tmp_path):
    with pytest.raises(InputError, match=r"no row left.*2 rows = 0 used \+ 2 missing"):
        fit("x,y\n,1\nNA,2\n", tmp_path, missing="drop")
    with pytest.raises(TableError, match="x 2"):
        fit("x,y\n,1\nNA,2\n", tmp_path)


def test_a_column_without_a_value_cannot_be_filled(tmp_path):
    with pytest.raises(TableError, match=r"drop=\['x'\]"):
        fit("x,z,y\n,1,1\n,2,2\n,3,4\n", tmp_path, missing="mean")


def test_one_row_is_its_own_prediction(tmp_path):
    with pytest.warns(DataWarning, match="Constant"):
        got = fit("x,y\n3,7\n", tmp_path)
    assert (got.w.tolist(), got.b, got.loss) == ([0.0], 7.0, 0.0)


def test_fewer_rows_than_columns_get_the_least_norm_and_a_warning(tmp_path):
    with pytest.warns(DataWarning, match="only 2 rows"):
        got = fit("a,b,c,y\n1,0,1,1\n0,2,0,2\n", tmp_path)
    change = np.array([-1.0, 2.0, -1.0])
    assert got.w == pytest.approx(change / (change @ change), abs=1e-15)
    assert got.loss == pytest.approx(0.0, abs=1e-25)


def test_a_constant_column_gets_zero_and_a_warning(tmp_path):
    with pytest.warns(DataWarning, match=r"Constant in the training rows.*: c\."):
        got = fit("c,x,y\n0.1,1,2\n0.1,2,4\n0.1,3,7\n", tmp_path)
    assert got.w[0] == 0.0
    assert got.w[1] == pytest.approx(2.5)


def test_a_constant_target_is_its_mean_without_a_warning(tmp_path):
    got = fit("x,y\n1,0.3\n2,0.3\n4,0.3\n", tmp_path)
    assert (got.w.tolist(), got.b, got.loss, got.status, got.n_iter) == ([0.0], 0.3, 0.0, "converged", 0)
    assert np.isnan(got.r2)


def test_dependent_columns_warn_with_their_rank(tmp_path):
    with pytest.warns(DataWarning, match="rank 1 of 2"):
        got = fit("a,b,y\n1,2,1\n2,4,2\n3,6,4\n", tmp_path)
    assert got.w == pytest.approx([1.5 / 5, 3.0 / 5])


def test_what_does_not_converge_warns_and_keeps_the_fit(tmp_path):
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        got = fit("a,b,y\n1,2,1\n2,5,2\n3,6,4\n4,9,3\n", tmp_path, solver="gd", max_iter=2)
    assert got.status == "max_iter"
    assert np.isfinite(got.w).all()


def test_a_text_column_with_one_level_has_no_coefficient_and_its_gaps_count(tmp_path):
    with pytest.warns(DataWarning, match=r"^A text column with a single level is excluded: k=a\.$"):
        got = fit("k,x,y\na,1,2\na,2,4\na,4,7\n", tmp_path)
    assert got.names == ("x",)
    with pytest.raises(TableError, match="k 1"):
        fit("k,x,y\na,1,2\n,2,4\na,4,7\n", tmp_path)


def test_a_table_of_single_levels_has_nothing_to_fit(tmp_path):
    with pytest.raises(TableError, match="no column left"):
        fit("k,y\na,2\na,4\n", tmp_path)


def test_an_ordinary_fit_says_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = fit("x,y\n1,1\n2,2\n4,5\n", tmp_path)
    assert got.notes() == []
    assert (len(got.history), got.n_iter, got.solver) == (0, 0, "direct")  # nothing was descended
    assert got.coefficients.loc["x", "coef"] == got.w[0]


@pytest.mark.filterwarnings("ignore")
def test_rounding_in_a_constant_column_is_no_direction_where_columns_outnumber_rows():
    rng = np.random.default_rng(0)
    for _ in range(60):  # the rounded mean of a few of them is not the constant
        X, weights = rng.normal(size=(4, 6)), rng.integers(1, 4, 4).astype(float)
        X[:, 0] = 10.0 * rng.normal()
        y = X @ rng.normal(size=6)
        fit = regress.fit(X, y, weights=weights, solver="gd", standardize=False, max_iter=20)
        assert fit.history["loss"].iloc[-1] == pytest.approx(weights @ (fit.predict(X) - y) ** 2, rel=1e-6)
