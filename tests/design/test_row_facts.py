"""What careful readers are told of the rows themselves, counted by pandas or by hand."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.errors import DataWarning
from regress.options import TableOptions

random = np.random.default_rng(2)
M = 60
FRAME = pd.DataFrame(
    {
        "x": random.normal(size=M),
        "month": random.choice(["Jan", "Feb", "Mar"], M),
        "flag": random.random(M) < 0.5,
    }
)
FRAME["y"] = FRAME["x"] + random.normal(size=M)


def in_polars(frame):
    return pl.DataFrame(frame.to_dict("list"))


def notes_of(table, target="y", **options):
    """Return what a fit warns of, which is also what it notes and what its JSON holds."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = regress.fit(table, target, **options)
    found = [str(w.message) for w in said if w.category is DataWarning]
    assert set(found) <= set(fit.notes())
    assert fit.to_dict()["notes"] == fit.notes()
    return found


def test_an_ordinary_table_is_worth_no_note():
    assert notes_of(FRAME) == []


def test_a_target_that_is_a_feature_is_noticed_by_its_values():
    expected = "The target equals the feature 'copy' in every training row."
    for table in (FRAME.assign(copy=FRAME["y"]), in_polars(FRAME).with_columns(copy=pl.col("y"))):
        for options in ({}, {"alpha": 1.0}, {"precision": "float64"}, {"test_size": 0.3}):
            assert expected in " ".join(notes_of(table, **options))
    X = np.c_[FRAME["x"], FRAME["y"], FRAME["y"]]
    assert any("The target equals the features 'x1', 'x2'" in note for note in notes_of(X, FRAME["y"].to_numpy()))
    near = FRAME["y"].to_numpy().copy()
    near[40] += 1e-9
    assert not any("equals the feature" in note for note in notes_of(np.c_[FRAME["x"], near], FRAME["y"].to_numpy()))
    with pytest.warns(DataWarning, match="equals the feature 'copy'"):
        regress.compare(FRAME.assign(copy=FRAME["y"]), "y")


def test_rows_that_are_not_trained_on_do_not_count_for_it():
    frame = FRAME.assign(copy=FRAME["y"], a=1.0)
    frame.loc[5, ["copy", "a"]] = 99.0, 0.0
    assert "equals the feature 'copy'" in " ".join(notes_of(frame, weights="a"))
    frame.loc[7, "copy"] = np.nan
    assert "equals the feature 'copy'" in " ".join(notes_of(frame, weights="a", missing="drop"))
    frame.loc[6, "copy"] = 99.0
    assert "equals the feature" not in " ".join(notes_of(frame, weights="a", missing="drop"))


def test_a_perfect_fit_asks_for_other_units_only_where_no_feature_is_the_target():
    celsius = np.array([-5.0, -1.3, 2.4, 6.1, 9.8, 20.2])
    (note,) = notes_of(celsius[:, None], np.array([23.0, 29.66, 36.32, 42.98, 49.64, 68.36]))
    assert note.startswith("Essentially perfect fit")
    assert note.endswith("in other units?")
    perfect, equal = notes_of(celsius[:, None], celsius)
    assert perfect.startswith("Essentially perfect fit")
    assert "other units" not in perfect
    assert equal.startswith("The target equals the feature 'x0'")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ([0, 1] * 30, True),
        ([False, True] * 30, True),
        ([0, 1, 2] * 20, False),
        ([0.0, 1.0, 0.5] * 20, False),
        ([1, 1] * 30, False),
        ([0, 0] * 30, False),
        ([-1, 1] * 30, False),
    ],
)
def test_a_target_of_zeros_and_ones_is_a_linear_probability_model(target, told):
    for table in (FRAME.assign(y=target), in_polars(FRAME.assign(y=target))):
        found = [note for note in notes_of(table) if "linear probability model" in note]
        assert len(found) == told
    if told:
        assert found[0].endswith("Logistic regression is usual for such a target.")


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_level_of_a_single_row_is_named(order, n_jobs):
    frame = FRAME.copy()
    frame.loc[17, "month"] = "Apr"
    assert frame["month"].value_counts()["Apr"] == 1
    (note,) = notes_of(frame[order], features=["month", "x"], n_jobs=n_jobs)
    assert note == "A reference level rests on a single row, with which the other levels are compared: month=Apr."
    frame.loc[18, "month"] = "Sep"
    one, _ = notes_of(frame[order], n_jobs=n_jobs)
    assert one == "Level month=Sep rests on a single row: its coefficient fits that row exactly."
    fit = regress_quietly(frame)
    assert fit.predict(frame)[18] == pytest.approx(frame["y"][18], rel=1e-12)
    assert fit.predict(frame)[17] == pytest.approx(frame["y"][17], rel=1e-12)
    frame.loc[19, "month"] = "Oct"
    assert "2 levels rest on a single row each, which they fit exactly: month=Oct, month=Sep." in notes_of(frame)
    assert not any("single row" in note for note in notes_of(frame, alpha=0.1))


def regress_quietly(table, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return regress.fit(table, "y", **options)


def test_rows_a_level_are_those_that_are_trained_on():
    frame = FRAME.assign(a=1.0, month=["Apr", "Apr", "May", *FRAME["month"][3:]])
    frame.loc[2, "a"] = 3.0
    frame.loc[0, "a"] = 0.0
    told = {"month=Apr", "month=May"}
    for weight_type, expected in (("analytic", told), ("frequency", {"month=Apr"})):
        found = " ".join(notes_of(frame, weights="a", weight_type=weight_type))
        assert {level for level in told if level in found} == expected


def test_a_flag_that_is_true_or_false_in_a_single_row_is_a_level_too():
    for value in (True, False):
        flag = np.full(M, not value)
        flag[3] = value
        for table in (FRAME.assign(flag=flag), in_polars(FRAME.assign(flag=flag))):
            assert notes_of(table) == [
                f"Level flag={str(value).lower()} rests on a single row: its coefficient fits that row exactly."
            ]


def test_counts_of_rows_do_not_depend_on_how_the_table_is_cut():
    m = 150_000
    frame = pd.DataFrame({"g": np.where(np.arange(m) % 3, "b", "a"), "y": random.normal(size=m)})
    frame.loc[[70_000, 140_000], "g"] = ["once", "twice"]
    frame.loc[10, "g"] = "twice"
    facts = read_table(frame, "y", TableOptions(), Reading("moments", 2)).facts
    assert facts.alone == ("g=once",)
    assert facts.alone_references == ()


def test_a_text_column_of_a_single_level_is_left_out_with_a_note():
    table = FRAME.assign(only="same", more="also")
    assert notes_of(table.drop(columns="more")) == ["A text column with a single level is excluded: only=same."]
    assert notes_of(table) == ["Text columns with a single level are excluded: only=same, more=also."]
    assert notes_of(table, features=["only", "x"], fit_intercept=False) == []  # the column of ones is the intercept
    named = regress_quietly(table, features=["only", "x"], fit_intercept=False)
    np.testing.assert_allclose(named.w, np.polyfit(FRAME["x"], FRAME["y"], 1)[::-1], rtol=1e-12)


def test_the_command_line_prints_them_as_notes(tmp_path, capsys):
    from regress.cli.main import main

    FRAME.assign(only="same", y=[0, 1] * 30).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        main(["fit", str(tmp_path / "t.csv"), "--target", "y"])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    said = [line for line in out.splitlines() if line.startswith("Note: ")]
    assert [line.partition(".")[0] for line in said] == [
        "Note: The target holds only 0 and 1, so this is a linear probability model",
        "Note: A text column with a single level is excluded: only=same",
    ]


def test_with_fewer_rows_than_columns_equally_good_fits_predict_new_rows_differently():
    X = np.array([[1.0, 0, 50], [0, 2, 10], [3, 1, 70]])
    y, new, unit = np.array([1.0, 2, 4]), np.array([[2.0, 2, 0]]), np.array([1, 1, 0.01])
    for rows in (X, X * unit):
        (note,) = notes_of(rows, y)
        assert note.startswith("There are only 3 rows (rank 2 of 3). The coefficients are not unique")
        assert note.endswith("Other solutions predict new rows differently, and all of them may predict badly.")
    one, other = regress_of(X, y), regress_of(X * unit, y)
    for fit, rows in ((one, X), (other, X * unit)):
        np.testing.assert_allclose(fit.predict(rows), y, atol=1e-9)
    assert abs(one.predict(new)[0] - other.predict(new * unit)[0]) > 0.1 * y.std()


def regress_of(table, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return regress.fit(table, target)


def test_with_an_equation_rows_that_satisfy_it_are_predicted_alike():
    a, b = random.normal(size=(2, 40))
    X, y, unit = np.c_[a, b, a + b], a - 2 * b + random.normal(size=40), np.array([1, 1, 0.01])
    (note,) = notes_of(X, y)
    assert note.endswith("Predictions are unaffected for rows that satisfy the same equation.")
    one, other = regress_of(X, y), regress_of(X * unit, y)
    satisfied, broken = np.array([[3.0, 5.0, 8.0]]), np.array([[3.0, 5.0, 0.0]])
    assert one.predict(satisfied) == pytest.approx(other.predict(satisfied * unit), rel=1e-9)
    assert abs(one.predict(broken) - other.predict(broken * unit)).item() > 0.1


def test_a_negative_r2_on_held_out_rows_is_said_and_shown_in_red(tmp_path):
    X = random.normal(size=(50, 30))
    y = random.normal(size=50)
    found = notes_of(X, y, test_size=0.3, random_state=1)
    assert found == ["R² on held-out rows is negative: the mean of these rows predicts better than the model."]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = regress.fit(X, y, test_size=0.3, random_state=1)
    assert fit.r2_test < 0
    regress.write_report(fit, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert found[0] in page
    place = page.index("R² on held-out rows")
    assert "worse than predicting the mean" in page[place - 120 : place + 240]


def test_a_certificate_of_other_rows_than_those_of_training_says_so():
    fit = regress.fit(FRAME, "y")
    assert "trained on" not in regress.certify(fit, FRAME).summary()
    found = regress.certify(fit, FRAME[:50])
    assert "The model was trained on 60 rows; this table has 50." in found.summary()
    assert not found.passed


def test_what_is_not_unique_or_not_done_has_no_tests_nor_intervals():
    X = np.c_[FRAME["x"], FRAME["x"], random.normal(size=M)]
    fit = regress_of(X, FRAME["y"].to_numpy())
    statistics = fit.coefficients[["std_err", "t", "p_value", "ci_low", "ci_high"]]
    assert statistics.loc[["x0", "x1"]].isna().all(axis=None)
    assert statistics.loc["x2"].notna().all()
    with pytest.warns(regress.errors.ConvergenceWarning):
        early = regress.fit(X[:, [0, 2]], FRAME["y"].to_numpy(), solver="gd", max_iter=1)
    assert early.statistics is None
    assert " p " not in early.summary()
