"""Connect to a Dask cluster, or start one on this machine; without the logs of Dask."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.deploy.cluster import Cluster as AnyCluster

from regress.api.engine import EngineError, EngineOptions
from regress.errors import InputError
from regress.messages import setting, visible

_LOGS = ("distributed", "tornado", "asyncio", "dask", "bokeh")
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_CLOSE = 5.0  # seconds


@contextmanager
def client_of(cluster: Any, options: EngineOptions) -> Iterator[Client]:
    """Yield a client of a cluster; close what is opened here."""
    if isinstance(cluster, Client):
        if cluster.asynchronous:
            raise InputError(f"{setting('cluster')} must not be an asynchronous client.")
        yield cluster
        return
    with ExitStack() as stack:
        if isinstance(cluster, AnyCluster):
            address = cluster.scheduler_address
        elif not isinstance(cluster, str):
            raise InputError(f"{setting('cluster')} must be a client of Dask or an address; got {cluster!r}.")
        elif cluster.startswith("local:"):
            address = stack.enter_context(_local(cluster)).scheduler_address
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


@contextmanager
def _local(cluster: str) -> Iterator[LocalCluster]:
    """Yield a cluster of processes of this machine, with one thread each."""
    number = cluster.removeprefix("local:")
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= 1024:
        raise InputError(f"{setting('cluster')} must name the number of processes, as in local:2; got {cluster!r}.")
    config = {
        "distributed.scheduler.allowed-failures": 0,  # what follows from an ended worker is decided here
        "distributed.worker.profile.enabled": False,
        "distributed.nanny.pre-spawn-environ": _ONE_THREAD | {"MALLOC_TRIM_THRESHOLD_": "65536"},
    }
    with dask.config.set(config):
        local = LocalCluster(
            n_workers=int(number),
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )
    try:
        yield local
    finally:
        with suppress(Exception):
            local.close(timeout=_CLOSE)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the logs of Dask and Tornado: what they tell is raised as one sentence."""
    names = [n for n in logging.root.manager.loggerDict if n.split(".")[0] in _LOGS]
    before = {logger: logger.level for logger in map(logging.getLogger, {*names, *_LOGS})}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
