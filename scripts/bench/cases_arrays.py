"""What is measured of arrays and frames in memory, and of the machine itself."""

import sys
from collections.abc import Iterator

from bench.measure import Limit, Table, Tool, printed_json, run, usable_cpus
from bench.place import EMPTY, ONEDAL, STOCHASTIC, Place, child

KINDS = (
    *("array", "F-ordered array", "float32 array"),
    *("pandas frame", "pandas frame of float32", "Polars frame", "Arrow table"),
)
EXACT, SINGLE = 1e-9, 1e-6  # what coefficients of float64 and of float32 may be off


def memory(place: Place) -> Iterator[Table]:
    """Fit float64 arrays in memory."""
    slow = "glum", "polars_ols", "pyfixest"  # seconds a run, and minutes with a thousand columns
    for full, columns, others, runs in (
        (1_000_000, 10, slow, 3),
        (500_000, 100, slow, 1),
        (50_000, 1_000, slow[:1], 1),
    ):
        n = place.columns(columns)
        m = place.rows(full, n)
        tools = [
            place.inside("regress", "memory", m, n, "regress", limits=(Limit(1.0, ONEDAL),)),
            *(place.inside(name, "memory", m, n, name, peer=True) for name in ("scikit-learn", ONEDAL, "statsmodels")),
            *(place.inside(name, "memory", m, n, name, peer=True, runs=runs) for name in others),
            place.inside("SGDRegressor", "memory", m, n, "SGDRegressor", tolerance=STOCHASTIC, peer=True),
        ]
        yield Table(f"{m:,} × {n:,}", "regress", tools, place.answer("memory", m, n, "exact"), place.floor(m, n))


def wide(place: Place) -> Iterator[Table]:
    """Fit square and wide arrays in memory."""
    for size in ((100, 100), (200, 200), (200, 1_000), (1_000, 1_000)):
        m, n = (max(round(side * place.scale**0.5), 3) for side in size)
        tools = [
            place.inside("LinearRegressor", "memory", m, n, "regress"),
            place.inside("regress.fit", "memory", m, n, "regress.fit"),
            place.inside("scikit-learn", "memory", m, n, "scikit-learn", peer=True),
        ]
        yield Table(f"{m:,} × {n:,}", "LinearRegressor", tools, place.answer("memory", m, n, "exact"))


def inputs(place: Place) -> Iterator[Table]:
    """Fit the same rows as arrays and frames of different kinds."""

    def tool(call: str, kind: str, limits: tuple[Limit, ...]) -> Tool:
        single = call == "LinearRegressor" and "float32" in kind  # its coefficients have the type of its arrays
        command = child("kinds", m, n, place.repeat, call, kind)
        return Tool(kind, command, inside=True, limits=limits, tolerance=SINGLE if single else EXACT)

    most, little = (Limit(1.3, "array"),), (Limit(1.2, what="memory", unit="×"),)
    for full, n, call, kinds, limits in (
        (1_000_000, 10, "LinearRegressor", KINDS, most),
        (1_000_000, 10, "regress.fit", KINDS, most),
        (500_000, 100, "LinearRegressor", KINDS[:4], little),
    ):
        m = place.rows(full, n)
        tools = [tool(call, kind, () if limits == most and kind == "array" else limits) for kind in kinds]
        reference = printed_json(run(child("kinds", m, n, 0, "exact", "array")).printed)["answer"]
        yield Table(f"{m:,} × {n}, {call}", "array", tools, reference)


def exact(place: Place) -> Iterator[Table]:
    """Fit arrays in exact sums beside double, and certify."""
    m, n = place.rows(500_000, 100), 100
    for weights in ("no weights", "integer weights of 16 bits", "real weights"):
        limits = (Limit(6.0, "float64"),) if weights == "no weights" else ()
        tools = [
            place.inside("float64", "exact", m, n, weights, "float64"),
            place.inside("exact", "exact", m, n, weights, "exact", limits=limits),
        ]
        reference = place.answer("exact", m, n, weights, "exact")
        yield Table(f"{m:,} × {n:,}, {weights}", "float64", tools, reference, place.floor(m, n))
    for full, columns in ((20_000, 20), (5_000, 1_000)):
        n = place.columns(columns)
        m = place.rows(full, n)
        tools = [
            place.inside("exact fit", "certificate", m, n, "fit"),
            place.inside("its certificate beyond it", "certificate", m, n, "certificate"),
        ]
        yield Table(f"{m:,} × {n:,}, certified", "exact fit", tools, place.answer("memory", m, n, "exact"))


def gradient(place: Place) -> Iterator[Table]:
    """Compute one gradient over rows, derived and by autodiff."""
    m, n = place.rows(1_000_000, 10), 10
    tools = [
        place.inside("plain NumPy", "gradient", m, n, "plain", peer=True),
        *(place.inside(name, "gradient", m, n, name) for name in ("derived", "autodiff")),
    ]
    yield Table(f"{m:,} × {n:,}", "plain NumPy", tools, place.answer("gradient", m, n, "plain"))


def floor(place: Place) -> Iterator[Table]:
    """Measure the machine: reading, products, starting."""
    one = "one thread"
    for title, task in (
        ("reading an array", "read"),
        ("products of float64", "dgemm"),
        ("symmetric products of float32", "ssyrk"),
    ):
        tools = [
            Tool(
                one if threads == 1 else f"{threads} threads",
                child("floor", task, place.scale, threads, place.repeat),
                inside=True,
                peer=True,
            )
            for threads in sorted({1, usable_cpus()})
        ]
        yield Table(title, one, tools, [0.0])
    tools = [
        Tool(name, [sys.executable, "-c", code], peer=True)
        for name, code in ((EMPTY, "pass"), *((code, code) for code in ("import numpy", "import polars")))
    ]
    yield Table("starting", EMPTY, tools, [])
