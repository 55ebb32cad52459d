"""compare with estimators of the user: the same fit and the same figures as scikit-learn's own."""

import warnings
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import (
    make_scorer,
    max_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_pinball_loss,
    median_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import regress
from regress.report.text import comparison_lines
from tests.api.test_compare import as_json, by_name, normal_rows

pytestmark = pytest.mark.usefixtures("without_tensorflow")
X, Y = normal_rows(120)
A = np.random.default_rng(1).uniform(0.5, 3.0, 120)
ADDED = {
    "huber": HuberRegressor(),
    "lasso": Lasso(0.1),
    "one step": make_pipeline("passthrough", Ridge(5.0)),
    "scaled ridge": make_pipeline(StandardScaler(), Ridge(5.0)),
    "squares": make_pipeline(PolynomialFeatures(2), LinearRegression()),
    "trees": GradientBoostingRegressor(n_estimators=5, random_state=0),
}
LINEAR = ("huber", "lasso", "one step")
ORACLES = {
    "r2": r2_score,
    "rmse": root_mean_squared_error,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
}


class Keeps(RegressorMixin, BaseEstimator):
    """Keeps the rows that it was fitted to."""

    fitted: ClassVar = []

    def fit(self, X, y, sample_weight=None):
        self.fitted.append(X)
        return self

    def predict(self, X):
        return np.zeros(len(X))


@cache
def held_out():
    """Return which rows are held out of X."""
    regress.compare(X, Y, estimators={"keeps": Keeps()})
    used = {tuple(row) for row in Keeps.fitted[-1].tolist()}
    return np.array([tuple(row) not in used for row in X.tolist()])


@cache
def compared(weighted):
    return regress.compare(X, Y, estimators=ADDED, weights=A if weighted else None)


def weights_of(model, a):
    """Return the arguments of `fit` for weights, as its documentation has them."""
    names = {"one step": ["ridge"], "scaled ridge": ["standardscaler", "ridge"], "squares": ["linearregression"]}
    return {f"{step}__sample_weight": a for step in names[model]} if model in names else {"sample_weight": a}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ADDED)
def test_the_metrics_are_those_of_scikit_learn(name, weighted):
    out = held_out()
    assert 10 < out.sum() < 40
    more = weights_of(name, A[~out]) if weighted else {}
    model = clone(ADDED[name]).fit(X[~out], Y[~out], **more)
    predicted, a = model.predict(X[out]), A[out] if weighted else None
    expected = {metric: oracle(Y[out], predicted, sample_weight=a) for metric, oracle in ORACLES.items()}
    expected["max_error"] = max_error(Y[out], predicted)
    fit = by_name(compared(weighted))[name]
    assert fit.metrics == pytest.approx(expected, rel=1e-9)
    loss = (1.0 if a is None else A[~out]) * (model.predict(X[~out]) - Y[~out]) ** 2
    assert fit.loss == pytest.approx(loss.sum(), rel=1e-9)
    assert fit.seconds > 0.0
    assert fit.note == ""


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["regress", "LinearRegression()", "StandardScaler + SGDRegressor"])
def test_the_metrics_of_the_tools_that_are_always_there_are_those_of_scikit_learn(name, weighted):
    out = held_out()
    fit = by_name(compared(weighted))[name]
    predicted, a = X[out] @ fit.w + fit.b, A[out] if weighted else None
    expected = {metric: oracle(Y[out], predicted, sample_weight=a) for metric, oracle in ORACLES.items()}
    assert fit.metrics == pytest.approx({**expected, "max_error": max_error(Y[out], predicted)}, rel=1e-9)


@pytest.mark.parametrize("name", ADDED)
def test_only_a_linear_model_of_the_rows_has_coefficients(name):
    fit, out = by_name(compared(False))[name], held_out()
    if name not in LINEAR:
        assert fit.w is None
        assert np.isnan([fit.b, fit.digits, fit.moved, fit.excess_loss, fit.gradient_norm]).all()
        shown = next(f for f in as_json(compared(False))["fits"] if f["name"] == name)
        assert {shown[key] for key in ("coef", "intercept", "digits", "moved", "excess_loss", "gradient_norm")} == {
            None
        }
        assert shown["loss"] == fit.loss
        return
    model = clone(ADDED[name]).fit(X[~out], Y[~out])
    last = model[-1] if name == "one step" else model
    np.testing.assert_array_equal(fit.w, last.coef_)
    assert fit.b == last.intercept_
    best = LinearRegression().fit(X[~out], Y[~out])
    minimum = np.square(best.predict(X[~out]) - Y[~out]).sum()
    assert fit.excess_loss == pytest.approx(fit.loss - minimum, rel=1e-6)
    assert fit.digits < 3.0


def test_coefficients_before_a_link_are_not_those_of_a_linear_model():
    counts = np.random.default_rng(2).poisson(np.exp(X[:, 0])).astype(float)
    fit = by_name(regress.compare(X, counts, estimators={"poisson": PoissonRegressor()}))["poisson"]
    assert fit.w is None
    assert fit.metrics["r2"] is not None


def test_estimators_decide_nothing_and_are_named_as_measured():
    result = compared(False)
    assert result.agree
    assert [line for line in result.verdict if any(name in line for name in ADDED)] == [
        f"Measured, not judged, as each may minimize another loss: {', '.join(ADDED)}."
    ]
    lines = comparison_lines(result.record)
    assert "On held-out rows." in lines
    assert sum(line.startswith("scaled ridge ") for line in lines) == 2
    table = result.table
    assert table.loc["trees", "mae"] == by_name(result)["trees"].metrics["mae"]
    assert np.isnan(table.loc["trees", "digits"])


def test_an_estimator_is_cloned_and_cannot_change_the_rows():
    class Spoils(Keeps):
        def fit(self, X, y, sample_weight=None):
            X[:] = 0.0
            y[:] = 0.0
            sample_weight[:] = 1.0
            self.coef_ = np.zeros(3)
            return self

    def spoils(estimator, X, y, sample_weight):
        X[:] = 0.0
        return 1.0

    huber, before = HuberRegressor(), X.copy()
    in_place = make_pipeline(StandardScaler(copy=False), Ridge(5.0))
    estimators = {"spoils": Spoils(), "in place": in_place, "huber": huber}
    for options in ({}, {"cv": 3}):
        result = regress.compare(X, Y, weights=A, estimators=estimators, metrics={"s": spoils, "mae": "mae"}, **options)
        alone = regress.compare(X, Y, weights=A, estimators={"huber": huber}, **options)
        fits = by_name(result)
        assert fits["huber"].metric("mae") == by_name(alone)["huber"].metric("mae")
        other = regress.compare(X, Y, weights=A, estimators={"scaled": ADDED["scaled ridge"]}, **options)
        assert fits["in place"].metric("mae") == pytest.approx(by_name(other)["scaled"].metric("mae"), rel=1e-12)
        assert fits["in place"].loss == pytest.approx(by_name(other)["scaled"].loss, rel=1e-12)
    np.testing.assert_array_equal(X, before)
    assert not hasattr(huber, "coef_")


@pytest.mark.parametrize("model", [KNeighborsRegressor(), make_pipeline(StandardScaler(), KNeighborsRegressor())])
def test_an_estimator_that_takes_no_weights_is_never_fitted_without(model):
    fit = by_name(regress.compare(X, Y, weights=A, estimators={"near": model}))["near"]
    assert fit.note == "The rows have weights, and its fit takes no sample_weight."
    assert not fit.metrics
    assert np.isnan(fit.loss)
    assert by_name(regress.compare(X, Y, estimators={"near": model}))["near"].metrics["r2"] is not None


class Raises(Keeps):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("No way.\nNot at all.")


class Warns(Keeps):
    def fit(self, X, y, sample_weight=None):
        warnings.warn("Hardly.\nReally.", UserWarning, stacklevel=1)
        return self


class Diverges(Keeps):
    def predict(self, X):
        return np.full(len(X), np.inf)


class PredictsTwo(Keeps):
    def predict(self, X):
        return np.zeros((len(X), 2))


@pytest.mark.parametrize(
    ("model", "note"),
    [
        (Raises(), "RuntimeError: No way."),
        (Warns(), "Hardly."),
        (Diverges(), "It predicts a value that is infinite or not a number."),
        (PredictsTwo(), "It predicts an array of shape (98, 2) for 98 rows."),
    ],
)
def test_what_an_estimator_says_is_a_note(model, note):
    for options in ({"test_size": 22 / 120}, {"cv": 2}):
        result = regress.compare(X, Y, estimators={"it": model}, **options)
        fit = by_name(result)["it"]
        assert fit.note == note if options.get("test_size") else fit.note.startswith(note.partition("(")[0])
        assert result.agree
        assert by_name(result)["regress"].metric("r2") > 0.5
        assert (fit.metric("r2") is not None) is isinstance(model, Warns)
        as_json(result)
        str(result)


@pytest.mark.parametrize(
    ("estimators", "says"),
    [
        ({"a": LogisticRegression()}, "'a' is a classifier. A comparison needs regressors"),
        ({"a": make_pipeline(StandardScaler(), LogisticRegression())}, "'a' is a classifier"),
        ({"a": HuberRegressor}, r"'a' is a class. Pass an instance, such as HuberRegressor\(\)"),
        ({"a": StandardScaler()}, r"'a' \(StandardScaler\) has no predict"),
        ({"a": 3}, r"'a' \(int\) has no fit"),
        ([HuberRegressor()], "must be a dict of estimators by name; got list"),
        ({"": HuberRegressor()}, "needs a name, a text; got ''"),
        ({"regress": HuberRegressor()}, "'regress' is compared already"),
        ({"LinearRegression()": HuberRegressor()}, r"'LinearRegression\(\)' is compared already"),
    ],
)
def test_what_is_no_regressor_is_refused(estimators, says):
    with pytest.raises(regress.InputError, match=says):
        regress.compare(X, Y, estimators=estimators)


def pinball(estimator, X, y):
    return mean_pinball_loss(y, estimator.predict(X))


def test_metrics_are_names_scorers_and_functions():
    out = held_out()
    chosen = {"r2": "r2", "median": "neg_median_absolute_error", "own": pinball, "made": make_scorer(max_error)}
    result = regress.compare(X, Y, metrics=chosen, estimators={"trees": ADDED["trees"]})
    assert result.metrics == tuple(chosen)
    for name in ("regress", "LinearRegression()", "trees"):
        fit = by_name(result)[name]
        model = ADDED["trees"].fit(X[~out], Y[~out]) if name == "trees" else LinearRegression().fit(X[~out], Y[~out])
        predicted = model.predict(X[out])
        expected = {
            "r2": r2_score(Y[out], predicted),
            "median": -median_absolute_error(Y[out], predicted),
            "own": mean_pinball_loss(Y[out], predicted),
            "made": max_error(Y[out], predicted),
        }
        assert fit.metrics == pytest.approx(expected, rel=1e-9)
    assert regress.compare(X, Y, metrics=["mae", pinball]).metrics == ("mae", "pinball")


def test_weights_reach_a_scorer():
    out, chosen = held_out(), ["neg_median_absolute_error"]
    fit = regress.compare(X, Y, weights=A, metrics=chosen).fits[0]
    expected = -median_absolute_error(Y[out], X[out] @ fit.w + fit.b, sample_weight=A[out])
    assert fit.metrics == pytest.approx({chosen[0]: expected}, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": ["rsme"]}, "There is no metric 'rsme'. Nearest: rmse."),
        ({"metrics": ["r3"]}, "There is no metric 'r3'. Nearest: r2."),
        ({"metrics": ["zzzzzz"]}, "Use r2, rmse, mae, mape, max_error, or a scorer of scikit-learn"),
        ({"metrics": []}, r"must be names or scorers; got \[\]"),
        ({"metrics": 3}, "must be names or scorers; got 3"),
        ({"metrics": [3]}, "must be names, or functions"),
        ({"metrics": {1: "r2"}}, "a name that is not text: 1"),
        ({"metrics": ["r2", "r2"]}, "has 'r2' twice"),
        ({"metrics": {"loss": pinball}}, "'loss', a column of the table already"),
        ({"metrics": ["accuracy"]}, "The metric 'accuracy' cannot be computed: "),
        ({"metrics": [pinball], "weights": A}, "the scorer 'pinball' takes no sample_weight"),
        ({"metrics": ["r2"], "test_size": 0.0}, "no held-out rows for metrics: test_size is 0. Use cv=5"),
        ({"metrics": ["r2"], "rows": 49}, "no held-out rows for metrics: fewer than 50 rows are not split"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_refused(options, says):
    with pytest.raises(regress.InputError, match=says):
        regress.compare(X, Y, **options)


def test_a_metric_that_fails_for_one_tool_is_missing_there():
    def fussy(estimator, X, y):
        if isinstance(estimator, HuberRegressor):
            raise ValueError("Not Huber.")
        return 1.0

    fits = by_name(regress.compare(X, Y, metrics={"fussy": fussy}, estimators={"huber": HuberRegressor()}))
    assert fits["huber"].metrics == {"fussy": None}
    assert fits["huber"].note == "The metric 'fussy' cannot be computed: Not Huber."
    assert fits["regress"].metrics == {"fussy": 1.0}
