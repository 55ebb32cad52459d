"""Tables that come batch by batch from Python: iterators, PyArrow's readers and datasets, DuckDB's relations."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError, TableError
from regress.sources.open import open_table

RNG = np.random.default_rng(7)
ROWS = 5000
FRAME = pl.DataFrame(
    {
        "x": RNG.normal(size=ROWS),
        "k": RNG.choice(["red", "blue", "green"], ROWS),
        "n": RNG.integers(0, 100, ROWS),
        "y": RNG.normal(size=ROWS),
    }
)
OPTIONS = {"cov_type": "HC1"}  # a second pass


def bits(fit):
    return fit.names, fit.w.tolist(), fit.b, fit.tally, fit.coefficients.to_csv()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    FRAME.write_csv(path)
    return bits(regress.fit(path, "y", **OPTIONS))


def slices(rows=700):
    return FRAME.iter_slices(rows)


BATCHES = {
    "Polars": lambda: slices(),
    "one row": lambda: (FRAME[k] for k in range(ROWS)) if ROWS < 1000 else slices(3),
    "large": lambda: iter([pl.concat([FRAME] * 1)]),
    "empty ones": lambda: iter([FRAME.clear(), FRAME[:10], FRAME.clear(), FRAME[10:]]),
    "pandas": lambda: (pd.DataFrame(frame.to_dict(as_series=False)) for frame in slices()),
    "dicts": lambda: (frame.to_dict(as_series=False) for frame in slices()),
    "another order": lambda: iter([FRAME[:9], FRAME[9:].select("y", "n", "k", "x")]),
    "whole numbers first": lambda: iter([FRAME[:9], FRAME[9:].with_columns(pl.col("n").cast(pl.Float64))]),
    "lazy": lambda: FRAME.lazy().collect_batches(),
}


@pytest.mark.parametrize("case", BATCHES)
def test_an_iterator_of_batches_gives_what_its_rows_give(case, expected):
    fit = regress.fit(BATCHES[case](), "y", **OPTIONS)
    assert bits(fit) == expected
    assert ", kept in a temporary file." in fit.summary()


def test_batches_are_taken_as_they_are_needed():
    taken = []

    def batches():
        for k in range(100):
            taken.append(k)
            yield {"x": np.arange(20_000.0) + k, "y": np.ones(20_000)}

    source = open_table(batches())
    assert len(taken) < 10
    read = source.batches(["x"])
    next(read)
    assert len(taken) < 20
    read.close()
    for _ in range(2):
        rows = [row for batch in source.batches(["x"]) for row in (batch.first + np.arange(batch.rows)).tolist()]
        cells = np.concatenate([batch.numbers("x") for batch in source.batches(["x"])])
        assert (rows, len(taken)) == (list(range(2_000_000)), 100)
        assert (cells == np.add.outer(np.arange(100.0), np.arange(20_000.0)).ravel()).all()
    (part,) = source.partitions()
    batch = list(part.batches({"x": "number"}))[-1]
    assert part.batch_at({"x": "number"}, batch.bookmark).frame.equals(batch.frame)
    with pytest.raises(InputError, match=r"This generator is kept in a temporary file of this process"):
        pickle.dumps(part)


def test_text_that_later_batches_decide_is_read_again():
    batches = [{"k": ["1", "2", "3"] * 100, "y": [1.0, 2.0, 4.0] * 100}, {"k": ["red", None] * 4000, "y": [3.0] * 8000}]
    fit = regress.fit(iter(batches), "y", missing="drop")
    assert set(fit.names) == {"k=2", "k=3", "k=red"}


def failing():
    yield FRAME[:10]
    yield FRAME[10:20]
    raise ValueError("the sensor is gone")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (iter([]), r"^The list_iterator yields no rows, or was read before\."),
        (iter([FRAME, FRAME.drop("x")]), r"^Batch 2 of the list_iterator has other columns than the first.*'x'"),
        (iter([FRAME, FRAME.with_columns(z=1)]), r"^Batch 2 of the list_iterator has other columns .*'z'"),
        (iter([FRAME, FRAME.with_columns(x=pl.lit("a"))]), r"^Batch 2 .* has String in column 'x', and .* Float64"),
        (iter([FRAME, 5]), r"^The list_iterator yields int\. Yield batches of rows"),
        (iter([FRAME, None]), r"^The list_iterator yields NoneType\. Yield batches of rows"),
        (iter([FRAME, "t.csv"]), r"^The list_iterator yields str\."),
        (failing(), r"^The generator raised ValueError after 2 batches: the sensor is gone"),
    ],
)
def test_what_is_wrong_with_batches_is_one_sentence(table, message):
    with pytest.raises(TableError, match=message):
        regress.fit(table, "y")


def test_an_iterator_without_rows_has_none():
    with pytest.raises(InputError, match="There is no row"):
        regress.fit(iter([FRAME.clear()]), "y")


def test_a_reader_of_record_batches_is_read_once(expected):
    pyarrow = pytest.importorskip("pyarrow")
    table = FRAME.to_arrow()
    for given in (table.to_reader(900), iter(table.to_batches(900))):
        assert bits(regress.fit(given, "y", **OPTIONS)) == expected
    reader = table.to_reader()
    regress.fit(reader, "y")
    with pytest.raises(InputError, match=r"There is no row|cannot be read"):
        regress.fit(reader, "y")
    with pytest.raises(InputError, match="There is no row"):
        regress.fit(pyarrow.RecordBatchReader.from_batches(table.schema, []), "y")


def test_a_dataset_is_read_by_its_fragments(tmp_path, expected):
    dataset = pytest.importorskip("pyarrow.dataset")
    compute = pytest.importorskip("pyarrow.compute")
    for k, frame in enumerate(FRAME.iter_slices(2000)):
        (tmp_path / f"part={k}").mkdir()
        frame.write_parquet(tmp_path / f"part={k}" / "t.parquet")
    table = dataset.dataset(tmp_path, partitioning="hive")
    fit = regress.fit(table, "y", drop=["part"], **OPTIONS)
    assert (fit.names, fit.w.tolist(), fit.b, fit.tally.used) == (*expected[:3], ROWS)
    assert regress.fit(table, "y").names[-1] == "part"
    parts = open_table(table).partitions()
    assert [part.name for part in parts] == ["fragment 1", "fragment 2", "fragment 3"]
    assert sum(batch.rows for batch in pickle.loads(pickle.dumps(parts[1])).batches({"x": "number"})) == 2000
    some = regress.fit(table.filter(compute.field("n") > 50), "y", drop=["part"])
    assert some.w.tolist() == regress.fit(FRAME.filter(pl.col("n") > 50), "y").w.tolist()
    memory = dataset.dataset(FRAME.to_arrow())
    assert bits(regress.fit(memory, "y", **OPTIONS)) == expected
    (tmp_path / "none").mkdir()
    with pytest.raises(TableError, match=r"The dataset has no file"):
        regress.fit(dataset.dataset(tmp_path / "none"), "y")


def test_a_relation_of_duckdb_is_run_once(expected):
    duckdb = pytest.importorskip("duckdb")
    database = duckdb.connect()
    database.register("frame", FRAME.to_arrow())
    fit = regress.fit(database.sql("select * from frame"), "y", **OPTIONS)
    assert bits(fit) == expected
    assert "DuckDBPyRelation, kept in a temporary file." in fit.summary()
    noise = database.sql("select random() as x, random() as y from range(1000)")  # other rows whenever it is run
    assert regress.fit(noise, "y", **OPTIONS).tally.used == 1000


def test_neither_pyarrow_nor_duckdb_is_imported():
    code = (
        "import sys, regress, polars as pl; regress.fit(pl.DataFrame({'x': [1.0, 2, 4], 'y': [1.0, 3, 2]}), 'y');"
        "regress.fit(iter([pl.DataFrame({'x': [1.0, 2, 4], 'y': [1.0, 3, 2]})]), 'y');"
        "assert not {'pyarrow', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
