"""What a result calls its parts: by its own names everywhere, and by those of statsmodels."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.stats.outliers_influence import variance_inflation_factor

import regress
from regress.cli.main import main
from regress.errors import DataWarning, InputError
from regress.records import COLUMNS, PREDICTIONS, TESTS

random = np.random.default_rng(11)
m = 120
FRAME = pd.DataFrame({"time": 1e5 + random.uniform(0, 50, m), "size": random.uniform(1, 9, m)})
FRAME["kind"] = np.array(["b", "a", "c"])[random.integers(0, 3, m)]
FRAME["a"] = random.uniform(0.5, 2.0, m)
FRAME["y"] = 3.0 * FRAME["size"] - 0.2 * FRAME["time"] + 2.0 * (FRAME["kind"] == "b") + random.normal(size=m)
FIT = regress.fit(FRAME, "y", drop=["a"])

CASES = {
    "plain": ("y ~ time + size", {"features": ["time", "size"]}, {}),
    "weights": ("y ~ time + size", {"features": ["time", "size"], "weights": "a"}, {}),
    "no intercept": ("y ~ time + size - 1", {"features": ["time", "size"], "fit_intercept": False}, {}),
    "categories": ("y ~ time + size + kind", {"features": ["time", "size", "kind"]}, {}),
    "HC1": ("y ~ time + size + kind", {"features": ["time", "size", "kind"], "cov_type": "HC1"}, {"cov_type": "HC1"}),
    "float64": ("y ~ time + size", {"features": ["time", "size"], "precision": "float64"}, {}),
}
SERIES = ("params", "bse", "tvalues", "pvalues")
NUMBERS = "rsquared rsquared_adj aic bic llf nobs df_model df_resid fvalue f_pvalue".split()
NEED_STATISTICS = [*SERIES[1:], *(name for name in NUMBERS if name not in ("rsquared", "nobs")), "vif"]


@pytest.fixture(scope="module", params=CASES)
def both(request):
    """A fit, and what statsmodels makes of the same columns, under the same names in the same order."""
    formula, ours, robust = CASES[request.param]
    weights = FRAME["a"] if "weights" in ours else np.ones(m)
    them = smf.wls(formula, FRAME, weights=weights).fit(use_t=True, **robust)
    fit = regress.fit(FRAME, "y", **ours)
    names = {"Intercept": "(intercept)", "kind[T.b]": "kind=b", "kind[T.c]": "kind=c"}
    order = [name for fitted in fit.params.index for name in them.params.index if names.get(name, name) == fitted]
    return fit, them, order


def run(*words):
    """Run the command line."""
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    assert done.value.code == 0


def close(value):
    return pytest.approx(np.asarray(value), rel=1e-6, abs=0.0)


def test_series_and_frames_are_those_of_statsmodels(both):
    fit, them, order = both
    names = list(fit.coefficients.index)
    assert len(order) == len(names)
    for name in SERIES:
        ours = getattr(fit, name)
        assert isinstance(ours, pd.Series)
        assert (list(ours.index), ours.name, ours.index.name) == (names, None, None)
        assert ours.to_numpy() == close(getattr(them, name)[order])
    for options in ({}, {"alpha": 0.1}):
        ours = fit.conf_int(**options)
        assert (list(ours.columns), list(ours.index)) == ([0, 1], names)
        assert ours.to_numpy() == close(them.conf_int(**options).loc[order])
    ours = fit.cov_params()
    assert (list(ours.columns), list(ours.index)) == (names, names)
    scale = np.sqrt(np.outer(np.diagonal(ours), np.diagonal(ours)))  # a covariance near zero has no digits of its own
    assert ours.to_numpy() / scale == pytest.approx(them.cov_params().loc[order, order].to_numpy() / scale, abs=1e-6)


def test_the_numbers_are_those_of_statsmodels(both):
    fit, them, _ = both
    for name in NUMBERS:
        assert getattr(fit, name) == close(getattr(them, name)), name


def test_variance_inflation_factors_are_those_of_statsmodels():
    fit = regress.fit(FRAME, "y", features=["time", "size", "a"])
    X = sm.add_constant(FRAME[["time", "size", "a"]].to_numpy())
    assert list(fit.vif.index) == ["time", "size", "a"]
    assert fit.vif.to_numpy() == close([variance_inflation_factor(X, j) for j in (1, 2, 3)])


def test_covariances_are_there_for_200_columns_and_beyond_that_it_is_said_why():
    X = random.normal(size=(400, 201))
    y = X[:, 0] + random.normal(size=400)
    fit, them = regress.fit(X[:, :200], y), sm.OLS(y, sm.add_constant(X[:, :200])).fit()
    size = np.sqrt(np.diagonal(them.cov_params()))
    assert np.abs(fit.cov_params().to_numpy() - them.cov_params()).max() < 1e-9 * size.max() ** 2
    wide = regress.fit(X, y)
    assert wide.bse.notna().all()
    with pytest.raises(InputError, match=r"no cov_params\. Covariances are kept .*at most 200 columns"):
        wide.cov_params()
    with pytest.raises(InputError, match=r"no prediction intervals\. .*at most 200 columns"):
        wide.predict_interval(X)


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_what_cannot_be_estimated_is_nan():
    fit = regress.fit(FRAME.assign(one=7.0), "y", features=["time", "one", "size"])
    assert fit.params["one"] == 0.0
    for series in (fit.bse, fit.tvalues, fit.pvalues):
        assert list(series.index[series.isna()]) == ["one"]
    known = fit.cov_params().notna()
    assert known.loc["time", ["(intercept)", "time", "one", "size"]].tolist() == [True, True, False, True]
    assert not known["one"].any()


@pytest.mark.parametrize("name", [*NEED_STATISTICS, "conf_int", "cov_params"])
def test_a_ridge_fit_says_why_it_has_none(name):
    fit = regress.fit(FRAME, "y", features=["time", "size"], alpha=2.0)
    assert (fit.nobs, fit.rsquared) == (m, fit.r2)
    assert fit.params.tolist() == [fit.b, *fit.w]
    with pytest.raises(InputError, match=rf"no {name}, .*\. A penalty biases the coefficients"):
        getattr(fit, name)() if name in ("conf_int", "cov_params") else getattr(fit, name)


def test_frequency_weights_count_as_observations():
    times = random.integers(1, 4, m)
    fit = regress.fit(FRAME, "y", features=["size"], weights=times, weight_type="frequency")
    assert (fit.nobs, fit.df_resid) == (times.sum(), times.sum() - 2)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 5, float("nan"), "x", [0.05]])
def test_alpha_is_a_probability(alpha):
    with pytest.raises(InputError, match="alpha must be between 0 and 1"):
        FIT.conf_int(alpha)


def test_a_table_of_coefficients_has_one_set_of_columns_everywhere(tmp_path, capsys):
    assert (*COLUMNS[:-2], TESTS) == ("coef", "std_err", "t", "p_value", "ci_low", "ci_high", COLUMNS[1:-2])
    assert tuple(FIT.coefficients.columns) == COLUMNS[:-1]
    assert [name for name in FIT.to_dict()["statistics"] if name in TESTS] == list(TESTS)
    head = next(line for line in FIT.summary().splitlines() if "std_err" in line)
    assert tuple(head.split()) == COLUMNS[:-2]
    FRAME.drop(columns="a").to_csv(tmp_path / "t.csv", index=False)
    run("fit", tmp_path / "t.csv", "--target", "y", "--json", "--save", tmp_path / "m.json")
    told = json.loads(capsys.readouterr().out)["statistics"]
    held = json.loads((tmp_path / "m.json").read_text())["record"]["coefficients"]
    for name in TESTS:
        assert told[name] == {line["name"]: line[name] for line in held} == FIT.coefficients[name].to_dict()
    assert {line["name"]: line["coef"] for line in held} == FIT.coefficients["coef"].to_dict()
    assert {*COLUMNS} <= set(held[0])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predictions_have_one_set_of_columns_everywhere(suffix, tmp_path):
    FIT.save(tmp_path / "m.json")
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    output = tmp_path / f"p.{suffix}"
    run("predict", tmp_path / "m.json", tmp_path / "t.csv", "--interval", "0.9", "--output", output)
    written = pl.read_csv(output) if suffix == "csv" else pl.read_parquet(output)
    assert written.columns == ["row", *PREDICTIONS]
    ours = FIT.predict_interval(FRAME, 0.9)
    assert tuple(ours.columns) == PREDICTIONS == ("prediction", "pi_low", "pi_high")
    np.testing.assert_array_equal(written.select(PREDICTIONS).to_numpy(), ours.to_numpy())


def test_predictions_have_one_shape_and_intervals_the_labels_of_the_frame():
    table = FRAME.set_axis([f"r{i}" for i in range(m)])[::-1]
    for model in (FIT, FIT.model):
        ours = model.predict_interval(table)
        assert list(ours.index) == list(table.index)
        np.testing.assert_array_equal(ours["prediction"], model.predict(table))
        assert model.predict(table).shape == (m,)
        assert (ours["pi_low"] < ours["prediction"]).all()
        assert (ours["prediction"] < ours["pi_high"]).all()
        wide, narrow = (model.predict_interval(table, level).pi_high for level in (0.99, 0.5))
        assert (wide > narrow).all()
        empty = model.predict_interval(table[:0])
        assert (empty.shape, tuple(empty.columns)) == ((0, 3), PREDICTIONS)
        for level in (0.0, 1.0, 95):
            with pytest.raises(InputError, match="level of an interval must be between 0 and 1"):
                model.predict_interval(table, level)
        with pytest.raises(TypeError, match="interval"):
            model.predict(table, interval=0.95)


def test_a_result_is_described_in_one_line():
    assert repr(FIT) == f"Fit(y ~ 4 columns, 120 rows, converged, R² {FIT.r2:.3f})"
    assert repr(FIT.model) == "LinearModel(y ~ 4 columns, 120 rows, converged)"
    with pytest.warns(DataWarning):
        odd = regress.fit({"x": [1.0, 1.0], "a\nb": [1.0, 2.0]}, "a\nb")
    assert repr(odd).startswith(r"Fit(a\nb ~ 1 column, 2 rows, ")


def test_there_is_one_way_to_each_thing():
    for gone in ("fitted", "training", "infer", "reason"):
        assert not hasattr(FIT, gone)
    shown = (FIT.solver, FIT.over, FIT.precision, FIT.rank, str(FIT.status), FIT.n_iter, FIT.learning_rate)
    assert shown == ("direct", "moments", "exact", 4, "converged", 0, None)
    assert (FIT.target, FIT.reference_levels) == ("y", {"kind": "a"})
    assert FIT.options == FIT.model.options


def test_the_docstring_lists_every_attribute():
    text = inspect.getdoc(regress.Fit)
    methods = {
        "lines",
        "with_command",
        "predict",
        "predict_interval",
        "predict_one",
        "relevel",
        "save",
        "notes",
        "warnings",
        "to_dict",
        "summary",
    }
    shown = {name for name in dir(FIT) if not name.startswith("_")} - methods
    assert {name for name in shown if name not in text} == set()


def test_a_fit_of_arrays_needs_no_pandas(tmp_path):
    code = f"""
import sys
import numpy as np
import regress
X = np.random.default_rng(0).normal(size=(50, 3))
fit = regress.fit(X, X @ [1.0, 2.0, 3.0] + X[:, 0] ** 2)
repr(fit), fit.summary(), fit.to_dict(), fit.rsquared, fit.aic, fit.predict(X), fit.save(r"{tmp_path / "m.json"}")
regress.load(r"{tmp_path / "m.json"}").predict(X)
print("pandas" in sys.modules)
fit.params
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
