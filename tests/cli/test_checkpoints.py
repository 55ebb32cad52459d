"""Training that is saved, stopped and gone on with, on the command line."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.command import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    x = np.random.default_rng(0).normal(size=(4000, 3))
    rows = np.column_stack([x, x @ [1.0, 2.0, 3.0] + np.sin(np.arange(4000))])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FIT = ("fit", "t.csv", "--target", "y", "--solver", "sgd", "--tol", "1e-300", "--batch-size", "50")
SAVED = (*FIT, "--checkpoint", "run.ckpt")


def coefficients(text):
    held = json.loads(text)
    return held["coef"], held["intercept"], held["loss"], held["n_iter"]


def test_a_run_goes_on_to_the_result_of_the_longer_one(folder):
    code, out, _ = run(*FIT, "--epochs", 5, "--json")
    assert code == 3
    assert run(*SAVED, "--epochs", 2, "--json")[0] == 3
    code, rest, _ = run(*SAVED, "--epochs", 5, "--resume", "--json")
    assert (code, coefficients(rest)) == (3, coefficients(out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*FIT, "--resume"), "--resume needs a file. Name it with --checkpoint."),
        ((*FIT, "--checkpoint-every", 5), "--checkpoint-every needs a file. Name it with --checkpoint."),
        ((*FIT, "--checkpoint-seconds", 5), "--checkpoint-seconds needs a file. Name it with --checkpoint."),
        ((*SAVED, "--checkpoint-every", 0), "--checkpoint-every must be an integer of at least 1; got 0."),
        ((*SAVED, "--resume"), "There is no checkpoint run.ckpt. Remove --resume to start again."),
        (
            (*FIT, "--checkpoint", "t.csv", "--resume"),
            "--checkpoint would overwrite t.csv, which is the table. Name another file.",
        ),
        (
            (*FIT, "--checkpoint", "m.json", "--save", "m.json"),
            "--checkpoint would overwrite m.json, which is --save. Name another file.",
        ),
    ],
    ids=lambda value: str(value[-1]) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_one_sentence(folder, arguments, said):
    assert run(*arguments) == (2, "", f"Error: {said}\n")
    assert os.listdir(folder) == ["t.csv"]


def test_another_run_is_refused_with_flags(folder):
    run(*SAVED, "--epochs", 2)
    code, out, err = run(*SAVED, "--epochs", 2, "--resume", "--momentum", 0.5)
    assert (code, out) == (2, "")
    assert err == (
        "Error: run.ckpt is a checkpoint of another run: momentum was 0.0 and is 0.5. Start again without --resume, or "
        "give what it was made with.\n"
    )


@pytest.mark.slow
def test_a_table_that_comes_through_a_pipe_is_known_by_its_values(folder):
    text = (folder / "t.csv").read_bytes()
    command = [sys.executable, "-m", "regress", "fit", "-", *map(str, SAVED[2:]), "--json"]

    def piped(data, *more):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([*command, *more], input=data, cwd=folder, env=environment, capture_output=True)

    piped(text, "--epochs", "1")
    rest = piped(text, "--epochs", "3", "--resume").stdout
    assert coefficients(rest) == coefficients(run(*FIT, "--epochs", 3, "--json")[1])
    other = piped(text.replace(b"1", b"2"), "--epochs", "3", "--resume")
    assert b"other values of the rows" in other.stderr


def test_ctrl_c_saves_and_the_next_run_goes_on(folder):
    """Ctrl-C comes from a terminal, once the first checkpoint is there."""
    arguments = [*map(str, SAVED), "--epochs", "100000", "--json"]
    leader, terminal = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "regress", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=os.setsid,
    )
    while not (folder / "run.ckpt").exists() and running.poll() is None:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate()
    os.close(leader)
    os.close(terminal)
    assert running.returncode == 130, err
    stopped = json.loads(out)
    assert stopped["status"] == "interrupted"
    further = "Training is saved to run.ckpt: add --resume to continue."
    assert any(note.endswith(further) for note in stopped["notes"])
    assert f"The result so far is printed. {further}" in err.decode()
    epochs = int(stopped["n_iter"]) // 80 + 2
    _, rest, _ = run(*SAVED, "--epochs", epochs, "--resume", "--json")
    _, whole, _ = run(*FIT, "--epochs", epochs, "--json")
    assert coefficients(rest) == coefficients(whole)
