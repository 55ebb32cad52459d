"""Pages of saved models, of malformed ones, and of fits that did not end well."""

import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.report import page
from regress.errors import DataWarning, InputError
from regress.solvers.loop import Status
from tests.command import run
from tests.pages import (
    read,
    table_of,
)
from tests.report.situations import (
    DIABETES,
    SITUATIONS,
    dependent_rows,
    normal_rows,
)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_saved_model_makes_the_page_of_its_fit(situation, name, tmp_path):
    fit = situation(name)
    fit.save(tmp_path / "m.json")
    assert page(regress.load(tmp_path / "m.json")) == page(fit)
    assert page(fit.model) == page(fit)


def test_the_command_makes_the_page_of_the_fit(tmp_path):
    model, first, second = tmp_path / "m.json", tmp_path / "first.html", tmp_path / "second.html"
    code, _, _ = run("fit", DIABETES, "--target", "progression", "--save", model, "--report", first)
    assert code == 0
    code, said, _ = run("report", model, "-o", second)
    assert (code, said) == (0, f"{second}\n")
    assert first.read_bytes() == second.read_bytes()
    command = f"regress fit {DIABETES} --target progression --save {model} --report {first}"
    assert read(first.read_text()).one("pre").text == command
    assert run("report", model)[1] == f"{tmp_path / 'm.html'}\n"
    assert (tmp_path / "m.html").read_bytes() == first.read_bytes()
    assert run("report", model, "--descent", "bmi,s5")[0] == 0
    page_of_pair = (tmp_path / "m.html").read_text()
    assert page_of_pair != first.read_text()
    assert page_of_pair == page(regress.load(model), ["bmi", "s5"])


def test_a_model_without_a_report_says_what_its_page_lacks(tmp_path):
    X, y = normal_rows()
    regress.fit(X, y).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    held["report"] = None
    (tmp_path / "old.json").write_text(json.dumps(held))
    model = regress.load(tmp_path / "old.json")
    root = read(page(model))
    assert table_of(root, "coefficients") == {
        "(intercept)": [model.b], **{n: [v] for n, v in zip(model.names, model.w, strict=True)}
    }  # fmt: skip
    for section in ("rows", "coefficients", "certificate", "convergence", "residuals", "descent"):
        lacks = root.one("section", id=section).all("p", class_="lack")
        assert [text.text for text in lacks] == [
            "Not shown: This model was saved without what a report shows. Fit it anew to see it."
        ], section
    assert root.all("script") == []
    assert root.one("p", class_="equation").values == [model.b, *np.abs(model.w)]
    code, _, told = run("report", tmp_path / "old.json", "--descent", "x0,x1")
    assert code == 2
    assert "Fit it anew" in told


def paths_of(value, path=()):
    """Return where every value of a JSON tree is; of lists the first, the second and the last."""
    items = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = [(k, value[k]) for k in sorted({0, min(1, len(value) - 1), len(value) - 1}) if value]
    return [found for key, each in items for found in [(*path, key), *paths_of(each, (*path, key))]]


def changed(value, path, new):
    """Return a copy of a JSON tree with one value replaced, or taken out where `new` is ..."""
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    if new is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return copy


@cache
def blocks():
    """Models with their report blocks: one with everything in it, and one of a descent in float64."""
    X, y = dependent_rows()
    with pytest.warns(DataWarning):
        full = regress.fit(X, y, test_size=0.2).model
    double = regress.fit(*normal_rows(), solver="cg", precision="float64").model
    return [(model, json.loads(json.dumps(model.report))) for model in (full, double)]


def wrong_with(model, report):
    """Make the page of a model with another block; say what else comes of it than a page or one sentence."""
    try:
        html = page(replace(model, report=report))
    except InputError as error:
        said = str(error)
        return None if "\n" not in said and said.endswith(".") else said
    except Exception as error:  # whatever it is: all of them are to be seen at once
        return f"{type(error).__name__}: {error}"
    return None if html.rstrip().endswith("</html>") else "an unfinished page"


WRONG = {"null": None, "text": "x", "list": [], "infinity": float("inf"), "taken out": ...}


MORE = {"object": {}, "lists": [[]], "nan": float("nan"), "minus one": -1, "zero": 0, "half": 0.5, "true": True}


MORE |= {"markup": "<b>", "a large number": 10**400}


@pytest.mark.parametrize("new", WRONG.values(), ids=WRONG)
def test_a_malformed_report_block_gives_a_page_or_one_sentence(new):
    found = {}
    for model, report in blocks():
        one_of_each = [path for path in paths_of(report) if not {1, 2, 3} & set(path)]
        found |= {path: wrong_with(model, changed(report, path, new)) for path in one_of_each}
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG | MORE)
def test_any_malformed_value_of_a_report_block_gives_a_page_or_one_sentence(name):
    found = {}
    for model, report in blocks():
        others = [path for path in paths_of(report) if name in MORE or {1, 2, 3} & set(path)]  # than those above
        found |= {path: wrong_with(model, changed(report, path, (WRONG | MORE)[name])) for path in others}
    assert {path: said for path, said in found.items() if said} == {}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.integers(0, 1),
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.sampled_from([None, "x", [], [[]], {}, float("inf"), -1.5, 0, 10**400, True])
        ),
        min_size=2,
        max_size=3,
    ),
)
def test_several_malformed_values_give_a_page_or_one_sentence(which, wrong):
    model, report = blocks()[which]
    for number, new in wrong:
        places = paths_of(report)
        report = changed(report, places[number % len(places)], new)
    assert wrong_with(model, report) is None


@pytest.mark.parametrize("text", ["1e999", '"x"', "[]", "{}", "null", "true"])
def test_a_malformed_block_in_a_file_is_one_error_of_the_command(tmp_path, text):
    regress.fit(*normal_rows()).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    for key in ("history", "moments", "n_iter", "lines"):
        report = {**held["report"], key: "PLACE"}
        (tmp_path / "bad.json").write_text(json.dumps({**held, "report": report}).replace('"PLACE"', text))
        written = tmp_path / f"{key}.html"
        code, _, told = run("report", tmp_path / "bad.json", "-o", written)
        assert code in (0, 2)
        assert written.exists() is (code == 0)
        assert re.fullmatch(r"Error: .*\n" if code else "", told)


@pytest.mark.parametrize("report", ["null", '"x"', "[]", "7", "{}"])
def test_a_block_that_is_none_is_one_error_or_missing(tmp_path, report):
    regress.fit(*normal_rows()).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "bad.json").write_text(json.dumps({**held, "report": json.loads(report)}))
    code, _, told = run("report", tmp_path / "bad.json")
    assert code == 0 if report == "null" else re.fullmatch(r"Error: .*\n", told)


def test_a_fit_interrupted_before_its_first_step_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, solver="gd")
    stopped = replace(fit._training, status=Status.INTERRUPTED, history=[])
    fit = replace(fit, _training=stopped, _bare=replace(fit._bare, status="interrupted"))
    root = read(page(fit))
    assert "✗ Interrupted" in root.one("header").text


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_words(status):
    X, y = normal_rows()
    fit = regress.fit(X, y)
    fit = replace(fit, _training=replace(fit._training, status=status), _bare=replace(fit._bare, status=str(status)))
    root = read(page(fit))
    tile = root.one("header").one("dl").all("dd")[0]
    assert tile.attributes["class"] == ("good" if status is Status.CONVERGED else "bad")
    assert str(status) not in ("converged",) or tile.text == "✓ Converged"
    assert "_" not in tile.text


def test_a_loss_of_nothing_but_missing_figures_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, precision="float64", solver="cg")
    nan = float("nan")
    history = [i._replace(loss=nan, gradient_norm=nan) for i in fit.history]
    broken = replace(
        fit,
        _training=replace(fit._training, status=Status.NON_FINITE, history=history, stationarity=nan),
        _bare=replace(fit._bare, status="non_finite", loss=nan),
        r2=nan,
        standardized=np.full(3, nan),
        _digits_estimate=None,
    )
    root = read(page(broken))
    assert "✗ Stopped at a number that is none" in root.one("header").text
