"""CSV files as people have them: what is read, what is refused, and in which words."""

import csv
import io
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import regress
from regress.errors import TableError
from regress.sources.base import MISSING
from regress.sources.files import open_files
from tests.examples import examples
from tests.tables import columns_of


def numbers(path, *names):
    columns = columns_of(path, names or None)
    return [list(row) for row in zip(*columns.values(), strict=True)]


def levels(path, name):
    return sorted({level for level in columns_of(path, [name])[name] if level is not None})


READABLE = {
    "plain": ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
    "no newline at the end": ("a,b\n1,2\n3,4", [[1, 2], [3, 4]]),
    "Windows line ends": ("a,b\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]]),
    "a byte order mark": ("\ufeffa,b\n1,2\n", [[1, 2]]),
    "quoted numbers": ('a,b\n"1","2"\n', [[1, 2]]),
    "quoted names with a comma and a newline": ('"a,1","b\nc"\n1,2\n', [[1, 2]]),
    "a quote in a name": ('"a""1",b\n1,2\n', [[1, 2]]),
    "a blank line in the middle": ("a,b\n1,2\n\n3,4\n", [[1, 2], [3, 4]]),
    "blank lines at the end": ("a,b\n1,2\n\n\n", [[1, 2]]),
    "blank Windows lines": ("a,b\r\n1,2\r\n\r\n3,4\r\n", [[1, 2], [3, 4]]),
    "a blank line in a file with quotes": ('a,b\n"1",2\n\n3,4\n', [[1, 2], [3, 4]]),
    "a blank line in a single column": ("a\n1\n\n3\n", [[1], [3]]),
    "exponents, signs, bare points": ("a,b\n+1,1E+05\n.5,-5.\n1e-3,0\n", [[1, 1e5], [0.5, -5], [1e-3, 0]]),
    "21-digit integers": ("a\n123456789012345678901\n1\n", [[123456789012345678901.0], [1]]),
    "blanks before a number": ("a,b\n 1, 2\n3, 4\n", [[1, 2], [3, 4]]),
    "blanks around a number": ("a,b\n1 ,\t2 \n3, 4  \n", [[1, 2], [3, 4]]),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), [[1, 2]]),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-be"), [[1, 2]]),
    "booleans in any case": ("a,b\ntrue,FALSE\nFalse,True\n", [[1, 0], [0, 1]]),
    "no rows": ("a,b\n", []),
}


@pytest.mark.parametrize("case", READABLE)
def test_readable_files_are_read(write, case):
    content, rows = READABLE[case]
    assert numbers(write(content)) == rows


@pytest.mark.parametrize("token", [*MISSING, "inf", "-inf", "Infinity"])
def test_missing_tokens_hold_no_number(write, token):
    ((a, b), (c, _)) = numbers(write(f"a,b\n1,{token}\n2,3\n"))
    assert (a, c) == (1, 2)
    assert not np.isfinite(b)


@pytest.mark.parametrize("token", MISSING)
def test_missing_tokens_are_no_level(write, token):
    assert levels(write(f"k,y\nred,1\n{token},2\nblue,3\n"), "k") == ["blue", "red"]


REFUSED = {
    "a quote that never ends": ('a,b\n1,2\n3,"4\n5,6\n', ["line 3"]),
    "short row": ("a,b,c\n1,2,3\n4,5\n", ["line 3", "2 cells", "3 columns", "too few"]),
    "short row after a blank line": ("a,b\n1,2\n\n4\n", ["line 4", "too few"]),
    "short row in a file with quotes": ('a,b\n"1",2\n4\n', ["line 3", "too few"]),
    "long row": ("a,b\n1,2\n3,4,5\n", ["line 3", "3 cells", "too many"]),
    "later cell is text": ("a,b\n1,2\n3,four\n", ["line 3", "'b'", "'four'", "na_values=['four']"]),
    "first cell is text": ("a,b\n1,four\n3,2\n", ["line 2", "'b'", "'four'", "na_values=['four']"]),
    "hexadecimal": ("a,b\n1,2\n0x10,4\n", ["line 3", "'0x10'"]),
    "underscores": ("a,b\n1,2\n1_000,4\n", ["line 3", "'1_000'", "thousands='_'"]),
    "decimal comma": ('a,b\n1,2\n"1,5",4\n', ["line 3", "'1,5'", "decimal=','"]),
    "thousands": ('a,b\n980,2\n"1,200",4\n', ["line 3", "'1,200'", "thousands=','"]),
    "line numbers count quoted newlines": ('a,b\n1,2\n3,"4\n5"\n', ["line 3"]),
    "name twice": ("a,b,a\n1,2,3\n", ["line 1", "columns 1 and 3", "'a'"]),
    "no name": ("a,,b\n0,1,2\n", ["line 1", "column 2"]),
    "empty file": ("", ["line 1", "empty"]),
    "Latin-1 header": ("città,b\n1,2\n".encode("latin-1"), ["line 1", "UTF-8", "0xe0"]),
    "Latin-1 cell": ("a,b\n1,2\n3,é\n".encode("latin-1"), ["line 3", "UTF-8", "0xe9"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_a_sentence(write, case):
    content, words = REFUSED[case]
    with pytest.raises(TableError) as refused:
        numbers(write(content))
    said = str(refused.value)
    assert "t.csv" in said
    assert "\n" not in said.replace("b\nc", "")
    for word in words:
        assert word in said


def test_integers_for_300000_rows_and_then_a_fraction(write):
    path = write("x,y\n" + "7,1\n" * 300_000 + "1.5,2\n")
    assert numbers(path)[-1] == [1.5, 2]


def test_a_column_empty_at_first_is_what_its_first_value_is(write):
    columns = columns_of(write("x,k,y\n" + ",,1\n" * 5000 + "2.5,red,3\n"))
    assert [column[-1] for column in columns.values()] == [2.5, "red", 3]
    assert numbers(write("x,y\n" + ",1\n" * 5000 + "2.5,3\n"))[-1] == [2.5, 3]


def test_a_fault_far_behind_names_its_line(write):
    path = write("x,y\n" + "1,2\n" * 200_000 + "1,oops\n")
    with pytest.raises(TableError, match=r"Column 'y' .* 'oops' \(t.csv, line 200002\)"):
        numbers(path)
    path = write("x,y\n" + "1,2\n" * 200_000 + "1\n")
    with pytest.raises(TableError, match="line 200002"):
        numbers(path)


def test_a_fault_in_a_column_that_is_not_used_does_not_matter(write):
    path = write("x,junk,y\n1,2,3\n4,what,6\n7,8,9\n")
    assert numbers(path, "x", "y") == [[1, 3], [4, 6], [7, 9]]


def test_long_rows_are_found_whatever_columns_are_used(write):
    with pytest.raises(TableError, match="line 3"):
        numbers(write("x,junk,y\n1,2,3\n4,5,6,7\n"), "x")


def test_times_ask_to_be_dropped(write):
    path = write("when,x,y\n10:00,1,2\n10:30,2,3\n11:00,4,4\n")
    with pytest.raises(TableError, match=r"drop=\['when'\]"):
        regress.fit(path, "y")
    assert regress.fit(path, "y", drop=["when"]).names == ("x",)


def test_places_of_records_skip_header_and_blank_lines(write):
    path = write('a,b\n1,"x\ny"\n\n2,z\n')
    source = open_files(path)
    assert source.place("t.csv", 0) == "t.csv, line 2"
    assert source.place("t.csv", 1) == "t.csv, line 5"


# Text that Python's csv module writes and reads back: quotes, commas, newlines, but no missing token.
cell = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=6).filter(
    lambda t: (
        t not in MISSING
        and t.strip() == t
        and not re.fullmatch(r"[\d.+\-eEinfatyrulsINFATYRULS]*.*\d.*|true|false|inf.*", t, re.I)
    )
)
values = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(-(10**6), 10**6))


@settings(
    deadline=None,
    max_examples=examples(80),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(cell, values, st.integers(0, 9)), min_size=1, max_size=12))
def test_any_table_is_read_as_python_reads_it(write, rows):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["text", "x", "last"])
    writer.writerows([[t, "" if v is None else repr(v), z] for t, v, z in rows])
    columns = columns_of(write(buffer.getvalue()))
    assert columns["text"] == [t for t, _, _ in rows]
    expected = [np.nan if v is None else float(v) for _, v, _ in rows]
    assert np.array_equal(columns["x"], expected, equal_nan=True)
    assert columns["last"] == [z for _, _, z in rows]


BYTES = st.text(st.sampled_from('12.,"\n\r;xé \t-'), max_size=40)


@settings(
    deadline=None,
    max_examples=examples(150),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(header=st.sampled_from(["a,b\n", "a\n", '"a","b",c\n']), body=BYTES)
def test_rubbish_is_read_or_refused_but_never_breaks(write, header, body):
    path = write(header + body)
    try:
        columns_of(path)
    except TableError as error:
        said = str(error)
    else:
        said = "t.csv"
    assert "t.csv" in said


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_names_of_missing_cells_late_in_a_file_are_read_as_if_they_came_first(tmp_path):
    m = 300_000  # many batches are read before the first of them
    random = np.random.default_rng(5)
    x, y = random.normal(size=m).round(3), random.normal(size=m).round(3)
    rows = [f"k{i % 50},{a},{b}" for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True))]
    holes = {m - 9: "NA", m - 8: "NULL", m - 7: "", m - 6: "N/A"}
    for i, text in holes.items():
        rows[i] = f"{'NA' if i == m - 9 else 'k1'},{text},1.0"
    rows.insert(m - 20, "")  # a blank line
    path = tmp_path / "late.csv"
    path.write_text("key,x,y\n" + "\n".join(rows) + "\n")
    fit = regress.fit(path, "y", features=["x"], missing="drop", test_size=0.2, split_key="key")
    assert (fit.tally.rows, fit.tally.missing) == (m, 4)
    kept = np.delete(np.arange(m), list(holes))
    whole = pl.DataFrame({"key": [f"k{i % 50}" for i in kept], "x": x[kept], "y": y[kept]})
    again = regress.fit(whole, "y", features=["x"], test_size=0.2, split_key="key")
    assert (fit.w.tolist(), fit.b, fit.tally.held_out) == (again.w.tolist(), again.b, again.tally.held_out)
    rows[m - 3] = "k1,soon,1.0"
    path.write_text("key,x,y\n" + "\n".join(rows) + "\n")
    with pytest.raises(TableError, match=rf"'soon' \(late.csv, line {m - 1}\)"):
        regress.fit(path, "y", features=["x"], missing="drop")
