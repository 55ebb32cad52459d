"""A first look at a table, and a next command that runs."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from regress.errors import TableError
from regress.inspection import inspect

DATA = Path(__file__).resolve().parents[1] / "data"
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
        "gap": [None, 1.5] * 25,
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
    assert columns(FRAME)["gap"].missing == 25


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
    done = subprocess.run([sys.executable, "-m", "regress.cli", *words[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dates_are_named_and_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day,x,y\n" + "".join(f"2020-01-{d:02},{d},{d * 2.5}\n" for d in range(1, 13)))
    seen = inspect(path)
    assert "day: of type date, which a fit cannot use." in seen.remarks
    assert "--drop day" in seen.command


def test_an_unknown_target_is_refused():
    with pytest.raises(TableError, match="'yy'"):
        inspect(FRAME, "yy")


def test_an_empty_table_is_shown():
    seen = inspect(pl.DataFrame({"x": [], "y": []}))
    assert seen.rows == 0
