"""One row as a dict is predicted as `predict` predicts a table of this row, bit by bit, or refused as it is."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import DataWarning, InputError, TableError
from tests.examples import examples

random = np.random.default_rng(3)
TABLE = {
    "x": 1.7e9 + random.normal(size=60) * 1e3,
    "z": random.normal(size=60),
    "on": random.random(60) < 0.5,
    "color": random.choice(["red", "green", "blue"], 60),
    "code": random.choice(["007", "1", "2.5", "true"], 60),
}
TABLE["y"] = TABLE["x"] * 1e-3 + TABLE["z"] + 2.0 * TABLE["on"] + (TABLE["color"] == "red") + random.normal(size=60)
WITH_GAPS = TABLE | {"z": np.where(random.random(60) < 0.1, np.nan, TABLE["z"])}
MODELS = {
    "plain": regress.fit(TABLE, "y", categorical=["code"]).model,
    "filled": regress.fit(WITH_GAPS, "y", missing="mean", categorical=["code"]).model,
    "no intercept": regress.fit(TABLE, "y", fit_intercept=False, categorical=["code"]).model,
    "numbers": regress.fit(np.column_stack([TABLE["x"], TABLE["z"]]), TABLE["y"]).model,
}
ROW = {"x": 1.7e9, "z": 0.5, "on": True, "color": "red", "code": "1"}


def outcome(predict):
    """Return the value and the warnings of a prediction, or the kind of its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return float(predict()), [str(note.message) for note in caught]
        except InputError as error:
            return type(error).__mro__[-5:], []


numbers = st.one_of(
    st.floats(-1e12, 1e12),
    st.integers(-(10**18), 10**18),
    st.booleans(),
    st.floats(-1e6, 1e6).map(np.float64),
    st.floats(-1e6, 1e6, width=32).map(np.float32),
    st.integers(-1000, 1000).map(np.int64),
    st.booleans().map(np.bool_),
    st.decimals(-1000, 1000, places=3),
    st.sampled_from([None, float("nan"), float("inf"), -np.inf, pd.NA, 10**400, Decimal("1e400"), 1e308]),
)
texts = st.sampled_from(["1.5", " 2 ", "1e3", "-.5", "true", "False", "nan", "", "red", "1,5", "0x10", "inf", "1_000"])
levels = st.sampled_from(
    ["red", " green", "blue", "Red", "7", "007", 1, 1.0, 2.5, "2.50", True, "TRUE", None, np.nan, 9]
)


cells = {"x": st.one_of(numbers, texts), "z": numbers, "on": st.one_of(texts, numbers), "color": levels, "code": levels}


@settings(deadline=None, max_examples=examples(400), derandomize=True)
@given(
    st.sampled_from(["plain", "filled", "no intercept"]),
    st.fixed_dictionaries({}, optional=cells),
    st.sampled_from(["error", "reference"]),
)
def test_one_row_is_predicted_as_a_table_of_it(name, changed, unknown):
    model, row = MODELS[name], ROW | changed
    expected = outcome(lambda: model.predict({c: [cell] for c, cell in row.items()}, handle_unknown=unknown)[0])
    np.testing.assert_equal(outcome(lambda: model.predict_one(row, handle_unknown=unknown)), expected)


@pytest.mark.parametrize("column", ["x", "on"])
@pytest.mark.parametrize("text", ["1.5", " 2 ", "1e3", "-.5", "true", "False"])
def test_text_that_is_a_number_or_true_or_false_counts_as_such(column, text):
    row = ROW | {column: text}
    expected = MODELS["plain"].predict({c: [cell] for c, cell in row.items()})[0]
    np.testing.assert_equal(MODELS["plain"].predict_one(row), expected)


def test_columns_of_an_array_go_by_their_names():
    expected = MODELS["numbers"].predict(np.array([[1.7e9 + 0.1, 0.3]]))[0]
    assert MODELS["numbers"].predict_one({"x1": 0.3, "x0": 1.7e9 + 0.1}) == expected


def test_a_fit_predicts_one_row_as_its_model_does():
    fit = regress.fit(TABLE, "y", categorical=["code"])
    assert fit.predict_one(ROW) == MODELS["plain"].predict_one(ROW) == fit.predict({k: [v] for k, v in ROW.items()})[0]
    with pytest.warns(DataWarning, match="1 cell holds a level that training did not see"):
        assert fit.predict_one(ROW | {"color": "pink"}, handle_unknown="reference") == fit.predict_one(
            ROW | {"color": "blue"}
        )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": "abc"}, "the row, column 'x': 'abc' is not a number. Pass None where it is missing."),
        ({"on": "yes"}, "the row, column 'on': 'yes' is not true or false. Pass None where it is missing."),
        ({"x": [1.0]}, "Column 'x' of the row is list; training saw number."),
        ({"x": 1j}, "Column 'x' of the row is complex; training saw number."),
        ({"x": 10**400}, "Column 'x' of the row holds a number beyond the range of float64."),
        ({"color": ["red"]}, "Column 'color' of the row holds list, which is neither number nor text."),
        ({"color": np.array(["red", "blue"])}, "Column 'color' of the row holds ndarray, which is neither number nor "),
        ({"color": "pink"}, "the row, column 'color': the level 'pink' was not seen in training, which saw 'blue', "),
    ],
)
def test_a_cell_that_training_did_not_see_is_refused_in_a_sentence(changed, message):
    with pytest.raises(TableError) as error:
        MODELS["plain"].predict_one(ROW | changed)
    assert str(error.value).startswith(message)


def test_a_missing_column_is_refused_with_the_nearest_names():
    row = {"X " if name == "x" else name: cell for name, cell in ROW.items()}
    with pytest.raises(TableError, match=r"the row has no column 'x' to use as a feature of the model\. Nearest: 'X '"):
        MODELS["plain"].predict_one(row)


def test_an_empty_row_is_refused_as_such():
    with pytest.raises(TableError, match=r"no column '.+' to use as a feature of the model\. The row is empty\.$"):
        MODELS["plain"].predict_one({})


def test_integers_name_columns_as_in_a_frame():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)))
    fit = regress.fit(frame, frame @ [1.0, 2.0, 3.0] + 1.0)
    expected = fit.predict(frame.iloc[:1])[0]
    assert fit.predict_one(frame.iloc[0].to_dict()) == fit.predict_one(frame.iloc[0].rename(str).to_dict()) == expected
    with pytest.raises(TableError, match=r"no column '2' to use as a feature of the model\. It has: '0', '1'\."):
        fit.predict_one({0: 1.0, 1: 1.0})


def test_a_signaling_nan_is_a_missing_cell():
    for name in ("x", "color"):
        got = MODELS["plain"].predict_one(ROW | {name: Decimal("sNaN")})
        np.testing.assert_equal(got, MODELS["plain"].predict_one(ROW | {name: None}))


def test_what_is_no_row_or_no_option_is_refused():
    with pytest.raises(InputError, match="takes one row as a dict, not list"):
        MODELS["plain"].predict_one([1.0, 2.0])
    with pytest.raises(InputError, match="handle_unknown"):
        MODELS["plain"].predict_one(ROW, handle_unknown="ignore")


def test_a_prediction_beyond_the_range_of_a_double_is_refused():
    model = regress.fit({"x": [0.0, 1e-9, 2e-9], "y": [0.0, 1.0, 2.5]}, "y").model
    with pytest.raises(InputError, match="beyond the range of float64 on the row"):
        model.predict_one({"x": 1e308})
    assert np.isnan(model.predict_one({"x": float("inf")}))
