"""Pages stay small, whatever was fitted."""

import math

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.report import page
from regress.errors import ConvergenceWarning, DataWarning
from tests.pages import (
    Drawn,
    coefficients_of,
    read,
    table_of,
)
from tests.report.situations import (
    normal_rows,
)


@pytest.mark.slow
def test_a_long_descent_makes_a_small_page():
    X, y = normal_rows(60)
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    with pytest.warns(ConvergenceWarning):
        fit = regress.fit(X, y, solver="gd", tol=1e-300, max_iter=100_000)
    assert fit.n_iter == 100_000
    html = page(fit)
    assert len(html.encode()) < 100_000
    root = read(html)
    drawn = Drawn(root, "gradient")
    line = drawn.line()
    assert 250 < len(line) <= 300
    assert line[0][0] == pytest.approx(0, abs=drawn.x[2])
    assert line[-1][0] == pytest.approx(100_000, abs=drawn.x[2])
    assert line[-1][1] == pytest.approx(math.log10(fit.history["gradient_norm"].iloc[-1]), abs=drawn.y[2])
    assert len(fit.record.outcome.history) <= 1000


@pytest.mark.parametrize("letter", ["n", "&", "ŷ", "\u202e"])
def test_long_levels_and_names_make_a_small_page(letter, tmp_path):
    random = np.random.default_rng(1)
    levels = np.array([f"{k:02d}" + letter * 498 for k in range(60)])
    frame = pd.DataFrame({"kind": levels[np.arange(600) % 60], "y": random.normal(size=600)})
    fit = regress.fit(frame, "y")
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert len(coefficients_of(read(html))) == 60


@pytest.mark.parametrize(("length", "kept"), [(120, True), (121, False), (3000, False)])
def test_the_middle_of_a_very_long_name_is_left_out_of_tables(length, kept):
    X, y = normal_rows(60, 2)
    name = ("ab" + "".join(chr(0x4E00 + k) for k in range(length)))[: length - 2] + "yz"
    fit = regress.fit(pd.DataFrame({name: X[:, 0], "x": X[:, 1], "y": y}), "y")
    claimed = regress.certify(([1.0, 2.0], 3.0), pd.DataFrame({name: X[:, 0], "x": X[:, 1], "y": y}), "y")
    for result in (fit, claimed):
        (shown,) = set(table_of(read(page(result)), "coefficients")) - {"(intercept)", "x"}
        assert len(shown) == 120
        if kept:
            assert shown == name
        else:
            head, tail = shown.split("…")
            assert name.startswith(head)
            assert name.endswith(tail)
            assert min(len(head), len(tail)) >= 30


def of_long_names(rows, columns, letter):
    """A fit of so many columns, whose names have 200 characters."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        random.normal(size=(rows, columns)), columns=[f"{j:04d}" + letter * 196 for j in range(columns)]
    )
    frame["y"] = random.normal(size=rows)
    return regress.fit(frame, "y", precision="float64")


def assert_small(fit):
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    root = read(html)
    shown = coefficients_of(root)
    assert len(shown) == 501
    size = np.sort(np.abs(fit.standardized))[::-1]
    assert sorted((abs(row[-1]) for row in shown.values() if row[-1] is not None), reverse=True) == size[:500].tolist()
    assert f"{len(fit.names) - 500:,} more coefficients" in root.one(id="coefficients").text


@pytest.mark.parametrize("letter", ["n", "&", "ŷ", "\u202e"])
def test_hundreds_of_long_names_make_a_small_page(letter):
    assert_small(of_long_names(600, 510, letter))


@pytest.mark.slow
def test_two_thousand_long_names_make_a_small_page():
    assert_small(of_long_names(2200, 2000, "n"))


@pytest.mark.slow
def test_many_equations_of_long_names_make_a_small_page():
    random = np.random.default_rng(1)
    X = random.integers(-9, 9, size=(120, 30)).astype(float)
    X = np.column_stack([X, *[X @ random.integers(-3, 4, 30) for _ in range(60)]])
    frame = pd.DataFrame(X, columns=[f"{j:04d}" + "n" * 996 for j in range(90)])
    frame["y"] = random.normal(size=120)
    with pytest.warns(DataWarning):
        fit = regress.fit(frame, "y")
    assert len(fit.equations) == 60
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert read(html).one(id="collinearity").all("li")


def test_more_columns_than_rows_make_a_small_page():
    random = np.random.default_rng(1)
    with pytest.warns(DataWarning):
        fit = regress.fit(random.normal(size=(200, 3000)), random.normal(size=200))
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert "2,500 more coefficients" in read(html).text


@pytest.mark.slow
def test_ten_million_rows_make_a_page_no_larger_than_three_thousand(tmp_path):
    random = np.random.default_rng(1)
    X = random.normal(size=(10_000_000, 3))
    y = X @ [1.0, 2.0, 3.0] + random.normal(size=len(X))
    few, many = page(regress.fit(X[:3000], y[:3000])), page(regress.fit(X, y))
    assert len(many.encode()) < len(few.encode()) + 50_000 < 200_000
    root = read(many)
    assert "a fixed random sample of 20,000 of the 10,000,000 rows" in " ".join(
        root.one("section", id="residuals").text.split()
    )


@pytest.mark.slow
def test_of_wide_tables_fewer_rows_are_sampled():
    random = np.random.default_rng(1)
    X = random.normal(size=(3000, 2500))
    fit = regress.fit(X, X[:, 0] + random.normal(size=3000), precision="float64")
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert "a fixed random sample of 1,600 of the 3,000 rows" in " ".join(
        read(html).one("section", id="residuals").text.split()
    )
