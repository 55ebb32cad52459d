"""Results stored and read again: pickled, copied, dumped by joblib or saved, each shows and predicts the same."""

import copy
import json
import pickle
from contextlib import nullcontext
from html.parser import HTMLParser

import joblib
import numpy as np
import polars as pl
import pytest

import regress
from regress.api.inspect import inspect
from regress.api.report import page
from regress.errors import DataWarning, InputError
from tests.command import run
from tests.report.situations import SITUATIONS, fitted

random = np.random.default_rng(5)
ROWS = 90
TABLE = pl.DataFrame(
    {
        "time": 1.7e9 + random.uniform(0, 10, ROWS),
        "kind": ["é", 'a "quoted", <b>level</b>', "b"] * 30,
        "one": [4.0] * ROWS,
        "x": np.round(random.normal(size=ROWS) * 8) / 8,
    }
).with_columns(sum=pl.col("x") + 1.0, y=pl.col("x") * 2.0 + random.normal(size=ROWS))
FITS = {
    "text": {"drop": ["one", "sum"], "test_size": 0.2},
    "dependent": {},
    "dropped": {"collinear": "drop"},
    "HC1": {"drop": ["one", "sum"], "cov_type": "HC1", "fit_intercept": False},
    "gd": {"drop": ["one", "sum"], "solver": "gd", "precision": "float64"},
    "ridge": {"drop": ["one", "sum"], "alpha": 0.5},
}
SERIES = ("params", "bse", "tvalues", "pvalues", "vif")
NUMBERS = ("rsquared", "rsquared_adj", "aic", "bic", "llf", "nobs", "df_model", "df_resid", "fvalue", "f_pvalue")
OF_ARRAYS = ("w", "standardized")
KNOWN = (
    "b names target source read_as command options loss r2 r2_test status n_iter history solver over learning_rate "
    "precision precision_reason rank rank_known certificate digits intercept_digits digits_at_least reference_levels "
    "constant dropped equations near_equations perfect tally statistics statistics_missing record"
).split()


def dumped(value, folder):
    joblib.dump(value, folder / "x.joblib")
    return joblib.load(folder / "x.joblib")


def loaded(value, folder):
    value.save(folder / "x.json")
    return regress.load(folder / "x.json")


WAYS = {
    "pickle": lambda value, _: pickle.loads(pickle.dumps(value)),
    "deepcopy": lambda value, _: copy.deepcopy(value),
    "joblib": dumped,
}


@pytest.fixture(scope="module")
def fits():
    with pytest.warns(DataWarning):
        return {name: regress.fit(TABLE, "y", **options) for name, options in FITS.items()}


def told(function):
    """Return what a function returns as text, or what it refuses with."""
    try:
        found = function()
    except InputError as error:
        return str(error)
    return found.to_json(double_precision=15) if hasattr(found, "to_json") else repr(found)


@pytest.mark.parametrize("way", [*WAYS, "file"])
@pytest.mark.parametrize("name", FITS)
def test_a_fit_stored_in_any_way_is_the_same_fit(fits, name, way, tmp_path):
    fit = fits[name]
    again = (WAYS | {"file": loaded})[way](fit, tmp_path)
    assert isinstance(again, regress.Fit)
    assert again is not fit
    for attribute in KNOWN:
        assert repr(getattr(again, attribute)) == repr(getattr(fit, attribute)), attribute
    for attribute in OF_ARRAYS:
        assert getattr(again, attribute).tobytes() == getattr(fit, attribute).tobytes()
    for attribute in (*SERIES, *NUMBERS):
        assert told(lambda name=attribute: getattr(again, name)) == told(lambda name=attribute: getattr(fit, name))
    for ask in (lambda f: f.conf_int(0.1), lambda f: f.cov_params(), lambda f: f.coefficients):
        assert told(lambda ask=ask: ask(again)) == told(lambda ask=ask: ask(fit))
    assert (str(again), repr(again), again.notes()) == (str(fit), repr(fit), fit.notes())
    assert (again.to_dict(), again._repr_html_()) == (fit.to_dict(), fit._repr_html_())
    assert again.predict(TABLE).tobytes() == fit.predict(TABLE).tobytes()
    assert told(lambda: again.predict_interval(TABLE)) == told(lambda: fit.predict_interval(TABLE))
    assert page(again) == page(fit)
    again.save(tmp_path / "a.json")
    fit.save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_file_gives_back_the_record(name, tmp_path):
    fit = fitted(name)
    again = loaded(fit, tmp_path)
    assert again.record == fit.record
    assert again.summary() == fit.summary()


def test_what_is_pickled_holds_no_row_and_little_else(fits):
    X = random.normal(size=(20_000, 3))
    assert len(pickle.dumps(regress.fit(X, X @ [1.0, 2.0, 3.0] + random.normal(size=20_000)))) < 120_000


def results():
    pytest.importorskip("tensorflow")
    data = TABLE.select("x", "time", "y")
    return {
        "fit": regress.fit(data, "y"),
        "model": regress.fit(data, "y").model,
        "comparison": regress.compare(data, "y"),
        "certificate": regress.certify(([2.0, 0.0], 0.0), data, "y"),
        "check": regress.check_gradients(data, "y"),
        "inspection": inspect(TABLE, "y"),
    }


RESULTS = ("fit", "model", "comparison", "certificate", "check", "inspection")


@pytest.fixture(scope="module")
def all_results():
    return results()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RESULTS)
def test_every_result_can_be_stored(all_results, name, way, tmp_path):
    result = all_results[name]
    again = WAYS[way](result, tmp_path)
    assert type(again) is type(result)
    assert (str(again), repr(again)) == (str(result), repr(result))
    assert again.to_dict() == result.to_dict()


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_described_in_one_short_line_and_as_strict_json(all_results, name):
    result = all_results[name]
    assert len(repr(result)) < 200
    assert repr(result).isprintable()
    held = result.to_dict()
    assert json.loads(json.dumps(held, allow_nan=False)) == json.loads(json.dumps(held))
    assert held.get("version", 1) == (2 if name == "comparison" else 1)
    assert str(result) not in ("", repr(result))


@pytest.mark.parametrize("name", ["\U000e0041" * 3000, "ŷ" * 3000, "a\nb"])
def test_a_long_name_makes_no_long_line(name):
    frame = {"x": [1.0, 2.0, 3.0, 5.0], name: [1.0, 3.0, 2.0, 4.0]}
    fit = regress.fit(frame, name)
    for result in (fit, fit.model, regress.certify(fit, frame), inspect(frame)):
        assert len(repr(result)) < 200
        assert repr(result).isprintable()


class Shown(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        assert not attrs
        self.tags.add(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_a_notebook_shows_tables_and_what_a_table_said_is_text(fits, all_results):
    fit = fits["text"]
    shown = Shown(fit._repr_html_())
    assert shown.tags == {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert 'kind (reference level: a "quoted", <b>level</b>)' in shown.text
    cells = [text.strip() for text in shown.text]
    for line in fit.record.coefficients:
        row = cells.index(line.level or line.name)
        values = [cell for cell in cells[row + 1 :] if cell]
        assert float(values[0]) == pytest.approx(line.coef, abs=line.std_err / 100.0)
    for name in ("comparison", "certificate", "inspection"):
        assert Shown(all_results[name]._repr_html_()).tags == shown.tags


def test_printing_is_what_the_command_line_prints(tmp_path):
    TABLE.select("x", "time", "y").write_csv(tmp_path / "t.csv")
    path = str(tmp_path / "t.csv")
    fit = regress.fit(path, "y")
    fit.save(tmp_path / "m.json")
    assert run("fit", path, "--target", "y")[1] == f"{fit}\n"
    assert run("certify", str(tmp_path / "m.json"), path)[1] == f"{regress.certify(fit, path)}\n"
    assert run("inspect", path)[1] == f"{inspect(path)}\n"


def test_a_line_says_what_became_of_its_coefficient(fits):
    status = {line.name: line.status for line in fits["dependent"].record.coefficients}
    assert status["one"] == "constant"
    assert {name for name, word in status.items() if word == "dependent"} == {"(intercept)", "x", "sum"}
    assert status["time"] == "estimated"
    assert {line.status for line in fits["dropped"].record.coefficients if line.name in ("one", "sum")} == {"dropped"}
    of = {line.name: (line.column, line.level) for line in fits["text"].record.coefficients}
    assert of["(intercept)"] == (None, None)
    assert of["kind=b"] == ("kind", "b")
    assert of["time"] == ("time", None)


def test_wide_fits_have_standard_errors_of_all_coefficients(tmp_path):
    X = random.normal(size=(1500, 620))
    fit = regress.fit(X, X[:, 0] + random.normal(size=1500))
    again = loaded(fit, tmp_path)
    assert again.bse.notna().all()
    assert again.record == fit.record
    with nullcontext() if fit.model.uncertainty else pytest.raises(InputError, match="at most 200 columns"):
        again.cov_params()
