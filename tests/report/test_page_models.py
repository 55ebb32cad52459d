"""Pages of saved models, of malformed ones, and of fits that did not end well."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.load import fit_of
from regress.api.model_file import written
from regress.api.report import page
from regress.api.result import Fit
from regress.errors import DataWarning, InputError
from regress.messages import speaking_flags
from regress.solvers.status import Status
from tests.command import run
from tests.pages import (
    read,
)
from tests.report.situations import (
    DIABETES,
    SITUATIONS,
    dependent_rows,
    normal_rows,
    with_outcome,
)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_saved_model_makes_the_page_of_its_fit(situation, name, tmp_path):
    fit = situation(name)
    fit.save(tmp_path / "m.json")
    assert page(regress.load(tmp_path / "m.json")) == page(fit)


def test_the_command_makes_the_page_of_the_fit(tmp_path):
    model, first, second = tmp_path / "m.json", tmp_path / "first.html", tmp_path / "second.html"
    code, _, _ = run("fit", DIABETES, "--target", "progression", "--save", model, "--report", first)
    assert code == 0
    code, said, _ = run("report", model, "-o", second)
    assert (code, said) == (0, f"{second}\n")
    assert first.read_bytes() == second.read_bytes()
    command = "regress fit diabetes.csv --target progression --save m.json --report first.html"
    assert read(first.read_text()).one("pre").text == command
    assert run("report", model)[1] == f"{tmp_path / 'm.html'}\n"
    assert (tmp_path / "m.html").read_bytes() == first.read_bytes()
    assert run("report", model, "--descent", "bmi,s5")[0] == 0
    page_of_pair = (tmp_path / "m.html").read_text()
    assert page_of_pair != first.read_text()
    with speaking_flags():
        assert page_of_pair == page(regress.load(model), ["bmi", "s5"])


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
def files():
    """What files hold: of a fit with everything in its record, and of a descent in float64."""
    X, y = dependent_rows()
    with pytest.warns(DataWarning):
        full = regress.fit(X, y, test_size=0.2)
    double = regress.fit(*normal_rows(), solver="cg", precision="float64")
    return [json.loads(written(fit.model, fit.record)) for fit in (full, double)]


def wrong_with(held):
    """Make the page of what a file holds; say what else comes of it than a page or one sentence."""
    try:
        html = page(fit_of(held, Path("m.json")))
    except InputError as error:
        said = str(error)
        return None if "\n" not in said and said.endswith(".") else said
    except Exception as error:  # whatever it is: all of them are to be seen at once
        return f"{type(error).__name__}: {error}"
    return None if html.rstrip().endswith("</html>") else "an unfinished page"


WRONG = {"null": None, "text": "x", "list": [], "infinity": float("inf"), "taken out": ...}
MORE = {"object": {}, "lists": [[]], "nan": float("nan"), "minus one": -1, "zero": 0, "half": 0.5, "true": True}
MORE |= {"markup": "<b>", "a large number": 10**400, "large": 1e300, "small": 5e-324}


@pytest.mark.parametrize("new", WRONG.values(), ids=WRONG)
def test_a_malformed_record_gives_a_page_or_one_sentence(new):
    found = {}
    for held in files():
        one_of_each = [path for path in paths_of(held["record"], ("record",)) if not {1, 2, 3} & set(path)]
        found |= {path: wrong_with(changed(held, path, new)) for path in one_of_each}
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG | MORE)
def test_any_malformed_value_of_a_record_gives_a_page_or_one_sentence(name):
    found = {}
    for held in files():
        paths = paths_of(held["record"], ("record",))
        others = [path for path in paths if name in MORE or {1, 2, 3} & set(path)]  # than those above
        found |= {path: wrong_with(changed(held, path, (WRONG | MORE)[name])) for path in others}
    assert {path: said for path, said in found.items() if said} == {}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.integers(0, 1),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from([None, 1e300, -1.5, 0, 1, 2, 5e-324])), min_size=2, max_size=3
    ),
)
def test_several_odd_values_give_a_page_or_one_sentence(which, wrong):
    held = files()[which]
    for number, new in wrong:
        places = paths_of(held["record"], ("record",))
        held = changed(held, places[number % len(places)], new)
    assert wrong_with(held) is None


@pytest.mark.parametrize("record", ["null", '"x"', "[]", "7", "{}"])
def test_a_file_without_a_record_is_one_error_of_the_command(tmp_path, record):
    regress.fit(*normal_rows()).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "bad.json").write_text(json.dumps({**held, "record": json.loads(record)}))
    code, _, told = run("report", tmp_path / "bad.json")
    assert code == 2
    assert re.fullmatch(r"Error: .*record.*\n", told)
    assert not (tmp_path / "bad.html").exists()


def test_a_fit_interrupted_before_its_first_step_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, solver="gd")
    root = read(page(with_outcome(fit, trained={"status": "interrupted"}, history=(), n_iter=0)))
    assert "✗ Interrupted" in root.one("header").text


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_words(status):
    X, y = normal_rows()
    root = read(page(with_outcome(regress.fit(X, y), trained={"status": status.value})))
    tile = root.one("header").one("dl").all("div")[0]
    assert (tile.one("dt").text == "Training") is (status is not Status.CONVERGED)
    assert bool(tile.all("dd", class_="bad")) is not status.as_asked
    assert "_" not in tile.text
    shown = [head.text for head in root.one(id="coefficients").one("table").one("thead").all("th")]
    assert ("Std. error" in shown) is (status is Status.CONVERGED)
    assert bool(root.one(id="coefficients").all("p", class_="lack")) is (status is not Status.CONVERGED)


def test_a_loss_of_nothing_but_missing_figures_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, precision="float64", solver="cg")
    history = tuple(row._replace(loss=None, gradient_norm=None) for row in fit.record.outcome.history)
    broken = with_outcome(fit, trained={"status": "non_finite", "loss": None}, history=history, r2=None)
    lines = tuple(replace(line, standardized=None, digits=None) for line in broken.record.coefficients)
    broken = Fit(_bare=broken.model, _held=replace(broken.record, coefficients=lines))
    root = read(page(broken))
    assert "✗ Stopped: a value became NaN or infinite" in root.one("header").text


@pytest.mark.parametrize("far", [(1e308,), (1e308, -1e308), (1.7e308, 1.7e308), (-1.7e308, 1.7e308, 1.7e308)])
def test_coefficients_near_the_range_of_float64_are_outside_of_the_chart(far):
    fit = regress.fit(*normal_rows())
    lines = list(fit.record.coefficients)
    for j, value in enumerate(far, 1):
        lines[j] = replace(lines[j], standardized=value)
    root = read(page(Fit(_bare=fit.model, _held=replace(fit.record, coefficients=tuple(lines)))))
    places = [float(dot.attributes["cx"]) for dot in root.one(id="coefficients").all("circle")]
    assert all(-20.0 < place < 220.0 for place in places)


def test_a_fit_solved_directly_has_a_sentence_and_no_chart():
    fit = with_outcome(regress.fit(*normal_rows()), history=(), n_iter=0)
    section = read(page(fit)).one(id="convergence")
    assert section.all("figure") == []
    assert section.one("p").text == "Solved directly in exact arithmetic (by default)."
    with pytest.raises(InputError, match=r"^Solved directly in exact arithmetic\. Use solver='gd' to .*\.$"):
        regress.plot.convergence(fit)
