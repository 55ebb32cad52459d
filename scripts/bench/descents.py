"""What a child does that times itself, of training: epochs, the way to a gap, rows added a few at a time."""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import files, inside
from bench.data import table
from bench.inside import Prepare
from regress.numerics.threads import one_blas_thread

BATCH = 256
GAP = 1e-6  # of the minimum
PATIENCE = 40  # epochs after which a tool is not waited for
RATES = (0.3, 0.03, 0.003)  # of SGDRegressor
SEEDS = iter(range(10**6))  # a run takes the next one


def standardized(X: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and standard deviation 1."""
    return np.asarray((X - X.mean(0)) / X.std(0))


def epochs(m: int, n: int, count: str, tool: str) -> Prepare:
    """Take epochs of mini-batches over rows in memory, all in the same order."""
    X, y = table(m, n)
    one_blas_thread().__enter__()  # as training does; here until the process ends
    if tool == "plain NumPy":
        Z, t = standardized(X), y - y.mean()
        return lambda: lambda: plain(Z, t, int(count), rate=0.1)
    train = _training(X, y, int(count), tool)
    return lambda: train


def plain(X: np.ndarray, y: np.ndarray, count: int, rate: float) -> list[float]:
    """Take epochs by a plain loop, as anyone writes it."""
    w, b = np.zeros(X.shape[1]), 0.0
    for epoch in range(count):
        order = np.random.default_rng([0, epoch, 0]).permutation(len(X))
        for i in range(0, len(X), BATCH):
            rows = order[i : i + BATCH]
            X_batch, y_batch = X[rows], y[rows]
            residual = X_batch @ w + b - y_batch
            w -= rate / len(rows) * 2.0 * (X_batch.T @ residual)
            b -= rate / len(rows) * 2.0 * residual.sum()
    return [b, *w]


def _training(X: np.ndarray, y: np.ndarray, count: int, tool: str) -> Callable[[], list[float]]:
    """Return the same epochs as this package takes them: alone, watched by a live line, or saved every second."""

    from regress.aggregates.collect import collect_rows
    from regress.api.checkpoint import Checkpoint
    from regress.api.live import Live
    from regress.blocks import blocks_of
    from regress.options import ProcessOptions, TrainOptions
    from regress.report.live import Totals
    from regress.solvers.running import Running
    from regress.solvers.train import Regression

    options = TrainOptions(solver="sgd", epochs=count, batch_size=BATCH, learning_rate=0.1)
    data = collect_rows(blocks_of(X, y[:, None]), "rows")
    running, names = Running(), [f"x{j}" for j in range(X.shape[1])]
    if tool == "regress, saved every second":
        path = Path(tempfile.mkdtemp()) / "run.ckpt"
        running = replace(running, after=[Checkpoint(ProcessOptions(checkpoint=path, checkpoint_seconds=1.0))])
    if tool == "regress, watched":
        running = replace(running, after=[Live(Totals(epochs=count, rows=len(X)))])
    regression = Regression(data, options, names, running=running)
    objective = regression.objective()
    regression.objective = lambda target=0: objective  # type: ignore[method-assign]  # its rows are brought once

    def train() -> list[float]:
        trained = regression.train()
        deviation = X.std(0)
        return [trained.b_center - float(y.mean()), *(trained.w * deviation)]

    return train


def to_gap(m: int, n: int, tool: str) -> Prepare:
    """Descend until the loss is within a gap of its minimum, with a new order of rows in each run."""
    X, y = table(m, n)
    Z = standardized(X)
    ones = np.column_stack([Z, np.ones(m)])
    best = np.linalg.lstsq(ones, y, rcond=None)[0]
    gram, least = ones.T @ ones, float(((ones @ best - y) ** 2).sum())

    def near(w: np.ndarray, b: float) -> bool:
        away = np.append(w, b) - best
        return bool(away @ gram @ away <= GAP * least)

    tools = {"regress": _ours_to_gap, "SGDRegressor": _sgd_to_gap, "Keras": _keras_to_gap}
    return tools[tool](X, y, Z, near)


def _ours_to_gap(X: np.ndarray, y: np.ndarray, Z: np.ndarray, near: Callable[..., bool]) -> Prepare:
    import warnings

    import regress

    warnings.simplefilter("ignore", regress.ConvergenceWarning)

    def stop(state: Any, record: Any) -> str | None:
        return "stop" if record.gap <= GAP * (record.loss - record.gap) else None

    def run() -> list[float]:
        options: dict[str, Any] = {"solver": "averaged-sgd", "precision": "float64", "random_state": next(SEEDS)}
        fit = regress.fit(X, y, epochs=PATIENCE, callbacks=[stop], sample=0, **options)
        return [fit.b, *fit.w]

    return lambda: run


def _sgd_to_gap(X: np.ndarray, y: np.ndarray, Z: np.ndarray, near: Callable[..., bool]) -> Prepare:
    from sklearn.linear_model import SGDRegressor
    from sklearn.preprocessing import StandardScaler

    def run(rate: float, patience: int = PATIENCE) -> list[float]:
        scaler = StandardScaler().fit(X)
        scaled = scaler.transform(X)
        model = SGDRegressor(
            alpha=0.0, average=True, eta0=rate, learning_rate="invscaling", random_state=next(SEEDS), warm_start=True
        )
        for _ in range(patience):
            model.partial_fit(scaled, y)
            if near(model.coef_, float(model.intercept_[0])):
                break
        w = model.coef_ / scaler.scale_
        return [float(model.intercept_[0] - scaler.mean_ @ w), *w]

    seconds = {}
    for rate in RATES:
        began = time.perf_counter()
        run(rate)
        seconds[rate] = time.perf_counter() - began
    fastest = min(seconds, key=lambda rate: seconds[rate])
    return lambda: lambda: run(fastest)


def _keras_to_gap(X: np.ndarray, y: np.ndarray, Z: np.ndarray, near: Callable[..., bool]) -> Prepare:
    import keras
    import tensorflow as tf

    def run() -> list[float]:
        keras.utils.set_random_seed(next(SEEDS))
        mean, deviation = X.mean(0), X.std(0)
        scaled = (X - mean) / deviation
        steps = 3 * (len(y) // BATCH)
        rate = keras.optimizers.schedules.CosineDecay(0.1, steps)
        layer = keras.layers.Dense(1, dtype="float64")
        model = keras.Sequential([keras.Input((X.shape[1],), dtype="float64"), layer])
        model.compile(keras.optimizers.SGD(rate), "mse")
        rows = tf.data.Dataset.from_tensor_slices((scaled, y)).shuffle(100_000).batch(BATCH)
        for _ in range(3):  # the rate is 0 then
            model.fit(rows, epochs=1, verbose=0)
            w, b = layer.get_weights()
            if near(w[:, 0], float(b[0])):
                break
        w = w[:, 0] / deviation
        return [float(b[0] - mean @ w), *w]

    return lambda: run


def csv_epoch(m: int, n: int, path: str, tool: str) -> Prepare:
    """Parse a CSV file, or take an epoch of mini-batches over its blocks."""
    if tool == "Polars parse":

        def parse() -> list[float]:
            files.parse_csv(path)
            return [0.0]

        return lambda: parse
    from regress.api.read import read_table
    from regress.api.sums import Reading
    from regress.design.block_index import BlockReader
    from regress.options import TableOptions, TrainOptions
    from regress.solvers.running import Running
    from regress.solvers.train import Regression

    prepared = read_table(path, "y", TableOptions(), Reading("moments", 2, indexed=True))
    running = Running(reader=BlockReader(prepared.reader, prepared.index))
    options = TrainOptions(solver="averaged-sgd", epochs=1, batch_size=BATCH, over="blocks")
    one_blas_thread().__enter__()

    def epoch() -> list[float]:
        Regression(prepared.data, options, prepared.names, running=running).train()
        return [0.0]

    return lambda: epoch


def added(m: int, n: int, rows: str) -> Prepare:
    """Fit in exact sums: all rows in one call, or some at a time."""
    from regress import LinearRegressor

    X, y = table(m, n)
    step = int(rows)

    def run() -> list[float]:
        model = LinearRegressor()
        for i in range(0, m, step):
            model.partial_fit(X[i : i + step], y[i : i + step])
        return [model.intercept_, *model.coef_]

    return lambda: run


inside.TASKS |= {f.__name__: f for f in (epochs, to_gap, csv_epoch, added)}

if __name__ == "__main__":
    inside.main(*sys.argv[1:])
