"""A first look at a table, and a next command that runs."""

import datetime
import io
import json
import shlex
import sys
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.inspect import inspect
from regress.api.inspect_ids import Repeats
from regress.api.inspect_sample import RowSample, histogram
from regress.cli.main import main
from regress.errors import TableError
from regress.sources.open import open_table
from tests.command import run

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
    code, _, err = run(*words[1:])
    assert code == 0, err


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


def test_no_target_is_guessed(tmp_path):
    path = tmp_path / "t.csv"
    FRAME.with_columns(pl.lit("south").alias("region")).write_csv(path)
    seen = inspect(path)
    assert seen.targets == ["time", "small", "gap", "y"]
    assert seen.command == f"regress fit {path} --target COLUMN --drop id,code,same,region --missing drop"
    assert str(seen).endswith(f"\nNext: {seen.command}\nColumns of numbers: time, small, gap, y")
    assert seen.to_dict()["targets"] == seen.targets
    assert seen._repr_html_().endswith("<p>Columns of numbers: time, small, gap, y</p>")
    assert run("inspect", path, "--json")[1] == json.dumps(seen.to_dict()) + "\n"
    given = inspect(path, "y")
    assert (given.targets, given.to_dict()["targets"]) == ([], [])
    assert str(given).endswith(f"\nNext: {given.command}")
    wide = inspect({f"x{j}": [1.0, 2.5] for j in range(30)})
    assert str(wide).endswith("Columns of numbers: x0, x1, x2, x3, x4, x5, x6, x7, … (30)")
    nothing = inspect({"k": ["u", "v"]})
    assert (nothing.targets, nothing.remarks[-1]) == ([], "No column of numbers to predict.")
    empty = inspect({"x": [1.0, 2.0], "e": [None, None]}, "e")
    assert empty.remarks[-1] == "e: has no value, so it cannot be the target."


def test_texts_of_one_level_are_constant():
    table = {"region": ["south", "south", None, "south"], "yes": [True] * 4, "k": list("abab"), "y": [1, 2, 3, 5]}
    seen = inspect(table, "y")
    assert [r for r in seen.remarks if "constant" in r] == ["region: constant.", "yes: constant."]
    assert seen.command == "regress fit TABLE --target y --drop region,yes"
    assert not inspect({"x": [1.0], "y": [2.0]}, "y").command.endswith("drop")  # one row varies in nothing


def spread_out(values):
    return np.random.default_rng(5).permutation(values)


YEARS, GRID = range(1950, 2021), range(20, 60)
UNIQUE = {
    "a counter": ("x", range(1, 41), "ID"),
    "in any order": ("x", spread_out(range(40)), "ID"),
    "rows taken away": ("x", spread_out(np.delete(np.arange(1, 101), range(1, 100, 3))), "ID"),
    "some of few": ("x", [0, 2, 3, 5, 6, 7, 9, 11, 13, 14, 16, 17], ""),
    "a name": ("rownames", spread_out(range(7373, 453870, 1490)), "ID"),
    "a name in two words": ("PatientID", spread_out(range(7, 10**9, 10**7)), "ID"),
    "one word, not two": ("paid", spread_out(range(7, 10**9, 10**7)), ""),
    "a name, but it repeats": ("id", [*range(40), 7], ""),
    "a name, but a cell is missing": ("id", [*range(40), None], ""),
    "a name, but fractions": ("id", np.arange(40) + 0.5, ""),
    "years": ("year", YEARS, ""),
    "years in any order": ("year", spread_out(YEARS), ""),
    "years of another name": ("season", YEARS, ""),
    "a time": ("t", range(1, 41), ""),
    "a grid": ("temperature", GRID, "remark"),
    "dense numbers": ("account", spread_out(range(5, 5000, 7)), "remark"),
    "measured": ("population", [37, 92, 1531, 2204, 9310, 12034, 22981, 51023, 93021, 151003, 203441, 350301], ""),
    "fractions": ("x", np.arange(40) / 7, ""),
    "few rows": ("id", range(10), ""),
    "texts": ("x", [f"k{i}" for i in spread_out(range(40))], "ID"),
    "texts but one": ("x", ["k0", *(f"k{i}" for i in range(39))], ""),
    "a date": ("x", [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(40)], ""),
}


@pytest.mark.parametrize("case", UNIQUE)
def test_columns_that_name_the_rows(case):
    name, values, expected = UNIQUE[case]
    table = pd.DataFrame({name: values})
    table["x2"], table["y"] = np.arange(len(table)) % 7, np.arange(len(table)) ** 0.5
    seen = inspect(table, "y")
    said = [r for r in seen.remarks if r.startswith(f"{name}: ")]
    assert seen.columns[0].looks_like_id == (expected == "ID")
    assert (f"{name}: looks like an ID (every row has another value)." in said) == (expected == "ID")
    assert (f"{name}: every row has another integer. Exclude it if it only names the rows." in said) == (
        expected == "remark"
    )
    assert ("--drop" in seen.command) == (expected == "ID")


def test_ids_of_large_tables_are_found_by_a_sample_of_their_values():
    ids = spread_out(np.arange(200_000.0))
    assert columns(pl.DataFrame({"x": ids, "y": ids % 9}))["x"].looks_like_id
    ids[:2000] = ids[-2000:]
    assert not columns(pl.DataFrame({"x": ids, "y": ids % 9}))["x"].looks_like_id


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.lists(st.integers(-9, 9).map(float) | st.just(-0.0)), max_size=5), st.integers(1, 12), st.randoms())
def test_repeats_do_not_depend_on_the_order_of_numbers(parts, kept, random):
    def found(parts):
        several = [Repeats(kept) for _ in parts]
        for one, part in zip(several, parts, strict=True):
            one.add(np.array(part))
        whole = Repeats(kept)
        for one in several:
            whole.merge(one)
        return whole.found

    values = [v for part in parts for v in part]
    again = random.sample(values, len(values))
    if kept >= len(set(values)):
        assert found(parts) == (max(Counter(values).values(), default=0) > 1)
    assert found(parts) == found([again]) == found([[v] for v in again]) == found([again[::2], again[1::2]])


def test_levels_with_one_row_are_counted_and_named():
    zones = ["north"] * 5 + ["south"] * 5 + ["w1", "w2", "w3", "w4"]
    table = {"zone": zones, "k": ["u"] * 13 + ["v"], "id": [f"i{j}" for j in range(14)], "y": [*range(14)]}
    seen = inspect(table, "y")
    (zone, k, code, _) = seen.columns
    assert (zone.n_single, k.n_single, code.n_single) == (4, 1, 14)
    assert [r for r in seen.remarks if "single row" in r] == [
        "zone: 4 levels have a single row each: 'w1', 'w2', 'w3', …. Each of these rows decides a coefficient alone.",
        "k: 1 level has a single row: 'v'. That row decides its coefficient alone.",
    ]
    assert zone.frequent == [*sorted(Counter(zones).items(), key=lambda pair: (-pair[1], pair[0]))]
    assert "north (5), south (5), w1 (1), w2 (1), … (6 levels)" in str(seen)
    assert "i0, i1, i10, i11, … (14 levels)" in str(seen)


def test_a_target_is_not_to_be_excluded():
    table = {"account": spread_out(range(5, 5000, 7)), "x": np.arange(714) % 7}
    assert len(inspect(table).remarks) == 1
    assert inspect(table, "account").remarks == []


def test_missing_cells_are_counted_beyond_the_levels_that_are(tmp_path, monkeypatch):
    monkeypatch.setattr("regress.api.inspect_columns.ENOUGH_LEVELS", 500)
    monkeypatch.setattr("regress.api.inspect_remarks.ENOUGH_LEVELS", 500)
    names = [f"k{i}" if i % 10 else ["", "NA"][i % 20 == 0] for i in range(3000)]
    for part in range(3):
        rows = slice(1000 * part, 1000 * part + 1000)
        pl.DataFrame({"k": names[rows], "y": np.arange(1000) % 7}).write_csv(tmp_path / f"{part}.csv")
    seen = inspect(tmp_path, "y")
    assert (seen.columns[0].missing, seen.columns[0].n_levels, seen.columns[0].frequent) == (300, 501, [])
    assert seen.remarks == ["k: text with more than 500 different values."]
    assert seen.command.endswith("--target y --drop k")


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (["1,234", "12,345", "999"], "thousands separators, such as '1,234' ({}). Pass thousands=','."),
        (["1 234", "22 345"], "thousands separators, such as '1 234' ({}). Pass thousands=' '."),
        (["1,5", "2,75"], "another decimal mark, such as '1,5' ({}). Pass decimal=','."),
        (["$12", "$15.5"], "a unit or another sign, such as '$12' ({}). Write them as plain numbers."),
        (["5 %", "7 %", "12 %"], "a unit or another sign, such as '5 %' ({}). Write them as plain numbers."),
    ],
)
def test_numbers_kept_as_text_are_remarked_on(tmp_path, in_memory, cells, remedy):
    table = pl.DataFrame({"v": [cells[i % len(cells)] for i in range(40)], "y": np.arange(40) ** 0.5})
    path = tmp_path / "t.csv"
    table.write_csv(path)
    seen = inspect(table if in_memory else path, "y")
    assert f"v: It holds numbers with {remedy.format('row 0' if in_memory else 't.csv, line 2')}" in seen.remarks
    assert seen.columns[0].n_like_numbers == sum(not cells[i % len(cells)].isalpha() for i in range(40))


def test_few_cells_that_look_like_numbers_are_named():
    cells = ["north", "south"] * 20 + ["5 %", "1,234", "2020-01-01"]
    for order in (cells, cells[::-1]):
        (remark,) = inspect(pl.DataFrame({"v": order, "y": np.arange(43) % 5}), "y").remarks[:1]
        assert remark == "v: 3 cells of text look like numbers or dates, such as '1,234', '2020-01-01', '5 %'."
    (remark,) = inspect(pl.DataFrame({"v": cells[:41], "y": np.arange(41) % 5}), "y").remarks[:1]
    assert remark == "v: 1 cell of text looks like a number or date, such as '5 %'."


numbers = st.one_of(
    st.integers(-50, 50).map(float),
    st.integers(-999, 999).map(lambda k: k / 100),
    st.floats(-1e12, 1e12),
    st.floats(-1e-12, 1e-12),
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(numbers, min_size=2, max_size=40))
def test_histograms_have_a_few_intervals_with_round_ends(values):
    values = np.array(values)
    low, high, whole = values.min(), values.max(), bool((values == np.floor(values)).all())
    bins = histogram(values, low, high, whole)
    if low == high:
        assert bins == []
        return
    assert 1 <= len(bins) <= 12
    assert whole or len(bins) >= 4
    assert sum(b.rows for b in bins) == len(values)
    if max(abs(values)) < 1e9 * (high - low):
        widths = {float(Decimal(repr(b.high)) - Decimal(repr(b.low))) for b in bins}
        assert len({f"{width:.9g}" for width in widths}) == 1
        assert f"{widths.pop():.9e}"[:3] in ("1.0", "2.0", "5.0")
        assert all(one.high == two.low for one, two in pairwise(bins))
        places = [sum(Decimal(repr(b.low)) <= Decimal(repr(float(v))) for b in bins) - 1 for v in values]
        away = [min(abs(v - b.low) for b in bins) for v in values]
        if min((d for d in away if d), default=1.0) > 1e-8 * (high - low):  # decimals stand at ends, or apart from them
            assert [b.rows for b in bins] == [places.count(k) for k in range(len(bins))]


def test_decimals_are_in_the_interval_that_begins_with_them():
    bins = histogram(np.arange(20, 31) / 100, 0.2, 0.3, False)  # 100 × 0.29 is below 29
    assert bins == [(k / 100, (k + 1) / 100, 1) for k in range(20, 31)]


def test_a_histogram_is_of_all_rows_of_a_small_table():
    y = np.random.default_rng(3).normal(size=4000).round(2)
    seen = inspect({"y": y, "yes": y > 0, "whole": np.round(y)})
    rows, edges = np.histogram(y, [*(b.low for b in seen.columns[0].bins), seen.columns[0].bins[-1].high])
    assert [b.rows for b in seen.columns[0].bins] == rows.tolist()
    assert [tuple(b) for b in seen.columns[1].bins] == [(0.0, 1.0, int((y <= 0).sum())), (1.0, 2.0, int((y > 0).sum()))]
    assert [(b.low, b.rows) for b in seen.columns[2].bins] == sorted(Counter(np.round(y) + 0.0).items())
    assert (seen.sampled, len(edges)) == (4000, len(seen.columns[0].bins) + 1)
    assert "sample" not in str(seen)


def test_histograms_of_large_tables_are_of_a_sample(tmp_path):
    table = pl.DataFrame({"y": np.arange(30_000.0), "k": ["u", "v"] * 15_000})
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet", row_group_size=700)
    seen = [inspect(each) for each in (table, tmp_path / "t.csv", tmp_path / "t.parquet")]
    assert [s.sampled for s in seen] == [4096] * 3
    assert seen[0].columns[0].bins == seen[1].columns[0].bins == seen[2].columns[0].bins
    counts = np.array([b.rows for b in seen[0].columns[0].bins])
    assert counts.sum() == 4096
    shares = np.array([b.high - b.low for b in seen[0].columns[0].bins]) / 30_000
    assert np.abs(counts - 4096 * shares).max() < 5 * np.sqrt(4096 * shares.max())
    assert "\nHistograms of numbers are of a sample of 4,096 rows.\n" in str(seen[0])
    assert seen[0].columns[1].frequent == [("u", 15_000), ("v", 15_000)]


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.integers(0, 60), max_size=6), st.integers(1, 70), st.randoms())
def test_a_sample_does_not_depend_on_how_rows_are_cut(cuts, kept, random):
    X = np.arange(120.0).reshape(60, 2)
    (whole,) = open_table(X).batches(["x0", "x1"])

    def sample(batches):
        one = RowSample(2, kept)
        for batch in batches:
            one.add(batch, batch.numbers("x0") % 3 != 0, [batch.numbers("x0"), batch.numbers("x1")])
        return one

    ends = [0, *sorted(cuts), 60]
    source = open_table(X).partitions()[0]
    parts = [sample([source.batch_at({}, (a, b - a))]) for a, b in pairwise(ends)]
    random.shuffle(parts)
    for part in parts[1:]:
        parts[0].merge(part)
    expected = sample([whole])
    assert sorted(parts[0].column(0)) == sorted(expected.column(0))
    assert expected.rows == min(kept, 40)
    assert set(expected.column(1)) == set(expected.column(0) + 1) <= set(X[X[:, 0] % 3 != 0, 1])


def test_block_characters_are_left_out_where_the_encoding_has_none(monkeypatch):
    for encoding, there in (("utf-8", True), ("ascii", False), ("latin-1", False)):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit):
            main(["inspect", str(DATA / "penguins.csv")])
        out.seek(0)
        text = out.read()
        assert ("▇" in text) == ("histogram" in text) == there
        assert "Adelie (152)" in text


def test_dates_are_shown_as_dates():
    days = [datetime.date(2024, 2, 28) + datetime.timedelta(days=i) for i in range(4)]
    times = [datetime.datetime(1969, 12, 31, 23, 59, 58) + datetime.timedelta(hours=i) for i in range(4)]
    zoned = [datetime.datetime(2024, 5, 1, 12 + i, tzinfo=datetime.UTC) for i in range(4)]
    seen = inspect(pl.DataFrame({"day": days, "at": times, "zoned": zoned, "y": [1.0, 2.0, 4.0, 5.0]}))
    assert [tuple(c.dates) for c in seen.columns] == [
        ("2024-02-29", "2024-02-28", "2024-03-02"),
        ("1970-01-01 01:29:58", "1969-12-31 23:59:58", "1970-01-01 02:59:58"),
        ("2024-05-01 13:30:00 UTC", "2024-05-01 12:00:00 UTC", "2024-05-01 15:00:00 UTC"),
        ("", "", ""),
    ]
    (line,) = (line for line in str(seen).splitlines() if line.startswith("day "))
    assert line.split()[:7] == ["day", "date", "0", "2024-02-29", "1.291", "days", "2024-02-28"]
    assert seen.to_dict()["columns"][0]["low"] == (days[0] - datetime.date(1970, 1, 1)).days
    (term, _) = inspect(pl.DataFrame({"day": days, "x": [1.0, 2, 4, 9], "y": [1, 2, 3, 4]}), "y ~ day + x").terms
    assert (term.dates.low, term.dates.high) == ("2024-02-28", "2024-03-02")
    assert "2024-03-02" in str(inspect(pl.DataFrame({"day": days, "y": [1, 2, 3, 4]}), "y ~ day")).split("y ~ day: ")[1]
