"""Fits of statsmodels and scikit-learn are judged in the space in which they were fitted, or refused."""

import json
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.formula.api import glm, ols, poisson, wls

import regress
from regress import InputError, certify
from regress.cli.main import main

random = np.random.default_rng(8)
D = pd.DataFrame({"a": random.uniform(1, 3, 60), "b": random.uniform(1, 2, 60), "g": ["u", "v", "w"] * 20})
D["w"], D["y"] = random.uniform(0.5, 2.0, 60), 5.0 + D.a - D.b + (D.g == "v") + random.normal(size=60) / 4
D.index = range(100, 160)
GAPS = D.assign(a=np.where(np.arange(60) % 13 == 4, np.nan, D.a))
X, Y, W = D[["a", "b"]].to_numpy(), D.y.to_numpy(), D.w.to_numpy()
const = sm.add_constant
WHERE = {
    "D": (D, "y"),
    "gaps": (GAPS, "y"),
    "arrays": (X, Y),
    "ones": (const(X), Y),
    "polars": (pl.DataFrame({n: D[n].to_list() for n in D}), "y"),
}
RESULTS = {
    "levels D": ols("y ~ a + C(g)", D), "product D": ols("y ~ a*b", D), "log D": ols("y ~ a + np.log(b)", D),
    "square D": ols("y ~ a + I(a**2)", D), "no intercept D": ols("y ~ C(g) - 1", D), "plain D": ols("y ~ b + a", D),
    "plain polars": ols("y ~ b + a", D), "target D": ols("np.log(y) ~ a", D), "gaps gaps": ols("y ~ a + b", GAPS),
    "without its gaps D": ols("y ~ b", D), "weights D": wls("y ~ a + C(g)", D, weights=D.w),
    "weights gaps": wls("y ~ a", GAPS, weights=GAPS.w), "normal D": glm("y ~ a + C(g)", D),
    "WLS gaps": sm.WLS(GAPS.y, const(GAPS[["a", "b"]]), weights=GAPS.w, missing="drop"),
    "OLS gaps": sm.OLS(GAPS.y, const(GAPS[["a"]]), missing="drop"), "OLS arrays": sm.OLS(Y, const(X)),
    "OLS without b arrays": sm.OLS(Y, X), "OLS of 2 arrays": sm.OLS(Y, np.c_[X, np.full(60, 2.0)]),
    "OLS ones": sm.OLS(Y, const(X)), "OLS of arrays D": sm.OLS(Y, const(X)), "WLS arrays": sm.WLS(Y, X, weights=W),
    "GLM arrays": sm.GLM(Y, const(X)), "GLM with weights arrays": sm.GLM(Y, const(X), freq_weights=W),
}  # fmt: skip


def target_of(name):
    table, target = WHERE[name.split()[-1]]
    return (table, np.log(D.y)) if name == "target D" else (table, target)


def truth(model):
    """The minimizer over the rows that a model holds, in rational arithmetic."""
    rows = [[Fraction(v) for v in row] for row in np.c_[model.exog, model.endog].tolist()]
    weights = {"WLS": lambda: model.weights, "GLM": lambda: model.iweights}.get(type(model).__name__)
    a = [Fraction(v) for v in (weights() if weights else np.ones(len(rows))).tolist()]
    n = len(rows[0]) - 1
    system = [[sum(v * r[i] * r[j] for v, r in zip(a, rows, strict=True)) for j in range(n + 1)] for i in range(n)]
    for i in range(n):  # positive definite: no pivoting
        for k in range(n):
            if k != i:
                factor = system[k][i] / system[i][i]
                system[k] = [u - factor * v for u, v in zip(system[k], system[i], strict=True)]
    return [float(system[i][n] / system[i][i]) for i in range(n)]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_statsmodels_is_judged_by_its_own_rows(name):
    model = RESULTS[name]
    result = model.fit()
    got = certify(result, *target_of(name), digits=9)
    exact, where = truth(model), model.data.const_idx
    b = 0.0 if where is None else exact.pop(where) * model.exog[0, where]
    assert (got.passed, got.worst >= 9, got.rows) == (True, True, int(result.nobs))
    assert got.true_w == pytest.approx(exact, rel=1e-14)
    assert got.true_b == pytest.approx(b, rel=1e-13)
    assert (got.intercept_digits is None) == (where is None)
    strange = [n for j, n in enumerate(model.exog_names) if j != where and n not in D]
    of_frame = not isinstance(model.data.orig_exog, np.ndarray)
    assert got.space == (f"in the columns of the {type(model).__name__} result" if strange and of_frame else "")
    wrong = result._results if hasattr(result, "_results") else result
    wrong.params = np.asarray(wrong.params) * (1.0 + 1e-3)
    assert not certify(wrong, *target_of(name)).passed


def test_a_result_names_its_columns_as_the_table_or_the_formula_does():
    assert certify(ols("y ~ a*b + C(g)", D).fit(), D, "y").names == ("C(g)[T.v]", "C(g)[T.w]", "a", "b", "a:b")
    assert certify(sm.OLS(Y, const(X)).fit(), D[["b", "a", "y"]][["a", "b", "y"]], "y").names == ("a", "b")
    assert certify(sm.OLS(Y, const(X)).fit(), X, Y).names == ("x0", "x1")


def test_rows_that_a_result_left_out_may_be_gone_from_the_table():
    for result in (ols("y ~ a", GAPS).fit(), sm.OLS(GAPS.y, const(GAPS[["a"]]), missing="drop").fit()):
        for table in (GAPS, GAPS.dropna()):
            assert certify(result, table, "y", missing="drop").rows == len(GAPS.dropna())


OTHER = D.assign(y=D.y * 1.01), D.assign(a=D.a * 1.01)
REFUSED = {
    "log": (ols("np.log(y) ~ a", D), D, {}, "The OLS result was fitted to 'np.log(y)', not to 'y'."),
    "subset": (ols("y ~ a", D, subset=D.a < 2), D, {}, f"to {(D.a < 2).sum()} rows; the table has 60."),
    "part": (ols("y ~ a", D), D.iloc[:50], {}, "to 60 rows; the table has 50."),
    "gaps": (ols("y ~ a", GAPS), D.iloc[:50], {}, "to 55 rows; the table has 50."),
    "first": (ols("y ~ a", D), D, {"rows": 20}, "to 60 rows; the table has 20."),
    "another y": (ols("y ~ a", D), OTHER[0], {}, "fitted to other values of 'y'"),
    "another a": (ols("y ~ a + C(g)", D), OTHER[1], {}, "fitted to other values of 'a'"),
    "other arrays": (sm.OLS(Y, const(X * 2)), D[["a", "b", "y"]], {}, "fitted to other values of 'a'"),
    "weights": (wls("y ~ a", D, weights=D.w), D, {"weights": "w"}, "holds its own columns and weights. Remove weights"),
    "intercept": (ols("y ~ a", D), D, {"fit_intercept": False}, "Remove fit_intercept"),
    "poisson": (poisson("w ~ a", D.assign(w=D.index)), D, {}, "something else than squares"),
    "GLM": (sm.GLM(Y, X, family=sm.families.Gamma(sm.families.links.Log())), D, {}, "family Gamma, link Log"),
    "offset": (sm.GLM(Y, X, offset=W), D, {}, "or an offset minimizes something else"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_result_that_was_fitted_to_something_else_is_refused(name):
    model, table, options, words = REFUSED[name]
    result = model.fit(disp=0) if name == "poisson" else model.fit()
    with pytest.raises(InputError, match=re.escape(words)):
        certify(result, table, "y", **options)


def test_a_result_without_its_data_is_refused():
    result = sm.OLS(Y, X).fit()
    result.remove_data()
    with pytest.raises(InputError, match="remove_data"):
        certify(result, X, Y)


ALPHAS = {"alpha": [0.5, 2.0]}
STEPS = {"ridge__alpha": [0.5, 2.0]}
SEARCHES = {
    "grid": GridSearchCV(Ridge(), ALPHAS), "random": RandomizedSearchCV(Ridge(), ALPHAS, n_iter=2, random_state=0),
    "of a pipeline": GridSearchCV(make_pipeline(StandardScaler(), Ridge()), STEPS),
    "in a pipeline": make_pipeline(StandardScaler(), GridSearchCV(Ridge(), ALPHAS)),
    "of a pipeline in a pipeline": make_pipeline(
        StandardScaler(), GridSearchCV(make_pipeline(StandardScaler(), Ridge()), STEPS)),
    "alpha of one": Ridge(alpha=np.array([1.0])),
}  # fmt: skip


@pytest.mark.parametrize("name", SEARCHES)
def test_what_a_search_chose_is_certified(name):
    model = SEARCHES[name].fit(X, Y)
    got = certify(model, X, Y, digits=10)
    assert (got.passed, got.worst >= 10) == (True, True)
    assert got.space.count("→") == (name == "of a pipeline in a pipeline")
    assert got.space.startswith("after standardscaler") == ("pipeline" in name)
    assert not certify(model, X, Y * np.linspace(0.9, 1.1, 60)).passed


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (GridSearchCV(Ridge(), ALPHAS, refit=False), "Use refit=True"),
        (TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp), "regressor_"),
        (GridSearchCV(TransformedTargetRegressor(Ridge()), {"regressor__alpha": [1.0]}), "regressor_"),
    ],
)
def test_what_holds_no_fit_to_the_target_is_refused(model, words):
    with pytest.raises(InputError, match=words):
        certify(model.fit(X, Y), X, Y)
    if isinstance(model, GridSearchCV) and model.refit:
        with pytest.raises(InputError, match="not fitted"):
            certify(GridSearchCV(Ridge(), ALPHAS), X, Y)


def test_other_rows_than_those_of_training_are_noticed(tmp_path, capsys):
    fit = regress.fit(D, "y", weights="w", test_size=0.2)
    fit.save(tmp_path / "m.json")
    (tmp_path / "c.json").write_text(json.dumps(fit.to_dict()))
    D.iloc[:50].to_csv(tmp_path / "d.csv", index=False)
    options = {"target": "y", "weights": "w", "test_size": 0.2}
    for claim in (fit, fit.model, tmp_path / "m.json", tmp_path / "c.json"):
        got = certify(claim, tmp_path / "d.csv", **options)
        said = f"The model was trained on {fit.tally.used} rows; this table has {got.rows}."
        assert (got.trained_rows, got.notes, said in got.summary().splitlines()) == (fit.tally.used, [said], True)
        assert (certify(claim, D, **options).notes, got.passed) == ([], False)
    with pytest.raises(SystemExit) as ended:
        main(["certify", str(tmp_path / "m.json"), str(tmp_path / "d.csv"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["trained_rows"], told["notes"]) == (1, fit.tally.used, [said])
    assert certify((fit.w, fit.b), D, **options, drop=["w"]).trained_rows is None
