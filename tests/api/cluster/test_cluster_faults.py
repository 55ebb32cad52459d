"""Clusters that lose workers, memory or their scheduler while they read tables: the same bits, or one sentence."""

import random
import warnings

import pytest

import regress
from regress.api.cluster import table as tables
from tests.api.cluster.test_cluster import rows, written

distributed, psutil = pytest.importorskip("distributed"), pytest.importorskip("psutil")


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


def is_worker(process):
    """Tell whether a process is a worker that runs."""
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.Error:
        return False


class Kills:
    """Ends a worker of this process at each of two signs of progress, by a seed."""

    def __init__(self, seed):
        self.random, self.count, self.killed = random.Random(seed), 0, 0
        self.moments = self.random.sample(range(1, 20), 2)

    def __call__(self, *_):
        self.count += 1
        if self.count in self.moments:
            if workers := [one for one in psutil.Process().children(recursive=True) if is_worker(one)]:
                self.random.choice(workers).kill()
                self.killed += 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_workers_killed_at_any_moment_change_nothing(table, seed):
    here = regress.fit(table, "y", precision="exact", over="moments")
    kills = Kills(seed)
    there = regress.fit(table, "y", cluster="local:2", progress=kills)
    assert kills.killed
    assert coefficients(here) == coefficients(there)


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
def test_memory_of_360_mb_suffices_for_600_mb_and_less_is_refused_before_the_run(tmp_path):
    """The prediction is more than the measured peak, and at most twice as much."""
    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8") as file:
        rows(20_000).to_csv(file, index=False)
    body = path.read_bytes()
    names, _, lines = body.partition(b"\n")
    with open(path, "wb") as file:
        file.write(names + b"\n")
        for _ in range(6 * 10**8 // len(lines)):
            file.write(lines)
    limit = 360 * 10**6
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
    assert fit.model.n_rows == 6 * 10**8 // len(lines) * 20_000
    assert max(peaks.values()) <= limit
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, memory_limit=250 * 10**6, dashboard_address="127.0.0.1:0"
        ) as local,
        distributed.Client(local) as client,
        pytest.raises(regress.RegressError, match="memory"),
    ):
        regress.fit(str(path), "y", cluster=client, sample=0)
