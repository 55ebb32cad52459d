"""A file that changes while it is read is refused, whoever changes it and however."""

import os

import polars as pl
import pytest

import regress
from regress.errors import TableError
from regress.sources import parquet
from regress.sources.csv import stream

ROWS = 300_000  # some blocks of a file


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_BLOCK", 2**20)
    monkeypatch.setattr(stream, "BLOCK", 2**20)
    frame = pl.DataFrame({"x": range(ROWS), "z": [1.5] * ROWS}).with_columns(y=pl.col("x") * 3.0)
    path = tmp_path / f"t.{request.param}"
    frame.write_csv(path) if request.param == "csv" else frame.write_parquet(path)
    return path


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def grow(path):
    with path.open("ab") as file:
        file.write(b"1,2,3\n")


def overwrite(path):
    """Other bytes, as many of them."""
    with path.open("r+b") as file:
        file.seek(-100, 2)
        file.write(b"9" * 50)


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


@pytest.mark.parametrize("change", [truncate, grow, overwrite, replace, os.remove])
def test_a_file_that_changes_after_the_first_rows_is_refused(table, change):
    done = []

    def meddle(*_):
        if not done:
            done.append(change(table))

    with pytest.raises(TableError, match=f"{table.name} changed while it was read"):
        regress.fit(table, "y", drop=["z"], progress=meddle)
    assert done


@pytest.mark.parametrize("change", [grow, replace])
def test_a_file_that_changes_between_two_readings_of_one_fit_is_refused(tmp_path, change):
    table = tmp_path / "t.csv"
    rows = 6000  # with HC1 residuals are read in a second pass
    table.write_text("x,z,y\n" + "".join(f"{i},{i * i % 7},{3 * i + i % 5}\n" for i in range(rows)))

    def meddle(what, count, *_):
        if what == "iterations":
            change(table)

    with pytest.raises(TableError, match=r"t\.csv changed while it was read"):
        regress.fit(table, "y", cov_type="HC1", solver="cg", progress=meddle)


def test_a_file_that_is_read_again_for_exact_arithmetic_is_the_same_one(tmp_path, monkeypatch):
    from regress.api import fit

    table, passes = tmp_path / "t.csv", []
    table.write_text("x,y\n" + "".join(f"{i},{3 * i + i % 5}\n" for i in range(50)))
    read = fit.read_any

    def meddle(table_, target, options, reading, progress):
        if passes:
            grow(table)
        passes.append(reading.precision)
        return read(table_, target, options, reading, progress)

    monkeypatch.setattr(fit, "read_any", meddle)
    monkeypatch.setattr(fit, "read_again", lambda *_, **__: ("asked by the test", True))
    with pytest.raises(TableError, match=r"t\.csv changed while it was read"):
        regress.fit(table, "y")
    assert passes == ["auto", "exact"]


def test_a_file_that_nobody_touches_is_read(table):
    assert regress.fit(table, "y", drop=["z"]).tally.used == ROWS
