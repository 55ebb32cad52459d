"""Runs that the system kills (SIGKILL) at a random time go on from their checkpoint to the same result.

The runs are children of a process of its own, forked before it reads any table.
"""

import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KILLS = 10  # each of the solvers below once
SOLVERS = [
    {"solver": "gd", "max_iter": 30},
    {"solver": "accelerated", "max_iter": 30, "over": "rows", "weights": "v"},
    {"solver": "cg", "max_iter": 30, "tol": 1e-300},
    {"solver": "newton", "over": "rows", "max_iter": 30, "tol": 1e-300},
    {"solver": "sgd"},
    {"solver": "sgd", "momentum": 0.9, "nesterov": True, "over": "blocks"},
    {"solver": "averaged-sgd", "over": "blocks", "alpha": 1.0},
    {"solver": "averaged-sgd", "test_size": 0.2, "early_stopping": 3},
    {"solver": "adam", "schedule": "cosine", "over": "rows"},
    {"solver": "adam", "over": "blocks", "weights": "v"},
]


def run(table, path, written, options):
    """Fit, going on from a checkpoint if there is one, and write all of the result but its seconds."""
    import regress
    from regress.objective import batches

    batches._CHUNK = 100  # cells: some thirty checkpoints a run
    batched = {"epochs": 4, "batch_size": 10, "shuffle_rows": 100} if "max_iter" not in options else {}
    go_on = path.exists()
    fit = regress.fit(table, "y", checkpoint=path, checkpoint_every=1, resume=go_on, **batched, **options)
    history = fit.history.drop(columns="seconds").to_csv()
    written.write_text(f"{go_on}\n{(fit.w.tobytes(), fit.b, fit.status, history)!r}")


def forked(*given):
    """Return the number of a child that runs."""
    child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")
            run(*given)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child


def result(*given):
    """Return what a run that nobody kills writes."""
    _, code = os.waitpid(forked(*given), 0)
    assert code == 0
    go_on, rest = given[2].read_text().split("\n")
    return go_on == "True", rest


def wait(child, path, times):
    """Wait until a checkpoint has been written so often, or the run has ended."""
    seen = set()
    while len(seen) < times and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.0005)


def main(folder):
    """Kill runs, and print how often one went on from a checkpoint."""
    import scipy.linalg  # noqa: F401  here, so that no child need import it

    import regress.api.fit
    import regress.sources.files  # noqa: F401  as above

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[:, 1] += 4 * X[:, 0]
    y = X @ [1.0, -2.0, 0.5] + rng.normal(size=300)
    for k in range(3):
        rows = np.column_stack([X, y, 1.0 + np.arange(300) % 3])[100 * k : 100 * (k + 1)]
        (folder / "t").mkdir(exist_ok=True)
        np.savetxt(folder / "t" / f"{k}.csv", rows, delimiter=",", header="a,b,c,y,v", comments="", fmt="%.17g")
    gone_on, wholes = 0, {}
    for kill in range(KILLS):
        number = kill % len(SOLVERS)
        options = SOLVERS[number]
        if number not in wholes:
            wholes[number] = result(folder / "t", folder / f"{number}.whole", folder / "whole.txt", options)[1]
        path = folder / f"{kill}.ckpt"
        child = forked(folder / "t", path, folder / "killed.txt", options)
        wait(child, path, int(rng.integers(8)))
        time.sleep(rng.uniform(0.0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        went_on, rest = result(folder / "t", path, folder / "rest.txt", options)
        assert rest == wholes[number], options
        gone_on += went_on
    print(gone_on)


@pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has imported Polars")
def test_ten_killed_runs_end_as_those_that_were_not(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > KILLS / 2
    assert not list(tmp_path.glob(".*.whole.*"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
