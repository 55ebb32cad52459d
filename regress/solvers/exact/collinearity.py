"""Which columns depend on which, and in what equation: decided from exact totals by the rounding of the stored values.

No threshold on a condition number can distinguish a dependency from a hard problem. The remainder of total = a + b + c
at 1e9 is a larger part of it than the remainder of Filip's x¹⁰ on its lower powers. But rounding the stored values of
columns x to their ulps leaves √(Σₖ wₖ² Σ ulp(xₖ)²/12) of a combination w. A column depends on the columns before it if
its remainder on them is at most ten times that. Up to 1e4 times, it nearly depends on them. Powers such as Filip's are
at 1e7. Integers are not rounded: among them a column depends on others only if its remainder is 0.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.numerics import lazy_scipy
from regress.numerics.integers import Integers, power, ratio
from regress.solvers.exact.equation import Relation, simplest
from regress.solvers.exact.integer_ldl import BITS, eliminate, fixed_factors
from regress.solvers.exact.modular_arithmetic import independent
from regress.solvers.exact.normal_equations import NormalEquations

DEPENDENT, NEAR = 10.0, 1e4  # times the noise of rounding
_STEPS = 4  # to the least norm
_MOST = 1e300  # that a scaled coefficient may be rounded by
_SURE, _SURER = 2.0**-120, 2.0**-200  # of the coefficients of an exact equation: of small fractions, and of others
_SMALL = 2**64  # denominators below are of small fractions
_SEEN = 1e-4  # of what a coefficient may leave: what a column leaves that is asked of in every row


@dataclass(frozen=True, eq=False)
class Dependence:
    """Which columns are independent, and an equation for every other one.

    Attributes
    ----------
    independent : tuple of int
        In order: a column that depends on those before it is not among them.
    relations, near : tuples of Relation
        One for each dependent column, and one for each nearly dependent column.
    inflation : array of shape (n,)
        Variance inflation factors 1/(1 − R²) of independent columns on the others; infinite for dependent ones.
    drop : bool
        Whether dependent columns are excluded from the model, with coefficient 0.
    """

    independent: tuple[int, ...]
    relations: tuple[Relation, ...]
    near: tuple[Relation, ...]
    inflation: Array
    drop: bool = False

    def dropped(self) -> "Dependence":
        """Return the same without the dependent columns."""
        return replace(self, drop=True)

    @cached_property
    def _coefficients(self) -> list[list[Fraction]]:
        """C (independent, dependent): dependent columns are those times C, or count as nothing."""
        if self.drop:
            return [[Fraction(0)] * len(self.relations) for _ in self.independent]
        return [[r.coefficients.get(k, Fraction(0)) for r in self.relations] for k in self.independent]

    def effective(self, w: Sequence[Fraction]) -> list[Fraction]:
        """Return the coefficients of the independent columns that predict what w does."""
        extra = [w[r.column] for r in self.relations]
        return [
            w[k] + sum(c * e for c, e in zip(row, extra, strict=True))
            for k, row in zip(self.independent, self._coefficients, strict=True)
        ]

    def least_norm(self, effective: Sequence[Fraction]) -> list[Fraction]:
        """Return the w (n,) of least ‖w‖ among those that predict the same: w = [I C]ᵀ(I + CCᵀ)⁻¹u.

        Through the smaller system (I + CᵀC) w_dependent = Cᵀu, in integers.
        """
        C, d = self._coefficients, len(self.relations)
        if not d:
            return list(effective)
        products = [[sum((row[i] * row[j] for row in C), Fraction(i == j)) for j in range(d)] for i in range(d)]
        half = [int(products[i][i]).bit_length() // 2 for i in range(d)]

        def gram(bits: int) -> Integers:
            rows = [[int(products[i][j] * power(bits - half[i] - half[j])) for j in range(d)] for i in range(d)]
            return np.array(rows, dtype=object)

        factor, extra, free = next(fixed_factors(gram)), [Fraction(0)] * d, list(effective)
        one = 1 << factor.bits
        for _ in range(_STEPS):  # the remainder along the equations is exact, so each step restores lost digits
            right = [sum((row[i] * u for row, u in zip(C, free, strict=True)), -extra[i]) for i in range(d)]
            scaled = [v / power(h) for v, h in zip(right, half, strict=True)]
            size = max(abs(v) for v in scaled)
            if not size:
                break
            whole = np.array([int(v / size * one) for v in scaled], dtype=object)
            solved = zip(factor.solve_whole(whole), half, strict=True)
            move = [Fraction(int(v), one) * size / power(h) for v, h in solved]
            extra = [e + v for e, v in zip(extra, move, strict=True)]
            free = [u - sum(c * v for c, v in zip(row, move, strict=True)) for u, row in zip(free, C, strict=True)]
        w = dict(zip(self.independent, free, strict=True))
        w |= {r.column: e for r, e in zip(self.relations, extra, strict=True)}
        return [w[k] for k in range(len(w))]

    @cached_property
    def spread(self) -> Array:
        """P (n, independent): coefficients of least norm as a function of the effective ones, in float64."""
        A = np.zeros((len(self.independent), len(self.independent) + len(self.relations)))
        A[:, list(self.independent)] = np.eye(len(self.independent))
        A[:, [r.column for r in self.relations]] = np.array(self._coefficients, dtype=np.float64).reshape(
            len(A), len(self.relations)
        )
        return np.asarray(np.linalg.pinv(A))


def suspicious(equations: NormalEquations, inverse: Array) -> bool:
    """Return whether any column may (nearly) depend on the others, by the inverse H of the scaled Gram matrix.

    Column j leaves 1/√Hⱼⱼ on the others, with coefficients −Hₖⱼ/Hⱼⱼ.
    """
    left = 1.0 / np.diagonal(inverse)
    w = inverse * left  # column j: −1 times the coefficients, and 1 for itself
    noise = (_scaled(equations, equations.ulps) ** 2) @ w**2 / 12.0
    rounding = 4.0 * (len(left) + 32) * np.finfo(np.float64).eps * (w**2).sum(0)  # of the remainder, in float64
    return bool((left <= 4.0 * NEAR**2 * noise + rounding).any())


def _scaled(equations: NormalEquations, steps: Array) -> Array:
    """Return √Σa step² by column in units of `scaled_gram`."""
    return np.asarray(np.ldexp(steps, -equations.column_exponent) * float(equations.factor) ** 0.5, dtype=np.float64)


class Noise(NamedTuple):
    """The remainder by rounding: √Σ a step² by column (n,), and its multiples that make a column (nearly) dependent."""

    steps: Array
    dependent: float = DEPENDENT
    near: float = NEAR


def find_dependence(
    equations: NormalEquations,
    noise: Noise | None = None,
    given: Collection[int] = (),
    accept: Callable[[Relation], bool] = lambda relation: True,
) -> Dependence:
    """Go through the columns in order and test each against the independent ones before it, by LDLᵀ in integers.

    Parameters
    ----------
    equations : NormalEquations
        Without penalty.
    noise : Noise, optional
        That of rounding to ulps, unless given.
    given : collection of int
        Columns that are already known to be independent.
    accept : callable, optional
        Whether the rounded numbers of a relation are acceptable.
    """
    bits, noise = BITS, Noise(equations.ulps) if noise is None else noise
    apart = set(independent(equations.matrix[: equations.n, : equations.n]))
    while (found := _Elimination(equations, noise, bits).find(apart, given, accept)) is None:
        bits *= 2
    return found


class _Elimination:
    """LDLᵀ in integers of some bits, taken over independent columns only."""

    def __init__(self, equations: NormalEquations, noise: Noise, bits: int) -> None:
        self.equations, self.noise, self.bits = equations, noise, bits
        self.squares = _scaled(equations, noise.steps) ** 2 / 12.0
        self.work = equations.scaled_gram(bits)
        self.lower: Integers = np.zeros((equations.n, equations.n), dtype=object)
        self.independent: list[int] = []

    def find(
        self, apart: Collection[int], given: Collection[int], accept: Callable[[Relation], bool]
    ) -> Dependence | None:
        """Return the dependencies, none of them exact for columns in `apart`; None if more bits are needed."""
        relations: list[Relation] = []
        nearly: list[Relation] = []
        for j in range(self.equations.n):
            nothing = j not in apart and self._exactly(j, relations)
            if (self._rounding > _SURE) if nothing else not self.work[j, j] > 1 << 32:
                return None
            w = self._solve(j)
            left = 0.0 if nothing else ratio(int(self.work[j, j]), self.bits)
            size = (ratio(abs(int(w[k])), self.bits) ** 2 * self.squares[k] for k in self.independent)
            noise = float(self.squares[j] + sum(size))
            depends = nothing or (left <= self.noise.dependent**2 * noise and j not in given)
            if depends or left <= self.noise.near**2 * noise:
                more = 0.0 if nothing else max(16.0 * noise - left, left)  # coefficients are rounded, too
                relation = self._relation(j, w, more / (len(self.independent) + 1), accept)
                if nothing and self._rounding > _SURER and relation.largest_denominator > _SMALL:
                    return None
                (relations if depends else nearly).append(replace(relation, exact=nothing))
            if not depends:
                self.independent.append(j)
                eliminate(self.work, self.lower, j, self.bits)
        return Dependence(tuple(self.independent), tuple(relations), tuple(nearly), self._inflation())

    def _exactly(self, j: int, relations: Sequence[Relation]) -> bool:
        """Return whether a column that depends exactly on those before it depends on the independent ones alone."""
        kept = [*self.independent, j]
        return all(r.exact for r in relations) or len(independent(self.equations.matrix[np.ix_(kept, kept)])) < len(
            kept
        )

    @property
    def _pivots(self) -> list[float]:
        least = np.finfo(np.float64).tiny  # some may be below it
        return [max(ratio(int(self.work[k, k]), self.bits), least) for k in self.independent]

    @property
    def _rounding(self) -> float:
        """Of coefficients on the independent columns."""
        bits = min((int(self.work[k, k]).bit_length() for k in self.independent), default=self.bits)
        return float(2.0 ** (33 - bits))

    def _solve(self, j: int) -> Integers:
        """Return the coefficients of column j on the independent ones."""
        w: Integers = self.lower[j].copy()
        for i, k in reversed(list(enumerate(self.independent))):
            w[self.independent[:i]] -= (self.lower[k, self.independent[:i]] * w[k]) >> self.bits
        return w

    def _relation(self, j: int, w: Integers, more: float, accept: Callable[[Relation], bool]) -> Relation:
        """Write a relation in the user's units, with the shortest numbers that add at most `more` each."""
        parts = (1.0, 2.0**-4, 2.0**-8, 2.0**-16, 2.0**-32) if more else (1.0,)  # a rough coefficient costs a constant
        found = [self._rounded(j, w, more, more * part) for part in parts]
        return min(filter(accept, found), key=lambda relation: relation.length, default=found[-1])

    def _rounded(self, j: int, w: Integers, more: float, part: float) -> Relation:
        """Round a relation so that each coefficient adds up to `part` to the remainder, and the constant `more`.

        With δ added to w, the remainder grows by Σ dₖ(δₖ + Σᵢ lᵢₖ δᵢ)², over i > k. So from the last column to the
        first each coefficient is the simplest one near the best value, given those chosen before it (Babai's rounding).
        """
        equations, exponent, one = self.equations, self.equations.column_exponent, 1 << self.bits
        pivots, rounding = self._pivots, self._rounding
        best, coefficients, asked = w.copy(), dict[int, Fraction](), set[int]()
        for i, k in reversed(list(enumerate(self.independent))):
            unit = power(int(exponent[j] - exponent[k]))
            value = Fraction(int(best[k]), one) * unit
            within = min(max((part / pivots[i]) ** 0.5, rounding), _MOST)
            simple = simplest(value, Fraction(within) * unit)
            coefficients[k] = value if simple is None else simple
            if simple is None or simple or pivots[i] * ratio(abs(int(best[k])), self.bits) ** 2 > _SEEN * more:
                asked.add(k)
            before = self.independent[:i]
            best[before] -= (self.lower[k, before] * (round(coefficients[k] / unit * one) - w[k])) >> self.bits
        coefficients = {k: coefficients[k] for k in self.independent if coefficients[k]}
        constant = Fraction(0)
        if equations.fit_intercept:
            constant = equations.means[j] - sum(c * equations.means[k] for k, c in coefficients.items())
            weight = equations.weight * equations.factor
            half = (weight.numerator.bit_length() - weight.denominator.bit_length()) // 2
            within = max(more**0.5, rounding) / float(weight / power(2 * half)) ** 0.5
            simple = simplest(constant, Fraction(within) * power(int(exponent[j]) - half), of_column=False)
            constant = constant if simple is None else simple
        return Relation(j, coefficients, constant, tuple(k for k in self.independent if k in asked))

    def _inflation(self) -> Array:
        """Return variance inflation factors: the diagonal of L⁻ᵀD⁻¹L⁻¹, times that of the matrix."""
        kept, places = self.independent, 64
        inflation = np.full(self.equations.n, np.inf)
        if kept:
            lower = np.ldexp((self.lower[np.ix_(kept, kept)] >> (self.bits - places)).astype(np.float64), -places)
            inverse = lazy_scipy.solve_triangular(lower, np.eye(len(kept)), lower=True, unit_diagonal=True)
            size = np.diagonal(self.equations.double_gram)[kept]
            inflation[kept] = size * (inverse**2 / np.array(self._pivots)[:, None]).sum(0)
        return inflation
