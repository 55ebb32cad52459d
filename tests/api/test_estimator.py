"""LinearRegressor: scikit-learn's own checks, its tools around the estimator, and its answers against other solvers."""

import pickle
from fractions import Fraction

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from regress import LinearRegressor
from regress.objective import autodiff
from regress.objective.losses import SquaredError
from tests.examples import examples

SOLVERS = ["auto", "gd", "accelerated", "cg", "newton"]


@parametrize_with_checks([LinearRegressor(), LinearRegressor(solver="cg", over="rows"), LinearRegressor(loss="huber")])
def test_passes_every_check_that_scikit_learn_has_for_estimators(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        *(LinearRegressor(solver=solver) for solver in SOLVERS[1:]),
        LinearRegressor(fit_intercept=False),
        LinearRegressor(gradient="autodiff"),
        LinearRegressor(over="rows"),
        LinearRegressor(over="moments"),
        LinearRegressor(alpha=1.0),
        LinearRegressor(standardize=False),
        LinearRegressor(warm_start=True),
    ]
)
def test_passes_every_check_of_scikit_learn_with_other_parameters(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 5)) * [1.0, 10.0, 0.1, 1.0, 1e3] + [0.0, 5.0, 0.0, -3.0, 1e3]
    y = X @ [1.0, -2.0, 30.0, 0.5, 1e-3] + 4.0 + random.normal(size=200)
    return X, y


# Iterative solvers stop at a relative gradient of tol = 1e-10; times the columns' condition number, below 10 here.
@pytest.mark.parametrize(
    ("solver", "within"), [*((s, 1e-8) for s in ("gd", "accelerated")), ("cg", 1e-9), ("newton", 1e-10)]
)
@pytest.mark.parametrize("over", ["rows", "moments"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_solver_gives_the_coefficients_of_linear_regression(rows, solver, within, over, fit_intercept):
    ours = LinearRegressor(solver=solver, over=over, fit_intercept=fit_intercept).fit(*rows)
    theirs = LinearRegression(tol=0, fit_intercept=fit_intercept).fit(*rows)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=within)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=within)
    assert ours.rank_ == 5
    assert ours.status_ == "converged"


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("gradient", ["derived", "autodiff"])
def test_a_penalty_gives_the_coefficients_of_ridge(rows, alpha, fit_intercept, gradient):
    ours = LinearRegressor(alpha=alpha, fit_intercept=fit_intercept, gradient=gradient).fit(*rows)
    theirs = Ridge(alpha=alpha, fit_intercept=fit_intercept, solver="svd").fit(*rows)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-10)


small = st.integers(-4, 4).map(float)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.data(), st.integers(1, 12), st.integers(1, 5), st.booleans())
def test_predictions_are_the_projection_of_y_on_any_small_table(data, m, n, fit_intercept):
    X = data.draw(arrays(np.float64, (m, n), elements=small))
    y = data.draw(arrays(np.float64, m, elements=small))
    if m < 2:  # scikit-learn's rule for arrays
        X, y = np.repeat(X, 2, 0), np.repeat(y, 2)
    design = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    projection = design @ np.linalg.lstsq(design, y)[0]
    fitted = LinearRegressor(fit_intercept=fit_intercept).fit(X, y).predict(X)
    # Of integers up to 4 on 12 rows, independent columns are far from dependent: a condition number below 1e4.
    np.testing.assert_allclose(fitted, projection, rtol=0, atol=1e-9)


def test_dependent_columns_get_the_coefficients_of_least_norm(rows):
    X, y = rows
    X = np.column_stack([X, X[:, 0], X[:, 1] + X[:, 3]])
    ours = LinearRegressor().fit(X, y)
    centered, residual = X - X.mean(0), y - y.mean()
    least = np.linalg.pinv(centered / np.abs(centered).max(0).max(), rcond=1e-10) @ residual / np.abs(centered).max()
    assert ours.rank_ == 5
    np.testing.assert_allclose(ours.coef_, least, rtol=1e-8)  # pinv is told a scale of 1e4 between columns


def test_columns_far_from_zero_keep_their_digits_in_predictions():
    random = np.random.default_rng(1)
    steps = random.integers(-50, 50, size=(100, 2))
    X = 1e9 + steps
    y = 3.0 * steps[:, 0] - 2.0 * steps[:, 1] + random.integers(-3, 4, size=100)
    regressor = LinearRegressor().fit(X, y)
    exact = _exact_line(steps.tolist(), y.tolist())
    expected = [float(exact[-1] + sum(w * x for w, x in zip(exact, row, strict=False))) for row in steps.tolist()]
    np.testing.assert_allclose(regressor.predict(X), expected, rtol=0, atol=1e-11)  # y is about 100: 13 digits
    np.testing.assert_allclose(regressor.coef_, [float(w) for w in exact[:-1]], rtol=1e-12)


def _exact_line(rows, y):
    """Least squares with intercept (last) in rational arithmetic."""
    design = [[*(Fraction(x) for x in row), Fraction(1)] for row in rows]
    n = len(design[0])
    table = [[sum(r[i] * r[j] for r in design) for j in range(n)] for i in range(n)]
    table = [[*row, sum(r[i] * Fraction(v) for r, v in zip(design, y, strict=True))] for i, row in enumerate(table)]
    for i in range(n):
        table[i] = [v / table[i][i] for v in table[i]]
        for k in range(n):
            if k != i:
                table[k] = [a - table[k][i] * b for a, b in zip(table[k], table[i], strict=True)]
    return [row[-1] for row in table]


@pytest.mark.parametrize("gradient", ["derived", "autodiff"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_several_targets_give_one_row_of_coefficients_each(rows, gradient, fit_intercept):
    X, y = rows
    Y = np.column_stack([y, X[:, 1] ** 2, np.full(len(X), 7.0)])
    regressor = LinearRegressor(gradient=gradient, fit_intercept=fit_intercept).fit(X, Y)
    theirs = LinearRegression(tol=0, fit_intercept=fit_intercept).fit(X, Y)
    assert regressor.coef_.shape == (3, 5)
    assert np.shape(regressor.intercept_) == np.shape(theirs.intercept_)
    # The constant target's coefficients are 0 or nearly so: compared by what they do to predictions.
    np.testing.assert_allclose(regressor.predict(X), theirs.predict(X), rtol=1e-9)
    assert regressor.predict(X).shape == (200, 3)
    for j in range(3):
        one = LinearRegressor(gradient=gradient, fit_intercept=fit_intercept).fit(X, Y[:, j])
        np.testing.assert_allclose(regressor.coef_[j], one.coef_, rtol=1e-12, atol=1e-15)


def test_a_target_given_as_a_column_is_one_target_and_never_broadcast(rows):
    X, y = rows
    column, flat = LinearRegressor().fit(X, y[:, None]), LinearRegressor().fit(X, y)
    theirs = LinearRegression().fit(X, y[:, None])
    assert column.coef_.shape == theirs.coef_.shape == (1, 5)
    assert column.predict(X).shape == theirs.predict(X).shape == (200, 1)
    np.testing.assert_array_equal(column.coef_[0], flat.coef_)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


def test_a_constant_target_gives_zero_coefficients_and_one_iteration(rows):
    regressor = LinearRegressor().fit(rows[0], np.full(200, 0.1))
    np.testing.assert_array_equal(regressor.coef_, 0.0)
    assert regressor.intercept_ == 0.1
    assert regressor.n_iter_ == 1


@pytest.mark.parametrize("solver", SOLVERS)
def test_at_least_one_iteration_is_reported(rows, solver):
    assert LinearRegressor(solver=solver).fit(*rows).n_iter_ >= 1


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_whole_weights_are_repeated_rows_and_zero_weights_are_no_rows(rows, solver, fit_intercept):
    X, y = rows
    weights = np.random.default_rng(2).integers(0, 4, size=200)
    make = LinearRegressor(solver=solver, fit_intercept=fit_intercept, tol=1e-12, max_iter=100_000)
    weighted, repeated = (
        clone(make).fit(X, y, weights),
        clone(make).fit(np.repeat(X, weights, 0), np.repeat(y, weights)),
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)  # two descents, each to 1e-12 of its scale
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-9)


def test_a_row_of_weight_zero_may_hold_anything(rows):
    X, y = rows[0].copy(), rows[1]
    weights = np.ones(200)
    weights[3], X[3] = 0.0, np.nan
    kept = np.arange(200) != 3
    np.testing.assert_array_equal(
        LinearRegressor().fit(X, y, weights).coef_, LinearRegressor().fit(X[kept], y[kept], weights[kept]).coef_
    )


@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_weights_give_the_coefficients_that_scikit_learn_gives(rows, alpha):
    weights = np.random.default_rng(3).uniform(0.1, 5.0, size=200)
    theirs = (Ridge(alpha=alpha, solver="svd") if alpha else LinearRegression(tol=0)).fit(*rows, weights)
    ours = LinearRegressor(alpha=alpha).fit(*rows, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-10)


def test_one_number_as_weight_is_that_weight_for_every_row(rows):
    scalar, full = LinearRegressor(alpha=1.0).fit(*rows, 2.5), LinearRegressor(alpha=1.0).fit(*rows, np.full(200, 2.5))
    np.testing.assert_array_equal(scalar.coef_, full.coef_)
    assert not np.allclose(scalar.coef_, LinearRegressor(alpha=1.0).fit(*rows).coef_, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (np.r_[-1.0, np.ones(199)], "at least 0"),
        (np.r_[np.nan, np.ones(199)], "finite"),
        (np.r_[np.inf, np.ones(199)], "finite"),
        (np.ones(199), r"\(200,\)"),
        (np.ones((200, 1)), r"\(200,\)"),
        (np.zeros(200), "zero for every row"),
        (-1.0, "at least 0"),
    ],
)
def test_weights_that_mean_nothing_are_refused(rows, weights, says):
    with pytest.raises(ValueError, match=f"sample_weight .*{says}"):
        LinearRegressor().fit(*rows, weights)


def memmapped(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


@pytest.mark.parametrize(
    ("given", "within"),
    [
        (lambda X, _: np.asfortranarray(X), 1e-12),
        (lambda X, _: np.repeat(X, 2, axis=1)[:, ::2], 1e-12),
        (memmapped, 0.0),
        (lambda X, _: X.tolist(), 0.0),
        (lambda X, _: X.astype(np.longdouble), 0.0),
    ],
    ids=["Fortran order", "strided", "read-only memory map", "lists", "long double"],
)
def test_how_the_rows_lie_in_memory_does_not_matter(rows, tmp_path, given, within):
    X, y = rows
    fitted = LinearRegressor().fit(given(X, tmp_path), y)
    np.testing.assert_allclose(fitted.coef_, LinearRegressor().fit(X, y).coef_, rtol=within)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.int8, np.uint16, bool])
def test_narrow_types_are_computed_in_float64(dtype):
    X = np.random.default_rng(4).integers(0, 100, size=(300, 3)).astype(dtype)
    y = (X.astype(float) @ [1.0, 2.0, 3.0] + np.arange(300) % 5).astype(np.float32)
    narrow, wide = LinearRegressor().fit(X, y), LinearRegressor().fit(X.astype(np.float64), y.astype(np.float64))
    np.testing.assert_array_equal(narrow.coef_, wide.coef_)
    assert narrow.coef_.dtype == narrow.predict(X).dtype == np.float64


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_float32_is_computed_in_float64_and_rounded_once(rows, fit_intercept):
    X, y = rows[0].astype(np.float32), rows[1]
    single, double = (LinearRegressor(fit_intercept=fit_intercept).fit(x, y) for x in (X, X.astype(np.float64)))
    np.testing.assert_array_equal(single.coef_, double.coef_.astype(np.float32))
    assert single.intercept_ == np.float32(double.intercept_)
    # About the means, a rounded coefficient costs 2⁻²⁴ of it times the distance from there; then the sum is rounded.
    allowed = 2.0**-24 * (np.abs(X - X.mean(0)) @ np.abs(double.coef_) + np.abs(double.predict(X)))
    apart = np.abs(single.predict(X.astype(np.float64)) - double.predict(X))
    assert (apart <= 1.01 * (allowed if fit_intercept else 2.0**-24 * np.abs(X) @ np.abs(double.coef_))).all()
    np.testing.assert_array_equal(single.predict(X), single.predict(X.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(), (1,), (3,)], ids=str)
@pytest.mark.parametrize("y_type", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("X_type", [np.float64, np.float32, np.int32])
def test_types_and_shapes_are_those_of_linear_regression(rows, X_type, y_type, shape, fit_intercept):
    X = rows[0].astype(X_type)
    y = np.multiply.outer(rows[1], np.ones(shape)).astype(y_type)
    ours, theirs = (make(fit_intercept=fit_intercept).fit(X, y) for make in (LinearRegressor, LinearRegression))
    assert type(ours.intercept_) is type(theirs.intercept_)
    for like in ("coef_", "intercept_"):
        got, expected = getattr(ours, like), getattr(theirs, like)
        assert (np.shape(got), np.asarray(got).dtype) == (np.shape(expected), np.asarray(expected).dtype)
    for table in (X, rows[0]):
        assert ours.predict(table).dtype == theirs.predict(table).dtype
        assert ours.predict(table).shape == theirs.predict(table).shape


def test_a_coefficient_beyond_float32_is_refused():
    X = np.arange(5.0, dtype=np.float32)[:, None] * 1e-30
    y = np.arange(5.0) * 1e20
    with pytest.raises(ValueError, match="range of float32"):
        LinearRegressor().fit(X, y)
    np.testing.assert_allclose(LinearRegressor().fit(X.astype(np.float64), y).coef_, 1e50, rtol=1e-6)


def test_a_frame_of_mixed_number_types_is_one_matrix(rows):
    X, y = rows
    frame = pd.DataFrame({
        "whole": np.arange(200, dtype=np.int8) % 7,
        "single": X[:, 0].astype(np.float32),
        "yes": X[:, 1] > 5,
        "nullable": pd.array(np.arange(200) % 11, dtype="Int64"),
        "float64": X[:, 2],
    })  # fmt: skip
    plain = np.column_stack([frame[c].to_numpy(dtype=np.float64) for c in frame])
    regressor = LinearRegressor().fit(frame, pd.Series(y))
    np.testing.assert_allclose(regressor.coef_, LinearRegressor().fit(plain, y).coef_, rtol=1e-12)
    assert regressor.feature_names_in_.tolist() == list(frame.columns)
    np.testing.assert_allclose(
        regressor.predict(frame), LinearRegression(tol=0).fit(plain, y).predict(plain), rtol=1e-10
    )
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("over", ["auto", "rows", "moments"])
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("shape", [(200, 5), (4, 5)], ids=["tall", "wide"])
@pytest.mark.parametrize(("value", "says"), [(np.nan, "Input X contains NaN"), (-np.inf, "Input X contains infinity")])
def test_cells_that_are_no_numbers_are_refused_in_scikit_learns_words(over, n_jobs, shape, value, says):
    X = np.random.default_rng(5).normal(size=shape)
    y, clean = X[:, 0].copy(), X.copy()
    X[1, 2] = value
    with pytest.raises(ValueError, match=says):
        LinearRegressor(over=over, n_jobs=n_jobs).fit(X, y)
    with pytest.raises(ValueError, match=says):
        LinearRegressor(over=over).fit(clean, y).predict(X)
    y[1] = value
    with pytest.raises(ValueError, match=says.replace("X", "y")):
        LinearRegressor(over=over, n_jobs=n_jobs).fit(clean, y)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_matrix])
def test_sparse_rows_are_refused_with_what_to_do(rows, kind):
    with pytest.raises(TypeError, match=r"dense data is required.*toarray"):
        LinearRegressor().fit(kind(rows[0]), rows[1])
    with pytest.raises(TypeError, match=r"dense data is required.*toarray"):
        LinearRegressor().fit(*rows).predict(kind(rows[0]))


@pytest.mark.parametrize("estimator", [LinearRegressor(), LinearRegressor(over="rows"), LinearRegressor(solver="gd")])
def test_rows_targets_and_weights_are_not_touched(rows, estimator):
    given = [rows[0].copy(), np.column_stack([rows[1], rows[1] ** 2]), np.arange(200.0)]
    kept = [part.copy() for part in given]
    estimator.fit(*given).predict(given[0])
    for part, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(part, before)


def test_too_few_iterations_warn_and_still_give_the_last_good_parameters(rows):
    regressor = LinearRegressor(solver="gd", max_iter=3)
    with pytest.warns(ConvergenceWarning, match="maximum number of iterations.*max_iter"):
        regressor.fit(*rows)
    assert regressor.status_ == "max_iter"
    assert regressor.n_iter_ == 3
    assert 0.0 < regressor.score(*rows) < LinearRegressor().fit(*rows).score(*rows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"solver": "lbfgs"},
        {"gradient": "numeric"},
        {"over": "columns"},
        {"alpha": -1.0},
        {"tol": 0.0},
        {"max_iter": 0},
        {"learning_rate": 0.0, "solver": "gd"},
        {"learning_rate": 0.1},
        {"n_jobs": 0},
        {"warm_start": 1},
        {"random_state": None},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_at_fit_and_named(rows, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LinearRegressor(**wrong).fit(*rows)


def test_any_number_of_threads_gives_the_same_bits(rows):
    X, y = np.tile(rows[0], (500, 1)), np.tile(rows[1], 500)
    one, two = LinearRegressor(n_jobs=1).fit(X, y), LinearRegressor(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.coef_, two.coef_)
    assert one.intercept_ == two.intercept_


def test_autodiff_is_traced_once_however_many_fits_and_shapes():
    for m, n in [(20, 2), (30, 3), (3, 5)]:
        X = np.random.default_rng(m).normal(size=(m, n))
        for over in ("rows", "moments"):
            LinearRegressor(gradient="autodiff", over=over).fit(X, X[:, 0] ** 2)
    assert autodiff.rows_tape(SquaredError(), False).experimental_get_tracing_count() == 1
    assert autodiff.moments_tape().experimental_get_tracing_count() == 1


@pytest.mark.parametrize("gradient", ["derived", "autodiff"])
def test_works_in_a_pipeline(rows, gradient):
    pipeline = make_pipeline(StandardScaler(), LinearRegressor(gradient=gradient)).fit(*rows)
    expected = LinearRegression(tol=0).fit(*rows).predict(rows[0])
    np.testing.assert_allclose(pipeline.predict(rows[0]), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
def test_a_grid_search_over_alpha_in_two_processes_finds_what_ridge_finds(rows):
    grid = {"alpha": np.logspace(-4, 8, 7)}
    ours = GridSearchCV(LinearRegressor(), grid, n_jobs=2, cv=3).fit(*rows)
    theirs = GridSearchCV(Ridge(solver="svd"), grid, cv=3).fit(*rows)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-10)


def test_cross_validation_scores_as_linear_regression_does(rows):
    ours, theirs = (cross_val_score(model, *rows, cv=5) for model in (LinearRegressor(), LinearRegression(tol=0)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_clone_copies_every_parameter_and_nothing_fitted(rows):
    regressor = LinearRegressor(
        fit_intercept=False, alpha=2.0, solver="gd", over="rows", standardize=False, learning_rate=1e-9, max_iter=5,
        tol=10.0, n_jobs=1,
    )  # fmt: skip
    copy = clone(regressor.fit(*rows))
    assert copy.get_params() == regressor.get_params()
    assert not hasattr(copy, "coef_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("solver", "limit"), [("gd", "max_iter"), ("sgd", "epochs")])
@pytest.mark.parametrize("targets", [1, 2])
def test_a_warm_start_goes_on_where_the_last_fit_ended(rows, solver, limit, targets):
    X, y = rows[0], np.column_stack([rows[1], rows[0][:, 1] ** 2])[:, :targets]
    warm = LinearRegressor(solver=solver, learning_rate=0.05, warm_start=True, **{limit: 3})
    cold = LinearRegressor(solver=solver, learning_rate=0.05, **{limit: 6})
    if solver == "sgd":  # else the order of an epoch depends on its number
        warm.shuffle = cold.shuffle = False
    first = warm.fit(X, y).coef_
    assert np.abs(warm.fit(X, y).coef_ - cold.fit(X, y).coef_).max() <= 1e-12 * np.abs(cold.coef_).max()
    np.testing.assert_allclose(warm.intercept_, cold.intercept_, rtol=1e-12)
    np.testing.assert_array_equal(warm.set_params(warm_start=False).fit(X, y).coef_, first)


def test_a_warm_start_takes_fewer_iterations_from_a_fit_of_any_kind(rows):
    X, y = rows
    cold = LinearRegressor(solver="gd").fit(X, y)
    for last in (LinearRegressor().fit(X, y), LinearRegressor().partial_fit(X, y)):
        warm = last.set_params(solver="gd", warm_start=True).fit(X, y)
        assert warm.n_iter_ < 0.5 * cold.n_iter_
        np.testing.assert_allclose(warm.coef_, cold.coef_, rtol=1e-8)
    exact = LinearRegressor(warm_start=True).fit(X, y + 1e6)
    np.testing.assert_array_equal(exact.fit(X, y).coef_, LinearRegressor().fit(X, y).coef_)
    with pytest.raises(ValueError, match=r"columns and targets of the last fit.*warm_start=False"):
        exact.fit(X[:, :2], y)
    empty = LinearRegressor(warm_start=True).partial_fit(X, y).forget(X, y)
    np.testing.assert_array_equal(empty.fit(X, y).coef_, LinearRegressor().fit(X, y).coef_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_random_state_seeds_the_order_of_rows(rows):
    one, again, other = (
        LinearRegressor(solver="sgd", epochs=2, random_state=seed).fit(*rows).coef_ for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_a_fitted_estimator_survives_being_stored(rows, tmp_path, through):
    regressor = LinearRegressor().fit(*rows)
    if through == "pickle":
        stored = pickle.loads(pickle.dumps(regressor))
    else:
        joblib.dump(regressor, tmp_path / "model.joblib")
        stored = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(stored.predict(rows[0]), regressor.predict(rows[0]))
    assert stored.get_params() == regressor.get_params()
    assert len(pickle.dumps(regressor)) < 5000  # it holds no rows, which are 8 kB
