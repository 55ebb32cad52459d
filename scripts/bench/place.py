"""Where a run keeps its files, how large they are, and the commands of tools."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.measure import Failed, Limit, Tool, printed_json, run

ROWS, COLUMNS, TARGET = 5_000_000, 20, "y"  # of the table on disk; with the target, 21 columns
PARSE, ONEDAL, EMPTY = "Polars parse", "scikit-learn-intelex", "python -c pass"
STOCHASTIC = 0.05  # what one pass of SGDRegressor may be off


def child(module: str, *words: object) -> list[str]:
    """Return the command of one of our children."""
    return [sys.executable, "-m", f"bench.{module}", *map(str, words)]


def cli(*words: object) -> list[str]:
    """Return a command of regress."""
    return [sys.executable, "-m", "regress", *map(str, words)]


def coefficients(model: Path) -> list[float]:
    """Return [b, *w] of a saved model."""
    held = json.loads(model.read_text(encoding="utf-8"))
    return [held["b"], *held["w"]]


@dataclass(frozen=True)
class Place:
    """Where a run keeps its files, each made on first use; how large they are, and how many runs are timed."""

    folder: Path
    scale: float
    repeat: int
    dask_ml: str = sys.executable  # the Python of an environment that has dask-ml

    def rows(self, full: int, columns: int) -> int:
        """Return a number of rows at this scale: at least twice as many as columns."""
        return max(round(full * self.scale), 2 * columns)

    def columns(self, full: int) -> int:
        """Return a number of columns at this scale: all up to 200, as exact arithmetic takes long with more."""
        return max(round(full * math.sqrt(min(self.scale, 1.0))), min(full, 200))

    def make(self, name: str, command: Callable[[Path], list[str]]) -> Path:
        """Make a file by a child."""
        path = self.folder / name
        run(command(path))
        return path

    @cached_property
    def csv(self) -> Path:
        """The table as CSV."""
        return self.make("table.csv", lambda path: child("data", "write_csv", path, self.rows(ROWS, COLUMNS), COLUMNS))

    @cached_property
    def parquet(self) -> Path:
        """The table as Parquet."""
        return self.make("table.parquet", lambda path: child("data", "write_parquet", self.csv, path))

    @cached_property
    def model(self) -> Path:
        """The exact fit of the table."""
        return self.make(
            "exact.json", lambda path: cli("fit", self.csv, "--target", TARGET, "--precision", "exact", "--save", path)
        )

    def four_times(self) -> Path:
        """Write the rows of the CSV file four times, for which the same fit is exact."""
        needed, free = 4 * self.csv.stat().st_size, shutil.disk_usage(self.folder).free
        if needed > 0.9 * free:
            raise Failed(f"its file needs {needed / 1e9:.1f} GB of disk, of {free / 1e9:.1f} GB free; set TMPDIR.")
        path = self.folder / "four.csv"
        with self.csv.open("rb") as rows, path.open("wb") as file:
            file.write(rows.readline())
            first = rows.tell()
            for _ in range(4):
                rows.seek(first)
                shutil.copyfileobj(rows, file, 2**20)
        return path

    def inside(self, name: str, task: str, m: int, n: int, *words: str, **options: Any) -> Tool:
        """Return a tool that times itself."""
        tool = Tool(name, (), inside=True, **options)
        return replace(tool, command=child("inside", task, m, n, min(self.repeat, tool.runs), *words))

    def answer(self, task: str, m: int, n: int, *words: str) -> list[float]:
        """Return what a task of a tool that times itself computes."""
        return list(printed_json(run(child("inside", task, m, n, 0, *words)).printed)["answer"])

    @cached_property
    def rates(self) -> dict[str, float]:
        """What all CPUs read and multiply, in bytes and operations a second."""
        return dict(printed_json(run(child("floor", "rates", self.scale)).printed)["rates"])

    def floor(self, m: int, n: int) -> float:
        """Return the seconds to read m rows and a target, or to multiply each pair of columns, whichever is longer."""
        return max(8 * m * (n + 1) / self.rates["read"], m * (n + 1) * (n + 2) / self.rates["dgemm"])

    def fit(self, name: str, table: Path, *words: object, target: str = TARGET, limits: tuple[Limit, ...] = ()) -> Tool:
        """Return `regress fit` as a tool."""
        saved = self.folder / "fit.json"
        command = cli("fit", table, "--target", target, *words, "--save", saved)
        return Tool(name, command, lambda _: coefficients(saved), limits=limits)

    def title(self, path: Path) -> str:
        """Return how large the table is as a file."""
        return f"{self.rows(ROWS, COLUMNS):,} × {COLUMNS + 1}, {path.stat().st_size / 1e9:.2f} GB"
