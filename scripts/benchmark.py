"""How fast: this package beside scikit-learn in one run, as medians and ratios.

python scripts/benchmark.py                    # everything, some minutes
python scripts/benchmark.py fit --repeat 3     # or: exact, csv, gradient, start
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

from regress.numerics.threads import one_blas_thread, resolve_jobs

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((1_000_000, 10), (500_000, 100), (50_000, 1000))


def seconds(run: Callable[[], object], repeat: int) -> float:
    """Return the median time of some runs after one that warms up."""
    run()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return median(times)


def table(m: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return seeded normal rows with a known answer."""
    random, answer = np.random.default_rng(seed), np.random.default_rng(0).normal(size=n)
    X = random.normal(size=(m, n))
    return X, X @ answer + 3.0 + 0.1 * random.normal(size=m)


def fit(repeat: int) -> None:
    """Time LinearRegressor().fit against LinearRegression().fit on float64 arrays; coefficients are compared first."""
    from sklearn.linear_model import LinearRegression

    from regress import LinearRegressor

    print(f"{'rows × columns':>18}  {'regress':>9}  {'scikit-learn':>12}  {'ratio':>6}  largest relative difference")
    for m, n in SIZES:
        X, y = table(m, n)
        ours, theirs = LinearRegressor().fit(X, y), LinearRegression().fit(X, y)
        apart = float(np.max(np.abs(ours.coef_ / theirs.coef_ - 1.0)))
        mine = seconds(lambda X=X, y=y: LinearRegressor().fit(X, y), repeat)
        other = seconds(lambda X=X, y=y: LinearRegression().fit(X, y), max(repeat // 2, 1))
        print(f"{m:>11,} × {n:<4,}  {mine * 1e3:>6.0f} ms  {other * 1e3:>9.0f} ms  {other / mine:>5.1f}×  {apart:.0e}")


def exact(repeat: int) -> None:
    """Time exact sums against double in memory, and the certificate beyond the fit."""
    import regress
    from regress import LinearRegressor

    X, y = table(500_000, 100)
    random = np.random.default_rng(1)
    weights = {
        "no weights": None,
        "whole weights of 16 bits": random.integers(1, 2**16, len(X)).astype(float),
        "real weights": random.uniform(0.1, 3.0, len(X)),
    }
    print("500,000 × 100, LinearRegressor().fit in double and in exact sums")
    for name, a in weights.items():
        double = seconds(lambda a=a: LinearRegressor(precision="double").fit(X, y, a), repeat)
        whole = seconds(lambda a=a: LinearRegressor(precision="exact").fit(X, y, a), max(repeat // 2, 1))
        print(f"  {name:<26} {double * 1e3:>6.0f} ms  {whole * 1e3:>6.0f} ms  {whole / double:>5.1f}×")
    for m, n in ((20_000, 20), (5_000, 1_000)):
        result = regress.fit(X[:m, :n] if n <= 100 else random.normal(size=(m, n)), y[:m], precision="exact")
        began = time.perf_counter()
        worst = result.certificate.worst
        took = time.perf_counter() - began
        print(f"  the certificate of {n:,} columns: {took * 1e3:.1f} ms beyond the fit, {worst:.1f} digits")


def csv(repeat: int) -> None:
    """Time whole processes on a CSV file of 5,000,000 × 21, in double and in exact sums, beside parsing alone."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("wb") as file:
            for i in range(10):
                X, y = table(500_000, 20, seed=i)
                frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(20)} | {"y": y})
                frame.write_csv(file, include_header=i == 0, float_precision=8)
        parse = "import sys, polars as pl\nfor _ in pl.scan_csv(sys.argv[1]).collect_batches(): pass"
        command = [sys.executable, "-m", "regress.cli", "fit", str(path), "--target", "y", "--precision"]
        runs = {"parsing alone": [sys.executable, "-c", parse, str(path)]}
        runs |= {f"regress fit, {name}": [*command, name] for name in ("double", "exact")}
        print(f"CSV of 5,000,000 × 21, {path.stat().st_size / 1e9:.2f} GB, whole processes")
        base = 0.0
        for name, arguments in runs.items():
            took = seconds(lambda a=arguments: subprocess.run(a, cwd=ROOT, check=True, capture_output=True), repeat)
            base = base or took
            print(f"  {name:<26} {took:.2f} s = {took / base:.2f}× parsing")


def gradient(repeat: int) -> None:
    """Time one gradient over rows: by autodiff, derived, and as two plain NumPy products."""
    from regress.numerics.moments import blocks_of
    from regress.training.objective import ENGINES, Coordinates, RowsTerm

    X, y = table(1_000_000, 10)
    w, b = np.ones(10), 0.5
    blocks, raw = list(blocks_of(X, y[:, None])), Coordinates(np.zeros(10), np.ones(10), 0.0)

    def plain() -> tuple[np.ndarray, float]:
        d = 2.0 * (X @ w + b - y)
        return X.T @ d, d.sum()

    base = seconds(plain, repeat)
    print(f"gradient over 1,000,000 × 10 rows: plain NumPy {base * 1e3:.1f} ms")
    for name, engine in ENGINES.items():
        term = RowsTerm(blocks, raw, 0, engine, resolve_jobs(None))
        apart = float(np.max(np.abs(term(w, b).grad_w / plain()[0] - 1.0)))
        with one_blas_thread():  # as training does
            took = seconds(lambda term=term: term(w, b), repeat)
        print(f"  {name:<9} {took * 1e3:5.1f} ms = {took / base:.2f}× plain, largest relative difference {apart:.0e}")


def start(repeat: int) -> None:
    """Time whole processes: import, help, and a fit from a file."""
    command = [sys.executable, "-m", "regress.cli"]
    cases = {
        "import regress": [sys.executable, "-c", "import regress"],
        "regress --help": [*command, "--help"],
        "regress fit data/diabetes.csv": [*command, "fit", "data/diabetes.csv", "--target", "progression"],
    }
    for name, arguments in cases.items():
        took = seconds(lambda a=arguments: subprocess.run(a, cwd=ROOT, check=True, capture_output=True), repeat)
        print(f"{name:<30} {took:.2f} s")


def main() -> None:
    cases = {"fit": fit, "exact": exact, "csv": csv, "gradient": gradient, "start": start}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", default=list(cases), help="what to time; everything unless given")
    parser.add_argument("--repeat", type=int, default=7, help="runs a median (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.case) - set(cases):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(cases)}")
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scikit-learn", "tensorflow"))
    print(
        f"{platform.machine()}, {os.cpu_count()} CPUs, {resolve_jobs(None)} threads; {platform.system()}, {packages}\n"
    )
    for name in options.case:
        cases[name](options.repeat)
        print()


if __name__ == "__main__":
    main()
