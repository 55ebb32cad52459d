"""What a child measures of the machine itself: bytes that it reads, and operations of products, a second.

Each thread works by itself on its part, and BLAS has one thread in each. A rate is that of the fastest run.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from bench.measure import peak_of_this_process, usable_cpus

RUNS = 5  # of which the fastest tells a rate of all CPUs


class Work(NamedTuple):
    """Parts that threads share, what they do, how much that is, and what the sum of all results is."""

    each: Callable[[np.ndarray], float]
    parts: Sequence[np.ndarray]
    amount: float  # bytes, or operations
    unit: str
    expected: float


def read(scale: float) -> Work:
    """Sum an array, which is larger than caches at full size."""
    array = np.ones(max(round(2**26 * scale), 2**16))
    return Work(np.sum, np.array_split(array, 8 * usable_cpus()), array.nbytes, "B/s", len(array))


def dgemm(scale: float) -> Work:
    """Multiply square matrices of float64."""
    A = _integers(scale, np.float64)
    return _products(lambda B: A @ B, A, 2.0 * len(A) ** 3, float(A.sum(axis=0) @ A.sum(axis=1)))


def ssyrk(scale: float) -> Work:
    """Multiply the transpose of a matrix of float32 by the matrix: half of the products, as the result is symmetric."""
    A = _integers(scale, np.float32)
    return _products(
        lambda B: B.T @ B, A, len(A) ** 2 * (len(A) + 1.0), float((A.sum(axis=1, dtype=np.float64) ** 2).sum())
    )


def _integers(scale: float, dtype: type) -> np.ndarray:
    """Return small integers, of which every product and sum here is exact."""
    size = max(round(1536 * min(scale, 1.0) ** (1 / 3)), 128)
    return np.random.default_rng(0).integers(0, 3, (size, size)).astype(dtype)


def _products(multiply: Callable[[np.ndarray], np.ndarray], A: np.ndarray, operations: float, expected: float) -> Work:
    parts = [A] * (2 * usable_cpus())
    return Work(
        lambda B: float(multiply(B).sum(dtype=np.float64)),
        parts,
        operations * len(parts),
        "flop/s",
        expected * len(parts),
    )


TASKS: dict[str, Callable[[float], Work]] = {task.__name__: task for task in (read, dgemm, ssyrk)}


def timed(work: Work, threads: int, repeat: int) -> tuple[list[float], float]:
    """Run once to warm up, then time runs; return seconds and how far the last result is off."""
    seconds, result = [], 0.0
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for _ in range(repeat + 1):
            began = time.perf_counter()
            result = sum(pool.map(work.each, work.parts))
            seconds.append(time.perf_counter() - began)
    return seconds[1:], result - work.expected


def rates(scale: str) -> None:
    """Print what all CPUs read and multiply a second."""
    work = {name: TASKS[name](float(scale)) for name in ("read", "dgemm")}
    fastest = {name: min(timed(one, usable_cpus(), RUNS)[0]) for name, one in work.items()}
    print(json.dumps({"rates": {name: one.amount / fastest[name] for name, one in work.items()}}))


def one_rate(task: str, scale: str, threads: str, repeat: str) -> None:
    """Time a task on some threads; print seconds, peak memory, the error of the result, and the rate."""
    work = TASKS[task](float(scale))
    seconds, error = timed(work, int(threads), int(repeat))
    told = {"seconds": seconds, "peak": peak_of_this_process(), "answer": [error]}
    print(json.dumps(told | {"figures": {"rate": [work.amount / min(seconds), work.unit]}}))


if __name__ == "__main__":
    rates(*sys.argv[2:]) if sys.argv[1] == "rates" else one_rate(*sys.argv[1:])
