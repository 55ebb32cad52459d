"""Statistics equal those of oracles that share none of our formulas: statsmodels, NIST, rational arithmetic."""

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor

import regress
from regress.errors import InputError
from tests.examples import examples

NIST = Path(__file__).resolve().parents[2] / "data" / "nist"
CERTIFIED = json.loads((NIST / "certified.json").read_text())
TESTS = ["std_err", "t", "p_value", "ci_low", "ci_high"]
_random = np.random.default_rng(7)
X = _random.normal(size=(400, 4)) * [1.0, 0.1, 100.0, 5.0] + [3.0, 0.5, -200.0, 0.0]
y = 4.0 + X @ [0.3, -2.0, 0.004, 0.0] + _random.normal(size=400) * (1.0 + 0.3 * np.abs(X[:, 3]))
REAL, WHOLE = _random.uniform(0.2, 5.0, 400), _random.integers(1, 5, 400)
MANY = _random.normal(size=(400, 45)) + 1.0  # more columns than are inverted in whole numbers
TOTAL = np.c_[np.round(X[:, [0, 3]] * 100.0), WHOLE]
TOTAL = np.c_[TOTAL, TOTAL.sum(1)]  # d = a + b + c, in whole numbers

precisions = pytest.mark.parametrize("precision", ["exact", "float64"])
intercepts = pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
weighted = pytest.mark.parametrize("weights", [None, REAL], ids=["unweighted", "weighted"])
errors = pytest.mark.parametrize("se", ["nonrobust", "HC0", "HC1"])


def theirs(X, y, weights, intercept, se="nonrobust", method="qr"):
    """Fit with statsmodels, by t distributions also for White's errors, and names as ours."""
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    if intercept:
        frame.insert(0, "(intercept)", 1.0)
    model = sm.WLS(y, frame, weights=np.ones(len(X)) if weights is None else weights)
    return model.fit(method=method, cov_type=se, use_t=True)


def table_of(them):
    low, high = them.conf_int().to_numpy().T
    return np.column_stack([them.bse, them.tvalues, them.pvalues, low, high])


def flat(fit, *without):
    """Return every number that `to_dict` gives of the statistics but those of some heads."""
    held = {k: v for k, v in fit.to_dict()["statistics"].items() if k not in ("cov_type", *without)}
    parts = [{(k, n): x for n, x in v.items()} if isinstance(v, dict) else {(k, ""): v} for k, v in held.items()]
    return {key: value for part in parts for key, value in part.items()}


def close(value, rel=1e-10):
    return pytest.approx(value, rel=rel, abs=0.0)


@precisions
@intercepts
@weighted
@pytest.mark.parametrize("table", [X, MANY], ids=["4 columns", "45 columns"])
def test_every_figure_is_that_of_statsmodels(table, weights, intercept, precision):
    got = regress.fit(table, y, weights=weights, fit_intercept=intercept, precision=precision)
    them, ours = theirs(table, y, weights, intercept), got._held.statistics
    assert got.precision == precision
    assert got.coefficients["coef"].to_numpy() == close(them.params.to_numpy(), 1e-9)
    assert got.coefficients[TESTS].to_numpy() == close(table_of(them))
    assert (ours.nobs, ours.df_resid) == (them.nobs, them.df_resid)
    assert (ours.rss, ours.sigma) == (close(them.ssr), close(np.sqrt(them.scale)))
    assert (ours.fvalue, ours.f_pvalue) == (close(them.fvalue), close(them.f_pvalue, 1e-9))
    assert (ours.llf, ours.aic, ours.bic) == (close(them.llf), close(them.aic), close(them.bic))
    assert (ours.r2, ours.r2_adjusted) == (close(them.rsquared), close(them.rsquared_adj))
    assert got.r2 == close(them.rsquared)


@precisions
@intercepts
@weighted
@pytest.mark.parametrize("se", ["HC0", "HC1"])
def test_white_s_standard_errors_are_those_of_statsmodels(se, weights, intercept, precision):
    got = regress.fit(X, y, weights=weights, fit_intercept=intercept, precision=precision, cov_type=se)
    assert got.coefficients[TESTS].to_numpy() == close(table_of(theirs(X, y, weights, intercept, se)))
    assert got.statistics.cov_type == got.to_dict()["statistics"]["cov_type"] == se


@pytest.mark.parametrize("name", CERTIFIED)
def test_standard_errors_are_those_that_nist_certifies(name):
    certified = CERTIFIED[name]
    target = (NIST / f"{name}.csv").read_text().split("\n", 1)[0].split(",")[-1]
    if name in ("wampler1", "wampler2"):
        with pytest.warns(regress.DataWarning, match="Essentially perfect fit"):
            got = regress.fit(NIST / f"{name}.csv", target)
        assert (got.statistics, got.r2) == (None, 1.0)
        assert not any(map(float, (*certified["stderr"], certified["residual_sd"])))
        return
    got = regress.fit(NIST / f"{name}.csv", target, fit_intercept=certified["intercept"])
    within = {"filip": 1e-7, "pontius": 1e-12}.get(name, 1e-13)  # what rounding of the data to doubles leaves
    ours = [*got.coefficients["std_err"], got.statistics.sigma]
    expected = [float(v) for v in (*certified["stderr"], certified["residual_sd"])]
    assert ours == pytest.approx(expected, rel=within, abs=0.0)
    assert got.statistics.r2 == pytest.approx(float(certified["r2"]), rel=1e-11 if name == "filip" else 0.0, abs=1e-15)


def rational_errors(X, y):
    """Return the standard errors of b and w by elimination in rational arithmetic, rounded at the end."""
    Z = np.array([[Fraction(v) for v in row] for row in np.c_[np.ones(len(X)), X, y].tolist()])
    Z, Y, k = Z[:, :-1], Z[:, -1], X.shape[1] + 1
    A = np.c_[Z.T @ Z, [[Fraction(i == j) for j in range(k)] for i in range(k)]]
    for i in range(k):
        A[i] /= A[i, i]
        A -= np.where(np.arange(k) == i, 0, A[:, i])[:, None] * A[i]
    e = Y - Z @ (A[:, k:] @ (Z.T @ Y))
    return [float(e @ e / (len(X) - k) * A[i, k + i]) ** 0.5 for i in range(k)]


@pytest.mark.parametrize("family", ["timestamps of small spread", "duplicates 1e-7 apart"])
def test_exact_totals_leave_every_digit_of_standard_errors(family):
    u, v = X[:60, 0], X[:60, 3]
    table = {"timestamps of small spread": np.c_[1.7e9 + u, v], "duplicates 1e-7 apart": np.c_[u, u + 1e-7 * v]}[family]
    got = regress.fit(table, y[:60], precision="exact")
    assert got.coefficients["std_err"].tolist() == close(rational_errors(table, y[:60]), 1e-13)


@precisions
@intercepts
@errors
def test_frequency_weights_are_the_table_with_its_rows_repeated(se, intercept, precision):
    options = {"fit_intercept": intercept, "precision": precision, "cov_type": se}
    got = regress.fit(X, y, weights=WHOLE, weight_type="frequency", **options)
    repeated = regress.fit(np.repeat(X, WHOLE, axis=0), np.repeat(y, WHOLE), **options)
    assert got.statistics.df_resid == WHOLE.sum() - 4 - intercept
    assert flat(got) == close(flat(repeated), 1e-11)
    ours, theirs = (fit.predict_interval(X[:9], 0.9).to_numpy() for fit in (got, repeated))
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def test_errors_of_another_name_and_counts_that_are_not_whole_are_refused():
    with pytest.raises(InputError, match="HC0"):
        regress.fit(X, y, cov_type="HC3")
    with pytest.raises(InputError, match=r"1\.5.*integer"):
        regress.fit(X, y, weights=np.where(np.arange(400) == 7, 1.5, 2.0), weight_type="frequency")


@precisions
@errors
def test_only_ratios_of_analytic_weights_matter(se, precision):
    got, thrice = (regress.fit(X, y, weights=c * REAL, precision=precision, cov_type=se) for c in (1.0, 3.0))
    assert flat(thrice, "rss", "sigma") == close(flat(got, "rss", "sigma"), 1e-12)
    assert thrice.statistics.sigma == close(3.0**0.5 * got.statistics.sigma, 1e-12)
    ones, none = (flat(regress.fit(X, y, weights=a, precision=precision, cov_type=se)) for a in (np.ones(400), None))
    assert ones == close(none, 1e-14)


@precisions
@errors
@pytest.mark.parametrize("kind", ["analytic", "frequency"])
def test_rows_of_weight_zero_are_not_there_whatever_they_hold(kind, se, precision):
    text = np.array(["low", "mid", "top"])[WHOLE % 3]
    frame = pd.DataFrame({"u": X[:, 0], "k": text, "y": y, "a": WHOLE.astype(float)})
    gone = frame.index % 7 == 3
    frame.loc[gone, "a"] = 0.0
    options = {"weights": "a", "weight_type": kind, "cov_type": se, "precision": precision}
    removed = regress.fit(frame[~gone], "y", **options)
    assert removed.names == ("u", "k=mid", "k=top")
    assert flat(regress.fit(frame, "y", **options)) == close(flat(removed), 1e-12)
    for column, values in (("u", np.nan), ("y", np.nan), ("k", ["a level of its own", None, "zz"] * 19)):
        frame.loc[gone, column] = values
        got = regress.fit(frame, "y", **options)
        assert got.names == removed.names
        assert flat(got) == close(flat(removed), 1e-12)


@pytest.mark.parametrize(
    ("table", "options", "why"),
    [
        (X, {"alpha": 0.5}, "penalty"),
        (X, {"alpha": 0.5, "precision": "float64"}, "penalty"),
        (X[:5], {}, "no degrees of freedom"),
        (X[:5], {"precision": "float64"}, "no degrees of freedom"),
        (X[:3], {}, "as many columns as rows"),
        (TOTAL, {"precision": "float64"}, "precision='exact'"),
    ],
)
@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_what_has_no_statistics_says_why(table, options, why):
    got = regress.fit(table, y[: len(table)], **options)
    assert got.statistics is None
    assert why in got.statistics_missing
    assert got.to_dict()["statistics"] is None
    assert got.coefficients[TESTS].isna().all(axis=None)
    assert got.predict(table).shape == (len(table),)
    with pytest.raises(InputError, match=f"no prediction intervals. .*{re.escape(why)}"):
        got.predict_interval(table)


@precisions
@intercepts
def test_scale_is_neither_a_condition_nor_an_inflation(intercept, precision):
    rows = np.c_[X[:, 3] / 5.0, 1e4 * (X[:, 0] - 3.0)]
    inverse = regress.fit(rows, y, fit_intercept=intercept, precision=precision)._held.statistics.inverse
    assert 1.0 <= inverse.condition < 1.5
    assert (inverse.inflation < 1.1).all()
    rows = np.c_[rows, rows[:, 0] + 0.001 * X[:, 2]]
    inverse = regress.fit(rows, y, fit_intercept=intercept, precision=precision)._held.statistics.inverse
    Z, unit = (sm.add_constant(rows), rows - rows.mean(0)) if intercept else (rows / [1.0, 1e4, 1.0], rows)
    expected = [variance_inflation_factor(Z, j + intercept, standardize=intercept) for j in range(3)]
    assert max(expected) > 20
    assert inverse.inflation == close(np.array(expected))
    assert inverse.condition == close(np.linalg.cond(unit / np.linalg.norm(unit, axis=0)))


@precisions
@intercepts
@weighted
@errors
def test_prediction_intervals_are_those_of_statsmodels_and_survive_a_file(se, weights, intercept, precision, tmp_path):
    got = regress.fit(X, y, weights=weights, fit_intercept=intercept, precision=precision, cov_type=se)
    new = np.r_[X[:20], X[:5] * [9.0, -3.0, 0.0, 1.0]]
    Z = np.c_[np.ones(len(new)), new] if intercept else new
    for level in (0.95, 0.5):
        frame = theirs(X, y, weights, intercept, se).get_prediction(Z).summary_frame(alpha=1.0 - level)
        expected = frame[["mean", "obs_ci_lower", "obs_ci_upper"]].to_numpy()
        assert got.predict_interval(new, level).to_numpy() == close(expected, 1e-9)
    got.save(path := tmp_path / "model.json")
    holed = np.r_[new, [[np.nan, 1.0, 1.0, 1.0]]]
    ours, loaded = got.predict_interval(holed), regress.load(path).predict_interval(holed)
    assert (ours.shape, ours.isna().all(axis=1).sum(), ours.isna().sum().sum()) == ((26, 3), 1, 3)
    pd.testing.assert_frame_equal(loaded, ours, check_exact=True)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.5, np.nan])
def test_the_level_of_an_interval_is_a_probability(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        regress.fit(X, y).predict_interval(X, level)


@intercepts
def test_statistics_have_their_names(intercept):
    got = regress.fit(pd.DataFrame(X, columns=list("uvwx")).assign(y=y), "y", fit_intercept=intercept)
    shown, held = ["(intercept)"] * intercept + list("uvwx"), got.to_dict()["statistics"]
    figures = "cov_type nobs df_model df_resid sigma rss vif condition fvalue f_pvalue"
    figures += " llf aic bic r2 r2_adjusted"
    assert list(got.coefficients.columns) == ["coef", *TESTS, "standardized"]
    assert list(got.coefficients.index) == shown
    assert sorted(held) == sorted([*TESTS, *figures.split()])
    assert [list(held[head]) for head in TESTS] == [shown] * 5
    assert [list(held[head].values()) for head in TESTS] == got.coefficients[TESTS].to_numpy().T.tolist()
    assert list(held["vif"]) == list("uvwx")
    assert got.to_dict()["statistics_missing"] == got.statistics_missing == ""
    json.dumps(held, allow_nan=False)


def test_standardized_coefficients_are_those_of_standardized_columns():
    got = regress.fit(X, y).coefficients["standardized"]
    Z = (np.c_[X, y] - np.c_[X, y].mean(0)) / np.c_[X, y].std(0)
    assert got.to_numpy()[1:] == close(sm.OLS(Z[:, 4], Z[:, :4]).fit().params)
    assert np.isnan(got["(intercept)"])


@settings(deadline=None, max_examples=examples(40), derandomize=True)
@given(st.integers(0, 3), st.integers(-60, 60), st.integers(-60, 60), st.booleans(), st.booleans())
def test_a_power_of_two_moves_no_digit(column, k, of_y, intercept, with_weights):
    scale = np.ones(4 + intercept)
    scale[column + intercept] = 2.0**-k
    options = {"weights": REAL if with_weights else None, "fit_intercept": intercept, "precision": "exact"}
    first = regress.fit(X, y, **options).coefficients
    other = regress.fit(X / scale[intercept:], y * 2.0**of_y, **options).coefficients
    for name in ("coef", "std_err", "ci_low", "ci_high"):
        assert other[name].tolist() == (first[name] * scale * 2.0**of_y).tolist()
    assert other[["t", "p_value"]].to_numpy().tolist() == first[["t", "p_value"]].to_numpy().tolist()
