"""Formulas at their edges: names that look generated, factors that stand twice, targets, intercepts, and files."""

import json

import numpy as np
import pandas as pd
import pytest

import regress
from regress.errors import InputError

N = np.arange(60)
TABLE = pd.DataFrame(
    {
        "x": (N * 7 % 60 - 30) / 8.0,
        "z": 1 + (N * 11 % 60) / 16.0,
        "zone": np.array(["north", "south", "west"])[N % 3],
        "y": 1.0 + N * N % 17,
    }
)


def test_a_text_factor_that_stands_twice_counts_once():
    once, twice = (
        regress.fit(TABLE, formula) for formula in ("y ~ zone + zone:x", "y ~ zone:C(zone) + zone:x:C(zone)")
    )
    assert twice.names == once.names
    assert twice.w.tolist() == once.w.tolist()


@pytest.mark.parametrize("formula", ["scale(y) ~ x", "I(center(y) * 2) ~ x"])
def test_a_target_that_depends_on_other_rows_is_refused(formula):
    with pytest.raises(InputError, match="depends on other rows too"):
        regress.fit(TABLE, formula)


@pytest.mark.parametrize("formula", ["y ~ zone", "y ~ x * zone", "y ~ x:zone"])
def test_without_an_intercept_by_the_option_is_without_one_in_the_formula(formula):
    option = regress.fit(TABLE, formula, fit_intercept=False)
    written = regress.fit(TABLE, formula.replace("~", "~ 0 +"))
    assert (option.names, option.w.tolist(), option.b) == (written.names, written.w.tolist(), 0.0)


@pytest.mark.parametrize("name", ["x\x001", "x:z\x001", "x:z", "poly(x, 2)[2]", "zone=south", "`"])
def test_names_that_look_generated_are_names(name):
    values = np.sin(N)
    quoted = name.replace("`", "``")
    plain = regress.fit(TABLE.assign(v=values), "y ~ v + v:x + I(z ** 2) + v:I(z ** 2) + zone:v")
    formula = "y ~ v + v:x + I(z ** 2) + v:I(z ** 2) + zone:v".replace("v", f"`{quoted}`")
    odd = regress.fit(TABLE.assign(**{name: values}), formula)
    assert odd.w.tolist() == plain.w.tolist()


@pytest.mark.parametrize(
    ("columns", "formula", "message"),
    [
        ({"x:z": N}, "y ~ x * z + `x:z`", "Two columns of X would be named 'x:z'"),
        ({"log(z)": N}, "y ~ log(z)", "computes 'log(z)', which is a column of the table too"),
        ({"zone=south": N}, "y ~ .", "Two columns of X would be named 'zone=south'"),
        ({"x\x00part 1": N}, "y ~ .", "Rename it"),
        ({"zone": ["a", "b", "c\x00part 1"] * 20}, "y ~ zone * x", "Rename it"),
    ],
)
def test_two_columns_of_one_name_are_refused(columns, formula, message):
    with pytest.raises(InputError) as caught:
        regress.fit(TABLE.assign(**columns), formula)
    assert message in str(caught.value)


def test_a_number_that_is_no_decimal_is_shown_as_written():
    with pytest.raises(InputError, match=r"0\.1428571428571428[0-9]+ is not a decimal") as caught:
        regress.fit(TABLE.assign(x=1 / 7), "y ~ x", as_written=True)
    assert "np." not in str(caught.value)


def edits(values, at=()):
    """Yield each place of plain values, with what may stand there instead."""
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from edits(value, (*at, key))
    for other in (
        None,
        -1,
        float("inf"),
        "",
        "__import__('os')",
        [],
        {"x": 2000},
        True,
        "poly(x, 20)",
        "`no such`",
        10**30,
    ):
        yield at, other


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_a_design_that_was_edited_by_hand_is_refused_or_predicts(tmp_path):
    fit = regress.fit(TABLE, "log(y) ~ scale(x) * zone + poly(z, 2) + bs(z, df=4) + cut(z, [0, 2, 9]):x")
    path = tmp_path / "model.json"
    fit.save(path)
    content = path.read_text()
    stored = json.loads(content)
    (key,) = (key for key, value in stored.items() if isinstance(value, dict) and "computed" in value)
    refused = 0
    for at, other in edits(stored[key]):
        changed = json.loads(content)
        inner = changed[key]
        for step in at[:-1]:
            inner = inner[step]
        if at:
            inner[at[-1]] = other
        else:
            changed[key] = other
        path.write_text(json.dumps(changed))
        try:
            regress.load(path).predict(TABLE.head(3))
        except InputError:
            refused += 1
    assert refused > 300
