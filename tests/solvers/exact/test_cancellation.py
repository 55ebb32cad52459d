"""What cancels is right to the last bit, too: intercepts, coefficients far below their scale, least norms."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import LinearRegressor
from regress.options import train
from regress.solvers.exact.modular_arithmetic import independent
from tests.examples import examples
from tests.oracles.rational import LeastSquares, nearest

pytestmark = pytest.mark.filterwarnings("ignore::regress.DataWarning")


def minimum(X, y, weights=None, alpha=0.0, fit_intercept=True):
    """Return b and w at the minimum, each rounded once, in rational arithmetic."""
    exact = LeastSquares(X.tolist(), None if weights is None else weights.tolist(), alpha, fit_intercept)
    least = exact.minimum(y.tolist())
    return [nearest(v) for v in (least.b, *least.w)]


def found(X, y, weights=None, **options):
    fit = regress.fit(X, y, weights=weights, **options)
    assert fit.precision == "exact"
    return [fit.b, *fit.w.tolist()]


def proportional(random):
    """Return whole columns that are nearly multiples of each other, and a target that is nearly one of them."""
    base = random.integers(1, 40, size=(random.integers(4, 9), 1)) * 2310021.0
    X = base + random.integers(-3, 4, size=(len(base), random.integers(1, 4))) * 21.0
    return X, base[:, 0] * 10 / 11 + random.integers(0, 3, size=len(base)) + 4e-8


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["plain", "one light row", "a small penalty"])
def test_an_intercept_that_cancels_is_the_nearest_double(seed, kind):
    random = np.random.default_rng(seed)
    X, y = proportional(random)
    weights = np.ones(len(X))
    options = {"alpha": 10.0 ** -random.integers(3, 16)} if kind == "a small penalty" else {}
    if kind == "one light row":
        weights[0] = 10.0 ** -random.integers(6, 19)
    centered = X - X.mean(0)
    if np.linalg.matrix_rank(centered) < X.shape[1]:
        pytest.skip("columns that depend on each other have no single answer")
    assert found(X, y, weights, **options) == minimum(X, y, weights, **options)


def test_an_intercept_of_nothing_is_zero():
    x = np.array([[1.0], [2.0], [4.0], [7.0]])
    assert found(x, 3.0 * x[:, 0]) == [0.0, 3.0]
    assert found(x / 3.0, x[:, 0])[0] == minimum(x / 3.0, x[:, 0])[0] != 0.0  # of the stored thirds


@pytest.mark.parametrize("low", [1e-16, 1e-60, 1e-140, 0.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_coefficients_far_below_their_scale_are_right(low, fit_intercept):
    X = np.array([[1, 0], [2, 0], [0, 1], [0, 2.0], [0, 0]])
    y = np.array([1e16, 2.5e16, low, 2.5 * low, 0.0])
    expected = minimum(X, y, fit_intercept=fit_intercept)
    assert found(X, y, fit_intercept=fit_intercept) == expected
    assert expected[2] or (not low and not fit_intercept)


@pytest.mark.parametrize("alpha", [1e40, 1e100, 1e250])
def test_a_large_penalty_leaves_the_nearest_double(alpha):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(12, 3)), random.normal(size=12)
    assert found(X, y, alpha=alpha) == minimum(X, y, alpha=alpha)


@pytest.mark.parametrize("alpha", [1e-9, 1e-40, 1e-100])
def test_a_penalty_however_small_decides_between_dependent_columns(alpha):
    X = np.array([[1.0, 2.0, 3.0], [2.0, -1.0, 1.0], [0.0, 4.0, 4.0], [5.0, 1.0, 6.0], [1.0, 1.0, 2.0]])
    y = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    assert found(X, y, alpha=alpha) == minimum(X, y, alpha=alpha)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.data(), st.integers(1, 7), st.integers(1, 7))
def test_exact_rank_is_that_of_rational_elimination(data, m, n):
    X = np.array(data.draw(st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=m, max_size=m)))
    pivots, rows = [], [[Fraction(int(v)) for v in row] for row in X]
    for j in range(n):
        i = next((k for k in range(len(pivots), m) if rows[k][j]), None)
        if i is None:
            continue
        rows[len(pivots)], rows[i] = rows[i], rows[len(pivots)]
        for k in range(len(pivots) + 1, m):
            factor = rows[k][j] / rows[len(pivots)][j]
            rows[k] = [a - factor * c for a, c in zip(rows[k], rows[len(pivots)], strict=True)]
        pivots.append(j)
    assert independent((X.T @ X).astype(object)) == pivots


def worst(w, true):
    return -np.log10(np.abs(w / true - 1.0).max() + 1e-16)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(30, 30), (100, 100), (60, 200), (250, 260)], ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_square_and_wide_tables_keep_their_digits(shape, seed, fit_intercept):
    random = np.random.default_rng(seed)
    X, y = random.uniform(size=shape), random.uniform(size=shape[0])
    exact = regress.fit(X, y, fit_intercept=fit_intercept, precision="exact").w
    assert (worst(regress.fit(X, y, fit_intercept=fit_intercept).w, exact)) >= 15.0
    assert (worst(regress.fit(X, y, fit_intercept=fit_intercept, precision="float64").w, exact)) >= 15.0
    assert (worst(LinearRegressor(fit_intercept=fit_intercept).fit(X, y).coef_, exact)) >= 15.0
    centered, rest = (X - X.mean(0), y - y.mean()) if fit_intercept else (X, y)
    assert worst(np.linalg.lstsq(centered, rest)[0], exact) > 8.0  # the oracle of the exact answer itself


@pytest.fixture
def short_descent(monkeypatch):
    """Let the plain descent of a comparison, which does not get far on these tables, take few steps."""
    monkeypatch.setitem(train._MAX_ITER, "gd", 1000)


@pytest.mark.usefixtures("short_descent")
@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")  # in float64
@pytest.mark.parametrize("apart", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("shape", [(6, 6), (6, 11)], ids=str)
def test_no_digits_are_claimed_where_a_cut_decided_the_rank(shape, apart):
    random = np.random.default_rng(0)
    X, y = random.normal(size=shape), random.normal(size=shape[0])
    X[1] = X[0] + apart * random.normal(size=shape[1])
    exact, double = regress.fit(X, y), regress.fit(X, y, precision="float64")
    assert exact.rank == 5
    right = np.clip(-np.log10(np.abs(double.w / exact.w - 1.0) + 1e-16), 0.0, 15.95)
    if double.digits_at_least is None:
        assert double.rank is None
    else:
        assert (np.array(list(double.digits_at_least.values())) <= right + 0.05).all()
    verdict = regress.compare(X, y, test_size=0.0)
    assert verdict.fits[0].digits > 12.0
    assert all(fit.excess_loss >= 0.0 for fit in verdict.fits if fit.w is not None)


@pytest.mark.usefixtures("short_descent")
def test_a_hilbert_matrix_has_one_solution_and_compare_and_certify_know_it():
    X = np.array([[1 / (i + j + 1) for j in range(8)] for i in range(8)])
    y = np.arange(8) + 1.0
    fit = regress.fit(X, y, fit_intercept=False)
    assert fit.rank == 8
    assert [0.0, *fit.w.tolist()] == minimum(X, y, fit_intercept=False)
    comparison = regress.compare(X, y, fit_intercept=False, test_size=0.0)
    for row in comparison.fits:
        if row.w is not None:
            certificate = regress.certify((row.w, row.b), X, y, fit_intercept=False)
            assert min(certificate.digits.values()) == pytest.approx(row.digits, abs=0.01)
