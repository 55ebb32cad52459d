"""What is true of a random problem: where its loss is least, and how many digits of any coefficients are right."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from tests.oracles.random_tables import Problem
from tests.oracles.rational import LeastSquares, Minimum, decimal_digits, nearest, power

FULL = 15.95  # digits of a double


class Truth:
    """What is true of a problem."""

    def __init__(self, problem: Problem) -> None:
        weights = np.ones(len(problem.X)) if problem.weights is None else problem.weights
        kept = weights > 0
        self.problem, self.X, self.weights = problem, problem.X[kept].tolist(), weights[kept].tolist()
        self.y = problem.y[kept].tolist()
        self.loss = LeastSquares(self.X, self.weights, problem.alpha, problem.fit_intercept)
        self.minimum = self.loss.minimum(self.y)
        self.least = self.loss.least(self.minimum, self.y)
        self.w, self.b = [nearest(v) for v in self.minimum.w], nearest(self.minimum.b)
        self.many = self.loss.rank < self.loss.n and not problem.alpha
        self.uncentered = self.loss.square(self.y, about_mean=False)
        self.y_square = self.loss.square(self.y, about_mean=problem.fit_intercept) or self.uncentered

    def terms(self, w: Sequence[float], b: float) -> Fraction:
        """Return what Σ a(|x₁w₁| + … + |b| + |y|)² cannot exceed: what rounding of residuals is measured by."""
        squares = [Fraction(v) ** 2 * square for v, square in zip(w, self.loss.uncentered, strict=True)]
        squares += [Fraction(b) ** 2 * self.loss.weight, self.uncentered]
        return len(squares) * sum(squares, Fraction(0))

    @cached_property
    def rounding_decides(self) -> bool:
        """Whether a column is nearly independent of those before it, but for what rounding of its values may leave.

        The limit is ten times the documented one, so that no case is taken for a clear one. Whole numbers have no
        rounding.
        """
        X, loss = np.array(self.X), self.loss
        ulps = np.where((X == np.rint(X)).all(0) & (np.abs(X) < 2**53).all(0), 0.0, np.spacing(np.abs(X)))
        noise = [Fraction(v) for v in (np.array(self.weights)[:, None] * ulps**2).sum(0) / 12.0]
        before: list[int] = []
        for j in loss.independent:
            part = LeastSquares(X[:, before].tolist(), self.weights, 0.0, self.problem.fit_intercept)
            column = X[:, j].tolist()
            found = part.minimum(column)
            limit = noise[j] + sum(v * v * noise[k] for v, k in zip(found.w, before, strict=True))
            if part.least(found, column) <= 100**2 * limit:
                return True
            before.append(j)
        return False

    def norm(self, w: Sequence[float] | Sequence[Fraction]) -> Fraction:
        """Return ‖w‖²."""
        return sum((Fraction(v) ** 2 for v in w), Fraction(0))

    def near(self, w: Sequence[float]) -> Minimum:
        """Return the minimum that is nearest to w."""
        if not self.many:
            return self.minimum
        move = self.loss.minimum(self.loss.residuals(w, 0.0, self.y))
        return Minimum([Fraction(v) - d for v, d in zip(w, move.w, strict=True)], -move.b)

    def digits(self, w: Sequence[float], b: float, at: Minimum) -> list[float]:
        """Return the digits of each w, and of b, that are right; zeros but for rounding against the spread of y."""
        weight = self.loss.weight
        of_w = zip(w, at.w, self.loss.squares, strict=True)
        return [
            *(_digits(v, true, square, self.y_square) for v, true, square in of_w),
            _digits(b, at.b, weight, self.uncentered),
        ]


def _digits(claimed: float, true: Fraction, square: Fraction, y_square: Fraction) -> float:
    if claimed == nearest(true):
        return FULL
    distance = Fraction(claimed) - true
    if true * true * square < power(-104) * y_square:  # a zero but for rounding
        found = decimal_digits(distance * distance * square, y_square) / 2 if square else 0.0
    else:
        found = decimal_digits(distance, true) if true else 0.0
    return min(max(found, 0.0), FULL)
