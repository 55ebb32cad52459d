"""What a child does with moments: sum files on one core, write many parts, and merge them as a tree."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.clusters import Figures, report, timed
from bench.data import table

THREADS = "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"
DIFFERENT = 8  # parts of a tree
T = TypeVar("T")


def parse(path: str) -> list[float]:
    """Parse a CSV file in batches, and count its rows."""
    import polars as pl

    return [sum(len(batch) for batch in pl.scan_csv(path).collect_batches())]


def float64(path: str) -> list[float]:
    """Fit a CSV file in float64."""
    import regress

    return [regress.fit(path, "y", precision="float64", n_jobs=1).tally.used]


def moments(path: str) -> list[float]:
    """Sum a CSV file without rounding."""
    return [_moments(path).n_rows]


def _moments(table: Any) -> Any:
    import regress

    return regress.moments(table, "y", n_jobs=1)


def one_core(repeat: str, tool: str, path: str) -> None:
    """Read a CSV file by one thread; print how fast, and how large its rows and their sums are."""
    os.environ |= dict.fromkeys(THREADS, "1")
    seconds, _, answer = timed(partial(TOOLS[tool], path), int(repeat))
    size = os.path.getsize(path)
    figures: Figures = {"a core": (size / sorted(seconds)[len(seconds) // 2], "B/s")} if seconds else {}
    figures["a row"] = size / answer[0], "B"
    if tool == moments.__name__:
        from regress.aggregates.totals_bytes import to_bytes

        summed, file = _moments(path), Path(path).with_suffix(".moments")
        summed.save(file)
        figures["totals"] = len(to_bytes(summed.sums.training)), "B"
        figures["file"] = file.stat().st_size, "B"
    report(seconds, answer, figures)


def parts_of(m: int, n: int, count: int) -> Iterator[Any]:
    """Yield the moments of a seeded table, cut into parts."""
    import polars as pl

    X, y = table(m, n)
    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(n)} | {"y": y})
    for k in range(count):
        yield _moments(frame[k * m // count : (k + 1) * m // count])


def write_parts(folder: str, m: str, n: str, count: str) -> None:
    """Write the moments of a seeded table, cut into parts, to files."""
    os.mkdir(folder)
    for k, part in enumerate(parts_of(int(m), int(n), int(count))):
        part.save(f"{folder}/part-{k:04}.moments")


class Tree(Generic[T]):
    """A merge tree whose results pass as bytes from one level to the next, as they do between workers."""

    def __init__(self, fan_in: int, read: Callable[[bytes], T], write: Callable[[T], bytes]) -> None:
        self._fan_in, self._read, self._write = fan_in, read, write
        self.levels: list[list[bytes]] = [[]]
        self.merges = 0

    def add(self, part: bytes, level: int = 0) -> None:
        """Add a part, and merge where a level is full."""
        if level == len(self.levels):
            self.levels.append([])
        self.levels[level].append(part)
        if len(self.levels[level]) == self._fan_in:
            self._up(level)

    def _up(self, level: int) -> None:
        first, *others = self.levels[level]
        self.levels[level] = []
        total: Any = self._read(first)
        for other in others:
            total.merge(self._read(other))
        self.merges += len(others)
        self.add(self._write(total), level + 1)

    @property
    def depth(self) -> int:
        """How many merges a part passes through."""
        return len(self.levels) - 1

    def finish(self) -> T:
        """Return what all parts merge to."""
        level = 0
        while level < len(self.levels) - 1 or len(self.levels[level]) > 1:
            if self.levels[level]:
                self._up(level)
            level += 1
        return self._read(self.levels[level][0])


def merge_tree(repeat: str, form: str, m: str, n: str, count: str, fan_in: str) -> None:
    """Merge many parts, of which few differ, as a tree; print what a merge takes and how large a part is."""
    from distributed.protocol.pickle import dumps, loads

    import regress
    from regress.aggregates.totals_bytes import from_bytes, to_bytes

    different = list(parts_of(int(m), int(n), DIFFERENT))
    totals = [to_bytes(part.sums.training) for part in different]

    def grown(parts: int) -> tuple[Tree[Any], Any]:
        if form == "totals":
            tree = Tree[Any](int(fan_in), from_bytes, to_bytes)
        else:
            tree = Tree[Any](int(fan_in), loads, pickled)
        for k in range(parts):
            sums = different[k % DIFFERENT].sums
            name = frozenset([f"part-{k}.csv"])
            tree.add(totals[k % DIFFERENT] if form == "totals" else pickled(replace(sums, parts=name)))
        total = tree.finish()
        sums = replace(different[0].sums, training=total) if form == "totals" else total
        return tree, replace(different[0], sums=sums)

    def pickled(sums: Any) -> bytes:
        return bytes(dumps(sums))

    grown(4 * DIFFERENT)  # to warm up
    seconds = list[float]()
    for _ in range(max(int(repeat), 1)):
        began = time.perf_counter()
        tree, summed = grown(int(count) // DIFFERENT * DIFFERENT)
        seconds.append(time.perf_counter() - began)
    fit = regress.fit(summed)
    part = totals[0] if form == "totals" else pickled(different[0].sums)
    figures: Figures = {
        "depth": (tree.depth, ""),
        "a part": (len(part), "B"),
        "a merge": (min(seconds) / tree.merges, "s"),
    }
    report(seconds, [fit.b, *fit.w], figures)


TOOLS = {function.__name__: function for function in (parse, float64, moments)}
TASKS: dict[str, Callable[..., None]] = {
    function.__name__: function for function in (one_core, write_parts, merge_tree)
}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
