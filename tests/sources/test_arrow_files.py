"""Arrow files, Feather files, and Arrow streams in files give what their rows give as CSV."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import regress
from regress.errors import InputError, TableError
from regress.sources.open import open_table

RNG = np.random.default_rng(5)
ROWS = 3000
FRAME = pl.DataFrame(
    {
        "x": RNG.normal(size=ROWS),
        "k": RNG.choice(["red", "blue", "green"], ROWS),
        "t": RNG.random(ROWS) < 0.5,
        "n": RNG.integers(0, 100, ROWS),
        "*": RNG.normal(size=ROWS),
        "y": RNG.normal(size=ROWS),
    }
)


def bits(fit):
    return fit.names, fit.w.tolist(), fit.b, fit.tally, fit.coefficients.to_csv()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    FRAME.write_csv(path)
    return bits(regress.fit(path, "y"))


@pytest.mark.parametrize(
    ("name", "compression"), [("t.arrow", "uncompressed"), ("t.feather", "lz4"), ("t.ipc", "zstd"), ("rows", "lz4")]
)
def test_an_arrow_file_gives_what_its_rows_give(tmp_path, expected, name, compression):
    FRAME.write_ipc(tmp_path / name, compression=compression)
    assert bits(regress.fit(tmp_path / name, "y")) == expected
    source = open_table(tmp_path / name)
    part = replace(source.partitions()[0], block=2**12)
    batches = list(part.batches(source.kinds(["x", "k"])))
    assert len(batches) > 5
    assert np.concatenate([batch.numbers("x") for batch in batches]).tolist() == FRAME["x"].to_list()
    assert batches[-1].read == source.size
    assert source.notes == ()


def test_a_feather_file_of_pyarrow_too(tmp_path, expected):
    feather = pytest.importorskip("pyarrow.feather")
    table = FRAME.with_columns(pl.col("k").cast(pl.Categorical)).to_arrow()
    feather.write_feather(table, tmp_path / "t.feather", chunksize=700)
    assert bits(regress.fit(tmp_path / "t.feather", "y")) == expected


@pytest.mark.parametrize("name", ["t.arrows", "t.arrow", "rows"])
def test_an_arrow_stream_is_read_at_once_and_says_so(tmp_path, expected, name):
    FRAME.write_ipc_stream(tmp_path / name)
    fit = regress.fit(tmp_path / name, "y")
    assert bits(fit) == expected
    assert "Read as: Arrow stream, read into memory at once." in fit.summary()


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    path = tmp_path / "t.arrow"
    FRAME.write_ipc(path)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], data[:-10], data[:20], data[:-200] + bytes(200)):
        path.write_bytes(damaged)
        with pytest.raises(TableError, match=r"^t\.arrow is not a readable Arrow file: .*Fetch or write it again\.$"):
            regress.fit(path, "y")
    FRAME.write_ipc_stream(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TableError, match=r"^t\.arrow is not a readable Arrow stream file: "):
        regress.fit(path, "y")
    path.write_text("x,y\n1,2\n")
    with pytest.raises(TableError, match=r"t\.arrow does not begin as an Arrow file"):
        regress.fit(path, "y")
    (tmp_path / "t.feather").write_bytes(b"FEA1\0\0\0\0" + bytes(100))
    with pytest.raises(TableError, match=r"t\.feather is a Feather file of version 1"):
        regress.fit(tmp_path / "t.feather", "y")
    FRAME.write_ipc(path)
    with pytest.raises(InputError, match=r"delimiter is for CSV files; .*t\.arrow is Arrow\."):
        regress.fit(path, "y", delimiter=";")


def test_files_of_several_formats_are_one_table(tmp_path, expected):
    FRAME[:1000].write_ipc(tmp_path / "a.arrow")
    FRAME[1000:2000].write_ndjson(tmp_path / "b.jsonl")
    FRAME[2000:2500].write_parquet(tmp_path / "c.parquet")
    FRAME[2500:].write_csv(tmp_path / "d.csv")
    fit = regress.fit(tmp_path, "y")
    assert (fit.names, fit.w.tolist(), fit.b) == expected[:3]
