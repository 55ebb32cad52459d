"""Files as people have them, a trap each: `torture/` holds them, and what becomes of each is written here."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import shlex
import shutil
import zipfile
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from backports import zstd

import regress
from regress.cli.main import cli, main
from regress.cli.options import options_of
from regress.design.split import Split
from regress.errors import InputError
from regress.keywords import made
from regress.options import FileOptions
from regress.sources.csv import stream
from regress.sources.files import open_files, open_polars
from tests.examples import first
from tests.tables import cells

TORTURE = Path(__file__).parent / "torture"
BAD = "a bad row"  # in the place of a row that is there, and cannot be used
SKIP = "--on-bad-lines skip"
FILES = [*(f.name for f in fields(FileOptions)), "features", "drop", "categorical"]


class Refused(tuple):
    """The words that the refusal contains."""

    def __new__(cls, *words):
        return super().__new__(cls, words)


def exact(*cells):
    return [None if cell is None else float(Fraction(cell)) for cell in cells]


PLAIN = [[1, 2], [3.5, 4], [-5, 6]]
PAIRS = [[1, 2], [3, 4]]
MANY = [[float(i), float(i % 7)] for i in range(20_000)]
DAMAGED = Refused("damaged or cut short", "Fetch it again")

# What the flags make of each file: all its rows, or the words of the refusal. Cells that are missing are None.
OUTCOMES = {
    "plain.csv": [
        ("", PLAIN),
        ("--header no", Refused("line 1", "names the columns", "'x', 'y'", "--header yes")),
        ("--delimiter '|'", Refused("no column 'y'", "'x,y'")),
        ("--rejects r.csv", Refused("rejects", "--on-bad-lines skip")),
        ("--encoding latin-15", Refused("no encoding", "latin-15")),
        ("--delimiter ';;'", Refused("delimiter", "one ASCII character")),
        ("--on-bad-lines skip --max-bad-lines -1", Refused("--max-bad-lines", "-1")),
    ],
    "one_record.csv": [("", [[1, 2]])],
    "header_only.csv": [("", [])],
    "empty.csv": [("", Refused("line 1", "empty", "name the columns"))],
    "no_newline.csv": [("", PAIRS)],
    "semicolon.csv": [("", PAIRS), ("--delimiter ';'", PAIRS), ("--delimiter ,", Refused("no column 'y'", "'x;y'"))],
    "tab.csv": [("", PAIRS), ("--delimiter tab", PAIRS), ("--delimiter '\\t'", PAIRS)],
    "pipe.csv": [("", PAIRS), ("--delimiter '|'", PAIRS)],
    "colon.csv": [("", Refused("no column 'y'", "'x:y'")), ("--delimiter :", PAIRS)],
    "single_quotes.csv": [("", [["a,b", 1, 2], ["c", 3, 4]]), ("--quotechar \"'\"", [["a,b", 1, 2], ["c", 3, 4]])],
    "single_quotes_in_cells.csv": [
        ("--quotechar \"'\"", [["a,b", 1, 2], ["c", 3, 4]]),
        ("", [["a,b", 1, 2], ["c", 3, 4]]),
        ("--quotechar '\"'", Refused("line 2", "4 cells", "3 columns", "too many", "quotes")),
    ],
    "quote_none.csv": [
        ("--quotechar none", [['5" pipe', 1, 2], ['"open', 3, 4]]),
        ("", Refused("line 3", "quotes", "never end", "--quotechar none")),
        (SKIP, [['5" pipe', 1, 2], BAD]),
    ],
    "decimal_semicolon.csv": [
        ("", [[1.5, 2], [-325, 4]]),
        ("--decimal ,", [[1.5, 2], [-325, 4]]),
        ("--decimal .", Refused("'y'", "'4,0'", "--decimal ','")),
    ],
    "decimal_quoted.csv": [
        ("--decimal ,", [[1.5, 2], [2.5, 4.25]]),
        ("", Refused("'y'", "'4,25'", "--decimal ','")),
    ],
    "decimal_mixed.csv": [
        ("", Refused("line 3", "'x'", "'1,5'", "--decimal ','")),
        (SKIP, [[2.5, 3], BAD]),
        ("--decimal ,", Refused("'x'", "'2.5'")),
    ],
    "thousands_ambiguous.csv": [
        ("", Refused("'1,234'", "1.234", "1234", "--decimal ','")),
        ("--decimal ,", [[1.234, 2], [5.678, 3]]),
    ],
    "thousands.csv": [
        ("", Refused("'x'", "'1,234'", "--thousands ','")),
        ("--thousands ,", [[1234, 2], [5678, 3]]),
        ("--categorical x", [["1,234", 2], ["5,678", 3]]),
    ],
    "thousands_late.csv": [("", Refused("line 3", "'x'", "'1,234'", "--thousands ','")), (SKIP, [[999, 1], BAD])],
    "target_commas.csv": [("", Refused("'y'", "text", "'1,5'", "--decimal ','"))],
    "looks_like_data.csv": [
        ("--target x1", Refused("line 1", "looks like data", "'1', '2'", "--header no", "--header yes")),
        ("--target x1 --header no", [[1, 2], [3, 4], [5, 6.5]]),
        ("--target 2 --header yes", [[3, 4], [5, 6.5]]),
    ],
    "counted_names.csv": [
        ("--target 2", Refused("line 1", "looks like data", "--header no", "--header yes")),
        ("--target 2 --header yes", [[5, 6, 7], [8, 9, 1]]),
    ],
    "quoted.csv": [("", [["a,b", 1, 2], ["c\nd", 3, 4], ['e"f', 5, 6]])],
    "stray_quote.csv": [("", [['5" pipe', 1, 2], ['4" tee', 3, 4]])],
    "after_quote.csv": [("", Refused("line 3", "quotes", SKIP)), (SKIP, [["c", 1, 2], BAD, ["d", 5, 6]])],
    "after_quote_first.csv": [("", Refused("line 2", "quotes", SKIP)), (SKIP, [BAD, ["c", 3, 4], ["d", 5, 6]])],
    "endless_quote.csv": [
        ("", Refused("line 3", "quotes", "never end")),
        (SKIP, [["a", 1, 2], BAD, ["c", 5, 6]]),
    ],
    "endless_last_cell.csv": [
        ("", Refused("line 3", "quotes", "never end")),
        (SKIP, [["a", 1, 2], BAD]),
    ],
    "quotes_span.csv": [
        ("", Refused("line 5", "2 cells", "3 columns", "too few")),
        (SKIP, [["a\n\nb", 1, 2], BAD, ["d", 5, 6]]),
    ],
    "name_twice.csv": [("", Refused("line 1", "columns 1 and 3", "'x'", "Rename"))],
    "no_name.csv": [("", Refused("line 1", "column 2", "no name"))],
    "saved_index.csv": [("", [[0, 1, 2], [1, 3, 4]])],
    "exponents.csv": [("", [[1e5, 1], [-1.5e-3, 2], [7, 3], [0.5, 4], [5, 5]])],
    "digits.csv": [
        (
            "",
            [
                exact("123456789012345678901", 1),
                exact("9007199254740993", 2),
                exact("0.1000000000000000055511151231257827021181583404541015625", 3),
                exact("7205759403792793.5", 4),
            ],
        )
    ],
    "range.csv": [("", [[None, 1], [None, 2], [0, 3], [5e-324, 4], [1, 5]])],
    "hexadecimal.csv": [("", Refused("line 3", "'x'", "'0x10'", "--categorical x")), (SKIP, [[1, 2], BAD])],
    "underscores.csv": [("", Refused("line 3", "'x'", "'1_000'")), (SKIP, [[1, 2], BAD])],
    "padded.csv": [("", [[1, 2], [3, 4], [5, 6]])],
    "booleans.csv": [("", [[1, 1], [0, 2], [1, 3], [0, 4], [None, 5]])],
    "boolean_one.csv": [
        ("", Refused("line 2", "'x'", "'true'", "33% of its cells are numbers")),
        ("--categorical x", [["true", 1], ["false", 2], ["1", 3]]),
    ],
    "dates.csv": [
        ("", [[18263, 1, 2], [18264 + 10 / 24, 2, 3], [18266, 4, 4]]),
        ("--drop when", [[1, 2], [2, 3], [4, 4]]),
    ],
    "missing_numbers.csv": [("", [[1, 1], *([None, j] for j in range(2, 12)), [2, 12]])],
    "missing_text.csv": [("", [["a", 1, 1], *([None, j, j] for j in range(2, 6)), ["b", 6, 6], [None, 7, 7]])],
    "percent.csv": [("", Refused("'y'", "text, not numbers"))],
    "percent_late.csv": [("", Refused("line 3", "'y'", "'7%'", "not numbers"))],
    "currency.csv": [("", Refused("'y'", "text, not numbers"))],
    "currency_late.csv": [("", Refused("line 3", "'x'", "'€2'", "Write them as plain numbers"))],
    "short.csv": [
        ("", Refused("line 3", "2 cells", "3 columns", "too few", SKIP)),
        ("--features x", Refused("line 3", "2 cells", "3 columns", "too few")),
        (SKIP, [[1, 2, 3], BAD, [6, 7, 8]]),
    ],
    "long.csv": [
        ("", Refused("line 3", "4 cells", "3 columns", "too many", SKIP)),
        ("--features x", Refused("line 3", "4 cells", "3 columns", "too many")),
        (SKIP, [[1, 2, 3], BAD, [6, 7, 8]]),
    ],
    "wide_and_narrow.csv": [
        ("--features x", Refused("line 3", "4 cells", "too many")),
        (SKIP, [[1, 2, 3], BAD, BAD, [1, 1, 1]]),
        (f"--features x {SKIP}", [[1, 3], BAD, BAD, [1, 1]]),
    ],
    "long_by_empty.csv": [
        ("", Refused("line 3", "3 cells", "2 columns", "too many")),
        (SKIP, [[1, 2], BAD, [5, 6]]),
    ],
    "bad_cell.csv": [
        ("", Refused("line 3", "'z'", "'five'", "not a number", "--categorical z", SKIP)),
        (SKIP, [[1, 2, 3], BAD, [7, 8, 9]]),
        ("--features x", [[1, 3], [4, 6], [7, 9]]),
        ("--categorical z", [[1, "2", 3], [4, "five", 6], [7, "8", 9]]),
    ],
    "blank_lines.csv": [("", PAIRS)],
    "blank_line_quoted.csv": [("", [["a", 1, 2], ["b", 3, 4]])],
    "lone_blank.csv": [("--target x", [[1], [3], [None], [4]])],
    "several_bad.csv": [
        ("", Refused("line 3", "1 cell ", "2 columns", "too few")),
        (SKIP, [[1, 2], BAD, BAD, BAD, BAD, [9, 10], [2, 3], [5, 8]]),
        (f"{SKIP} --max-bad-lines 4", [[1, 2], BAD, BAD, BAD, BAD, [9, 10], [2, 3], [5, 8]]),
        (f"{SKIP} --max-bad-lines 3", Refused("line 7", "--max-bad-lines 3", "'none'", "--rejects FILE")),
    ],
    "first_row_bad.csv": [("", Refused("line 2", "1 cell ", "too few")), (SKIP, [BAD, [2, 3], [4, 5]])],
    "last_row_bad.csv": [("", Refused("line 4", "1 cell ", "too few")), (SKIP, [*PAIRS, BAD])],
    "parts": [("", [[1, 2], [3, 4], [5, 6], [7, 8]])],
    "parts/*.csv": [("", [[1, 2], [3, 4], [5, 6], [7, 8]])],
    "differ": [("", Refused("a.csv", "b.csv", "different columns", "'z'"))],
    "same_name/*/x.csv": [("", [[1, 2], [3, 4], [5, 6], [7, 8]])],
    "bad_parts/*.csv": [("", Refused("b.csv, line 4", "too few")), (SKIP, [*PAIRS, [5, 6], BAD, [8, 9]])],
    "nothing/*.csv": [("", Refused("No file matches"))],
    "same_name": [("", Refused("holds north, which is a folder"))],
    # Bytes that an editor or git would not keep:
    "plain.csv.gz": [("", PLAIN)],
    "plain.csv.zst": [("", PLAIN)],
    "plain.parquet": [("", PLAIN), ("--delimiter ,", Refused("delimiter", "CSV"))],
    "misnamed.csv": [("", PLAIN)],
    "two_members.csv.gz": [("", [*PLAIN, [7, 8]])],
    "two_frames.csv.zst": [("", [*PLAIN, [7, 8]])],
    "bad_row.csv.gz": [("", Refused("line 3", "too few")), (SKIP, [[1, 2, 3], BAD, [6, 7, 8]])],
    "bad_row.csv.zst": [("", Refused("line 3", "too few")), (SKIP, [[1, 2, 3], BAD, [6, 7, 8]])],
    "empty.csv.gz": [("", Refused("line 1", "empty"))],
    "damaged.csv.gz": [("", DAMAGED), (SKIP, DAMAGED)],
    "damaged.csv.zst": [("", DAMAGED), (SKIP, DAMAGED)],
    "truncated.csv.gz": [("", DAMAGED), (SKIP, DAMAGED)],
    "truncated.csv.zst": [("", DAMAGED), (SKIP, DAMAGED)],
    "barely.csv.gz": [("", DAMAGED)],
    "long_and_truncated.csv.gz": [("", DAMAGED), (SKIP, DAMAGED)],
    "archive.csv": [("", Refused("zip archive or spreadsheet", "Save it as CSV"))],
    "book.xlsx": [("", Refused("zip archive or spreadsheet", "Save it as CSV"))],
    "plain.csv.bz2": [("", Refused("bzip2", "gzip or zstd"))],
    "plain.csv.xz": [("", Refused("xz", "gzip or zstd"))],
    "mark.csv": [("", PAIRS), ("--encoding utf-8", PAIRS), ("--encoding utf-8-sig", PAIRS)],
    "mark_and_quotes.csv": [("", PAIRS)],
    "utf16_le_mark.csv": [("", PAIRS), ("--encoding utf-16", PAIRS), ("--encoding utf-16-le", PAIRS)],
    "utf16_be_mark.csv": [("", PAIRS), ("--encoding utf-16", PAIRS)],
    "utf16_le.csv": [("", PAIRS), ("--encoding utf-16-le", PAIRS)],
    "utf16_be.csv": [("", PAIRS), ("--encoding utf-16-be", PAIRS)],
    "utf16_greek.csv": [("--encoding utf-16-le", [["β", 1, 2]]), ("--encoding utf-16", [["β", 1, 2]])],
    "utf16_cut.csv": [("", Refused("line 3", "utf-16-le", "--encoding"))],
    "latin1.csv": [
        ("", Refused("line 3", "'k'", "byte 5", "0xe0", "not UTF-8", "--encoding cp1252")),
        (SKIP, [["Roma", 1, 2], BAD]),
        ("--encoding cp1252", [["Roma", 1, 2], ["Città", 3, 4]]),
        ("--encoding latin-1", [["Roma", 1, 2], ["Città", 3, 4]]),
        ("--encoding ascii", Refused("line 3", "0xe0", "ascii", "--encoding")),
    ],
    "latin1_header.csv": [
        ("", Refused("line 1", "byte 5", "0xe0", "not UTF-8", "--encoding cp1252")),
        ("--encoding cp1252", PAIRS),
    ],
    "latin1_unused.csv": [("--features x", PAIRS), ("", Refused("line 3", "'junk'", "0xe9"))],
    "cp1252.csv": [("--encoding cp1252", [["€ a", 1, 2]])],
    "not_cp1252.csv": [("--encoding cp1252", Refused("line 3", "0x81", "cp1252", "--encoding"))],
    "carriage_returns.csv": [("", PAIRS)],
    "windows.csv": [("", PAIRS)],
    "windows_blank_quoted.csv": [("", [["a", 1, 2], ["b\r\nc", 3, 4], ["d", 5, 6]])],
    "return_in_cell.csv": [("", [["a\rz", 1, 2], ["b", 3, 4], ["c", 5, 6]])],  # only a newline ends a record
    "return_in_late_cell.csv": [("", [["b", 1, 2], ["a\rz", 3, 4], ["c", 5, 6]])],
    "return_after_quote.csv": [("", Refused("line 3")), (SKIP, [["b", 1, 2], BAD, ["c", 5, 6]])],
    "starts_like_zlib.csv": [("", [["x\1a", 1, 2], ["b", 3, 4]])],
    "late_fraction.csv": [("", [[7, 1]] * 300_000 + [[1.5, 2]])],
    "late_value.csv": [("", [[None, None, 1]] * 5000 + [[2.5, "red", 3]])],
    "padded_zeros.csv": [("", [[1, 2], [3, 4]])],
}  # fmt: skip


def many():
    return ("x,y\n" + "".join(f"{x:.0f},{y:.0f}\n" for x, y in MANY)).encode()


def zipped():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("plain.csv", "x,y\n1,2\n")
    return held.getvalue()


def parquet():
    held = io.BytesIO()
    pl.DataFrame(PLAIN, schema=["x", "y"], orient="row").write_parquet(held)
    return held.getvalue()


def damaged(content):
    return content[: len(content) // 2] + bytes(64) + content[len(content) // 2 + 64 :]


def generated():
    plain, bad = (TORTURE / "plain.csv").read_bytes(), (TORTURE / "short.csv").read_bytes()
    pairs = "x,y\n1,2\n3,4\n"
    return {
        "plain.csv.gz": gzip.compress(plain),
        "plain.csv.zst": zstd.compress(plain),
        "plain.parquet": parquet(),
        "misnamed.csv": parquet(),
        "two_members.csv.gz": gzip.compress(plain) + gzip.compress(b"7,8\n"),
        "two_frames.csv.zst": zstd.compress(plain) + zstd.compress(b"7,8\n"),
        "bad_row.csv.gz": gzip.compress(bad),
        "bad_row.csv.zst": zstd.compress(bad),
        "empty.csv.gz": gzip.compress(b""),
        "damaged.csv.gz": damaged(gzip.compress(many())),
        "damaged.csv.zst": damaged(zstd.compress(many())),
        "truncated.csv.gz": gzip.compress(many())[:-100],
        "truncated.csv.zst": zstd.compress(many())[:-100],
        "barely.csv.gz": gzip.compress(plain)[:5],
        "long_and_truncated.csv.gz": gzip.compress(b"x,y\n" + b"1,2\n" * 5_000_000, 1)[:-20],
        "archive.csv": zipped(),
        "book.xlsx": zipped(),
        "plain.csv.bz2": bz2.compress(plain),
        "plain.csv.xz": lzma.compress(plain),
        "mark.csv": pairs.encode("utf-8-sig"),
        "mark_and_quotes.csv": '"x","y"\n1,"2"\n3,4\n'.encode("utf-8-sig"),
        "utf16_le_mark.csv": b"\xff\xfe" + pairs.encode("utf-16-le"),
        "utf16_be_mark.csv": b"\xfe\xff" + pairs.encode("utf-16-be"),
        "utf16_le.csv": pairs.encode("utf-16-le"),
        "utf16_be.csv": pairs.encode("utf-16-be"),
        "utf16_greek.csv": "αβγ,x,y\nβ,1,2\n".encode("utf-16-le"),
        "utf16_cut.csv": pairs.encode("utf-16-le")[:-1],
        "latin1.csv": "k,x,y\nRoma,1,2\nCittà,3,4\n".encode("latin-1"),
        "latin1_header.csv": "città,y\n1,2\n3,4\n".encode("latin-1"),
        "latin1_unused.csv": "junk,x,y\nabc,1,2\né,3,4\n".encode("latin-1"),
        "cp1252.csv": "k,x,y\n€ a,1,2\n".encode("cp1252"),
        "not_cp1252.csv": b"k,x,y\na,1,2\n\x81,3,4\n",
        "carriage_returns.csv": b"x,y\r1,2\r3,4\r",
        "windows.csv": b"x,y\r\n1,2\r\n3,4\r\n",
        "windows_blank_quoted.csv": b'k,x,y\r\n"a",1,2\r\n\r\n"b\r\nc",3,4\r\nd,5,6\r\n',
        "return_in_cell.csv": b"k,x,y\na\rz,1,2\nb,3,4\nc,5,6\n",
        "return_in_late_cell.csv": b"k,x,y\nb,1,2\na\rz,3,4\nc,5,6\n",
        "return_after_quote.csv": b'k,x,y\nb,1,2\n"a"\rz,3,4\nc,5,6\n',
        "starts_like_zlib.csv": b"k,x,y\nx\1a,1,2\nb,3,4\n",
        "late_fraction.csv": b"x,y\n" + b"7,1\n" * 300_000 + b"1.5,2\n",
        "late_value.csv": b"x,k,y\n" + b",,1\n" * 5000 + b"2.5,red,3\n",
        "padded_zeros.csv": b"x,y\n0001,2.000\n+03,04e00\n",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("torture") / "files"
    shutil.copytree(TORTURE, path)
    for name, content in generated().items():
        (path / name).write_bytes(content)
    return path


@pytest.fixture
def run(capfd):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        return ended.value.code or 0, *capfd.readouterr()

    return call


def flags_of(flags):
    """Flags as a list, with the target that most files have."""
    given = shlex.split(flags)
    return given if "--target" in given else [*given, "--target", "y"]


def parsed(table, flags):
    return cli.commands["fit"].make_context("fit", [str(table), *flags_of(flags)]).params


def rows_of(table, flags):
    """All rows of a table, as the flags read it."""
    given = options_of(parsed(table, flags))
    source = open_files(table, made(FileOptions, given))
    source = source.read_as(dict.fromkeys(given.get("categorical", ()), "text"))
    wanted = [*given["features"], given["target"]] if "features" in given else [c.name for c in source.columns]
    wanted = [name for name in wanted if name not in given.get("drop", ())]
    columns, bad, _ = cells(source, wanted)
    in_order = [columns[c.name] for c in source.columns if c.name in columns]
    return [BAD if wrong else [plain_cell(c[i]) for c in in_order] for i, wrong in enumerate(bad)]


def plain_cell(cell):
    if cell is None or isinstance(cell, str):
        return cell
    return float(cell) if np.isfinite(cell) else None


ALL = [(name, flags, outcome) for name, cases in OUTCOMES.items() for flags, outcome in cases]
READ = [(n, f, o) for n, f, o in ALL if not isinstance(o, Refused)]
REFUSED = [(n, f, o) for n, f, o in ALL if isinstance(o, Refused)]


def identified(cases):
    return {"argvalues": cases, "ids": [f"{name} {flags}".strip() for name, flags, _ in cases]}


def test_every_file_of_the_folder_has_an_outcome():
    inside = {p.relative_to(TORTURE) for p in TORTURE.rglob("*.csv")}
    named = {p.relative_to(TORTURE) for name in OUTCOMES for p in TORTURE.glob(name) if p.is_file()}
    named |= {p.relative_to(TORTURE) for name in OUTCOMES for p in TORTURE.glob(f"{name}/*.csv")}
    assert inside == named
    assert set(generated()) <= set(OUTCOMES)


@pytest.mark.parametrize(("name", "flags", "rows"), **identified(READ))
def test_what_can_be_read_is_read_exactly(folder, name, flags, rows):
    assert rows_of(folder / name, flags) == rows


SMALL = [case for case in READ if len(case[2]) < 100]


@pytest.mark.parametrize("block", first([5], [1, 16]))
@pytest.mark.parametrize(("name", "flags", "rows"), **identified(SMALL))
def test_it_is_read_the_same_in_blocks_of_a_few_bytes(folder, monkeypatch, name, flags, rows, block):
    monkeypatch.setattr(stream, "BLOCK", block)
    monkeypatch.setattr(stream, "_LOOK", block)
    assert rows_of(folder / name, flags) == rows


@pytest.mark.parametrize(("name", "flags", "words"), **identified(REFUSED))
def test_what_cannot_be_used_is_refused_in_one_sentence(folder, run, monkeypatch, name, flags, words):
    monkeypatch.chdir(folder)
    code, out, err = run("fit", name, *flags_of(flags))
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: [^\n]*\n", err)
    for word in words:
        assert word in err
    assert not (folder / "r.csv").exists()


@pytest.mark.parametrize("block", [1, 5, 16])
@pytest.mark.parametrize("name", ["endless_quote.csv", "after_quote.csv", "short.csv", "latin1.csv", "bad_cell.csv"])
def test_a_refusal_names_the_same_place_in_blocks_of_a_few_bytes(folder, monkeypatch, name, block):
    said = []
    for size in (stream.BLOCK, block):
        monkeypatch.setattr(stream, "BLOCK", size)
        monkeypatch.setattr(stream, "_LOOK", size)
        with pytest.raises(InputError) as refused:
            rows_of(folder / name, "")
        said.append(str(refused.value))
    assert said[0] == said[1]


COUNTED = [(n, f, o) for n, f, o in SMALL if o and len(o[0]) > 1]


@pytest.mark.parametrize("test", first([0.3], [0.0]))
@pytest.mark.parametrize(("name", "flags", "rows"), **identified(COUNTED))
@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_every_row_is_accounted_for(folder, run, name, flags, rows, test):
    bad = rows.count(BAD)
    missing = sum(row is not BAD and None in row for row in rows)
    whole = len(rows) - bad - missing
    skip = "" if name.endswith(".parquet") or name == "misnamed.csv" else SKIP
    code, out, err = run("fit", folder / name, *flags_of(f"{skip} {flags} --missing drop --test-size {test} --json"))
    if code == 2:  # a few rows may all be held out
        assert "no row left to train on" in err
        counts = dict(re.findall(r"([a-z_]+)=(\d+)", re.sub(r"(\d+) (used|held out|missing|bad)", tallied, err)))
        told = {"rows": len(rows)} | {k: int(v) for k, v in counts.items()}
    else:
        told = json.loads(out)["rows"]
    found = [told.get(k, 0) for k in ("used", "held_out", "missing", "bad", "zero_weight")]
    assert told["rows"] == len(rows) == sum(found)
    assert found[2:] == [missing, bad, 0]
    assert found[0] + found[1] == whole
    assert (found[1] == 0) or test
    if code == 0:
        given = options_of(parsed(folder / name, f"{skip} {flags}"))
        files = {f: given[f] for f in FILES if f in given}
        fit = regress.fit(folder / name, given["target"], missing="drop", test_size=test, **files)
        tally = fit.tally
        assert tally.rows == tally.used + tally.held_out + tally.missing + tally.bad + tally.zero_weight == len(rows)


def tallied(found):
    return f"{found[2].replace(' ', '_')}={found[1]}"


def test_the_row_of_zero_weight_is_counted_as_that_and_a_bad_one_as_bad_whatever_its_weight(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,w,y\n1,1,2\n2,0,3\n3,1,5\n,0,1\noops,0,1\noops,1,1\n4,1,\n5,-1,9,9\n6,2,1\n")
    fit = regress.fit(path, "y", weights="w", missing="drop", on_bad_lines="skip")
    t = fit.tally
    assert (t.rows, t.used, t.zero_weight, t.missing, t.bad) == (9, 3, 2, 1, 3)


# Rejected rows


def rejected(path):
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["file", "line", "reason", "text"]
    return [(file, int(line), reason, text) for file, line, reason, text in rows]


def test_rejects_hold_file_line_reason_and_text(folder, run, tmp_path):
    path = tmp_path / "r.csv"
    arguments = ["--target", "y", "--on-bad-lines", "skip", "--rejects", path, "--json"]
    code, out, _ = run("fit", folder / "several_bad.csv", *arguments)
    assert (code, json.loads(out)["rows"]["bad"]) == (0, 4)
    found = rejected(path)
    assert [(file, line, text) for file, line, _, text in found] == [
        ("several_bad.csv", 3, "3"),
        ("several_bad.csv", 4, "4,5,6"),
        ("several_bad.csv", 5, "oops,7"),
        ("several_bad.csv", 7, "8,none"),
    ]
    reasons = [reason for _, _, reason, _ in found]
    for reason, words in zip(reasons, ["too few", "too many", "column 'x': 'oops'", "column 'y': 'none'"], strict=True):
        assert words in reason


def test_rejects_of_quoted_records_hold_all_their_lines(tmp_path):
    path, rejects = tmp_path / "t.csv", tmp_path / "r.csv"
    path.write_bytes(b'k,x,y\r\n"a\r\nb",1,2\r\n"c\r\n\r\nd",3\r\n"e""f",oops,6\r\n"g"h,7,8\r\nz,8,9\r\ny,9,1\r\n')
    regress.fit(path, "y", features=["x"], on_bad_lines="skip", rejects=rejects)
    assert [(line, text) for _, line, _, text in rejected(rejects)] == [
        (4, '"c\r\n\r\nd",3'),
        (7, '"e""f",oops,6'),
        (8, '"g"h,7,8'),
    ]


def test_rejects_with_carriage_returns_can_be_read_back(tmp_path):
    path, rejects = tmp_path / "t.csv", tmp_path / "r.csv"
    path.write_bytes(b"x,y\n1,2\n3\r,4,5\n2,3\n")
    regress.fit(path, "y", on_bad_lines="skip", rejects=rejects)
    assert [(line, text) for _, line, _, text in rejected(rejects)] == [(3, "3\r,4,5")]


def test_rejects_of_a_glob_name_the_file(folder, tmp_path):
    rejects = tmp_path / "r.csv"
    regress.fit(str(folder / "bad_parts" / "*.csv"), "y", on_bad_lines="skip", rejects=rejects)
    assert [(file, line, text) for file, line, _, text in rejected(rejects)] == [("b.csv", 4, "7")]


@pytest.mark.parametrize("missing", ["drop", "mean"])
@pytest.mark.parametrize("precision", ["float64", "exact"])
def test_rejects_hold_each_row_once_however_often_the_table_is_read(folder, tmp_path, missing, precision):
    rejects = tmp_path / "r.csv"
    fit = regress.fit(
        folder / "several_bad.csv",
        "y",
        on_bad_lines="skip",
        rejects=rejects,
        missing=missing,
        precision=precision,
        cov_type="HC1",
    )
    assert [line for _, line, _, _ in rejected(rejects)] == [3, 4, 5, 7]
    assert fit.tally.bad == 4


def test_as_many_bad_rows_as_allowed_are_skipped_and_one_more_is_refused_with_all_of_them_written(run, tmp_path):
    path, rejects = tmp_path / "t.csv", tmp_path / "r.csv"
    path.write_text("x,y\n" + "1,2\n2,3\n5,1\n" * 5 + "bad\n" * 8)
    arguments = [
        "fit",
        path,
        "--target",
        "y",
        "--on-bad-lines",
        "skip",
        "--rejects",
        rejects,
        "--json",
        "--max-bad-lines",
    ]
    code, out, _ = run(*arguments, 8)
    assert (code, json.loads(out)["rows"]["bad"], len(rejected(rejects))) == (0, 8, 8)
    rejects.unlink()
    code, out, err = run(*arguments, 7)
    assert (code, out) == (2, "")
    assert "--max-bad-lines 7" in err
    assert str(rejects) in err
    assert "line 24" in err
    assert [line for _, line, _, _ in rejected(rejects)][:7] == list(range(17, 24))
    path.write_text("x,y\n1,2\n2,3\n5,1\n")
    code, out, _ = run(*arguments, 0)
    assert (code, rejected(rejects)) == (0, [])


def test_predictions_skip_bad_rows_in_their_place(folder, run, tmp_path):
    model, rejects = tmp_path / "m.json", tmp_path / "r.csv"
    regress.fit(folder / "plain.csv", "y").save(model)
    code, out, err = run("predict", model, folder / "several_bad.csv", "--on-bad-lines", "skip", "--rejects", rejects)
    assert code == 0
    assert [bool(cell) for _, cell in list(csv.reader(out.splitlines()))[1:]] == [
        True,
        False,
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    assert [line for _, line, _, _ in rejected(rejects)] == [3, 4, 5]  # y is not read
    assert "3 rows" in err


# Categories


def both(tmp_path, frame, **options):
    """The fits of a table as a file, as a Polars frame, and as one of Categoricals."""
    frame.write_csv(tmp_path / "t.csv")
    order = sorted(frame["k"].drop_nulls().unique())
    enum = frame.with_columns(pl.col("k").cast(pl.Enum(order)))
    tables = (tmp_path / "t.csv", frame, frame.with_columns(pl.col("k").cast(pl.Categorical)), enum)
    return [regress.fit(table, "y", **options) for table in tables]


def levels_table(m=4000):
    random = np.random.default_rng(7)
    kinds = random.choice(["b", "a", "é", "c d", 'q"'], size=m)
    return pl.DataFrame({"k": kinds, "x": random.normal(size=m).round(4), "y": random.normal(size=m).round(4)})


@pytest.mark.parametrize("block", [997, 20_000, 2**24])
def test_categories_give_the_coefficients_that_frames_give_wherever_a_level_first_appears(tmp_path, monkeypatch, block):
    monkeypatch.setattr(stream, "BLOCK", block)
    monkeypatch.setattr(stream, "_LOOK", block)
    late = pl.DataFrame({"k": ["A first"] * 3, "x": [1.0, 2.0, 0.5], "y": [3.0, 1.0, 2.0]})
    fits = both(tmp_path, pl.concat([levels_table(), late]), precision="float64", over="moments")
    assert fits[0].names == ("k=a", "k=b", "k=c d", 'k=q"', "k=é", "x")
    for other in fits[1:]:
        assert other.names == fits[0].names
        assert (other.w.tolist(), other.b) == (fits[0].w.tolist(), fits[0].b)


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_a_level_in_held_out_rows_only_is_no_coefficient(tmp_path):
    frame = levels_table(200)
    (batch,), split = open_polars(frame).batches(["x"]), Split(0.3)
    row = int(np.flatnonzero(split.over(split.bits(batch)).held_out(batch))[-1])
    plain = regress.fit(frame, "y", test_size=0.3)
    kinds = frame["k"].to_list()
    kinds[row] = "zz"
    with pytest.warns(regress.DataWarning, match=r"1 held-out cell has a level that no training row has \(k=zz\)"):
        fit = regress.fit(frame.with_columns(k=pl.Series(kinds)), "y", test_size=0.3)
    assert fit.names == plain.names
    assert fit.w.tolist() == plain.w.tolist()


ABSENT = {
    "of weight zero": ("zz,1,0,3\n", {"weights": "w"}),
    "with a bad cell": ("zz,oops,1,3\n", {"on_bad_lines": "skip", "weights": "w"}),
    "too long": ("zz,1,1,3,\n", {"on_bad_lines": "skip", "weights": "w"}),
}


@pytest.mark.parametrize("row", ABSENT)
def test_a_level_in_a_row_that_is_left_out_is_none(tmp_path, row):
    line, options = ABSENT[row]
    path = tmp_path / "t.csv"
    text = "k,x,w,y\na,1,1,2\nb,2,1,1\nb,5,2,7\na,3,1,4\n"
    path.write_text(text)
    plain = regress.fit(path, "y", weights="w")
    path.write_text(text + line)
    fit = regress.fit(path, "y", **options)
    assert (fit.names, fit.w.tolist(), fit.b) == (plain.names, plain.w.tolist(), plain.b)
    (tmp_path / "new.csv").write_text("k,x\nzz,1\n")
    with pytest.raises(InputError, match=r"line 2.*'zz' was not seen"):
        fit.predict(tmp_path / "new.csv")


def test_more_levels_than_allowed_are_refused_in_whichever_block(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("k,x,y\n" + "".join(f"k{i % 11},{i % 7},{i % 5}\n" for i in range(200)))
    assert len(regress.fit(path, "y", max_categories=11).names) == 11
    for block in (2**24, 30):
        monkeypatch.setattr(stream, "BLOCK", block)
        with pytest.raises(InputError, match=r"'k'.*max_categories=10.*drop=\['k'\]"):
            regress.fit(path, "y", max_categories=10)


def test_unseen_levels_are_refused_or_predicted_as_the_first(folder, run, tmp_path):
    table, model, new = tmp_path / "t.csv", tmp_path / "m.json", tmp_path / "new.csv"
    levels_table(100).write_csv(table)
    regress.fit(table, "y").save(model)
    new.write_text("x,k\n1.5,é\n2.5,unheard\n")
    code, out, err = run("predict", model, new)
    assert (code, out) == (2, "")
    for word in ("new.csv, line 3", "'k'", "'unheard'", "--handle-unknown reference"):
        assert word in err
    code, out, _ = run("predict", model, new, "--handle-unknown", "reference")
    assert code == 0
    predicted = [float(cell) for _, cell in list(csv.reader(out.splitlines()))[1:]]
    assert predicted == regress.load(model).predict(pl.DataFrame({"x": [1.5, 2.5], "k": ["é", "a"]})).tolist()
