"""What a child does with two processes of one thread: fit files, by this package and by Dask's own tools.

The processes start before the runs that are timed. Each tool says besides what the largest of them held.
"""

import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from bench.measure import peak_of_this_process

LONGEST = 180  # seconds for all runs of another package
Figures = dict[str, tuple[float, str]]


def high_water() -> int:
    """Return the most memory that this process has held: on Linux, without what its parent held."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_of_this_process()
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def report(seconds: list[float], answer: list[float], figures: Figures) -> None:
    """Print what was measured."""
    answer = [float(number) for number in answer]
    print(json.dumps({"seconds": seconds, "peak": high_water(), "answer": answer, "figures": figures}))


def timed(run: Callable[[], list[float]], repeat: int) -> tuple[list[float], float, list[float]]:
    """Return the seconds of some runs, those of one before them that is not counted, and what the last one computed."""
    seconds = list[float]()
    for _ in range(repeat + 1):
        began = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - began)
    return seconds[1:], seconds[0], answer


def one_process(files: str, target: str) -> list[float]:
    """Fit files with two threads of this process."""
    import regress

    fit = regress.fit(files, target, precision="exact", n_jobs=2)
    return [fit.b, *fit.w]


def regress_fit(client: Any, files: str, target: str) -> list[float]:
    """Fit files on a cluster."""
    import regress

    fit = regress.fit(files, target, cluster=client)
    return [fit.b, *fit.w]


def arrays(files: str, target: str) -> tuple[Any, Any]:
    """Return X and y as arrays of Dask, read once and held by the workers."""
    import dask.dataframe as dd

    frame = dd.read_csv(files).persist()
    lengths = tuple(frame.map_partitions(len).compute())
    return frame.drop(columns=target).to_dask_array(lengths), frame[target].to_dask_array(lengths)


def lstsq(client: Any, files: str, target: str) -> list[float]:
    """Fit files by dask.array.linalg.lstsq."""
    import dask.array as da

    with client.as_current():
        X, y = arrays(files, target)
        ones = da.ones((len(X), 1), chunks=(X.chunks[0], 1))
        return list(da.linalg.lstsq(da.concatenate([ones, X], axis=1).rechunk({1: -1}), y)[0].compute())


def dask_ml(client: Any, files: str, target: str) -> list[float]:
    """Fit files by the LinearRegression of dask-ml."""
    from dask_ml.linear_model import LinearRegression

    with client.as_current():
        model = LinearRegression().fit(*arrays(files, target))
    return [model.intercept_, *model.coef_]


def on_cluster(fit: Callable[[Any, str, str], list[float]], repeat: int, files: str, target: str) -> None:
    """Start a cluster, fit on it, and print what that took."""
    from regress.api.cluster.dask_client import client_of, quiet
    from regress.api.cluster.engine import EngineOptions

    began = time.perf_counter()
    with quiet(), client_of("local:2", EngineOptions()) as client:
        start = time.perf_counter() - began
        seconds, first, answer = timed(partial(fit, client, files, target), repeat)
        worker = max(client.run(high_water).values())
    report(seconds, answer, {"a worker": (worker, "B"), "start": (start, "s"), "first run": (first, "s")})


def too_long(*_: object) -> NoReturn:
    """End a tool that takes too long."""
    raise TimeoutError(f"it needs more than {LONGEST} s")


CLUSTERS = {function.__name__: function for function in (regress_fit, lstsq, dask_ml)}


def main(tool: str, repeat: str, files: str, target: str) -> None:
    """Run once to warm up, then time runs; print seconds, peak memory, figures and what the last run computed."""
    if tool == one_process.__name__:
        seconds, first, answer = timed(partial(one_process, files, target), int(repeat))
        report(seconds, answer, {"first run": (first, "s")})
        return
    if tool == dask_ml.__name__:
        pkgutil.resolve_name("dask_ml.linear_model")  # fails here where it is not installed, before a cluster starts
    if tool != regress_fit.__name__:
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(LONGEST)
    on_cluster(CLUSTERS[tool], int(repeat), files, target)
    sys.stdout.flush()
    os._exit(0)  # threads of Dask may wait for minutes


if __name__ == "__main__":
    main(*sys.argv[1:])
