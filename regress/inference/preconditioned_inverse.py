"""The inverse of an ill-conditioned Gram matrix G to the last digits of a double, by a few products of matrices.

Let G ≈ LLᵀ by Cholesky in float64, and R = L⁻ᵀ. However few digits L has, RᵀGR is near the identity if it is computed
without rounding. Then its own inverse M has nearly all digits, and G⁻¹ = R M Rᵀ (Rump 2009, *Inversion of extremely
ill-conditioned matrices in floating-point*). The products are exact in the way of exact totals: factors are cut into
slices of so few bits that sums of products fit in 53.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, log2
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.numerics import lazy_scipy
from regress.numerics.error_free import two_sum
from regress.numerics.integers import Exponents, Integers, power, rounded
from regress.solvers.exact.factors import DoubleFactor
from regress.solvers.exact.integer_ldl import SingularError

BITS = 104  # behind the point of the entries of G: two halves of 52
_SHIFTS = 0.0, 1.0, 16.0, 256.0  # times n · 2^-53, added to the diagonal until Cholesky succeeds
_LEAST_LEFT = 1e-4  # of a column of RᵀGR on the others: then M has eleven digits


class Preconditioned(NamedTuple):
    """G⁻¹ = R M Rᵀ."""

    right: Array
    middle: Array

    def inverse(self) -> Array:
        """Return G⁻¹ (n, n)."""
        matrix = self.right @ self.middle @ self.right.T
        return np.asarray((matrix + matrix.T) / 2.0)

    def form(self, vector: Sequence[Fraction], exponent: Exponents) -> Fraction:
        """Return vᵀG⁻¹v for v = vector · 2^(−exponent), of which Rᵀv may cancel."""
        v, n = [x / power(e) for x, e in zip(vector, exponent.tolist(), strict=True)], len(vector)
        size = max((abs(x) for x in v), default=Fraction(0)) or Fraction(1)
        high = np.array([rounded(x / size) for x in v])
        low = np.array([rounded(x / size - Fraction(h)) for x, h in zip(v, high.tolist(), strict=True)])
        turned, _ = _product([part.T for part in _cut(self.right, 2, n)], _cut(high[:, None], 4, n, low[:, None]))
        return Fraction(float(turned[:, 0] @ self.middle @ turned[:, 0])) * size**2


def precondition(gram: Integers) -> Preconditioned:
    """Take a Gram matrix with a diagonal near 1, in units of 2^-104.

    Raises
    ------
    SingularError
        If float64 is of no use, from a condition number of about 1e17 on.
    """
    n, half = len(gram), BITS // 2
    high = (gram >> half).astype(np.float64) * 2.0**-half
    low = (gram & ((1 << half) - 1)).astype(np.float64) * 2.0**-BITS
    slices, one = _cut(high, 5, n, low), np.eye(n)
    for shift in _SHIFTS:
        try:
            lower = lazy_scipy.cholesky(high + shift * n * 2.0**-53 * one, lower=True, check_finite=False)
            cut = _cut(lazy_scipy.solve_triangular(lower, one, lower=True, check_finite=False).T, 2, n)
            product = _product(slices, cut)
            near_one = _product([part.T for part in cut], _cut(product[0], 4, n, product[1]))[0]
            middle = DoubleFactor(near_one).inverse()
        except (lazy_scipy.LinAlgError, SingularError):
            continue
        if (np.diagonal(middle) * np.diagonal(near_one)).max() * _LEAST_LEFT <= 1.0:
            return Preconditioned(sum(cut[1:], cut[0]), middle)
    raise SingularError


def _cut(high: Array, count: int, n: int, low: Array | None = None) -> list[Array]:
    """Cut high + low into slices that sum to it, each of whole multiples of a unit of its column, for sums of n."""
    bits = (55 - ceil(log2(n))) // 2
    exponent, rest = np.frexp(np.abs(high).max(0))[1] + 1, high
    slices = []
    for k in range(1, count + 1):
        unit = np.ldexp(1.0, exponent - bits * k)
        part = np.rint(rest / unit) * unit
        rest = rest - part
        if k == 2 and low is not None:  # few enough bits are left to add it
            rest = rest + low
        slices.append(part)
    return slices


def _product(left: list[Array], right: list[Array]) -> tuple[Array, Array]:
    """Return the product of the sums of slices as a pair (high, low)."""
    high = low = np.zeros((len(left[0]), right[0].shape[1]))
    for a in reversed(left):
        for b in reversed(right):
            high, error = two_sum(high, a @ b)
            low = low + error
    return two_sum(high, low)
