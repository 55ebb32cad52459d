"""What a table says reaches a terminal as text that commands nothing, and flags to paste are read back as they were."""

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import polars as pl
import pytest

import regress
from regress.cli.main import main
from regress.messages import flag, paragraph, quoted, visible

EVIL = "\x1b]0;x\x07\x1b[2J\x9b31m\x7f\u202e\u2066\u200b\ufeff\x85\u2028\r\n\tend"
ROWS = 40


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    """Run a command; return its code and all that it wrote, as a terminal would get it."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def safe(text):
    return all(c == "\n" or c.isprintable() for c in text)


def frame(target="y"):
    x = [float(i % 7) for i in range(ROWS)]
    return pl.DataFrame(
        {
            f"x{EVIL}": x,
            f"c{EVIL}": [1.0] * ROWS,
            f"k{EVIL}": [f"{EVIL}{'ab'[i % 2]}" for i in range(ROWS)],
            target: [2.0 * v + (i % 3) for i, v in enumerate(x)],
        }
    )


def test_no_command_writes_what_a_terminal_would_obey(folder, capsys):
    target, file = f"y{EVIL}", f"t{EVIL}.parquet"
    frame(target).write_parquet(file)
    with_gap = frame(target).with_columns(pl.when(pl.col(f"x{EVIL}") > 2).then(f"x{EVIL}").alias(f"x{EVIL}"))
    with_gap.write_parquet("gap.parquet")
    regress.fit(frame(target).drop(f"c{EVIL}"), target).save("m.json")
    held = json.loads((folder / "m.json").read_text())
    (folder / "version.json").write_text(json.dumps({**held, "version": EVIL}))
    (folder / "wrong.json").write_text(json.dumps({**held, "training_means": {EVIL: EVIL}}))
    (folder / "claim.json").write_text(json.dumps({"coef": {f"x{EVIL}": 2.0}, "intercept": 1.0}))
    (folder / f"{EVIL}.json").write_text("{")
    commands = [
        ["inspect", file],
        ["fit", file, "--target", target],
        ["fit", file, "--target", target, "--test-size", "0.2", "--random-state", EVIL],
        ["fit", file],
        ["fit", file, "--target", EVIL],
        ["fit", "gap.parquet", "--target", target],
        ["fit", file, "--target", target, "--drop", EVIL],
        ["fit", file, "--target", target, "--max-categories", "1"],
        ["fit", file, "--target", f"k{EVIL}"],
        ["fit", f"{EVIL}.csv", "--target", target],
        [f"{EVIL}"],
        ["compare", file, "--target", target],
        ["check", file, "--target", target],
        ["certify", "m.json", file],
        ["certify", "claim.json", file, "--target", target],
        ["certify", "version.json", file],
        ["predict", "wrong.json", file],
        ["predict", f"{EVIL}.json", file],
        ["predict", "m.json", file, "--keep", EVIL, "-o", "p.csv"],
        ["report", "m.json", "-o", f"{EVIL}.html"],
    ]
    for command in commands:
        _, out, err = run(capsys, *command)
        assert safe(out), command
        assert safe(err), command
        assert out + err, command


def test_names_stay_on_their_lines(folder, capsys):
    pl.DataFrame({"a\nb": [1.0, 2, 3, 5], "k": ["u\nv", "w", "u\nv", "w"], "y": [1.0, 2, 4, 4]}).write_parquet(
        "t.parquet"
    )
    _, out, _ = run(capsys, "fit", "t.parquet", "--target", "y")
    lines = out.split("\n")
    rows = [line for line in lines if line.startswith(("(intercept)", "a\\nb", "  w"))]
    assert len(rows) == 3
    assert len({re.search(r"\.\d*\s+<?[01]\.\d{4} ", row).start() for row in rows}) == 1  # aligned
    assert "b" not in {line[:1] for line in lines}
    _, seen, _ = run(capsys, "inspect", "t.parquet")
    assert "u\\nv (2), w (2)" in seen
    assert regress.fit("t.parquet", "y").summary() == out.removesuffix("\n")


def test_texts_from_python_are_as_safe():
    table = frame()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = regress.fit(table, "y")
    texts = [fit.summary(), fit.model.summary(), regress.certify(fit, table, "y").summary()]
    assert all(safe(text) for text in [*texts, *(str(one.message) for one in caught)])
    assert any("Constant" in str(one.message) for one in caught)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("é ŷ‖w‖", "é ŷ‖w‖"), ("\x1b[2J", "\\x1b[2J"), ("a\nb", "a\\nb"), ("\u202e", "\\u202e"), ("\udcff", "\\udcff")],
)
def test_what_has_no_shape_is_written_out(text, shown):
    assert visible(text) == shown
    assert paragraph([text, text]) == f"{shown}\n{shown}"


NAMES = [
    "plain",
    "a b",
    "a'; touch p; '",
    'a"b',
    "a,b",
    "$(touch p)",
    "`touch p`",
    "a\nb",
    "\\",
    "!x",
    "é",
    "\x1b[2J'\\n",
    "\u202e",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_to_paste_is_read_back(name, folder):
    show = f"{sys.executable} -c 'import sys, json; print(json.dumps(sys.argv[1:]))'"
    script = f"{show} {flag('drop', [name, 'z'])} {quoted(name)}"
    assert safe(script)
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    option, record, same = json.loads(done.stdout)
    from regress.cli.options import ColumnNames

    assert (option, ColumnNames().convert(record, None, None), same) == ("--drop", [name, "z"], name)
    assert not (folder / "p").exists()


@pytest.mark.parametrize("name", NAMES)
def test_every_remedy_that_names_a_column_is_quoted(name, folder, capsys):
    """The remedies of messages, as they are printed, have the column's name where a shell reads it."""
    cells = [str(i) for i in range(1, 11)]
    tables = {
        "late.csv": pl.DataFrame({name: [*cells * 3, "soon"], "y": range(31)}),
        "levels.csv": pl.DataFrame({name: [f"v{i}" for i in range(150)], "y": range(150)}),
        "first.csv": pl.DataFrame({name: ["odd", *cells * 3], "y": range(31)}),
        "empty.csv": pl.DataFrame({name: [""] * 10, "y": range(10)}),
    }
    for file, table in tables.items():
        table.write_csv(file)
        code, _, err = run(capsys, "fit", file, "--target", "y", "--missing", "mean")
        assert code == 2, file
        found = re.search(r"--(drop|categorical) ", err)
        assert found is None or err[found.start() :].startswith(visible(flag(found[1], [name]))), (file, err)
        assert found or file == "first.csv"


def test_a_command_shown_by_inspect_runs(folder, capsys):
    name = 'it\'s, a\n"name"'
    table = pl.DataFrame({name: ["2026-01-01"] * 20, "x y": [float(i % 5) for i in range(20)], "$y": range(20)})
    table.write_csv("-t 1.csv")
    _, out, _ = run(capsys, "inspect", "./-t 1.csv", "--target", "x y")
    command = out.strip().split("Next: regress ")[1]
    script = f"{sys.executable} -W ignore -m regress {command}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    assert done.returncode == 0, done.stderr
    assert "x y" in done.stdout


def test_all_that_is_written_passes_one_function():
    """Who writes to a terminal: `console.show`, `process.say`, JSON, which is ASCII, and a line of figures."""
    package = Path(regress.__file__).parent
    writes = re.compile(r"\bprint\(|\bstd(out|err)\.write\(|click\.s?echo\(")
    found = {
        (path.name, line.strip())
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if writes.search(line) and not line.strip().startswith((">>>", "... "))
    }
    assert found == {
        ("console.py", 'sys.stdout.write(paragraph(lines) + "\\n")'),
        ("console.py", 'sys.stdout.write("\\n".join(lines) + "\\n")'),  # of spans, each made visible
        ("console.py", 'sys.stdout.write(json.dumps(value, allow_nan=False) + "\\n")'),
        ("process.py", 'sys.stderr.write(visible(text) + "\\n")'),
        ("live.py", "sys.stderr.write(text)"),
    }
