"""(∇²L/2)⁻¹ for statistics: from exact totals to the last digits, or from moments in float64."""

from dataclasses import dataclass

import numpy as np

from regress.aggregates.moments import Moments
from regress.blocks import Array, Mask
from regress.inference.preconditioned_inverse import BITS, Preconditioned, precondition
from regress.numerics import lazy_scipy
from regress.numerics.integers import nearest_doubles, rounded
from regress.solvers.exact.factors import DoubleFactor
from regress.solvers.exact.integer_ldl import FixedFactor, SingularError, fixed_factors
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.exact.refinement import Minimum

_FEW = 40  # columns that are inverted in whole numbers in milliseconds
_ROUNDING = 10.0  # times the noise of an equation: a term that is less is none
_NONE = 2.0**-60  # of the norm of a column: the same where values carry no rounding


@dataclass(frozen=True, slots=True, eq=False)
class Inverse:
    """What statistics need of (∇²L/2)⁻¹, of columns in units of their own so that no square is out of range.

    Attributes
    ----------
    matrix : array of shape (n, n)
        Its part for w: G⁻¹ of columns divided by `scale`, centered if b is fitted; of least norm, in the user's units,
        where columns depend on each other.
    scale : array of shape (n,)
        Powers of two, about the norms of the columns.
    of_center : float
        x̄ᵀG⁻¹x̄; of the independent columns where columns depend on each other.
    center : array of shape (n,)
        x̄, in the user's units.
    rank : int
        Independent columns.
    condition : float
        κ of the columns scaled to unit length.
    inflation : array of shape (n,)
        Variance inflation factors 1/(1 − R²) of each column on the others; infinite for dependent ones.
    estimable : array of bool of shape (n,)
        Coefficients that all minimizers share. A column that is constant or excluded has none.
    intercept_estimable : bool
        Whether all minimizers share the intercept.
    """

    matrix: Array
    scale: Array
    of_center: float
    center: Array
    rank: int
    condition: float
    inflation: Array
    estimable: Mask
    intercept_estimable: bool = True


def inverse_of_minimum(minimum: Minimum) -> Inverse:
    """Invert from exact totals without a penalty."""
    dependence, n = minimum.dependence, minimum.equations.n
    independent, (estimable, of_b) = list(dependence.independent), _estimable(minimum)
    equations = minimum.equations.take(independent)
    factor, gram, exponent = _factor(equations), equations.double_gram, equations.column_exponent
    scaled, size = factor.inverse(), np.sqrt(np.diagonal(gram))
    unit, inflation = scaled * size * size[:, None], np.full(n, np.inf)
    inflation[independent] = np.diagonal(unit)
    matrix, scale = scaled * float(equations.factor), minimum.equations.column_exponent
    if dependence.relations:
        inflation[[k for relation in dependence.relations for k in relation.coefficients]] = np.inf
        spread = np.ldexp(dependence.spread, scale[:, None] - exponent)
        spread[[r.column for r in dependence.relations if dependence.drop or not r.coefficients]] = 0.0
        matrix = spread @ matrix @ spread.T
    return Inverse(
        matrix=matrix,
        scale=np.ldexp(1.0, scale),
        of_center=rounded(factor.form(equations.means[:-1], exponent) * equations.factor),
        center=nearest_doubles(minimum.equations.means[:-1]),
        rank=equations.n,
        condition=_condition(gram / size / size[:, None], unit),
        inflation=inflation,
        estimable=estimable,
        intercept_estimable=of_b,
    )


def _factor(equations: NormalEquations) -> FixedFactor | Preconditioned:
    if equations.n > _FEW:
        try:
            return precondition(equations.scaled_gram(BITS))
        except SingularError:
            pass  # too ill-conditioned even for that
    return next(fixed_factors(equations.scaled_gram))


def _estimable(minimum: Minimum) -> tuple[Mask, bool]:
    """Tell which coefficients, and whether b, are the same at all minimizers: those that no equation speaks of."""
    dependence, equations = minimum.dependence, minimum.equations
    estimable: Mask = np.ones(equations.n, dtype=bool)
    estimable[[relation.column for relation in dependence.relations]] = False
    of_b, root = True, float(equations.weight) ** 0.5
    # Columns that are left out, or constant beside an intercept, leave the others to be estimated without them.
    for relation in () if dependence.drop else dependence.relations:
        terms = {k: abs(float(c)) for k, c in relation.coefficients.items()}
        ulps = np.array([equations.ulps[relation.column], *(c * equations.ulps[k] for k, c in terms.items())])
        noise = max(_ROUNDING * float(np.linalg.norm(ulps)) / 12**0.5, _NONE * equations.norms[relation.column])
        estimable[[k for k, c in terms.items() if c * equations.norms[k] > noise]] = False
        far = 1.0 + sum(root * abs(float(equations.means[k])) / equations.norms[k] for k in terms)
        of_b = of_b and not (terms and root * abs(float(relation.constant)) > noise * far)
    return estimable, of_b


def inverse_of_moments(moments: Moments, fit_intercept: bool) -> Inverse | None:
    """Invert in float64; None where its pivots are no more than rounding, so that the rank is unknown."""
    center, weight = moments.center, moments.weight
    gram = moments.xx if fit_intercept else moments.xx + weight * np.outer(center, center)
    size = np.sqrt(np.diagonal(gram))
    if not (size > 0).all():
        return None
    unit_gram = gram / size / size[:, None]
    try:
        unit = DoubleFactor(unit_gram).inverse()
    except SingularError:
        return None
    scale = np.ldexp(1.0, np.frexp(size)[1])
    matrix, apart = unit * (scale / size) * (scale / size)[:, None], center / scale
    return Inverse(
        matrix=matrix,
        scale=scale,
        of_center=float(apart @ matrix @ apart),
        center=center,
        rank=len(size),
        condition=_condition(unit_gram, unit),
        inflation=np.diagonal(unit).copy(),
        estimable=np.ones(len(size), dtype=bool),
    )


def _condition(gram: Array, inverse: Array) -> float:
    """Return κ of columns of unit length, from their products and the inverse of those."""
    if not len(gram):
        return 1.0
    largest = [float(lazy_scipy.eigvalsh(m, check_finite=False)[-1]) for m in (gram, inverse)]
    return float(np.sqrt(largest[0] * largest[1]))
