"""Seeded tables, as arrays and as files, and the check of a file of predictions; run as a child by the set-up."""

import json
import os
import sys

import numpy as np

CHUNK = 500_000  # rows of a file that are made at once


def table(m: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return seeded normal rows with a known answer, the same for every seed."""
    random, answer = np.random.default_rng(seed), np.random.default_rng(0).normal(size=n)
    X = random.normal(size=(m, n))
    return X, X @ answer + 3.0 + 0.1 * random.normal(size=m)


def write_csv(path: str, rows: str, columns: str) -> None:
    """Write a table with a target y, with 8 decimals."""
    import polars as pl

    m, n = int(rows), int(columns)
    with open(path, "wb") as file:
        for seed, first in enumerate(range(0, m, CHUNK)):
            X, y = table(min(CHUNK, m - first), n, seed)
            frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(n)} | {"y": y})
            frame.write_csv(file, include_header=first == 0, float_precision=8)


def write_positive(csv: str, path: str, target: str) -> None:
    """Write the table of a CSV file with the exponential of a hundredth of its target, which has a log."""
    import polars as pl

    pl.scan_csv(csv).with_columns((pl.col(target) / 100).exp().round(8)).sink_csv(path, float_precision=8)


def write_parquet(csv: str, path: str) -> None:
    """Write the table of a CSV file as Parquet, as Polars does by default."""
    import polars as pl

    pl.scan_csv(csv).sink_parquet(path)


def cut_csv(folder: str, path: str, parts: str) -> None:
    """Cut a CSV file into files of about equal size, each with the header."""
    os.mkdir(folder)
    with open(path, "rb") as rows:
        header = rows.readline()
        size = os.path.getsize(path) - rows.tell()
        for part in range(int(parts)):
            with open(f"{folder}/part-{part:03}.csv", "wb") as file:
                file.write(header)
                file.writelines(rows.readlines(size // int(parts) if part < int(parts) - 1 else -1))


def compare_predictions(predictions: str, csv: str, model: str) -> float:
    """Return the largest difference from Xw + b of all predictions, next to the largest of these."""
    import polars as pl

    with open(model, encoding="utf-8") as file:
        held = json.load(file)
    theirs = pl.read_csv(predictions)["prediction"].to_numpy()
    parts = pl.scan_csv(csv).select(held["names"]).collect_batches()
    ours = np.concatenate([part.to_numpy() @ np.array(held["w"]) + held["b"] for part in parts])
    if len(theirs) != len(ours):
        raise SystemExit(f"{len(theirs):,} predictions for {len(ours):,} rows")
    return float(np.max(np.abs(theirs - ours)) / np.max(np.abs(ours)))


TASKS = {
    function.__name__: function for function in (write_csv, write_positive, write_parquet, cut_csv, compare_predictions)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
