"""Every solver reaches the least-squares answer; dependent columns, wide tables, limits and invariances."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge

from regress.aggregates import collect
from regress.aggregates.collect import RoomError, collect_rows
from regress.blocks import Block, blocks_of
from regress.errors import InputError, LearningRateError
from regress.options import TrainOptions
from regress.solvers.status import Status
from regress.solvers.train import Regression

SOLVERS = ["auto", "gd", "accelerated", "cg", "newton"]
X, y = load_diabetes(scaled=False, return_X_y=True)
random = np.random.default_rng(7)
WIDE, wide_y = random.normal(size=(30, 80)) * np.logspace(-2, 2, 80) + 3.0, random.normal(size=30)


def train(X, y, weights=None, n_jobs=1, **options):
    options = TrainOptions(**options)
    data = collect_rows(blocks_of(X, y[:, None], weights), options.over, n_jobs)
    return Regression(data, options, [f"x{j}" for j in range(X.shape[1])]).train()


def reference(X, y, alpha=0.0, weights=None, fit_intercept=True):
    """Return scikit-learn's answer by singular values, with the cut-off that keeps every column."""
    model = (
        Ridge(alpha, solver="svd", fit_intercept=fit_intercept)
        if alpha
        else LinearRegression(tol=0, fit_intercept=fit_intercept)
    )
    return model.fit(X, y, sample_weight=weights)


def close(got, model, rtol):
    assert got.w == pytest.approx(model.coef_, rel=rtol, abs=rtol * np.abs(model.coef_).max())
    assert got.b == pytest.approx(float(model.intercept_), rel=rtol, abs=rtol)


# A gradient of 1e-10 leaves an error of κ² · 1e-10 in w; κ of the scaled diabetes columns is about 22.
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 5.0])
@pytest.mark.parametrize("over", ["rows", "moments"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_reaches_the_minimum(solver, over, alpha, fit_intercept):
    Z = X if fit_intercept else X - X.mean(0)  # uncentered, plain descent would need a million steps
    got = train(Z, y, solver=solver, over=over, alpha=alpha, fit_intercept=fit_intercept)
    assert got.status is Status.CONVERGED
    tight = solver in ("auto", "newton")
    close(got, reference(Z, y, alpha, fit_intercept=fit_intercept), 1e-9 if tight else 1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_weights_reach_the_weighted_minimum(solver):
    a = np.random.default_rng(1).uniform(0.5, 3.0, size=len(y))
    for over in ("rows", "moments"):
        close(train(X, y, a, solver=solver, over=over), reference(X, y, weights=a), 1e-5)


def test_the_work_of_each_solver_is_of_the_order_expected():
    steps = {solver: train(X, y, solver=solver).n_iter for solver in SOLVERS}
    assert 3_000 < steps["gd"] < 30_000
    assert 100 < steps["accelerated"] < 1_000
    assert steps["cg"] <= 15
    assert steps["newton"] == steps["auto"] <= 2


def test_the_stop_rule_holds_at_the_answer():
    got = train(X, y, solver="accelerated", tol=1e-8)
    r = X @ got.w + got.b - y
    Z = X - X.mean(0)
    spread = np.linalg.norm(y - y.mean())
    assert np.abs(Z.T @ r / (np.linalg.norm(Z, axis=0) * spread)).max() <= 1.001e-8
    assert abs(r.sum()) <= 1.001e-8 * np.sqrt(len(y)) * spread
    loose = train(X, y, solver="accelerated", tol=1e-4)
    assert loose.n_iter < got.n_iter


DEPENDENT = {
    "a sum of two columns": np.c_[X, X[:, 0] + X[:, 1]],
    "a column twice, once in other units": np.c_[X, X[:, 3] * 1e6],
    "a constant column": np.c_[X, np.full(len(X), 3.5)],
    "all of them": np.c_[X, X[:, 0] + X[:, 1], X[:, 3] * 1e6, np.ones(len(X))],
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("which", DEPENDENT)
def test_dependent_columns_get_the_answer_of_least_norm(which, solver):
    Z = DEPENDENT[which]
    got, model = train(Z, y, solver=solver), reference(Z, y)
    assert got.rank == 10
    close(got, model, 1e-8 if solver in ("auto", "newton") else 1e-5)


@pytest.mark.parametrize("solver", ["newton", "gd"])
def test_least_norm_holds_without_an_intercept_and_in_raw_units(solver):
    fixed = np.random.default_rng(3)
    Z = fixed.normal(size=(60, 3))
    Z = np.c_[Z, Z[:, 0] - 2 * Z[:, 2]]
    t = Z @ [1.0, 2.0, 3.0, 4.0] + fixed.normal(size=60)
    for options in ({"fit_intercept": False}, {"standardize": False}):
        center = 0.0 if "fit_intercept" in options else Z.mean(0)
        w = np.linalg.lstsq(Z - center, t - (t.mean() if "standardize" in options else 0.0), rcond=1e-10)[0]
        assert train(Z, t, solver=solver, **options).w == pytest.approx(w, rel=1e-7)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["auto", "cg"])
def test_more_columns_than_rows_get_the_answer_of_least_norm(solver, fit_intercept, alpha):
    got = train(WIDE, wide_y, solver=solver, alpha=alpha, fit_intercept=fit_intercept, tol=1e-12)
    assert got.over == "rows"
    close(got, reference(WIDE, wide_y, alpha, fit_intercept=fit_intercept), 1e-6)


def test_a_wide_table_with_weights():
    a = np.random.default_rng(2).uniform(0.5, 2.0, size=30)
    close(train(WIDE, wide_y, a), reference(WIDE, wide_y, weights=a), 1e-7)


@pytest.mark.slow
def test_500_by_20000_fits_in_two_gigabytes():
    code = (
        "import numpy as np, resource, sys\nfrom pathlib import Path\nfrom regress import LinearRegressor\n"
        "X = np.random.default_rng(0).normal(size=(500, 20_000)); y = X[:, 0] + 1.0\n"
        "m = LinearRegressor().fit(X, y)\nassert np.abs(m.predict(X) - y).max() < 1e-9\n"
        "status = Path('/proc/self/status')\n"  # ru_maxrss counts the process that started this one too
        "found = [line.split()[1] for line in status.open() if line.startswith('VmHWM')] if status.exists() else []\n"
        "print(*found or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(said) * 1024 < 2 * 2**30


def test_where_no_square_matrix_fits_conjugate_gradients_take_over(monkeypatch):
    monkeypatch.setattr(collect, "memory", lambda: 8 * 9 * 9 * 4)  # a 9 × 9 matrix fits a quarter of it, no 10 × 10
    monkeypatch.setattr(collect, "_check_room", lambda *_: None)
    got = train(X, y)
    assert (got.solver, got.over, got.status) == ("cg", "rows", Status.CONVERGED)
    assert got.rank is None  # a square matrix would tell
    close(got, reference(X, y), 1e-5)
    close(train(X, y, solver="accelerated"), reference(X, y), 1e-5)
    with pytest.raises(InputError, match="solver='cg'"):
        train(X, y, solver="newton")
    with pytest.raises(InputError, match="over='rows'"):
        train(X, y, over="moments")


def test_rows_that_do_not_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(collect, "memory", lambda: 4000)
    with pytest.raises(RoomError, match="memory"):
        collect_rows(blocks_of(X, y[:, None]), "rows")


@pytest.mark.parametrize("standardize", [True, False])
def test_a_rate_above_the_limit_is_refused_and_names_it(standardize):
    Z = np.c_[X[:, 0], X[:, 4] * 10]
    A = np.c_[(Z - Z.mean(0)) / Z.std(0) if standardize else Z, np.ones(len(Z))]
    limit = len(Z) / np.linalg.eigvalsh(A.T @ A)[-1]
    options = dict(solver="gd", standardize=standardize)
    with pytest.raises(LearningRateError, match=f"{limit:.6g}") as refused:
        train(Z, y, learning_rate=limit * 1.001, **options)
    assert "x1" in str(refused.value)
    assert train(Z, y, learning_rate=limit * 0.999, max_iter=20, **options).loss < y @ y


def test_the_limit_is_the_limit():
    Z = (X[:, :2] - X[:, :2].mean(0)) / X[:, :2].std(0)
    A = np.c_[Z, np.ones(len(Z))]
    limit = len(Z) / np.linalg.eigvalsh(A.T @ A)[-1]
    sizes = []
    for factor in (0.99, 1.01):
        p, target = np.zeros(3), y
        for _ in range(3000):
            p -= factor * limit / len(Z) * 2 * A.T @ (A @ p - target)
        sizes.append(np.abs(p).max())
    assert sizes[0] < 1e3 < 1e10 < sizes[1]


def test_a_constant_target_stops_at_once():
    got = train(X, np.full(len(y), 7.25))
    assert (got.status, got.n_iter, got.b, got.loss) == (Status.CONVERGED, 0, 7.25, 0.0)
    assert not got.w.any()
    assert not train(X, np.zeros(len(y)), fit_intercept=False).w.any()


def test_one_row_and_no_row():
    got = train(X[:1], y[:1])
    assert (got.b, got.rank, got.status) == (y[0], 0, Status.CONVERGED)
    with pytest.raises(InputError, match="no row"):
        collect_rows([])


@pytest.mark.parametrize("rows", [3, 442])  # more columns than rows, and fewer
@pytest.mark.parametrize("value", [1e200, np.inf, np.nan])
def test_a_column_whose_squares_overflow_is_named(value, rows):
    Z = X[:rows].copy()
    Z[1, 3] = value
    with pytest.raises(InputError, match="x3"):
        train(Z, y[:rows])


def test_several_targets_share_one_pass():
    data = collect_rows([Block(X, np.c_[y, y**2])])
    regression = Regression(data, TrainOptions(), [f"x{j}" for j in range(10)])
    for k, target in enumerate((y, y**2)):
        close(regression.train(k), reference(X, target), 1e-9)


def test_threads_do_not_change_a_bit():
    Z = np.random.default_rng(0).normal(size=(200_000, 5)) + 3.0
    t = Z @ np.arange(5.0) + Z[:, 0] ** 2
    one, two = train(Z, t, n_jobs=1), train(Z, t, n_jobs=2)
    assert np.array_equal(one.w, two.w)
    assert one.b == two.b


def test_shifts_scales_orders_and_a_column_of_ones():
    base = train(X, y)
    shifted = train(X + 1000.0, y)
    assert shifted.w == pytest.approx(base.w, rel=1e-9)
    assert shifted.b == pytest.approx(base.b - 1000.0 * base.w.sum(), rel=1e-9)
    scale = np.logspace(-5, 5, 10)
    assert train(X * scale, y).w * scale == pytest.approx(base.w, rel=1e-9)
    assert train(X, y + 50.0).w == pytest.approx(base.w, rel=1e-9)
    order = np.random.default_rng(4).permutation(len(y))
    assert train(X[order], y[order]).w == pytest.approx(base.w, rel=1e-10)
    ones = train(np.c_[X, np.ones(len(X))], y, fit_intercept=False)
    assert ones.w == pytest.approx(np.r_[base.w, base.b], rel=1e-7)  # uncentered columns are worse conditioned


def test_a_far_column_keeps_its_digits():
    time = 1.7e9 + np.sort(np.random.default_rng(5).uniform(0, 10.0, size=500))
    slope = train(time[:, None], 2.0 * (time - 1.7e9) + 5.0)
    assert slope.w[0] == pytest.approx(2.0, rel=1e-12)
