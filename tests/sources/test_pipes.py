"""Tables that come through pipes, and what stands in a folder or under a name that no table has."""

import csv
import gc
import gzip
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import regress
from regress.cli.main import main
from regress.errors import ConvergenceWarning, InputError, TableError
from regress.sources.csv import dialect
from regress.sources.file_parts import measured
from regress.sources.open import open_table
from tests.command import run as run_here

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = [sys.executable, "-m", "regress"]
TEXT = "x,z,y\n" + "".join(f"{i},{i * i % 7},{3 * i + i % 5}\n" for i in range(60))


def run(folder, *words, given=TEXT, **options):
    options = {"env": ENVIRONMENT, "encoding": "utf-8", "capture_output": True, **options}
    options |= {} if "stdin" in options else {"input": given}
    return subprocess.run([*COMMAND, *words], cwd=folder, check=False, **options)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    regress.fit(tmp_path / "t.csv", "y").save(tmp_path / "m.json")
    return tmp_path


def feed(path, data):
    """Make a pipe with a name, and write to it once."""
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(data), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "{t}", "--target", "y"),
        ("fit", "{t}", "--target", "y", "--cov-type", "HC1", "--missing", "mean"),  # three passes
        ("fit", "{t}", "--target", "y", "--report", "page.html", "--descent", "x,z"),
        pytest.param(("compare", "{t}", "--target", "y"), marks=pytest.mark.slow),
        ("certify", "m.json", "{t}"),
        ("predict", "m.json", "{t}", "--keep", "z"),
    ],
    ids=lambda words: words[0],
)
def test_a_table_on_standard_input_gives_what_its_file_gives(folder, monkeypatch, words):
    monkeypatch.chdir(folder)
    piped = run(folder, *(word.format(t="/dev/stdin" if words[0] == "certify" else "-") for word in words))
    named = [word.format(t="t.csv") for word in words]
    if words[0] == "predict":  # writes bytes
        done = run(folder, *named)
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = run_here(*named)
    assert (piped.returncode, piped.stderr) == (code, err)
    told = piped.stdout.replace(", kept in a temporary file", "").replace("standard input", "t.csv").splitlines()
    timed = words[0] == "compare"  # a column of seconds
    assert told[:2] == out.splitlines()[:2] if timed else told == out.splitlines()
    assert ("kept in a temporary file" in piped.stdout) == (words[0] in ("fit", "compare"))


def test_errors_in_a_pipe_name_it_and_the_line(folder):
    done = run(folder, "fit", "-", "--target", "y", given="x,y\n1,2\n3,oops\n5,6\n")
    assert done.returncode == 2
    assert "'oops' (standard input, line 3) is not a number" in done.stderr
    command = f"{sys.executable} -m regress inspect <(printf 'x,y\\n1,2,3\\n1,2,3\\n')"
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/dev/fd/" in done.stderr


def test_inspect_proposes_the_pipe_again(folder):
    done = run(folder, "inspect", "-", "--target", "y")
    assert done.stdout.startswith("standard input: 60 rows, 3 columns\n")
    assert done.stdout.splitlines()[-1].startswith("Next: regress fit - --target y")


def test_parquet_and_compressed_files_come_through_pipes_too(folder):
    frame = pl.read_csv(folder / "t.csv")
    frame.write_parquet(folder / "t.parquet")
    expected = regress.fit(folder / "t.csv", "y").w
    for number, data in enumerate([(folder / "t.parquet").read_bytes(), TEXT.encode(), TEXT.encode("utf-16")]):
        pipe = folder / f"pipe{number}"
        thread = feed(pipe, data)
        fit = regress.fit(pipe, "y", precision="float64")
        thread.join()
        assert fit.w == pytest.approx(expected, rel=1e-12)


def test_other_formats_come_through_pipes_too(folder):
    frame = pl.read_csv(folder / "t.csv")
    frame.write_ipc(folder / "t.arrow")
    frame.write_ipc_stream(folder / "t.arrows")
    expected = regress.fit(folder / "t.csv", "y")
    for name, data in [
        ("JSON lines", frame.write_ndjson().encode()),
        ("Arrow", (folder / "t.arrow").read_bytes()),
        ("Arrow stream, read into memory at once", (folder / "t.arrows").read_bytes()),
        ("JSON lines, gzip", gzip.compress(frame.write_ndjson().encode())),
    ]:
        thread = feed(folder / name, data)
        fit = regress.fit(folder / name, "y", cov_type="HC1")
        thread.join()
        assert (fit.w.tolist(), fit.b) == (expected.w.tolist(), expected.b)
        assert f"Read as: {name}, kept in a temporary file." in fit.summary()


def test_rows_are_read_before_the_pipe_has_ended(folder, monkeypatch):
    monkeypatch.setattr(dialect, "_SAMPLE", 300)
    read, in_time = threading.Event(), []
    os.mkfifo(folder / "pipe")

    def write():
        with (folder / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(TEXT.encode() + b"1,1,1\n" * 1000)
            in_time.append(read.wait(60))
            pipe.write(b"1,1,1\n" * 1000)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    source = open_table(folder / "pipe")
    assert source.size == 0
    (part,) = source.partitions()
    batches = replace(part, block=300).batches(source.kinds(["x", "y"]))
    assert next(batches).numbers("x")[0] == 0
    read.set()
    assert sum(batch.rows for batch in batches) < 2060 == sum(batch.rows for batch in source.batches(["x"]))
    thread.join()
    assert in_time == [True]
    assert measured(source) == len(TEXT) + 12_000
    with pytest.raises(InputError, match="pipe is a pipe, kept in a temporary file of this process"):
        pickle.dumps(part)


def test_a_pipe_that_nobody_wants_any_more_is_closed(folder):
    os.mkfifo(folder / "pipe")
    ended = []

    def write():
        try:
            with (folder / "pipe").open("wb", buffering=0) as pipe:
                pipe.write(b"x,y\n" + b"1,2\n" * 5_000_000)
                for _ in range(600):
                    pipe.write(b"1,2\n")
                    time.sleep(0.1)
        except BrokenPipeError:
            ended.append(True)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with pytest.raises(TableError, match="pipe has no column 'z'"):
        regress.fit(folder / "pipe", "z")
    gc.collect()
    thread.join(60)
    assert ended == [True]


def test_mini_batches_from_a_pipe_are_those_of_the_file(folder):
    thread = feed(folder / "pipe", TEXT.encode())
    options = {"solver": "averaged-sgd", "epochs": 3, "batch_size": 8}
    with pytest.warns(ConvergenceWarning):
        piped, named = (regress.fit(folder / name, "y", **options) for name in ("pipe", "t.csv"))
    thread.join()
    assert piped.w.tolist() == named.w.tolist()


def test_a_full_disk_is_one_sentence(folder):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    done = run(folder, "fit", "-", "--target", "y", given=TEXT + "1,2,3\n" * 400_000, preexec_fn=small)
    assert done.returncode == 2
    assert "The temporary folder" in done.stderr
    assert "cannot be used: File too large. Set TMPDIR to a folder with room." in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_ends_at_once_while_a_pipe_is_waited_for(folder):
    options = {"env": ENVIRONMENT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, "fit", "-", "--target", "y"], cwd=folder, **options) as process:
        process.stdin.write(TEXT.encode())
        process.stdin.flush()
        waits = Path(f"/proc/{process.pid}/task")
        while len(os.listdir(waits)) < 2:  # the thread that copies
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().decode().strip().startswith("Interrupted")


def test_nothing_on_standard_input_is_refused_by_name(folder):
    done = run(folder, "fit", "-", "--target", "y", given="")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Standard input is empty" in done.stderr
    terminal, other = os.openpty()
    done = run(folder, "fit", "-", "--target", "y", stdin=other)
    os.close(terminal)
    os.close(other)
    assert done.returncode == 2
    assert "Standard input is a terminal" in done.stderr
    closed = run(folder, "fit", "-", "--target", "y", stdin=None, preexec_fn=lambda: os.close(0))
    assert closed.returncode == 2
    assert "Standard input is closed" in closed.stderr


def test_standard_input_is_not_there_twice(folder):
    done = run(folder, "predict", "-", "-")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_predictions_are_written_into_a_pipe(folder):
    os.mkfifo(folder / "out")
    got = []
    thread = threading.Thread(target=lambda: got.append((folder / "out").read_bytes()), daemon=True)
    thread.start()
    done = run(folder, "predict", "m.json", "-", "-o", "out")
    thread.join()
    assert done.returncode == 0
    assert got[0].count(b"\n") == 61


# Folders and names


@pytest.mark.parametrize("what", ["link", "loop", "folder", "pipe"])
def test_what_stands_in_a_folder_and_is_no_file_is_refused(tmp_path, what):
    (tmp_path / "a.csv").write_text(TEXT)
    other, words = tmp_path / "b.csv", {"link": "leads nowhere", "loop": "leads nowhere", "pipe": "is not a file"}
    if what == "folder":
        other.mkdir()
    elif what == "pipe":
        os.mkfifo(other)
    else:
        other.symlink_to("b.csv" if what == "loop" else "annexed")
    with pytest.raises(TableError, match=rf"holds b\.csv, which .*{words.get(what, 'is a folder')}"):
        regress.fit(tmp_path, "y")


def test_hidden_files_and_success_marks_of_a_folder_are_ignored(tmp_path):
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".git").mkdir()
    assert regress.fit(tmp_path, "y").tally.used == 60


def test_an_empty_name_is_not_the_current_folder(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as end:
        main(["fit", "", "--target", "y"])
    assert end.value.code == 2
    assert "name of the table is empty" in capsys.readouterr().err


NOT_UTF8, UTF8 = os.fsdecode(b"gr\xffsse.csv"), os.fsdecode("größe.csv".encode())
FIT = ("{t}", "--target", "y", "--test-size", "0.2", "--save", "{t}.json", "--report", "{t}.html")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
@pytest.mark.parametrize(
    ("words", "locale", "names"),
    [
        (("fit", *FIT), "C", (NOT_UTF8, UTF8)),
        (("fit", *FIT), "C.UTF-8", (NOT_UTF8,)),
        (("inspect", "{t}", "--json"), "C", (NOT_UTF8, UTF8)),
        (("fit", "absent{t}", "--target", "y"), "C", (NOT_UTF8, UTF8)),
        (("fit", "absent{t}", "--target", "y"), "C.UTF-8", (NOT_UTF8,)),
    ],
    ids=["fit-C", "fit", "inspect-C", "absent-C", "absent"],
)
def test_names_that_are_not_utf8_are_read_and_written(tmp_path, words, locale, names):
    plain = {**ENVIRONMENT, "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for name in names:
        (tmp_path / name).write_text(TEXT)
        done = run(tmp_path, *(word.format(t=name) for word in words), env=plain)
        assert done.returncode == (2 if "absent{t}" in words else 0), done.stderr
        assert "Traceback" not in done.stderr
        for written in (f"{name}.json", f"{name}.html"):
            if any(word.endswith(written[-5:]) for word in words):
                assert (tmp_path / written).read_text(encoding="utf-8")


def test_rows_are_held_out_alike_whatever_the_locale(tmp_path):
    (tmp_path / "größe.csv").write_text(TEXT)
    told = []
    for locale in ("C.UTF-8", "C"):
        plain = {**ENVIRONMENT, "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        told.append(
            run(tmp_path, "fit", "größe.csv".encode(), "--target", "y", "--test-size", "0.3", "--json", env=plain)
        )
    assert told[0].stdout == told[1].stdout != ""


@pytest.mark.parametrize("flag", ["table", "--save", "--report", "--rejects"])
def test_a_loop_of_links_is_one_sentence(folder, flag, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    Path("loop1").symlink_to("loop2")
    Path("loop2").symlink_to("loop1")
    words = ["fit", "loop1" if flag == "table" else "t.csv", "--target", "y", "--on-bad-lines", "skip"]
    with pytest.raises(SystemExit) as end:
        main(words if flag == "table" else [*words, flag, "loop1"])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "loop1" in told
    assert ("leads nowhere" if flag == "table" else "Too many levels of symbolic links") in told
    assert told.count("\n") == 1
    with pytest.raises(InputError, match="loop1 cannot be written"):
        regress.fit("t.csv", "y").save("loop1")
    assert Path("loop1").is_symlink()


def test_a_link_that_the_system_does_not_follow_is_not_followed(folder, monkeypatch, capsys):
    """Linux guards against links of other users in folders that all may write; here the guard is played."""
    mine, link = folder / "mine", folder / "out.json"
    mine.write_text("precious")
    link.symlink_to(mine)
    stat = os.stat

    def guarded(path, *arguments, **options):
        if str(path) == str(link) and options.get("follow_symlinks", True):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    fit = regress.fit(folder / "t.csv", "y")
    monkeypatch.setattr(os, "stat", guarded)
    with pytest.raises(InputError, match=r"out\.json cannot be written: Permission denied"):
        fit.save(link)
    with pytest.raises(SystemExit):
        main(["fit", str(folder / "t.csv"), "--target", "y", "--save", str(link)])
    assert "out.json cannot be written: Permission denied" in capsys.readouterr().err
    assert mine.read_text() == "precious"


# What is written


def test_rejected_rows_are_read_back_whatever_they_hold(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"x,y\n1,4\na\rb\n2,7\n3,9,\r9\n4,12\n")
    regress.fit(tmp_path / "t.csv", "y", on_bad_lines="skip", rejects=tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    texts = ["a\rb", "3,9,\r9"]
    assert [row[3] for row in rows[1:]] == texts
    assert all(len(row) == 4 for row in rows)
    assert b"\r\n" not in (tmp_path / "r.csv").read_bytes()


def test_what_is_written_is_on_the_disk_before_it_has_its_name(folder, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda number: done.append(os.path.realpath(f"/proc/self/fd/{number}")))
    replaced = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: done.append("named") or replaced(*names))
    regress.fit(folder / "t.csv", "y").save(folder / "new.json")
    assert done[1:] == ["named", str(folder)]
    assert len(done) == 3


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_new_files_follow_the_mask_and_old_ones_keep_their_permissions(folder, mask, monkeypatch):
    fit = regress.fit(folder / "t.csv", "y")
    before = os.umask(mask)
    monkeypatch.setattr(os, "umask", None)  # the mask is the whole process's: it must not be touched
    try:
        fit.save(folder / "new.json")
        (folder / "m.json").chmod(0o640)
        fit.save(folder / "m.json")
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert (folder / "new.json").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (folder / "m.json").stat().st_mode & 0o777 == 0o640
