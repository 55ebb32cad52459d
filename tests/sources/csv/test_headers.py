"""What the first lines of a file are: names, data, row names, a title, comments; and what is no table at all."""

import json

import numpy as np
import pandas as pd
import pytest

import regress
from regress.errors import InputError, TableError
from regress.options import FileOptions
from regress.sources.files import open_files
from regress.sources.open import open_table


def table(path, **options):
    """Names and rows as text."""
    source = open_table(path, FileOptions(**options))
    names = [column.name for column in source.columns]
    batches = list(source.read_as(dict.fromkeys(names, "text")).batches(names))
    return names, [list(row) for batch in batches for row in zip(*(batch.texts(n) for n in names), strict=True)]


DATA = {
    "date, time, missing": "2/28/2008,1:00:00,NaN\n2/29/2008,2:00:00,1\n",
    "date and missing": "2020-01-01,NA\n2020-01-02,4\n",
    "pandas' numbers over whole ones": "0,1\n1,4\n2,7\n",
    "years over years": "Smith,1985,2003\nJones,1979,1999\n",
    "booleans": "true,false\nfalse,true\n",
    "missing": "NaN,NA\n1,2\n",
    "money and parts": "$1.50,5%\n$2.50,6%\n",
    "time over times": "00:00:00,v0\n01:00:00,v1\n",
    "month by name": "5-Jan-2020,a\n6-Jan-2020,b\n",
    "numbers": "1,2\n3,4\n",
    "one number": "a,2.5\nb,4\n",
    "all dates, over numbers": "2020-01-01,2020-01-02\n1.5,2.5\n",
    "a single row": "0,1\n",
}


@pytest.mark.parametrize("case", DATA)
def test_a_first_line_that_looks_like_data_is_refused_and_both_flags_read_it(write, case):
    path = write(DATA[case])
    with pytest.raises(TableError, match=r"line 1 looks like data.*header='no'.*header='yes'"):
        open_files(path)
    lines = [line.split(",") for line in DATA[case].splitlines()]
    assert len(table(path, header="no")[1]) == len(lines)
    names, rows = table(path, header="yes")
    assert (names, len(rows)) == (lines[0], len(lines) - 1)


NAMES = {
    "pandas' numbers over fractions": "0,1,2\n0.5,1.5,2.5\n1,2,3.5\n",
    "years over figures": "country,1990,1991\nX,5,7\nY,6,8\n",
    "dates over figures": "shop,2020-01-01,2020-01-02\nA,1.5,2\nB,2.5,3\n",
    "infinity": "x,inf\n1,2\n",
}


@pytest.mark.parametrize("case", NAMES)
def test_names_that_cells_below_are_unlike_are_names(write, case):
    names, rows = table(write(NAMES[case]))
    assert names == NAMES[case].splitlines()[0].split(",")
    assert len(rows) == len(NAMES[case].splitlines()) - 1


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_order_of_rows_does_not_decide_what_the_header_is(write, order):
    rows = ["1,1999", "2.5,1990", ",2003"]
    path = write("x,1985\n" + "\n".join(rows[i] for i in order) + "\n")
    with pytest.raises(TableError, match="looks like data"):
        open_files(path)


def frame():
    random = np.random.default_rng(0)
    return pd.DataFrame({"a": random.normal(size=20), "k": ["u", "v"] * 10, "y": random.normal(size=20)})


def r_table(d, *, quoted, delimiter, row_names):
    quote = (lambda t: f'"{t}"') if quoted else str
    lines = [delimiter.join(map(quote, d.columns))]
    for name, row in zip(row_names, d.itertuples(index=False), strict=True):
        cells = [quote(name), repr(row.a), quote(row.k), repr(row.y)]
        lines.append(delimiter.join(cells))
    return "\n".join(lines) + "\n"


def test_row_names_are_called_index_and_are_no_feature_unless_they_are_named(write):
    d = frame()
    known = regress.fit(d, "y")
    numbered = [str(i) for i in range(1, 21)]
    named = [f"car {i}" for i in range(20)]
    files = [d.to_csv(), d.rename_axis("").to_csv()]
    files += [
        r_table(d, quoted=True, delimiter=delim, row_names=names) for delim in ", " for names in (numbered, named)
    ]
    files.append(r_table(d, quoted=False, delimiter=",", row_names=numbered))
    for content in files:
        path = write(content)
        fit = regress.fit(path, "y")
        assert (fit.names, fit.w.tolist(), fit.b) == (known.names, known.w.tolist(), known.b), content[:60]
        assert "row names in column 1 (index), not a feature" in open_files(path).dialect
    path = write(d.to_csv())
    assert regress.fit(path, "y", features=["index", "a"]).names == ("index", "a")
    assert regress.fit(path, "index", features=["a"]).names == ("a",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (",index,y\n0,1,2\n1,3,4\n", ["column 1 has no name", "'index'", "rename"]),
        ("x,y\n7,1,2\n7,3,4\n", ["2 cells", "have 3", "row", "name"]),  # the first cells name no row
        ("x,y\n1,1,2\n", ["2 cells", "have 3", "row", "name"]),  # one row tells nothing
        ("id,x\n1,5,7\n2,6,8\n3,6,9\n", ["2 cells", "have 3"]),  # id is the first column's
        ("a,,y\n1,2,3\n4,5,6\n", ["column 2 has no name"]),
        ("a,b,\n1,2,3\n4,5,6\n", ["column 3 has no name"]),
    ],
)
def test_a_name_that_is_missing_is_refused_where_it_is_unclear_whose(write, content, words):
    with pytest.raises(TableError) as refused:
        open_files(write(content))
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_title_is_answered_by_the_number_of_lines_that_reads_the_table(write):
    body = "a,b,c,y\n" + "".join(f"{i},{i * i % 7},{i % 3},{i * 3 % 11}\n" for i in range(40))
    for above in (
        "Sales of 2020\n",
        "Sales, 2020\nshop\n\n",
        "Sales,,,\n,,,\n",
        'One "title,of two\nlines\n',
        "\n\nSales, 1, 2\n",
    ):
        path = write(above + body)
        for skip in ("error", "skip"):
            with pytest.raises(TableError, match="skip_lines=") as refused:
                open_files(path, FileOptions(on_bad_lines=skip))
            assert "on_bad_lines" not in str(refused.value)
        count = int(str(refused.value).partition("skip_lines=")[2].partition(".")[0].partition(";")[0])
        assert count == above.count("\n")
        assert table(path, skip_lines=count) == table(write(body, "body.csv"))
        path.write_text(above + body + "1,2\n")
        with pytest.raises(TableError, match=f"line {count + 42}:"):
            regress.fit(path, "y", skip_lines=count)


def test_excels_separator_is_taken_and_its_line_skipped(write):
    for first in ("sep=;\n", "SEP=;\r\n", '"sep=;"\n'):
        path = write(first + "a;y\n1,5;2\n2,5;x\n")
        with pytest.raises(TableError, match="line 4"):
            table(path, on_bad_lines="error") and regress.fit(path, "y")
        assert table(path) == (["a", "y"], [["1,5", "2"], ["2,5", "x"]])


def test_comments_are_left_out_anywhere_and_lines_are_counted_as_they_stand(write):
    content = '# by "logger\n# 2\na,k,y\n1,u,2\n# 5" off\n2,"v\n# no comment",1\n#\n3,u,5\n4,v,2\n'
    path = write(content)
    assert table(path, comment="#") == (
        ["a", "k", "y"],
        [["1", "u", "2"], ["2", "v\n# no comment", "1"], ["3", "u", "5"], ["4", "v", "2"]],
    )
    source = open_files(path, FileOptions(comment="#"))
    assert [source.place("t.csv", i) for i in range(4)] == [f"t.csv, line {line}" for line in (4, 6, 9, 10)]
    path = write("# one\n# two\na,y\n1,2\n# three\n2,oops\n")
    with pytest.raises(TableError, match="comment='#'"):
        open_files(path)
    with pytest.raises(TableError, match="line 6"):
        regress.fit(path, "y", comment="#", features=["a"])


FOREIGN = {
    "JSON": (b'[{"a": 1, "y": 2}, {"a": 2, "y": 4}]', "JSON"),
    "nested JSON": (b'{\n  "a": [1, 2],\n  "b": 3\n}\n', "JSON"),
    "HTML": (b"<!DOCTYPE html>\n<html><body>404, not found</body></html>\n", "web page"),
    "XML": (b'<?xml version="1.0"?>\n<a><b>1</b></a>\n', "XML"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS"),
    "annex": (b"/annex/objects/SHA256E-s1--ab.csv\n", "git-annex"),
    "tar": (b"a.csv".ljust(257, b"\0") + b"ustar\x0000" + bytes(250) + b"x,y\n1,2\n", "tar archive"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_no_table_is_called_by_its_name(write, case):
    content, word = FOREIGN[case]
    with pytest.raises(TableError, match=word):
        open_files(write(content))


def test_json_that_is_named_can_be_converted_as_the_message_says(write, tmp_path):
    path = write(json.dumps([{"a": i, "y": i * i} for i in range(5)]), "t.json")
    with pytest.raises(TableError, match=r"pandas.read_json"):
        open_files(path)
    pd.read_json(path).to_csv(tmp_path / "t.csv", index=False)
    assert table(tmp_path / "t.csv")[0] == ["a", "y"]


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-16", "utf-16-be"])
def test_wide_encodings_are_read_with_and_without_a_mark(write, encoding):
    path = write("é,y\n1,2\n3,4\n".replace("é", "ae").encode(encoding))
    assert table(path) == (["ae", "y"], [["1", "2"], ["3", "4"]])
    assert table(path, encoding=encoding) == (["ae", "y"], [["1", "2"], ["3", "4"]])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"skip_lines": -1}, "skip_lines"),
        ({"comment": "##"}, "comment"),
        ({"comment": ",", "delimiter": ","}, "both"),
        ({"escapechar": "é"}, "escapechar"),
        ({"escapechar": "\\", "quotechar": "none"}, "quotes"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(write, options, word):
    with pytest.raises(InputError, match=word):
        open_files(write("a,y\n1,2\n"), FileOptions(**options))


def test_more_lines_to_skip_than_there_are_leave_an_empty_table(write):
    with pytest.raises(TableError, match="empty"):
        open_files(write("a,y\n1,2\n"), FileOptions(skip_lines=9))
