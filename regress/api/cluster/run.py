"""One run over units: what is to be done next, and what follows from each event. It knows no engine.

Units wait, fly as tasks of some units, and become partial results. Results of one level merge on the workers, eight at
a time, into one of the next. Now and then the client collects what is finished. A unit whose worker ended is done
again alone; after the second time while nothing else runs, with less memory; after the third the run ends and names it.
"""

import heapq
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic

from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.engine import A, EngineError, EngineOptions, Unit, UnitFailed
from regress.api.cluster.results import Partial, Results
from regress.api.cluster.workers import Beat, Cluster, Died, Done, Gone, Lost
from regress.errors import TransientError
from regress.options import Progress

_BYTES, _UNITS = 2**28, 64  # of one task, at most: what a lost task costs
_SHARE = 4  # tasks that the remaining units of each thread are cut into
_AHEAD = 2  # tasks for each thread: one runs, one waits for it
_DEATHS, _TRIES = 2, 3  # ended workers before a unit is done alone; times that a unit is done again
_TICK = 0.25  # seconds
_SETTLE = 10.0  # seconds for earlier units to end after an error, so that the first one in order is named
_RESCUE = 10.0  # seconds to collect what is finished when a run is interrupted


class Run(Generic[A]):
    """One run over units that are not yet in `total`."""

    def __init__(
        self,
        cluster: Cluster,
        units: Sequence[Unit],
        options: EngineOptions,
        *,
        total: A | None = None,
        checkpoint: PartsCheckpoint[A] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._cluster, self._units, self._options = cluster, units, options
        self._progress = progress
        self._results = Results(cluster, units, total, checkpoint)
        held = set(total.parts) if total is not None else set()
        self._todo = [i for i, unit in enumerate(units) if unit.key not in held]  # a heap: first things first
        self._later: list[tuple[float, int]] = []
        self._suspects: deque[int] = deque()
        self._flying: dict[str, Partial] = {}
        self._deaths, self._tries, self._count = Counter[int](), Counter[int](), 0
        self._merges_died = 0  # one after the other
        self._first: tuple[int, Exception, float] | None = None
        self._moved = self._gathered = time.monotonic()
        self._size, self._bytes = sum(unit.size for unit in units), sum(u.size for u in units if u.key in held)
        self._beats: dict[str, tuple[int, int]] = {}
        self._rows, self._read = 0, len(held)

    def result(self) -> A:
        """Return what all units merge to.

        Raises
        ------
        EngineError
            If the cluster fails, or a part is missing.
        """
        try:
            while self._busy:
                while self._busy:
                    self._step()
                if self._first is not None:
                    raise self._first[1]
                self._gather()
            return self._results.complete()
        except BaseException:
            self._rescue()
            raise
        finally:
            with suppress(Exception):  # what ends with the cluster needs no cancelling
                self._cluster.cancel([p.handle for p in (*self._flying.values(), *self._results.kept)])

    def _rescue(self) -> None:
        """Save what is finished, after an error."""
        for partial in self._flying.values():
            for one in partial.inputs:  # they are there until the merge has ended
                self._results.keep(one, merge=False)
        self._results.rescue(_RESCUE)

    @property
    def _busy(self) -> bool:
        return bool(self._todo or self._later or self._suspects or self._flying)

    def _step(self) -> None:
        """Begin what can begin, and take what happened."""
        if self._first is not None:
            self._settle(*self._first)
        self._begin(self._cluster.threads())
        for event in self._cluster.events(_TICK):
            self._take(event)
        now = time.monotonic()
        if now - self._gathered >= self._options.gather:
            self._gather()
        if now - self._moved > self._options.timeout:
            raise self._stuck()
        self._show()

    def _begin(self, threads: int) -> None:
        """Submit tasks until each thread has one and the next, or all that depend on the same other tasks."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._todo, heapq.heappop(self._later)[1])
        folds = sum(not partial.level for partial in self._flying.values())
        if self._suspects:
            if not folds:
                self._fly((self._suspects.popleft(),), alone=True)
            return
        ahead = len(self._units) if self._cluster.together else _AHEAD * max(threads, 1)
        while self._todo and folds < ahead:
            self._fly(self._group(max(threads, 1)))
            folds += 1

    def _group(self, threads: int) -> tuple[int, ...]:
        """Take the next units of a task: fewer towards the end, so that all workers end together."""
        left = len(self._todo)
        most = min(_UNITS, -(-left // (_SHARE * threads)))
        room = min(_BYTES, (self._size - self._bytes) // (_SHARE * threads))
        group: list[int] = []
        while self._todo and len(group) < most:
            i = self._todo[0]
            single = self._deaths[i] or self._tries[i] or not self._units[i].size
            if group and (single or self._units[i].size > room):
                break
            group.append(heapq.heappop(self._todo))
            room -= self._units[i].size
            if single:
                break
        return tuple(group)

    def _fly(self, units: tuple[int, ...], alone: bool = False) -> None:
        key = self._key("fold")
        handle = self._cluster.fold(key, [self._units[i] for i in units], alone)
        self._flying[key] = Partial(handle, units, 0, alone=alone)

    def _key(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count}"

    def _take(self, event: Done | Gone | Beat) -> None:
        if isinstance(event, Beat):
            self._moved = time.monotonic()
            self._rows += event.done - self._beats.get(event.unit, (0, 0))[0]
            self._beats[event.unit] = event.done, event.position
        elif isinstance(event, Gone):
            for key in event.keys:
                if key in self._flying and not self._flying[key].level:  # a merge is done again by the engine
                    self._died(key)
        elif event.key in self._flying:
            if event.error is None:
                self._landed(event.key)
            else:
                self._failed(event.key, event.error)

    def _landed(self, key: str) -> None:
        self._moved = time.monotonic()
        partial = self._flying.pop(key)
        if not partial.level:
            self._read += len(partial.units)
            self._bytes += sum(self._units[i].size for i in partial.units)
        else:
            self._merges_died = 0
        self._keep(partial)

    def _keep(self, partial: Partial) -> None:
        """Keep a result; merge it with others of its level when they are enough."""
        inputs = self._results.keep(partial, merge=self._first is None)
        if inputs:
            key = self._key("merge")
            handle = self._cluster.merge(key, [one.handle for one in inputs])
            units = tuple(i for one in inputs for i in one.units)
            self._flying[key] = Partial(handle, units, inputs[0].level + 1, inputs)

    def _failed(self, key: str, error: Exception) -> None:
        partial = self._flying[key]
        if isinstance(error, Died | Lost):
            if partial.level:
                self._unmerge(self._flying.pop(key))
            elif isinstance(error, Died):
                self._died(key)
            else:
                self._again(self._flying.pop(key), error)
            return
        del self._flying[key]
        if not isinstance(error, UnitFailed):
            self._cluster.check()  # a worker without the package cannot even read a task
            self._fail(min(partial.units), error)
            return
        if error.why == "worker":
            self._cluster.check()
        i = next((i for i in partial.units if self._units[i].key == error.key), partial.units[0])
        others = [j for j in partial.units if j != i]
        if error.why == "transient":
            self._retry(i, error.error)
        elif error.why == "memory" and not partial.alone:
            self._suspects.append(i)
        else:
            self._fail(i, error.error)
            others = [j for j in others if j < i]
        for j in others:
            heapq.heappush(self._todo, j)

    def _retry(self, i: int, error: Exception) -> None:
        self._tries[i] += 1
        if self._tries[i] > _TRIES:
            text = f"{self._units[i].label} failed {self._tries[i]} times: {str(error) or type(error).__name__}"
            self._fail(i, error if isinstance(error, TransientError) else EngineError(text))
        else:
            wait = self._options.backoff * 2.0 ** (self._tries[i] - 1)
            heapq.heappush(self._later, (time.monotonic() + wait, i))

    def _again(self, partial: Partial, error: Exception) -> None:
        """Do units again whose result is lost, each alone."""
        for i in partial.units:
            self._retry(i, error)

    def _died(self, key: str) -> None:
        """Do the units of a task again whose worker ended: one of them may have ended it."""
        partial = self._flying.pop(key)
        self._cluster.cancel([partial.handle])
        for i in partial.units:
            self._deaths[i] += 1
            if partial.alone:
                label = self._units[i].label
                self._fail(i, EngineError(f"{label} ended its worker {_DEATHS + 1} times: memory may be short."))
            elif self._deaths[i] >= _DEATHS:
                self._suspects.append(i)
            else:
                heapq.heappush(self._todo, i)

    def _unmerge(self, partial: Partial) -> None:
        """Keep what a failed task was to merge, as far as it is there."""
        self._merges_died += 1
        if self._merges_died > _DEATHS:
            raise EngineError(f"Merging results ended workers {self._merges_died} times: memory may be short.")
        for one in partial.inputs:
            if self._cluster.failed(one.handle):
                self._forget(one)
            else:
                self._keep(one)

    def _forget(self, partial: Partial) -> None:
        self._read -= len(partial.units)
        self._bytes -= sum(self._units[i].size for i in partial.units)
        self._again(partial, EngineError("its result was lost"))

    def _fail(self, i: int, error: Exception) -> None:
        """Note an error of a unit: that of the first unit in order is raised."""
        if self._first is None or i < self._first[0]:
            began = time.monotonic() if self._first is None else self._first[2]
            self._first = i, error, began

    def _settle(self, first: int, error: Exception, began: float) -> None:
        """Let units before one with an error end, for a while: they may have errors too."""
        self._todo = [i for i in self._todo if i < first]
        self._later = [(when, i) for when, i in self._later if i < first]
        heapq.heapify(self._todo)
        heapq.heapify(self._later)
        self._suspects = deque(i for i in self._suspects if i < first)
        late = [key for key, partial in self._flying.items() if not partial.level and min(partial.units) > first]
        self._cluster.cancel([self._flying.pop(key).handle for key in late])
        if time.monotonic() - began > _SETTLE:
            raise error

    def _gather(self) -> None:
        """Fetch what is finished; do again what is lost."""
        for partial in self._results.gather(self._options.timeout):
            self._forget(partial)
        self._gathered = time.monotonic()

    def _stuck(self) -> EngineError:
        for_long = f"for {self._options.timeout:g} seconds"
        if not self._cluster.threads():
            return EngineError(f"The cluster {self._cluster.name} has had no worker {for_long}.")
        waiting = min((min(p.units) for p in self._flying.values()), default=min(self._todo, default=0))
        return EngineError(
            f"Nothing was finished {for_long} on the cluster {self._cluster.name}. "
            f"{self._units[waiting].label} is the first part that is not."
        )

    def _show(self) -> None:
        if self._progress is None:
            return
        flying = [self._units[i] for p in self._flying.values() if not p.level for i in p.units]
        under_way = sum(min(self._beats.get(unit.key, (0, 0))[1], unit.size) for unit in flying)
        count = ("rows", self._rows) if self._rows else ("parts", self._read)
        self._progress(*count, min(self._bytes + under_way, self._size), self._size)
