"""Where a page is written, and the flags that ask for it."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import regress
from regress.api.report import page, write_report
from regress.errors import DataWarning, InputError
from tests.command import run
from tests.pages import (
    page_of,
    read,
)
from tests.report.situations import (
    DIABETES,
    normal_rows,
)


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fit = regress.fit(*normal_rows())
    path = tmp_path / "p.html"
    write_report(fit, path)
    before = path.read_bytes()
    assert before == page(fit).encode()
    with pytest.raises(InputError, match="no coefficient 'x9'"):
        write_report(fit, path, descent=["x0", "x9"])
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_report(fit, tmp_path / "none" / "p.html")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_report(fit, path, descent=["x0", "x1"])
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["p.html"]


FIT = ["fit", DIABETES, "--target", "progression"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([*FIT, "--report", "FOLDER/none/p.html"], "there is no folder FOLDER/none"),
        ([*FIT, "--report", DIABETES], "--report would overwrite .*diabetes.csv, which is the table"),
        ([*FIT, "--save", "FOLDER/a.html", "--report", "FOLDER/a.html"], "--report would overwrite FOLDER/a.html"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,age_"], "no coefficient 'age_'. Nearest: 'age'"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "BMI,age"], "no coefficient 'BMI'. Nearest: 'bmi'"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,bmi"], "two different coefficients; got 'bmi' twice"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi"], "two coefficients.*got .*bmi"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,age,s5"], "two coefficients.*got .*s5"),
        ([*FIT, "--descent", "bmi,age"], "--descent needs a page to draw on. Name it with --report"),
        ([*FIT, "--features", "bmi", "--report", "FOLDER/p.html", "--descent", "bmi,age"], "this model has one"),
        ([*FIT, "--report", "-"], "--report takes the name of a file; got '-'"),
        ([*FIT, "--report", ""], "--report takes the name of a file; got ''"),
        ([*FIT, "--save", "-"], "--save takes the name of a file; got '-'"),
        ([*FIT, "--save", ""], "--save takes the name of a file; got ''"),
        (["report", "FOLDER/m.json", "-o", "-"], "--output takes the name of a file; got '-'"),
        (["report", "FOLDER/m.json", "-o", ""], "--output takes the name of a file; got ''"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "-"], "--report takes the name of a file; got '-'"),
        (["compare", DIABETES, "--target", "progression", "--report", ""], "--report takes the name of a file; got ''"),
        ([*FIT, "--report", "FOLDER"], "--report FOLDER is a folder. Name a file"),
        ([*FIT, "--save", "FOLDER"], "--save FOLDER is a folder. Name a file"),
        (["report", "FOLDER/m.json", "-o", "FOLDER"], "--output FOLDER is a folder. Name a file"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "FOLDER"], "--report FOLDER is a folder. Name a file"),
        (["report", "FOLDER/none.json"], "The model FOLDER/none.json cannot be read"),
        (["report", "FOLDER/m.json", "-o", "FOLDER/m.json"], "--output would overwrite FOLDER/m.json.*the model"),
        (["report", "FOLDER/m.json", "-o", "FOLDER/none/p.html"], "there is no folder"),
        (["report", "FOLDER/m.json", "--descent", "bmi,sex_"], "no coefficient 'sex_'. Nearest: 'sex'"),
        (["report", DIABETES], "is not a model: it is not JSON"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "FOLDER/m.json"], "which is the model"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", DIABETES], "which is the table"),
        (["compare", DIABETES, "--target", "progression", "--report", DIABETES], "which is the table"),
        (["compare", DIABETES, "--target", "progression", "--descent", "bmi,age"], "No such option"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(tmp_path, arguments, says):
    regress.fit(DIABETES, "progression").save(tmp_path / "m.json")
    model, table = (tmp_path / "m.json").read_bytes(), Path(DIABETES).read_bytes()
    code, _, told = run(*(argument.replace("FOLDER", str(tmp_path)) for argument in arguments))
    assert code == 2
    assert re.fullmatch(r"Error: [^\n]*\n", told)
    assert re.search(says.replace("FOLDER", re.escape(str(tmp_path))), told)
    assert (tmp_path / "m.json").read_bytes() == model
    assert Path(DIABETES).read_bytes() == table
    assert not list(tmp_path.glob("*.html")) or arguments[-1] == "FOLDER/a.html"


@pytest.mark.parametrize("descent", ["bmi,age", "bmi"])
def test_flags_that_do_not_go_together_are_refused_before_the_fit(tmp_path, descent):
    page_wanted = [] if "," in descent else ["--report", tmp_path / "p.html"]
    assert run(*FIT, "--save", tmp_path / "m.json", *page_wanted, "--descent", descent)[0] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--report", "--save"])
@pytest.mark.parametrize("output", ["-", "", "FOLDER", "FOLDER/p.html"])
def test_where_nothing_can_be_written_is_refused_before_the_fit(tmp_path, monkeypatch, option, output):
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path and access(path, mode))
    monkeypatch.setattr("regress.api.fit.fit", lambda *_, **__: pytest.fail("it was fitted"))
    monkeypatch.setattr("regress.fit", lambda *_, **__: pytest.fail("it was fitted"))
    code, _, told = run(*FIT, option, output.replace("FOLDER", str(tmp_path)))
    assert code == 2
    why = {"FOLDER": "is a folder", "FOLDER/p.html": "its folder is read-only"}
    assert re.fullmatch(rf"Error: {option} .*{why.get(output, 'takes the name of a file')}.*\n", told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sample", [2.5, 7.0, True, -1, "7", None, float("nan"), float("inf")])
def test_a_sample_that_is_no_whole_number_is_refused(sample):
    with pytest.raises(InputError, match="sample must be an integer of at least 0"):
        regress.fit(*normal_rows(60), sample=sample)


@pytest.mark.parametrize(
    ("sample", "rows"), [(0, None), (1, None), (20, 20), (np.int64(20), 20), (60, 60), (10**9, 60)]
)
def test_a_sample_has_as_many_rows_as_were_asked_for(sample, rows):
    found = regress.fit(*normal_rows(60), sample=sample).record.residuals
    assert (found and found.rows) == rows


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", f"{tmp_path}/.p.html.abc")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match=r"p\.html cannot be written: Permission denied\."):
        write_report(regress.fit(*normal_rows()), tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("descent", ["x0", "x0,x1", ["x0"], [], ["x0", "x1", "x2"], ["x0", 1], [None, "x0"]])
def test_a_descent_that_is_no_pair_of_names_is_refused(descent):
    with pytest.raises(InputError):
        page(regress.fit(*normal_rows()), descent)


@pytest.mark.usefixtures("without_tensorflow")
def test_only_fits_descend_and_only_results_are_shown(tmp_path):
    X, y = normal_rows()
    compared, certified = regress.compare(X, y), regress.certify(([1.0, 2.0, 3.0], 4.0), X, y)
    for result in (compared, certified):
        with pytest.raises(InputError, match="drawn for a fit"):
            page(result, ["x0", "x1"])
    for result in (None, 7, "page", X):
        with pytest.raises(InputError, match="no report of a"):
            write_report(result, tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


def test_of_one_column_there_is_no_descent():
    X, y = normal_rows(n=1)
    root = page_of(X, y)
    assert "this model has one" in root.one(id="descent").one("p", class_="lack").text
    assert root.all("script") == []
    assert len(root.one(id="coefficients").all("circle")) == 1


def test_of_more_than_fifty_columns_there_is_no_descent():
    random = np.random.default_rng(1)
    for n, drawn in ((50, True), (51, False)):
        root = page_of(random.normal(size=(100, n)), random.normal(size=100))
        assert bool(root.all("figure", id="figure-descent-map")) is drawn
        assert bool(root.all("script")) is drawn


def test_why_there_is_no_descent_of_few_rows_is_told_truly():
    with pytest.warns(DataWarning):
        fit = regress.fit(np.random.default_rng(2).normal(size=(3, 5)), np.arange(3.0))
    why = read(page(fit)).one(id="descent").one("p", class_="lack").text
    assert "50" not in why  # there are five columns: their number is not what is in the way
