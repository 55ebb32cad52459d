"""The derivation of ∇L = 2Xᵀ(ŷ − y), walked through with the figures of a table.

python scripts/tutorial.py [TABLE TARGET]     # data/diabetes.csv and progression, unless others are named
"""

import io
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from inspect import getdoc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

import regress
from regress.aggregates.account import describe
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.blocks import Array
from regress.messages import aligned
from regress.objective import autodiff, gradient
from regress.objective.gradient import Rows
from regress.objective.losses import SquaredError, central_difference_step
from regress.options import TableOptions

LOSS = SquaredError()  # knows ŷ and y, and nothing of X


class Problem:
    """A table in some units. A point p = (w, b) is one vector: the minimum, and a random one that moves ŷ like y."""

    def __init__(self, names: Sequence[str], X: Array, y: Array) -> None:
        self.names, self.X, self.X1 = (*names, "(intercept)"), X, np.column_stack([X, np.ones(len(y))])
        self.y, self.m, self.spread = y, len(y), float(y.std()) or 1.0
        self.gradients: dict[str, Array] = {}
        fit, size = regress.fit(pd.DataFrame(X, columns=list(names)), y), np.sqrt((self.X1**2).mean(axis=0))
        self.minimum = np.append(fit.w, fit.b)
        self.random = np.random.default_rng(0).standard_normal(len(size)) * self.spread / np.where(size > 0, size, 1)
        _, sigma, vectors = np.linalg.svd(self.X1, full_matrices=False)
        kept = sigma > sigma[0] * max(self.X1.shape) * 2.0**-52  # along the others L does not change
        self.least = "" if kept.all() else "at least "  # where smaller ones are lost in rounding
        self.eigenvalues, self.vectors = 2 * sigma[kept] ** 2, vectors[kept]  # of ∇²L = 2[X 1]ᵀ[X 1], falling
        self.limit = 2 * self.m / self.eigenvalues[0]  # of η: m/λmax([X 1]ᵀ[X 1])

    def loss(self, p: Array) -> float:
        return float(LOSS.value(self.X1 @ p, self.y))  # L = (ŷ − y)ᵀ(ŷ − y) with ŷ = [X 1]p = Xw + b

    def gradient(self, p: Array) -> Array:
        return np.append(*gradient.chain_rule(self.X, LOSS.gradient(self.X1 @ p, self.y)))  # 2Xᵀ(ŷ − y), 2Σ(ŷ − y)

    def above_minimum(self, p: Array) -> float:
        return float(
            LOSS.value(self.X1 @ (p - self.minimum), np.zeros(self.m))
        )  # L(p) − L(p*) = ‖[X 1](p − p*)‖²: no digits cancel

    def descend(self, p: Array, eta: float, steps: int) -> Array:
        points = [p]
        for _ in range(steps):
            points.append(points[-1] - eta / self.m * self.gradient(points[-1]))
        return np.array([self.above_minimum(p) for p in points])


def read(table: str | Path, target: str) -> tuple[Problem, Problem]:
    prepared = read_table(table, target, TableOptions(missing="drop"), Reading("rows"))
    rows, summary = prepared.data.rows or (), prepared.data.summary  # over="rows" keeps them
    X, y = np.concatenate([part.X for part in rows]), np.concatenate([part.Y[:, 0] for part in rows])
    print(f"{Path(table).name}: {describe(prepared.tally)}; X is {len(X):,} × {X.shape[1]:,}, y is {target}")
    deviation = np.where(summary.norm > 0, summary.norm / np.sqrt(len(X)), 1.0)
    return Problem(prepared.names, X, y), Problem(prepared.names, (X - summary.center) / deviation, y)


def show(columns: Mapping[str, Any], most: int = 12, figures: int = 10) -> None:
    cells = [[v if isinstance(v, str) else f"{v:.{figures}g}" for v in column] for column in columns.values()]
    rows = [[cell if len(cell) <= 24 else cell[:23] + "…" for cell in row] for row in zip(*cells, strict=True)]
    print("", *aligned([*columns], rows[:most]), sep="\n    ")
    print(f"    … and {len(rows) - most:,} more\n" * (len(rows) > most), end="")


def apart(a: Any, b: Any, scale: Array | None = None) -> str:
    scale = np.asarray(np.abs([a, b]).max() if scale is None else scale)  # of all entries, or of each
    return f"{np.max(np.abs(a - b) / np.where(scale > 0, scale, 1.0)):.1e}"


def model(raw: Problem, _: Problem) -> None:
    """The model ŷ = Xw + b and its Jacobian, ∂ŷ/∂w = X and ∂ŷ/∂b = 1
    The model is linear: moving wⱼ by h moves ŷ by h times column j of X, wherever
    w and b are and however large h is."""
    p, at = raw.random, raw.X1 @ raw.random
    moves = central_difference_step(float(np.linalg.norm(at)), np.linalg.norm(raw.X1, axis=0))  # h that move ŷ by ‖ŷ‖
    found = np.column_stack([(raw.X1 @ (p + h) - at) / h.sum() for h in np.diag(moves)])
    show({"parameter": raw.names, "moved by h": moves, "(move of ŷ₁)/h": found[0], "x₁ⱼ in the table": raw.X1[0]})
    print(f"\n    Largest difference in any row, relative to its column: {apart(found, raw.X1, np.abs(raw.X1).max(0))}")


def loss(raw: Problem, _: Problem) -> None:
    """The loss L = (ŷ − y)ᵀ(ŷ − y) and its gradient in the predictions, 2(ŷ − y)
    L(ŷ + d) − L(ŷ) = 2(ŷ − y)ᵀd + dᵀd for any d, small or not. The gradient is
    what multiplies d in the linear part; beyond dᵀd there is nothing."""
    y, at, d = raw.y, raw.X1 @ raw.random, np.random.default_rng(1).standard_normal(raw.m) * raw.spread
    slope = LOSS.gradient(at, y)
    show({"row": [f"{i + 1}" for i in range(raw.m)], "y": y, "ŷ": at, "2(ŷ − y)": slope}, most=3)
    change, foretold = LOSS.value(at + d, y) - LOSS.value(at, y), slope @ d + d @ d
    print(f"\n    L(ŷ + d) − L(ŷ)  = {change:.16g} for a random d, as large as y varies")
    print(f"    2(ŷ − y)ᵀd + dᵀd = {foretold:.16g}, relative difference {apart(change, foretold)}")


def by_hand(raw: Problem, _: Problem) -> None:
    """The chain rule by hand: ∇L = 2Xᵀ(ŷ − y), ∂L/∂b = 2Σ(ŷ − y)
    Moving w and b moves ŷ by d = X dw + db. Put into 2(ŷ − y)ᵀd this makes
    (2Xᵀ(ŷ − y))ᵀdw + 2Σ(ŷ − y) db. At a random point:"""
    X, y, w, b = raw.X, raw.y, raw.random[:-1], raw.random[-1]
    prediction = X @ w + b
    raw.gradients["by hand"] = gradient = np.append(2 * X.T @ (prediction - y), 2 * (prediction - y).sum())
    show({"parameter": raw.names, "its value": raw.random, "∂L/∂parameter": gradient})
    print(f"\n    The trainer's regress.objective.gradient differs by {apart(raw.gradient(raw.random), gradient)}")


def by_tape(raw: Problem, _: Problem) -> None:
    """The same by automatic differentiation
    TensorFlow records ŷ = Xw + b and L on a tape, and runs the chain rule back."""
    try:
        (rows,) = autodiff.prepare_rows([Rows(raw.X, raw.y)])
        at = autodiff.rows(LOSS, rows, raw.random[:-1], raw.random[-1])
    except regress.RegressError as error:
        print(f"\n    Left out: {error}")
        return
    raw.gradients["by tape"] = np.append(at.grad_w, at.grad_b)
    print(f"\n    L by tape {at.value:.16g}, by hand {raw.loss(raw.random):.16g}")
    print(f"    The gradients differ by {apart(*raw.gradients.values())} of the largest entry")


def by_difference(raw: Problem, _: Problem) -> None:
    """The same by a central difference, (L(p + h) − L(p − h))/2h
    L is quadratic: its even terms cancel and there are no odd ones above the
    first, so the formula is exact for any h. What remains is rounding, least
    where all terms are as large as L(p) itself: at hⱼ = ‖ŷ − y‖/‖xⱼ‖."""
    p, gradients, residual = raw.random, raw.gradients, raw.X1 @ raw.random - raw.y
    best = central_difference_step(float(np.linalg.norm(residual)), np.linalg.norm(raw.X1, axis=0))
    times, scale = [1e-8, 1e-4, 1.0, 1e4, 1e8], 2 * np.abs(raw.X1).T @ np.abs(residual)
    found = [[(raw.loss(p + h) - raw.loss(p - h)) / (2 * h.sum()) for h in np.diag(t * best)] for t in times]
    gradients["by difference"] = np.array(found[times.index(1.0)])
    show({"parameter": raw.names, **gradients})
    print(f"\n    Largest difference {apart([*gradients.values()], gradients['by hand'], scale)}, relative to")
    print("    2Σ|xᵢⱼ||ŷᵢ − yᵢ|, its terms without their signs. At other steps:")
    show({"h/hⱼ": [f"{t:g}" for t in times], "differs by": [apart(f, gradients["by hand"], scale) for f in found]})


def one_step(raw: Problem, _: Problem) -> None:
    """One step p ← p − (η/m)∇L, and how long it may be
    Two terms foretell what a step does to a quadratic, exactly: with g = ∇L and
    H = ∇²L = 2[X 1]ᵀ[X 1], L changes by −(η/m)‖g‖² + ½(η/m)² gᵀHg. The step
    multiplies the distance along the steepest direction by 1 − 2η/limit."""
    p, g = raw.random, raw.gradient(raw.random)
    step = -raw.limit / 2 / raw.m * g
    d = raw.X1 @ step  # how ŷ moves: ½ dᵀ(∇²_ŷ L)d = ½(η/m)² gᵀHg
    foretold, change = g @ step + d @ LOSS.gradient(d, 0 * d) / 2, raw.loss(p + step) - raw.loss(p)
    print(f"\n    L changes by  {change:.16g} at half the limit")
    print(f"    Foretold:     {foretold:.16g}, relative difference {apart(foretold, change)}")
    print(f"\n    limit = m/λmax([X 1]ᵀ[X 1]) = {raw.limit:.10g}. L above its minimum:")
    losses = {rate: raw.descend(p, rate * raw.limit, 100) for rate in (0.5, 0.95, 1.05)}
    show({"η/limit": losses} | {f"step {k}": [path[k] for path in losses.values()] for k in (0, 1, 10, 100)}, figures=4)


def hundred_steps(raw: Problem, standard: Problem) -> None:
    """A hundred steps from w = 0, b = 0: L above its minimum, raw and standardized
    At half the limit a step leaves 1 − λ/λmax of the way along an eigenvector of
    ∇²L: with κ = λmax/λmin, a digit of the flattest takes about κ ln 10 steps."""
    after = [0, 1, 2, 5, 10, 20, 50, 100]
    columns: dict[str, Any] = {"step": [str(k) for k in after]}
    problems = {"raw": raw, "standardized": standard}
    paths = np.array([q.descend(0 * q.minimum, q.limit / 2, 100)[after] for q in problems.values()])
    logs = np.log10(np.maximum(paths, (paths.max() or 1.0) * 1e-32))  # what is below is rounding
    lengths = 1 + 14 * (logs - logs.min()) / (np.ptp(logs) or 1.0)
    for name, path, log, length in zip(problems, paths, logs, lengths, strict=True):
        bars = [f"{v:5.1f} {'#' * round(k):15}" for v, k in zip(log, length, strict=True)]
        columns |= {name: path, f"log₁₀ of {name}".ljust(21): bars}
    show(columns, figures=4)
    k, s = (q.eigenvalues[0] / q.eigenvalues[-1] for q in (raw, standard))
    digit = f"{k * np.log(10):.3g} and {s * np.log(10):.3g} steps for a digit"
    print(f"\n    κ is {raw.least}{k:.3g} raw, {standard.least}{s:.3g} standardized: {digit}")


def optimum(_: Problem, standard: Problem) -> None:
    """The minimum, by one Newton step p ← p − (∇²L)⁻¹∇L from anywhere
    ∇L(p) = ∇²L (p − p*), so (∇²L)⁻¹∇L is the whole way to p*. Standardized:"""
    V, gradient = standard.vectors, standard.gradient
    columns: dict[str, Any] = {"from": ["zero", "random", "1000 × random"]}
    points = [times * standard.random for times in (0, 1, 1000)]
    for when in ("", " after"):
        columns[f"‖∇L‖{when}"] = [np.linalg.norm(gradient(p)) for p in points]
        columns[f"above minimum{when}"] = [standard.above_minimum(p) for p in points]
        points = [p - V.T @ (V @ gradient(p) / standard.eigenvalues) for p in points]
    show(columns, figures=3)
    fit = regress.certify((standard.minimum[:-1], standard.minimum[-1]), standard.X, standard.y)
    print(f"\n    regress.fit: ‖∇L‖ {fit.gradient_norm:.2g}, {fit.worst:.1f} correct digits in its worst coefficient")


def beside(raw: Problem, _: Problem) -> None:
    """Beside it, scikit-learn's LinearRegression()
    regress.certify counts the correct digits of any tool's coefficients."""
    theirs = LinearRegression().fit(raw.X, raw.y)
    seen = regress.certify(theirs, raw.X, raw.y)
    digits = [f"{d:.1f}" for d in (*seen.digits.values(), seen.intercept_digits)]
    two = {"regress.fit": raw.minimum, "LinearRegression()": [*theirs.coef_, theirs.intercept_]}
    show({"parameter": raw.names, **two, "correct digits": digits})
    print(f"\n    {seen.worst:.1f} digits in its worst coefficient; L {seen.excess_loss:.2g} above {seen.loss:.10g}")


def main(arguments: Sequence[str]) -> int:
    steps = model, loss, by_hand, by_tape, by_difference, one_step, hundred_steps, optimum, beside
    try:
        if len(arguments) not in (0, 2):
            raise regress.InputError("Name a table and its target: python scripts/tutorial.py TABLE TARGET")
        table, target = arguments or (str(Path(__file__).parents[1] / "data" / "diabetes.csv"), "progression")
        problems = read(table, target)
        for number, step in enumerate(steps, 1):
            print(f"\n{number}. {getdoc(step)}", flush=True)
            step(*problems)
        print(end="", flush=True)
    except regress.RegressError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for encodings without ŷ
    warnings.showwarning = lambda message, *_: print(f"Note: {message}")
    sys.exit(main(sys.argv[1:]))
