"""The engine on real processes: results, workers that end, errors, and what a checkpoint saves."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from distributed import Client  # after importorskip

import regress
from regress.api.cluster import dask_client
from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.dask_engine import reduce
from regress.api.cluster.engine import EngineError, EngineOptions, Job, Unit
from regress.errors import InputError, TableError, TransientError
from tests.api.cluster import dask_toys as toys

ROOT = Path(__file__).resolve().parents[3]
ADD = Job(fold=toys.add)
OUTPUT = {"capture_output": True, "text": True, "timeout": 60}
QUICK = EngineOptions(timeout=20, backoff=0.05)


def squares(count):
    return sum(i * i for i in range(count))


@pytest.fixture(scope="module")
def cluster():
    """Two workers of one thread each, which a nanny starts again."""
    with (
        dask_client.quiet(),
        dask_client.processes(2) as two,
        Client(two, set_as_default=False) as client,
    ):
        yield client


def checkpoint(path, resume=False, run="run"):
    return PartsCheckpoint(path=path, to_bytes=toys.to_bytes, from_bytes=toys.from_bytes, run=run, resume=resume)


def test_a_run_merges_every_unit_once(cluster):
    seen = []
    total = reduce(toys.units(100), ADD, cluster, options=QUICK, progress=lambda *what: seen.append(what))
    assert total.total == squares(100)
    assert total.parts == {f"u{i}" for i in range(100)}
    assert seen[-1] == ("rows", 1000, 100_000, 100_000)


def test_one_unit_needs_no_merge(cluster):
    assert reduce(toys.units(1), ADD, cluster, options=QUICK).total == 0


@pytest.mark.slow
def test_the_unit_is_done_again_with_less_memory(cluster):
    total = reduce(toys.units(20, at3="kill"), Job(fold=toys.add, smaller=toys.smaller), cluster, options=QUICK)
    assert total.total == squares(20)


@pytest.mark.slow
def test_a_unit_that_ends_every_worker_is_named(cluster, tmp_path):
    log = str(tmp_path / "log")
    with pytest.raises(EngineError, match=r"^parts/03.csv ended its worker 3 times"):
        reduce(toys.units(8, at3="kill", log=log), ADD, cluster, options=QUICK)


def test_an_error_of_a_table_arrives_as_it_is(cluster):
    with pytest.raises(TableError, match=r"^parts/04.csv:3: 'x' is not a number\.$"):
        reduce(toys.units(30, at4="table", at9="table", at2=0.2), ADD, cluster, options=QUICK)


def test_short_memory_asks_for_less(cluster):
    job = Job(fold=toys.add, smaller=toys.smaller)
    assert reduce(toys.units(20, at3="memory"), job, cluster, options=QUICK).total == squares(20)
    with pytest.raises(MemoryError):
        reduce(toys.units(20, at3="memory"), ADD, cluster, options=QUICK)


@pytest.mark.parametrize("kind", [ConnectionResetError, TransientError])
def test_errors_of_storage_are_tried_again(cluster, tmp_path, kind):
    units = toys.units(20, at5=(kind, 3, str(tmp_path)))
    assert reduce(units, ADD, cluster, options=QUICK).total == squares(20)


def test_the_fourth_error_of_storage_is_the_last(cluster, tmp_path):
    with pytest.raises(EngineError, match=r"^parts/05.csv failed 4 times: try 3$"):
        reduce(toys.units(20, at5=(ConnectionResetError, 9, str(tmp_path))), ADD, cluster, options=QUICK)


def test_the_last_error_of_storage_keeps_its_sentence(cluster, tmp_path):
    with pytest.raises(TransientError, match=r"^try 3$"):
        reduce(toys.units(20, at5=(TransientError, 9, str(tmp_path))), ADD, cluster, options=QUICK)


def test_a_merge_that_drops_a_part_is_refused(cluster):
    with pytest.raises(EngineError, match=r"^The result does not hold parts/07.csv"):
        reduce(toys.units(20), Job(fold=toys.drop), cluster, options=QUICK)


def test_nothing_hangs(cluster):
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"^Nothing was finished for 1 seconds.*parts/00.csv"):
        reduce(toys.units(1, at0="hang"), ADD, cluster, options=EngineOptions(timeout=1))
    assert time.monotonic() - began < 15


def test_memory_is_compared_before_the_run(cluster):
    job = Job(fold=toys.add, need=lambda unit: 10**15)
    with pytest.raises(EngineError, match=r"needs up to 1,000,000,000 MB for each thread; the worker tcp://"):
        reduce(toys.units(3), job, cluster, options=QUICK)


def test_another_version_is_refused(cluster, monkeypatch):
    monkeypatch.setattr("regress.__version__", "99.0")
    with pytest.raises(EngineError, match=r"^The worker tcp://\S+ has regress \S+, and the client 99\.0\."):
        reduce(toys.units(3), ADD, cluster, options=QUICK)


def test_a_scheduler_that_does_not_answer_is_named():
    with pytest.raises(EngineError, match=r"^The scheduler at tcp://127\.0\.0\.1:9 does not answer\."):
        reduce(toys.units(3), ADD, "tcp://127.0.0.1:9", options=EngineOptions(connect=1))


@pytest.mark.parametrize("cluster", ["local:0", "local:x", "local:-1", 7])
def test_an_address_is_checked(cluster):
    with pytest.raises(InputError, match="cluster must"):
        reduce(toys.units(3), ADD, cluster)


def test_units_have_different_keys():
    with pytest.raises(InputError, match=r"the same part twice: parts/00\.csv and parts/00\.csv"):
        reduce(toys.units(1) * 2, ADD, "local:1")


@pytest.mark.slow
def test_a_checkpoint_holds_what_was_finished(cluster, tmp_path):
    path, log = tmp_path / "c", str(tmp_path / "log")
    with pytest.raises(TableError):
        reduce(toys.units(30, at25="table"), ADD, cluster, options=QUICK, checkpoint=checkpoint(path))
    held = toys.from_bytes(path.read_bytes().split(b"\n", 2)[2]).parts
    assert held
    total = reduce(toys.units(30, log=log), ADD, cluster, options=QUICK, checkpoint=checkpoint(path, resume=True))
    assert total.total == squares(30)
    read = (tmp_path / "log").read_text().split()
    assert sorted(read) == sorted({f"u{i}" for i in range(30)} - held)
    assert reduce(toys.units(30), ADD, "tcp://nowhere:1", checkpoint=checkpoint(path, resume=True)).total == squares(30)


def test_units_may_be_futures_and_delayed(cluster):
    import dask

    futures = cluster.map(lambda i: (i, None, None), range(10))
    assert reduce([Unit(f"u{i}", f"{i}", 0, f) for i, f in enumerate(futures)], ADD, cluster).total == squares(10)
    lazy = [dask.delayed(lambda i: (i, None, None))(i) for i in range(10)]
    assert reduce([Unit(f"u{i}", f"{i}", 0, d) for i, d in enumerate(lazy)], ADD, cluster).total == squares(10)


def kill_one(client, wait):
    """Kill a worker after so many seconds, and return when it is done."""

    def kill():
        time.sleep(wait)
        pids = client.run(os.getpid)
        os.kill(random.choice(list(pids.values())), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_killed_worker_changes_nothing(cluster, seed):
    random.seed(seed)
    cluster.wait_for_workers(2, timeout=60)
    slow = {f"at{i}": 0.03 for i in range(60)}
    killer = kill_one(cluster, random.uniform(0.0, 1.2))
    total = reduce(toys.units(60, **slow), ADD, cluster, options=QUICK)
    killer.join()
    assert (total.total, len(total.parts)) == (squares(60), 60)


@pytest.mark.slow
def test_the_only_worker_ends_and_ends_again():
    with pytest.raises(EngineError, match=r"^parts/00.csv ended its worker 3 times"):
        reduce(toys.units(1, at0="kill"), ADD, "local:1", options=EngineOptions(timeout=60))


@pytest.mark.slow
def test_the_same_for_one_two_and_three_workers():
    totals = [reduce(toys.units(40), ADD, f"local:{n}", options=QUICK) for n in (1, 3)]
    assert [total.total for total in totals] == [squares(40)] * 2


class Processes:
    """A scheduler and workers, started as users start them."""

    def __init__(self, folder):
        self._file, self._started = folder / "scheduler.json", []
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + 60
        while not self._file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.address = json.loads(self._file.read_text())["address"]

    def _start(self, name, *arguments, path=ROOT):
        """Start a process that imports from a folder first."""
        common = ["-m", f"distributed.cli.dask_{name}", "--no-dashboard", "--scheduler-file", str(self._file)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "PYTHONPATH": str(path)}
        process = subprocess.Popen([sys.executable, *common, *arguments], cwd=path, env=environment, **quiet)
        self._started.append(process)
        return process

    def work(self, *arguments, path=ROOT):
        self._start("worker", "--nthreads", "1", *arguments, path=path)

    def end(self):
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path):
    some = Processes(tmp_path)
    yield some
    some.end()


@pytest.mark.slow
def test_the_scheduler_is_killed_and_the_run_goes_on_elsewhere(processes, cluster, tmp_path):
    processes.work("--nworkers", "2")
    path, log = tmp_path / "c", str(tmp_path / "log")
    killed = []

    def kill(stage, done, position, size):
        if path.exists() and not killed:
            killed.append(time.monotonic())
            processes.scheduler.kill()

    units = toys.units(200, log=log, **{f"at{i}": 0.02 for i in range(200)})
    often = EngineOptions(timeout=20, gather=0.5)
    with pytest.raises(EngineError, match=rf"^The scheduler at {processes.address} is gone\."):
        reduce(units, ADD, processes.address, options=often, progress=kill, checkpoint=checkpoint(path))
    assert time.monotonic() - killed[0] < 30
    held = toys.from_bytes(path.read_bytes().split(b"\n", 2)[2]).parts
    assert held
    (tmp_path / "log").unlink()
    total = reduce(units, ADD, cluster, options=QUICK, checkpoint=checkpoint(path, resume=True))
    assert total.total == squares(200)
    assert not held & set((tmp_path / "log").read_text().split())


@pytest.mark.slow
def test_the_poison_of_a_cluster_that_is_not_ours(processes):
    processes.work("--nworkers", "2")
    with pytest.raises(EngineError, match=r"^parts/03.csv ended its worker 3 times"):
        reduce(toys.units(8, at3="kill"), ADD, processes.address, options=EngineOptions(timeout=60))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ModuleNotFoundError('No module named regress')", "cannot import regress: No module named regress"),
        ("__version__ = '0.0.1'", f"has regress 0.0.1, and the client {regress.__version__}"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_worker_that_cannot_take_part_is_named(processes, tmp_path, text, message, late):
    (tmp_path / "regress").mkdir()
    (tmp_path / "regress" / "__init__.py").write_text(text)
    joined = []

    def join(*_):
        if not joined:
            joined.append(processes.work(path=tmp_path))

    if late:
        processes.work()
    else:
        join()
    units = toys.units(400, **{f"at{i}": 0.1 for i in range(400)})
    with pytest.raises(EngineError, match=rf"^The worker tcp://\S+ {re.escape(message)}"):
        reduce(units, ADD, processes.address, options=EngineOptions(timeout=60), progress=join)


@pytest.mark.slow
def test_an_interruption_leaves_a_checkpoint_and_no_process(tmp_path):
    path = tmp_path / "c"
    command = [sys.executable, "-W", "error", "-m", "tests.api.cluster.dask_toys", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes) as run:
        assert run.stdout.readline() == "half\n"
        os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C in a terminal: workers receive it too
        assert run.stdout.read() == "interrupted\n"
    for _ in range(100):  # Python's tracker of shared memory ends after it
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, 0)
            time.sleep(0.1)
            continue
        break
    else:
        pytest.fail("A process of the cluster is still there.")
    assert len(toys.from_bytes(path.read_bytes().split(b"\n", 2)[2]).parts) >= 20


@pytest.mark.slow
def test_a_script_is_told_to_guard_itself(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from regress.api.cluster.dask_engine import reduce\nfrom regress.api.cluster.engine import Job\n"
        "from tests.api.cluster import dask_toys as toys\nreduce(toys.units(2), Job(fold=toys.add), 'local:1')\n"
    )
    run = subprocess.run([sys.executable, script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **OUTPUT)
    assert "In a script, call regress below `if __name__ == '__main__':`." in run.stderr.splitlines()[-1]
