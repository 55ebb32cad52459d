"""The bundled data are what data/README.md says, and come from where it says."""

import csv
import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
MAKE = ROOT / "scripts" / "make_data.py"


def records(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def described() -> list[tuple[str, int]]:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `(\w+\.csv)` \| ([\d,]+) \|", text, re.MULTILINE)
    return [(name, int(rows.replace(",", ""))) for name, rows in lines]


@pytest.mark.parametrize(("name", "rows"), described())
def test_each_file_has_as_many_rows_as_described(name, rows):
    path = name if (DATA / name).exists() else f"nist/{name}"
    assert len(records(path)) == rows


def test_every_top_level_file_is_described():
    assert {path.name for path in DATA.glob("*.csv")} <= {name for name, _ in described()}


def test_diabetes_holds_scikit_learns_values_exactly():
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    ours = np.array([[float(cell) for cell in row.values()] for row in records("diabetes.csv")])
    assert np.array_equal(ours, np.c_[bunch.data, bunch.target])


def test_the_badly_scaled_set_is_made_by_its_script_to_the_byte(tmp_path):
    made = tmp_path / "income_rate.csv"
    subprocess.run([sys.executable, MAKE, "income_rate", "-o", made], check=True)
    assert made.read_bytes() == (DATA / "income_rate.csv").read_bytes()


@pytest.mark.parametrize("name", ["pontius", "wampler1", "wampler5", "filip"])
def test_power_columns_are_the_nearest_doubles(name):
    for row in records(f"nist/{name}.csv"):
        x = Fraction(float(row["x"]))
        for column, cell in row.items():
            if column.startswith("x") and column != "x":
                assert float(cell) == float(x ** int(column[1:]))


def test_every_certified_set_is_there():
    certified = json.loads((DATA / "nist" / "certified.json").read_text())
    for name, answer in certified.items():
        assert len(records(f"nist/{name}.csv")) == answer["n"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("table", ["normal", "timestamps", "mixed"])
def test_made_tables_have_the_rows_asked_for_and_are_seeded(tmp_path, table, suffix):
    import polars as pl

    read = pl.read_csv if suffix == "csv" else pl.read_parquet
    frames = []
    for run in "ab":
        path = tmp_path / f"{run}.{suffix}"
        subprocess.run([sys.executable, MAKE, table, "--rows", "123", "--missing", "0.1", "-o", path], check=True)
        frames.append(read(path))
    assert frames[0].height == 123
    assert frames[0].equals(frames[1])
