"""Damaged Parquet files: refused in one sentence, never read in part."""

import os
import random as rng

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

import regress
from regress.cli.main import main
from regress.errors import TableError
from regress.sources import parquet
from regress.sources.open import open_table

ROWS = 60


def code_of(*words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code


@pytest.fixture
def sound(tmp_path):
    x = [None if i % 7 == 3 else float(i) for i in range(ROWS)]
    frame = pl.DataFrame({"x": x, "y": [3.0 * i + 1 for i in range(ROWS)]})
    path = tmp_path / "s.parquet"
    frame.write_parquet(path, row_group_size=20, compression="uncompressed", statistics=False)
    return path


def damaged(path, at, value=0):
    data = bytearray(path.read_bytes())
    assert data[at] != value
    data[at] = value
    other = path.with_name("d.parquet")
    other.write_bytes(data)
    return other


COMMANDS = {
    "fit": ("fit", "{t}", "--target", "y", "--missing", "drop", "--save", "out"),
    "predict": ("predict", "{m}", "{t}", "-o", "out"),
    "inspect": ("inspect", "{t}"),
    "compare": ("compare", "{t}", "--target", "y", "--missing", "drop"),
    "certify": ("certify", "{m}", "{t}"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_whose_second_row_group_cannot_be_decoded_is_refused(sound, command, monkeypatch, capfd):
    monkeypatch.chdir(sound.parent)
    regress.fit(sound, "y", missing="drop").save("m.json")
    table = damaged(sound, 406)
    assert pl.scan_parquet(table).slice(0, 10).collect().height == 10  # the first row group is sound
    capfd.readouterr()
    assert code_of(*(word.format(t=table, m="m.json") for word in COMMANDS[command])) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: d.parquet is not a readable Parquet file: ")
    assert said.err.count("\n") == 1  # and no page of Rust
    assert not (sound.parent / "out").exists()


def test_whatever_is_done_to_a_file_all_of_its_rows_are_read_or_none(sound):
    """One byte, a hole or the end: what remains readable has its number of rows."""
    random, data, refused = rng.Random(1), sound.read_bytes(), []
    table = sound.with_name("d.parquet")
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for _ in range(300):
        other, at = bytearray(data), random.randrange(4, footer)  # values and their headers
        kind = random.choice(["byte", "hole", "cut"])
        if kind == "byte":
            other[at] = random.choice([0, 255, random.randrange(256)])
        elif kind == "hole":
            other[at : at + 40] = bytes(len(other[at : at + 40]))
        else:
            other = other[: at + len(data) - footer]
        table.write_bytes(other)
        try:
            source = open_table(table)
            rows = sum(batch.rows for batch in source.batches([column.name for column in source.columns]))
        except TableError as error:
            refused.append(str(error))
        else:
            assert rows == ROWS
    assert len(refused) > 100
    assert all(text.startswith("d.parquet is not a readable Parquet file: ") for text in refused)


def test_a_row_group_as_large_as_the_file_is_read_some_rows_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_FIRST", 100)
    monkeypatch.setattr(parquet, "_BLOCK", 16 * 250)
    frame = pl.DataFrame({"x": np.arange(1000.0), "y": np.arange(1000.0) ** 2})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=1000)
    batches = list(open_table(tmp_path / "t.parquet").batches(["x", "y"]))
    assert [batch.rows for batch in batches] == [100, 450, 450]
    assert pl.concat([batch.frame for batch in batches]).equals(frame)
    assert batches[-1].read == (tmp_path / "t.parquet").stat().st_size


def test_blocks_end_where_groups_of_rows_do_so_that_none_is_decoded_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_FIRST", 100)
    monkeypatch.setattr(parquet, "_BLOCK", 16 * 250)
    monkeypatch.setattr(parquet, "_LOOK", 700)  # the fourth group is looked at twice
    frame = pl.DataFrame({"x": np.arange(2000.0), "y": np.arange(2000.0) ** 2, "c": ["a", "b"] * 1000})
    groups = [120, 130, 90, 400, 700, 30, 40, 490]
    with pq.ParquetWriter(tmp_path / "t.parquet", frame.to_arrow().schema) as file:
        for stop, rows in zip(np.cumsum(groups), groups, strict=True):
            file.write_table(frame[int(stop) - rows : int(stop)].to_arrow(), row_group_size=rows)
    source = open_table(tmp_path / "t.parquet")
    batches = list(source.batches(["x", "y"]))
    assert [batch.rows for batch in batches] == [100, 240, 400, 350, 350, 70, 490]
    assert pl.concat([batch.frame for batch in batches]).equals(frame.select("x", "y"))
    assert [batch.frame.n_chunks() for batch in batches] == [1, 3, 1, 1, 1, 2, 1]
    again = source.partitions()[0].batch_at(source.kinds(["x", "y"]), batches[4].bookmark)
    assert again.frame.equals(batches[4].frame)


def test_what_others_write_to_standard_error_while_polars_reads_is_passed_on(capfd):
    with parquet._QUIET:
        print("held back", file=open(2, "w", closefd=False), flush=True)
    assert capfd.readouterr().err == "held back\n"


def test_threads_that_read_at_a_time_share_the_hold_of_standard_error(capfd):
    def say(text):
        os.write(2, text)

    with parquet._QUIET:
        with parquet._QUIET:
            say(b"first\n")
        assert capfd.readouterr().err == "first\n"  # the other one still reads
        with parquet._QUIET:
            say(b"thread panicked at a page\n")
        say(b"more of the page\n")
    say(b"last\n")
    assert capfd.readouterr().err == "last\n"
