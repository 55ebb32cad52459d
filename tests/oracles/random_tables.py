"""Random small least-squares problems: everything that is hard about columns, rows, weights, penalties and targets."""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Random = np.random.Generator
MOST, FEW = 40, 12  # rows or columns, and the fewer of the two


@dataclass(frozen=True)
class Problem:
    """One fit to be made: rows, weights and options, and what was drawn, in words."""

    family: str
    drawn: str
    X: Array
    y: Array
    weights: Array | None
    alpha: float
    fit_intercept: bool


def _normal(random: Random, m: int, n: int) -> Array:
    return random.normal(size=(m, n))


def _decimals(random: Random, m: int, n: int) -> Array:
    return np.round(100 * random.normal(size=(m, n)), 2)


def _whole(random: Random, m: int, n: int) -> Array:
    return random.integers(-9, 10, (m, n)).astype(float)


def _binary(random: Random, m: int, n: int) -> Array:
    return random.integers(0, 2, (m, n)).astype(float)


def _dummies(random: Random, m: int, n: int) -> Array:
    rows: Array = np.eye(n)[random.integers(0, n, m)]
    return rows


def _far(random: Random, m: int, n: int) -> Array:
    rows: Array = 1.7e9 + random.uniform(size=(m, n)) * 10.0 ** random.integers(-3, 5)
    return rows


def _stamps(random: Random, m: int, n: int) -> Array:
    """Whole numbers to 1e15 with small differences between rows and between columns."""
    start = 10.0 ** random.integers(6, 16)
    return start + random.integers(0, 10 ** random.integers(1, 6), (m, 1)) + random.integers(0, 3, (m, n))


def _single(random: Random, m: int, n: int) -> Array:
    """Values of single precision, the last column the sum of the others in it."""
    X = (random.normal(size=(m, n)) * 10.0 ** random.integers(-3, 4, n)).astype(np.float32)
    if n > 2:
        X[:, -1] = X[:, :-1].sum(1, dtype=np.float32)
    return X.astype(float)


def _heavy(random: Random, m: int, n: int) -> Array:
    rows: Array = np.exp(5 * random.normal(size=(m, n))) * random.choice([-1.0, 1.0], (m, n))
    return rows


def _hilbert(random: Random, m: int, n: int) -> Array:
    return 1.0 / (np.arange(m)[:, None] + np.arange(n) + np.float64(1.0))


def _vandermonde(random: Random, m: int, n: int) -> Array:
    return random.uniform(-2, 4, (m, 1)) ** np.arange(1 - random.integers(2), n + 1)[:n]


def _pascal(random: Random, m: int, n: int) -> Array:
    return np.array([[float(comb(i + j, j)) for j in range(n)] for i in range(m)])


def _dependent(random: Random, m: int, n: int) -> Array:
    """Small whole numbers, some columns sums and multiples of others, exactly."""
    X = _whole(random, m, n)
    for j in range(1, n):
        if random.random() < 0.4:
            X[:, j] = X[:, :j] @ random.integers(-2, 3, j)
    return X


def _rounded(random: Random, m: int, n: int) -> Array:
    """Columns that are combinations of others but for their rounding."""
    X = (_normal, _decimals, _far)[random.integers(3)](random, m, n)
    for j in range(1, n):
        if random.random() < 0.4:
            X[:, j] = X[:, random.integers(j)] * random.choice([1.0, 0.1, 1 / 60, 9 / 5]) + X[:, random.integers(j)]
    return X


def _alike(random: Random, m: int, n: int) -> Array:
    """Columns that are others, but for 1e-4 to 1e-10 of them."""
    X = _normal(random, m, n)
    for j in range(1, n):
        if random.random() < 0.5:
            X[:, j] = X[:, random.integers(j)] + 10.0 ** random.uniform(-10, -4) * X[:, j]
    return X


def _alike_rows(random: Random, m: int, n: int) -> Array:
    return np.ascontiguousarray(_alike(random, n, m).T)


def _dependent_rows(random: Random, m: int, n: int) -> Array:
    return np.ascontiguousarray(_dependent(random, n, m).T)


def _proportional(random: Random, m: int, n: int) -> Array:
    """Multiples of one column, at large whole numbers, and small differences: intercepts that cancel."""
    base = random.integers(1, 4000, (m, 1)) * 10.0 ** random.integers(1, 5)
    return 21.0 * (base * random.integers(1, random.integers(2, 4), n) + random.integers(-3, 4, (m, n)))


def _constant(random: Random, m: int, n: int) -> Array:
    X = _normal(random, m, n)
    at = random.random(n) < 0.4
    X[:, at] = random.choice([0.0, 1.0, 0.1, -3e8, 1e-200], at.sum())
    return X


def _blocks(random: Random, m: int, n: int) -> Array:
    """Rows that hold one column each: targets of other columns do not touch its coefficient."""
    X = np.zeros((m, n))
    X[np.arange(m), np.arange(m) % n] = random.integers(1, 9, m)
    return X


FAMILIES: dict[str, Callable[[Random, int, int], Array]] = {
    "normal": _normal,
    "decimals": _decimals,
    "small whole numbers": _whole,
    "zeros and ones": _binary,
    "dummies": _dummies,
    "far from zero": _far,
    "timestamps, whole": _stamps,
    "single precision": _single,
    "heavy tails": _heavy,
    "Hilbert": _hilbert,
    "Vandermonde": _vandermonde,
    "Pascal": _pascal,
    "columns dependent": _dependent,
    "dependent but for rounding": _rounded,
    "columns alike": _alike,
    "rows alike": _alike_rows,
    "rows dependent": _dependent_rows,
    "proportional": _proportional,
    "constant columns": _constant,
    "blocks": _blocks,
}


def _choose(random: Random, chances: dict[str, int]) -> str:
    return list(chances)[random.choice(len(chances), p=np.array(list(chances.values())) / sum(chances.values()))]


def _shape(random: Random) -> tuple[int, int]:
    few, many = int(random.integers(1, FEW + 1)), int(random.integers(FEW + 1, MOST + 1))
    shapes = [(many, few)] * 4 + [(few, few), (few + 1, few), (few + 2, few), (few, many), (many, 1), (1, few)]
    return shapes[random.integers(len(shapes))]


def _target(random: Random, family: str, X: Array) -> tuple[str, Array]:
    m, n = X.shape
    chances = {"noise": 30, "linear": 20, "perfect": 10, "whole": 10, "zero coefficients": 10, "by blocks": 10}
    kind = _choose(
        random, chances | {"through zero": 90 if family == "proportional" else 6, "proportional": 7, "constant": 2}
    )
    w = random.integers(-5, 6, n) / np.abs(X).max(0, initial=1e-300)
    if kind == "linear":
        y = X @ w + 10.0 ** random.uniform(-12, 0) * random.normal(size=m)
    elif kind == "perfect":
        y = X @ np.exp2(np.round(np.log2(np.abs(w) + 1e-300))) + random.integers(-9, 10)
    elif kind == "through zero":  # exactly but for one row, or for rounding
        y = X @ (random.integers(-20, 21, n) / 21)
        y = np.rint(y) if family == "proportional" else y
        y[0] += random.integers(2) * 10.0 ** random.uniform(-9, 1)
    elif kind == "whole":
        y = random.integers(-50, 51, m).astype(float)
    elif kind == "zero coefficients":
        y = X[:, random.integers(n)] * random.choice([1.0, 3.0, 0.1]) + random.choice([0.0, 1.0])
    elif kind == "by blocks":
        y = random.integers(1, 99, m) * 10.0 ** np.where(np.arange(m) % n % 2, -16, 16)
    elif kind == "constant":
        y = np.full(m, random.choice([0.0, 1.0, 0.1]))
    elif kind == "proportional":
        y = np.round(X.mean(1)) + random.integers(-40, 41, m)
    else:
        y = random.normal(size=m)
    return kind, np.asarray(y)


def _weights(random: Random, family: str, m: int) -> tuple[str, Array | None]:
    chances = {"": 50, "frequencies": 10, "real weights": 10, "weights 1e-18…1e6": 15}
    kind = _choose(random, chances | {"one tiny weight": 60 if family == "proportional" else 10, "zero weights": 5})
    if kind == "frequencies":
        return kind, random.integers(1, 9, m).astype(float)
    if kind == "real weights":
        return kind, random.uniform(0.1, 3.0, m)
    if kind == "weights 1e-18…1e6":
        return kind, 10.0 ** random.uniform(-18, 6, m)
    if kind == "one tiny weight":
        return kind, np.where(np.arange(m) == 0, 10.0 ** -random.integers(6, 19), 1.0)
    if kind == "zero weights":
        return kind, np.where(np.arange(m) == random.integers(m), 1.0, random.integers(0, 3, m))
    return "", None


def _powers(random: Random, spread: int, count: int) -> Array:
    """Return powers of ten, which round, or of two, which do not, from 10^−spread to 10^spread."""
    exponents = random.uniform(-spread, spread, count)
    return np.exp2((exponents * np.log2(10.0)).round()) if random.random() < 0.5 else 10.0 ** exponents.round()


def draw(seed: int, index: int) -> Problem:
    """Return problem `index` of a seed."""
    random = np.random.default_rng([seed, index])
    family = list(FAMILIES)[index % len(FAMILIES)]
    m, n = _shape(random)
    with np.errstate(over="ignore"):
        X = FAMILIES[family](random, m, n)
    what, y = _target(random, family, X)
    drawn = [f"{m} × {n}", f"y {what}"]
    scaled = _choose(random, {"": 82, "columns 10^±8": 10, "columns 10^±140": 4, "rows 10^±60": 4})
    spread = {"columns 10^±140": 140, "columns 10^±8": 8, "rows 10^±60": 60}.get(scaled, 0)
    if scaled.startswith("columns"):
        X = X * _powers(random, spread, n)
    elif scaled:
        by = _powers(random, spread, m)
        X, y = X * by[:, None], y * by
    of_y = _choose(random, {"": 85, "y 1e6": 7, "y 1e100": 4, "y 1e-100": 4})
    y = y * float(of_y[2:] or 1.0) if of_y else y
    of_weights, weights = _weights(random, family, m)
    alpha = 0.0
    if random.random() < 0.3:
        size = float(np.square(X[:, random.integers(n)]).sum()) or 1.0
        alpha = float(random.choice([1e-15, 1e-12, 1e-6, 0.5, 1.0, 1e3, 1e60])) * random.choice([1.0, min(size, 1e200)])
    fit_intercept = bool(random.random() < 0.7)
    penalty, intercept = f"alpha {alpha:g}" * bool(alpha), "" if fit_intercept else "no intercept"
    drawn += [scaled, of_y, of_weights, penalty, intercept]
    return Problem(family, ", ".join(filter(None, drawn)), X, y, weights, float(alpha), fit_intercept)
