"""Least squares to the nearest float64: Newton steps whose gradient comes from exact totals.

The factor of the curvature is an ordinary one in double (or, where that fails, in whole numbers of 192 bits); the
gradient 2(Gw − c) at a w held in whole numbers is exact. Each step then adds as many digits as the factor has, until
the step is far below the last digit of a double (Wilkinson's iterative refinement, with an exact residual).
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import linalg

from regress.numerics.exact import Integers, Totals
from regress.numerics.twofold import Array

_FRACTION = 256  # bits of a scaled coefficient below its scale: far below the 2^-100 that counts as zero
_FIXED = 192  # bits of the factor in whole numbers
_STEPS = 60
_NEGLIGIBLE = 100  # a coefficient below 2^-100 of its scale is 0

Solve = Callable[[Array], Array]


class DependentColumnsError(Exception):
    """The columns depend on each other, so that no single answer is the nearest."""


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """The minimiser, each number rounded once.

    Attributes
    ----------
    w : array of shape (n,)
        Coefficients.
    b, b_center : float
        The intercept, and the prediction at `center`.
    loss : float
        Σa(ŷ − y)² + α‖w‖² there.
    steps : int
        Newton steps taken.
    """

    w: Array
    b: float
    b_center: float
    loss: float
    steps: int


def refine(totals: Totals, targets: int, target: int, alpha: float, fit_intercept: bool, center: Array) -> Refined:
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
    center : array of shape (n,)
        Where to give the prediction as well.

    Raises
    ------
    DependentColumnsError
        If the columns depend on each other as far as the rounding of the stored values can tell.
    """
    n = len(totals.unit) - 1 - targets
    kept = [*range(1, n + 1), 1 + n + target]
    system = _system(totals, kept, alpha, fit_intercept)
    w, steps = _solve(system, n, totals.ulps[1 : n + 1])
    exact = [Fraction(int(v)) * Fraction(2) ** int(e) for v, e in zip(w, _exponents(system, n), strict=True)]
    ones = totals.fraction(0, 0)
    means = [totals.fraction(0, j) / ones for j in kept]
    b = means[n] - sum(v * m for v, m in zip(exact, means[:n], strict=True)) if fit_intercept else Fraction(0)
    at_center = b + sum(v * Fraction(c) for v, c in zip(exact, center.tolist(), strict=True))
    # L = yy − 2cᵀw + wᵀ(G + α)w: the quadratic at the minimiser, where (G + α)w = c up to the last step
    scale = Fraction(2) ** int(2 * system.unit[n]) / system.factor
    square = Fraction(int(system.matrix[n, n]))
    cross = sum(
        (Fraction(int(c)) * v for c, v in zip(system.matrix[:n, n], _relative(system, w, n), strict=True)), Fraction(0)
    )
    loss = (square - cross) * scale
    return Refined(np.array([float(v) for v in exact]), float(b), float(at_center), max(float(loss), 0.0), steps)


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """[G c; cᵀ s] as whole numbers: entry (i, j) is matrix · 2^(unit[i] + unit[j]) / factor."""

    matrix: Integers
    unit: np.ndarray[tuple[int], np.dtype[np.int64]]
    factor: Fraction


def _system(totals: Totals, kept: list[int], alpha: float, fit_intercept: bool) -> _System:
    value, unit = totals.value[np.ix_(kept, kept)], totals.unit[kept]
    factor = Fraction(1)
    if fit_intercept:  # Σa · Σa z zᵀ − Σa z · Σa zᵀ: centred once, in whole numbers
        first = totals.value[0, kept]
        value = totals.value[0, 0] * value - np.outer(first, first)
        factor = Fraction(int(totals.value[0, 0]))
    if alpha:
        numerator, denominator = (Fraction(alpha) * factor).as_integer_ratio()
        exponent = [1 - denominator.bit_length() - 2 * int(u) for u in unit[:-1]]
        lift = max(0, -min(exponent))
        value = value << lift
        for j, e in enumerate(exponent):
            value[j, j] += numerator << (e + lift)
        factor *= 2**lift
    return _System(value, unit, factor)


def _half_bits(system: _System) -> Integers:
    """Return h with matrix[j, j] about 2^(2h[j]): scales of the columns, as exponents."""
    return np.array([int(d).bit_length() // 2 for d in np.diagonal(system.matrix)], dtype=object)


def _exponents(system: _System, n: int) -> list[int]:
    """Return e with w[j] = ω[j] · 2^e[j] for the whole numbers ω that are solved for."""
    h = _half_bits(system)
    return [int(h[n] - h[j] - _FRACTION + system.unit[n] - system.unit[j]) for j in range(n)]


def _relative(system: _System, omega: Integers, n: int) -> list[Fraction]:
    h = _half_bits(system)
    return [Fraction(int(o)) * Fraction(2) ** int(h[n] - h[j] - _FRACTION) for j, o in enumerate(omega)]


def _solve(system: _System, n: int, ulps: Array) -> tuple[Integers, int]:
    """Return ω, and the steps it took."""
    h = _half_bits(system)
    gram, cross = system.matrix[:n, :n], system.matrix[:n, n]
    rows, level, top = h[:n], int(h[n]), int(max(h[:n], default=0))
    solve, sure = _factor(gram, rows)
    if not sure:
        # in the units of the scaled columns, whose squares are matrix / factor · 2^(2 unit)
        exponent = np.array([-int(r + u) for r, u in zip(rows, system.unit[:n], strict=True)])
        _refuse_dependent(solve, np.ldexp(ulps, exponent) ** 2 * float(system.factor))
    columns = gram << (top - rows)
    right = cross << (_FRACTION + top - level) if _FRACTION + top >= level else cross >> (level - top - _FRACTION)
    omega: Integers = np.zeros(n, dtype=object)
    for step in range(1, _STEPS + 1):
        gradient = right - columns @ omega  # −∇L/2, exact, in units of 2^(level − top − 256)
        size = max((abs(int(g)).bit_length() for g in gradient), default=0)
        if size == 0:
            return omega, step
        # as doubles relative to the rows' scales, with a common exponent so that none under- or overflows
        common = max(int(abs(int(g)).bit_length() - r - top) for g, r in zip(gradient, rows, strict=True))
        small = np.array([_ratio(int(g), int(r) + top + common) for g, r in zip(gradient, rows, strict=True)])
        move = [_scaled(v, common) for v in solve(small).tolist()]
        omega = omega + np.array(move, dtype=object)
        if all(abs(m) <= max(abs(int(o)) >> 70, 1) for m, o in zip(move, omega, strict=True)):
            break
    return np.array([0 if abs(int(o)) >> (_FRACTION - _NEGLIGIBLE) == 0 else o for o in omega], dtype=object), step


def _ratio(number: int, exponent: int) -> float:
    """Return number · 2^−exponent."""
    extra = number.bit_length() - 64
    return float(np.ldexp(float(number >> extra if extra > 0 else number), max(extra, 0) - exponent))


def _scaled(value: float, exponent: int) -> int:
    """Return value · 2^exponent as a whole number."""
    numerator, denominator = value.as_integer_ratio()
    shift = exponent - denominator.bit_length() + 1
    return numerator << shift if shift >= 0 else numerator >> -shift


def _refuse_dependent(solve: Solve, ulps: Array) -> None:
    """Raise where a column is a combination of the others to within ten times the rounding of the stored values.

    With H the inverse of the scaled Gram matrix, column j leaves the residual 1/√Hⱼⱼ on the others, with coefficients
    −Hₖⱼ/Hⱼⱼ; rounding alone leaves √(Σₖ wₖ² Σ ulp(xₖ)²/12). True combinations lie near that, Filip's powers 1e7 above.
    """
    n = len(ulps)
    for j in range(n):
        inverse = solve(np.eye(n)[j])
        w = inverse / inverse[j]
        if 1.0 / inverse[j] <= 100.0 * float(w**2 @ ulps) / 12.0:
            raise DependentColumnsError


def _factor(gram: Integers, rows: Integers) -> tuple[Solve, bool]:
    """Return how to solve with the scaled Gram matrix, and whether its columns are surely independent.

    By Cholesky in double, or, where its pivots may be rounding, in whole numbers of 192 bits.
    """
    n = len(gram)
    shift = rows[:, None] + rows
    scaled = ((gram << 64) >> shift).astype(np.float64) * 2.0**-64
    diagonal = np.sqrt(np.diagonal(scaled))
    if not diagonal.all():
        raise DependentColumnsError
    try:
        lower = linalg.cholesky(scaled / diagonal / diagonal[:, None], lower=True, check_finite=False)
        if np.diagonal(lower).min(initial=1.0) ** 2 > 4.0 * (n + 32) * np.finfo(np.float64).eps:

            def solve(right: Array) -> Array:
                return np.asarray(linalg.cho_solve((lower, True), right / diagonal, check_finite=False) / diagonal)

            return solve, True
    except linalg.LinAlgError:
        pass
    return _fixed_factor((gram << _FIXED) >> shift), False


def _fixed_factor(gram: Integers) -> Solve:
    """Factor LDLᵀ in whole numbers with 192 bits behind the point."""
    n, one = len(gram), 1 << _FIXED
    work, lower, pivots = gram.copy(), np.zeros((n, n), dtype=object), []
    for j in range(n):
        pivot = int(work[j, j])
        if pivot <= one >> (_FIXED - 32):  # 2^-160 of the diagonal
            raise DependentColumnsError
        pivots.append(pivot)
        column = (work[j + 1 :, j] << _FIXED) // pivot
        lower[j + 1 :, j] = column
        work[j + 1 :, j + 1 :] -= np.outer(column, work[j + 1 :, j]) >> _FIXED

    def solve(right: Array) -> Array:
        x = np.array([_scaled(v, _FIXED) for v in right.tolist()], dtype=object)
        for j in range(n):
            x[j + 1 :] -= (lower[j + 1 :, j] * x[j]) >> _FIXED
        x = np.array([(int(v) << _FIXED) // d for v, d in zip(x, pivots, strict=True)], dtype=object)
        for j in reversed(range(n)):
            x[:j] -= (lower[j, :j] * x[j]) >> _FIXED
        return np.array([_ratio(int(v), _FIXED) for v in x])

    return solve
