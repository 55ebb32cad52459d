"""Huber's loss is minimized to the last digits, by rational arithmetic; repeated rows, invariances, scikit-learn."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import HuberRegressor, LinearRegression

import regress
from regress import InputError, LinearRegressor
from regress.solvers.huber import NORMAL, weighted_median

random = np.random.default_rng(7)
X = random.normal(size=(150, 3)) * [1.0, 20.0, 0.1] + [0.0, 300.0, 1.0]
y = X @ [2.0, -0.1, 5.0] + 3.0 + random.standard_t(1.5, size=150)
a = random.uniform(0.5, 2.0, size=150)
whole = st.integers(-5, 5)
UNIT = 2.0**-53


def huber(scale=None, **options):
    return LinearRegressor(loss="huber", huber_scale=scale, **options)


def gradient(X, y, w, b, delta, weights, alpha):
    """Return ∂/∂w and ∂/∂b of Σ a h/2 + α‖w‖²/2 (n + 1,) in rational arithmetic, and the sizes of their terms."""
    total, size, w = [Fraction(0)] * (len(w) + 1), [0.0] * (len(w) + 1), [Fraction(v) for v in w]
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        cells = [*map(Fraction, row), Fraction(1)]
        predicted = sum((x * v for x, v in zip(cells, [*w, Fraction(b)], strict=True)), Fraction(0))
        pull = Fraction(weight) * max(-Fraction(delta), min(Fraction(delta), predicted - Fraction(target)))
        reach = abs(target) + sum(abs(float(x * v)) for x, v in zip(cells, [*w, Fraction(b)], strict=True))
        for j, x in enumerate(cells):
            total[j] += x * pull
            size[j] += abs(float(x)) * weight * (reach + delta)
    for j, v in enumerate(w):
        total[j] += Fraction(alpha) * v
        size[j] += alpha * abs(float(v))
    return total, size


@settings(deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(st.tuples(*[whole] * (n + 1), st.integers(1, 3)), min_size=n + 2, max_size=12)
    ),
    st.sampled_from([1.0, 2.0, 3.0, 0.125]),  # whole residuals are at |r| = δ, where L bends
    st.booleans(),
    st.sampled_from([0.0, 0.0, 0.5]),
)
def test_the_gradient_vanishes_but_for_rounding(table, scale, fit_intercept, alpha):
    """Each residual, each term and each parameter is rounded a few times: to a few ulps of the sizes of the terms."""
    columns = np.array(table, dtype=float)
    X, y, weights = columns[:, :-2], columns[:, -2], columns[:, -1]
    try:
        fit = huber(scale, epsilon=1.0, fit_intercept=fit_intercept, alpha=alpha, solver="newton").fit(X, y, weights)
    except InputError:
        assert len(y) <= X.shape[1]
        return
    assert fit.status_ == "converged"
    found, size = gradient(X, y, fit.coef_, float(fit.intercept_), scale, weights, alpha)
    for j in range(X.shape[1] + fit_intercept):
        assert abs(found[j]) <= 8 * len(y) * UNIT * (size[j] + size[-1])


@pytest.mark.parametrize("scale", [0.01, 0.5, 1.0, 30.0])
@pytest.mark.parametrize("weights", [None, a], ids=["plain", "weighted"])
@pytest.mark.parametrize("solver", ["accelerated", "gd"])
def test_every_solver_comes_to_the_same_minimum(scale, weights, solver):
    newton = huber(scale).fit(X, y, weights)
    other = huber(scale, solver=solver, max_iter=300_000).fit(X, y, weights)
    assert other.coef_ == pytest.approx(newton.coef_, rel=1e-6)
    assert other.intercept_ == pytest.approx(newton.intercept_, rel=1e-6)
    assert newton.n_iter_ < 30 < other.n_iter_ or scale == 30.0


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("epsilon", [1.1, 1.35, 3.0])
def test_scikit_learn_at_its_own_scale(alpha, epsilon):
    """Its loss is L/σ + α‖w‖² + σm. It stops early: its coefficients have three digits or more."""
    Z = (X - X.mean(0)) / X.std(0)
    theirs = HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-10, max_iter=10_000).fit(Z, y)
    ours = huber(theirs.scale_, epsilon=epsilon, alpha=alpha * theirs.scale_).fit(Z, y)
    assert ours.coef_ == pytest.approx(theirs.coef_, rel=1e-3)

    def loss(fit):
        size, delta = np.abs(y - fit.predict(Z)), epsilon * theirs.scale_
        h = np.where(size <= delta, size**2, 2.0 * delta * size - delta**2)
        return np.sum(h) + alpha * theirs.scale_ * fit.coef_ @ fit.coef_

    assert loss(ours) <= loss(theirs) <= loss(ours) * (1.0 + 1e-7)


def test_the_scale_is_that_of_the_least_squares_residuals():
    residuals = y - LinearRegression().fit(X, y).predict(X)
    fit = regress.fit(X, y, loss="huber")
    assert fit.huber_scale == pytest.approx(np.median(np.abs(residuals)) / NORMAL, rel=1e-10)
    assert fit.outliers == np.sum(np.abs(y - fit.predict(X)) > 1.35 * fit.huber_scale)
    given = regress.fit(X, y, loss="huber", huber_scale=fit.huber_scale)
    assert given.w.tolist() == fit.w.tolist()


@given(st.lists(st.tuples(whole, st.integers(1, 4)), min_size=1, max_size=9))
def test_the_median_of_weighted_values_is_that_of_repeated_ones(pairs):
    values, times = (np.array(column) for column in zip(*pairs, strict=True))
    assert weighted_median(values.astype(float), times.astype(float)) == np.median(np.repeat(values, times))


@pytest.mark.parametrize("scale", [None, 1.0])
def test_a_weight_counts_as_repeated_rows(scale):
    times = random.integers(1, 4, size=150)
    weighted = huber(scale).fit(X, y, times)
    repeated = huber(scale).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert weighted.coef_ == pytest.approx(repeated.coef_, rel=1e-10)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_, rel=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_units_and_origins_change_what_they_must(fit_intercept):
    at = huber(fit_intercept=fit_intercept).fit(X, y)
    scaled = huber(fit_intercept=fit_intercept).fit(X * [1e3, 1e-5, 7.0], 50.0 * y)
    assert scaled.coef_ * [1e3, 1e-5, 7.0] == pytest.approx(50.0 * at.coef_, rel=1e-10)
    tilted = huber(fit_intercept=fit_intercept).fit(X, y + X @ [1.0, 2.0, -3.0] + 1e3 * fit_intercept)
    assert tilted.coef_ == pytest.approx(at.coef_ + np.array([1.0, 2.0, -3.0]), rel=1e-9)
    assert tilted.intercept_ == pytest.approx(at.intercept_ + 1e3 * fit_intercept, rel=1e-9)
    if fit_intercept:
        moved = huber().fit(X + np.array([1e4, -1e4, 0.0]), y + 1e6)
        assert moved.coef_ == pytest.approx(at.coef_, rel=1e-6)


def test_digits_are_those_of_the_residuals_wherever_the_target_is():
    grid = np.round(y * 2.0**12) / 2.0**12
    near, off = (huber(1.0).fit(X, grid + level) for level in (0.0, 2.0**36))  # no target is rounded
    assert off.coef_ == pytest.approx(near.coef_, rel=1e-12)


@pytest.mark.parametrize("tol", [0.3, 1e-2])
def test_newton_goes_on_to_the_last_digit_whatever_the_tolerance(tol):
    assert huber(1.0, tol=tol).fit(X, y).coef_ == pytest.approx(huber(1.0).fit(X, y).coef_, rel=1e-12)


@pytest.mark.parametrize("far", [1e3, 1e12, 1e100])
def test_an_outlier_pulls_no_harder_however_far_it_is(far):
    near, further = (huber(1.0).fit(X, np.append(y[:-1], value)) for value in (1e3, far))
    assert further.coef_ == pytest.approx(near.coef_, rel=1e-12)
    assert further.intercept_ == pytest.approx(near.intercept_, rel=1e-12)


def test_a_scale_far_below_the_residuals_takes_more_steps_of_many_columns():
    Z = random.normal(size=(300, 90))
    target = Z @ random.normal(size=90) + random.standard_cauchy(size=300)
    fit = huber(1e-3).fit(Z, target)
    assert fit.status_ == "converged"
    assert fit.n_iter_ > 100
    assert np.sum(np.abs(target - fit.predict(Z)) <= 1.35e-3) >= 91  # as many rows as parameters, as for least |r|


def test_columns_far_from_zero_and_raw_coordinates():
    plain, raw = (huber(standardize=standardize).fit(X + 1e6, y) for standardize in (True, False))
    assert plain.coef_ == pytest.approx(huber().fit(X, y).coef_, rel=1e-6)
    assert raw.coef_ == pytest.approx(plain.coef_, rel=1e-6)


def test_half_of_the_rows_may_be_exact():
    line = 3.0 * np.arange(40.0) + 1.0
    line[::7] += [50.0, -90.0, 1e4, 33.0, -70.0, 8.0]
    fit = huber(1e-3).fit(np.arange(40.0)[:, None], line)
    assert fit.coef_ == pytest.approx([3.0], rel=1e-4)
    levels = np.repeat([0.0, 1.0], [5, 20])
    with pytest.raises(InputError, match=r"half of the rows except for rounding, .* no scale. Set huber_scale"):
        huber().fit(levels[:, None], np.append([0.0, 1.0, 2.0, 3.0, 4.0], np.full(20, 5.0)))


def test_a_fit_without_a_residual_is_that_of_least_squares():
    fit = regress.fit(X, X @ [1.0, 2.0, 3.0] + 4.0, loss="huber")
    assert [fit.b, *fit.w] == pytest.approx([4.0, 1.0, 2.0, 3.0], rel=1e-9)
    assert (fit.huber_scale, fit.outliers, fit.perfect) == (None, 0, True)
    assert "Least squares fits every row" in fit.summary()


def test_of_several_minimizers_it_returns_one():
    two = np.repeat([-10.0, 10.0], 4)  # every b between -9 and 9 pulls as hard on either side
    fit = huber(1.0, epsilon=1.0).fit(np.tile([[-1.0], [1.0]], (4, 1)), two)
    assert fit.status_ == "converged"
    assert np.abs(fit.predict([[-1.0], [1.0]])).max() <= 9.0


@pytest.mark.parametrize("solver", ["newton", "accelerated"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_of_dependent_columns_it_takes_the_smallest_coefficients(solver, fit_intercept):
    Z = np.column_stack([X, X @ [1.0, 0.5, -2.0]])
    fit = huber(fit_intercept=fit_intercept, solver=solver).fit(Z, y)
    assert fit.rank_ == 3
    assert fit.coef_ @ [1.0, 0.5, -2.0, -1.0] == pytest.approx(0.0, abs=1e-9)  # the direction that changes nothing
    assert fit.predict(Z) == pytest.approx(huber(fit_intercept=fit_intercept).fit(X, y).predict(X), rel=1e-6)


def test_several_targets_have_scales_of_their_own():
    both = huber().fit(X, np.column_stack([y, 100.0 * y + 5.0]))
    assert both.coef_[0] == pytest.approx(huber().fit(X, y).coef_, rel=1e-12)
    assert both.coef_[1] == pytest.approx(100.0 * both.coef_[0], rel=1e-9)


def test_with_more_columns_than_rows():
    Z = random.normal(size=(12, 20))
    fit = regress.fit(Z, y[:12], loss="huber", huber_scale=0.5, alpha=1.0)
    assert (fit.solver, fit.status) == ("accelerated", "converged")
    with pytest.warns(regress.DataWarning, match="There are only 12 rows"):
        free = regress.fit(Z, y[:12], loss="huber")
    assert free.w == pytest.approx(LinearRegressor().fit(Z, y[:12]).coef_, rel=1e-6)  # it fits every row
    with pytest.raises(InputError, match="only Huber's loss with a quadratic penalty and more rows than columns"):
        regress.fit(Z, y[:12], loss="huber", solver="newton")


def test_a_penalty_that_is_not_quadratic_takes_the_accelerated_solver():
    class Smooth(regress.Penalty):
        def value(self, w):
            return float(np.sum(np.sqrt(1.0 + w**2)))

        def gradient(self, w):
            return w / np.sqrt(1.0 + w**2)

        def curvature(self, n):
            return np.ones(n)

    fit = regress.fit(X, y, loss="huber", penalty=Smooth())
    assert (fit.solver, fit.status) == ("accelerated", "converged")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epsilon": 0.9}, "epsilon must be a finite number of at least 1"),
        ({"huber_scale": 0.0}, "huber_scale must be a finite number above 0"),
        ({"over": "moments"}, "over='moments' needs the squared error.*Use over='rows'"),
        ({"precision": "exact"}, "precision='exact' is not possible: the loss Huber"),
        ({"solver": "cg"}, "solver='cg' needs hessian_along, which only the squared error"),
        ({"cov_type": "HC1"}, "cov_type needs the squared error. Use cov_type='nonrobust'"),
        ({"loss": "squared_error", "epsilon": 2.0}, "epsilon needs loss='huber'"),
        ({"loss": "squared_error", "huber_scale": 2.0}, "huber_scale needs loss='huber'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_refused_in_a_sentence(options, says):
    with pytest.raises(InputError, match=says):
        regress.fit(X, y, **{"loss": "huber", **options})
