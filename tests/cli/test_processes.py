"""The command as a process: what memory it takes, what an interrupt leaves, what its progress line shows."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import regress

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "regress"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}


def write_table(path, rows):
    """Write x, k, z, y: about 31 bytes a row, with a bad row among the first."""
    random = np.random.default_rng(3)
    few = 200_000
    x, z = random.normal(size=(2, few)).round(5)
    kinds = pl.Series(["a", "b", "c", "d"]).sample(few, with_replacement=True, seed=1)
    frame = pl.DataFrame({"x": x, "k": kinds, "z": z, "y": (x - z).round(5)})
    with path.open("wb") as file:
        frame.head(10).write_csv(file)
        file.write(b"oops,a,1.5,2.5\n")
        whole, rest = divmod(rows, few)
        part = frame.write_csv(include_header=False).encode()
        for _ in range(whole):
            file.write(part)
        frame.head(rest).write_csv(file, include_header=False)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table that takes more than a second to read, where a block is a small part of it."""
    path = write_table(tmp_path_factory.mktemp("processes") / "t.csv", 12_000_000)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    write_table(path / "small.csv", 1000)
    regress.fit(path / "small.csv", "y", on_bad_lines="skip").save(path / "m.json")
    return path / "m.json"


SKIP = ["--on-bad-lines", "skip"]
WRITES = {
    "fit": (["fit", "{t}", "--target", "y", *SKIP, "--save", "out.json", "--rejects", "r.csv"], ["out.json", "r.csv"]),
    "predict to CSV": (["predict", "{m}", "{t}", *SKIP, "-o", "out.csv", "--rejects", "r.csv"], ["out.csv", "r.csv"]),
    "predict to Parquet": (["predict", "{m}", "{t}", *SKIP, "-o", "out.parquet"], ["out.parquet"]),
}


class Shown:
    """A process whose standard error is a terminal, on which it tells how far it is."""

    def __init__(self, arguments, folder):
        self.terminal, other = os.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=other
        )
        os.close(other)
        self.text = ""

    def until(self, word):
        while not re.search(word, self.text):
            self.text += os.read(self.terminal, 4096).decode("utf-8", "replace")

    def end(self):
        out, _ = self.process.communicate(timeout=120)
        try:
            while more := os.read(self.terminal, 4096):
                self.text += more.decode("utf-8", "replace")
        except OSError:
            pass  # how Linux tells the end of a terminal
        os.close(self.terminal)
        return self.process.returncode, out.decode(), self.text


@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing before", "files before"])
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
@pytest.mark.parametrize("case", WRITES)
def test_who_is_stopped_midway_leaves_every_output_as_it_was(table, model, tmp_path, case, name, before):
    arguments, outputs = WRITES[case]
    held = {output: f"{output} of old" for output in outputs} if before == "files before" else {}
    for output, text in held.items():
        (tmp_path / output).write_text(text)
    shown = Shown([a.format(t=table, m=model) for a in arguments], tmp_path)
    shown.until(" rows, ")
    shown.process.send_signal(name)
    code, out, text = shown.end()
    left = {entry: (tmp_path / entry).read_text(errors="replace") for entry in os.listdir(tmp_path)}
    assert left == held
    assert out == ""
    if name == signal.SIGINT:
        assert code == 130
        assert re.search(r"Interrupted after [\d,]+ rows, \d+% of the table\. Nothing was written\.", text)
        assert "Traceback" not in text
    else:
        assert code == -signal.SIGKILL


def test_an_interrupted_fit_does_not_write_the_rows_it_skipped(tmp_path):
    table, rejects = tmp_path / "t.csv", tmp_path / "r.csv"
    table.write_text("x,y\n" + "1,2\noops,3\n" + "1,2\n3,5\n4,4\n" * 300_000)
    rejects.write_text("of old")

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        regress.fit(table, "y", on_bad_lines="skip", rejects=rejects, progress=interrupt)
    assert rejects.read_text() == "of old"


@pytest.mark.slow
@pytest.mark.parametrize("case", ["fit", "predict to CSV"])
def test_progress_on_a_terminal_shows_rows_a_rate_megabytes_and_the_time_left(table, model, tmp_path, case):
    shown = Shown([a.format(t=table, m=model) for a in WRITES[case][0]], tmp_path)
    shown.until(r"s left")
    shown.process.kill()
    _, _, text = shown.end()
    line = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text)
    size = round(table.stat().st_size / 1e6)
    found = re.search(rf"([\d,]+) rows, ([\d,]+) a second, (\d+) of {size} MB, \d+ s left", line)
    assert found
    rows, rate, read = (int(group.replace(",", "")) for group in found.groups())
    assert rows / 12_000_000 == pytest.approx(read / size, abs=0.2)
    assert rate > 0


# Memory


def peak(arguments, folder):
    """The most memory that a process took, in bytes, and what it put out."""
    with open(folder / "out.txt", "w+b") as out:
        process = subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        assert process.returncode == 0, out.read().decode()
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.slow
@pytest.mark.parametrize("case", WRITES)
def test_memory_does_not_grow_with_rows(model, tmp_path, case):
    used = []
    for rows in (3_000_000, 12_000_000):  # a float64 a row would be 72 MB
        table = write_table(tmp_path / "t.csv", rows)
        used.append(peak([a.format(t=table, m=model) for a in WRITES[case][0]], tmp_path))
        table.unlink()
        for output in WRITES[case][1]:
            (tmp_path / output).unlink()
    assert used[1] < 1.15 * used[0], [round(u / 1e6) for u in used]
