"""Target and weights beside a table: columns by another road, rows paired by label, masked and missing cells."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.errors import InputError, TableError
from regress.options import TableOptions

pytestmark = pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "y": [2.1, 3.9, 6.2, 7.8, 10.1, 12.2],
        "w": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
        "n": [1, 2, 3, 1, 2, 4],
    }
)
LABELED = FRAME.set_index(pd.Index(list("abcdef")))
SHUFFLED = [5, 2, 1, 3, 0, 4]


@pytest.mark.parametrize("column", ["y", "n"])
@pytest.mark.parametrize("form", ["series", "frame", "shuffled", "polars", "polars frame", "in a polars frame"])
def test_a_column_of_the_frame_is_taken_by_its_name_as_target_and_as_weights(column, form):
    table = pl.DataFrame(FRAME.to_dict("list")) if form == "in a polars frame" else FRAME
    ours = pl.DataFrame(FRAME.to_dict("list"))
    given = {
        "series": FRAME[column],
        "frame": FRAME[[column]],
        "shuffled": FRAME[column].iloc[SHUFFLED],
        "polars": ours[column],
        "polars frame": ours.select(column),
        "in a polars frame": ours[column],
    }[form]
    other = "n" if column == "y" else "y"
    by_name, by_value = regress.fit(table, column), regress.fit(table, given)
    assert by_value.names == by_name.names
    assert column not in by_value.names
    np.testing.assert_array_equal(by_value.w, by_name.w)
    assert by_value.model.target == column
    weighted = regress.fit(table, other, weights=given)
    assert weighted.names == regress.fit(table, other, weights=column).names
    assert weighted.to_dict() == regress.fit(table, other, weights=column).to_dict()


@pytest.mark.tensorflow
def test_compare_certify_and_the_gradient_check_take_such_a_column_too():
    assert regress.compare(FRAME, FRAME["y"], test_size=0).names == ("x", "w", "n")
    assert regress.certify(([2.0, 1.0, 0.0], 0.0), FRAME, FRAME["y"]).target == "y"
    assert list(regress.check_gradients(FRAME, FRAME["y"]).names) == ["x", "w", "n", "(intercept)"]
    with pytest.raises(InputError, match="'x' is a feature of the model"):
        regress.certify(regress.fit(FRAME, "y"), FRAME, FRAME["x"])
    pipeline = regress.to_sklearn(regress.fit(LABELED, "y"))
    assert regress.certify(pipeline, LABELED, LABELED["y"].iloc[SHUFFLED]).passed


def test_a_file_beside_a_column_of_it_is_no_exception(tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    assert regress.fit(tmp_path / "t.csv", FRAME["y"]).names == ("x", "w", "n")


def test_values_with_the_name_of_a_feature_that_holds_others_are_refused():
    with pytest.raises(InputError, match=r"values given for 'y' differ from the feature 'y'.*drop=\['y'\]"):
        regress.fit(FRAME, np.log(FRAME["y"]))
    with pytest.raises(InputError, match="values given for 'w' differ"):
        regress.fit(FRAME, "y", weights=1 / FRAME["w"])
    assert regress.fit(FRAME, np.log(FRAME["y"]), drop=["y"]).names == ("x", "w", "n")
    assert regress.fit(FRAME, "y", weights=(1 / FRAME["w"]).to_numpy()).names == ("x", "w", "n")
    assert regress.fit(FRAME[["x"]], np.log(FRAME["y"])).names == ("x",)


@pytest.mark.parametrize("table", [FRAME, LABELED], ids=["numbered", "labeled"])
def test_rows_are_paired_by_their_labels(table):
    X, y, w = table[["x"]], table["y"].iloc[SHUFFLED], table["w"].iloc[SHUFFLED]
    fit = regress.fit(X, y, weights=w.iloc[::-1])
    slope, intercept = np.polyfit(table["x"], table["y"], 1, w=np.sqrt(table["w"]))
    np.testing.assert_allclose([*fit.w, fit.b], [slope, intercept], rtol=1e-12)
    assert regress.certify(fit, X, y, weights=w).passed


def test_equal_labels_are_paired_as_they_stand_even_where_one_stands_twice():
    twice = FRAME.set_index(pd.Index([0, 0, 1, 1, 2, 2]))
    assert regress.fit(twice[["x"]], twice["y"]).w == regress.fit(FRAME[["x"]], FRAME["y"]).w


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ([10, 11, 12, 13, 14, 15], "other row labels"),
        ([0, 0, 1, 2, 3, 4], "other row labels"),
        ([0, 1, 2, 3, 4], "5 values for a table of 6 rows"),
    ],
)
def test_labels_that_do_not_say_which_row_is_which_are_refused(index, words):
    y = pd.Series(FRAME["y"].to_numpy()[: len(index)], index=index)
    with pytest.raises(InputError, match=words):
        regress.fit(FRAME[["x"]], y)
    with pytest.raises(InputError, match=words):
        regress.fit(FRAME[["x", "y"]], "y", weights=y)


def test_arrays_and_polars_frames_have_no_labels_so_rows_are_paired_by_position():
    y = FRAME["y"].iloc[SHUFFLED]
    slope = np.polyfit(FRAME["x"], y.to_numpy(), 1)[0]
    for table in (FRAME[["x"]].to_numpy(), pl.DataFrame({"x": FRAME["x"].to_list()})):
        assert regress.fit(table, y).w[0] == pytest.approx(slope, rel=1e-12)


X = np.ma.masked_array([[1.0], [2.0], [9.96921e36], [4.0], [5.0]], mask=[[0], [0], [1], [0], [0]])
Y = np.array([3.0, 5.0, 7.0, 9.0, 11.5])
HIDDEN = np.ma.masked_array([3.0, 1e20, 7.0, 9.0, 11.5], mask=[0, 1, 0, 0, 0])


def test_masked_cells_are_missing_cells():
    rows = np.array([0, 1, 3, 4])
    fit = regress.fit(X, Y, missing="drop")
    slope, intercept = np.polyfit([1.0, 2.0, 4.0, 5.0], Y[rows], 1)
    np.testing.assert_allclose([*fit.w, fit.b], [slope, intercept], rtol=1e-12)
    assert fit.tally.missing_cells == {"x0": 1}
    np.testing.assert_array_equal(np.isnan(fit.predict(X)), X.mask[:, 0])
    plain = np.arange(5.0)[:, None]
    for given in ({"target": HIDDEN}, {"target": Y, "weights": np.ma.masked_equal([1, 9, 1, 1, 1], 9)}):
        assert regress.fit(plain, **given, missing="drop").tally.missing == 1
        with pytest.raises(TableError, match="missing cells"):
            regress.fit(plain, **given)
    whole = np.ma.masked_array(np.arange(10).reshape(5, 2), mask=[[0, 1]] + [[0, 0]] * 4)
    with pytest.raises(TableError, match="missing cells"):
        regress.fit(whole, Y)


def test_the_estimator_refuses_masked_cells_as_it_refuses_nan():
    plain = np.arange(5.0)[:, None]
    for X_, y_ in ((X, Y), (plain, HIDDEN)):
        with pytest.raises(ValueError, match="NaN"):
            regress.LinearRegressor().fit(X_, y_)
    with pytest.raises(InputError, match="finite"):
        regress.LinearRegressor().fit(plain, Y, sample_weight=HIDDEN)
    fitted = regress.LinearRegressor().fit(plain, Y)
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(X)
    free = np.ma.masked_array(plain.astype(np.float32))
    assert regress.LinearRegressor().fit(free, Y).coef_.dtype == np.float32


@pytest.mark.parametrize("kind", ["Int64", "boolean", "Float64", object])
def test_a_missing_cell_of_a_series_is_missing_whatever_its_type(kind):
    y = pd.Series([1, None, 1, 0, 1], dtype=kind)
    assert regress.fit(np.arange(5.0)[:, None], y, missing="drop").tally.missing_cells == {"y": 1}
    ours = pl.Series("z", [1, None, 1, 0, 1])
    assert regress.fit(np.arange(5.0)[:, None], ours, missing="drop").tally.missing_cells == {"z": 1}


@pytest.mark.parametrize(
    "target",
    [
        pd.Series(list("12345")),
        np.array(list("12345")),
        np.array(list("12345"), dtype=object),
        pl.Series(list("12345")),
        pd.Series(pd.date_range("2020-01-01", periods=5)),
        np.ones(5) + 1j,
        ["y"],
        0,
    ],
)
def test_what_is_no_number_is_refused(target):
    with pytest.raises(InputError, match="must be a column name, as text, or numbers"):
        regress.fit(np.arange(5.0)[:, None], target)


def test_whole_numbers_name_columns_of_a_frame():
    frame = pd.DataFrame(FRAME[["x", "w", "y"]].to_numpy())
    fit = regress.fit(frame, "2")
    assert fit.names == ("0", "1")
    assert regress.fit(frame, frame[2]).names == ("0", "1")
    np.testing.assert_array_equal(fit.predict(frame), fit.predict(frame[[1, 0]]))
    assert list(frame.columns) == [0, 1, 2]
    with pytest.raises(TableError, match="more than one column named '0'"):
        regress.fit(pd.DataFrame([[1.0, 2.0]], columns=[0, "0"]), "0")


def test_lists_of_names_may_be_none_and_hold_text_only():
    by_default = regress.fit(FRAME, "y")
    assert regress.fit(FRAME, "y", drop=None, features=None, categorical=None).names == by_default.names
    assert regress.fit(FRAME, "y", features=(name for name in ["x"])).names == ("x",)
    for given in ({"features": [0, 1]}, {"drop": [0]}, {"categorical": [None]}):
        with pytest.raises(InputError, match="must hold column names as text"):
            regress.fit(FRAME, "y", **given)
    for given in ({"features": 3}, {"split_key": 0, "test_size": 0.5}):
        with pytest.raises(InputError, match="must be a"):
            TableOptions(**given)
    assert read_table(FRAME, "y", TableOptions(drop=None), Reading("moments")).names == by_default.names


def test_to_sklearn_says_what_it_takes():
    fitted = regress.LinearRegressor().fit(FRAME[["x"]], FRAME["y"])
    for given in (fitted, "model.json", None):
        with pytest.raises(InputError, match=f"takes a Fit or a LinearModel.*got {type(given).__name__}"):
            regress.to_sklearn(given)
