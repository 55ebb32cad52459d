"""The scripts that users copy and the ones that print figures run, and say what the library says."""

import fcntl
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import compare_all

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


def run(*arguments: object) -> str:
    result = subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_the_training_script_descends_to_the_least_squares_loss():
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    X, y = load_diabetes(scaled=False, return_X_y=True)
    least = float(((LinearRegression().fit(X, y).predict(X) - y) ** 2).sum())
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", run(SCRIPTS / "train.py"))]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < least * 1.01
    assert least <= losses[-1] * (1 + 1e-9)  # printed in ten digits


def test_the_training_script_is_thirty_lines():
    assert len((SCRIPTS / "train.py").read_text(encoding="utf-8").splitlines()) <= 32


def test_every_set_that_is_compared_is_there_and_none_is_forgotten():
    bundled = {"torn.csv"} ^ {str(path.relative_to(ROOT / "data")) for path in (ROOT / "data").rglob("*.csv")}
    assert set(compare_all.SETS) == bundled
    cells = compare_all.line("income_rate.csv").split("|")
    assert cells[1].strip() == "income_rate"
    assert cells[-2].strip() == "**no**"


@pytest.mark.slow
def test_the_benchmark_prints_ratios():
    text = run(SCRIPTS / "benchmark.py", "gradient", "--repeat", "1")
    ratios = [float(x) for x in re.findall(r"([\d.]+)× plain", text)]
    assert len(ratios) == 2
    assert np.isfinite(ratios).all()


def test_the_picture_of_the_descent_is_what_its_script_draws(tmp_path):
    run(SCRIPTS / "picture.py", tmp_path / "descent.svg")
    kept, drawn = ((path / "descent.svg").read_text(encoding="utf-8") for path in (ROOT / "docs" / "assets", tmp_path))
    number = r"-?\d+\.\d"
    assert re.sub(number, "#", kept) == re.sub(number, "#", drawn)
    pairs = zip(re.findall(number, kept), re.findall(number, drawn), strict=True)
    assert all(abs(float(a) - float(b)) <= 0.11 for a, b in pairs)  # last digits differ among machines


def test_the_script_that_can_be_killed_goes_on_to_the_same_result(tmp_path):
    arguments = [sys.executable, SCRIPTS / "resume.py", "data/diabetes.csv", "progression"]
    whole = run(*arguments[1:], tmp_path / "whole.ckpt").splitlines()
    assert len(whole) > 200
    with subprocess.Popen([*arguments, tmp_path / "run.ckpt"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        if sys.platform == "linux":
            fcntl.fcntl(killed.stdout, fcntl.F_SETPIPE_SZ, 4096)  # it waits for its reader after some eighty lines
        lines = [killed.stdout.readline().rstrip("\n") for _ in range(40)]
        killed.kill()
    assert lines == whole[:40]
    rest = run(*arguments[1:], tmp_path / "run.ckpt").splitlines()
    assert rest == whole[-len(rest) :]
    assert 0 < len(rest) < len(whole)
    assert run(*arguments[1:], tmp_path / "run.ckpt").splitlines() == rest_of(whole)


def rest_of(lines):
    """Return the lines after the last one of an epoch."""
    return lines[next(k for k, line in reversed([*enumerate(lines, 1)]) if line.startswith("epoch")) :]
