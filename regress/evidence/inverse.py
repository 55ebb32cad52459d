"""(∇²L/2)⁻¹ for statistics: from exact totals to the last digits, or from moments in double."""

from dataclasses import dataclass

import numpy as np

from regress.numerics import linalg
from regress.numerics.moments import Moments
from regress.numerics.twofold import Array
from regress.training.factors import DoubleFactor, best_factor
from regress.training.fixed import FixedFactor, SingularError
from regress.training.normal import rounded
from regress.training.refinement import Minimum

_FEW = 40  # columns that are inverted in whole numbers in milliseconds


@dataclass(frozen=True, slots=True, eq=False)
class Inverse:
    """What statistics need of (∇²L/2)⁻¹, in the user's units.

    Attributes
    ----------
    matrix : array of shape (n, n)
        Its part for w: G⁻¹, columns centred if b is fitted; of least norm where columns depend on each other.
    of_center : float
        x̄ᵀG⁻¹x̄.
    center : array of shape (n,)
        x̄.
    rank : int
        Independent columns.
    condition : float
        κ of the columns scaled to unit length.
    inflation : array of shape (n,)
        Variance inflation factors 1/(1 − R²) of each column on the others; infinite for dependent ones.
    """

    matrix: Array
    of_center: float
    center: Array
    rank: int
    condition: float
    inflation: Array


def inverse_of_minimum(minimum: Minimum) -> Inverse:
    """Invert from exact totals; the penalty is left out."""
    dependence, n = minimum.dependence, minimum.equations.n
    equations = minimum.equations.take(dependence.independent, alpha=0.0)
    factor = best_factor(equations, few=_FEW)
    scaled, gram = factor.inverse(), equations.double_gram
    scale, size = np.ldexp(1.0, -equations.column_exponent), np.sqrt(np.diagonal(gram))
    matrix = scaled * scale * scale[:, None] * float(equations.factor)
    if dependence.relations:
        matrix = dependence.spread @ matrix @ dependence.spread.T
    center = np.array([float(m) for m in minimum.equations.means[:-1]])
    of_center = float(center @ matrix @ center)
    if isinstance(factor, FixedFactor) and not dependence.relations:  # which cancels where columns are far from zero
        of_center = rounded(factor.form(equations.means[:-1], equations.column_exponent) * equations.factor)
    unit, inflation = scaled * size * size[:, None], np.full(n, np.inf)
    inflation[list(dependence.independent)] = np.diagonal(unit)
    inflation[[k for relation in dependence.relations for k in relation.coefficients]] = np.inf
    condition = _condition(gram / size / size[:, None], unit)
    return Inverse(matrix, of_center, center, equations.n, condition, inflation)


def inverse_of_moments(moments: Moments, fit_intercept: bool) -> Inverse | None:
    """Invert in double; None where its pivots are no more than rounding, so that the rank is unknown."""
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
    matrix = unit / size / size[:, None]
    of_center, condition = float(center @ matrix @ center), _condition(unit_gram, unit)
    return Inverse(matrix, of_center, center, len(size), condition, np.diagonal(unit).copy())


def _condition(gram: Array, inverse: Array) -> float:
    """Return κ of columns of unit length, from their products and the inverse of those."""
    if not len(gram):
        return 1.0
    largest = [float(linalg.eigvalsh(m, check_finite=False)[-1]) for m in (gram, inverse)]
    return float(np.sqrt(largest[0] * largest[1]))
