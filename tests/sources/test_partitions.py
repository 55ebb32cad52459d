"""Partitions: read alone, in another process too, they give the batches and places that the table gives."""

import gzip
import multiprocessing
import os
import pickle
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError
from regress.options import FileOptions
from regress.sources.base import Column, ColumnKind, Source
from regress.sources.batches import FramePartition
from regress.sources.open import open_table

TEXT = "k,x,y\n" + "".join(f'"{"a" if i % 3 else "b"}\n{i % 5}",{i / 7},{3 * i + i % 5}\n' for i in range(300))
BAD = TEXT + "oops\n" + '"a\n1",2.5,7\n' + "c,oops,8\n" + '"b\n0",4.5,9\n'
FRAME = {"k": ["a", "b", None] * 40, "x": np.arange(120.0) / 7, "y": np.arange(120) % 7}


def read(partition, kinds):
    """All that is in a partition, and the places of its last records."""
    cells, rows = [], 0
    for batch in partition.batches(kinds):
        columns = [batch.texts(n) if kind == "text" else batch.numbers(n).tolist() for n, kind in kinds.items()]
        bad = [] if batch.bad is None else batch.bad.tolist()
        cells.append((batch.part, batch.key, batch.first, batch.rows, batch.read, bad, columns))
        rows += batch.rows
    return repr(cells), [partition.place(record) for record in range(rows - 3, rows)]


@pytest.fixture(scope="module")
def elsewhere():
    """Another process, which starts with nothing of this one."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield lambda *arguments: pool.apply(read, arguments)


def tables(folder):
    files = {
        "a.csv": TEXT.encode(),
        "bad.csv": BAD.encode(),
        "c.csv.gz": gzip.compress(TEXT.encode()),
        "wide.csv": TEXT.replace(",", ";").encode("utf-16"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "many").mkdir()
    for name in ("a.csv", "c.csv.gz"):
        (folder / "many" / name).write_bytes(files[name])
    pl.DataFrame(FRAME).write_parquet(folder / "p.parquet")
    return {
        **{name: folder / name for name in (*files, "many", "p.parquet")},
        "pandas": pd.DataFrame(FRAME, index=[f"row {i}" for i in range(120)]),
        "polars": pl.DataFrame(FRAME),
        "array": np.column_stack([FRAME["x"], FRAME["y"]]),
        "dict": FRAME,
    }


TABLES = ["a.csv", "bad.csv", "c.csv.gz", "wide.csv", "many", "p.parquet", "pandas", "polars", "array", "dict"]


@pytest.mark.parametrize("name", TABLES)
def test_a_partition_gives_the_same_in_another_process(tmp_path, monkeypatch, elsewhere, name):
    monkeypatch.chdir(tmp_path)  # which the other process does not know
    table = tables(tmp_path)[name]
    table = table.name if hasattr(table, "name") else table
    options = FileOptions(on_bad_lines="skip") if name == "bad.csv" else None
    source = open_table(table, options)
    kinds = source.kinds(column.name for column in source.columns)
    whole = [(batch.part, batch.first, batch.rows) for batch in source.batches(list(kinds))]
    alone = []
    for partition in source.partitions():
        assert elsewhere(partition, kinds) == read(partition, kinds) == read(partition, kinds)
        alone += [(batch.part, batch.first, batch.rows) for batch in partition.batches(kinds)]
    assert alone == whole
    assert len(source.partitions()) == (2 if name == "many" else 1)
    assert sum(partition.size for partition in source.partitions()) == source.size


@pytest.mark.parametrize(
    ("name", "record", "place"),
    [
        ("a.csv", 299, "a.csv, line 600"),  # each record is on two lines
        ("bad.csv", 303, "bad.csv, line 606"),  # rows that are skipped count
        ("c.csv.gz", 1, "c.csv.gz, line 4"),
        ("wide.csv", 0, "wide.csv, line 2"),
        ("p.parquet", 7, "p.parquet, row 7"),
        ("pandas", 7, "row 'row 7'"),
        ("polars", 7, "row 7"),
        ("array", 7, "row 7"),
    ],
)
def test_a_partition_knows_where_a_record_is(tmp_path, elsewhere, name, record, place):
    source = open_table(tables(tmp_path)[name], FileOptions(on_bad_lines="skip") if name == "bad.csv" else None)
    (partition,) = source.partitions()
    assert pickle.loads(pickle.dumps(partition)).place(record) == source.place(partition.name, record) == place


def test_a_file_is_known_by_what_it_was(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    (partition,) = open_table(tmp_path / "t.csv", FileOptions(delimiter=",")).partitions()
    seen = (tmp_path / "t.csv").stat()
    file = partition.file
    assert (str(file.path), file.size, file.modified) == (str(tmp_path / "t.csv"), seen.st_size, seen.st_mtime_ns)
    assert partition.options.given() == ["delimiter"]
    sent = pickle.loads(pickle.dumps(partition))
    assert (sent.file, sent.options, sent.written) == (file, partition.options, partition.written)
    (tmp_path / "t.csv").write_text(TEXT + "a,1,2\n")
    with pytest.raises(InputError, match=r"t\.csv changed"):
        list(sent.batches({"x": "number"}))


def test_a_pipe_says_what_to_do_instead(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(TEXT.encode(),))
    writer.start()
    (partition,) = open_table(tmp_path / "pipe").partitions()
    writer.join()
    with pytest.raises(InputError, match=r"pipe is a pipe, .*Write it to a file"):
        pickle.dumps(partition)


# A source of one's own


@dataclass
class Month(FramePartition):
    """The rows of one month."""

    database: str
    name: str
    size: int

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[dict[str, list[object]]]:
        names = ", ".join(f'"{name}"' for name in kinds)
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(f"SELECT {names} FROM sales WHERE month = ? ORDER BY rowid", [self.name])
            while some := rows.fetchmany(10):
                yield dict(zip(kinds, map(list, zip(*some, strict=True)), strict=True))


class Sales(Source):
    """A table of a database, a partition a month."""

    columns = (Column("price", "number"), Column("shop", "text"), Column("sold", "number"))

    def __init__(self, database: str) -> None:
        self.label, self._database = "sales", database

    def partitions(self) -> list[Month]:
        with closing(sqlite3.connect(self._database)) as connection:
            found = connection.execute("SELECT month, count(*) FROM sales GROUP BY month ORDER BY month")
            return [Month(self._database, month, rows) for month, rows in found]


@pytest.fixture
def sales(tmp_path):
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"price": random.normal(size=75), "shop": random.choice(["a", "b"], 75)})
    frame = frame.assign(sold=3 * frame["price"] + (frame["shop"] == "b") + random.normal(size=75))
    frame.loc[7, "price"] = None
    months = frame.assign(month=np.repeat(["2024-01", "2024-02", "2024-03"], 25))
    with closing(sqlite3.connect(tmp_path / "sales.db")) as connection:
        months.to_sql("sales", connection)
    return Sales(str(tmp_path / "sales.db")), frame


def test_a_source_of_ones_own_is_a_table_for_every_verb(sales):
    source, frame = sales
    fit, same = regress.fit(source, "sold", missing="drop"), regress.fit(frame, "sold", missing="drop")
    assert fit.names == same.names == ("price", "shop=b")
    assert (fit.w.tolist(), fit.b, fit.tally) == (same.w.tolist(), same.b, same.tally)
    np.testing.assert_array_equal(fit.predict(source), same.predict(frame))
    assert regress.certify(fit, source).passed
    assert regress.compare(source, "sold", missing="drop").agree
    assert regress.fit(source, "sold", missing="drop", test_size=0.2).tally.held_out == 15
    other = regress.fit(frame.replace({"shop": {"b": "c"}}), "sold", missing="drop")
    row = frame["shop"].eq("b").idxmax()
    with pytest.raises(InputError, match=f"2024-01, row {row}, column 'shop'"):
        other.predict(source)


def test_its_partitions_are_read_elsewhere_too(sales, elsewhere):
    source, frame = sales
    kinds = source.kinds(["price", "sold"])
    seen = [elsewhere(partition, kinds) for partition in source.partitions()]
    assert seen == [read(partition, kinds) for partition in source.partitions()]
    assert [places[-1] for _, places in seen] == ["2024-01, row 24", "2024-02, row 24", "2024-03, row 24"]
    numbers = np.concatenate([batch.numbers("sold") for batch in source.batches(["sold"])])
    assert numbers.tolist() == frame["sold"].tolist()


def test_options_of_files_are_refused_where_a_table_is_open_already(sales, tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    for source in (sales[0], open_table(tmp_path / "t.csv")):
        assert open_table(source) is source
        with pytest.raises(InputError, match="open already: pass na_values where it is opened"):
            open_table(source, FileOptions(na_values=["x"]))
    options = FileOptions(na_values=["x"])
    source = open_table(tmp_path / "t.csv", options)
    assert open_table(source, options) is source


@dataclass
class Pieces(FramePartition):
    """What a class from outside may yield."""

    pieces: list[object]
    name: str = "store"
    size: int = 0

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[object]:
        yield from self.pieces


class Store(Source):
    columns = (Column("k", "text"), Column("on", "boolean"), Column("x", "number"), Column("y", "number"))

    def __init__(self, *pieces: object) -> None:
        self._pieces = list(pieces)

    def partitions(self) -> list[Pieces]:
        return [Pieces(self._pieces)]


@pytest.mark.parametrize("wrap", [list, tuple, lambda cells: np.array(cells, dtype=object)])
@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("number", [1, 2.5, 3, None], [1.0, 2.5, 3.0, np.nan]),
        ("number", [True, 2, np.float32(0.5)], [1.0, 2.0, 0.5]),
        ("number", [1, 2**64, Decimal("2.5"), Decimal("sNaN")], [1.0, 2.0**64, 2.5, np.nan]),
        ("number", [1, " 2.5", pd.NA], [1.0, 2.5, np.nan]),
        ("boolean", [True, 0, None, "true"], [1.0, 0.0, np.nan, 1.0]),
        ("text", ["a", 1, 2.0, None, float("nan"), True], ["a", "1", "2", "", "", "true"]),
        ("text", [1, 2], ["1", "2"]),
        ("number", [], []),
        ("number", [None, None], [np.nan, np.nan]),
    ],
)
def test_lists_of_mixed_cells_become_what_their_column_is(kind, cells, expected, wrap):
    (batch,) = Pieces([{"c": wrap(cells)}]).batches({"c": kind})
    got = batch.texts("c") if kind == "text" else batch.numbers("c")
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("values", [np.array([1, 2]), pl.Series([1.0, 2.0]), pd.Series([1, 2]), range(1, 3)])
def test_columns_of_one_type_are_taken_as_they_are(values):
    (batch,) = Pieces([{"c": values}]).batches({"c": "number"})
    assert batch.numbers("c").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        ({"x": [1, "a"]}, "store, row 4, column 'x': 'a' is not a number. Fix the cell, or yield None where it is "),
        ({"x": [1, [2]]}, "store, row 4, column 'x': [2] is neither number nor text."),
        ({"x": [1j]}, "store, row 3, column 'x': 1j is neither number nor text."),
        ({"x": [1, 10**5000]}, "store, row 4, column 'x': the number is beyond the range of float64."),
        ({"x": 5}, "store, row 3, column 'x': int holds neither numbers nor text. Yield a list."),
        ({"x": np.ones((2, 2))}, "store, row 3, column 'x': ndarray holds neither numbers nor text. Yield a list."),
        ({"on": [True, 2]}, "store, row 4, column 'on': 2 is not true or false."),
        ({"k": ["a", b"b"]}, "store, row 4, column 'k': b'b' is neither number nor text."),
        ({"x": [1.0]}, "store yields columns of different lengths: 'k' has 2 rows, and 'x' has 1."),
        (None, "store yields NoneType, which is neither a frame nor a dict of lists."),
        (7, "store yields int, which is neither a frame nor a dict of lists."),
        (pl.DataFrame({"k": ["a"]}), "store yields rows without column 'on'."),
    ],
)
def test_what_cannot_be_read_of_an_outside_source_is_a_sentence(piece, message):
    good = {"k": ["a", "b", "a"], "on": [True, False, True], "x": [1, 2, 4], "y": [1, 2, 3]}
    if isinstance(piece, dict):
        piece = {name: cells[:2] for name, cells in good.items()} | piece
    with pytest.raises(InputError) as error:
        regress.fit(Store(good, piece), "y")
    assert str(error.value).startswith(message)


def test_an_empty_piece_counts_for_nothing():
    rows = {"k": ["a", "b"] * 5, "on": [True, False, False] * 3 + [True], "x": [*range(10)], "y": [1.5, 3, 2] * 3 + [7]}
    empty = {name: [] for name in rows}
    fit, same = regress.fit(Store(empty, rows, empty), "y"), regress.fit(Store(rows), "y")
    assert (fit.w.tolist(), fit.b, fit.tally) == (same.w.tolist(), same.b, same.tally)
