"""Figures are the same, and named, on the screen, in the JSON and on the page; the JSON holds plain values."""

import json
import re

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

import regress
from regress import InputError
from regress.api.report import page
from regress.cli.main import main

random = np.random.default_rng(3)
X, A = random.normal(size=(40, 2)) + 3.0, random.uniform(0.5, 2.0, size=40)
Y = 4.0 + X @ [1.0, -2.0] + random.normal(size=40)
TABLE = pl.DataFrame({"u": X[:, 0], "v": X[:, 1], "a": A, "y": Y})


def told(capsys, *arguments):
    with pytest.raises(SystemExit):
        main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_there_is_one_r2(intercept, weighted, tmp_path, capsys):
    path = tmp_path / "t.csv"
    TABLE.write_csv(path)
    flags = ["--weights", "a"] if weighted else ["--drop", "a"]
    got = told(capsys, "fit", str(path), "--target", "y", *flags, *["--no-intercept"] * (not intercept))
    Z = sm.add_constant(X) if intercept else X
    them = (sm.WLS(Y, Z, weights=A) if weighted else sm.OLS(Y, Z)).fit()
    assert got["r2"] == pytest.approx(them.rsquared, rel=1e-12)
    assert got["statistics"]["r2"] == pytest.approx(them.rsquared, rel=1e-12)
    assert got["statistics"]["r2_adjusted"] == pytest.approx(them.rsquared_adj, rel=1e-12)
    options = {"weights": "a"} if weighted else {"drop": ["a"]}
    fit = regress.fit(TABLE, "y", fit_intercept=intercept, **options)
    name = "R²" if intercept else "R² (uncentered)"
    assert f"{name} {them.rsquared:.4f}, adjusted R² {them.rsquared_adj:.4f}\n" in fit.summary()
    assert f"Σ{'a' * weighted}(ŷ − y)² = " in fit.summary()
    html = page(fit)
    assert f'<data value="{fit.r2!r}">{them.rsquared:.6f}</data>' in html
    assert (", uncentered" in html) is not intercept


@pytest.mark.parametrize("options", [{"alpha": 0.5}, {"alpha": 0.5, "fit_intercept": False}])
def test_r2_without_statistics_is_named_too(options):
    fit = regress.fit(X, Y, **options)
    residual = Y - fit.predict(X)
    about = Y.mean() if fit.model.options["fit_intercept"] else 0.0
    assert fit.r2 == pytest.approx(1.0 - residual @ residual / ((Y - about) @ (Y - about)), rel=1e-9)
    kind = "" if about else " (uncentered)"
    assert f"R²{kind} {fit.r2:.4f}\n" in fit.summary()
    assert f"Σ(ŷ − y)² + 0.5‖w‖² = {fit.loss:.10g}\n" in fit.summary()


def test_r2_of_one_row_is_left_out(capsys, tmp_path):
    path = tmp_path / "t.csv"
    TABLE.write_csv(path)
    for seed in range(60):
        fit = regress.fit(TABLE, "y", test_size=0.03, random_state=seed)
        if fit.tally.held_out == 1:
            break
    assert fit.tally.held_out == 1
    texts = [fit.summary(), regress.fit(TABLE.with_columns(y=5.0), "y").summary()]
    with pytest.raises(SystemExit):
        main(["compare", str(path), "--target", "y", "--test-size", "0.03", "--random-state", str(seed)])
    texts.append(capsys.readouterr().out)
    assert not any(re.search(r"\bnan\b", text) for text in texts)
    assert "on held-out rows undefined (it needs two different targets)" in texts[0]
    assert "R² undefined (it needs two different targets)" in texts[1]
    assert (
        told(capsys, "fit", str(path), "--target", "y", "--test-size", "0.03", "--random-state", str(seed))["r2_test"]
        is None
    )


def test_no_column_takes_the_name_of_the_intercept():
    table = TABLE.rename({"a": "(intercept)"})
    for use in (regress.fit, regress.check_gradients, regress.compare):
        with pytest.raises(InputError, match=r"would be named '\(intercept\)', as the intercept is. Rename it"):
            use(table, "y")
    assert set(regress.fit(table, "y", drop=["(intercept)"]).to_dict()["coef"]) == {"u", "v"}
    levels = pl.DataFrame({"(intercept)": ["p", "q"] * 20, "y": Y})
    assert regress.fit(levels, "y").names == ("(intercept)=q",)


def plain(value):
    """Tell whether a document holds nothing but what JSON knows."""
    if type(value) is dict:
        return all(type(key) is str and plain(inner) for key, inner in value.items())
    if type(value) in (list, tuple):
        return all(map(plain, value))
    return value is None or type(value) in (str, bool, int, float)


def test_json_of_several_files_and_row_groups_is_plain(tmp_path, capsys):
    rows = [(i, i % 11, 3 * i + i % 2) for i in range(22)]  # a column that rises, one that does in each file
    table = pl.DataFrame(rows, schema=["x", "z", "y"], orient="row")
    (tmp_path / "parts").mkdir()
    table[:11].write_csv(tmp_path / "parts" / "a.csv")
    table[11:].write_csv(tmp_path / "parts" / "b.csv")
    table.write_parquet(tmp_path / "t.parquet", row_group_size=11)
    for path in ("parts", "t.parquet"):
        found = told(capsys, "inspect", str(tmp_path / path))
        assert [c["looks_like_id"] for c in found["columns"]] == [True, False, False]
        assert plain(regress.api.inspect.inspect(tmp_path / path).to_dict())
        assert told(capsys, "fit", str(tmp_path / path), "--target", "y")["n_rows"] == 22
    falling = table.with_columns(x=21 - pl.col("x"))
    falling.write_parquet(tmp_path / "t.parquet", row_group_size=11)
    found = told(capsys, "inspect", str(tmp_path / "t.parquet"))
    assert [c["looks_like_id"] for c in found["columns"]] == [True, False, False]


def test_a_perfect_fit_and_a_constant_column_show_no_figures_of_rounding():
    celsius = np.arange(12.0) * 3.7
    with pytest.warns(regress.errors.DataWarning, match="Essentially perfect fit"):
        perfect = regress.fit(pl.DataFrame({"c": celsius, "f": celsius * 1.8 + 32}), "f")
    assert perfect.statistics is None
    assert not re.search(r"\d{16}", perfect.summary())
    with pytest.warns(regress.errors.DataWarning, match="Constant|depend|single level"):
        fit = regress.fit(TABLE.with_columns(one=7.0, sum=pl.col("u") + pl.col("v"), k=pl.lit("p")).select(
            "one", "k", "u", "v", "sum", "y"), "y")  # fmt: skip
    (row,) = [line for line in fit.lines() if line[0] == "one"]
    assert row[1] == 0.0
    assert np.isnan(row[2:-1]).all()
