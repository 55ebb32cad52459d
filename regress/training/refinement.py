"""The minimum of L to the last bit: Newton steps whose gradient comes from exact totals.

The factor of the curvature is an ordinary one in double (or, where that fails, in whole numbers of 192 bits); the
gradient at a w held in whole numbers is exact. Each step then adds as many digits as the factor has, until the step is
far below the last digit of a double (Wilkinson's iterative refinement, with an exact residual).
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np

from regress.numerics import linalg
from regress.numerics.totals import Integers, Totals
from regress.numerics.twofold import Array
from regress.training.dependence import Dependence, find_dependence, suspicious
from regress.training.fixed import FixedFactor, SingularError
from regress.training.normal import PLACES, NormalEquations, power, ratio, rounded, scaled

_STEPS = 60
_FAST = 20  # steps with a factor in double: five digits a step take eight
_LEAST = 200  # bits of coefficients that cancel on the way to the least norm
_NEGLIGIBLE = 100  # a coefficient below 2^-100 of its scale is 0
MOST_COLUMNS = 300  # that are factored in whole numbers: n³ operations of a tenth of a microsecond


class Factor(Protocol):
    """A factored Gram matrix, scaled to a diagonal near 1."""

    def step(self, pull: Integers, exponent: list[int], common: int) -> Integers:
        """Solve for the right-hand side (n,) pull · 2^−exponent, and return the solution · 2^common."""
        ...

    def inverse(self) -> Array:
        """Return the inverse (n, n)."""
        ...


class DoubleFactor:
    """By Cholesky in double precision."""

    def __init__(self, gram: Array) -> None:
        self._diagonal = np.sqrt(np.diagonal(gram))
        if not self._diagonal.all():
            raise SingularError
        try:
            lower = linalg.cholesky(gram / self._diagonal / self._diagonal[:, None], lower=True, check_finite=False)
        except linalg.LinAlgError:
            raise SingularError from None
        if np.diagonal(lower).min(initial=1.0) ** 2 <= 4.0 * (len(gram) + 32) * np.finfo(np.float64).eps:
            raise SingularError  # pivots may be rounding
        self._lower = lower

    def step(self, pull: Integers, exponent: list[int], common: int) -> Integers:
        """Solve for the right-hand side (n,) pull · 2^−exponent, and return the solution · 2^common."""
        right = np.array([ratio(int(g), e) for g, e in zip(pull, exponent, strict=True)]) / self._diagonal
        solved = linalg.cho_solve((self._lower, True), right, check_finite=False) / self._diagonal
        return np.array([scaled(v, common) for v in solved.tolist()], dtype=object)

    def inverse(self) -> Array:
        """Return the inverse, to the digits that the condition leaves."""
        d = np.diag(1.0 / self._diagonal)
        return np.asarray(d @ linalg.cho_solve((self._lower, True), d, check_finite=False))


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where L is least, exactly; of the minimisers of dependent columns, the one of least ‖w‖ in the user's units.

    Attributes
    ----------
    equations : NormalEquations
        Of all columns, penalised.
    omega : array of Python integers of shape (n,)
        w as the equations hold it.
    steps : int
        Newton steps taken.
    dependence : Dependence
        Which columns depend on which.
    """

    equations: NormalEquations
    omega: Integers
    steps: int
    dependence: Dependence

    @cached_property
    def exact(self) -> list[Fraction]:
        """The coefficients (n,), to 2^-70 of each at least."""
        return self.equations.fractions(self.omega)

    @cached_property
    def w(self) -> Array:
        """The coefficients (n,), each rounded once."""
        return np.array([rounded(v) for v in self.exact])

    @cached_property
    def b(self) -> Fraction:
        """The intercept."""
        equations = self.equations
        b = -equations.level(self.exact, Fraction(0)) if equations.fit_intercept else Fraction(0)
        negligible = b**2 * equations.weight < power(-2 * _NEGLIGIBLE) * equations.uncentred_square
        return Fraction(0) if negligible else b

    def loss(self, w: Array) -> float:
        """Return Σa(ŷ − y)² + α‖w‖² at any w (n,), with b at its best, rounded once."""
        equations = self.equations
        return max(rounded(equations.loss(equations.whole([Fraction(v) for v in w.tolist()]))), 0.0)

    @property
    def rank(self) -> int:
        """Independent columns."""
        return self.equations.n - len(self.dependence.relations)


def minimise(
    totals: Totals,
    targets: int,
    target: int,
    alpha: float,
    fit_intercept: bool,
    review: Callable[[Dependence], Dependence] = lambda found: found,
) -> Minimum:
    """Minimise Σa(ŷ − y)² + α‖w‖² from the totals of [1, x, y].

    Parameters
    ----------
    totals : Totals
        Of one, n columns and `targets` targets, in this order.
    targets, target : int
        How many there are, and which one to fit.
    alpha : float
        Ridge penalty.
    fit_intercept : bool
        Whether b is fitted.
    review : callable, optional
        Called with the dependence of the columns, which it may refuse or change.

    Raises
    ------
    SingularError
        If whole numbers would be needed for more than `MOST_COLUMNS` columns.
    """
    equations = NormalEquations(totals, targets, target, alpha, fit_intercept)
    plain = equations.take(range(equations.n), alpha=0.0) if alpha else equations
    dependence = review(_dependence(plain))
    if not dependence.relations or (alpha and not dependence.drop):
        try:
            return Minimum(equations, *solve(equations), dependence)
        except SingularError:
            if not dependence.relations:
                raise
            equations = plain  # a penalty too small for any digit only chooses the minimiser of least norm
    independent = equations.take(dependence.independent)
    omega, steps = solve(independent, bits=_LEAST)
    least = dependence.least_norm(independent.fractions(omega))
    return Minimum(equations, equations.whole(least), steps, dependence)


def _dependence(equations: NormalEquations) -> Dependence:
    """Look for dependent columns, closely only where double precision cannot rule them out."""
    try:
        inverse = factor_of(equations, exact=False).inverse()
    except SingularError:
        pass
    else:
        if not suspicious(equations, inverse):
            return Dependence(tuple(range(equations.n)), (), ())
    if equations.n > MOST_COLUMNS:
        raise SingularError
    return find_dependence(equations)


def factor_of(equations: NormalEquations, exact: bool) -> Factor:
    """Factor the scaled Gram matrix, in double or in whole numbers of 192 bits."""
    if exact:
        return FixedFactor(equations.scaled_gram(FixedFactor.bits))
    return DoubleFactor(equations.double_gram)


def best_factor(equations: NormalEquations, few: int = 0) -> Factor:
    """Factor in double where its pivots are no rounding and columns are more than `few`, else in whole numbers.

    Raises
    ------
    SingularError
        If that takes whole numbers for more than `MOST_COLUMNS` columns.
    """
    if equations.n > few:
        try:
            return factor_of(equations, exact=False)
        except SingularError:
            if equations.n > MOST_COLUMNS:
                raise
    return factor_of(equations, exact=True)


def solve(equations: NormalEquations, bits: int = 70) -> tuple[Integers, int]:
    """Return ω at the minimum, to so many bits of each, and the Newton steps that it took from ω = 0.

    Raises
    ------
    SingularError
        If steps in whole numbers do not converge, or would be needed for more than `MOST_COLUMNS` columns.
    """
    done = _refine(equations, best_factor(equations), bits, _FAST)
    if done is None and equations.n <= MOST_COLUMNS:  # a pivot in double was rounding after all
        done = _refine(equations, factor_of(equations, exact=True), bits, _STEPS)
    if done is None:
        raise SingularError
    omega, step = done
    return np.array([0 if abs(int(o)) >> (PLACES - _NEGLIGIBLE) == 0 else o for o in omega], dtype=object), step


def _refine(equations: NormalEquations, factor: Factor, bits: int, limit: int) -> tuple[Integers, int] | None:
    """Take Newton steps until they are far below the last digit of a double; None where they never are."""
    omega: Integers = np.zeros(equations.n, dtype=object)
    rows = equations.half_bits[: equations.n]
    top = int(max(rows, default=0))
    for step in range(1, limit + 1):
        pull = equations.pull(omega)  # −∇L/2, exact
        if not pull.any():
            return omega, step
        # relative to the columns' scales, with a common exponent so that the largest is about 1
        common = max(int(abs(int(g)).bit_length() - r - top) for g, r in zip(pull, rows, strict=True))
        move = factor.step(pull, [int(r) + top + common for r in rows], common)
        omega = omega + move
        if all(abs(m) <= max(abs(int(o)) >> bits, 1) for m, o in zip(move, omega, strict=True)):
            return omega, step
    return None
