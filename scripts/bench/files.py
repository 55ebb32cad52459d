"""What a child does that is timed from its start to its exit: other tools on a file.

Nothing is imported beyond what a tool needs, because imports are part of its time.
"""

import json
import sys


def parse_csv(path: str, *columns: str) -> None:
    """Parse a CSV file, or columns of it, in batches and keep nothing."""
    import polars as pl

    scan = pl.scan_csv(path)
    for _ in (scan.select(columns) if columns else scan).collect_batches():
        pass


def duckdb_parse(path: str) -> None:
    """Parse a CSV file by DuckDB: a sum of each column needs every cell as a number."""
    import duckdb

    duckdb.execute("SELECT sum(COLUMNS(*)) FROM read_csv(?)", [path]).fetchall()


def duckdb_fit(path: str, target: str, column: str) -> list[float]:
    """Fit a line by DuckDB's regression aggregates."""
    import duckdb

    query = f"SELECT regr_intercept({target}, {column}), regr_slope({target}, {column}) FROM read_csv(?)"
    return list(duckdb.execute(query, [path]).fetchall()[0])


def polars_ols_fit(path: str, target: str) -> list[float]:
    """Scan a CSV file with Polars and fit polars_ols."""
    import polars as pl

    from bench.peers import least_squares

    return least_squares(pl.scan_csv(path), target)


def read_parquet(path: str) -> None:
    """Read a Parquet file in batches and keep nothing."""
    import polars as pl

    for _ in pl.scan_parquet(path).collect_batches():
        pass


def pandas_fit(path: str, target: str) -> list[float]:
    """Read a CSV file with pandas and fit LinearRegression."""
    import pandas as pd

    from bench.peers import scikit_learn

    data = pd.read_csv(path)
    return scikit_learn(data.drop(columns=target), data[target])


def pandas_descend(path: str, target: str) -> list[float]:
    """Read a CSV file with pandas in chunks, and take SGDRegressor over them."""
    import pandas as pd

    from bench.peers import CHUNK, descend

    with pd.read_csv(path, chunksize=CHUNK) as chunks:
        return descend((chunk.drop(columns=target).to_numpy(), chunk[target].to_numpy()) for chunk in chunks)


TASKS = {
    function.__name__: function
    for function in (parse_csv, duckdb_parse, read_parquet, pandas_fit, pandas_descend, duckdb_fit, polars_ols_fit)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
