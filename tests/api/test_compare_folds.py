"""compare over folds and in time: the rows, the means and the spreads of scikit-learn's own cross-validation."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

import regress
from regress.api import compare
from regress.report.text import comparison_lines
from tests.api.test_compare import as_json, by_name
from tests.api.test_compare_added import Keeps

pytestmark = pytest.mark.usefixtures("without_tensorflow")
M = 90
RANDOM = np.random.default_rng(5)
FRAME = pd.DataFrame(RANDOM.normal(size=(M, 3)), columns=list("abc"))
FRAME["y"] = FRAME.a - 2.0 * FRAME.b + RANDOM.normal(size=M)
FRAME["person"] = RANDOM.choice([f"p{i}" for i in range(12)], M)
FRAME["day"] = pd.date_range("2023-12-30", periods=M, freq="D").strftime("%Y-%m-%d")
FRAME["weight"] = RANDOM.uniform(0.5, 3.0, M)
FRAME = FRAME.sample(frac=1.0, random_state=1, ignore_index=True)
X, Y = FRAME[list("abc")].to_numpy(), FRAME.y.to_numpy()
FEATURES = {"features": list("abc")}


def positions(rows):
    """Return which rows of the frame some rows of X are."""
    where = {tuple(row): i for i, row in enumerate(X.tolist())}
    return sorted(where[tuple(row)] for row in rows.tolist())


def folds_of(frame=FRAME, **options):
    """Return (train, test) of each fold as an estimator sees them, as positions in FRAME."""

    class Sees(Keeps):
        def predict(self, X):
            if len(Keeps.fitted) > len(tested):
                tested.append(X)
            return np.zeros(len(X))

    Keeps.fitted.clear()
    tested = []
    result = regress.compare(frame, "y", metrics=["mae"], estimators={"it": Sees()}, **FEATURES, **options)
    return [(positions(a), positions(b)) for a, b in zip(Keeps.fitted[1:], tested[1:], strict=True)], result


@pytest.mark.parametrize("options", [{}, {"split_key": "person"}, {"split_time": "day"}, {"random_state": 7}])
def test_mean_and_spread_are_those_of_cross_val_score(options):
    folds, result = folds_of(cv=4, **options)
    assert len(folds) == 4
    trees = GradientBoostingRegressor(n_estimators=5, random_state=0)
    result = regress.compare(FRAME, "y", estimators={"trees": trees}, cv=4, **FEATURES, **options)
    for name, model in {
        "trees": trees,
        "LinearRegression()": LinearRegression(),
        "regress": LinearRegression(),
    }.items():
        fit = by_name(result)[name]
        for metric, scoring, sign in [("r2", "r2", 1), ("mae", "neg_mean_absolute_error", -1)]:
            expected = sign * cross_val_score(model, X, Y, cv=folds, scoring=scoring)
            assert fit.cv[metric].values == pytest.approx(expected, rel=1e-9)
            assert fit.cv[metric].mean == pytest.approx(expected.mean(), rel=1e-9)
            assert fit.cv[metric].sd == pytest.approx(expected.std(ddof=1), rel=1e-9)
    assert not any(fit.metrics for fit in result.fits)
    assert result.rows == "90 rows = 90 used"


def test_folds_by_hash_test_each_row_once_and_are_of_one_size():
    folds, result = folds_of(cv=4)
    assert sorted(i for _, test in folds for i in test) == list(range(M))
    assert {len(test) for _, test in folds} == {22, 23}
    assert all(sorted([*train, *test]) == list(range(M)) for train, test in folds)
    assert result.folds == "4 folds by the hash of each row"
    assert folds_of(cv=4, random_state=1)[0] != folds


@settings(deadline=None, max_examples=8)
@given(st.permutations(range(M)), st.integers(2, 6))
def test_with_a_key_the_order_of_rows_does_not_change_the_folds_and_no_group_is_in_two(order, count):
    first, _ = folds_of(cv=count, split_key="person")
    other, result = folds_of(FRAME.iloc[list(order)], cv=count, split_key="person")
    assert other == first
    for train, test in first:
        assert not {*FRAME.person[train]} & {*FRAME.person[test]}
    assert result.folds == f"{count} folds by groups of 'person'"


@settings(deadline=None, max_examples=5)
@given(st.permutations(range(M)))
def test_in_time_the_order_of_rows_does_not_change_the_folds(order):
    by_day = np.argsort(FRAME.day.to_numpy(), kind="stable")
    expected = [(sorted(by_day[a].tolist()), sorted(by_day[b].tolist())) for a, b in TimeSeriesSplit(5).split(by_day)]
    folds, result = folds_of(FRAME.iloc[list(order)], cv=5, split_time="day")
    assert folds == expected
    assert result.folds.startswith("5 folds in the order of 'day'")


def test_a_table_has_the_same_folds_in_any_format(tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False, float_format="%.17g")
    pl.DataFrame(FRAME.to_dict("list")).write_parquet(tmp_path / "t.parquet")
    assert folds_of(tmp_path / "t.csv", cv=3)[0] == folds_of(tmp_path / "t.parquet", cv=3)[0]


@pytest.mark.parametrize("cv", [5, 6, 7, 100])
def test_as_many_folds_as_times_or_more_are_refused_in_a_sentence(cv):
    frame = FRAME.groupby("day").head(1).head(5)
    with pytest.raises(regress.InputError, match=rf"too few different values of 'day' for cv={cv}\. Use fewer folds"):
        regress.compare(frame, "y", **FEATURES, split_time="day", cv=cv)


WAYS = {
    "texts": lambda days: days.to_list(),
    "times": lambda days: pd.to_datetime(days),
    "aware": lambda days: pd.to_datetime(days).dt.tz_localize("Asia/Tokyo"),
    "dates": lambda days: pd.to_datetime(days).dt.date,
    "numbers": lambda days: pd.to_datetime(days).dt.year * 1000.0 + pd.to_datetime(days).dt.day_of_year - 3e6,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["pandas", "polars", "csv", "parquet"])
def test_the_latest_rows_are_held_out_whatever_their_times_are(tmp_path, way, form):
    frame = FRAME.assign(day=WAYS[way](FRAME.day))
    table = frame
    if form in ("polars", "parquet"):
        cells = {name: [v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in frame[name]] for name in frame}
        table = pl.DataFrame(cells)
    if form == "parquet":
        table.write_parquet(tmp_path / "t.parquet")
        table = tmp_path / "t.parquet"
    if form == "csv":
        table.to_csv(tmp_path / "t.csv", index=False)
        table = tmp_path / "t.csv"
    result = regress.compare(table, "y", **FEATURES, split_time="day", test_size=0.2)
    late = FRAME.day >= sorted(FRAME.day)[-18]
    model = LinearRegression().fit(X[~late], Y[~late])
    fit = by_name(result)["LinearRegression()"]
    np.testing.assert_allclose(fit.w, model.coef_, rtol=1e-9)
    assert fit.metrics["mae"] == pytest.approx(mean_absolute_error(Y[late], model.predict(X[late])), rel=1e-9)
    assert result.rows == "90 rows = 72 used + 18 held out"


def test_rows_of_one_time_stay_together():
    month = FRAME.day.str[:7]
    result = regress.compare(FRAME.assign(day=month), "y", **FEATURES, split_time="day", test_size=0.1)
    late = (month == month.max()).sum()
    assert late > 0.1 * M
    assert result.rows == f"90 rows = {M - late} used + {late} held out"
    folds, _ = folds_of(FRAME.assign(day=month), cv=2, split_time="day")
    for train, test in folds:
        assert month[train].max() < month[test].min()


def test_the_column_of_times_is_a_feature_only_where_it_is_named():
    frame = FRAME[["a", "y"]].assign(t=np.arange(float(M)))
    with pytest.warns(regress.DataWarning, match="'t' is excluded from the features"):
        assert regress.compare(frame, "y", split_time="t").names == ("a",)
    assert regress.compare(frame, "y", features=["a", "t"], split_time="t").names == ("a", "t")


def test_weights_reach_the_folds():
    folds, _ = folds_of(cv=3, weights="weight")
    result = regress.compare(FRAME, "y", **FEATURES, weights="weight", cv=3)
    a, expected = FRAME.weight.to_numpy(), []
    for train, test in folds:
        model = LinearRegression().fit(X[train], Y[train], a[train])
        expected.append(r2_score(Y[test], model.predict(X[test]), sample_weight=a[test]))
    for name in ("regress", "LinearRegression()", "regress plain descent"):
        assert by_name(result)[name].cv["r2"].values == pytest.approx(expected, rel=1e-6)


def test_rows_that_are_dropped_are_in_no_fold():
    frame = FRAME.assign(k="u")
    frame.loc[3, "a"] = np.nan
    frame.loc[[5, 6], "k"] = None
    with pytest.warns(regress.DataWarning):
        result = regress.compare(
            frame, "y", features=["a", "b", "c", "k"], missing="drop", cv=3, estimators={"it": Keeps()}
        )
    assert result.rows == "90 rows = 87 used + 3 missing"
    assert sum(map(len, Keeps.fitted[-3:])) == 2 * 87


def test_a_fold_in_which_a_tool_fails_leaves_it_without_a_mean():
    class Fails(Keeps):
        def fit(self, X, y, sample_weight=None):
            if len(X) == 67:
                raise ValueError("Not these.")
            return self

    result = regress.compare(FRAME, "y", **FEATURES, cv=4, estimators={"it": Fails()})
    fit = by_name(result)["it"]
    assert (fit.cv["r2"].mean, fit.cv["r2"].sd) == (None, None)
    assert 0 < sum(value is None for value in fit.cv["r2"].values) < 4
    assert fit.note == "in a fold: Not these."
    as_json(result)


@pytest.mark.parametrize("options", [{"cv": 2}, {"estimators": {"it": Keeps()}, "test_size": 0.0}])
def test_folds_and_estimators_need_the_memory_of_one_copy_more(monkeypatch, options):
    cells = 8 * M * 3
    monkeypatch.setattr(compare, "free_memory", lambda: 2 * 6 * cells)
    assert regress.compare(FRAME, "y", **FEATURES, **options).agree
    monkeypatch.setattr(compare, "free_memory", lambda: 2 * 5 * cells)
    assert regress.compare(FRAME, "y", **FEATURES, test_size=0.0).agree
    with pytest.raises(regress.InputError, match=r"more than half of the free memory.*rows="):
        regress.compare(FRAME, "y", **FEATURES, **options)


def test_texts_table_and_json_show_the_folds():
    result = regress.compare(FRAME, "y", **FEATURES, cv=3, metrics=["r2", "mae"])
    scores = result.fits[0].cv
    lines = comparison_lines(result.record)
    assert "Mean ± standard deviation over 3 folds by the hash of each row." in lines
    row = lines[lines.index(next(line for line in lines if line.split()[-2:] == ["R²", "MAE"])) + 1]
    assert row.split()[1:] == [f"{scores['r2'].mean:.5g}", "±", f"{scores['r2'].sd:#.2g}", *row.split()[4:]]
    assert result.table.loc["regress", ["r2", "r2_sd"]].tolist() == [scores["r2"].mean, scores["r2"].sd]
    held = as_json(result)
    assert (held["version"], held["metrics"], held["folds"]) == (2, ["r2", "mae"], result.folds)
    assert held["fits"][0]["cv"]["r2"] == {
        "mean": scores["r2"].mean,
        "sd": scores["r2"].sd,
        "values": list(scores["r2"].values),
    }
    assert "± standard" in result._repr_html_()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cv": 1}, "cv must be an integer of at least 2; got 1"),
        ({"cv": 2.0}, "cv must be an integer of at least 2; got 2.0"),
        ({"cv": 91}, "too few rows for cv=91"),
        ({"cv": 13, "split_key": "person"}, "too few different values of 'person' for cv=13"),
        ({"cv": 5, "test_size": 0.2}, "each fold is held out once. Remove test_size"),
        ({"cv": 5, "missing": "mean"}, "the means of test rows would fill cells of training rows"),
        ({"split_time": "day", "split_key": "person"}, "the order of time. Remove split_key"),
        ({"split_time": "day", "random_state": 1}, "the order of time. Remove random_state"),
        ({"split_time": "day", "test_size": 0.0}, "split_time needs cv=5, or a test_size above 0"),
        ({"split_time": 3}, "split_time must be a column's name, a text; got 3"),
        ({"split_time": "dya"}, "no column 'dya' to use as the key of the split. Nearest: 'day'"),
        ({"split_time": "person"}, "Column 'person' has 'p.*', not a time"),
        ({"split_time": "day", "rows": 40}, "no held-out rows for split_time: fewer than 50 rows are not split"),
        ({"split_time": "one"}, "Column 'one' has too few different times: all rows would be held out"),
        ({"split_time": "one", "cv": 3}, "too few different values of 'one' for cv=3"),
    ],
)
def test_what_cannot_be_combined_is_refused(options, says):
    with pytest.raises(regress.InputError, match=says):
        regress.compare(FRAME.assign(one=1.0), "y", **FEATURES, **options)
