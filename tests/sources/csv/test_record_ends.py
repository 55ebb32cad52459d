"""How records are cut: quotes within cells, escapes, blanks, trailing delimiters, bad rows, and what they may cost."""

import csv
import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.errors import TableError
from regress.options import FileOptions
from regress.sources.csv import rewrite as plain_module
from regress.sources.csv import stream
from regress.sources.csv.record_ends import Format, short_lines
from regress.sources.csv.rewrite import ENCLOSING, ENDLESS, UNREADABLE, last_end, pieces, plain, rows
from regress.sources.open import open_table
from tests.examples import examples


def table(path, **options):
    """Names, rows as text, and which of them are bad."""
    source = open_table(path, FileOptions(**options))
    names = [column.name for column in source.columns]
    found, bad = [], []
    for batch in source.read_as(dict.fromkeys(names, "text")).batches(names):
        found += [list(row) for row in zip(*(batch.texts(n) for n in names), strict=True)]
        bad += [False] * batch.rows if batch.bad is None else batch.bad.tolist()
    return names, [row for row, wrong in zip(found, bad, strict=True) if not wrong], sum(bad)


ROWS = [["1", "u, v", "2"], ["2", 'say "no"', "1"], ["3", "w", "5"], ["4", "x\ny", "7"]]
TABLE = (["a", "k", "y"], ROWS, 0)
FORMS = {
    "backslashes": 'a,k,y\n1,"u, v",2\n2,"say \\"no\\"",1\n3,w,5\n4,"x\ny",7\n',
    "single quotes": "a,k,y\n1,'u, v',2\n2,'say \"no\"',1\n3,w,5\n4,'x\ny',7\n",
    "single quotes and backslashes": "a,k,y\n1,'u, v',2\n2,'say \"no\"',1\n3,w,5\n4,'x\ny',7\n5,'it\\'s',1\n",
    "a blank behind delimiters": 'a, k, y\n1, "u, v", 2\n2, "say ""no""", 1\n3, w, 5\n4, "x\ny", 7\n',
    "a semicolon and a blank": 'a; k; y\n1; "u, v"; 2\n2; "say ""no"""; 1\n3; w; 5\n4; "x\ny"; 7\n',
    "one blank": 'a k y\n1 "u, v" 2\n2 "say ""no""" 1\n3 w 5\n4 "x\ny" 7\n',
    "aligned by blanks": 'a  k           y\n1  "u, v"      2\n2 "say ""no"""  1\n 3  w         5 \n4  "x\ny"      7\n',
    "blanks and tabs": 'a  k \t y\n1  "u, v"\t2\n2\t"say ""no"""  1\n3   w  5\n4  "x\ny" 7\n',
    "a delimiter at the end of rows": 'a,k,y\n1,"u, v",2,\n2,"say ""no""",1,\n3,w,5,\n4,"x\ny",7,\n',
    "delimiters at the end of all": 'a,k,y,,\r\n1,"u, v",2,,\r\n2,"say ""no""",1,,\r\n3,w,5,,\r\n4,"x\ny",7,,',
    "a delimiter at the end of the header": 'a,k,y,\n1,"u, v",2\n2,"say ""no""",1\n3,w,5\n4,"x\ny",7\n',
}


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize("block", [3, 17, None])
def test_forms_are_found_and_read(write, monkeypatch, case, block):
    if block:
        monkeypatch.setattr(stream, "BLOCK", block)
        monkeypatch.setattr(plain_module, "_PIECE", block)
    names, found, bad = table(write(FORMS[case]))
    assert (names, found[:4], bad) == TABLE


@pytest.mark.parametrize("case", ["delimiters", "flags"])
def test_carriage_returns_alone_end_lines(write, case):
    path = write(b"a,k,y\r1,u,2\r2,v,oops\r3,u,5\r" + b"4,v,1\r" * 3)
    with pytest.raises(TableError, match="line 3"):
        regress.fit(path, "y", features=["a"])
    assert regress.fit(path, "y", features=["a"], on_bad_lines="skip").tally.used == 5


def test_escapes_by_flag_where_the_start_of_a_file_has_none(write):
    body = "1,u,2\n" * 50_000 + '2,"say \\"no\\", or not",1\n'
    path = write("a,k,y\n" + body)
    with pytest.raises(TableError, match=r"line 50002.*escapechar="):
        table(path)
    assert table(path, escapechar="\\")[1][-1] == ["2", 'say "no", or not', "1"]


def test_a_cell_behind_trailing_delimiters_is_a_fault(write):
    path = write("a,y,\n1,2,\n" + "2,3,\n" * 2000 + "5,6,x\n1,1,\n")
    with pytest.raises(TableError, match="line 2003: 3 cells"):
        table(path)
    assert table(path, on_bad_lines="skip")[2] == 1


ENCLOSED = ['1.5"text, text",x', 'a "b, c" d,1', '5" nail,6"']


@pytest.mark.parametrize("text", ENCLOSED)
def test_quotes_in_two_cells_that_may_enclose_a_delimiter_are_a_fault(write, text):
    width = len(next(csv.reader([text])))
    header = ",".join(f"c{j}" for j in range(width))
    path = write(f"{header}\n" + (",".join(["1"] * width) + "\n") * 4 + text + "\n")
    with pytest.raises(TableError, match=r"line 6.*may enclose a delimiter.*quotechar='none'"):
        table(path)
    assert len(table(path, quotechar="none")[1]) == 5


def test_an_inch_sign_stays(write):
    path = write('k,y\n5" nail,1\n3" x 4" board,2\n"6"" bolt, new",3\n')
    assert table(path) == (["k", "y"], [['5" nail', "1"], ['3" x 4" board', "2"], ['6" bolt, new', "3"]], 0)


def test_a_quote_too_many_costs_its_line_and_no_other(write):
    good = [f'{i},"t {i}, u",{i * i % 7}' for i in range(40)]
    expected = [[str(i), f"t {i}, u", str(i * i % 7)] for i in range(40)]
    for bad in ('7,"t 7, u,0', '7,""t 7, u",0', '"7,"t 7, u",0', '7,"t 7, u"",0', '7,"t 7, "u",0'):
        path = write("a,k,y\n" + "\n".join([*good[:7], bad, *good[8:]]) + "\n")
        with pytest.raises(TableError, match="line 9"):
            table(path)
        assert table(path, on_bad_lines="skip") == (["a", "k", "y"], expected[:7] + expected[8:], 1), bad


def test_a_quote_that_never_ends_in_a_large_file_costs_its_line(write, monkeypatch):
    monkeypatch.setattr(stream, "BLOCK", 1000)
    monkeypatch.setattr(stream, "LONGEST", 5000)
    path = write("a,y\n1,2\n" + '"3,4\n' + "5,6\n" * 5000)
    assert [table(path, on_bad_lines="skip")[i] for i in (0, 2)] == [["a", "y"], 1]
    with pytest.raises(TableError, match="line 3: the quotes of this record never end"):
        table(path)


def test_a_line_too_long_is_no_matter_of_quotes(write, monkeypatch):
    monkeypatch.setattr(stream, "BLOCK", 1000)
    monkeypatch.setattr(stream, "LONGEST", 5000)
    with pytest.raises(TableError, match="a line of over") as refused:
        table(write("a,y\n1,2\n" + "3" * 9000))
    assert "quote" not in str(refused.value)


def test_more_than_half_of_the_rows_bad_is_refused(write):
    path = write("a,y\n1,2\n2,3\n" + "1\n" * 2)
    assert table(path, on_bad_lines="skip")[2] == 2
    path = write("a,y\n1,2\n2,3\n1\n4\n5,x,7\n")
    with pytest.raises(TableError, match="3 of 5 rows cannot be used, more than half"):
        regress.fit(path, "y", on_bad_lines="skip")


def test_marks_of_byte_order_within_a_file_are_text(write, monkeypatch):
    path = write("k,y\n\ufeffa,4\na,7\nb,10\n\ufeffa,5\n")
    for block in (4, 8, 1000):
        monkeypatch.setattr(stream, "BLOCK", block)
        assert [row[0] for row in table(path)[1]] == ["\ufeffa", "a", "b", "\ufeffa"]


def test_one_cell_and_one_column_are_singular(write):
    with pytest.raises(TableError, match=r"2 cells where the header names 1 column: too many"):
        table(write("a\n1\n2\n3\n1,2\n"))


# By an oracle that is not ours: Python's csv


def test_records_are_those_of_python_where_python_can_read_them():
    random.seed(1)
    compared = 0
    for _ in range(3000):
        text = "".join(random.choice(['"', '""', ",", "\n", "\r\n", "a", "b c", '"x, y"', '"\n"']) for _ in range(12))
        try:
            known = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except csv.Error:
            continue
        block = plain(text.encode(), Format())
        if block.broken:
            assert set(block.broken.values()) == {ENCLOSING}
            continue
        assert [cells for _, _, cells in rows(block, Format())] == known, text
        compared += 1
    assert compared > 300


def test_pieces_join_to_the_block_and_break_no_record():
    random.seed(2)
    for _ in range(2000):
        text = "".join(random.choice(['"', ",", "\n", "ab", '"x\ny"']) for _ in range(14)).encode()
        whole = text[: last_end(text, Format())]
        plain_module_piece = random.choice([1, 3, 8])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain_module, "_PIECE", plain_module_piece)
            cut = list(pieces(whole, Format()))
        assert b"".join(cut) == whole
        found = [cells for piece in cut for _, _, cells in rows(plain(piece, Format()), Format())]
        assert found == [cells for _, _, cells in rows(plain(whole, Format()), Format())], text


def test_the_work_is_linear_in_the_length():
    """Counted, not timed: the bytes in which the grammar looks for records."""
    for unit in (b'5" nail,1\n', b'"a"b,1\n', b'"a,1\n', b'"a\n""\n""\n'):
        looked = []
        for count in (200, 400):
            data = unit * count
            steps = 0
            for start, end, fault in plain_module._marked(data, Format(), len(data)):
                assert fault in ("", ENDLESS, UNREADABLE)
                steps += end - start
            looked.append(steps)
        assert looked[1] <= 2 * looked[0] + len(unit)


def test_numbers_in_all_forms_make_the_same_fit(write):
    values = np.random.default_rng(3).normal(size=(60, 3)).round(4)
    lines = [[repr(float(v)) for v in row] for row in values]
    header = ["a", "b", "y"]

    def text(delimiter, end="\n", last=""):
        return "".join(delimiter.join(row) + last + end for row in [header, *lines])

    known = regress.fit(write(text(",")), "y")
    for content in (text(" "), text("   "), text(", "), text(",", last=","), text(",", "\r"), "sep=;\n" + text(";")):
        fit = regress.fit(write(content), "y")
        assert (fit.w.tolist(), fit.b) == (known.w.tolist(), known.b)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(length=st.integers(1, 300), count=st.integers(1, 40_000), width=st.integers(1, 60))
def test_lines_too_short_for_their_columns_are_seen_wherever_one_looks(length, count, width):
    data = (b"1" * (length - 1) + b"\n") * count
    if not length < 2 * width < 4 * length:  # places are a sample, so that near the limit either is right
        assert short_lines(data, width) == (length < width)
