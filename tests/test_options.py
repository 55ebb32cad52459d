"""Options are declared once: types, defaults and texts are the same in Python, on the command line and in the docs."""

import inspect
import re
from dataclasses import fields
from typing import get_type_hints

import click
import numpy as np
import pytest

import regress
from regress.api.model import LinearModel
from regress.cli.main import cli, main
from regress.cli.options import GROUPS
from regress.keywords import (
    KNOWN_AS,
    CertifyKeywords,
    CheckKeywords,
    CompareKeywords,
    FileKeywords,
    FitKeywords,
    ProcessKeywords,
    TableKeywords,
    TrainKeywords,
    names_of,
    type_name,
)
from regress.messages import flag_name, setting, speaking_flags
from regress.options import CallOptions, FileOptions, ProcessOptions, TableOptions, TrainOptions

ALL = (TableOptions, TrainOptions, ProcessOptions, CallOptions)
DECLARED = {f.name: f for group in ALL for f in fields(group)}
FUNCTIONS = {
    "fit": (regress.fit, FitKeywords),
    "compare": (regress.compare, CompareKeywords),
    "certify": (regress.certify, CertifyKeywords),
    "moments": (regress.moments, TableKeywords),
    "verify": (regress.verify, FileKeywords),
    "inspect": (regress.inspect, FileKeywords),
    "check_gradients": (regress.check_gradients, CheckKeywords),
    "predict": (LinearModel.predict, FileKeywords),
    "predict_interval": (LinearModel.predict_interval, FileKeywords),
}
FRAME = {"x": [1.0, 2.0, 4.0, 5.0], "k": ["a", "b", "a", "b"], "y": [3.0, 5.0, 9.5, 11.0]}


@pytest.mark.parametrize(
    ("typed", "options", "without"),
    [
        (FileKeywords, FileOptions, ()),
        (TableKeywords, TableOptions, ("rows",)),
        (TrainKeywords, TrainOptions, ()),
        (ProcessKeywords, ProcessOptions, ()),
    ],
)
def test_what_type_checkers_see_is_what_is_fields(typed, options, without):
    hints = {name: hint for name, hint in get_type_hints(options).items() if name in names_of(options)}
    assert get_type_hints(typed) == {name: hint for name, hint in hints.items() if name not in without}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_show_every_keyword_with_its_default(name):
    function, typed = FUNCTIONS[name]
    shown = inspect.signature(function).parameters
    assert not [p for p in shown.values() if p.kind is inspect.Parameter.VAR_KEYWORD]
    given = set(get_type_hints(typed))
    assert given <= set(shown)
    for option in given - {"test_size"}:
        assert shown[option].default == DECLARED[option].default
        assert f"\n{option} : " in inspect.getdoc(function)
        text = " ".join(function.__doc__.split())
        assert " ".join(DECLARED[option].metadata["help"].split()) in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_keyword_of_a_function_alone_is_declared_with_the_same_default(name):
    shown = inspect.signature(FUNCTIONS[name][0]).parameters
    own = [p for p in shown.values() if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name != "progress"]
    others = {"test_size", "sample"} if name == "moments" else {"test_size"}
    assert all(p.default == DECLARED[p.name].default for p in own if p.name not in others)
    assert name != "compare" or shown["test_size"].default == 0.2


def call(function, **options):
    first = [(np.ones(2), 0.0)] if function is regress.certify else []
    return function(*first, FRAME, "y", **options)


@pytest.mark.parametrize("name", ["fit", "compare", "certify", "check_gradients"])
@pytest.mark.parametrize(
    ("wrong", "right"),
    [("seed", "random_state"), ("max_levels", "max_categories"), ("intercept", "fit_intercept"), ("threads", "n_jobs")],
)
def test_a_wrong_keyword_is_refused_with_the_right_one(name, wrong, right):
    with pytest.raises(TypeError, match=f"{name} has no option '{wrong}'. Use {right}.$") as told:
        call(FUNCTIONS[name][0], **{wrong: 1})
    assert isinstance(told.value, regress.InputError)


def test_what_is_near_nothing_is_refused_all_the_same():
    with pytest.raises(TypeError, match=r"fit has no option 'zzz'.$"):
        regress.fit(FRAME, "y", zzz=1)
    with pytest.raises(TypeError, match=r"fit has no option 'learnin_rate'. Use learning_rate.$"):
        regress.fit(FRAME, "y", learnin_rate=1)
    with pytest.raises(TypeError, match=r"fit has no option 'lr'. Use learning_rate.$"):
        regress.fit(FRAME, "y", lr=1)
    fit = regress.fit(FRAME, "y")
    for wrong, right in (("quote", "quotechar"), ("unseen", "handle_unknown")):
        with pytest.raises(TypeError, match=rf"predict has no option '{wrong}'. Use {right}.$"):
            fit.predict(FRAME, **{wrong: "'"})
    with pytest.raises(TypeError, match=r"Use predict_interval\(table, level\).$"):
        fit.predict(FRAME, interval=0.9)
    with pytest.raises(TypeError, match=r"fit has no option 'se'. Use cov_type.$"):
        regress.fit(FRAME, "y", se="HC1")
    with pytest.raises(TypeError, match=r"check_gradients has no option 'lr'.$"):  # never another word that looks alike
        regress.check_gradients(FRAME, "y", lr=1)
    assert set(KNOWN_AS) <= set(DECLARED)
    assert not {other for names in KNOWN_AS.values() for other in names.split()} & set(DECLARED)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        *(("--threads", "--n-jobs"), ("--seed", "--random-state"), ("--se", "--cov-type"), ("--targe", "--target")),
        *(("--intercept", "--no-intercept"), ("--standardize", "--no-standardize")),
    ],
)
def test_a_wrong_flag_is_refused_with_the_right_one(capsys, tmp_path, wrong, right):
    with pytest.raises(SystemExit) as end:
        main(["fit", str(tmp_path / "t.csv"), wrong, "1"])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"Error: No such option: {wrong}. Use {right}. See 'regress fit --help'.\n"


FLAGS = [p for command in cli.commands.values() for p in command.params if isinstance(p, click.Option)]
HINTS = {name: hint for group in ALL for name, hint in get_type_hints(group).items()}


@pytest.mark.parametrize("name", cli.commands)
def test_a_flag_is_an_option(name):
    for flag in (p for p in cli.commands[name].params if isinstance(p, click.Option)):
        compare_with_its_option(flag)


def compare_with_its_option(flag):
    f = DECLARED[flag.name]
    short = [f.metadata["flag"]["short"]] if "short" in f.metadata["flag"] else []
    assert flag.opts == [*short, flag_name(f.name, not f.default if isinstance(f.default, bool) else None)]
    told = flag.help.partition("  [default")[0]
    own = ("output", "target", "test_size", "random_state", "sample")  # which some command explains in its own words
    assert (
        told == (f.metadata["flag"].get("off") or f.metadata["flag"].get("text") or f.metadata["help"])
        or flag.name in own
    )
    assert flag.group == f.metadata["group"] in GROUPS
    if isinstance(flag.type, click.Choice):
        assert type_name(HINTS[f.name]).startswith("{" + ", ".join(f'"{choice}"' for choice in flag.type.choices) + "}")
    assert flag.default is None  # what is not given is left to the option


def test_every_option_has_a_flag_but_those_of_python_alone():
    flags = {flag.name for flag in FLAGS}
    assert set(DECLARED) - flags == {"penalty", "optimizer", "callbacks", "verbose"}


def test_predict_names_what_it_takes():
    for function in (LinearModel.predict, regress.LinearModel.predict):
        assert "handle_unknown" in inspect.signature(function).parameters


def test_the_estimator_has_the_options_of_training():
    shown = inspect.signature(regress.LinearRegressor).parameters
    types = get_type_hints(TrainOptions)
    ours = {f.name: (f.default, types[f.name]) for f in fields(TrainOptions)}
    theirs = {
        name: (p.default, p.annotation)
        for name, p in shown.items()
        if name not in ("n_jobs", "random_state", "warm_start")
    }
    assert theirs == {name: of for name, of in ours.items() if name not in ("collinear", "shuffle_rows")}


@pytest.mark.parametrize(
    ("name", "value", "python", "flags"),
    [
        ("max_categories", None, "max_categories", "--max-categories"),
        ("max_categories", 5, "max_categories=5", "--max-categories 5"),
        ("drop", ["a", "b c"], "drop=['a', 'b c']", "--drop 'a,b c'"),
        ("fit_intercept", False, "fit_intercept=False", "--no-intercept"),
        ("keep_na", True, "keep_na=True", "--keep-na"),
        ("thousands", "'", 'thousands="\'"', '--thousands "\'"'),
        ("decimal", ",", "decimal=','", "--decimal ','"),
    ],
)
def test_an_option_is_written_as_its_reader_writes_it(name, value, python, flags):
    assert setting(name, value) == python
    with speaking_flags():
        assert setting(name, value) == flags
    assert setting(name, value) == python


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        ("x,y\n1,2\n2,\n3,5\n", {}),
        ("x,y\n1,2\n2,3\n3,bad\n4,5\n5,6\n6,7\n7,8\n8,9\n9,1\n3,3\n1,2\n3,4\n", {}),
        ("x,y\n1,2\n2,3,4\n3,5\n", {}),
        ("x,y\n1,2\n2,3\n3,5\n", {"max_iter": 0}),
        ("x,y\n1,2\n2,3\n3,5\n", {"test_size": 2.0}),
    ],
)
def test_one_message_names_arguments_in_python_and_flags_on_the_command_line(tmp_path, capsys, cells, options):
    (path := tmp_path / "t.csv").write_text(cells)
    with pytest.raises(regress.InputError) as told:
        regress.fit(path, "y", **options)
    words = [word for name, value in options.items() for word in (flag_name(name), str(value))]
    with pytest.raises(SystemExit):
        main(["fit", str(path), "--target", "y", *words])
    error = capsys.readouterr().err
    names = {name for name in DECLARED if re.search(rf"\b{name}\b(?!-)", str(told.value))} - {"target"}
    flags = set(re.findall(r"--[a-z-]+", error))
    assert names
    assert {flag_name(name) for name in names} >= flags
    assert flags
    assert "--" not in str(told.value)
