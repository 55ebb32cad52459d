"""A first look at a table, and a next command that runs."""

import datetime
import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.api.inspect import inspect
from regress.cli.main import main
from regress.errors import TableError

DATA = Path(__file__).resolve().parents[2] / "data"
n = 50
random = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "id": range(1, n + 1),
        "code": [f"c{i}" for i in range(n)],
        "kind": ["u", "v"] * 25,
        "time": 1.7e9 + random.uniform(0, 1, n),
        "small": 1e-9 * random.normal(size=n),
        "same": [3.0] * n,
        "gap": [None, 1.5, 2.5, None, 3.5] * 10,
        "y": random.normal(size=n),
    }
)


def columns(table):
    return {c.name: c for c in inspect(table).columns}


def test_figures_are_those_of_numpy():
    seen = columns(FRAME)["y"]
    y = FRAME["y"].to_numpy()
    assert (seen.mean, seen.spread) == pytest.approx((y.mean(), y.std(ddof=1)), rel=1e-13)
    assert (seen.low, seen.high, seen.missing) == (y.min(), y.max(), 0)
    assert columns(FRAME)["gap"].missing == 20


def test_figures_do_not_depend_on_batches():
    y = 1e9 + random.normal(size=150_000)
    seen = columns(pl.DataFrame({"y": y}))["y"]
    assert seen.mean == pytest.approx(y.mean(), rel=1e-15)
    assert seen.spread == pytest.approx(np.std(y - 1e9, ddof=1), rel=1e-9)


def test_ids_levels_and_odd_scales_are_remarked_on():
    seen = inspect(FRAME, "y")
    found = {c.name for c in seen.columns if c.looks_like_id}
    assert found == {"id", "code"}
    text = "\n".join(seen.remarks)
    for words in (
        "id: looks like an ID",
        "code: looks like an ID",
        "same: constant",
        "time: its values",
        "may drop the smaller",
    ):
        assert words in text
    assert columns(FRAME)["kind"].levels == ["u", "v"]


def test_a_year_is_no_id():
    assert not columns(DATA / "nist" / "longley.csv")["year"].looks_like_id


@pytest.mark.parametrize("file", ["t.csv", "t.parquet", "with space.csv"])
def test_the_next_command_runs(tmp_path, file):
    path = tmp_path / file
    (FRAME.write_parquet if path.suffix == ".parquet" else FRAME.write_csv)(path)
    words = shlex.split(inspect(path, "y").command)
    assert words[:3] == ["regress", "fit", str(path)]
    assert "--missing" in words
    done = subprocess.run([sys.executable, "-m", "regress", *words[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


x, y = random.normal(size=n), random.normal(size=n)
HARD = {
    "the only feature counts rows": ({"x": range(1, n + 1), "y": y}, None, {"--target": "y"}),
    "all columns count rows": ({"x": range(n), "y": range(n)}, None, {"--target": "y"}),
    "the target asked for is text": ({"x": x, "kind": ["u", "v"] * 25}, "kind", {"--target": "x"}),
    "a column is empty": ({"x": x, "e": [None] * n, "y": y}, None, {"--target": "y", "--drop": "e"}),
    "a counter and an empty column": ({"x": range(n), "e": [None] * n, "y": y}, None, {"--target": "y", "--drop": "e"}),
    "the last column is empty": ({"x": x, "y": y, "e": [None] * n}, None, {"--target": "y", "--drop": "e"}),
    "no row is whole": (
        {
            "x": [None, None, 2.0, 3.0, 4.0] * 10,
            "z": [2.0, 7.0, None, None, 8.0] * 10,
            "v": [*x[:4], None] * 10,
            "y": y,
        },
        "y",
        {"--missing": "mean"},
    ),
    "most of a column is missing": ({"x": x, "k": [None, None, "u", "v", None] * 10, "y": y}, None, {"--drop": "k"}),
    "text is missing": ({"x": x, "k": [None, "u", "v", "u", "v"] * 10, "y": y}, None, {"--missing": "drop"}),
    "names with commas": (
        {"a,b": [f"i{i}" for i in range(n)], "c": [f"j{i}" for i in range(n)], "x": x, "y": y},
        None,
        {"--drop": '"a,b",c'},
    ),
    "a target that looks like a flag": ({"x": x, "-y": y}, None, {"--target": "-y"}),
    "too many levels": (
        {"k": [f"k{i % 150}" for i in range(300)], "x": np.arange(300) ** 0.5, "y": range(300)},
        "y",
        {"--drop": "k"},
    ),
    "a boolean to predict": ({"x": [None] * n, "k": ["u", "v"] * 25, "b": [True, False] * 25}, None, {"--target": "b"}),
}


@pytest.mark.parametrize("case", HARD)
def test_the_next_command_runs_on_hard_tables(case, tmp_path, capfd):
    values, target, expected = HARD[case]
    path = tmp_path / "t.csv"
    pl.DataFrame(values).write_csv(path)
    seen = inspect(path, target)
    words = [seen.targets[-1] if word == "COLUMN" else word for word in shlex.split(seen.command)]
    assert ("COLUMN" in seen.command) == bool(seen.targets) == (target in (None, "kind"))
    assert expected.items() <= dict(zip(words[3::2], words[4::2], strict=True)).items()
    with pytest.raises(SystemExit) as ended:
        main(words[1:])
    assert ended.value.code == 0, capfd.readouterr().err


def test_a_file_that_looks_like_a_flag_is_named_so_that_it_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("-t.csv").write_text("x,y\n1,2\n2,3\n")
    assert shlex.split(inspect("-t.csv").command)[2] == "./-t.csv"


def test_columns_named_categorical_stay_so_in_the_next_command(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("kind,x,y\n1,1,2\n2,2,3\n1,4,3\n2,5,9\n")
    seen = inspect(path, categorical=["kind"])
    assert [c.kind for c in seen.columns] == ["text", "number", "number"]
    assert "--categorical kind" in seen.command


def test_dates_and_lists_of_a_parquet_file_are_named(tmp_path):
    path = tmp_path / "t.parquet"
    days = [datetime.date(2020, 1, 1 + i % 30) for i in range(n)]
    pl.DataFrame({"day": days, "list": [[1, 2]] * n, "x": x, "y": y}).write_parquet(path)
    seen = inspect(path)
    assert [c.kind for c in seen.columns] == ["date", "unusable", "number", "number"]
    assert "day: dates, read as days since 1970-01-01." in seen.remarks
    assert sum("which a fit cannot use" in remark for remark in seen.remarks) == 1
    assert "--drop list" in seen.command


def test_badly_scaled_columns_are_remarked_on_before_scikit_learn_gets_them():
    said = "\n".join(inspect(DATA / "income_rate.csv").remarks)
    assert "income varies" in said
    assert "rate" in said
    assert not inspect(DATA / "diabetes.csv").remarks


def test_json_is_strict_and_complete(capfd):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(DATA / "co2.csv"), "--json"])
    told = json.loads(capfd.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    seen = inspect(DATA / "co2.csv")
    assert (ended.value.code, told["version"], told["rows"]) == (0, 1, seen.rows)
    assert told["command"] == seen.command
    by_name = {column["name"]: column for column in told["columns"]}
    assert by_name["month"]["mean"] is None
    assert by_name["month"]["n_levels"] == len(by_name["month"]["levels"]) == 12
    frame = pl.read_csv(DATA / "co2.csv")
    assert {name: column["missing"] for name, column in by_name.items()} == frame.null_count().row(0, named=True)
    assert by_name["co2"]["mean"] == pytest.approx(frame["co2"].mean(), rel=1e-13)  # sums of 2,190 terms in two orders


def test_dates_that_need_a_format_are_named_and_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day,x,y\n" + "".join(f"{d:02}.01.2020,{d % 5},{d * 2.5}\n" for d in range(1, 14)))
    seen = inspect(path)
    assert any(r.startswith("day: It holds dates, such as '01.01.2020' (t.csv, line 2).") for r in seen.remarks)
    assert any("Pass date_format='%d.%m.%Y', or" in r for r in seen.remarks)
    assert "--drop day" in seen.command
    formats = {"day": "%d.%m.%Y"}
    seen = inspect(path, "day", date_format=formats)
    (day,) = (c for c in seen.columns if c.name == "day")
    assert (day.kind, day.low, day.high) == ("date", 18262, 18274)
    assert seen.command == f"regress fit {path} --target day --date-format day=%d.%m.%Y"


def test_an_unknown_target_is_refused():
    with pytest.raises(TableError, match="'yy'"):
        inspect(FRAME, "yy")


def test_an_empty_table_is_shown():
    seen = inspect(pl.DataFrame({"x": [], "y": []}))
    assert seen.rows == 0


def test_a_formula_shows_the_columns_that_it_makes():
    table = pd.DataFrame(
        {"z": [1, 2, 3, 4, 5, 6.0] * 4, "g": list("abcaab") * 4, "other": range(24), "y": range(1, 25)}
    )
    table.loc[3, "z"] = np.nan
    formula = "log(y) ~ z * g + poly(z, 3) + sqrt(z) + cut(z, [0, 3, 9]) + center(z)"
    seen = inspect(table, formula)
    shown = {term.name: term for term in seen.terms}
    with pytest.warns(regress.DataWarning, match="depend on each other"):
        fit = regress.fit(table, formula, missing="drop")
    assert sum(term.columns for term in seen.terms) == len(fit.names)
    assert {term.name for term in seen.terms if term.kind == "number"} <= {*fit.names}
    assert (shown["z"].computed, shown["z"].missing, shown["z"].low, shown["z"].high) == ("z", 1, 1.0, 6.0)
    assert (shown["poly(z, 3)[3]"].computed, shown["poly(z, 3)[3]"].low) == ("z ** 3", None)
    assert (shown["sqrt(z)"].computed, shown["sqrt(z)"].high) == ("sqrt(z)", 6.0**0.5)
    assert (shown["g=…"].kind, shown["g=…"].columns, shown["g=…"].references) == ("levels", 2, ("a",))
    assert (shown["z:g=…"].computed, shown["z:g=…"].term) == ("z × levels of g", "z:g")
    assert (shown["cut(z, [0, 3, 9])=…"].references, shown["cut(z, [0, 3, 9])=…"].missing) == (("(0,3]",), 1)
    assert shown["center(z)"].computed == "center(z) after a first pass"
    assert seen.command == f"regress fit TABLE --formula '{formula}' --missing drop"
    assert inspect(table, formula="z * g").command == (
        "regress fit TABLE --formula 'z * g' --target COLUMN --missing drop"
    )
    assert inspect(table, formula="z * g").targets == ["other", "y"]  # both look like IDs
    assert seen.to_dict()["formula"] == formula
    assert seen.to_dict()["terms"][0]["name"] == "z"
    assert f"{formula}: 11 columns" in str(seen)
    assert "levels of g (reference: a)" in str(seen)
    assert "levels of g (reference: a)" in seen._repr_html_()
    assert "sqrt" not in {c.name for c in seen.columns}


@pytest.mark.parametrize("formula", ["y ~ log(x)", "log(x) ~ y", "y ~ cut(x, [0, 1, 2])", "y ~ x:I(1 / x)"])
def test_rows_without_a_value_of_a_term_are_dropped_by_the_next_command(formula):
    assert inspect({"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 4.0]}, formula).command.endswith(" --missing drop")


def test_a_formula_that_a_table_does_not_have_is_refused():
    for formula, said in [("y ~ nothing", "no column 'nothing'"), ("y ~ x +", "expected"), ("y ~ log(g)", "is text")]:
        with pytest.raises(regress.InputError, match=said):
            inspect({"x": [1.0, 2.0], "g": ["a", "b"], "y": [1.0, 2.0]}, formula)
