"""The exact minimum of least ‖w‖ with at least as many columns as rows, through m×m products of rows.

With r = Xw + b − y the gradient vanishes where w = Xᵀq, Ar = −αq and 1ᵀq = 0. So (XXᵀ + αA⁻¹)q + b1 = y; the
differences of its rows to the last one are free of b, and positive definite where no row depends on others.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from regress.numerics.exact import exact_totals
from regress.numerics.moments import Block
from regress.numerics.totals import Integers, Totals
from regress.numerics.twofold import Array
from regress.training.normal import NormalEquations, power
from regress.training.refinement import solve

_DIGITS = 180  # bits of q that are right: those of small columns cancel in w = Xᵀq
_PLACES = 300  # bits of α/a behind the unit of XXᵀ


def minimise_wide(
    blocks: Sequence[Block], target: int, alpha: float, fit_intercept: bool
) -> tuple[list[Fraction], Fraction]:
    """Return w (n,) and b that minimise Σa(ŷ − y)² + α‖w‖²; without α, of the interpolants that of least ‖w‖.

    Raises
    ------
    SingularError
        If rows depend on each other.
    """
    X = np.concatenate([block.X for block in blocks])
    y = _whole(np.concatenate([block.Y[:, target] for block in blocks]))
    a = np.concatenate([np.ones(len(X)) if a is None else a for X, _, a in blocks])
    m = len(X)
    products = exact_totals([Block(np.ascontiguousarray(X.T), np.empty((X.shape[1], 0)))])
    unit = int(products.unit[1:].min())
    up = (products.unit[1:] - unit).astype(object)
    gram: Integers = (products.value[1:, 1:] << (up[:, None] + up)) << _PLACES  # in units of 2^(2 unit − 300)
    ridge = [round(Fraction(alpha) / Fraction(v) / power(2 * unit - _PLACES)) for v in a.tolist()]
    for i, v in enumerate(ridge):
        gram[i, i] += v
    right, exponent = y
    if fit_intercept:
        last = gram[:-1, -1]
        gram = gram[:-1, :-1] - last[:, None] - last + gram[-1, -1]
        right = right[:-1] - right[-1]
    q = _solve(gram, 2 * unit - _PLACES, right, exponent)
    q += [-sum(q, Fraction(0))] if fit_intercept else []
    rows, low = _whole(X)
    scale = max((abs(v) for v in q), default=Fraction(0)) or Fraction(1)
    w = [Fraction(int(v)) * scale * power(low - _PLACES) for v in _as_whole(q, scale) @ rows]
    if not fit_intercept:
        return w, Fraction(0)
    at_last = sum((v * Fraction(x) for v, x in zip(w, X[m - 1].tolist(), strict=True)), Fraction(0))
    return w, Fraction(int(y[0][-1])) * power(exponent) - Fraction(alpha) * q[-1] / Fraction(float(a[-1])) - at_last


def _as_whole(q: list[Fraction], scale: Fraction) -> Integers:
    return np.array([round(v / scale * power(_PLACES)) for v in q], dtype=object)


def _whole(values: Array) -> tuple[Integers, int]:
    """Return whole numbers and the exponent of their common unit."""
    mantissa, exponent = np.frexp(values)
    low = int(exponent.min(initial=0))
    return np.ldexp(mantissa, 53).astype(np.int64).astype(object) << (exponent - low).astype(object), low - 53


def _solve(gram: Integers, unit: int, right: Integers, exponent: int) -> list[Fraction]:
    """Solve gram · 2^unit · q = right · 2^exponent, as normal equations of their own."""
    n, right, exponent = len(gram), right << 2 * _PLACES, exponent - 2 * _PLACES
    totals = Totals(n + 2)
    totals.value[0, 0] = 1
    totals.value[1:-1, 1:-1], totals.value[1:-1, -1] = gram << (unit % 2), right
    pairs = zip(right, np.diagonal(gram), strict=True)
    totals.value[-1, -1] = (
        max((int(r) ** 2 // int(g) for r, g in pairs if g), default=0) + 1
    )  # sets the scale of q only
    totals.unit[1:-1], totals.unit[-1] = unit // 2, exponent - unit // 2
    equations = NormalEquations(totals, 1, 0, 0.0, fit_intercept=False)
    return equations.fractions(solve(equations, bits=_DIGITS)[0])
