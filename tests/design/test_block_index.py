"""Blocks of a table read in any order: the rows of each are those of the pass in order, whatever holds them."""

import gzip
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import regress
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.design.block_index import BlockReader
from regress.errors import InputError, TableError
from regress.options import FileOptions, TableOptions
from regress.sources import arrays, arrow, parquet, polars_frames
from regress.sources.base import Column, ColumnKind, Source
from regress.sources.batches import Frame, FramePartition
from regress.sources.csv import stream
from regress.sources.open import open_table
from tests.examples import examples, in_turn

M = 300
random = np.random.default_rng(6)
FRAME = pl.DataFrame(
    {
        "x": random.normal(size=M),
        "k": random.choice(["a", "b", 'say "c"', "d, e"], M),
        "on": random.integers(0, 2, M) == 1,
        "w": random.integers(0, 4, M),
        "y": random.normal(size=M),
    }
)
HOLES = FRAME.with_columns(
    x=pl.when(pl.arange(M) % 11 == 3).then(None).otherwise("x"),
    k=pl.when(pl.arange(M) % 17 == 5).then(None).otherwise("k"),
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make many blocks of a few hundred rows."""
    monkeypatch.setattr(stream, "BLOCK", 1000)
    for module in (polars_frames, arrow):
        monkeypatch.setattr(module, "SLICE", 37)
    monkeypatch.setattr(arrays, "block_rows", lambda _: 37)
    monkeypatch.setattr(parquet, "_FIRST", 20)
    monkeypatch.setattr(parquet, "_BLOCK", 8 * 5 * 31)


def indexed(table, target="y", **options):
    return read_table(table, target, TableOptions(**options), Reading(indexed=True))


def rows_of(block):
    """The rows of a block: X, y and their weights."""
    weights = np.ones(len(block.X)) if block.weights is None else block.weights
    return np.column_stack([block.X, block.Y, weights])


def check(read, order=None):
    """Compare blocks, read twice and in any order, with the rows of a pass in order; return how many there are."""
    index, blocks = read.index, BlockReader(read.reader, read.index)
    in_order = [rows_of(block) for block in read.reader.blocks()]
    rows = np.concatenate([np.empty((0, len(read.names) + 2)), *in_order])
    assert sum(blocks.used) == len(rows) == read.tally.used
    assert sum(place.rows for place in index) == read.tally.rows
    assert all(a.start + a.rows == b.start for a, b in pairwise(index))
    parts = np.split(rows, np.cumsum(blocks.used)[:-1])
    for place, part in zip(index, parts, strict=True):
        assert place.target_mean == (pytest.approx(part[:, -2].mean(), rel=1e-9, abs=1e-12) if len(part) else None)
    if order is None:
        order = np.random.default_rng(0).permutation(2 * len(index)) % len(index)  # each one twice
    expected = [k for k in order if blocks.used[k]]
    found = list(blocks.blocks(order))
    assert [block.columns for block in found] == [read.names] * len(expected)
    for k, block in zip(expected, found, strict=True):
        assert rows_of(block).tobytes() == parts[k].tobytes()
    return len(index)


def test_nothing_is_noted_unless_asked_for():
    assert read_table(FRAME, "y", TableOptions(), Reading()).index == ()


TABLES = {
    "csv": lambda frame, path: frame.write_csv(path / "t.csv") or path / "t.csv",
    "parquet": lambda frame, path: frame.write_parquet(path / "t.parquet", row_group_size=50) or path / "t.parquet",
    "polars": lambda frame, _: frame,
    "pandas": lambda frame, _: pd.DataFrame(frame.to_dict(as_series=False)),
    "dict": lambda frame, _: frame.to_dict(as_series=False),
}
OPTIONS = [
    {},
    {"missing": "drop", "weights": "w", "test_size": 0.3},
    {"missing": "drop", "test_size": 0.3, "split_key": "k"},
    {"missing": "drop", "test_size": 0.2, "split_key": "w", "rows": 150},
    {"missing": "mean", "features": ["x", "on"], "test_size": 0.4, "weights": "w"},
    {"missing": "drop", "na_values": ["d, e", "2"], "categorical": ["w"]},
]


@pytest.mark.parametrize(("table", "options"), in_turn(TABLES, OPTIONS), ids=str)
def test_blocks_in_any_order_hold_the_rows_of_the_pass_in_order(tmp_path, table, options):
    frame = HOLES if "missing" in options else FRAME
    read = indexed(TABLES[table](frame, tmp_path), **options)
    assert BlockReader(read.reader, read.index).random
    assert check(read) > 3


@pytest.mark.parametrize("table", TABLES)
def test_values_beside_the_table_go_with_their_rows(tmp_path, table):
    y, w = np.arange(M) * 1.5, np.arange(M) % 5
    read = indexed(TABLES[table](FRAME.drop("y", "w"), tmp_path), y, weights=w, test_size=0.3)
    check(read)
    targets = np.concatenate([block.Y[:, 0] for block in BlockReader(read.reader, read.index).blocks([2, 1])])
    first, second = (read.index[k] for k in (2, 1))
    assert set(targets) <= {1.5 * i for i in [*range(first.start, first.start + first.rows), *range(second.start, M)]}


@pytest.mark.parametrize("weights", [None, np.arange(M) % 3])
def test_blocks_of_an_array(weights):
    read = indexed(FRAME.select("x", "w").to_numpy(), FRAME["y"].to_numpy(), weights=weights, test_size=0.3)
    assert check(read) == 9
    assert [place.bookmark for place in read.index[:2]] == [(0, 37), (37, 37)]


def test_blocks_of_several_files_and_formats(tmp_path):
    for k, name in enumerate(["a.csv", "b.parquet", "c.csv"]):
        frame = HOLES.slice(100 * k, 100)
        frame.write_csv(tmp_path / name) if name.endswith("csv") else frame.write_parquet(tmp_path / name)
    (tmp_path / "d.csv").write_text("x,k,on,w,y\n")  # no row
    HOLES.head(30).write_csv(tmp_path / "e.csv")
    read = indexed(tmp_path, missing="drop", test_size=0.3)
    check(read)
    assert [*dict.fromkeys(place.partition for place in read.index)] == [0, 1, 2, 4]


def test_blocks_without_training_rows_are_skipped():
    frame = pl.DataFrame({"x": np.arange(148.0), "w": [0] * 74 + [1] * 74, "y": np.arange(148) % 7})
    read = indexed(frame, weights="w")
    assert [(place.used, place.target_mean) for place in read.index[:2]] == [(0, None)] * 2
    assert len(list(BlockReader(read.reader, read.index).blocks([0, 3, 1, 2]))) == 2
    check(read)


# CSV files as people write them

cells = st.sampled_from(["a", "b", "c\nd", "e;f", 'g"h', "", "NA", " a"])
numbers = st.sampled_from(["1", "2.5", "-3", "1e2", "", "NA", "7"])
targets = st.sampled_from(["1", "2.5", "4", "9", "NULL"])
sound = st.tuples(cells, numbers, st.sampled_from("0123"), targets)
broken = st.sampled_from(["", "# a comment", "oops", "a;1;1;1;1", "a;many;1;2"])
records = st.lists(st.one_of(sound, sound, sound, broken), min_size=5, max_size=60)
GOOD = [("a", "1", "1", "2"), ("b", "2.5", "2", "3"), ("a", "4", "3", "5.5"), ("b", "7", "1", "1")] * 3


def written(rows, decimal, end):
    """Rows as a CSV file with delimiter ; and the decimal mark given; text of its own stands as it is."""
    lines = ["k;x;w;y"]
    for row in rows:
        if isinstance(row, tuple):
            text = '"' + row[0].replace('"', '""') + '"' if set(row[0]) & set('\n;"') else row[0]
            row = ";".join([text, *(cell.replace(".", decimal) for cell in row[1:])])
        lines.append(row)
    text = end.join(["two lines", "of a title", *lines, ""])
    return text.replace("\n", "\r") if end == "\r" else text


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(
    rows=records,
    decimal=st.sampled_from(".,"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.integers(30, 400),
    options=st.sampled_from(
        [
            {"weights": "w"},
            {"test_size": 0.3},
            {"test_size": 0.4, "split_key": "k", "weights": "w"},
            {"missing": "mean", "drop": ["k"]},
        ]
    ),
    mark=st.booleans(),
)
@example([("a", "1.5", "1", "2.5"), "oops", ("c\nd", "2", "2", "4")] * 9, ",", "\r\n", 60, {"weights": "w"}, True)
def test_blocks_of_any_csv_file_hold_the_rows_of_the_pass_in_order(
    tmp_path_factory, rows, decimal, end, block, options, mark
):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    if options.get("missing") == "mean":  # which fills no target
        rows = [row for row in rows if "NULL" not in row]
    path.write_bytes(b"\xef\xbb\xbf" * mark + written([*GOOD, *rows], decimal, end).encode())
    given = {"skip_lines": 2, "delimiter": ";", "decimal": decimal, "comment": "#", "header": "yes"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK", block)
        try:
            read = indexed(path, **{"missing": "drop", "on_bad_lines": "skip", **given, **options})
        except InputError as refused:  # as perhaps in another format
            assume("more than half" not in str(refused))
            raise
        assert BlockReader(read.reader, read.index).random
        check(read)


@pytest.mark.parametrize("last", ["3", "3,5"])
def test_blocks_where_all_cells_decide_the_decimal_mark(write, last):
    rows = [f"{i};{i % 7}\n" for i in range(1500)]  # the first thousand do not tell
    read = indexed(write("x;y\n" + "".join(rows) + f"{last};2\n"))
    check(read)
    (last_block,) = BlockReader(read.reader, read.index).blocks([len(read.index) - 1])
    assert last_block.X[-1] == float(last.replace(",", "."))


def test_blocks_with_thousands_and_names_of_missing_cells(write):
    rows = [f"{'none' if i % 5 == 2 else f'{i},000'}|{i % 7}\n" for i in range(400)]
    read = indexed(write("x|y\n" + "".join(rows)), thousands=",", na_values=["none"], missing="drop")
    assert check(read) > 3
    assert read.tally.missing == 80


# What is wrong with a file


def bad_file(write):
    return write("x,y\n" + "".join("oops\n" if i % 99 == 98 else f"{i / 7},{i % 5}\n" for i in range(500)))


def test_rows_skipped_are_not_counted_again(write, tmp_path):
    table, rejects = bad_file(write), tmp_path / "rejects.csv"
    read = indexed(table, on_bad_lines="skip", max_bad_lines=5, rejects=rejects)
    before = rejects.read_text()
    assert read.tally.bad == before.count("oops") == 5
    for _ in range(3):
        check(read)
    assert rejects.read_text() == before


def test_a_bad_row_is_refused_as_in_the_pass_in_order(write):
    table, kinds = bad_file(write), {"x": "number", "y": "number"}
    (skipping,) = open_table(table, FileOptions(on_bad_lines="skip")).partitions()
    (strict,) = open_table(table).partitions()
    with pytest.raises(TableError) as in_order:
        list(strict.batches(kinds))
    bad = next(batch for batch in skipping.batches(kinds) if batch.bad is not None)
    with pytest.raises(TableError) as again:
        strict.batch_at(kinds, bad.bookmark)
    assert str(again.value) == str(in_order.value)
    assert str(again.value).startswith("t.csv, line 100: 1 cell where")
    assert skipping.batch_at(kinds, bad.bookmark).bad.tolist() == bad.bad.tolist()


@pytest.mark.parametrize("change", ["grow", "overwrite", "remove", "touch"])
@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_a_file_that_changed_since_it_was_read_is_refused(tmp_path, table, change):
    path = TABLES[table](FRAME, tmp_path)
    read = indexed(path)
    blocks = BlockReader(read.reader, read.index).blocks([3, 1, 0, 2, 4])
    next(blocks)
    if change == "grow":
        with path.open("ab") as file:
            file.write(b"1,2,3\n")
    elif change == "overwrite":
        path.write_bytes(path.read_bytes()[::-1])
    elif change == "touch":  # perhaps other bytes, as many of them
        os.utime(path, (0, 0))
    else:
        os.remove(path)
    with pytest.raises(TableError, match=rf"{path.name} (changed while it was read|cannot be read: No such file)"):
        list(blocks)


# Tables that can only be read in order


def compressed(path):
    path = path / "t.csv.gz"
    path.write_bytes(gzip.compress(FRAME.write_csv().encode()))
    return path


def recoded(path):
    path = path / "t.csv"
    path.write_bytes(FRAME.write_csv().encode("utf-16"))
    return path


class Streamed:
    """A table that gives an Arrow stream, and nothing else."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


@dataclass
class Rows(FramePartition):
    """Rows from outside, in frames of 50."""

    frame: pl.DataFrame
    name: str = ""
    size: int = M
    seekable: bool = False

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[object]:
        for start in range(0, self.frame.height, 50):
            found = self.frame_at(kinds, (start,))
            yield found if self.seekable else found.columns

    def frame_at(self, kinds: Mapping[str, ColumnKind], place: tuple[int, ...]) -> Frame:
        (start,) = place
        return Frame(self.frame.select(list(kinds)).slice(start, 50), start + 50, place=place)


class Outside(Source):
    columns = (Column("x", "number"), Column("y", "number"))

    def __init__(self, frame: pl.DataFrame, seekable: bool = False) -> None:
        self.frame, self.seekable = frame, seekable

    def partitions(self) -> list[Rows]:
        return [Rows(self.frame, seekable=self.seekable)]


IN_ORDER = {
    "compressed": compressed,
    "recoded": recoded,
    "stream": lambda _: Streamed(FRAME),
    "outside": lambda _: Outside(FRAME),
}


@pytest.mark.parametrize("table", IN_ORDER)
def test_a_table_that_can_only_be_read_in_order_says_so(tmp_path, table):
    read = indexed(IN_ORDER[table](tmp_path), test_size=0.3, missing="drop")
    blocks = BlockReader(read.reader, read.index)
    assert not blocks.random
    n = len(read.index)
    assert n > 3
    for order in (range(n), [1, 3], [], [n - 1]):
        check(read, order)
    for order in ([1, 0], [2, 2]):
        with pytest.raises(InputError, match=r"can only be read in order, .* or pass shuffle=False"):
            next(blocks.blocks(order))


@pytest.mark.parametrize("gz", [False, True])
def test_a_pipe_is_kept_and_read_in_any_order_unless_it_was_compressed(tmp_path, gz):
    data = FRAME.write_csv().encode()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(gzip.compress(data) if gz else data,))
    writer.start()
    read = indexed(tmp_path / "pipe")
    writer.join()
    assert BlockReader(read.reader, read.index).random != gz
    check(read, [0, 2] if gz else None)


def test_a_source_of_ones_own_may_give_its_frames_places():
    read = indexed(Outside(FRAME, seekable=True), test_size=0.3)
    assert [place.bookmark for place in read.index] == [(k, k) for k in range(0, M, 50)]
    assert check(read) == 6


@pytest.mark.parametrize("seekable", [False, True])
@pytest.mark.parametrize("other", [FRAME.head(100), FRAME.head(120), FRAME.with_columns(x=None)])
def test_a_table_that_gives_other_rows_when_it_is_read_again_is_refused(seekable, other):
    source = Outside(FRAME, seekable)
    read = indexed(source, missing="drop")
    source.frame = other
    with pytest.raises(TableError, match="the table gives other rows when it is read again"):
        list(BlockReader(read.reader, read.index).blocks(range(len(read.index))))


def test_partitions_without_bookmarks_say_so():
    (partition,) = Outside(FRAME).partitions()
    assert {batch.bookmark for batch in partition.batches({"x": "number"})} == {None}
    (streamed,) = open_table(Streamed(FRAME)).partitions()
    with pytest.raises(NotImplementedError, match="ArrowPart gives its frames no places"):
        streamed.batch_at({"x": "number"}, (0, 0))


def test_rows_beside_each_other_in_any_order_give_the_same_fit(tmp_path):
    """Least squares does not depend on the order: the rows of shuffled blocks give the coefficients of the table."""
    path = TABLES["csv"](HOLES, tmp_path)
    read = indexed(path, missing="drop", test_size=0.3)
    order = random.permutation(len(read.index))
    rows = np.concatenate([rows_of(block) for block in BlockReader(read.reader, read.index).blocks(order)])
    again, fit = regress.fit(rows[:, :-2], rows[:, -2]), regress.fit(path, "y", missing="drop", test_size=0.3)
    np.testing.assert_allclose(again.w, fit.w, rtol=1e-9)
