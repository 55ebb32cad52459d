"""What is measured past one process: clusters, tables elsewhere, sums that merge."""

import math
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Limit, Table, Tool, run
from bench.place import COLUMNS, PARSE, ROWS, STOCHASTIC, TARGET, Place, child, cli, coefficients
from regress.api.cluster.results import FAN_IN

RUNS = 3  # at most, for each tool
WIDE = 100
HERE, FILES = "one process, 2 threads", "100 files"
WORKER, CLIENT = Limit(400e6, what="a worker"), Limit(250e6, what="peak")


def scale(place: Place) -> Iterator[Table]:
    """Fit on a cluster, from a pipe and a bucket, and merge sums."""
    parts = place.make("parts", lambda folder: child("data", "cut_csv", folder, place.csv, many(place, 100)))
    yield on_cluster(place, parts)
    yield elsewhere(place, parts)
    yield from one_core(place)
    yield merged(place)
    yield tree(place)


def many(place: Place, full: int) -> int:
    """Return a number of parts at this scale."""
    return max(round(full * math.sqrt(min(place.scale, 1.0))), 8)


def runs(place: Place) -> int:
    """Return how many runs are timed, which take seconds each."""
    return min(place.repeat, RUNS)


def on_cluster(place: Place, parts: Path) -> Table:
    """Compare two processes with one, and with Dask's own tools, on the same files."""

    def tool(name: str, task: str, files: object, limits: tuple[Limit, ...] = ()) -> Tool:
        return Tool(name, child("clusters", task, runs(place), files, TARGET), inside=True, limits=limits)

    def peer(name: str, task: str, python: str | None = None, tolerance: float = 1e-9) -> Tool:
        command = child("clusters", task, 1, f"{parts}/*.csv", TARGET)
        return Tool(name, [python or command[0], *command[1:]], inside=True, peer=True, tolerance=tolerance)

    limits = Limit(1.25, HERE), WORKER, CLIENT
    tools = [
        tool(HERE, "one_process", f"{parts}/*.csv"),
        tool("2 processes, 100 files", "regress_fit", f"{parts}/*.csv", limits),
        tool("2 processes, one file in ranges", "regress_fit", place.csv, limits),
        peer("dask.array.linalg.lstsq", "lstsq"),
        peer("dask-ml LinearRegression", "dask_ml", place.dask_ml, STOCHASTIC),
    ]
    return Table(f"{place.title(place.csv)} in 100 files, on local:2", HERE, tools, coefficients(place.model))


def elsewhere(place: Place, parts: Path) -> Table:
    """Compare a pipe and a server for S3 with files."""
    saved = place.folder / "piped.json"
    piped = ["sh", "-c", 'cat "$0" | "$@"', str(place.csv), *cli("fit", "-", "--target", TARGET, "--save", saved)]
    served = child("buckets", "fit", parts, TARGET, runs(place))
    tools = [
        place.fit("file", place.csv),
        Tool("pipe", piped, lambda _: coefficients(saved), limits=(Limit(1.1, "file"),)),
        place.fit(FILES, Path(f"{parts}/*.csv")),
        Tool("100 objects of S3", served, inside=True, limits=(Limit(1.3, FILES),)),
    ]
    return Table(f"{place.title(place.csv)}, elsewhere", "file", tools, coefficients(place.model))


def one_core(place: Place) -> Iterator[Table]:
    """Read with one thread, for rates of a core, and the size of sums."""
    rows = place.rows(100_000, WIDE)
    wide = place.make("wide.csv", lambda path: child("data", "write_csv", path, rows, WIDE))
    for path, m, n, most in ((place.csv, place.rows(ROWS, COLUMNS), COLUMNS, 20e3), (wide, rows, WIDE, 300e3)):
        tools = [
            Tool(name, child("merging", "one_core", runs(place), task, path), inside=True, peer=peer, limits=limits)
            for name, task, peer, limits in (
                (PARSE, "parse", True, ()),
                ("fit in float64", "float64", False, ()),
                ("moments", "moments", False, (Limit(most, what="totals"),)),
            )
        ]
        yield Table(f"{m:,} × {n + 1}, one thread", PARSE, tools, [m])


def merged(place: Place) -> Table:
    """Merge files of moments."""
    m, count = place.rows(200_000, WIDE), many(place, 1_000)
    files = place.make("merged", lambda folder: child("merging", "write_parts", folder, m, WIDE, count))
    out, saved = place.folder / "merged.moments", place.folder / "merged.json"

    def answer(_: str) -> list[float]:
        run(cli("fit", out, "--save", saved))
        return coefficients(saved)

    command = ["sh", "-c", 'o=$1; shift; "$@" "$0"/*.moments -o "$o"', str(files), str(out), *cli("merge")]
    tools = [Tool("regress merge", command, answer, limits=(Limit(5.0),))]
    return Table(f"{count:,} files, {WIDE} columns", "regress merge", tools, place.answer("memory", m, WIDE, "exact"))


def tree(place: Place) -> Table:
    """Merge many parts as a tree."""
    m, count = place.rows(8_000, WIDE), many(place, 10_000) // 8 * 8  # of which eight differ
    words = m, WIDE, count, FAN_IN
    tools = [
        Tool(name, child("merging", "merge_tree", min(place.repeat, 1), form, *words), inside=True)
        for name, form in (("totals as bytes", "totals"), ("sums of a cluster, pickled", "sums"))
    ]
    title = f"a tree of {count:,} parts, {WIDE} columns, {FAN_IN} at a time"
    return Table(title, "totals as bytes", tools, place.answer("memory", m, WIDE, "exact"))
