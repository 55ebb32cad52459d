"""The minimum of L to the last bit: Newton steps whose gradient comes from exact totals.

The curvature is factored in float64 or, if that fails, in integers. The gradient at a w held in integers is exact. Each
step then adds as many digits as the factor has, until the step is far below the last digit of a float64 (Wilkinson's
iterative refinement, with an exact residual). The intercept and other linear functions of w may cancel where w does
not, so the steps continue until these are known as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from regress.aggregates.totals import Totals
from regress.blocks import Array, Mask
from regress.numerics.integers import Integers, fractions, nearest_doubles, power, rounded
from regress.solvers.exact.collinearity import Dependence, find_dependence, suspicious
from regress.solvers.exact.factors import MOST_COLUMNS, DoubleFactor, Factor, factors
from regress.solvers.exact.integer_ldl import SingularError
from regress.solvers.exact.modular_arithmetic import residues, solutions
from regress.solvers.exact.normal_equations import PLACES, NormalEquations

_STEPS = 60  # for `PLACES` bits: five digits a step take sixteen
_MOST_BITS = 1000  # that are looked at to tell how a number near the middle of two doubles is rounded
_BITS = 70  # of a coefficient: a double's, and 17 that decide how it is rounded
_LEAST = 200  # bits of coefficients that cancel on the way to the least norm
_NEGLIGIBLE = 160  # an intercept of dependent columns below 2^-160 of its scale is 0


@dataclass(frozen=True, eq=False)
class Minimum:
    """The exact minimizer of L; for dependent columns, the one of minimum norm ‖w‖ in the user's units.

    Attributes
    ----------
    equations : NormalEquations
        Of all columns, penalized.
    omega : array of Python integers of shape (n,)
        w in the units of the equations.
    b : Fraction
        The intercept.
    steps : int
        Newton steps taken.
    dependence : Dependence
        The dependencies of the columns.
    """

    equations: NormalEquations
    omega: Integers
    b: Fraction
    steps: int
    dependence: Dependence

    @cached_property
    def exact(self) -> list[Fraction]:
        """The coefficients (n,), to 2^-70 of each at least."""
        return self.equations.fractions(self.omega)

    @cached_property
    def w(self) -> Array:
        """The coefficients (n,), each rounded once."""
        return nearest_doubles(self.exact)

    @cached_property
    def least(self) -> Fraction:
        """L at the minimum: exactly 0 if it is 0, else to the places of ω."""
        equations = self.equations
        loss = equations.loss(self.omega)
        if loss > power(-_NEGLIGIBLE) * equations.uncentered_square or equations.n > MOST_COLUMNS:
            return loss
        return Fraction(0) if _vanishes(equations.take(self.dependence.independent)) else loss

    def loss(self, w: Array) -> float:
        """Return Σa(ŷ − y)² + α‖w‖² at any w (n,), with b at its best, rounded once."""
        equations = self.equations
        return max(rounded(equations.loss(equations.whole([Fraction(v) for v in w.tolist()]))), 0.0)

    @property
    def rank(self) -> int:
        """Independent columns."""
        return self.equations.n - len(self.dependence.relations)


def minimize(
    totals: Totals,
    targets: int,
    target: int,
    alpha: float,
    fit_intercept: bool,
    *,
    review: Callable[[NormalEquations, Dependence], Dependence] = lambda _, found: found,
) -> Minimum:
    """Minimize Σa(ŷ − y)² + α‖w‖² from the totals of [1, x, y].

    Parameters
    ----------
    totals : Totals
        Of one, n columns and `targets` targets, in this order.
    targets, target : int
        The number of targets, and the index of the one to fit.
    alpha : float
        Ridge penalty.
    fit_intercept : bool
        Whether b is fitted.
    review : callable, optional
        Called with the equations without penalty and the dependence of their columns, which it may refuse or change.

    Raises
    ------
    SingularError
        If integers would be needed for more than `MOST_COLUMNS` columns.
    """
    equations = NormalEquations(totals, targets, target, alpha, fit_intercept)
    plain = equations.plain
    dependence = review(plain, _dependence(plain))
    if not dependence.relations or (alpha and not dependence.drop):
        found = solve(equations, intercept_of(equations))
        b = found.outputs[0] / equations.first_weight if fit_intercept else Fraction(0)
        return Minimum(found.equations, found.omega, b, found.steps, dependence)
    independent = equations.take(dependence.independent)
    found = solve(independent, nothing_else(independent), bits=_LEAST)
    least = dependence.least_norm(found.equations.fractions(found.omega))
    equations = equations.finer(max(found.equations.places, *equations.places_for(least)))
    b = -equations.level(least, Fraction(0)) if fit_intercept else Fraction(0)
    negligible = b**2 * equations.weight < power(-2 * _NEGLIGIBLE) * equations.uncentered_square
    return Minimum(equations, equations.whole(least), Fraction(0) if negligible else b, found.steps, dependence)


def _dependence(equations: NormalEquations) -> Dependence:
    """Look for dependent columns, in exact arithmetic only if float64 cannot exclude them."""
    try:
        inverse = DoubleFactor(equations.double_gram).inverse()
    except SingularError:
        pass
    else:
        if not suspicious(equations, inverse):
            inflation = np.diagonal(inverse) * np.diagonal(equations.double_gram)
            return Dependence(tuple(range(equations.n)), (), (), inflation)
    if equations.n > MOST_COLUMNS:
        raise SingularError
    return find_dependence(equations)


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """The outputs to compute to the last bit: w (if `own`), and constant[k] · 2^at + Σⱼ matrix[k, j] · 2^unit[j] · wⱼ.

    The last of these is then divided by `divisor`, which decides how it is rounded.
    """

    matrix: Integers
    unit: Sequence[int]
    constant: Integers
    at: int
    divisor: int = 1
    own: bool = True

    def over(self, equations: NormalEquations) -> tuple[Integers, Integers, int]:
        """Return `matrix` and `constant` for ω in place of w, in units of 2^low, and low."""
        exponents = np.array(self.unit, dtype=object) + equations.exponent
        low = min([self.at, *exponents])
        return self.matrix << (exponents - low), self.constant << (self.at - low), low

    def zero(self, equations: NormalEquations) -> Mask:
        """Return which of them are 0 at the minimum."""
        n, unit = equations.n, [int(u) for u in equations.unit]
        found: Mask = np.ones(n * self.own + len(self.matrix), dtype=bool)
        pairs = solutions(equations.matrix[:n, :n], equations.matrix[:n, n])
        if not pairs:
            raise SingularError
        for prime, v in pairs:  # wⱼ = vⱼ · 2^(unit[n] − unit[j])
            w = [
                int(x) * pow(2, u - unit[j] + unit[n], prime) for j, (x, u) in enumerate(zip(v, self.unit, strict=True))
            ]
            moved = self.matrix @ np.array(w, dtype=object) + self.constant * pow(2, self.at, prime)
            found &= np.concatenate([v[: n * self.own] == 0, residues(moved, prime) == 0])
        return found


def _vanishes(equations: NormalEquations) -> bool:
    """Return whether L = s − cᵀw is 0 at the minimum."""
    n, matrix = equations.n, equations.matrix
    left = [
        (int(matrix[n, n]) - int(matrix[n, :n] @ v.astype(object))) % prime
        for prime, v in solutions(matrix[:n, :n], matrix[:n, n])
    ]
    return bool(left) and not any(left)


def nothing_else(equations: NormalEquations) -> Outputs:
    """Return outputs for w only."""
    nothing: Integers = np.zeros(0, dtype=object)
    return Outputs(nothing.reshape(0, equations.n), [0] * equations.n, nothing, 0)


def intercept_of(equations: NormalEquations) -> Outputs:
    """Return outputs for w and, if it is fitted, b = ȳ − x̄ᵀw, times Σa."""
    if not equations.fit_intercept:
        return nothing_else(equations)
    first, unit = equations.first, equations.first_unit.tolist()
    return Outputs(-first[None, :-1], unit[:-1], first[-1:], unit[-1], equations.first_weight.numerator)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """ω, the equations in whose units it is, the outputs, and the number of Newton steps."""

    equations: NormalEquations
    omega: Integers
    outputs: list[Fraction]
    steps: int


def solve(equations: NormalEquations, wanted: Outputs, bits: int = _BITS) -> Solution:
    """Return ω at the minimum, so accurate that the outputs are correct to `bits` bits, and exactly 0 if they are 0.

    With more than `MOST_COLUMNS` columns, an output below 2^-180 of its scale counts as 0.

    Raises
    ------
    SingularError
        If steps in integers do not converge, or would be needed for more than `MOST_COLUMNS` columns.
    """
    omega, steps = np.zeros(equations.n, dtype=object), 0
    for factor in factors(equations):
        while (done := _refine(equations, wanted, factor, omega, bits)) is not None:
            omega, values, taken, loose = done
            steps += taken
            if not loose.any() or equations.n > MOST_COLUMNS or not (loose & ~wanted.zero(equations)).any():
                values[loose] = 0
                if bits < _MOST_BITS and _tied(values, wanted, bits) and equations.pull(omega).any():
                    bits *= 2
                    continue
                omega = values[: equations.n] if wanted.own else omega
                low = wanted.over(equations)[2]
                others = values[equations.n * wanted.own :]
                outputs = fractions(others, [low] * len(others))
                return Solution(equations, omega, outputs, steps)
            omega, equations = omega << equations.places, equations.finer(2 * equations.places)
    raise SingularError


def _tied(values: Integers, wanted: Outputs, bits: int) -> bool:
    """Return whether `bits` bits of a number do not decide which of two float64 values is the nearest."""
    for i, value in enumerate(values):
        last = i == len(values) - 1 and len(wanted.matrix)
        number = abs(int(value)) if not last else (abs(int(value)) << bits) // wanted.divisor
        size = number.bit_length()
        if size > 54 and abs(number % (1 << size - 53) - (1 << size - 54)) <= 1 << max(size - bits + 2, 0):
            return True
    return False


def _refine(
    equations: NormalEquations, wanted: Outputs, factor: Factor, omega: Integers, bits: int
) -> tuple[Integers, Integers, int, Mask] | None:
    """Take Newton steps until they change no output by its last bit; None if they do not converge.

    Returns ω, the outputs, the steps, and which outputs are so small that their bits are beyond the last place of ω.
    """
    rows = equations.half_bits[: equations.n]
    rows = rows + max(rows, default=0)
    matrix, constant, _ = wanted.over(equations)
    own, size = equations.n * wanted.own, np.abs(matrix)
    least = np.concatenate([[1] * own, size.sum(1)])  # what the last place of ω moves
    for step in range(1, _STEPS * equations.places // PLACES + 1):
        pull = equations.pull(omega)  # −∇L/2, exact
        move = factor.step(pull, rows)
        omega = omega + move
        values = np.concatenate([omega[:own], constant + matrix @ omega])
        held = np.abs(values) >> bits
        moved = np.concatenate([np.abs(move[:own]), size @ np.abs(move)])
        if (moved <= np.maximum(held, least)).all():
            return omega, values, step, held < least
    return None
