"""The oracle is right: its minima satisfy the conditions of a minimum exactly, and agree with others' arithmetic."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.oracles.random_tables import FAMILIES, draw
from tests.oracles.rational import LeastSquares, decimal_digits, nearest, whole


def rationals(values):
    return [[Fraction(v) for v in row] for row in np.asarray(values, dtype=float).tolist()]


def rank(matrix):
    """Count the pivots of Gauss's elimination."""
    rows, found = [list(row) for row in matrix], 0
    for j in range(len(rows[0])):
        at = next((i for i in range(found, len(rows)) if rows[i][j]), None)
        if at is None:
            continue
        rows[found], rows[at] = rows[at], rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][j] / rows[found][j]
            rows[i] = [v - factor * h for v, h in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


@pytest.mark.parametrize("index", range(5 * len(FAMILIES)))
def test_a_minimum_satisfies_its_conditions_without_rounding(index):
    """The gradient is 0; and where there are many minima, w is a combination of the rows whose weights sum to 0."""
    problem = draw(1, index)
    kept = np.flatnonzero(np.ones(len(problem.X)) if problem.weights is None else problem.weights > 0)[:9]
    values, target = problem.X[kept, :7], problem.y[kept].tolist()
    weights = None if problem.weights is None else problem.weights[kept].tolist()
    loss = LeastSquares(values.tolist(), weights, problem.alpha, problem.fit_intercept)
    found, alpha = loss.minimum(target), Fraction(problem.alpha)
    X, y, a = rationals(values), [Fraction(v) for v in target], [Fraction(v) for v in weights or [1.0] * len(kept)]

    e = [sum((x * w for x, w in zip(row, found.w, strict=True)), found.b - v) for row, v in zip(X, y, strict=True)]
    heavy = [v * r for v, r in zip(a, e, strict=True)]
    for j, w in enumerate(found.w):
        assert sum(row[j] * h for row, h in zip(X, heavy, strict=True)) + alpha * w == 0
    assert sum(heavy) == 0 if problem.fit_intercept else found.b == 0
    square = sum(h * r for h, r in zip(heavy, e, strict=True)) + alpha * sum(w * w for w in found.w)
    assert loss.least(found, target) == square

    if problem.fit_intercept:  # differences of rows span what a combination with weights that sum to 0 reaches
        X = [[v - u for u, v in zip(row, other, strict=True)] for row, other in pairwise(X)] or [[Fraction(0)] * loss.n]
    assert loss.rank == rank(X)
    assert alpha or rank([*X, found.w]) == loss.rank


def test_ordinary_problems_agree_with_numpy_and_scikit_learn():
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(3)
    X, y, weights = random.normal(size=(30, 5)), random.normal(size=30), random.uniform(0.5, 2.0, 30)
    plain = LeastSquares(X.tolist(), fit_intercept=False).minimum(y.tolist())
    assert [nearest(w) for w in plain.w] == pytest.approx(np.linalg.lstsq(X, y)[0], rel=1e-12)
    wide = LeastSquares(X[:4].tolist(), fit_intercept=False).minimum(y[:4].tolist())
    assert [nearest(w) for w in wide.w] == pytest.approx(np.linalg.pinv(X[:4]) @ y[:4], rel=1e-12)
    for rows in (30, 4):
        ridge = Ridge(alpha=0.7, tol=1e-14).fit(X[:rows], y[:rows], weights[:rows])
        own = LeastSquares(X[:rows].tolist(), weights[:rows].tolist(), alpha=0.7).minimum(y[:rows].tolist())
        assert [*map(nearest, own.w), nearest(own.b)] == pytest.approx([*ridge.coef_, ridge.intercept_], rel=1e-11)


def test_losses_and_squares_are_those_of_their_definitions():
    X, y, a = [[1.0, 0.5], [2.0, -1.0], [4.0, 3.0]], [1.0, 2.5, -3.0], [1.0, 2.0, 0.25]
    loss = LeastSquares(X, a, alpha=0.5)
    w, b = [0.25, -2.0], 0.125
    residuals = [0.25 * u - 2.0 * v + 0.125 - t for (u, v), t in zip(X, y, strict=True)]
    assert [float(r) for r in loss.residuals(w, b, y)] == residuals
    assert loss.loss(w, b, y) == sum(k * r * r for k, r in zip(a, residuals, strict=True)) + 0.5 * (0.0625 + 4.0)
    assert loss.weight == Fraction(13, 4)
    mean = Fraction(1 + 2 * 2 + 1, 1) / Fraction(13, 4)
    assert loss.squares[0] == sum(Fraction(k) * (Fraction(row[0]) - mean) ** 2 for k, row in zip(a, X, strict=True))
    assert loss.uncentered[0] == 1 + 8 + 4


def test_numbers_are_whole_in_a_common_unit():
    assert whole([0.75, -6.0, 0.0]) == ([3, -24, 0], -2)
    assert whole([12.0, 40.0]) == ([3, 10], 2)
    assert whole([12.0, 40.0], most=0) == ([12, 40], 0)
    assert whole([5e-324, 1.0]) == ([1, 1 << 1074], -1074)
    assert (nearest(Fraction(1, 3)), nearest(Fraction(10) ** 400), nearest(-(Fraction(10) ** 400))) == (
        1 / 3,
        float("inf"),
        float("-inf"),
    )
    assert decimal_digits(Fraction(1, 10**400), Fraction(-(10**300))) == pytest.approx(700.0)
