"""Which arithmetic is the default: the number of columns of X and the kind of table decide, and nothing else."""

import gzip
import os
import shutil
import tempfile
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import regress
from regress.aggregates.limits import NEVER, Limits
from regress.design import matrix
from regress.solvers import choose
from tests.examples import examples

ROWS, NUMBERS = 160, 30
random = np.random.default_rng(31)
X, noise = random.normal(size=(ROWS, NUMBERS)), random.normal(size=ROWS)


def table(levels):
    """A table of which X has 29 + levels columns."""
    kinds = [f"k{i % levels:02d}" for i in range(ROWS)]
    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(NUMBERS)})
    return frame.with_columns(pl.Series("kind", kinds), pl.Series("y", X.sum(1) + noise))


ORDERS = {
    "as it is": lambda frame, seed: frame,
    "levels early": lambda frame, seed: frame.sort("kind", descending=True),
    "levels one by one": lambda frame, seed: frame.sort("kind"),
    "any": lambda frame, seed: frame.sample(fraction=1.0, shuffle=True, seed=seed),
}


@settings(max_examples=examples(60))
@given(
    st.integers(9, 16),
    st.sampled_from([*ORDERS]),
    st.integers(0, 2**31),
    st.lists(st.integers(1, ROWS - 1), max_size=5, unique=True),
    st.integers(8, 200),
    st.integers(1, 3),
    st.sampled_from([0, 42, 44]),
)
@example(12, "levels one by one", 0, [40, 80, 120], 16, 2, 0)
@example(12, "levels early", 0, [40, 80, 120], 16, 2, 0)
def test_neither_order_nor_blocks_nor_threads_decide(levels, order, seed, cuts, block, jobs, most):
    frame, n = table(levels), NUMBERS + levels - 1
    limits = Limits(cells=ROWS * (most + 2), products=10**9, columns=40)  # any rows of 40 columns, these of a few more
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        mixed = ORDERS[order](frame, seed)
        for k, (start, stop) in enumerate(zip([0, *sorted(cuts)], [*sorted(cuts), ROWS], strict=True)):
            mixed[start:stop].write_csv(Path(folder) / f"{k}.csv")
        patch.setattr(choose, "TEXT", limits)
        patch.setattr(matrix, "block_rows", lambda _: block)
        fit = regress.fit(folder, "y", n_jobs=jobs)
    exact = regress.fit(frame, "y", precision="exact")
    assert len(fit.w) == n
    assert fit.precision == ("exact" if n <= max(40, most) else "float64")
    if fit.precision == "exact":
        assert (fit.w.tolist(), fit.b, fit.loss) == (exact.w.tolist(), exact.b, exact.loss)
    else:
        np.testing.assert_allclose(fit.w, exact.w, rtol=1e-9, atol=1e-12)
        assert fit.loss == pytest.approx(exact.loss, rel=1e-12)


@pytest.fixture
def never(monkeypatch):
    """No table is small."""
    monkeypatch.setattr(choose, "FILES", NEVER)
    monkeypatch.setattr(choose, "TEXT", Limits(columns=40))


def written(folder):
    """The same table as files of all kinds, by what to open."""
    frame = table(9)
    (folder / "many").mkdir()
    frame.write_csv(folder / "one.csv")
    frame.write_csv(folder / "other.txt", separator=";")
    frame.write_ndjson(folder / "one.jsonl")
    frame.write_parquet(folder / "one.parquet")
    frame.write_ipc(folder / "one.arrow")
    frame[:80].write_csv(folder / "many" / "a.csv")
    frame[80:].write_csv(folder / "many" / "b.csv")
    with (folder / "one.csv").open("rb") as source, gzip.open(folder / "one.csv.gz", "wb") as packed:
        shutil.copyfileobj(source, packed)
    (folder / "mixed").mkdir()
    frame[:80].write_csv(folder / "mixed" / "a.csv")
    frame[80:].write_parquet(folder / "mixed" / "b.parquet")
    (folder / "two").mkdir()
    frame[:80].write_csv(folder / "two" / "a.csv")
    frame[80:].write_ndjson(folder / "two" / "b.jsonl")


@pytest.mark.parametrize("name", ["one.csv", "other.txt", "one.csv.gz", "one.jsonl", "many", "many/*.csv", "two"])
def test_text_of_few_columns_is_summed_exactly(name, tmp_path, never):
    written(tmp_path)
    fit = regress.fit(str(tmp_path / name), "y")
    assert (fit.precision, fit.precision_reason) == ("exact", "by default")
    assert "Solved directly (exact)." in fit.summary()
    assert regress.fit(str(tmp_path / name), "y ~ . + exp(x0)", drop=["x1"]).precision == "exact"


def test_text_from_a_pipe_is_summed_exactly(tmp_path, never):
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=table(9).write_csv, args=[tmp_path / "pipe"], daemon=True)
    writer.start()
    assert regress.fit(tmp_path / "pipe", "y").precision == "exact"
    writer.join()


@pytest.mark.parametrize("name", ["one.parquet", "one.arrow", "mixed"])
def test_files_that_are_not_all_text_are_not(name, tmp_path, never):
    written(tmp_path)
    fit = regress.fit(str(tmp_path / name), "y")
    assert (fit.precision, fit.precision_reason) == ("float64", "leaving 13 digits")
    assert ", float64)." in fit.summary()


def test_frames_and_arrays_are_not(never):
    frame = table(9)
    for rows in (frame, frame.to_pandas(), frame.to_dict(as_series=False), frame.to_arrow()):
        assert regress.fit(rows, "y").precision == "float64"
    assert regress.fit(X, noise).precision == "float64"
    assert regress.fit(pd.DataFrame(X), noise).precision == "float64"


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")  # one epoch
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "gd"},
        {"over": "rows"},
        {"solver": "averaged-sgd", "epochs": 1},
        {"weights": "x0"},
        {"test_size": 0.3},
    ],
    ids=str,
)
def test_what_is_asked_for_changes_nothing(options, tmp_path, never):
    table(9).with_columns(pl.col("x0").abs()).write_csv(tmp_path / "t.csv")
    pl.read_csv(tmp_path / "t.csv").write_parquet(tmp_path / "t.parquet")
    assert regress.fit(tmp_path / "t.csv", "y", **options).certificate is not None  # of exact sums
    assert regress.fit(tmp_path / "t.parquet", "y", **options).certificate is None


def test_the_default_is_that_of_a_comparison(tmp_path, never):
    written(tmp_path)
    steps = [regress.compare(tmp_path / f"one.{kind}", "y").fits[0].n_iter for kind in ("csv", "parquet")]
    assert steps[0] == 0
    assert steps[1] > 0
    assert regress.compare(tmp_path / "one.csv", "y ~ . - x0").fits[0].n_iter == 0


def test_a_table_of_few_columns_has_no_second_pass(tmp_path, never):
    table(9).with_columns(near=pl.col("x0") + 1e-9 * pl.col("x1") ** 2).write_csv(tmp_path / "t.csv")
    passes = []
    fit = regress.fit(tmp_path / "t.csv", "y", progress=lambda what, *_: passes.append(what))
    assert (fit.precision, passes.count("rows")) == ("exact", 1)


@pytest.mark.filterwarnings("ignore::regress.DataWarning")  # levels that no training row has
@pytest.mark.parametrize("order", [*ORDERS])
def test_levels_of_rows_held_out_do_not_count(order, tmp_path, never, monkeypatch):
    monkeypatch.setattr(matrix, "block_rows", lambda _: 16)
    keys = [f"g{i % 20}" for i in range(ROWS)]
    kinds = [f"out{i}" if key in ("g4", "g13") else f"k{i % 11}" for i, key in enumerate(keys)]  # 30 + 10 columns
    frame = table(9).with_columns(pl.Series("key", keys), pl.Series("kind", kinds))
    ORDERS[order](frame, 5).write_csv(tmp_path / "t.csv")
    fit = regress.fit(tmp_path / "t.csv", "y", test_size=0.3, split_key="key")
    assert (fit.tally.held_out, len(fit.w), fit.precision) == (16, 40, "exact")
    exact = regress.fit(frame.filter(~pl.col("key").is_in(["g4", "g13"])), "y", drop=["key"], precision="exact")
    assert (fit.w.tolist(), fit.b) == (exact.w.tolist(), exact.b)
