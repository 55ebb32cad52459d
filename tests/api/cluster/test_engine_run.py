"""What a run does after each event, on a cluster that only pretends: every fault comes when a test wants it."""

import itertools
from collections import deque

import pytest

from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.engine import EngineError, EngineOptions, Unit, UnitFailed, check_parts
from regress.api.cluster.run import Run
from regress.api.cluster.workers import Beat, Died, Done, Gone, Lost
from regress.errors import InputError, TableError

UNITS = [Unit(f"u{i}", f"parts/{i}.csv", 10, i) for i in range(200)]
QUICK = EngineOptions(timeout=0.5, gather=0.05, backoff=0.001)


class Sum:
    def __init__(self, parts):
        self.parts = list(parts)

    def merge(self, other):
        self.parts += other.parts


class Pretended:
    """A cluster that does a task when its events are asked for, or what `fault(key, labels, smaller)` returns."""

    name, together = "pretended", False

    def __init__(self, fault=lambda key, units, smaller: None, workers=2):
        self._fault, self._workers, self._queue, self.results, self.broken = fault, workers, deque(), {}, set()
        self.folded = []

    def threads(self):
        return self._workers

    def check(self):
        pass

    def fold(self, key, units, smaller):
        self.folded += [unit.key for unit in units]
        self._queue.append((key, [unit.key for unit in units], smaller))
        return key

    def merge(self, key, inputs):
        self._queue.append((key, list(itertools.chain(*(self.results[one] for one in inputs))), False))
        return key

    def events(self, seconds):
        if not self._workers or not self._queue:
            return
        key, parts, smaller = self._queue.popleft()
        fault = self._fault(key, parts, smaller)
        if isinstance(fault, Gone):
            yield Gone([key])
        elif fault is not None:
            yield Done(key, fault)
        else:
            self.results[key] = parts
            yield Beat(parts[0], 1, 5)
            yield Done(key, None)

    def fetch(self, handle, seconds):
        if handle in self.broken:
            raise Lost(handle)
        return Sum(self.results[handle])

    def failed(self, handle):
        return handle in self.broken

    def cancel(self, handles):
        self._queue = deque(one for one in self._queue if one[0] not in handles)


def parts_of(cluster, **options):
    total = Run(cluster, UNITS, QUICK, **options).result()
    return sorted(total.parts) == sorted(unit.key for unit in UNITS)


def once(*faults):
    """Return faults that each come at the first task that meets their condition."""
    left = list(faults)

    def fault(key, parts, smaller):
        for one in left:
            if one[0](key, parts):
                left.remove(one)
                return one[1](parts) if callable(one[1]) else one[1]
        return None

    return fault


def merging(key, parts):
    return key.startswith("merge")


def holds(name):
    return lambda key, parts: key.startswith("fold") and name in parts


def test_every_unit_counts_once():
    assert parts_of(Pretended())
    assert parts_of(Pretended(workers=50))


@pytest.mark.parametrize("error", [Died("x"), Lost("x")])
@pytest.mark.parametrize("where", [merging, holds("u7")])
def test_what_the_cluster_gives_up_is_done_again(where, error):
    assert parts_of(Pretended(once((where, error))))


def test_a_merge_whose_input_is_lost_does_that_input_again():
    cluster = Pretended()

    def fault(key, parts, smaller):
        if merging(key, parts) and not cluster.broken:
            cluster.broken.add("fold-2")
            return Died("fold-2")
        return None

    cluster._fault = fault
    assert parts_of(cluster)
    assert len(cluster.folded) > len(UNITS)


def test_a_result_that_cannot_be_fetched_is_done_again():
    cluster = Pretended()
    cluster.broken.add("fold-1")
    assert parts_of(cluster)


def test_merges_that_end_workers_end_the_run():
    with pytest.raises(EngineError, match=r"^Merging results ended workers 3 times"):
        Run(Pretended(lambda key, parts, smaller: Died(key) if merging(key, parts) else None), UNITS, QUICK).result()


def test_a_unit_is_done_alone_and_smaller_after_two_ended_workers():
    seen = []

    def fault(key, parts, smaller):
        if holds("u9")(key, parts) and not smaller:
            seen.append(len(parts))
            return Gone([key])
        return None

    assert parts_of(Pretended(fault))
    assert seen[0] > 1
    assert seen[1:] == [1]


def test_the_first_unit_with_an_error_is_named_whatever_comes_first():
    def fault(key, parts, smaller):
        bad = [part for part in ("u150", "u40") if part in parts]
        return UnitFailed(bad[0], "error", TableError(bad[0])) if bad else None

    cluster = Pretended(fault)
    cluster.threads = lambda: 100  # all fly at once
    cluster._queue = Backwards()
    with pytest.raises(TableError, match=r"^u40$"):
        Run(cluster, UNITS, QUICK).result()


class Backwards(deque):
    def popleft(self):
        return self.pop()


def test_no_worker_ends_the_run():
    with pytest.raises(EngineError, match=r"^The cluster pretended has had no worker for 0.5 seconds\.$"):
        Run(Pretended(workers=0), UNITS, QUICK).result()


def test_a_checkpoint_is_written_after_an_error_too(tmp_path):
    def read(data):
        return Sum(data.decode().split())

    kept = {"to_bytes": lambda total: " ".join(sorted(total.parts)).encode(), "from_bytes": read, "run": "r"}
    first = PartsCheckpoint(path=tmp_path / "c", **kept)
    cluster = Pretended(lambda key, parts, smaller: TableError("x") if "u150" in parts else None)
    with pytest.raises(TableError, match=r"^x$"):
        Run(cluster, UNITS, QUICK, checkpoint=first).result()
    again = PartsCheckpoint(path=tmp_path / "c", resume=True, **kept)
    total = again.load(UNITS)
    assert "u0" in total.parts
    held, cluster = set(total.parts), Pretended()
    assert parts_of(cluster, total=total, checkpoint=again)
    assert not held & set(cluster.folded)
    with pytest.raises(InputError, match="another table or of other options"):
        PartsCheckpoint(path=tmp_path / "c", resume=True, **{**kept, "run": "s"}).load(UNITS)
    with pytest.raises(InputError, match=r"holds \d+ parts that the table does not have, or that changed, such as"):
        again.load(UNITS[:3])
    data = (tmp_path / "c").read_bytes()
    for damaged in (data[:-1], data.replace(b"u0", b"u1"), data.replace(b'"version":1', b'"version":2')):
        (tmp_path / "c").write_bytes(damaged)
        with pytest.raises(InputError, match=r"is damaged|another version"):
            again.load(UNITS)
    (tmp_path / "c").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="is not a checkpoint of parts"):
        first.load(UNITS)
    (tmp_path / "c").unlink()
    assert first.load(UNITS) is None
    with pytest.raises(InputError, match="There is no checkpoint"):
        again.load(UNITS)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["u0", "u1"], r"does not hold parts/2\.csv"),
        (["u0", "u1", "u2", "u1"], r"holds parts/1\.csv twice"),
        (["u0", "u1", "u2", "v"], "holds v twice, or without"),
    ],
)
def test_a_result_holds_each_part_once(parts, message):
    with pytest.raises(EngineError, match=message):
        check_parts(Sum(parts), UNITS[:3])
