"""How many rows are held out, and which: to the nearest row in memory, and the same in any format and any blocks."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

import regress
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.design.split import Split
from regress.options import TableOptions
from regress.sources import arrays
from regress.sources.paths import file_key
from tests.examples import examples

M = 392
random = np.random.default_rng(4)
FRAME = pd.DataFrame({"id": np.arange(M), "x": random.normal(size=M), "g": random.choice(list("abc"), M)})
FRAME["y"] = FRAME["x"] + random.normal(size=M)


def trained_on(table, **options):
    """Return which rows are trained on, by their number, and the account."""
    target = options.pop("target", "y")
    read = read_table(table, target, TableOptions(**options), Reading("rows", sampled=10**6))
    return sorted(read.sample.X[:, 0].astype(int).tolist()), read.tally


@settings(deadline=None, max_examples=examples(40))
@given(
    rows=st.integers(2, 300),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**32),
    block=st.integers(1, 50),
    holes=st.sets(st.integers(0, 299)),
)
def test_in_memory_the_fraction_holds_to_the_nearest_row_in_any_blocks(rows, fraction, seed, block, holes):
    X = np.arange(rows, dtype=float)[:, None]
    y = np.where(np.isin(X[:, 0], list(holes)), np.nan, np.sin(X[:, 0]))
    used = int(np.isfinite(y).sum())
    if used < 2:
        return
    options = {"test_size": fraction, "random_state": seed, "missing": "drop", "target": y}
    whole, tally = trained_on(X, **options)
    assert tally.held_out == min(round(fraction * used), used - 1)
    assert tally.held_out + tally.used + tally.missing == rows
    kept = arrays.block_rows
    arrays.block_rows = lambda columns: block
    try:
        assert trained_on(X, **options)[0] == whole
    finally:
        arrays.block_rows = kept
    assert trained_on(pl.DataFrame({"x": X[:, 0]}), **options)[0] == whole


@pytest.mark.parametrize("fraction", [0.1, 0.2, 1 / 3, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_frames_and_arrays_hold_out_the_same_rows(fraction, seed):
    options = {"test_size": fraction, "random_state": seed}
    found, tally = trained_on(FRAME, drop=["g"], **options)
    assert tally.held_out == round(fraction * M)
    assert trained_on(pl.DataFrame(FRAME.to_dict("list")), drop=["g"], **options)[0] == found
    assert trained_on(FRAME[["id", "x"]].to_numpy(), target=FRAME["y"].to_numpy(), **options)[0] == found
    assert trained_on(FRAME.set_index(FRAME.index[::-1]), **options)[0] == found


@pytest.mark.parametrize("missing", ["raise", "drop", "mean"])
def test_the_fraction_is_one_of_the_rows_that_are_used(missing):
    frame = FRAME.assign(a=np.where(np.arange(M) < 192, 0.0, 1.5))
    if missing != "raise":
        frame.loc[::3, "x"] = np.nan
    tally = trained_on(frame, weights="a", missing=missing, test_size=0.2)[1]
    used = 200 if missing != "drop" else int(frame["x"][192:].notna().sum())
    assert tally.zero_weight == 192
    assert tally.held_out == round(0.2 * used)
    assert tally.used == used - tally.held_out


def test_with_a_limit_the_fraction_is_one_of_the_rows_that_are_read():
    assert trained_on(FRAME, test_size=0.2, rows=100)[1].held_out == 20
    assert regress.compare(FRAME, "y", rows=100, drop=["id"]).rows == "100 rows = 80 used + 20 held out"


def test_one_row_at_least_is_trained_on_and_few_rows_may_all_be():
    assert trained_on(FRAME[:2], test_size=0.9)[1].used == 1
    assert trained_on(FRAME[:2], test_size=0.2)[1].held_out == 0


def test_groups_stay_whole():
    found, tally = trained_on(FRAME, test_size=0.3, split_key="g", random_state=2)
    groups = FRAME["g"][found].unique()
    assert FRAME["g"].isin(groups).sum() == tally.used < M


def written(folder, name="data"):
    """Write the table in each format, and return the paths."""
    csv = FRAME.to_csv(index=False)
    paths = {ending: folder / f"{name}{ending}" for ending in (".csv", ".csv.gz", ".CSV.ZST", ".parquet", ".tsv")}
    paths[".csv"].write_text(csv)
    paths[".csv.gz"].write_bytes(gzip.compress(csv.encode()))
    paths[".CSV.ZST"].write_bytes(zstd.compress(csv.encode()))
    paths[".tsv"].write_text(FRAME.to_csv(index=False, sep="\t"))
    pl.DataFrame(FRAME.to_dict("list")).write_parquet(paths[".parquet"])
    return paths


@pytest.mark.parametrize("seed", range(3))
def test_a_file_holds_out_the_same_rows_in_any_format_under_any_name(tmp_path, seed):
    found = {trained_on_tuple(path, seed) for path in written(tmp_path).values()}
    other = written(tmp_path, "other")[".csv"]
    assert found == {trained_on_tuple(other, seed)}
    assert trained_on_tuple(other, seed + 10) not in found
    share = M - len(found.pop())
    assert binom.ppf(1e-6, M, 0.2) <= share <= binom.ppf(1 - 1e-6, M, 0.2)


def trained_on_tuple(path, seed):
    return tuple(trained_on(path, test_size=0.2, random_state=seed)[0])


def test_several_files_hold_out_the_same_rows_in_any_format_and_each_its_own(tmp_path):
    found = set()
    for ending in (".csv", ".csv.gz", ".parquet"):
        (folder := tmp_path / ending[1:].replace(".", "_")).mkdir()
        for name, rows in (("b", slice(0, 200)), ("a", slice(200, M))):
            (folder / f"{name}{ending}").write_bytes(
                written_part(FRAME[rows], ending, tmp_path),
            )
        found.add(trained_on_tuple(folder, 0))
    assert len(found) == 1
    kept = set(found.pop())
    both = [(i in kept, i + 200 in kept) for i in range(192)]
    assert len(set(both)) == 4  # the name of the file counts too: the same record is held out in one of them only


def written_part(frame, ending, folder):
    if ending == ".parquet":
        pl.DataFrame(frame.to_dict("list")).write_parquet(folder / "part")
        return (folder / "part").read_bytes()
    text = frame.to_csv(index=False).encode()
    return gzip.compress(text) if ending.endswith(".gz") else text


def test_endings_of_format_and_compression_are_no_part_of_a_name():
    for name in ("data.csv", "data.csv.gz", "data.CSV.zst", "data.parquet", "data.pq", "data.tsv", "data"):
        assert file_key(name) == "data"
    assert file_key("data.2020.csv") == "data.2020"
    assert file_key("a/data.txt.gz") == "a/data"
    assert file_key("data.gz.csv") == "data.gz"


def test_no_fraction_of_no_rows_is_asked_for():
    assert Split(0.5).over(np.empty(0, dtype=np.uint64)).fraction == 0.0


def test_compare_measures_scikit_learn_on_the_rows_that_the_fit_holds_out():
    fit = regress.fit(FRAME, "y", drop=["id"], test_size=0.25)
    found = regress.compare(FRAME, "y", drop=["id"], test_size=0.25)
    by_name = {row.name: row for row in found.fits}
    assert by_name["LinearRegression()"].metrics["r2"] == pytest.approx(fit.r2_test, rel=1e-12)
    assert f"{fit.tally.held_out} held out" in found.rows
    assert fit.tally.held_out == 98
