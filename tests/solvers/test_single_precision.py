"""A curvature in single precision changes the way to the minimum, not the minimum."""

import numpy as np
import pytest

import regress
from regress import LinearRegressor
from regress.aggregates.collect import collect_rough
from regress.aggregates.moment_sums import accumulate
from regress.blocks import blocks_of
from regress.options import TrainOptions
from regress.solvers.choose import rough_pays
from tests.examples import first

N, M = 256, 2100
random = np.random.default_rng(8)
X = random.normal(size=(M, N)) * np.logspace(-6, 6, N)
y = X @ (random.normal(size=N) / np.logspace(-6, 6, N)) + 3.0 + 0.1 * random.normal(size=M)
a = random.uniform(0.5, 2.0, size=M)


def answer(X, y, weights=None):
    """Return coefficients and intercept by singular values of centered columns of unit length: scales do not matter."""
    weights = np.ones(len(X)) if weights is None else weights
    center, level = weights @ X / weights.sum(), weights @ y / weights.sum()
    root = np.sqrt(weights)[:, None]
    Z = (X - center) * root
    norm = np.linalg.norm(Z, axis=0)
    w = np.linalg.lstsq(Z / norm, (y - level).reshape(len(X), -1) * root, rcond=1e-12)[0].T / norm
    w = w[0] if y.ndim == 1 else w
    return w, level - w @ center


def rough(X, weights=None):
    return collect_rough(X, y[:, None], weights, 1)


@pytest.mark.parametrize("weights", [None, a])
def test_the_coefficients_are_those_of_double_precision(weights):
    data = rough(X, weights)
    assert data is not None
    assert data.rough
    double = accumulate(blocks_of(X, y[:, None], weights))
    size = np.sqrt(np.outer(np.diagonal(double.xx), np.diagonal(double.xx)))
    apart = np.abs(data.moments.xx - double.xx) / size
    assert 1e-9 < apart.max() < 1e-5  # it is single precision that is used, and no less
    assert np.allclose(np.diagonal(data.moments.xx), np.diagonal(double.xx), rtol=1e-13)
    ours, (w, b) = LinearRegressor().fit(X, y, weights), answer(X, y, weights)
    assert ours.coef_ == pytest.approx(w, rel=1e-9, abs=0)
    assert ours.intercept_ == pytest.approx(b, rel=1e-11)
    assert ours.rank_ == N


def test_several_targets_and_threads():
    Y = np.c_[y, y**2]
    one, two = LinearRegressor(n_jobs=1).fit(X, Y), LinearRegressor(n_jobs=2).fit(X, Y)
    assert np.array_equal(one.coef_, two.coef_)
    assert one.coef_ == pytest.approx(answer(X, Y)[0], rel=1e-8)


UNFIT = {
    "few columns": X[:, :255],
    "few rows": X[: 8 * N - 1],
    "a column far from zero": np.c_[X[:, 1:], X[:, 0] + 1.0],
    "a column beyond single precision": np.c_[X[:, 1:], random.normal(size=M) * 1e30],
    "a column below single precision": np.c_[X[:, 1:], random.normal(size=M) * 1e-30],
    "a cell that is missing": np.where(np.arange(N) == 3, np.nan, X),
}


@pytest.mark.parametrize("case", UNFIT)
def test_where_it_would_not_work_double_precision_does(case):
    Z = UNFIT[case]
    assert not rough_pays(TrainOptions(), *Z.shape) or collect_rough(Z, y[: len(Z), None], None, 1) is None
    if "missing" in case:
        with pytest.raises(ValueError, match="NaN"):
            LinearRegressor().fit(Z, y)
    elif "far" not in case:
        ours = LinearRegressor().fit(Z, y[: len(Z)])
        assert ours.coef_ == pytest.approx(answer(Z, y[: len(Z)])[0], rel=1e-7)


@pytest.mark.parametrize("gap", first([1e-5], [0.0, 1e-5]))
def test_nearly_dependent_columns_are_left_to_double_precision(gap):
    Z = X / np.logspace(-6, 6, N)
    Z[:, 0] = Z[:, 1] + Z[:, 2] + gap * random.normal(size=M)
    ours = LinearRegressor().fit(Z, y)
    assert ours.rank_ == (N if gap else N - 1)
    Z -= Z.mean(0)  # lstsq gives the least norm of the columns as they are
    w = np.linalg.lstsq(Z, y, rcond=1e-12)[0]
    assert ours.coef_ == pytest.approx(w, rel=1e-4, abs=1e-4 * np.abs(w).max())


U = np.random.default_rng(9).uniform(size=(M, N))
COMMON = np.random.default_rng(10).uniform(size=(M, 1))
ALIKE = COMMON + 0.01 * U
HARD = {  # rows, weights, and how many digits of 16 − 2·log₁₀κ may be missing
    "uniform": (U, None, 2.0),
    "uniform with weights": (U, a, 2.0),
    "skewed": (-np.log(U), None, 2.0),
    "rather alike": (COMMON + 0.05 * U, None, 2.0),  # κ = 500: each step gains a factor of 300 only
    "nearly alike": (ALIKE, None, 2.0),  # κ = 2500: a factor of 10
    "far from zero": (U + 1e6, None, 3.5),  # no single precision here: rounding of sums over 2100 rows takes √2100
    "one column far from zero": (np.c_[U[:, 1:], U[:, 0] + 1e4], None, 3.5),
}


@pytest.mark.parametrize("case", HARD)
def test_all_digits_are_right_that_the_condition_leaves(case):
    (Z, weights, slack), r = HARD[case], np.random.default_rng(11)
    assert (rough(Z, weights) is None) == ("far" in case)
    target = Z @ (r.choice([-1.0, 1.0], size=N) * r.uniform(1.0, 2.0, size=N)) + 0.01 * r.normal(size=M)
    exact = regress.fit(Z, target, weights=weights, precision="exact").w
    centered = Z - Z.mean(0)
    promised = 16.0 - 2.0 * np.log10(np.linalg.cond(centered / np.linalg.norm(centered, axis=0))) - slack
    assert exact == pytest.approx(answer(Z, target, weights)[0], rel=10.0**-promised)  # a second opinion
    ours = LinearRegressor(precision="float64").fit(Z, target, weights)
    assert -np.log10(np.abs(ours.coef_ / exact - 1.0).max()) > promised
    assert ours.status_ == "converged"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # where the last step reached tol
def test_a_limit_on_iterations_holds():
    target = ALIKE @ np.ones(N) + random.normal(size=M)
    free = LinearRegressor(precision="float64").fit(ALIKE, target).n_iter_
    assert free > 2
    assert LinearRegressor(precision="float64", max_iter=free - 1).fit(ALIKE, target).n_iter_ == free - 1
