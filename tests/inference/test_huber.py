"""Standard errors of Huber's loss are those of statsmodels' RLM at the same scale; without any, there is a reason."""

import numpy as np
import pytest
import statsmodels.api as sm

import regress
from regress import InputError

random = np.random.default_rng(8)
X = random.normal(size=(150, 3)) * [1.0, 20.0, 0.1] + [0.0, 300.0, 1.0]
y = X @ [2.0, -0.1, 5.0] + 3.0 + random.standard_t(1.5, size=150)


def rlm(columns, target, scale, epsilon=1.35):
    model = sm.RLM(target, columns, M=sm.robust.norms.HuberT(t=epsilon))
    return model.fit(update_scale=False, start_scale=scale, tol=1e-15, maxiter=2000, conv="coefs")


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("epsilon", "scale"), [(1.35, None), (1.0, None), (2.0, 1.5), (4.0, 3.0), (1.0, 0.2)])
def test_estimates_and_tests_are_those_of_statsmodels(fit_intercept, epsilon, scale):
    fit = regress.fit(X, y, loss="huber", epsilon=epsilon, huber_scale=scale, fit_intercept=fit_intercept)
    theirs = rlm(sm.add_constant(X) if fit_intercept else X, y, fit.huber_scale, epsilon)
    assert fit.params.to_numpy() == pytest.approx(theirs.params, rel=1e-8)
    assert fit.bse.to_numpy() == pytest.approx(theirs.bse, rel=1e-8)
    assert fit.tvalues.to_numpy() == pytest.approx(theirs.tvalues, rel=1e-8)
    assert fit.pvalues.to_numpy() == pytest.approx(theirs.pvalues, rel=1e-6, abs=1e-300)
    assert fit.conf_int().to_numpy() == pytest.approx(theirs.conf_int(), rel=1e-8)
    assert fit.conf_int(0.2).to_numpy() == pytest.approx(theirs.conf_int(0.2), rel=1e-8)
    assert fit.coefficients[["ci_low", "ci_high"]].to_numpy() == pytest.approx(theirs.conf_int(), rel=1e-8)
    assert fit.statistics.sigma == fit.huber_scale
    assert (fit.df_model, fit.df_resid) == (3, theirs.df_resid)


def test_where_nothing_is_an_outlier_the_errors_are_those_of_least_squares():
    fit, plain = regress.fit(X, y, loss="huber", huber_scale=1e6), regress.fit(X, y)
    assert fit.outliers == 0
    assert fit.bse.to_numpy() == pytest.approx(plain.bse.to_numpy(), rel=1e-9)


def test_frequency_weights_count_rows():
    times = random.integers(1, 4, size=150)
    fit = regress.fit(X, y, loss="huber", weights=times, weight_type="frequency")
    theirs = rlm(sm.add_constant(np.repeat(X, times, axis=0)), np.repeat(y, times), fit.huber_scale)
    assert fit.bse.to_numpy() == pytest.approx(theirs.bse, rel=1e-8)
    assert fit.pvalues.to_numpy() == pytest.approx(theirs.pvalues, rel=1e-6, abs=1e-300)


def test_figures_that_are_of_least_squares_are_absent():
    figures = regress.fit(X, y, loss="huber").statistics
    assert {figures.rss, figures.llf, figures.aic, figures.bic, figures.fvalue, figures.r2_adjusted} == {None}
    assert figures.cov_type == "Huber's H1"
    fit = regress.fit(X, y, loss="huber")
    e = y - fit.predict(X)
    assert fit.r2 == figures.r2 == pytest.approx(1.0 - e @ e / np.sum((y - y.mean()) ** 2), rel=1e-12)


@pytest.mark.parametrize(
    ("columns", "options", "says"),
    [
        (X, {"alpha": 1.0}, "A penalty biases the coefficients"),
        (X, {"weights": np.full(150, 2.0)}, "With Huber's loss they are known for frequency weights only."),
        (X, {"huber_scale": 1e-3}, "Too few rows are within δ of their prediction."),
        (np.column_stack([X, X[:, 0] + X[:, 1]]), {}, "Columns are constant or depend on each other"),
        (np.column_stack([X, np.ones(150)]), {}, "Columns are constant or depend on each other"),
    ],
    ids=["penalty", "weights", "few", "dependent", "constant"],
)
@pytest.mark.filterwarnings("ignore::regress.DataWarning")
def test_where_there_are_none_the_reason_is_there(columns, options, says):
    fit = regress.fit(columns, y, loss="huber", **options)
    assert fit.statistics is None
    assert says in fit.statistics_missing
    assert f"No standard errors: {says}" in fit.summary()


def test_there_are_no_prediction_intervals(tmp_path):
    fit = regress.fit(X, y, loss="huber")
    fit.save(tmp_path / "m.json")
    for model in (fit, regress.load(tmp_path / "m.json")):
        with pytest.raises(InputError, match=r"no prediction intervals\. Covariances are kept of the squared error"):
            model.predict_interval(X)
        with pytest.raises(InputError, match="no cov_params"):
            model.cov_params()
    with pytest.raises(InputError, match="Possible reasons: another loss"):
        fit.model.predict_interval(X)
