"""What people pass as a table besides files, frames and arrays: read by name, or refused by what it is."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError

COLUMNS = {"x": [1, 2.5, 3, 5], "k": ["a", "b", "a", "b"], "flag": [True, False, False, True], "y": [2.0, 4.1, 6, 9.5]}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
FRAME = pd.DataFrame(COLUMNS)


class Stream:
    """Speaks the Arrow stream protocol and nothing else."""

    def __init__(self, frame):
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema=None):
        return self._frame.__arrow_c_stream__(requested_schema)


STRUCTURED = np.array(list(zip(*COLUMNS.values(), strict=True)), [("x", "f8"), ("k", "U1"), ("flag", "?"), ("y", "f8")])
TABLES = {
    "a dict of columns": COLUMNS,
    "a dict of arrays": {name: np.array(cells) for name, cells in COLUMNS.items()},
    "a list of dicts": ROWS,
    "a structured array": STRUCTURED,
    "an Arrow stream": Stream(pl.DataFrame(COLUMNS, strict=False)),
}


@pytest.mark.parametrize("what", TABLES)
def test_what_has_named_columns_is_read_as_its_frame_is(what):
    expected, fit = regress.fit(FRAME, "y"), regress.fit(TABLES[what], "y")
    assert fit.names == expected.names == ("x", "k=b", "flag")
    assert fit.w.tolist() == expected.w.tolist()
    assert fit.predict(TABLES[what]).tolist() == expected.predict(FRAME).tolist()


def test_pyarrow_tables_keep_their_names_without_pyarrow_being_asked():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(COLUMNS | {"x": [1.0, 2.5, 3.0, 5.0]})
    for given in (table, table.to_batches()[0], table.to_reader()):
        assert regress.fit(given, "y", drop=["flag", "k"]).names == ("x",)


def test_one_row_is_predicted_from_a_list_of_one_dict():
    fit = regress.fit(FRAME, "y", features=["x"])
    assert fit.predict([{"x": 2.5}]) == pytest.approx(fit.predict(pd.DataFrame({"x": [2.5]})))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "None is not a table. Pass a path"),
        (io.StringIO("x,y\n1,2\n"), "open file is not a table: it cannot be read twice. Pass a path"),
        (iter(ROWS), "its values are single ones. Pass a dict of columns"),
        ((list(row) for row in ROWS), "The generator yields list. Yield batches of rows"),
        (5, "type int is not a table"),
        ({1, 2}, "type set is not a table"),
        (b"t.csv", "type bytes is not a table"),
        ({"x": 1.0, "y": 2.0}, "its values are single ones. Pass a dict of columns"),
        ({"x": [1.0, 2.0], "y": [1.0]}, "must be of the same length. Pass a dict of columns"),
        ([{"x": 1.0}, 2.0], "X"),
        (pd.Series([1.0, 2.0]), r"A Series is one column, not a table\. Pass its \.to_frame\(\)"),
        (pl.Series([1.0, 2.0]), r"A Series is one column, not a table\. Pass its \.to_frame\(\)"),
        (Stream(pl.Series([1, 2])), "This Stream cannot be read as a table"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_refused_by_what_it_is(table, words):
    with pytest.raises(InputError, match=words):
        regress.fit(table, "y")


def test_an_open_file_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    for mode in ("r", "rb"):
        with (tmp_path / "t.csv").open(mode) as file, pytest.raises(InputError, match="An open file is not a table"):
            regress.fit(file, "y")


def test_any_path_like_object_is_a_path(tmp_path):
    class PathLike:
        def __fspath__(self):
            return str(tmp_path / "t.csv")

    FRAME.to_csv(tmp_path / "t.csv", index=False)
    assert regress.fit(PathLike(), "y", features=["x"]).names == ("x",)


def test_an_array_is_still_read_without_polars_or_pandas():
    code = (
        "import sys, numpy as np, regress\n"
        "regress.fit(np.eye(4)[:, :2], np.arange(4.0))\n"
        "regress.fit([[1, 2], [2, 1], [4, 4]], [1, 2, 3])\n"
        "print([m for m in ('polars', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert done.stdout == "[]\n", done.stderr


# Names that are whole numbers

X = np.random.default_rng(0).normal(size=(20, 2))
Y = X @ [1.0, 2.0] + X[:, 0] ** 2


def test_a_frame_of_an_array_has_columns_named_by_whole_numbers():
    fit = regress.fit(pd.DataFrame(X), Y)
    assert fit.names == ("0", "1")
    assert fit.w.tolist() == regress.fit(X, Y).w.tolist()
    assert regress.fit(pd.DataFrame(X), "0").names == ("1",)
    frame = pd.DataFrame(X, columns=["a", 5])
    assert regress.fit(frame, Y, features=["5"]).names == ("5",)
    assert list(frame.columns) == ["a", 5]
    assert fit.predict(pd.DataFrame(X)).tolist() == fit.predict(X).tolist()


@pytest.mark.parametrize("name", [1.5, ("a", "b"), None, True])
def test_other_names_say_how_to_rename(name):
    frame = pd.DataFrame(X)
    frame.columns = pd.Index([name, "b"], dtype=object, tupleize_cols=False)
    with pytest.raises(InputError, match=r"names must be text\. Rename"):
        regress.fit(frame, Y)


def test_names_that_become_equal_are_refused():
    with pytest.raises(InputError, match="more than one column named '0'"):
        regress.fit(pd.DataFrame(X, columns=["0", 0]), Y)


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (0, {}, "the target must be a column name, as text.*got 0"),
        (None, {}, "Name the column to predict with target"),
        ("0", {"weights": 1}, "weights must be a column name.*got 1"),
        ("0", {"features": [1]}, "features must hold column names as text; got 1"),
        ("0", {"drop": [1]}, "drop must hold column names as text; got 1"),
        ("0", {"categorical": [1]}, "categorical must hold column names as text; got 1"),
    ],
)
def test_whole_numbers_for_names_are_one_sentence(target, options, words):
    with pytest.raises(InputError, match=words):
        regress.fit(pd.DataFrame(X), target, **options)


def test_no_columns_to_drop_may_be_none():
    assert regress.fit(X, Y, drop=None, categorical=None).names == ("x0", "x1")
