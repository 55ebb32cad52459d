"""Formulas on the command line: one flag in place of the target and the features, in every command."""

import json

import numpy as np
import pandas as pd
import pytest

import regress
from tests.command import run

N = np.arange(60)
TABLE = pd.DataFrame(
    {
        "price": 100 + 7 * (N % 11) - 3 * (N % 7) + N % 5,
        "area": N % 13,
        "age": 1 + N % 6,
        "zone": np.array(["north", "south", "west"])[N % 3],
    }
)
FORMULA = "log(price) ~ area * zone + poly(age, 2)"


@pytest.fixture
def houses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("houses.csv", index=False)
    return "houses.csv"


@pytest.mark.parametrize("flags", [["--formula", FORMULA], ["--target", FORMULA]])
def test_a_formula_names_target_and_terms(houses, flags):
    code, out, err = run("fit", houses, *flags, "--json", "--save", "m.json")
    assert (err, code) == ("", 0)
    expected = regress.fit(TABLE, FORMULA)
    assert json.loads(out)["coef"] == dict(zip(expected.names, expected.w.tolist(), strict=True))
    for command in ("certify", "verify"):
        code, out, err = run(command, "m.json", houses)
        assert (err, code) == ("", 0)


@pytest.mark.parametrize("command", [["compare"], ["check"]])
def test_other_commands_take_it(houses, command):
    code, out, err = run(*command, houses, "--formula", "price ~ area * zone")
    assert (err, code) == ("", 0)
    assert "area:zone=south" in out or "LinearRegression() of scikit-learn" in out


def test_a_reference_level_may_be_named_for_each_column(houses):
    code, out, err = run(
        "fit", houses, "--formula", "price ~ area + zone + C(age)", "--ref", "zone=south", "--ref", "age=3"
    )
    assert (err, code) == ("", 0)
    assert "zone (reference level: south)" in out
    assert "age (reference level: 3)" in out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--formula", "area * zone"], "Name the column to predict with --target"),
        (["--formula", "price ~ area * ("], "is expected there"),
        (["--formula", "price ~ area * volume"], "has no column 'volume'"),
        (["--formula", "price ~ exec(area)"], "exec"),
        (["--formula", "price ~ area", "--target", "age"], "--target is another"),
        (["--formula", "price ~ area", "--target", "price ~ age"], "--formula is another"),
        (["--formula", "price ~ area", "--features", "age"], "Remove --features"),
        (["--formula", "price ~ zone", "--ref", "zone"], "such as zone=north"),
        (["--formula", "price ~ zone", "--ref", "zone=east"], "no level 'east'"),
        (["--formula", "price ~ area", "--ref", "zone=north"], "zone"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(houses, flags, said):
    code, out, err = run("fit", houses, *flags)
    assert (out, code) == ("", 2)
    assert said in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_a_formula_without_a_target_takes_that_of_the_flag(houses):
    one, other = (run("fit", houses, *flags)[1] for flags in (
        ["--formula", "area * zone", "--target", "price"], ["--formula", "price ~ area * zone"]
    ))  # fmt: skip
    assert one == other != ""
