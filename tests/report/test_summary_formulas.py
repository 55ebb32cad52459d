"""The summary of a formula: terms in groups, codings named, joint tests, and lines that fit on a terminal."""

import numpy as np
import pandas as pd
import pytest

import regress

RANDOM = np.random.default_rng(2)
M = 150
TABLE = pd.DataFrame(
    {
        "age": RANDOM.uniform(20.0, 70.0, M),
        "area": RANDOM.uniform(30.0, 200.0, M),
        "zone": np.array(["north", "south", "west"])[np.arange(M) % 3],
        "kind": np.array(["a", "b"])[(np.arange(M) // 2) % 2],
    }
)
TABLE["price"] = 0.01 * (TABLE.age - 40.0) ** 2 + 0.02 * TABLE.area + RANDOM.normal(size=M)


def blocks_of(fit):
    """Return the blocks of lines of a summary, and of the table of coefficients the names alone."""
    blocks = [block.splitlines() for block in fit.summary().split("\n\n")]
    return blocks, [line.split("  ")[0] or line.strip().split()[0] for line in blocks[1][1:]]


def test_columns_stand_below_their_term():
    fit = regress.fit(TABLE, "price ~ C(zone, coding='sum') * poly(age, 2) + kind + area")
    blocks, _ = blocks_of(fit)
    names = [line[: line.index("  ", 2)] if "  " in line[2:] else line for line in blocks[1][1:]]
    assert names == [
        "(intercept)",
        "zone (sum coding, without west)",
        "  north",
        "  south",
        "poly(age, 2)",
        "  [1]",
        "  [2]",
        "kind (reference level: a)",
        "  b",
        "area",
        "zone:poly(age, 2)",
        "  north:[1]",
        "  south:[1]",
        "  north:[2]",
        "  south:[2]",
    ]
    tests = {line.rsplit(maxsplit=3)[0]: line.split()[-3:] for line in blocks[2][1:]}
    assert blocks[2][0].split() == ["terms", "of", "several", "columns", "df", "F", "p_value"]
    expected = fit.terms[fit.terms["df"] > 1]
    assert list(tests) == list(expected.index)
    assert [int(df) for df, _, _ in tests.values()] == expected["df"].tolist()
    assert [float(f) for _, f, _ in tests.values()] == pytest.approx(expected["F"].tolist(), abs=0.006)


def test_the_formula_is_shown_and_lines_fit_on_a_terminal():
    text = regress.fit(TABLE, "price ~ zone + poly(age, 2) + area").summary()
    assert "Formula: price ~ zone + poly(age, 2) + area" in text
    table = text.split("\n\n")[1:]
    assert max(len(line) for block in table for line in block.splitlines() if "Note" not in line) <= 80


def test_a_notebook_shows_the_joint_tests_too():
    fit = regress.fit(TABLE, "price ~ zone + poly(age, 2)")
    html = fit._repr_html_()
    assert html.count("<table") == 2
    assert "terms of several columns" in html
    assert regress.fit(TABLE, "price ~ age")._repr_html_().count("<table") == 1


def test_without_a_formula_nothing_is_added():
    text = regress.fit(TABLE[["zone", "age", "price"]], "price").summary()
    assert "terms of several columns" not in text
    assert "Formula" not in text
    assert "zone (reference level: north)" in text


def test_the_names_of_coefficients_are_those_of_statsmodels_attributes():
    fit = regress.fit(TABLE, "price ~ poly(age, 2) + zone:area")
    names = ["(intercept)", *fit.names]
    assert list(fit.params.index) == list(fit.bse.index) == list(fit.conf_int().index) == names
    assert list(fit.cov_params().columns) == list(fit.cov_params().index) == names
    assert list(fit.vif.index) == list(fit.names)
    assert np.sqrt(np.diag(fit.cov_params())) == pytest.approx(fit.bse.to_numpy())
