"""Mini-batch updates of least squares as textbooks write them, in NumPy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import cos, pi
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array

Groups = Callable[[int], Iterable[Any]]


@dataclass
class Rule:
    """Momentum, Nesterov's momentum, or Adam."""

    adam: bool = False
    momentum: float = 0.0
    nesterov: bool = False
    t: int = 0
    memory: dict[str, Any] = field(default_factory=lambda: {"v": 0.0, "m": 0.0, "s": 0.0})

    def __call__(self, point: Array, slope: Array, rate: float) -> Array:
        """Return the point after one update."""
        self.t += 1
        held, mu = self.memory, self.momentum
        if self.adam:
            held["m"] = 0.9 * held["m"] + 0.1 * slope
            held["s"] = 0.999 * held["s"] + 0.001 * slope**2
            mean, square = held["m"] / (1 - 0.9**self.t), held["s"] / (1 - 0.999**self.t)
            return np.asarray(point - rate * mean / (np.sqrt(square) + 1e-8))
        held["v"] = mu * held["v"] - rate * slope
        return np.asarray(point + (mu * held["v"] - rate * slope if self.nesterov else held["v"]))


class Path(NamedTuple):
    """(w, b) before the first update and after every one, the updates before each epoch and in all, and the rates."""

    points: list[Array]
    ends: list[int]
    rates: list[float]


def rate_of(schedule: str, rate: float, t: int, time: float, epochs: int) -> float:
    """Return the learning rate of update t, at a time in epochs."""
    rates: dict[str, float] = {
        "constant": rate,
        "invscaling": rate / (t + 1) ** 0.25,
        "cosine": rate * (1 + cos(pi * time / epochs)) / 2,
        "step": rate * 0.5 ** int(time // 10),
    }
    return rates[schedule]


def in_memory(m: int, seed: int, shuffle: bool = True) -> Groups:
    """Return the rows of an epoch as one group."""
    return lambda epoch: [np.random.default_rng([seed, epoch, 0]).permutation(m) if shuffle else np.arange(m)]


def in_blocks(sizes: list[int], seed: int, most: int, *, shuffle: bool = True, random: bool = True) -> Groups:
    """Return the groups of an epoch, of blocks of so many rows: `most` rows fill a group."""
    blocks = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])

    def groups(epoch: int) -> Iterable[Any]:
        order = np.arange(len(sizes))
        if shuffle and random:
            order = np.random.default_rng([seed, epoch]).permutation(len(sizes))
        number, waiting = 0, np.arange(0)
        for place, k in enumerate(order):
            waiting = np.concatenate([waiting, blocks[k]])
            if len(waiting) and (len(waiting) >= most or all(not sizes[j] for j in order[place + 1 :])):
                mixed = np.random.default_rng([seed, epoch, number]).permutation(len(waiting))
                yield waiting[mixed] if shuffle else waiting
                number, waiting = number + 1, np.arange(0)

    return groups


def plain_loop(
    X: Array,
    y: Array,
    groups: Groups,
    *,
    solver: str = "sgd",
    schedule: str = "constant",
    learning_rate: float | Callable[[int], float],
    momentum: float = 0.0,
    nesterov: bool = False,
    weights: Array | None = None,
    alpha: float = 0.0,
    fit_intercept: bool = True,
    standardize: bool = True,
    batch_size: int,
    epochs: int,
) -> Path:
    """Return the path of a descent in its coordinates."""
    m, n = X.shape
    a = np.ones(m) if weights is None else weights
    center = a @ X / a.sum() if standardize and fit_intercept else np.zeros(n)
    scale = np.sqrt(a @ (X - center) ** 2 / a.sum()) if standardize else np.ones(n)
    Z, t = (X - center) / scale, y - (a @ y / a.sum() if standardize and fit_intercept else 0.0)
    unit, total = a / a.mean(), a.sum()
    rule, point = Rule(solver == "adam", momentum, nesterov), np.zeros(n + 1)
    seen, ends, rates = [point], [0], []
    for epoch in range(epochs):
        averaged, read = [], 0
        for rows in groups(epoch):
            for k in range(0, len(rows), batch_size):
                part = rows[k : k + batch_size]
                error = unit[part] * (Z[part] @ point[:n] + point[n] - t[part])
                slope = 2 * np.append(Z[part].T @ error, error.sum()) / len(part)
                slope[:n] += 2 * alpha * point[:n] / scale**2 / total
                slope[n] *= fit_intercept
                if callable(learning_rate):
                    rates.append(learning_rate(rule.t))
                else:
                    rates.append(rate_of(schedule, learning_rate, rule.t, epoch + read / m, epochs))
                point, read = rule(point, slope, rates[-1]), read + len(part)
                averaged.append(point)
                seen.append(np.mean(averaged, axis=0) if solver == "averaged-sgd" else point)
        ends.append(len(seen) - 1)
    return Path(seen, ends, rates)
