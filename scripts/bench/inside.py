"""What a child does that times itself, on arrays in memory: fits, exact sums, certificates, gradients, predictions.

A task returns a function that prepares a run, which is not timed, and returns the run, which is.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench import peers
from bench.data import table
from bench.measure import peak_of_this_process

Run = Callable[[], list[float]]
Prepare = Callable[[], Run]


def ours(X: Any, y: Any, weights: np.ndarray | None = None, precision: Any = "auto") -> list[float]:
    """Fit LinearRegressor."""
    from regress import LinearRegressor

    return peers.coefficients(LinearRegressor(precision=precision).fit(X, y, weights))


def fitted(X: Any, y: Any) -> list[float]:
    """Fit regress.fit to rows and a target, or to a frame and the name of one."""
    import regress

    result = regress.fit(X, y)
    return [result.b, *result.w]


FITS: dict[str, Callable[[np.ndarray, np.ndarray], list[float]]] = {
    "regress": ours,
    "regress.fit": fitted,
    "exact": partial(ours, precision="exact"),
    "scikit-learn": peers.scikit_learn,
    "scikit-learn-intelex": peers.onedal,
    "statsmodels": peers.statsmodels,
    "SGDRegressor": peers.stochastic,
    "glum": peers.glum,
}
FRAMES: dict[str, Callable[[np.ndarray, np.ndarray], Run]] = {
    "polars_ols": peers.polars_ols,
    "pyfixest": peers.pyfixest,
}
WEIGHTS: dict[str, Callable[[np.random.Generator, int], np.ndarray | None]] = {
    "no weights": lambda random, m: None,
    "integer weights of 16 bits": lambda random, m: random.integers(1, 2**16, m).astype(float),
    "real weights": lambda random, m: random.uniform(0.1, 3.0, m),
}


def memory(m: int, n: int, tool: str) -> Prepare:
    """Fit rows with one of the tools; a frame, where a tool takes no arrays, is made before."""
    X, y = table(m, n)
    run = FRAMES[tool](X, y) if tool in FRAMES else partial(FITS[tool], X, y)
    return lambda: run


def exact(m: int, n: int, weights: str, precision: str) -> Prepare:
    """Fit rows with weights, in float64 or in exact sums."""
    X, y = table(m, n)
    a = WEIGHTS[weights](np.random.default_rng(1), m)
    return lambda: partial(ours, X, y, a, precision)


def certificate(m: int, n: int, part: str) -> Prepare:
    """Fit rows in exact sums, or make the certificate of such a fit."""
    import regress

    X, y = table(m, n)

    def fit() -> regress.Fit:
        return regress.fit(X, y, precision="exact")

    def coefficients(result: regress.Fit) -> list[float]:
        return [result.b, *result.w]

    def certify(result: regress.Fit) -> list[float]:
        _ = result.certificate  # made on first use
        return coefficients(result)

    return (lambda: lambda: coefficients(fit())) if part == "fit" else (lambda: partial(certify, fit()))


def predictions(m: int, n: int, tool: str) -> Prepare:
    """Predict the rows of a fit, by its model or by an estimator; about a thousand are given back."""
    X, y = table(m, n)
    model = _fitted(tool, X, y)
    return lambda: lambda: model.predict(X)[:: m // 1000 + 1]


def one_row(m: int, n: int, tool: str) -> Prepare:
    """Predict one row: a dict, or an array of one row where the tool takes no other."""
    X, y = table(m, n)
    model, row = _fitted(tool, X, y), {f"x{j}": value for j, value in enumerate(X[0].tolist())}
    if tool == "predict_one":
        return lambda: lambda: [model.predict_one(row)]
    return lambda: lambda: model.predict(X[:1])


def _fitted(tool: str, X: np.ndarray, y: np.ndarray) -> Any:
    """Return what predicts."""
    if tool == "scikit-learn":
        from sklearn.linear_model import LinearRegression

        return LinearRegression().fit(X, y)
    import regress

    return regress.LinearRegressor().fit(X, y) if tool == "LinearRegressor" else regress.fit(X, y).model


def gradient(m: int, n: int, engine: str) -> Prepare:
    """Compute the gradient over rows as two plain NumPy products, or with one of our engines."""
    X, y = table(m, n)
    w, b = np.ones(n), 0.5

    def plain() -> list[float]:
        d = 2.0 * (X @ w + b - y)
        return [d.sum(), *(X.T @ d)]

    if engine == "plain":
        return lambda: plain
    from regress.blocks import blocks_of
    from regress.numerics.threads import one_blas_thread, resolve_jobs
    from regress.objective.losses import SquaredError
    from regress.objective.objective import ENGINES, RowsTerm
    from regress.objective.scaling import Coordinates

    raw = Coordinates(np.zeros(n), np.ones(n), 0.0)
    blocks, jobs = list(blocks_of(X, y[:, None])), resolve_jobs(None)
    term = RowsTerm(SquaredError(), blocks, raw, 0, engine=ENGINES[engine], n_jobs=jobs)
    one_blas_thread().__enter__()  # as training does; here until the process ends

    def engines() -> list[float]:
        evaluated = term(w, b)
        return [evaluated.grad_b, *evaluated.grad_w]

    return lambda: engines


TASKS: dict[str, Callable[..., Prepare]] = {
    f.__name__: f for f in (memory, exact, certificate, gradient, predictions, one_row)
}


def timed(prepare: Prepare, repeat: int) -> dict[str, Any]:
    """Run once to warm up, then time runs; return seconds, peak memory and what the last run computed."""
    answer, seconds = prepare()(), []
    for _ in range(repeat):
        run = prepare()
        began = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - began)
    return {"seconds": seconds, "peak": peak_of_this_process(), "answer": [float(x) for x in answer]}


def main(task: str, m: str, n: str, repeat: str, *words: str) -> None:
    """Time a task, and print what it took and computed."""
    print(json.dumps(timed(TASKS[task](int(m), int(n), *words), int(repeat))))


if __name__ == "__main__":
    main(*sys.argv[1:])
