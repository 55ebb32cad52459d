"""Frames in memory: their columns of numbers are not copied, and each type of column gives the same cells anywhere."""

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import TableError
from regress.options import FileOptions
from regress.sources import polars_frames
from regress.sources.open import open_table

ROWS = 100
NUMBERS = {
    "f8": np.linspace(-1.0, 1.0, ROWS),
    "f4": np.linspace(-1.0, 1.0, ROWS, dtype=np.float32),
    "i8": 2**53 + np.arange(ROWS) * 3,
    "i2": np.arange(ROWS, dtype=np.int16) - 50,
    "u8": np.uint64(2**64 - 1) - np.arange(ROWS, dtype=np.uint64),
    "nan": np.where(np.arange(ROWS) % 3, np.arange(ROWS) / 7, np.nan),
}
OTHERS = {
    "b": [i % 2 == 0 for i in range(ROWS)],
    "s": ["a" if i % 4 else None for i in range(ROWS)],
    "d": [date(2020, 1, 1 + i % 20) for i in range(ROWS)],
}
COLUMNS = {**NUMBERS, **OTHERS}


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(polars_frames, "SLICE", 37)


def batches(table, names=tuple(COLUMNS), **options):
    return list(open_table(table, FileOptions(**options)).batches(names))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": NUMBERS["f8"], "y": NUMBERS["nan"]}),
        pd.DataFrame(np.column_stack([NUMBERS["f8"], NUMBERS["nan"]]), columns=["x", "y"]),
        pl.DataFrame({"x": NUMBERS["f8"], "y": NUMBERS["nan"]}),
    ],
    ids=["pandas", "pandas of one array", "polars"],
)
def test_columns_of_float64_are_views_of_the_frame(frame):
    found = batches(frame, ("x", "y"))
    assert [batch.rows for batch in found] == [37, 37, 26]
    for batch in found:
        for name, column in zip(("x", "y"), batch.columns(("x", "y")), strict=True):
            assert np.shares_memory(column, frame[name].to_numpy())
            assert np.array_equal(column, frame[name].to_numpy()[batch.first :][: batch.rows], equal_nan=True)


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_numbers_of_any_width_are_rounded_once(made):
    for batch in batches(made(NUMBERS), tuple(NUMBERS)):
        for name, values in NUMBERS.items():
            rows = values[batch.first : batch.first + batch.rows]
            expected = [float(value) for value in rows.tolist()]  # Python rounds integers to the nearest
            assert batch.numbers(name).dtype == np.float64
            assert np.array_equal(batch.numbers(name), expected, equal_nan=True)


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("model", ["y", "y ~ a*b + c*d + I(c^2)"])
@pytest.mark.parametrize("missing", ["raise", "mean"])
def test_numbers_of_any_width_are_fitted_as_the_same_numbers_in_float64(made, model, missing):
    random = np.random.default_rng(1)
    columns = {
        "a": random.normal(size=200).astype(np.float32) * np.float32(1e30),
        "b": random.integers(-128, 127, 200).astype(np.int8),
        "c": random.integers(0, 2**63, 200).astype(np.uint64),
        "d": random.integers(0, 2, 200) == 1,
        "y": random.normal(size=200).astype(np.float32),
    }
    if missing == "mean":
        columns["a"][[3, 50]] = np.nan  # the mean of the others is no float32
    frames = made(columns), made({name: values.astype(np.float64) for name, values in columns.items()})
    for precision in ("float64", "exact"):
        one, other = (regress.fit(frame, model, precision=precision, missing=missing) for frame in frames)
        assert one.statistics == other.statistics
        assert [one.b, *one.w] == [other.b, *other.w]


def test_batches_of_a_pandas_frame_are_those_of_the_same_polars_frame():
    kinds = ("text", "number", "boolean", "date")
    for one, other in zip(batches(pd.DataFrame(COLUMNS)), batches(pl.DataFrame(COLUMNS)), strict=True):
        for batch, same in ((one, other), (one.head(5), other.head(5))):
            assert (batch.rows, batch.first, batch.read) == (same.rows, same.first, same.read)
            for name in COLUMNS:
                assert (name != "d") <= (batch.texts(name) == same.texts(name))  # pandas holds dates as times
                if name != "s":
                    assert np.array_equal(batch.numbers(name), same.numbers(name), equal_nan=True)
            assert np.array_equal(batch.codes("s", {"a": 0}), same.codes("s", {"a": 0}))
    assert {column.kind for column in open_table(pd.DataFrame(COLUMNS)).columns} == set(kinds)


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_batch_is_found_again_by_its_bookmark(made):
    source = open_table(made(COLUMNS))
    for batch in source.batches(tuple(COLUMNS)):
        again = source.partitions()[0].batch_at(source.kinds(COLUMNS), batch.bookmark)
        assert (again.first, again.rows) == (batch.first, batch.rows)
        assert all(again.texts(name) == batch.texts(name) for name in COLUMNS)


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_numbers_that_mean_a_missing_cell_are_missing_in_columns_of_any_type(made):
    frame = made({"i": [1, -999, 3], "f": [1.0, 2.0, -999.0], "h": np.array([-999, 2, 3], dtype=np.float32)})
    (batch,) = batches(frame, ("i", "f", "h"), na_values=("-999",))
    expected = [[1.0, np.nan, 3.0], [1.0, 2.0, np.nan], [np.nan, 2.0, 3.0]]
    assert np.array_equal(batch.columns(("i", "f", "h")), expected, equal_nan=True)


def test_the_frame_keeps_its_names_and_values():
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3) ** 2)
    before = frame.copy()
    regress.fit(frame, "2", drop=["1"])
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("kept", ["in memory", "in a file"])
def test_a_type_without_text_cannot_be_read_as_categories(tmp_path, kept):
    table = pl.DataFrame({"l": [[1], [2], [1]], "y": [1.0, 3.0, 4.0]})
    if kept == "in a file":
        table.write_parquet(tmp_path / "t.parquet")
        table = tmp_path / "t.parquet"
    with pytest.raises(
        TableError, match=r"row 0, column 'l': the column is of type List\(Int64\), which cannot be read"
    ):
        regress.fit(table, "y", categorical=["l"])
