"""What the page on files says is read and refused: every row of its tables is tried."""

import csv
import io
import re
import shlex
from pathlib import Path

import pytest

from regress.cli.main import main
from regress.solvers.status import Status

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/files.md").read_text(encoding="utf-8")


def rows_of(table):
    text = PAGE.partition(f"<!-- read: {table} -->\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def fit(path, *flags):
    with pytest.raises(SystemExit) as end:
        main(["fit", str(path), "--target", "y", "--missing", "drop", *flags])
    return end.value.code


@pytest.mark.parametrize("row", rows_of("columns"), ids=lambda row: row[0])
def test_a_column_of_these_cells_is_what_the_page_says(tmp_path, capsys, row):
    shown, outcome, remedy = row
    cells = re.findall("`([^`]*)`", shown.partition(" with ")[0])
    flags = re.findall("`(--[^`]*)`", shown)
    text, path = io.StringIO(newline=""), tmp_path / "t.csv"
    csv.writer(text).writerows([["x", "z", "y"], *([cells[i % len(cells)], i % 5, i * i % 17] for i in range(40))])
    path.write_text(text.getvalue())
    given = [word for flag in flags for word in shlex.split(flag)]
    if not outcome.startswith("refused"):
        assert fit(path, *given) == 0
        out = capsys.readouterr()
        assert ("x (reference level" in out.out or "single level" in out.out) == outcome.startswith("text")
        return
    assert fit(path, *given) == 2
    error = capsys.readouterr().err
    assert any(repr(cell)[1:-1] in error for cell in cells)
    for flag in re.findall("`(--[^`]*)`", remedy):
        assert fit(path, *shlex.split(flag)) == 0, flag
        assert shlex.split(flag)[0] in error


TITLE, ROWS = "Survey of 2020\n", "a,y\n1,2\n3,5\n4,6\n"
FILES = {
    "`a;y`": ("a;y\n1,5;2\n2,5;3\n3,5;5\n", ()),
    "`x;y`": ("x;y\n1.234;2\n999;3\n2.345;4\n", ("--decimal", ".")),
    "`a  y`": ("a    y\n1.5  2\n22   3\n3    5\n", ()),
    "`a, y`": ("a, y\n1, 2\n3, 5\n4, 6\n", ()),
    "`a,y,`": ("a,y,\n1,2,\n3,5,\n4,6,\n", ()),
    "`,a,y`": (",a,y\np,1,2\nq,3,5\nr,4,6\n", ()),
    "`sep=;`": ("sep=;\na;y\n1;2\n3;5\n4;6\n", ()),
    "a title": (TITLE + ROWS, ("--skip-lines", "1")),
    "`# comment`": ("# comment\n" + ROWS + "# more\n5,9\n", ("--comment", "#")),
    "`1,2`": ("1,2\n3,5\n4,6\n5,9\n", ("--header", "no", "--target", "x1")),
    "`1990,1991`": ("1990,1991,y\n5.5,6.5,1\n2,1,2\n3,9,3\n8,1,7\n", ()),
    "a row": (ROWS + "7\n", ("--on-bad-lines", "skip")),
    "more bad": ("a,y\n1,2\n3,5\n4,6\n5\n6\n7\n8\n", None),
    "JSON": ('{"a": [1, 2, 3], "y": [2, 5, 6]}\n', None),
}


@pytest.mark.parametrize("row", rows_of("files"), ids=lambda row: row[0])
def test_a_file_of_this_form_is_read_or_refused_as_the_page_says(tmp_path, capsys, row):
    ((content, flags),) = [value for start, value in FILES.items() if row[0].startswith(start)]
    path = tmp_path / "t.csv"
    path.write_text(content)
    if row[1].startswith("read"):
        assert fit(path) == 0
        return
    assert fit(path) == 2
    error = capsys.readouterr().err
    assert "t.csv" in error
    if flags is None:
        assert fit(path, "--on-bad-lines", "skip") == 2
    else:
        assert flags[0] in error
        assert fit(path, *flags) == 0


def test_every_status_is_listed_with_its_exit_code():
    lines = PAGE.partition("<!-- statuses -->\n")[2].partition("\n\n")[0].splitlines()[2:]
    codes = {name.strip(" `"): code.strip() for _, name, _, code, _ in (line.split("|") for line in lines)}
    assert set(codes) == set(Status)
    assert {name for name, code in codes.items() if code == "0"} == {status for status in Status if status.as_asked}
    assert {name for name, code in codes.items() if code == "130"} == {Status.INTERRUPTED}
    assert {name for name, code in codes.items() if not code} == {Status.CALLBACK, Status.CALLBACK_ERROR}
    assert set(codes.values()) == {"", "0", "3", "130"}
