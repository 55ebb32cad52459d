"""Formulas on the command line: one flag in place of the target and the features, in every command."""

import json
import shlex

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
    lines = [[line for line in out.split("\n") if not line.startswith("Formula:")] for out in (one, other)]
    assert lines[0] == lines[1]
    assert len(lines[0]) > 10


def test_moments_of_a_formula_are_made_merged_and_fitted(houses):
    for k in range(2):
        TABLE[30 * k : 30 * k + 30].to_csv(f"part{k}.csv", index=False)
        code, out, err = run("moments", f"part{k}.csv", "--formula", FORMULA, "-o", f"part{k}.moments")
        assert (code, err) == (0, "")
        assert "Target log(price), 3 other columns" in out
    assert run("merge", "part0.moments", "part1.moments", "-o", "all.moments")[0] == 0
    expected, got = (
        json.loads(run("fit", table, *flags, "--json", "--retransform", "naive", "--ref", "zone=south")[1])
        for table, flags in ((houses, ["--formula", FORMULA]), ("all.moments", []))
    )
    assert got["coef"] == expected["coef"]
    assert got["intercept"] == expected["intercept"]
    for flags, said in [
        (["--features", "area"], "--features cannot change"),
        (["--formula", "log(price) ~ area"], "--formula 'log(price) ~ area'"),
    ]:
        code, out, err = run("fit", "all.moments", *flags)
        assert (code, out) == (2, "")
        assert said in err
    code, _, err = run("moments", houses, "--formula", "price ~ center(area)", "-o", "c.moments")
    assert (code, err.count("\n")) == (2, 1)
    assert "Subtract a number" in err


def test_inspect_shows_what_a_formula_makes_and_its_command_runs(houses):
    code, out, err = run("inspect", houses, "--formula", FORMULA)
    assert (code, err) == (0, "")
    assert f"{FORMULA}: 7 columns" in out
    words = shlex.split(out.partition("Next: regress ")[2])
    assert words == ["fit", houses, "--formula", FORMULA]
    assert run(*words)[0] == 0
    shown = json.loads(run("inspect", houses, "--formula", FORMULA, "--json")[1])
    assert [term["columns"] for term in shown["terms"]] == [1, 2, 1, 1, 2]
    assert shown["terms"][3]["computed"] == "age ** 2"
    code, out, err = run("inspect", houses, "--formula", "price ~ volume")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_coefficients_in_a_file_are_certified_in_the_columns_of_a_formula(houses):
    fit = regress.fit(TABLE, "price ~ area * zone")
    with open("claim.json", "w", encoding="utf-8") as file:
        json.dump({"coef": dict(zip(fit.names, fit.w.tolist(), strict=True)), "intercept": fit.b}, file)
    assert run("certify", "claim.json", houses, "--formula", "price ~ area * zone", "--digits", "15")[0] == 0
    code, out, err = run("certify", "claim.json", houses, "--formula", "price ~ area + zone")
    assert (code, out) == (2, "")
    assert "in only one of them" in err
