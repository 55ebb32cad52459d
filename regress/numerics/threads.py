"""How many threads, and work shared among them in a fixed order. Owner of threadpoolctl."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache
from numbers import Integral
from typing import Any, TypeVar

from regress.errors import InputError
from regress.messages import setting

T = TypeVar("T")
R = TypeVar("R")


class _Forks:
    """Whether threads have worked in this process, and whether it was forked from one in which they had."""

    used = lost = False

    @classmethod
    def note(cls) -> None:
        """Note a fork, in the child: it has the locks of the threads, but not the threads."""
        cls.lost = cls.used


os.register_at_fork(after_in_child=_Forks.note)


def need_threads() -> None:
    """Say that threads of a library are about to work, which stay for the next call.

    Raises
    ------
    InputError
        If this process was forked after they had started: they would be waited for without end.
    """
    if _Forks.lost:
        raise InputError(
            "This process was forked after regress had read a table, and the threads that read do not survive a fork. "
            'Start processes by multiprocessing.get_context("spawn"), or by joblib\'s backend "loky".'
        )
    _Forks.used = True


def resolve_jobs(n_jobs: int | None) -> int:
    """Return the number of threads: `n_jobs`, or the CPUs that this process may use.

    ``None`` gives 1 inside a worker process (joblib, multiprocessing): its siblings have the other CPUs.
    Negative numbers count back from all CPUs, as in joblib: -1 is all of them.
    """
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        available = os.cpu_count() or 1
    if n_jobs is None:
        processes = sys.modules.get("multiprocessing.process")  # which a worker has imported
        return available if processes is None or processes.current_process().name == "MainProcess" else 1
    if n_jobs == 0 or isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral):
        raise InputError(f"{setting('n_jobs')} must be an integer other than 0, or None; got {n_jobs!r}.")
    return int(n_jobs) if n_jobs > 0 else max(1, available + 1 + int(n_jobs))


@cache
def _blas() -> Any:
    import numpy  # noqa: F401  the controller sees only the BLAS libraries that are already loaded
    import scipy.linalg  # noqa: F401  as above
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def one_blas_thread() -> Any:
    """Limit every BLAS to one thread inside a ``with`` block.

    The threads of the caller each work on other rows; additional BLAS threads would only wait for each other.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return nullcontext()  # as the command line begins
    return _blas().limit(limits=1)


def blas_kernels() -> list[str]:
    """Return the BLAS libraries in use, each with its version and the kind of CPU that it computes for."""
    return sorted(f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in _blas().info())


class Beside:
    """Calls next to its caller, inside a ``with`` block, one after another. With one job, they are made at once."""

    def __init__(self, n_jobs: int) -> None:
        self._pool = ThreadPoolExecutor(1) if n_jobs > 1 else None
        self._last: Future[None] | None = None

    def __enter__(self) -> "Beside":
        return self

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function with arguments that do not change, when the last call has ended; raise what that raised."""
        if self._pool is None:
            function(*arguments)
            return
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(function, *arguments)

    def __exit__(self, kind: object, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        if self._last is not None and kind is None:
            self._last.result()


def ordered_map(function: Callable[[T], R], items: Iterable[T], n_jobs: int) -> Iterator[R]:
    """Yield ``function(item)`` in the order of `items`, at most `n_jobs` + 1 of them in flight.

    The order of the results, and so of every sum over them, does not depend on the number of threads.
    """
    if n_jobs == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_jobs) as pool:
        flying: deque[Future[R]] = deque()
        for item in items:
            flying.append(pool.submit(function, item))
            if len(flying) > n_jobs:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
