"""The exact minimum of least ‖w‖ with at least as many columns as rows, through m×m products of rows.

All arithmetic is in integers: rows R, targets y, weights A. Without a penalty, w of least norm is a combination Dᵀq.
D holds the differences of the rows to the last one, or the rows themselves without b. For independent rows, ŷ = y:

    DDᵀq = y − y_last,    b = y_last − (R Dᵀ)_last q

Otherwise Dᵀq over the independent ones is least squares of y on Z = R Dᵀ. With a penalty the gradient is zero if
w = Rᵀq, A(Rw + b − y) = −αq and 1ᵀq = 0. With q = (g s, −1ᵀ(g s)) and g = A A_last this system is symmetric:

    (g gᵀ ∘ DDᵀ + α(A_last diag(g) + A_last A Aᵀ)) s = g(y − y_last),    b = y_last − (R Dᵀ)_last (g s) + αAᵀs
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.aggregates.exact_sums import exact_totals
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block
from regress.numerics.integers import Exponents, Integers, power
from regress.solvers.exact.collinearity import suspicious
from regress.solvers.exact.factors import MOST_COLUMNS, DoubleFactor
from regress.solvers.exact.integer_ldl import SingularError
from regress.solvers.exact.modular_arithmetic import independent
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.exact.refinement import Outputs, intercept_of, solve


class Point(NamedTuple):
    """The minimizer of L, unrounded, and the number of independent columns."""

    w: list[Fraction]
    b: Fraction
    rank: int


def minimize_wide(blocks: Sequence[Block], target: int, alpha: float, fit_intercept: bool) -> Point:
    """Return the w (n,) and b that minimize Σa(ŷ − y)² + α‖w‖²; without α, of all minimizers that of least ‖w‖.

    Raises
    ------
    SingularError
        If there are more than `MOST_COLUMNS` rows, and float64 cannot show that they are independent.
    """
    X = np.concatenate([block.in_doubles().X for block in blocks])
    order = np.argsort(-np.abs(X).max(1, initial=0.0), kind="stable")  # differences to the smallest row lose least
    as_written = any(block.decimals is not None for block in blocks)
    (R, unit), (y, unit_y), (A, unit_a) = (_meant(parts, order) for parts in _parts(blocks, target))
    D, across = R, R @ R.T if as_written else _products(X[order], unit)
    gram = across
    if fit_intercept:
        D, across = R[:-1] - R[-1], across[:, :-1] - across[:, -1:]
        gram = across[:-1] - across[-1]
    rows = _Rows(D, across, gram, y, A, fit_intercept)
    penalty = Fraction(alpha) / (unit_a * unit**2)
    w, b, rank = rows.penalized(penalty) if penalty else rows.plain()
    return Point([v * unit_y / unit for v in w], b * unit_y, rank)


class _Rows(NamedTuple):
    """D, RDᵀ, DDᵀ, y, and weights A."""

    D: Integers
    across: Integers
    gram: Integers
    y: Integers
    A: Integers
    fit_intercept: bool

    def plain(self) -> Point:
        """Minimize without a penalty."""
        right = self.y[:-1] - self.y[-1] if self.fit_intercept else self.y
        equations = _equations(self.gram, right)
        kept = _independent(equations)
        if len(kept) == len(right):
            return self._solve(equations, self.D, -self.across[-1], len(kept))
        Z = self.across[:, kept]
        columns = np.column_stack([np.ones(len(Z), dtype=object), Z, self.y])
        totals = Totals.of(columns.T @ (self.A[:, None] * columns))
        least = NormalEquations(totals, 1, 0, 0.0, self.fit_intercept)
        wanted = intercept_of(least)
        matrix = np.concatenate([self.D[kept].T, wanted.matrix])
        constant = np.concatenate([np.zeros(self.D.shape[1], dtype=object), wanted.constant])
        found = solve(least, Outputs(matrix, [0] * len(kept), constant, 0, wanted.divisor, own=False)).outputs
        n = self.D.shape[1]
        return Point(found[:n], found[n] / least.first_weight if self.fit_intercept else Fraction(0), len(kept))

    def penalized(self, alpha: Fraction) -> Point:
        """Minimize with a penalty."""
        A, last = self.A, 1
        if self.fit_intercept:
            A, last = self.A[:-1], int(self.A[-1])
        g = A * last
        right = g * (self.y[:-1] - self.y[-1]) if self.fit_intercept else g * self.y
        ridge = np.diag(g * last) + (last * np.outer(A, A) if self.fit_intercept else 0)
        up, whole = alpha.denominator, alpha.numerator
        equations = _equations(np.outer(g, g) * self.gram * up + whole * ridge, right * up)
        rank = len(_independent(_equations(self.gram, right)))
        return self._solve(equations, g[:, None] * self.D, whole * A - up * g * self.across[-1], rank, up)

    def _solve(self, equations: NormalEquations, D: Integers, at_last: Integers, rank: int, up: int = 1) -> Point:
        """Return w = Dᵀs and b = y_last + at_lastᵀs/up."""
        n = D.shape[1]
        matrix, constant = D.T, np.zeros(n, dtype=object)
        if self.fit_intercept:
            matrix, constant = np.concatenate([matrix, at_last[None]]), np.append(constant, up * self.y[-1])
        found = solve(equations, Outputs(matrix, [0] * len(D), constant, 0, own=False)).outputs
        return Point(found[:n], found[n] / up if self.fit_intercept else Fraction(0), rank)


def _independent(equations: NormalEquations) -> list[int]:
    """Return the rows of D that do not depend on those before them."""
    n = equations.n
    try:
        if not suspicious(equations, DoubleFactor(equations.double_gram).inverse()):
            return list(range(n))
    except SingularError:
        pass
    if n > MOST_COLUMNS:
        raise SingularError
    return independent(equations.matrix[:n, :n])


def _equations(gram: Integers, right: Integers) -> NormalEquations:
    """Return a symmetric system as the normal equations of something."""
    value: Integers = np.zeros((len(gram) + 2, len(gram) + 2), dtype=object)
    value[0, 0] = 1
    value[1:-1, 1:-1], value[1:-1, -1] = gram, right
    pairs = zip(right, np.diagonal(gram), strict=True)
    value[-1, -1] = max((int(r) ** 2 // int(g) for r, g in pairs if g), default=0) + 1  # sets a scale only
    return NormalEquations(Totals.of(value), 1, 0, 0.0, fit_intercept=False)


def _parts(blocks: Sequence[Block], target: int) -> Iterator[list[tuple[Array, Sequence[int]]]]:
    """Yield X, y and weights by blocks, each with the decimals of its columns."""
    yield [(X, () if d is None else d.x) for X, _, _, _, d in blocks]
    yield [(Y[:, target], () if d is None else d.y[target : target + 1]) for _, Y, _, _, d in blocks]
    yield [
        (np.ones(len(X)) if a is None else a, () if d is None or a is None else (d.weights,))
        for X, _, a, _, d in blocks
    ]


def _meant(parts: Sequence[tuple[Array, Sequence[int]]], order: NDArray[np.int64]) -> tuple[Integers, Fraction]:
    """Return what rows stand for, in an order: integers and their common unit."""
    places = [np.broadcast_to(np.maximum(d, 0) if len(d) else 0, values.shape) for values, d in parts]
    fives, most = np.concatenate(places)[order], int(max(d.max(initial=0) for d in places))
    numbers, unit = _whole(np.concatenate([np.ldexp(v, -d) for (v, _), d in zip(parts, places, strict=True)])[order])
    if most:
        numbers = numbers * 5 ** (most - fives.astype(object))
    return numbers, power(unit) / 5**most


def _products(X: Array, unit: Fraction) -> Integers:
    """Return XXᵀ in units of unit², which is a power of two."""
    totals = exact_totals([Block(np.ascontiguousarray(X.T), np.empty((X.shape[1], 0)))])
    up = totals.unit[1:] - (unit.numerator.bit_length() - unit.denominator.bit_length())
    return _moved(totals.value[1:, 1:], up[:, None] + up)


def _whole(values: Array) -> tuple[Integers, int]:
    """Return integers and the exponent of their common unit, the largest possible."""
    mantissa, exponent = np.frexp(values)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    last = np.frexp((digits & -digits).astype(np.float64))[1] + exponent - 54  # exponents of the last bits
    unit = int(last[digits != 0].min(initial=last.max(initial=0)))
    return _moved(digits.astype(object), exponent - 53 - unit), unit


def _moved(numbers: Integers, bits: Exponents) -> Integers:
    """Return numbers · 2^bits, which are integers."""
    return np.asarray(numbers << np.maximum(bits, 0).astype(object) >> np.maximum(-bits, 0).astype(object))
