"""Clusters that lose workers, memory or their scheduler while they read tables: the same bits, or one sentence."""

import os
import random
import signal
import warnings

import pytest

import regress
from regress.api.cluster import table as tables
from tests.api.cluster.test_cluster import rows, written

distributed = pytest.importorskip("distributed")


@pytest.fixture
def table(tmp_path):
    """Thirty files of different sizes."""
    cuts = sorted(random.Random(0).sample(range(1, 2999), 29))
    return written(tmp_path / "t", rows(3000), cuts)


@pytest.fixture(scope="module")
def client():
    """Two workers of one thread each, begun anew when they end."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as local,
        distributed.Client(local) as found,
    ):
        yield found


def coefficients(fit):
    """What must have the same bits."""
    return [fit.b, *fit.w, *fit.bse, fit.loss]


class KillAt:
    """Ends a worker at the k-th sign of progress."""

    def __init__(self, client, k, seed):
        self.client, self.k, self.seed, self.count = client, k, seed, 0

    def __call__(self, *_):
        self.count += 1
        if self.count == self.k:
            pids = sorted(self.client.run(os.getpid).values())
            os.kill(random.Random(self.seed).choice(pids), signal.SIGKILL)


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 21))])
def test_a_worker_killed_at_any_moment_changes_nothing(client, table, seed):
    here = regress.fit(table, "y", precision="exact", over="moments")
    kill = KillAt(client, seed, seed)
    there = regress.fit(table, "y", cluster=client, progress=kill)
    assert kill.count >= kill.k, "a worker was killed"
    assert coefficients(here) == coefficients(there)
    client.wait_for_workers(2, timeout=30)


def test_what_is_finished_is_not_read_again(client, table, tmp_path, monkeypatch):
    """Parts of a checkpoint are not units of work any more."""
    here = regress.fit(table, "y", precision="exact", over="moments")
    kept = tmp_path / "kept"
    first = regress.fit(table, "y", cluster=client, checkpoint=kept)
    monkeypatch.setattr(tables.SumPart, "__reduce__", None)  # nothing is sent
    again = regress.fit(table, "y", cluster=client, checkpoint=kept, resume=True)
    assert coefficients(here) == coefficients(first) == coefficients(again)


def test_a_checkpoint_of_another_run_is_refused(client, table, tmp_path):
    kept = tmp_path / "kept"
    regress.fit(table, "y", cluster=client, checkpoint=kept)
    with pytest.raises(regress.InputError, match="another table or of other options"):
        regress.fit(table, "y", cluster=client, checkpoint=kept, resume=True, drop=["a"])
    data = bytearray(kept.read_bytes())
    data[-100] ^= 1
    kept.write_bytes(data)
    with pytest.raises(regress.InputError, match="damaged"):
        regress.fit(table, "y", cluster=client, checkpoint=kept, resume=True)


@pytest.mark.slow
def test_a_memory_limit_of_300_mb_suffices_for_a_gigabyte(tmp_path):
    """The prediction is more than the measured peak, and at most twice as much."""
    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8") as file:
        rows(20_000).to_csv(file, index=False)
    body = path.read_bytes()
    names, _, lines = body.partition(b"\n")
    with open(path, "wb") as file:
        file.write(names + b"\n")
        for _ in range(10**9 // len(lines)):
            file.write(lines)
    limit = 300 * 10**6
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=limit, dashboard_address="127.0.0.1:0"
        ) as local,
        distributed.Client(local) as client,
    ):
        warnings.simplefilter("ignore")
        fit = regress.fit(str(path), "y", cluster=client, sample=0)
        peaks = client.run(lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024)
    assert fit.n_rows == 10**9 // len(lines) * 20_000
    assert max(peaks.values()) <= limit
