"""A verb opens a file once for its dialect and once for its rows, and is entered once. Further passes are counted."""

import inspect
import os
import sys
from collections import Counter

import numpy as np
import pytest

import regress
from regress.api import certify, check, compare, fit
from regress.api import inspect as looking
from regress.api.model import LinearModel
from regress.sources import files, paths
from tests.command import run

OPENED: list[str] | None = None  # the files opened, while somebody asks
random = np.random.default_rng(5)


def hear(event, arguments):
    if event == "open" and OPENED is not None and isinstance(arguments[0], str | os.PathLike):
        OPENED.append(os.fspath(arguments[0]))


sys.addaudithook(hear)  # which no one can remove

VERBS = {
    inspect.unwrap(function).__code__: name
    for name, function in {
        "fit": fit.fit,
        "compare": compare.compare,
        "certify": certify.certify,
        "check": check.check_gradients,
        "inspect": looking.inspect,
        "predict": LinearModel.predict,
        "open": files.open_files,
        "paths": paths.paths_of,
    }.items()
}


def counted(path, call):
    """How often a call opens a file, and enters each verb."""
    global OPENED
    entered, OPENED = Counter(), []

    def note(frame, event, _):
        if event == "call" and frame.f_code in VERBS:
            entered[VERBS[frame.f_code]] += 1

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        opened, OPENED = OPENED, None
    return opened.count(str(path)), dict(entered)


@pytest.fixture
def table(tmp_path):
    path, x, z = tmp_path / "t.csv", random.normal(size=60), random.normal(size=60)
    rows = zip(x.tolist(), z.tolist(), (2 * x - z + random.normal(size=60)).tolist(), strict=True)
    path.write_text("x,z,y\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    regress.fit(path, "y").save(tmp_path / "m.json")
    return path


CALLS = {
    "fit": lambda table, model: regress.fit(table, "y"),
    "compare": lambda table, model: regress.compare(table, "y"),
    "inspect": lambda table, model: looking.inspect(table, "y"),
    "predict": lambda table, model: regress.load(model).predict(table),
    "certify": lambda table, model: regress.certify(model, table),
    "check": lambda table, model: regress.check_gradients(table, "y"),
}


@pytest.mark.parametrize("verb", CALLS)
def test_a_clean_file_is_opened_for_its_dialect_and_for_its_rows(table, verb):
    call = CALLS[verb]
    opened, entered = counted(table, lambda: call(table, table.with_name("m.json")))
    assert (opened, entered) == (2, {verb: 1, "open": 1, "paths": 1})


@pytest.mark.parametrize("verb", CALLS)
def test_the_command_line_opens_it_no_more_often(table, verb):
    words = [table.with_name("m.json"), table] if verb in ("predict", "certify") else [table, "--target", "y"]
    opened, entered = counted(table, lambda: run(verb, *words))
    once = {} if verb == "predict" else {verb: 1}  # the command writes batch by batch
    assert (opened, entered) == (2, {**once, "open": 1, "paths": 1})


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"cov_type": "HC1"}, 1),
        ({"missing": "mean"}, 1),
        ({"missing": "mean", "cov_type": "HC0"}, 2),
        ({"test_size": 0.25}, 0),
        ({"precision": "exact"}, 0),
    ],
    ids=str,
)
def test_second_passes_are_counted(table, options, passes):
    assert counted(table, lambda: regress.fit(table, "y", **options))[0] == 2 + passes


def test_exact_sums_after_float64_take_a_pass(table, monkeypatch):
    monkeypatch.setattr(fit, "read_again", lambda *_, **__: ("asked by the test", True))
    assert counted(table, lambda: regress.fit(table, "y"))[0] == 3


def test_a_comparison_of_few_rows_is_read_again_without_rows_held_out(table):
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:41]))
    assert counted(table, lambda: regress.compare(table, "y"))[0] == 3


def test_a_column_that_turns_into_text_is_surveyed_and_the_table_read_again(table):
    kinds = ["1"] * 250 + ["a", "b"] * 2000
    table.write_text("k,y\n" + "".join(f"{k},{i}\n" for i, k in enumerate(kinds)))
    opened, entered = counted(table, lambda: regress.fit(table, "y"))
    assert (opened, entered["fit"], entered["open"]) == (
        6,
        1,
        1,
    )  # begun, surveyed, the lines of the first number and text, read


def test_an_open_table_is_taken_as_it_is(table):
    source = files.open_files(table)
    for _ in range(2):
        assert counted(table, lambda: regress.fit(source, "y")) == (1, {"fit": 1})
