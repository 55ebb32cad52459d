"""Connect to a Dask cluster, or start one on this machine; without the logs of Dask."""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.deploy.cluster import Cluster as AnyCluster

from regress.api.cluster.engine import EngineError, EngineOptions
from regress.errors import InputError
from regress.messages import setting, visible

_LOGS = ("distributed", "tornado", "asyncio", "dask", "bokeh")
_MARK = "REGRESS_WORKER"
_THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
# Of a worker. Not Dask's MALLOC_TRIM_THRESHOLD_: pages that go back to the system after each block cost a third of the
# time. One arena holds less than several.
_ENVIRONMENT = {_MARK: "1", "MALLOC_ARENA_MAX": "1"} | dict.fromkeys(_THREADS, "1")
_CLOSE, _WATCH, _PATIENCE = 5.0, 1.0, 15.0  # seconds; the last for a worker to be there again


def current() -> Client:
    """Return the client that was made last and is open.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        found: Client = Client.current(allow_global=True)
    except ValueError:
        raise InputError(
            f"A collection of Dask needs a cluster. Make a distributed.Client, or pass {setting('cluster')}."
        ) from None
    return found


@contextmanager
def client_of(cluster: Any, options: EngineOptions) -> Iterator[Client]:
    """Yield a client of a cluster; close what is opened here."""
    if isinstance(cluster, Client):
        if cluster.asynchronous:
            raise InputError(f"{setting('cluster')} must not be an asynchronous client.")
        if cluster.status != "running":
            raise InputError(f"The client given as {setting('cluster')} is closed. Make another.")
        yield cluster
        return
    with ExitStack() as stack:
        if isinstance(cluster, AnyCluster):
            address = cluster.scheduler_address
        elif not isinstance(cluster, str):
            raise InputError(f"{setting('cluster')} must be a client of Dask or an address; got {cluster!r}.")
        elif cluster.startswith("local:"):
            address = stack.enter_context(processes(_number(cluster))).scheduler_address
        else:
            address = cluster
        try:
            client = Client(address, timeout=options.connect, set_as_default=False)
        except (OSError, ValueError) as error:
            why = "does not answer" if isinstance(error, OSError) else f"cannot be used: {error}"
            raise EngineError(f"The scheduler at {visible(address)} {why}. Is the address right?") from None
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=_CLOSE)


def _number(cluster: str) -> int:
    """Return the number of processes that ``local:N`` asks for."""
    number = cluster.removeprefix("local:")
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= 1024:
        raise InputError(f"{setting('cluster')} must name the number of processes, as in local:2; got {cluster!r}.")
    return int(number)


@contextmanager
def processes(number: int) -> Iterator[LocalCluster]:
    """Yield a cluster of processes of this machine, with one thread each.

    Raises
    ------
    EngineError
        If they cannot be started.
    """
    if _MARK in os.environ and sys.modules.get("__mp_main__") is not sys.modules["__main__"]:
        raise SystemExit(1)  # a worker that runs the user's script, as it begins: its parent names the remedy
    config = {
        "distributed.scheduler.allowed-failures": 0,  # what follows from an ended worker is decided by Run
        "distributed.worker.profile.enabled": False,
        "distributed.worker.preload": ["regress.api.cluster.dask_worker"],  # see there, dask_setup
        "distributed.nanny.pre-spawn-environ": _ENVIRONMENT,
    }
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}  # Dask sets them here for its children
    ended = threading.Event()
    try:
        with dask.config.set(config):
            local = _started(number)
            try:
                threading.Thread(target=_replace, args=(local, ended), daemon=True).start()
                yield local
            finally:
                ended.set()
                with suppress(Exception):
                    local.close(timeout=_CLOSE)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _started(number: int) -> LocalCluster:
    try:
        return LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port, for this machine only
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        )
    except (RuntimeError, OSError):
        raise EngineError(
            f"The processes of local:{number} cannot be started. In a script, call regress below "
            "`if __name__ == '__main__':`."
        ) from None


def _replace(local: LocalCluster, ended: threading.Event) -> None:
    """Replace workers that Dask does not start again: those that end in the moment in which they begin."""
    number, complete, scheduler = len(local.workers), time.monotonic(), local.scheduler
    while scheduler is not None and not ended.wait(_WATCH):
        missing = number - len(scheduler.workers)
        if missing <= 0:
            complete = time.monotonic()
        elif time.monotonic() - complete > _PATIENCE:
            local.scale(len(local.worker_spec) + missing)
            complete = time.monotonic()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the logs of Dask and Tornado, whose errors are raised as one sentence, and its advice on tasks."""
    names = [n for n in logging.root.manager.loggerDict if n.split(".")[0] in _LOGS]
    before = {logger: logger.level for logger in map(logging.getLogger, {*names, *_LOGS})}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
