"""What calls of a formula must know of the table first: sums and quantiles of a column, the same bits in any order.

A learner adds the values of a call's argument block by block. Learners of parts of the table merge. What a learner
has found is a tuple of numbers, which `evaluate` takes.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import zip_longest
from math import isfinite
from typing import Protocol, Self

import numpy as np

from regress.blocks import Array
from regress.design.formula.expression import Call
from regress.design.formula.functions import Learned, inner_knots, settings
from regress.design.formula.splines import knots_fault
from regress.errors import InputError
from regress.numerics.integers import root, rounded
from regress.numerics.power_sums import PowerSums
from regress.numerics.value_counts import ValueCounts


class Learner(Protocol):
    """What some rows tell a call."""

    @property
    def coarse(self) -> bool:
        """Whether quantiles are rounded, since the column has too many distinct values to keep."""
        ...

    def add(self, values: Array, weights: Array | None = None) -> None:
        """Add values of the call's argument (m,), where NaN does not count, and weights of the rows ≥ 0."""
        ...

    def merge(self, other: Self) -> None:
        """Add the values of another learner of the same call."""
        ...

    def finish(self) -> Learned:
        """Return what `evaluate` takes for the call.

        Raises
        ------
        InputError
            If the values do not determine it, for example because all are equal.
        """
        ...


def learner(call: Call) -> Learner:
    """Return the learner of a call that `needs` one."""
    return _LEARNERS[call.function](call)


def length(call: Call) -> int:
    """Return how many numbers a call that `needs` them has learned."""
    given = settings(call)
    fixed = {"center": 1, "scale": 2}
    if call.function == "poly":
        return 2 * int(given["degree"]) + 1
    return fixed[call.function] if call.function in fixed else 2 + inner_knots(given)


class _Powers:
    """Learns from exact sums of powers up to a degree."""

    coarse = False

    def __init__(self, call: Call, degree: int, weighted: bool) -> None:
        self._call, self._weighted = call, weighted
        self._powers = PowerSums(degree)

    def add(self, values: Array, weights: Array | None = None) -> None:
        known = np.isfinite(values)
        if known.any():
            weighted = self._weighted and weights is not None
            self._powers.add(values[known], weights[known] if weighted and weights is not None else None)

    def merge(self, other: Self) -> None:
        self._powers.merge(other._powers)

    def _checked(self, centers: Sequence[float], sizes: Sequence[float]) -> Learned:
        """Return numbers, of which the sizes divide others."""
        if not all(map(isfinite, [*centers, *sizes])) or 0.0 in sizes:
            raise InputError(f"{self._call} is not possible: its values are too large, or differ too little.")
        return (*centers, *sizes)


class _Mean(_Powers):
    """Learns the mean, with weights if there are any."""

    def __init__(self, call: Call) -> None:
        super().__init__(call, 1, weighted=True)

    def finish(self) -> Learned:
        return self._checked([rounded(self._mean)], [])

    @property
    def _mean(self) -> Fraction:
        count, total, *_ = self._powers.sums
        if not count:
            raise InputError(f"{self._call} is not possible: it has no values.")
        return total / count


class _Scale(_Mean):
    """Learns the mean and the standard deviation.

    The squares are divided by n − 1. With weights they are divided by Σw · (n − 1)/n, as in NIST's Dataplot: a common
    factor of the weights has no effect.
    """

    def __init__(self, call: Call) -> None:
        _Powers.__init__(self, call, 2, weighted=True)

    def finish(self) -> Learned:
        mean, n = self._mean, self._powers.rows
        count, total, squares = self._powers.sums
        spread = squares - total * mean
        if not spread:
            raise InputError(f"{self._call} is not possible: all of its values are equal.")
        return self._checked([rounded(mean)], [root(spread / count * Fraction(n, n - 1))])


class _Polynomials(_Powers):
    """Learns R's `alpha` and `norm2` of orthogonal polynomials; weights have no effect, as in R."""

    def __init__(self, call: Call) -> None:
        self._degree: int = settings(call)["degree"]
        super().__init__(call, 2 * self._degree, weighted=False)

    def finish(self) -> Learned:
        alphas, norms = _recurrence(self._powers.sums, self._degree)
        if not norms[-1]:
            raise InputError(f"{self._call} is not possible: it needs more than {self._degree} different values.")
        return self._checked(list(map(rounded, alphas)), list(map(rounded, norms)))


class _Knots:
    """Learns the boundaries of a spline, and knots between them at quantiles; weights have no effect, as in R."""

    def __init__(self, call: Call) -> None:
        given = settings(call)
        self._call = call
        self._lower: float | None = given["lower"]
        self._upper: float | None = given["upper"]
        self._degree: int = given.get("degree", 3)
        self._knots: Sequence[float] = given["knots"] or ()
        self._quantiles = inner_knots(given) if given["df"] is not None else 0
        self._counts = ValueCounts()
        self._least, self._greatest = np.inf, -np.inf

    @property
    def coarse(self) -> bool:
        return self._counts.bits_cut > 0

    def add(self, values: Array, weights: Array | None = None) -> None:
        known = values[np.isfinite(values)]
        if len(known):
            self._least = min(self._least, float(known.min()))
            self._greatest = max(self._greatest, float(known.max()))
        if self._quantiles:
            lower = -np.inf if self._lower is None else self._lower
            upper = np.inf if self._upper is None else self._upper
            self._counts.add(known[(known >= lower) & (known <= upper)])

    def merge(self, other: Self) -> None:
        self._least, self._greatest = min(self._least, other._least), max(self._greatest, other._greatest)
        self._counts.merge(other._counts)

    def finish(self) -> Learned:
        if self._least > self._greatest or (self._quantiles and not self._counts.rows):
            raise InputError(f"{self._call} is not possible: it has no values.")
        lower = float(self._least if self._lower is None else self._lower)
        upper = float(self._greatest if self._upper is None else self._upper)
        knots = self._knots
        if self._quantiles:
            shares = [Fraction(j, self._quantiles + 1) for j in range(1, self._quantiles + 1)]
            knots = _inside(lower, self._counts.quantiles(shares), upper)
        fault = knots_fault(lower, knots, upper, self._degree)
        if fault is not None:
            raise InputError(f"{self._call} is not possible: {fault}. Give knots, lower and upper yourself.")
        return lower, upper, *map(float, knots)


def _recurrence(sums: Sequence[Fraction], degree: int) -> tuple[list[Fraction], list[Fraction]]:
    """Return <xP, P>/<P, P> and <P, P> of the monic orthogonal polynomials P, up to the first that is zero."""
    centers: list[Fraction] = []
    norms: list[Fraction] = []
    before, polynomial = [Fraction(0)], [Fraction(1)]  # coefficients, that of 1 first
    while True:
        norms.append(_inner(polynomial, polynomial, sums))
        if not norms[-1] or len(norms) > degree:
            return centers, norms
        shifted = [Fraction(0), *polynomial]
        centers.append(_inner(shifted, polynomial, sums) / norms[-1])
        ratio = norms[-1] / norms[-2] if len(norms) > 1 else Fraction(0)
        terms = zip_longest(shifted, polynomial, before, fillvalue=Fraction(0))
        before, polynomial = polynomial, [a - centers[-1] * b - ratio * c for a, b, c in terms]


def _inner(p: Sequence[Fraction], q: Sequence[Fraction], sums: Sequence[Fraction]) -> Fraction:
    """Return Σ p(x) q(x) over the rows."""
    return sum((a * b * sums[i + j] for i, a in enumerate(p) for j, b in enumerate(q)), Fraction(0))


def _inside(lower: float, knots: Sequence[float], upper: float) -> Sequence[float]:
    """Return quantiles, those at a boundary moved to the next one by an eighth of the way, as R does."""
    above = min((knot for knot in knots if knot > lower), default=lower)
    knots = [knot + (above - lower) / 8 if knot == lower else knot for knot in knots]
    below = max((knot for knot in knots if knot < upper), default=upper)
    return [knot - (upper - below) / 8 if knot == upper else knot for knot in knots]


_LEARNERS: dict[str, Callable[[Call], Learner]] = {
    "center": _Mean,
    "scale": _Scale,
    "poly": _Polynomials,
    "bs": _Knots,
    "ns": _Knots,
}
