"""How many threads, and results in order whatever their number."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from regress.errors import InputError
from regress.numerics.threads import one_blas_thread, ordered_map, resolve_jobs


def test_negative_numbers_count_back_from_all_cpus():
    cpus = resolve_jobs(None)
    assert cpus == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cpus >= 1
    assert [resolve_jobs(n) for n in (1, 7, -1, -1000, np.int64(3))] == [1, 7, cpus, 1, 3]


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True])
def test_what_is_no_number_of_threads_is_refused(n_jobs):
    with pytest.raises(InputError, match="n_jobs"):
        resolve_jobs(n_jobs)


def test_a_worker_process_takes_one_thread():
    from joblib import Parallel, delayed

    assert Parallel(n_jobs=2)(delayed(resolve_jobs)(None) for _ in range(2)) == [1, 1]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(resolve_jobs, [None]) == [1]


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_results_come_in_order_however_long_each_takes(n_jobs):
    def slow(i):
        time.sleep(0.02 if i % 3 == 0 else 0.0)
        return i * i

    assert list(ordered_map(slow, range(20), n_jobs)) == [i * i for i in range(20)]


def test_work_is_taken_only_as_it_is_needed():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = ordered_map(lambda i: i, items(), 2)
    next(results)
    assert len(taken) <= 6
    assert threading.active_count() < 10


def test_an_error_in_a_thread_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // (3 - i), range(9), 2))


def test_blas_is_held_to_one_thread_and_let_go():
    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    with one_blas_thread():
        before = threads()
    code = (
        "from regress.numerics.threads import one_blas_thread\nfrom threadpoolctl import threadpool_info\n"
        "n = lambda: [i['num_threads'] for i in threadpool_info() if i['user_api'] == 'blas']\n"
        "with one_blas_thread(): inside = n()\nassert inside and set(inside) == {1}, inside\nprint(n())"
    )
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert set(before) == {1}
    if sys.platform == "linux" and resolve_jobs(None) > 1:
        assert "2" in said
