"""Child processes: threads do not survive a fork, so a forked child must not wait for them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
import joblib, numpy as np, pandas as pd, regress

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "k": ["a", "b", "b", "a"], "y": [2.0, 4.1, 6.2, 7.9]})

def of_file(i):
    return regress.fit("t.csv", "y").w.tolist()

def of_frame(i):
    return regress.fit(FRAME, "y").w.tolist()

def of_array(i):
    return regress.fit(FRAME[["x"]].to_numpy(), FRAME["y"]).w.tolist()

def predicted(i):
    return MODEL.predict("t.csv").tolist()

def said(job, i):  # an error that ends a job makes joblib kill its pool, which hangs at times
    try:
        return job(i)
    except regress.InputError as error:
        return str(error)

if __name__ == "__main__":
    MODEL = regress.fit("t.csv", "y").model if sys.argv[1] == "read" else None
    job, ways = partial(said, globals()[sys.argv[2]]), {
        "fork": lambda: multiprocessing.get_context("fork").Pool(2).map(job, range(2)),
        "spawn": lambda: multiprocessing.get_context("spawn").Pool(2).map(job, range(2)),
        "executor": lambda: list(ProcessPoolExecutor(2, multiprocessing.get_context("fork")).map(job, range(2))),
        "joblib": lambda: joblib.Parallel(2, backend="multiprocessing")(joblib.delayed(job)(i) for i in range(2)),
        "loky": lambda: joblib.Parallel(2, backend="loky")(joblib.delayed(job)(i) for i in range(2)),
    }
    told = ways[sys.argv[3]]()
    print("equal" if told[0] == told[1] == job(0) else told[0])
"""


def told(folder, *words):
    (folder / "t.csv").write_text("x,y\n1,2\n2,4.1\n3,6.2\n4,7.9\n")
    (folder / "start.py").write_text(START)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "start.py", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,  # what hangs, hangs for ever
        check=False,
    )
    return done.stdout or done.stderr


@pytest.mark.parametrize(
    ("job", "way"),
    [
        ("of_file", "fork"),
        pytest.param("predicted", "executor", marks=pytest.mark.slow),
        pytest.param("of_frame", "joblib", marks=pytest.mark.slow),
    ],
)
def test_a_child_forked_after_a_table_was_read_says_at_once_what_to_use(tmp_path, job, way):
    said = told(tmp_path, "read", job, way)
    assert said.startswith("This process was forked after regress had read a table")
    assert 'get_context("spawn"), or by joblib\'s backend "loky"' in said


@pytest.mark.parametrize(
    ("before", "job", "way"),
    [
        ("nothing", "of_file", "fork"),
        pytest.param("read", "of_array", "fork", marks=pytest.mark.slow),
        pytest.param("read", "of_file", "spawn", marks=pytest.mark.slow),
    ],
)
def test_other_children_work(tmp_path, before, job, way):
    assert told(tmp_path, before, job, way) == "equal\n"
