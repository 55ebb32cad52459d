"""What a child does that is timed from its start to its exit: other tools on a file.

Nothing is imported beyond what a tool needs, because imports are part of its time.
"""

import json
import sys


def parse_csv(path: str) -> None:
    """Parse a CSV file in batches and keep nothing."""
    import polars as pl

    for _ in pl.scan_csv(path).collect_batches():
        pass


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


TASKS = {function.__name__: function for function in (parse_csv, read_parquet, pandas_fit, pandas_descend)}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
