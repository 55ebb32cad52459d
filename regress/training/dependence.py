"""Which columns depend on which, and in what equation: decided from exact totals by the rounding of the stored values.

No threshold on a condition number can tell a dependency from a hard problem: what is left of total = a + b + c at 1e9
is a larger part of it than what is left of Filip's x¹⁰ on its lower powers. But rounding the stored values of columns
x to their ulps leaves √(Σₖ wₖ² Σ ulp(xₖ)²/12) of a combination w. A column that leaves at most ten times that on
the columns before it depends on them; up to 1e4 times, it nearly does. Powers as Filip's are at 1e7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from regress.numerics.totals import Integers
from regress.numerics.twofold import Array
from regress.training.fixed import BITS, eliminate, fixed_factors
from regress.training.normal import NormalEquations, power, ratio

_DEPENDENT, _NEAR = 10.0, 1e4  # times the noise of rounding
_STEPS = 4  # to the least norm
_TERMS = 12  # of an equation worth writing out
_DENOMINATORS = 64  # of coefficients worth writing as a fraction


@dataclass(frozen=True, slots=True)
class Relation:
    """Column `column` = constant + Σ coefficients[k] · column k, as far as the stored digits can tell."""

    column: int
    coefficients: dict[int, Fraction]
    constant: Fraction

    def text(self, names: Sequence[str]) -> str:
        """Write the equation in the columns' names, with as few terms on the left as its signs allow."""
        if len(self.coefficients) > _TERMS:
            return f"{names[self.column]} = a combination of {len(self.coefficients)} columns"
        terms = {self.column: Fraction(1)} | {k: -c for k, c in self.coefficients.items()}
        constant = self.constant
        positive, negative = [k for k in terms if terms[k] > 0], [k for k in terms if terms[k] < 0]
        if negative and (len(negative), self.column not in negative) < (len(positive), self.column not in positive):
            terms, constant = {k: -c for k, c in terms.items()}, -constant
            positive, negative = negative, positive
        unit = terms[positive[0]] if len(positive) == 1 else Fraction(1)
        right = [(-terms[k] / unit, names[k]) for k in sorted(negative)]
        right += [(constant / unit, "")] if constant or not right else []
        return f"{_sum([(terms[k] / unit, names[k]) for k in sorted(positive)])} = {_sum(right)}"


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    text = ""
    for value, name in terms:
        sign = ("−" if value < 0 else "") if not text else (" − " if value < 0 else " + ")
        size = abs(value)
        number = str(size) if size.denominator <= _DENOMINATORS and size < 10**6 else f"{float(size):.6g}"
        text += sign + (name if name and size == 1 else f"{number}·{name}" if name else number)
    return text


@dataclass(frozen=True, eq=False)
class Dependence:
    """Which columns are independent, and an equation for every other one.

    Attributes
    ----------
    independent : tuple of int
        In order: a column that depends on those before it is not among them.
    relations, near : tuples of Relation
        One for each dependent column, and for each that is independent by a few digits only.
    drop : bool
        Whether dependent columns are left out of the model, with coefficient 0.
    """

    independent: tuple[int, ...]
    relations: tuple[Relation, ...]
    near: tuple[Relation, ...]
    drop: bool = False

    def dropped(self) -> "Dependence":
        """Return the same with the dependent columns left out."""
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

        Through the smaller system (I + CᵀC) w_dependent = Cᵀu, in whole numbers.
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
        for _ in range(_STEPS):  # what is left along the equations is exact, so that lost digits come back
            right = [sum((row[i] * u for row, u in zip(C, free, strict=True)), -extra[i]) for i in range(d)]
            size = max(abs(v) for v in right)
            if not size:
                break
            whole = [int(v / size / power(h) * one) for v, h in zip(right, half, strict=True)]
            solved = zip(factor.solve_whole(np.array(whole, dtype=object)), half, strict=True)
            move = [Fraction(int(v), one) * size / power(h) for v, h in solved]
            extra = [e + v for e, v in zip(extra, move, strict=True)]
            free = [u - sum(c * v for c, v in zip(row, move, strict=True)) for u, row in zip(free, C, strict=True)]
        w = dict(zip(self.independent, free, strict=True))
        w |= {r.column: e for r, e in zip(self.relations, extra, strict=True)}
        return [w[k] for k in range(len(w))]

    @cached_property
    def spread(self) -> Array:
        """P (n, independent): coefficients of least norm as a function of the effective ones, in double."""
        A = np.zeros((len(self.independent), len(self.independent) + len(self.relations)))
        A[:, list(self.independent)] = np.eye(len(self.independent))
        A[:, [r.column for r in self.relations]] = np.array(self._coefficients, dtype=np.float64).reshape(
            len(A), len(self.relations)
        )
        return np.asarray(np.linalg.pinv(A))


def suspicious(equations: NormalEquations, inverse: Array) -> bool:
    """Tell by the inverse H of the scaled Gram matrix whether any column may (nearly) depend on the others.

    Column j leaves 1/√Hⱼⱼ on the others, with coefficients −Hₖⱼ/Hⱼⱼ.
    """
    left = 1.0 / np.diagonal(inverse)
    w = inverse * left  # column j: −1 times the coefficients, and 1 for itself
    noise = (_scaled_ulps(equations) ** 2) @ w**2 / 12.0
    rounding = 4.0 * (len(left) + 32) * np.finfo(np.float64).eps * (w**2).sum(0)  # of what is left, in double
    return bool((left <= 4.0 * _NEAR**2 * noise + rounding).any())


def _scaled_ulps(equations: NormalEquations) -> Array:
    return np.asarray(
        np.ldexp(equations.ulps, -equations.column_exponent) * float(equations.factor) ** 0.5, dtype=np.float64
    )


def find_dependence(equations: NormalEquations) -> Dependence:
    """Go through the columns in order and test each against the independent ones before it, by LDLᵀ in whole numbers.

    Parameters
    ----------
    equations : NormalEquations
        Without penalty.
    """
    bits, n = BITS, equations.n
    work, ulps = equations.scaled_gram(bits), _scaled_ulps(equations) ** 2 / 12.0
    lower: Integers = np.zeros((n, n), dtype=object)
    independent: list[int] = []
    relations: list[Relation] = []
    near: list[Relation] = []
    for j in range(n):
        w = lower[j].copy()  # solved backwards into the coefficients on the independent columns
        for i, k in reversed(list(enumerate(independent))):
            w[independent[:i]] -= (lower[k, independent[:i]] * w[k]) >> bits
        left = ratio(max(int(work[j, j]), 0), bits)
        noise = float(ulps[j] + sum(ratio(abs(int(w[k])), bits) ** 2 * ulps[k] for k in independent))
        if left <= _NEAR**2 * noise or not work[j, j] > 1 << 32:
            found = relations if left <= _DEPENDENT**2 * noise else near
            found.append(_relation(equations, j, independent, w, noise))
        if not relations or relations[-1].column != j:
            independent.append(j)
            eliminate(work, lower, j)
    return Dependence(tuple(independent), tuple(relations), tuple(near))


def _relation(equations: NormalEquations, j: int, independent: list[int], w: Integers, noise: float) -> Relation:
    """Write a dependency in the user's units, with small fractions if what they leave is within the noise too."""
    exponent, one = equations.column_exponent, 1 << BITS
    exact = {k: Fraction(int(w[k]), one) * power(int(exponent[j] - exponent[k])) for k in independent if w[k]}
    grain = _DEPENDENT * noise**0.5 / (2.0 * max(len(exact), 1) ** 0.5)  # of a coefficient, scaled
    chosen = exact
    for widen in range(8, -1, -1):  # errors of coefficients on columns that are nearly alike cancel
        wide = Fraction(grain) * 10**widen
        simple = {k: _simple(c, power(int(exponent[j] - exponent[k])) * wide) for k, c in exact.items()}
        simple = {k: c for k, c in simple.items() if c}
        combination = [Fraction(0)] * equations.n
        for k, c in simple.items():
            combination[k] = -c
        combination[j] = Fraction(1)
        left = equations.square(equations.whole(combination)) * equations.factor / power(2 * int(exponent[j]))
        if left <= Fraction(_DEPENDENT**2 * noise):
            chosen = simple
            break
    constant = Fraction(0)
    if equations.fit_intercept:
        constant = equations.means[j] - sum(c * equations.means[k] for k, c in chosen.items())
        size = equations.norms[j] / float(equations.weight) ** 0.5
        constant = _simple(constant, Fraction(grain) * Fraction(size) if np.isfinite(size) else Fraction(0))
    return Relation(j, chosen, constant)


def _simple(value: Fraction, grain: Fraction) -> Fraction:
    """Return the simplest number within a grain: a small fraction, or the reciprocal of a whole number."""
    for denominator in range(1, _DENOMINATORS + 1):
        near = Fraction(round(value * denominator), denominator)
        if abs(near - value) <= grain:
            return near
    near = Fraction(1, round(1 / value)) if abs(value) < 1 else value
    return near if abs(near - value) <= grain else value
