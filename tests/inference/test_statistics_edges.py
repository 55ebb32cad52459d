"""Statistics where they are hard to come by: R² near 1, perfect fits, unfinished descents, the ends of float64."""

import json
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import regress
from regress.aggregates.limits import NEVER
from regress.errors import InputError
from tests.examples import in_turn

TESTS = ["std_err", "t", "p_value", "ci_low", "ci_high"]


def close(value, rel=1e-10):
    return pytest.approx(value, rel=rel, abs=0.0)


def rational(values):
    return np.array([[Fraction(v) for v in row] for row in np.atleast_2d(values).tolist()])


def rational_fit(X, y, weights=None, intercept=True):
    """Return Σ a e² and the standard errors of b and w by elimination in rational arithmetic."""
    Z = rational(np.c_[np.ones(len(X)), X] if intercept else X)
    Y, a, k = rational(y)[0], rational(np.ones(len(X)) if weights is None else weights)[0], Z.shape[1]
    A = np.c_[Z.T @ (a[:, None] * Z), [[Fraction(i == j) for j in range(k)] for i in range(k)]]
    for i in range(k):
        A[i] /= A[i, i]
        A -= np.where(np.arange(k) == i, 0, A[:, i])[:, None] * A[i]
    e = Y - Z @ (A[:, k:] @ (Z.T @ (a * Y)))
    rss = a @ e**2
    return float(rss), [float(rss / (len(X) - k) * A[i, k + i]) ** 0.5 for i in range(k)]


def rational_loss(fit, X, y, weights=None):
    """Return Σ a e² of what a model predicts, in rational arithmetic."""
    m, a = fit.model, rational(np.ones(len(X)) if weights is None else weights)[0]
    e = (rational(X) - rational(m.center)) @ rational(m.w)[0] + Fraction(m.b_center) - rational(y)[0]
    return float(a @ e**2)


def nearly(noise, seed, rows=60):
    """Return rows whose residuals are a small part of y."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 3.0, 0.1, -1.0]
    y = X @ [1.0, 0.2, 30.0, 4.0] + 0.5
    return X, y + noise * y.std() * random.normal(size=rows), random.uniform(0.5, 2.0, rows)


NOISE = pytest.mark.parametrize("noise", [1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12])
WAYS = {
    "exact": {"precision": "exact"},
    "float64": {"precision": "float64"},
    "over rows": {"precision": "float64", "over": "rows"},
    "raw coordinates": {"precision": "float64", "standardize": False},
    "conjugate gradients": {"solver": "cg", "tol": 1e-13},
}


@NOISE
@pytest.mark.parametrize(("way", "intercept"), in_turn(WAYS, [True, False]))
def test_small_residuals_keep_their_digits(noise, way, intercept):
    for seed in range(3):
        X, y, a = nearly(noise, seed)
        weights = a if seed else None
        got = regress.fit(X, y, weights=weights, fit_intercept=intercept, **WAYS[way])
        rss, errors = rational_fit(X, y, weights, intercept)
        assert got.loss == close(rational_loss(got, X, y, weights), 1e-9)
        middle = np.average(y, weights=weights) if intercept else 0.0
        square = np.average((y - middle) ** 2, weights=weights)
        square *= len(y) if weights is None else weights.sum()
        assert 1.0 - got.r2 == pytest.approx(got.loss / square, rel=1e-9, abs=1e-15)
        if got.statistics is None:
            assert noise <= 1e-11
            assert way != "exact"
            assert "not far below the residuals" in got.statistics_missing
            continue
        s = got.statistics
        assert s.rss == close(rss, 1e-9)
        assert got.coefficients["std_err"].tolist() == close(errors, 1e-9)


@NOISE
def test_rounding_of_coefficients_is_no_residual(noise):
    X, y, _ = nearly(noise, 7)
    got = regress.fit(X, y, precision="exact")
    rss, errors = rational_fit(X, y)
    assert got.statistics.rss == close(rss, 1e-14)
    assert got.coefficients["std_err"].tolist() == close(errors, 1e-13)
    assert got.loss >= got.statistics.rss


def test_small_residuals_agree_with_statsmodels_while_it_has_digits():
    X, y, a = nearly(1e-6, 3, 500)
    for precision in ("exact", "float64"):
        got, them = regress.fit(X, y, weights=a, precision=precision), sm.WLS(y, sm.add_constant(X), a).fit()
        assert (got.statistics.sigma, got.statistics.aic) == close((np.sqrt(them.scale), them.aic), 1e-8)
        assert got.coefficients["std_err"].tolist() == close(them.bse, 1e-8)


def test_auto_takes_exact_sums_where_double_would_lose_the_residuals(monkeypatch):
    monkeypatch.setattr("regress.solvers.choose.FILES", NEVER)  # no table is small enough for exact sums at once
    reason = "float64 would lose the residuals"
    for noise, precision, why in ((1e-3, "float64", "leaving 14 digits"), (1e-6, "exact", reason)):
        X, y, _ = nearly(noise, 1, 600)
        got = regress.fit(X, y)
        assert (got.precision, got.precision_reason) == (precision, why)
        assert got.statistics.rss == close(rational_fit(X, y)[0], 1e-9)
    got = regress.fit(X, y, alpha=1e-6)  # no statistics that would need it, and its loss has its digits
    assert got.precision == "float64"
    assert got.loss == close(rational_loss(got, X, y) + 1e-6 * float(got.w @ got.w), 1e-9)


def test_a_descent_that_stops_short_of_the_residuals_has_no_statistics():
    X, y, _ = nearly(1e-9, 2)
    for precision in ("auto", "float64"):
        got = regress.fit(X, y, solver="gd", tol=1e-8, precision=precision)
        assert got.status == "converged"
        assert "not far below the residuals" in got.statistics_missing
        assert got.loss == close(rational_loss(got, X, y), 1e-9)
    X, y, _ = nearly(0.3, 2)
    got = regress.fit(X, y, solver="gd", tol=1e-8)
    assert got.coefficients["std_err"].tolist() == close(rational_fit(X, y)[1], 1e-9)


CELSIUS = np.round(np.arange(-5.0, 36.0, 3.7), 1)
PERFECT = {
    "Celsius to Fahrenheit": (CELSIUS[:, None], np.round(1.8 * CELSIUS + 32.0, 2)),
    "computed": (nearly(0, 4)[0], nearly(0, 4)[1]),
    "whole numbers": (np.arange(24.0).reshape(12, 2) ** 2, np.arange(24.0).reshape(12, 2) ** 2 @ [3.0, -2.0] + 7.0),
    "whole numbers, thirds": (3.0 * np.arange(9.0)[:, None], np.arange(9.0)),
    "far from zero": (1.7e9 + CELSIUS[:, None], 3.0 * (1.7e9 + CELSIUS)),
}


@pytest.mark.parametrize("precision", ["exact", "float64"])
@pytest.mark.parametrize("family", PERFECT)
def test_a_perfect_fit_is_called_one(family, precision):
    X, y = PERFECT[family]
    with pytest.warns(regress.DataWarning, match="Essentially perfect fit.*in other units"):
        got = regress.fit(X, y, precision=precision)
    assert (got.statistics, got.statistics_missing) == (None, "The fit is essentially perfect.")
    assert got.coefficients[TESTS].isna().all(axis=None)
    assert got.to_dict()["statistics"] is None
    assert got.r2 == pytest.approx(1.0, abs=1e-15)
    assert sum("perfect fit" in note for note in got.notes()) == 1
    text = got.summary()
    assert "std_err" not in text
    assert not any(word in text.replace("t, F or AIC", "") for word in (" F ", "AIC", "Residual"))
    assert got.predict(X) == pytest.approx(y, rel=1e-12, abs=1e-9)
    with pytest.raises(InputError, match="perfect"):
        got.predict_interval(X, 0.9)


def test_residuals_of_whole_numbers_are_no_rounding():
    x = np.arange(40.0)
    for y in (10**9 * x, 10**9 * x + (x == 7)):
        got = regress.fit(x[:, None], y, precision="exact")
        assert (got.statistics is None) == got.perfect == (y[7] == 7e9)
    assert got.statistics.rss == close(rational_fit(x[:, None], y)[0], 1e-14)


def test_few_rows_are_no_perfect_fit():
    X, y, _ = nearly(0.5, 0, 5)
    got = regress.fit(X, y)
    assert (got.statistics_missing, got.perfect) == ("There are no degrees of freedom.", False)


@pytest.mark.parametrize(("y", "intercept"), [(np.full(30, 2.5), True), (np.zeros(30), False)])
@pytest.mark.parametrize("precision", ["exact", "float64"])
def test_a_constant_target_has_no_statistics(y, intercept, precision):
    got = regress.fit(nearly(0, 0, 30)[0], y, fit_intercept=intercept, precision=precision)
    assert (got.statistics_missing, got.notes()) == ("The target is constant.", [])


def test_an_unfinished_descent_has_no_statistics():
    X, y, _ = nearly(0.5, 0)
    with pytest.warns(regress.ConvergenceWarning):
        got = regress.fit(X, y, solver="gd", max_iter=3)
    assert got.statistics_missing == "Training did not converge."
    assert got.coefficients[TESTS].isna().all(axis=None)
    assert "std_err" not in got.summary()
    assert got.to_dict()["statistics"] is None


def test_a_large_t_is_shown_without_an_exponent():
    x = np.arange(30.0)
    y = x + 1e-4 * np.sin(np.arange(30.0))
    got = regress.fit(x[:, None], y)
    t = got.coefficients["t"]["x0"]
    assert t > 1e4
    assert f" {t:.2f} " in got.summary()


FAR = [(1.0, 2.0**-545), (1.0, 2.0**-1000), (2.0**-530, 1.0), (2.0**-530, 2.0**-600), (2.0**400, 2.0**-545)]


@pytest.mark.parametrize(("of_x", "of_y"), FAR)
def test_figures_whose_squares_are_out_of_range_are_those_of_other_units(of_x, of_y):
    X, y, a = nearly(0.3, 5)
    first = regress.fit(X, y, weights=a, precision="exact")
    other = regress.fit(X * of_x, y * of_y, weights=a, precision="exact")
    assert (
        other.coefficients[["t", "p_value"]].to_numpy().tolist()
        == first.coefficients[["t", "p_value"]].to_numpy().tolist()
    )
    assert other.coefficients["standardized"][1:].tolist() == first.coefficients["standardized"][1:].tolist()
    of_w = np.append(of_y, np.full(4, of_y / of_x))
    for column in ("coef", "std_err", "ci_low", "ci_high"):
        assert other.coefficients[column].tolist() == (first.coefficients[column] * of_w).tolist()
    one, two = first._held.statistics, other._held.statistics
    assert (two.sigma, two.r2, two.r2_adjusted, two.fvalue) == (one.sigma * of_y, one.r2, one.r2_adjusted, one.fvalue)
    assert other.r2 == first.r2
    assert two.aic == close(one.aic + 2.0 * 60 * np.log(of_y), 1e-12)
    assert two.rss == one.rss * of_y**2 if of_y == 1.0 else np.isnan(two.rss)
    json.dumps(regress.numerics.atomic_write.strict(two.to_dict(other.names)), allow_nan=False)


def test_standard_errors_that_float64_does_not_hold_are_withheld():
    X, y, _ = nearly(1e-6, 5)
    got = regress.fit(X * 2.0**400, y * 2.0**-605, precision="exact")
    assert "beyond the range of float64" in got.statistics_missing
    assert got.r2 == regress.fit(X, y, precision="exact").r2


@pytest.mark.parametrize(("of_x", "of_y", "se"), [(1.0, 2.0**-545, "HC1"), (2.0**-530, 1.0, "HC0")])
def test_robust_errors_whose_squares_are_out_of_range_are_those_of_other_units(of_x, of_y, se):
    X, y, _ = nearly(1e-6, 5)
    first = regress.fit(X, y, precision="exact", cov_type=se)._held.statistics.standard_errors
    other = regress.fit(X * of_x, y * of_y, precision="exact", cov_type=se)._held.statistics.standard_errors
    assert other.tolist() == (first * (of_y / of_x)).tolist()


def test_an_interval_is_not_made_of_a_variance_that_underflows():
    X, y, _ = nearly(0.3, 5)
    got = regress.fit(X, y * 2.0**-600, precision="exact")
    with pytest.raises(InputError, match="no prediction intervals"):
        got.predict_interval(X, 0.9)


def test_a_second_pass_reads_text_columns_and_held_out_rows_as_the_first_did():
    X, y, _ = nearly(1e-9, 6, 200)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(k=np.array(["v", "u", "w"])[np.arange(200) % 3], y=y)
    frame["y"] += 0.25 * (frame.k == "w")
    got = regress.fit(frame, "y", precision="float64", test_size=0.2)
    exact = regress.fit(frame, "y", precision="exact", test_size=0.2)
    assert got.statistics.rss == close(exact.statistics.rss, 1e-9)
    assert got.tally == exact.tally


def test_r2_and_f_of_a_weak_relation_keep_their_digits():
    random = np.random.default_rng(12)
    x, y = random.normal(size=400), 1e6 + random.normal(size=400)
    fit = regress.fit(x[:, None], y, precision="exact")
    X, Y = [Fraction(v) for v in x.tolist()], [Fraction(v) for v in y.tolist()]
    xx, xy, yy = (
        sum(a * b for a, b in zip(A, B, strict=True)) - sum(A) * sum(B) / 400 for A, B in ((X, X), (X, Y), (Y, Y))
    )
    explained = xy**2 / xx
    assert explained / yy < 0.01
    assert fit.statistics.r2 == pytest.approx(float(explained / yy), rel=5e-16, abs=0.0)
    assert fit.statistics.fvalue == pytest.approx(float(explained / ((yy - explained) / 398)), rel=1e-15, abs=0.0)
