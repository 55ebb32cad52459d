"""Least squares in rational arithmetic: where Σ a(ŷ − y)² + α‖w‖² is least, exactly, and the rank of the columns.

Every double is a whole number times a power of two. So the rows become whole numbers, and equations are solved by
elimination without fractions (Bareiss): every intermediate number is a minor of the matrix. Nothing here is taken from
the package that it measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log10

Matrix = list[list[int]]
Values = Sequence[float] | Sequence[Fraction]


def power(exponent: int) -> Fraction:
    """Return 2^exponent."""
    return Fraction(1 << max(exponent, 0), 1 << max(-exponent, 0))


def whole(values: Values, most: int | None = None) -> tuple[list[int], int]:
    """Return dyadic numbers as whole numbers, and the exponent of their common unit, `most` or less."""
    ratios = [v.as_integer_ratio() for v in values]
    last_bits = [(p & -p).bit_length() - q.bit_length() for p, q in ratios if p]
    unit = min([*last_bits, *([] if most is None else [most])], default=0)
    return [(p << -unit) // q if unit < 0 else p >> unit for p, q in ratios], unit


def shared_twos(values: Sequence[int]) -> int:
    """Return the exponent of the largest power of two that divides all values; 0 where all are zero."""
    together = 0
    for v in values:
        together |= v
    return max((together & -together).bit_length() - 1, 0)


def without_twos(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """Divide columns, then rows, by the powers of two that they share; return the exponents of the columns."""
    twos = [shared_twos(column) for column in zip(*matrix, strict=True)]
    rows = [[v >> s for v, s in zip(row, twos, strict=True)] for row in matrix]
    return [[v >> low for v in row] for row in rows for low in [shared_twos(row)]], twos


def product(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the inner product."""
    return sum(map(int.__mul__, a, b))


def eliminate(rows: Matrix, columns: int) -> tuple[list[int], list[int]]:
    """Eliminate in place, without fractions; return the pivots' rows and columns, each column the first possible."""
    left, pivots, chosen, last = list(range(len(rows))), [], [], 1
    for j in range(columns):
        candidates = [i for i in left if rows[i][j]]
        if not candidates:
            continue
        at = min(candidates, key=lambda i: rows[i][j].bit_length())
        left.remove(at)
        pivots.append(at)
        chosen.append(j)
        head, pivot = rows[at][j:], rows[at][j]
        for i in left:
            first = rows[i][j]
            rows[i][j:] = [(pivot * v - first * h) // last for v, h in zip(rows[i][j:], head, strict=True)]
        last = pivot
    return pivots, chosen


def solved(matrix: Matrix, right: Sequence[int]) -> tuple[list[int], int]:
    """Solve a regular system; return the numerators of the unknowns and their common denominator."""
    n = len(matrix)
    if not n:
        return [], 1
    rows, (*twos, of_right) = without_twos([[*row, r] for row, r in zip(matrix, right, strict=True)])
    pivots, _ = eliminate(rows, n)
    determinant = rows[pivots[-1]][n - 1]
    unknown = [0] * n  # times the determinant
    for k in reversed(range(n)):
        row = rows[pivots[k]]
        unknown[k] = (determinant * row[n] - product(row[k + 1 : n], unknown[k + 1 :])) // row[k]
    most = max(twos)
    return [u << most + of_right - s for u, s in zip(unknown, twos, strict=True)], determinant << most


@dataclass(frozen=True)
class Minimum:
    """Where the loss is least: of all such places, that of least ‖w‖."""

    w: list[Fraction]
    b: Fraction


class LeastSquares:
    """The loss Σ a(ŷ − y)² + α‖w‖² over rows, for any y.

    Whole numbers hold [1 X], its column of ones only if an intercept is fitted, in units of 2^e, and a in units of 2^f.
    """

    def __init__(
        self,
        X: Sequence[Sequence[float]],
        weights: Sequence[float] | None = None,
        alpha: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.m, self.n, self.fit_intercept = len(X), len(X[0]), int(fit_intercept)
        values, self._e = whole([v for row in X for v in row], most=0)
        self._X = [values[i * self.n : (i + 1) * self.n] for i in range(self.m)]
        self._one = [1 << -self._e] * fit_intercept
        self._Z = [self._one + row for row in self._X]
        self._a, self._f = whole([1.0] * self.m if weights is None else weights)
        self.alpha = Fraction(alpha)
        (self._alpha,), lift = whole([self.alpha * power(-2 * self._e - self._f)], most=0)
        self._lift = -lift  # α is a whole number where equations are multiplied by 2^lift

    @cached_property
    def _independent(self) -> tuple[list[int], list[int]]:
        """Rows and columns of [1 X] that make a regular matrix as large as any."""
        rows, twos = without_twos(self._Z)
        return eliminate(rows, len(twos))

    @property
    def independent(self) -> list[int]:
        """The columns that do not depend on those before them, nor on a constant if an intercept is fitted."""
        return [j - self.fit_intercept for j in self._independent[1] if j >= self.fit_intercept]

    @property
    def rank(self) -> int:
        """How many columns are independent."""
        return len(self.independent)

    def minimum(self, y: Values) -> Minimum:
        """Return where the loss is least."""
        Y, unit = whole(y)
        p = len(self._Z[0])
        if p <= self.m and (self.alpha or self.rank == self.n):
            theta, below = self._primal(range(p), Y)
        elif self.alpha:
            theta, below = self._dual(range(self.m), Y)
        else:
            rows, columns = self._independent
            fitted, common = [Y[i] for i in rows], 1
            if len(rows) < self.m:
                part, common = self._primal(columns, Y)
                fitted = [product([self._Z[i][j] for j in columns], part) for i in rows]
            theta, below = self._dual(rows, fitted)
            below *= common
        up, down = 1 << max(unit - self._e, 0), below << max(self._e - unit, 0)
        found = [Fraction(t * up, down) for t in theta]
        return Minimum(found[self.fit_intercept :], found[0] if self.fit_intercept else Fraction(0))

    def _primal(self, columns: Sequence[int], Y: Sequence[int]) -> tuple[list[int], int]:
        """Solve ZᵀAZ θ + αw = ZᵀAy over some columns of Z = [1 X]."""
        Z = [[row[j] for row in self._Z] for j in columns]
        heavy = [[a * v for a, v in zip(self._a, column, strict=True)] for column in Z]
        G = [[product(h, z) << self._lift for z in Z] for h in heavy]
        for i, j in enumerate(columns):
            G[i][i] += self._alpha * (j >= self.fit_intercept)
        return solved(G, [product(h, Y) << self._lift for h in heavy])

    def _dual(self, kept: Sequence[int], fitted: Sequence[int]) -> tuple[list[int], int]:
        """Solve for w = XᵀAρ with 1ᵀAρ = 0 and Xw + b + αρ = ŷ in the rows kept.

        With α, ρ is −r/α, and the gradient vanishes. Without, w is orthogonal to all that moves no ŷ.
        """
        X, a = [self._X[i] for i in kept], [self._a[i] for i in kept]
        K = [[product(row, other) * v << self._lift for other, v in zip(X, a, strict=True)] for row in X]
        for i in range(len(kept)):
            K[i][i] += self._alpha
        right = [v << self._lift for v in fitted]
        if self.fit_intercept:
            K = [[*row, self._one[0] << self._lift] for row in K] + [[*a, 0]]
            right.append(0)
        found, below = solved(K, right)
        heavy = [v * rho for v, rho in zip(a, found, strict=False)]
        return found[len(kept) :] + [product([row[j] for row in X], heavy) for j in range(self.n)], below

    def residuals(self, w: Values, b: float | Fraction, y: Sequence[float]) -> list[Fraction]:
        """Return Xw + b − y, for dyadic w and b."""
        theta, scale = whole([*([b] if self.fit_intercept else []), *w])
        Y, unit = whole(y)
        scale += self._e
        low = min(scale, unit)
        pairs = zip(self._Z, Y, strict=True)
        return [((product(z, theta) << scale - low) - (v << unit - low)) * power(low) for z, v in pairs]

    def loss(self, w: Values, b: float | Fraction, y: Sequence[float]) -> Fraction:
        """Return the loss at dyadic w and b."""
        R, unit = whole(self.residuals(w, b, y))
        square = sum(a * r * r for a, r in zip(self._a, R, strict=True)) * power(2 * unit + self._f)
        W, unit = whole(w)
        return square + self.alpha * product(W, W) * power(2 * unit)

    def least(self, found: Minimum, y: Sequence[float]) -> Fraction:
        """Return the loss at its minimum: Σ a y² − Σ a ŷy, since the gradient vanishes there."""
        Y, unit = whole(y)
        heavy = [a * v for a, v in zip(self._a, Y, strict=True)]
        columns = list(zip(*self._Z, strict=True))
        theta = [*([found.b] if self.fit_intercept else []), *found.w]
        explained = sum((product(z, heavy) * t for z, t in zip(columns, theta, strict=True)), Fraction(0))
        return (product(Y, heavy) * power(unit) - explained * power(self._e)) * power(unit + self._f)

    @property
    def weight(self) -> Fraction:
        """Return Σ a."""
        return sum(self._a) * power(self._f)

    @cached_property
    def squares(self) -> list[Fraction]:
        """Σ a x² of each column, about its mean if an intercept is fitted."""
        return [
            self._square(column, bool(self.fit_intercept)) * power(2 * self._e) for column in zip(*self._X, strict=True)
        ]

    @cached_property
    def uncentered(self) -> list[Fraction]:
        """Σ a x² of each column."""
        return [self._square(column, False) * power(2 * self._e) for column in zip(*self._X, strict=True)]

    def square(self, y: Sequence[float], about_mean: bool) -> Fraction:
        """Return Σ a y², perhaps about the mean."""
        Y, unit = whole(y)
        return self._square(Y, about_mean) * power(2 * unit)

    def _square(self, values: Sequence[int], about_mean: bool) -> Fraction:
        heavy = [a * v for a, v in zip(self._a, values, strict=True)]
        return (product(heavy, values) - Fraction(sum(heavy) ** 2 * about_mean, sum(self._a))) * power(self._f)


def nearest(value: Fraction) -> float:
    """Return the nearest double, infinite beyond their range."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def decimal_digits(distance: Fraction, size: Fraction) -> float:
    """Return −log₁₀(|distance|/|size|)."""
    (p, q), (r, s) = (abs(v).as_integer_ratio() for v in (distance, size))
    return log10(r) + log10(q) - log10(s) - log10(p)
