"""Design, missing cells, weights and the split: every row is accounted for."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.design.split import Split
from regress.errors import DataWarning, InputError, TableError
from regress.sources.open import open_table
from tests.examples import examples

X = np.random.default_rng(0).normal(size=(40, 2))
Y = X @ [1.0, 2.0] + 3.0 + 0.1 * np.random.default_rng(1).normal(size=40)
FRAME = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "k": ["u", "v"] * 20, "w": np.arange(40.0) % 3, "y": Y})


def test_levels_become_columns_sorted_by_code_point_without_the_first():
    frame = FRAME.with_columns(k=pl.Series(["é", "Z", "a", "A1"] * 10))
    fit = regress.fit(frame, "y", features=["k"])
    assert fit.names == ("k=Z", "k=a", "k=é")
    assert fit.model.design.variables[0].levels[0] == "A1"


def test_a_level_that_takes_a_columns_name_is_refused():
    frame = FRAME.with_columns(FRAME["a"].alias("k=v"))
    with pytest.raises(TableError, match="'k=v'"):
        regress.fit(frame, "y")


@pytest.mark.parametrize("level", ["u", "late"])
def test_a_column_with_the_name_of_a_level_is_refused_while_rows_are_read(level):
    m = 5000  # more than a block
    frame = pl.DataFrame({f"k={level}": np.arange(m) % 7, "k": ["u", "v"] * (m // 2 - 1) + ["v", "late"]})
    frame = frame.with_columns(y=pl.Series(np.arange(m) % 5))
    with pytest.raises(TableError, match=f"Two columns of X would be named 'k={level}', as a column and the level"):
        regress.fit(frame, "y")


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
def test_too_many_levels_name_the_column_three_values_and_the_flag():
    frame = FRAME.with_columns(k=pl.Series([f"id{i:02}" for i in range(40)]))
    with pytest.raises(TableError) as refused:
        regress.fit(frame, "y", max_categories=39)
    for word in ("'k'", "39", "'id00', 'id01', 'id02'", "max_categories=39", "drop=['k']"):
        assert word in str(refused.value)
    with pytest.warns(DataWarning, match="only 40 rows"):
        regress.fit(frame, "y", max_categories=40)
    few = frame.with_columns(w=pl.Series([1.0] * 20 + [0.0] * 20))  # levels that only rows of weight zero have: none
    with pytest.warns(DataWarning, match="only 20 rows"):
        assert "k=id20" not in regress.fit(few, "y", weights="w", max_categories=20).names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drop": ["A"]}, r"no column 'A' .* Nearest: 'a'"),
        ({"features": ["a", "nope"]}, "nope"),
        ({"features": ["a", "y"]}, "another role"),
        ({"categorical": ["c"]}, "'c'"),
        ({"weights": "ww"}, "Nearest: 'w'"),
        ({"drop": ["a", "b", "k", "w"]}, "no column left"),
        ({"weights": "k"}, "text"),
        ({"split_key": "id", "test_size": 0.5}, "'id'"),
    ],
)
def test_columns_that_are_not_there_name_the_nearest(options, words):
    with pytest.raises(TableError, match=words):
        regress.fit(FRAME, "y", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drop": "a"}, r"\['a'\]"),
        ({"missing": "zero"}, "raise, drop, mean"),
        ({"test_size": 1.0}, "below 1"),
        ({"test_size": -0.1}, "test"),
        ({"max_categories": 0}, "max_categories"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_options_of_the_table_are_checked(options, words):
    with pytest.raises(InputError, match=words):
        regress.fit(FRAME, "y", **options)


def holes(frame, **columns):
    """Make cells of the named columns missing."""
    where = pl.int_range(pl.len())
    return frame.with_columns(pl.when(where.is_in(rows).not_()).then(pl.col(c)).alias(c) for c, rows in columns.items())


def test_missing_cells_are_counted_by_column_and_the_flags_named():
    frame = holes(FRAME, a=[1, 2], k=[2, 3, 4], y=[5])
    with pytest.raises(TableError) as refused:
        regress.fit(frame, "y", drop=["w"])
    for word in ("a 2", "k 3", "y 1", "missing='drop'", "missing='mean'"):
        assert word in str(refused.value)
    regress.fit(holes(FRAME, w=[1]), "y", drop=["w"])  # a column that is not used does not matter


def test_dropping_rows_with_missing_cells_fits_the_others():
    gone = [1, 2, 3, 4, 5]
    fit = regress.fit(holes(FRAME, a=[1, 2], k=[2, 3, 4], y=[5]), "y", drop=["w"], missing="drop")
    kept = [i for i in range(40) if i not in gone]
    assert fit.tally.missing == 5
    assert fit.w == pytest.approx(regress.fit(FRAME[kept], "y", drop=["w"]).w, rel=1e-12)


def test_means_of_the_training_rows_fill_numbers_in_training_and_prediction():
    frame = holes(FRAME, a=[1, 7])
    fit = regress.fit(frame, "y", features=["a", "b"], missing="mean", test_size=0.3)
    batch, split = next(iter(open_table(frame).batches(["a"]))), Split(0.3)
    out = split.over(split.bits(batch)).held_out(batch)
    assert out.sum() == 12
    mean = frame.filter(~pl.Series(out))["a"].mean()
    assert fit.model.design.fills["a"] == pytest.approx(mean, rel=1e-14)
    filled = frame.with_columns(pl.col("a").fill_null(mean))
    assert fit.w == pytest.approx(regress.fit(filled, "y", features=["a", "b"], test_size=0.3).w, rel=1e-12)
    assert np.isfinite(fit.predict(frame)).all()


def test_a_mean_fills_neither_text_nor_target():
    for column in ("k", "y"):
        with pytest.raises(TableError, match=f"cannot fill.*{column} 1"):
            regress.fit(holes(FRAME, **{column: [3]}), "y", missing="mean")


def test_a_row_with_a_missing_cell_has_no_prediction():
    predicted = regress.fit(FRAME, "y").predict(holes(FRAME, a=[3], k=[5]))
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [3, 5]


def test_an_unseen_level_is_refused_with_its_row():
    fit = regress.fit(FRAME, "y")
    strange = FRAME.with_columns(k=pl.Series(["u"] * 39 + ["new"]))
    with pytest.raises(TableError, match=r"row 39, column 'k': the level 'new'"):
        fit.predict(strange)


def test_rows_of_weight_zero_leave_before_anything_looks_at_them():
    frame = holes(FRAME, a=[0, 3], y=[6])  # their weights are zero
    fit = regress.fit(frame, "y", weights="w", features=["a", "b"])
    kept = FRAME.filter(pl.col("w") > 0)
    assert fit.tally.zero_weight == 14
    assert fit.w == pytest.approx(regress.fit(kept, "y", weights="w", features=["a", "b"]).w, rel=1e-12)


def test_whole_weights_are_repeated_rows():
    times = FRAME["w"].cast(pl.Int64).to_numpy()
    repeated = FRAME[np.repeat(np.arange(40), times).tolist()]
    weighted = regress.fit(FRAME, "y", weights="w", features=["a", "b"])
    again = regress.fit(repeated, "y", features=["a", "b"])
    assert weighted.w == pytest.approx(again.w, rel=1e-12)
    assert weighted.loss == pytest.approx(again.loss, rel=1e-10)


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_a_weight_that_is_no_weight_is_refused_with_its_row(value):
    weights = np.ones(40)
    weights[17] = value
    for table, options in ((FRAME, {}), (FRAME.with_columns(w=weights), {"weights": "w"})):
        with pytest.raises(TableError, match=r"row 17: the weight"):
            regress.fit(table, "y", **{"weights": weights, **options})


rows = st.lists(
    st.tuples(
        st.sampled_from([1.0, 2.0, 3.5, None, float("nan"), float("inf")]),
        st.sampled_from(["u", "v", None]),
        st.sampled_from([0.0, 1.0, 2.0, None]),
        st.sampled_from([1.0, 5.0, 7.0, None]),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(rows, st.sampled_from([0.0, 0.4]))
def test_every_row_is_accounted_for(table, test):
    frame = pl.DataFrame(
        table, schema={"x": pl.Float64, "k": pl.String, "w": pl.Float64, "y": pl.Float64}, orient="row"
    )
    whole = [x is not None and np.isfinite(x) and None not in (k, w, y) for x, k, w, y in table]
    zero = [w == 0.0 for _, _, w, _ in table]
    try:
        tally = quiet_fit(frame, test).tally
    except InputError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert re.search("no row", said)
        return
    assert tally.rows == len(table) == tally.used + tally.held_out + tally.missing + tally.zero_weight
    assert tally.zero_weight == sum(zero)
    assert tally.used + tally.held_out == sum(ok and not z for ok, z in zip(whole, zero, strict=True))


def quiet_fit(frame, test):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # a handful of rows, as it comes
        return regress.fit(frame, "y", weights="w", missing="drop", test_size=test)


def held_out(table, **options):
    """Return the values of column `id` of the rows that are held out."""
    split = Split(0.3, **options)
    names = ["id"] if split.key is None else list({"id", split.key})
    source = open_table(table)
    found = []
    for batch in source.batches(names):
        found += batch.numbers("id")[split.held_out(batch)].tolist()
    return found


def test_the_split_is_the_same_on_every_machine():
    frame = pl.DataFrame({"id": np.arange(60.0)})
    assert held_out(frame) == GOLDEN
    assert held_out(frame, seed=1) != GOLDEN


def test_about_the_asked_fraction_is_held_out():
    assert abs(len(held_out(pl.DataFrame({"id": np.arange(20_000.0)}))) / 20_000 - 0.3) < 0.01  # three deviations


def test_a_key_holds_out_the_same_rows_in_any_order_and_any_file(tmp_path):
    frame = pl.DataFrame({"id": np.arange(500) * 7})
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=0)
    shuffled.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    expected = sorted(held_out(frame, key="id"))
    assert 100 < len(expected) < 200
    for table in (
        shuffled,
        tmp_path / "t.csv",
        tmp_path / "t.parquet",
        pd.DataFrame({"id": frame["id"].to_numpy()}),
        frame[:250],
    ):
        found = sorted(held_out(table, key="id"))
        assert found == (expected if len(table_rows(table)) == 500 else [v for v in expected if v < 250 * 7])


def table_rows(table):
    return [v for batch in open_table(table).batches(["id"]) for v in batch.numbers("id")]


def test_text_keys_hold_out_whole_groups():
    frame = pl.DataFrame({"id": np.arange(300.0), "who": [f"p{i % 30}" for i in range(300)]})
    out = set(held_out(frame, key="who"))
    groups = {i % 30 for i in out}
    assert out == {float(i) for i in range(300) if i % 30 in groups}
    assert 2 < len(groups) < 20


GOLDEN = [0, 1, 2, 5, 6, 8, 12, 14, 15, 25, 27, 28, 29, 31, 35, 36, 41, 46, 47, 50, 53, 55, 57]
