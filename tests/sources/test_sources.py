"""Parquet, globs, pandas, Polars and arrays: the same table gives the same fit, whatever holds it."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError, TableError

ROWS = {
    "x": [1.0, 2.5, 3.0, 4.5, 5.0, 7.0],
    "n": [3, 1, 2, 5, 4, 6],
    "flag": [True, False, True, True, False, False],
    "kind": ["b", "a", "é", "b", "a", "é"],
    "y": [1.0, 2.0, 4.0, 3.0, 7.0, 8.0],
}


def holders(tmp_path):
    frame = pl.DataFrame(ROWS)
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    half = frame.with_row_index().lazy()
    half.filter(pl.col("index") < 3).drop("index").collect().write_csv(tmp_path / "part1.csv")
    half.filter(pl.col("index") >= 3).drop("index").collect().write_csv(tmp_path / "part2.csv")
    return {
        "csv": tmp_path / "t.csv",
        "csv as text": str(tmp_path / "t.csv"),
        "parquet": tmp_path / "t.parquet",
        "glob": str(tmp_path / "part*.csv"),
        "pandas": pd.DataFrame(ROWS),
        "pandas with nullable types": pd.DataFrame(ROWS).convert_dtypes(),
        "pandas with objects": pd.DataFrame(ROWS).astype(object),
        "polars": frame,
        "polars with categoricals": frame.with_columns(pl.col("kind").cast(pl.Categorical)),
    }


HOLDERS = [
    "csv", "csv as text", "parquet", "glob", "pandas", "pandas with nullable types", "pandas with objects", "polars",
    "polars with categoricals",
]  # fmt: skip


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_holder_of_a_table_gives_the_same_fit(tmp_path, holder):
    table = holders(tmp_path)[holder]
    fit = regress.fit(table, "y")
    dummies = np.array([[k == "b", k == "é"] for k in ROWS["kind"]], dtype=float)
    X = np.c_[ROWS["x"], ROWS["n"], np.array(ROWS["flag"], dtype=float), dummies, np.ones(6)]
    answer = np.linalg.lstsq(X, np.array(ROWS["y"]), rcond=None)[0]
    assert fit.names == ("x", "n", "flag", "kind=b", "kind=é")
    assert np.r_[fit.w, fit.b] == pytest.approx(answer, rel=1e-9)
    assert fit.predict(table) == pytest.approx(X @ answer, rel=1e-9)


def test_categoricals_and_enums_keep_their_order_and_their_first_level_is_the_reference():
    order = ["é", "b", "a", "unused"]
    frame = pd.DataFrame(ROWS).assign(kind=pd.Categorical(ROWS["kind"], categories=order))
    polars = pl.DataFrame(ROWS).with_columns(pl.col("kind").cast(pl.Enum(order)))
    for table in (frame, polars):
        assert regress.fit(table, "y", features=["kind"]).names == ("kind=b", "kind=a")


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
@pytest.mark.parametrize("library", ["pandas", "polars", "array", "csv"])
def test_a_column_of_numbers_may_be_read_as_text(tmp_path, library):
    codes, y = [10, 2, 10, 3], [1.0, 2.0, 3.0, 5.0]
    table = {
        "pandas": pd.DataFrame({"code": codes, "y": y}),
        "polars": pl.DataFrame({"code": codes, "y": y}),
        "array": np.c_[codes],
        "csv": tmp_path / "t.csv",
    }[library]
    pl.DataFrame({"code": codes, "y": y}).write_csv(tmp_path / "t.csv")
    column = "x0" if library == "array" else "code"
    fit = regress.fit(table, y if library == "array" else "y", categorical=[column])
    assert fit.names == (f"{column}=3", f"{column}=10")  # in the order of the numbers
    assert fit.w == pytest.approx([3.0, 0.0], abs=1e-12)


UNUSABLE = {
    "times": pl.Series([datetime.time(hour) for hour in (1, 2, 3)]),
    "durations": pl.Series([datetime.timedelta(days=d) for d in (1, 2, 3)]),
    "lists": pl.Series([[1], [2], [3]]),
    "structs": pl.Series([{"a": 1}, {"a": 2}, {"a": 3}]),
    "bytes": pl.Series([b"1", b"2", b"3"]),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_types_that_are_no_numbers_ask_to_be_dropped(tmp_path, what):
    frame = pl.DataFrame({"odd": UNUSABLE[what], "x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})
    frame.write_parquet(tmp_path / "t.parquet")
    for table in (frame, tmp_path / "t.parquet"):
        with pytest.raises(TableError, match=r"drop=\['odd'\]"):
            regress.fit(table, "y")
        assert regress.fit(table, "y", drop=["odd"]).names == ("x",)


@pytest.mark.parametrize(
    "column",
    [pd.timedelta_range("1D", periods=3), [1j, 2j, 3j], [[1], [2], [3]]],
    ids=["durations", "complex", "lists"],
)
def test_pandas_types_that_are_no_numbers_ask_to_be_dropped(column):
    frame = pd.DataFrame({"odd": column, "x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(TableError, match=r"drop=\['odd'\]"):
        regress.fit(frame, "y")


@pytest.mark.parametrize("absent", [None, np.nan, np.inf, -np.inf, pd.NA])
def test_missing_cells_are_missing_in_frames_too(absent):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]}).astype(object)
    frame.loc[1, "x"] = absent
    with pytest.raises(TableError, match=r"x 1\)"):
        regress.fit(frame, "y")
    assert regress.fit(frame, "y", missing="drop").tally.used == 3


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame])
def test_a_frame_knows_which_cells_of_text_are_missing(table):
    frame = table({"k": ["a", "NA", "b", None], "y": [1.0, 2.0, 3.0, 1.5]})
    fit = regress.fit(frame, "y", missing="drop")
    assert (fit.names, fit.tally.missing) == (("k=a", "k=b"), 1)
    fit = regress.fit(frame, "y", missing="drop", na_values=["NA"])
    assert (fit.names, fit.tally.missing) == (("k=b",), 2)


def test_decimals_and_numpy_numbers_in_object_columns_are_numbers():
    frame = pd.DataFrame({"x": [decimal.Decimal("1.5"), decimal.Decimal(2), decimal.Decimal(4)], "y": [3.0, 4.0, 8.0]})
    assert regress.fit(frame, "y").w == pytest.approx([2.0])


def test_an_object_column_that_turns_into_text_is_refused_with_its_value():
    frame = pd.DataFrame({"x": [1.0, "two", 3.0], "y": [3.0, 4.0, 8.0]})
    with pytest.raises(TableError, match="'two'"):
        regress.fit(frame, "y")


def test_frames_with_names_that_cannot_be_used_are_refused():
    with pytest.raises(TableError, match="names must be text"):
        regress.fit(pd.DataFrame([[1.0, 2.0]], columns=[("a", 1), ("a", 2)]), "y")
    with pytest.raises(TableError, match="more than one column named 'a'"):
        regress.fit(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "a")


def test_files_that_are_not_there_or_not_alike_are_refused(tmp_path):
    pl.DataFrame({"a": [1.0], "b": [2.0]}).write_csv(tmp_path / "1.csv")
    pl.DataFrame({"a": [1.0], "c": [2.0]}).write_csv(tmp_path / "2.csv")
    (tmp_path / "bad.parquet").write_bytes(b"nonsense")
    (tmp_path / "sub").mkdir()
    for table, words in {
        tmp_path / "3.csv": "does not exist",
        tmp_path / "sub": "holds no file",
        f"{tmp_path}/*.txt": "No file matches",
        f"{tmp_path}/?.csv": "different columns",
        tmp_path / "bad.parquet": "not a readable Parquet file",
    }.items():
        with pytest.raises(TableError, match=words):
            regress.fit(table, "a")


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.arange(3.0), "reshape"),
        (np.zeros((2, 2, 2)), "two dimensions"),
        (np.array([["a"], ["b"]]), "DataFrame"),
        (pl.LazyFrame({"x": [1.0]}), "collect"),
    ],
)
def test_what_is_no_table_is_refused(X, words):
    with pytest.raises(InputError, match=words):
        regress.fit(X, [1.0, 2.0])


def test_sparse_matrices_are_refused():
    from scipy import sparse

    with pytest.raises(InputError, match="toarray"):
        regress.fit(sparse.eye(3), [1.0, 2.0, 3.0])


def test_a_target_may_be_values_of_any_one_dimensional_shape():
    X, y = np.array([[1.0], [2.0], [4.0]]), [1.0, 2.0, 3.0]
    for target in (y, np.array(y)[:, None], pd.Series(y, name="price"), pl.Series("price", y), tuple(y)):
        fit = regress.fit(X, target)
        assert fit.w == pytest.approx([9 / 14])
        assert fit.names == ("x0",)
    assert regress.fit(X, pd.Series(y, name="price")).model.target == "price"
    for bad, words in (
        (np.zeros((3, 2)), r"\(3, 2\)"),
        ([1.0, 2.0], "2 values"),
        (np.zeros(4), "4 values"),
        (object(), "column"),
    ):
        with pytest.raises(InputError, match=words):
            regress.fit(X, bad)


def test_pandas_frames_are_read_without_pyarrow():
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import pandas as pd, regress\n"
        "n = pd.array([1, 2, 4, 7], dtype='Int64')\n"
        "frame = pd.DataFrame({'k': list('abab'), 'n': n, 'y': [1.0, 2.0, 3.0, 5.0]})\n"
        "print(regress.fit(frame, 'y').names)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout == "('k=b', 'n')\n", done.stderr
