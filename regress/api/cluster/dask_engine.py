"""Work on a Dask cluster: connect, check every worker, and submit tasks. Owner of dask and distributed.

Dask places tasks, moves results between workers and computes lost ones again. What is done after a failure is decided
by `Run`: Dask blames every task of a worker that ended, and gives it up after four.
"""

import pkgutil
import platform
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeAlias

from dask.delayed import Delayed, delayed
from distributed import Client, Future, KilledWorker
from distributed.protocol.pickle import dumps, loads

import regress
from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.dask_client import client_of, quiet
from regress.api.cluster.dask_worker import Task, fold_units, merge_partials
from regress.api.cluster.engine import A, EngineError, EngineOptions, Job, Unit, check_parts, check_units
from regress.api.cluster.run import Run
from regress.api.cluster.workers import Beat, Died, Done, Gone, Lost
from regress.messages import speaks_flags
from regress.options import Progress

_POLARS = str(pkgutil.resolve_name("polars:__version__"))
_POLL = 0.05  # seconds
AnyFuture: TypeAlias = "Future[Any]"


def reduce(
    units: Sequence[Unit],
    job: Job[A],
    cluster: Any,
    *,
    options: EngineOptions | None = None,
    checkpoint: PartsCheckpoint[A] | None = None,
    progress: Progress | None = None,
) -> A:
    """Return what the partial results of units merge to, each computed by a worker of a cluster.

    Parameters
    ----------
    units : sequence of Unit
        What is to be done, in the order in which errors count.
    job : Job
        What is done with a unit.
    cluster : distributed.Client, distributed.deploy.Cluster or str
        The address of a scheduler, such as ``tcp://host:8786``, or ``local:N`` for N processes of this machine.
    options : EngineOptions, optional
        How long to wait.
    checkpoint : PartsCheckpoint, optional
        Where finished results are kept, so that a run can go on after the loss of everything else.
    progress : callable, optional
        Called with ("rows" or "parts", how many, bytes finished, bytes of all).

    Raises
    ------
    EngineError
        If the cluster cannot be used, stops, or loses a part.
    InputError
        If a unit raises it, or the checkpoint is of another run.
    """
    options = options or EngineOptions()
    check_units(units)
    total = checkpoint.load(units) if checkpoint is not None else None
    if total is not None and len(total.parts) == len(units):
        check_parts(total, units)
        return total
    with quiet(), client_of(cluster, options) as client:
        with DaskCluster(client, job, options, units) as workers:
            run = Run(workers, units, options, total=total, checkpoint=checkpoint, progress=progress)
            return run.result()


class _Silence(EngineError):
    """A scheduler does not answer."""


class DaskCluster(Generic[A]):
    """The workers of a client, as a run sees them."""

    def __init__(self, client: Client, job: Job[A], options: EngineOptions, units: Sequence[Unit]) -> None:
        assert client.scheduler is not None
        self.name = str(client.scheduler.address)
        self._client, self._job, self._options = client, job, options
        self._id = uuid.uuid4().hex
        self._task = Task(job.fold, f"regress-{self._id}", regress.__version__, speaks_flags())
        self._run = _runner()
        self._heard: queue.SimpleQueue[Done | Gone | Beat] = queue.SimpleQueue()
        self._changed = threading.Event()
        self._threads: dict[str, int] = {}  # of each worker's address
        self._checks: list[threading.Thread] = []
        self._refused: str | None = None
        self._largest = max(units, key=job.need) if job.need is not None else None
        self._need = job.need(self._largest) if job.need is not None and self._largest is not None else 0
        self.together = any(isinstance(unit.work, Delayed) for unit in units)

    def __enter__(self) -> "DaskCluster[A]":
        self._client.subscribe_topic("all", self._of_workers)
        self._client.subscribe_topic(self._task.topic, self._of_units)
        self.check()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # with the scheduler gone, nothing is subscribed to
            self._client.unsubscribe_topic("all")
            self._client.unsubscribe_topic(self._task.topic)

    def threads(self) -> int:
        """Return how many tasks can run at the same time; begin to check workers that are new."""
        if self._client.status != "running":
            raise EngineError(f"The scheduler at {self.name} is gone.")
        if self._changed.is_set():
            self._changed.clear()
            try:
                self._meet(self._workers())
            except _Silence:
                self._changed.set()  # a busy scheduler is asked again
        if self._refused is not None:
            raise EngineError(self._refused)
        return sum(self._threads.values())

    def _meet(self, workers: dict[str, Any]) -> None:
        """Note the workers that are there; begin to check those that are new, without waiting for their answers."""
        new = [address for address in workers if address not in self._threads]
        self._threads = {address: int(worker["nthreads"]) for address, worker in workers.items()}
        for address in new:
            self._check_memory(address, workers[address])
        self._checks = [checking for checking in self._checks if checking.is_alive()]
        if new:
            checking = threading.Thread(target=self._compare, args=(new,), daemon=True)
            checking.start()
            self._checks.append(checking)

    def check(self) -> None:
        """Compare the versions on all workers with those here. A worker that does not answer is no error: it may end.

        Raises
        ------
        EngineError
            If one differs, or cannot import the package.
        """
        self._threads = {}
        self._meet(self._workers())
        deadline = time.monotonic() + self._options.connect
        while any(checking.is_alive() for checking in self._checks) and time.monotonic() < deadline:
            if self._changed.wait(_POLL):
                break  # one that ended does not answer; the others do so later
        self.threads()

    def _compare(self, workers: list[str]) -> None:
        for what, parts, here, call in (
            ("regress", None, regress.__version__, (pkgutil.resolve_name, "regress:__version__")),
            ("Python", 2, platform.python_version(), (platform.python_version,)),
            ("Polars", 2, _POLARS, (pkgutil.resolve_name, "polars:__version__")),
        ):
            try:
                found = self._client.run(*call, workers=workers, on_error="return")
            except Exception:  # the scheduler is gone, or all of these workers: other messages name that
                return
            for address, there in found.items():
                if isinstance(there, ImportError | AttributeError):
                    self._refused = f"The worker {address} cannot import {what}: {there}. Install it there."
                elif isinstance(there, str) and there.split(".")[:parts] != here.split(".")[:parts]:
                    self._refused = f"The worker {address} has {what} {there}, and the client {here}."

    def _check_memory(self, address: str, worker: dict[str, Any]) -> None:
        limit, threads = worker["memory_limit"], worker["nthreads"]
        if self._largest is not None and limit and self._need * threads > limit:
            raise EngineError(
                f"{self._largest.label} needs up to {self._need / 1e6:,.0f} MB for each thread; the worker {address} "
                f"may use {limit / 1e6:,.0f} MB and has {threads}. Give workers more memory or fewer threads."
            )

    def _workers(self) -> dict[str, Any]:
        """Return what the scheduler knows of its workers, if it answers in time."""
        answer: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

        def ask() -> None:
            with suppress(Exception):  # no answer is an answer
                answer.put(dict(self._client.scheduler_info()["workers"]))

        threading.Thread(target=ask, daemon=True).start()
        try:
            return answer.get(timeout=self._options.connect)
        except queue.Empty:
            raise _Silence(f"The scheduler at {self.name} does not answer.") from None

    def fold(self, key: str, units: Sequence[Unit], smaller: bool) -> AnyFuture:
        """Begin to fold units."""
        change = self._job.smaller if smaller else None
        name, works = self._name(key), [unit.work for unit in units]
        if any(isinstance(work, Delayed | Future) for work in works):  # Dask puts results in their place
            units = [Unit(unit.key, unit.label, unit.size, None) for unit in units]
        else:
            works = []
        call = dumps(partial(fold_units, self._task, units, change))
        if works and isinstance(works[0], Delayed):
            return self._watch(self._client.compute(delayed(self._run)(call, works, dask_key_name=name)), key)
        return self._watch(self._client.submit(self._run, call, works, key=name), key)

    def merge(self, key: str, inputs: Sequence[AnyFuture]) -> AnyFuture:
        """Begin to merge results, which are released when it is done."""
        call = dumps(partial(merge_partials, self._task))
        return self._watch(self._client.submit(self._run, call, list(inputs), key=self._name(key)), key)

    def _name(self, key: str) -> str:
        return f"regress-{self._id}-{key}"

    def _watch(self, future: AnyFuture, key: str) -> AnyFuture:
        future.add_done_callback(lambda ended: self._heard.put(Done(key, _error_of(ended))))
        return future

    def events(self, seconds: float) -> Iterator[Done | Gone | Beat]:
        """Yield what happened."""
        with suppress(queue.Empty):
            yield self._heard.get(timeout=seconds)
            while True:
                yield self._heard.get_nowait()

    def fetch(self, handle: AnyFuture, seconds: float) -> Any:
        """Return a result."""
        try:
            return loads(handle.result(timeout=seconds))
        except TimeoutError:
            raise EngineError(f"A result did not arrive for {seconds:g} seconds from {self.name}.") from None
        except Exception as error:
            raise _as_ours(error) from error

    def failed(self, handle: AnyFuture) -> bool:
        """Tell whether a result is gone for good."""
        return handle.status in ("error", "cancelled", "lost")

    def cancel(self, handles: Sequence[AnyFuture]) -> None:
        """Stop tasks, and free results: Dask forgets what no client asks for."""
        for handle in handles:
            handle.release()

    def _of_workers(self, event: tuple[float, Any]) -> None:
        message = event[1]
        action = message.get("action") if isinstance(message, dict) else None
        if action in ("add-worker", "remove-worker"):
            self._changed.set()
        if action == "remove-worker" and not message["expected"]:
            start = self._name("")
            keys = [key for key in map(str, message["processing-tasks"]) if key.startswith(start)]
            self._heard.put(Gone([key.removeprefix(start) for key in keys]))

    def _of_units(self, event: tuple[float, Any]) -> None:
        self._heard.put(Beat(event[1]["unit"], event[1]["done"], event[1]["position"]))


def _runner() -> Callable[[bytes, list[Any]], Any]:
    """Return a function that Dask sends as its code, since no name leads to it.

    Neither the scheduler nor a worker has to import this package to read a task. Otherwise a worker without it would
    end at the first message, before it could be named.
    """

    def run(call: bytes, inputs: list[Any]) -> Any:
        from pickle import loads

        return loads(call)(inputs)

    return run


def _error_of(future: AnyFuture) -> Exception | None:
    """Return why a future has no result."""
    if future.status == "finished":
        return None
    if future.status != "error":
        return Lost(future.status)
    error = future.exception()
    return _as_ours(error) if isinstance(error, Exception) else Lost(repr(error))


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, KilledWorker):
        return Died(error.task)
    return Lost(str(error)) if isinstance(error, CancelledError) else error
