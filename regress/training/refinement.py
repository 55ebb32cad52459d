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
from scipy import linalg

from regress.numerics.totals import Integers, Totals
from regress.numerics.twofold import Array
from regress.training.dependence import Dependence, find_dependence, suspicious
from regress.training.fixed import FixedFactor, SingularError
from regress.training.normal import PLACES, NormalEquations, ratio, scaled

_STEPS = 60
_NEGLIGIBLE = 100  # a coefficient below 2^-100 of its scale is 0
MOST_COLUMNS = 300  # that are factored in whole numbers: n³ operations of a tenth of a microsecond


class Factor(Protocol):
    """A factored Gram matrix, scaled to a diagonal near 1."""

    def solve(self, right: Array) -> Array:
        """Solve for one right-hand side (n,)."""
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

    def solve(self, right: Array) -> Array:
        """Solve for one right-hand side, or several as columns."""
        d = self._diagonal if right.ndim == 1 else self._diagonal[:, None]
        return np.asarray(linalg.cho_solve((self._lower, True), right / d, check_finite=False) / d)

    def inverse(self) -> Array:
        """Return the inverse, to the digits that the condition leaves."""
        return self.solve(np.eye(len(self._lower)))


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
        return np.array([float(v) for v in self.exact])

    @cached_property
    def b(self) -> Fraction:
        """The intercept."""
        return -self.equations.level(self.exact, Fraction(0)) if self.equations.fit_intercept else Fraction(0)

    def loss(self, w: Array) -> float:
        """Return Σa(ŷ − y)² + α‖w‖² at any w (n,), with b at its best, rounded once."""
        equations = self.equations
        return max(float(equations.loss(equations.whole([Fraction(v) for v in w.tolist()]))), 0.0)

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
        return Minimum(equations, *solve(equations), dependence)
    independent = equations.take(dependence.independent)
    omega, steps = solve(independent)
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


def solve(equations: NormalEquations, start: Integers | None = None) -> tuple[Integers, int]:
    """Return ω at the minimum, and the Newton steps that it took from ω = 0 or another start."""
    n = equations.n
    factor = best_factor(equations)
    rows = equations.half_bits[:n]
    top = int(max(rows, default=0))
    omega: Integers = np.zeros(n, dtype=object) if start is None else start
    step = 0
    while step < _STEPS:
        step += 1
        pull = equations.pull(omega)  # −∇L/2, exact
        if not pull.any():
            break
        # as doubles relative to the columns' scales, with a common exponent so that none under- or overflows
        common = max(int(abs(int(g)).bit_length() - r - top) for g, r in zip(pull, rows, strict=True))
        small = np.array([ratio(int(g), int(r) + top + common) for g, r in zip(pull, rows, strict=True)])
        move = [scaled(v, common) for v in factor.solve(small).tolist()]
        omega = omega + np.array(move, dtype=object)
        if all(abs(m) <= max(abs(int(o)) >> 70, 1) for m, o in zip(move, omega, strict=True)):
            break
    return np.array([0 if abs(int(o)) >> (PLACES - _NEGLIGIBLE) == 0 else o for o in omega], dtype=object), step
