"""Minima in rational arithmetic by elimination, and tables on which float64 loses digits."""

from fractions import Fraction

import numpy as np

from regress.blocks import Array

Matrix = list[list[Fraction]]
random = np.random.default_rng(13)


def rational(Z: Array, weights: Array | None = None) -> Matrix:
    """Return Σ a z zᵀ over z = [1, row]."""
    rows = [[Fraction(v) for v in row] for row in np.c_[np.ones(len(Z)), Z].tolist()]
    a = [Fraction(1)] * len(Z) if weights is None else [Fraction(v) for v in weights.tolist()]
    p = len(rows[0])
    return [
        [sum((v * z[i] * z[j] for v, z in zip(a, rows, strict=True)), Fraction(0)) for j in range(p)] for i in range(p)
    ]


def solve(matrix: Matrix, right: list[Fraction]) -> list[Fraction]:
    """Solve in rational arithmetic, by elimination."""
    n = len(matrix)
    rows = [[*row, r] for row, r in zip(matrix, right, strict=True)]
    for i in range(n):
        pivot = next(k for k in range(i, n) if rows[k][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(n):
            if k != i and rows[k][i]:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * c for a, c in zip(rows[k], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def answer(
    X: Array, y: Array, alpha: float = 0.0, weights: Array | None = None, fit_intercept: bool = True
) -> tuple[list[Fraction], Fraction]:
    """Return b, w and L of the minimum as rationals."""
    T = rational(np.c_[X, y], weights)
    n, first = X.shape[1], 0 if fit_intercept else 1
    kept = range(first, n + 1)
    G = [[T[i][j] + (Fraction(alpha) if i == j and i > 0 else 0) for j in kept] for i in kept]
    p = solve(G, [T[i][n + 1] for i in kept])
    loss = T[n + 1][n + 1] - sum((v * T[i][n + 1] for v, i in zip(p, kept, strict=True)), Fraction(0))
    return ([] if fit_intercept else [Fraction(0)]) + p, loss


x = random.normal(size=(60, 4))
ILL = {
    "Läuchli": np.r_[[[1.0] * 3], 1e-7 * np.eye(3), random.normal(size=(5, 3)) * 1e-7 + 1.0],
    "Hilbert": np.array([[1.0 / (i + j + 1) for j in range(6)] for i in range(12)]),
    "near duplicates": np.c_[x[:, 0], x[:, 0] + 3e-7 * x[:, 1], x[:, 2], x[:, 2] + 1e-6 * x[:, 3]],
    "timestamps of small spread": np.c_[1.7e9 + random.uniform(0, 10, 60), x[:, :2]],
    "scales of 1e-8 to 1e8": x * [1e-8, 1.0, 1e4, 1e8],
    "heavy tails": np.exp(4 * x[:, :3]),
    "powers": np.column_stack([np.linspace(1, 3, 40) ** k for k in range(1, 8)]),
}
