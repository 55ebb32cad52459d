"""What is measured: each case makes its tables, one after another, when they are asked for."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Failed, Limit, Table, Tool, printed_json, run

ROWS, COLUMNS, TARGET = 5_000_000, 20, "y"  # of the table on disk; with the target, 21 columns
PARSE, ONEDAL = "Polars parse", "scikit-learn-intelex"
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
        return Tool(name, child("inside", task, m, n, self.repeat, *words), inside=True, **options)

    def answer(self, task: str, m: int, n: int, *words: str) -> list[float]:
        """Return what a task of a tool that times itself computes."""
        return list(printed_json(run(child("inside", task, m, n, 0, *words)).printed)["answer"])

    def fit(self, name: str, table: Path, *words: object, target: str = TARGET, limits: tuple[Limit, ...] = ()) -> Tool:
        """Return `regress fit` as a tool."""
        saved = self.folder / "fit.json"
        command = cli("fit", table, "--target", target, *words, "--save", saved)
        return Tool(name, command, lambda _: coefficients(saved), limits=limits)

    def title(self, path: Path) -> str:
        """Return how large the table is as a file."""
        return f"{self.rows(ROWS, COLUMNS):,} × {COLUMNS + 1}, {path.stat().st_size / 1e9:.2f} GB"


def memory(place: Place) -> Iterator[Table]:
    """Fit float64 arrays in memory."""
    for full, columns, most in ((1_000_000, 10, 1.25), (500_000, 100, 1.25), (50_000, 1_000, 1.35)):
        n = place.columns(columns)
        m = place.rows(full, n)
        tools = [
            place.inside("regress", "memory", m, n, "regress", limits=(Limit(most, ONEDAL),)),
            *(place.inside(name, "memory", m, n, name, peer=True) for name in ("scikit-learn", ONEDAL, "statsmodels")),
            place.inside("SGDRegressor", "memory", m, n, "SGDRegressor", tolerance=STOCHASTIC, peer=True),
        ]
        yield Table(f"{m:,} × {n:,}", "regress", tools, place.answer("memory", m, n, "exact"))


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


def csv(place: Place) -> Iterator[Table]:
    """Fit a CSV file."""
    most = (Limit(1.35, PARSE), Limit(0.3, "pandas + LinearRegression"), Limit(600e6, what="peak"))
    tools = [
        Tool(PARSE, child("files", "parse_csv", place.csv), peer=True),
        place.fit("regress fit", place.csv, "--precision", "float64", limits=most),
        place.fit("regress fit, exact", place.csv, "--precision", "exact", limits=(Limit(2.5, "regress fit"),)),
        Tool("pandas + LinearRegression", child("files", "pandas_fit", place.csv, TARGET), printed_json, peer=True),
        Tool(
            "pandas chunks + SGDRegressor",
            child("files", "pandas_descend", place.csv, TARGET),
            printed_json,
            tolerance=STOCHASTIC,
            peer=True,
        ),
    ]
    yield Table(place.title(place.csv), PARSE, tools, coefficients(place.model))


def formula(place: Place) -> Iterator[Table]:
    """Fit a CSV file by a formula: a log, a product, a square."""
    table = place.make("positive.csv", lambda path: child("data", "write_positive", place.csv, path, TARGET))
    columns = " + ".join(f"x{j}" for j in range(COLUMNS))
    terms = f"log({TARGET}) ~ {columns} + x0:x1 + I(x2**2)"
    saved = place.folder / "formula.json"
    exact = place.make(
        "formula-exact.json",
        lambda path: cli("fit", table, "--formula", terms, "--precision", "exact", "--save", path),
    )
    for precision, most in (("float64", 1.4), ("exact", None)):
        base = f"regress fit, {precision}"
        by_formula = cli("fit", table, "--formula", terms, "--precision", precision, "--save", saved)
        limits = () if most is None else (Limit(most, base),)
        tools = [
            Tool(base, cli("fit", table, "--target", TARGET, "--precision", precision)),
            Tool("the same by a formula", by_formula, lambda _: coefficients(saved), limits=limits),
        ]
        if precision == "exact":
            tools.append(Tool("as written", cli("fit", table, "--target", TARGET, "--as-written")))
            tools.append(Tool("as written, by a formula", [*by_formula, "--as-written"]))
        yield Table(f"{place.title(table)}, {precision}", base, tools, coefficients(exact))
    table.unlink()


def csv4(place: Place) -> Iterator[Table]:
    """Fit a CSV file of four times the rows, in the same memory."""
    four = place.four_times()
    tools = [
        place.fit("once", place.csv, "--precision", "float64"),
        place.fit("four times", four, "--precision", "float64", limits=(Limit(1.1, "once", "peak"),)),
    ]
    yield Table(f"{place.title(place.csv)}, and four times its rows", "once", tools, coefficients(place.model))
    four.unlink()


def parquet(place: Place) -> Iterator[Table]:
    """Fit a Parquet file."""
    tools = [
        Tool("Polars read", child("files", "read_parquet", place.parquet), peer=True),
        place.fit("regress fit", place.parquet, "--precision", "float64", limits=(Limit(1.5, "Polars read"),)),
    ]
    yield Table(place.title(place.parquet), "Polars read", tools, coefficients(place.model))


def predict(place: Place) -> Iterator[Table]:
    """Predict the rows of an array, one row, and those of a CSV file into another."""
    n = 10
    for m, task, ours in (
        (place.rows(884_000, n), "predictions", ("LinearRegressor", "LinearModel.predict")),
        (1_000, "one_row", ("predict_one",)),
    ):
        tools = [place.inside("scikit-learn", task, m, n, "scikit-learn", peer=True)]
        tools += [place.inside(name, task, m, n, name, limits=(Limit(1.2, "scikit-learn"),)) for name in ours]
        rows = f"{m:,}" if task == "predictions" else "one row"
        yield Table(f"{rows} × {n}, in memory", "scikit-learn", tools, place.answer(task, m, n, "scikit-learn"))
    out = place.folder / "predicted.csv"

    def check(_: str) -> list[float]:
        return [printed_json(run(child("data", "compare_predictions", out, place.csv, place.model)).printed)]

    command = cli("predict", place.model, place.csv, "-o", out)
    tools = [
        Tool(PARSE, child("files", "parse_csv", place.csv), peer=True),
        Tool("regress predict", command, check, limits=(Limit(1.6, PARSE),)),
    ]
    yield Table(place.title(place.csv), PARSE, tools, [0.0])


def rejects(place: Place) -> Iterator[Table]:
    """Fit a clean CSV file, ready to set bad rows aside."""
    plain = ("--precision", "float64")
    words = (*plain, "--on-bad-lines", "skip", "--rejects", place.folder / "rejects.csv")
    tools = [
        place.fit("regress fit", place.csv, *plain),
        place.fit("regress fit --on-bad-lines skip", place.csv, *words, limits=(Limit(1.1, "regress fit"),)),
    ]
    yield Table(place.title(place.csv), "regress fit", tools, coefficients(place.model))


def report(place: Place) -> Iterator[Table]:
    """Fit a CSV file, and make a page of it."""
    page = place.folder / "page.html"

    def told(printed: str) -> list[float]:
        held = printed_json(printed)
        if not 0 < page.stat().st_size < 1e6:
            raise Failed(f"the page has {page.stat().st_size:,} bytes.")
        return [held["intercept"], *held["coef"].values()]

    page.write_text("none yet", encoding="utf-8")
    command = cli("fit", place.csv, "--target", TARGET, "--precision", "float64", "--json")
    tools = [
        Tool("regress fit", command, told),
        Tool("regress fit --report", [*command, "--report", str(page)], told, limits=(Limit(1.05, "regress fit"),)),
    ]
    yield Table(place.title(place.csv), "regress fit", tools, coefficients(place.model))


def exact(place: Place) -> Iterator[Table]:
    """Fit arrays in exact sums beside double, and certify."""
    m, n = place.rows(500_000, 100), 100
    for weights in ("no weights", "whole weights of 16 bits", "real weights"):
        tools = [place.inside(name, "exact", m, n, weights, name) for name in ("float64", "exact")]
        yield Table(f"{m:,} × {n:,}, {weights}", "float64", tools, place.answer("exact", m, n, weights, "exact"))
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


def start(place: Place) -> Iterator[Table]:
    """Start, and fit a small file."""
    data, target = ROOT / "data" / "diabetes.csv", "progression"
    tools = [
        Tool("python -c pass", [sys.executable, "-c", "pass"], peer=True),
        Tool("import regress", [sys.executable, "-c", "import regress"]),
        Tool("regress --help", cli("--help")),
        place.fit("regress fit data/diabetes.csv", data, target=target),
    ]
    reference = printed_json(run(child("files", "pandas_fit", data, target)).printed)
    yield Table("small things", "python -c pass", tools, reference)


CASES: dict[str, Callable[[Place], Iterator[Table]]] = {
    case.__name__: case
    for case in (memory, wide, csv, formula, csv4, parquet, predict, rejects, report, exact, gradient, start)
}
