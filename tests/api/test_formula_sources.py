"""A formula has the same bits from any source, order, partition and number of threads; rows count by their terms."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError

ROWS = 600
_random = np.random.default_rng(4)
TABLE = pd.DataFrame(
    {
        "key": np.arange(ROWS),
        "x": _random.normal(size=ROWS) + 100,
        "z": _random.uniform(1, 4, ROWS),
        "zone": np.where(np.arange(ROWS) < 500, _random.choice(["n", "s"], ROWS), "late"),  # in the last file alone
        "kind": _random.choice(["a", "b"], ROWS),
        "y": _random.normal(size=ROWS) + np.arange(ROWS) / 50,
        "u": np.arange(ROWS) / 8,
        "w": _random.integers(0, 4, ROWS) / 4,
    }
)
TABLE.loc[::41, "x"] = np.nan
TABLE.loc[::59, "z"] = 0.0  # whose logarithm is undefined
FORMULA = "y ~ zone * kind * x + log(z) + scale(u):kind + bs(z, df=5) + I(x ** 2) + cut(x, [0, 100, 200])"
OPTIONS = {"missing": "drop", "test_size": 0.2, "split_key": "key", "weights": "w", "precision": "exact"}


def fit(table, **options):
    return regress.fit(table, FORMULA, **OPTIONS | options)


def bits(result):
    figures = result.b, result.r2, result.statistics.rss, result.nobs, result.digits
    return result.names, result.w.tolist(), *figures, result.predict(TABLE.dropna()).tolist()


@pytest.fixture(scope="module")
def expected():
    return bits(fit(TABLE))


def test_sources_have_the_same_bits(tmp_path, expected):
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    pl.from_pandas(TABLE).write_parquet(tmp_path / "t.parquet", row_group_size=50)
    columns = {name: TABLE[name].to_numpy() for name in TABLE}
    for table in (tmp_path / "t.csv", tmp_path / "t.parquet", pl.from_pandas(TABLE), columns, TABLE.iloc[::-1]):
        for jobs in (1, 2):
            np.testing.assert_equal(bits(fit(table, n_jobs=jobs)), expected)


@pytest.mark.parametrize("names", ["abcd", "dbca"])
def test_files_in_any_order_have_the_same_bits(tmp_path, expected, names):
    for name, rows in zip(names, np.split(np.arange(ROWS), [7, 300, 500]), strict=True):
        TABLE.iloc[rows].to_csv(tmp_path / f"{name}.csv", index=False)
    np.testing.assert_equal(bits(fit(str(tmp_path / "*.csv"))), expected)


def test_a_saved_model_predicts_the_same_bits_row_by_row(tmp_path):
    result = fit(TABLE)
    result.save(tmp_path / "m.json")
    model = regress.load(tmp_path / "m.json")
    rows = TABLE[TABLE["x"].notna() & (TABLE["z"] > 0)].head(40)
    assert [model.predict_one(row) for row in rows.to_dict("records")] == result.predict(rows).tolist()
    assert model.predict(rows.tail(1)).tolist() == result.predict(rows).tolist()[-1:]  # its knots are kept


@pytest.mark.parametrize("term", ["scale(x)", "center(x)", "bs(x, df=5)", "poly(x, 2, orthogonal=True)"])
def test_learned_terms_know_the_training_rows_only(term):
    frame = TABLE.drop(columns="zone").fillna({"x": 100.0})
    first = regress.fit(frame, f"y ~ {term}", weights="w")
    frame.loc[frame["w"] == 0, "x"] = 1e9
    other = regress.fit(frame, f"y ~ {term}", weights="w")
    assert (other.w.tolist(), other.b) == (first.w.tolist(), first.b)


@pytest.mark.parametrize(
    ("term", "values"),
    [
        ("log(x)", [0.0, -1.0]),
        ("sqrt(x)", [-1.0, -1e-300]),
        ("I(1 / x)", [0.0, -0.0]),
        ("I(x ** 2)", [1e200, -1e160]),
        ("exp(x)", [1e9, 710.0]),
        ("cut(x, [0, 5, 99])", [0.0, 100.0]),
    ],
)
def test_what_is_undefined_or_infinite_is_missing_by_name(term, values):
    frame = pd.DataFrame({"x": np.arange(1.0, 21.0), "y": np.sin(np.arange(20))})
    frame.loc[[3, 7], "x"] = values
    with pytest.raises(InputError) as caught:
        regress.fit(frame, f"y ~ {term}")
    assert f"missing or undefined ({term} 2)" in str(caught.value)
    dropped, without = (regress.fit(t, f"y ~ {term}", missing="drop") for t in (frame, frame.drop([3, 7])))
    assert (dropped.w.tolist(), dropped.b, dropped.nobs) == (without.w.tolist(), without.b, 18)
    assert np.flatnonzero(np.isnan(dropped.predict(frame))).tolist() == [3, 7]
