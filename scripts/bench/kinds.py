"""What a child does that times fits of the same rows, given as different kinds of arrays and frames.

The rows are numbers that float32 holds, so that every kind has the same exact fit.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import table
from bench.inside import Run, fitted, ours, timed
from bench.measure import peak_of_this_process

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FEW = 1_000  # rows of the fit that imports what a fit needs


def pandas_frame(columns: dict[str, np.ndarray]) -> Any:
    """Make a frame of pandas, with its columns in one block as after reading a file."""
    import pandas as pd

    return pd.DataFrame(columns)


def polars_frame(columns: dict[str, np.ndarray]) -> Any:
    """Make a frame of Polars."""
    import polars as pl

    return pl.DataFrame(columns)


def arrow_table(columns: dict[str, np.ndarray]) -> Any:
    """Make a table of Arrow."""
    import pyarrow as pa

    return pa.table(columns)


ARRAYS: dict[str, tuple[type, Callable[[np.ndarray], np.ndarray]]] = {
    "array": (np.float64, np.ascontiguousarray),
    "F-ordered array": (np.float64, np.asfortranarray),
    "float32 array": (np.float32, np.ascontiguousarray),
}
FRAMES: dict[str, tuple[type, Callable[[dict[str, np.ndarray]], Any]]] = {
    "pandas frame": (np.float64, pandas_frame),
    "pandas frame of float32": (np.float32, pandas_frame),
    "Polars frame": (np.float64, polars_frame),
    "Arrow table": (np.float64, arrow_table),
}


CALLS: dict[str, Callable[[Any, Any], list[float]]] = {
    "LinearRegressor": ours,
    "regress.fit": fitted,
    "exact": partial(ours, precision="exact"),
}


def ready(call: str, kind: str, m: int, n: int) -> tuple[Run, int]:
    """Make rows of a kind; return the fit to time, and the bytes of the rows. Nothing else of the rows is kept."""
    X, y = (part.astype(np.float32) for part in table(m, n))
    if kind in ARRAYS:
        dtype, order = ARRAYS[kind]
        X, y = order(X.astype(dtype)), y.astype(dtype)
        return partial(CALLS[call], X, y), X.nbytes + y.nbytes
    dtype, frame_of = FRAMES[kind]
    columns: dict[str, np.ndarray] = {f"x{j}": X[:, j].astype(dtype) for j in range(n)}
    y = y.astype(dtype)
    size = (n + 1) * y.nbytes
    if call == "regress.fit":  # the target is one of the columns
        return partial(fitted, frame_of({**columns, "y": y}), "y"), size
    return partial(CALLS[call], frame_of(columns), y), size


def restart_peak() -> bool:
    """Make what this process holds now its peak memory; return whether the system can."""
    try:
        CLEAR.write_text("5", encoding="ascii")  # Linux: of VmHWM
    except OSError:
        return False
    return True


def peak_since() -> int:
    """Return the peak memory since `restart_peak`, in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text(encoding="ascii"))
    assert found
    return int(found[1]) * 1024


def main(m: str, n: str, repeat: str, call: str, kind: str) -> None:
    """Fit a few rows, then measure the memory of the first fit of all rows, and time the next."""
    ready(call, kind, FEW, int(n))[0]()
    run, size = ready(call, kind, int(m), int(n))
    made, can = peak_of_this_process(), restart_peak()
    held = peak_since() if can else 0
    run()
    figures = {"memory": [(peak_since() - held) / size + 1, "×"]} if can else {}
    told = timed(lambda: run, int(repeat))
    print(json.dumps(told | {"peak": max(made, told["peak"]), "figures": figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
