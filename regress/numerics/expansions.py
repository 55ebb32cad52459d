"""Products of doubles without rounding, as unevaluated sums of doubles of falling size (Dekker 1971; Shewchuk 1997)."""

from collections.abc import Mapping

import numpy as np

from regress.blocks import Array
from regress.numerics.error_free import two_product, two_sum

_LARGEST, _LEAST = 2.0**900, 2.0**-340  # sizes of a product whose parts are exact
LONGEST = 10  # factors of a product that is not rounded
_ROWS = 4096  # at a time, so that they stay in the cache


def powers(columns: Mapping[str, Array], exponents: Mapping[str, int], *, lower: bool = True) -> list[Array]:
    """Return the product of powers of columns (m,) in parts: the nearest double, and what it lacks unless not `lower`.

    Each cell depends on its own row alone. Lower parts are zero beyond the range in which they
    are exact, and there are none of more than ten factors.

    Examples
    --------
    >>> import numpy as np
    >>> high, low = powers({"x": np.array([0.1])}, {"x": 2})
    >>> from fractions import Fraction
    >>> Fraction(float(high[0])) + Fraction(float(low[0])) == Fraction(0.1) ** 2
    True
    """
    factors = [columns[name] for name, exponent in exponents.items() for _ in range(exponent)]
    if len(factors) == 1:
        return factors
    rows = len(factors[0])
    if len(factors) > LONGEST or (len(factors) == 2 and not lower):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return [np.multiply.reduce(factors)]
    parts = np.empty((len(factors), rows))
    for i in range(0, rows, _ROWS):
        parts[:, i : i + _ROWS] = _product([np.ascontiguousarray(factor[i : i + _ROWS]) for factor in factors])
    return list(parts) if lower else [parts[0]]


def _product(factors: list[Array]) -> list[Array]:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        parts = [factors[0]]
        for factor in factors[1:]:
            parts = _times(parts, factor)
        if len(parts) > 1:
            size = np.abs(parts[0])
            if not (size.max(initial=0.0) < _LARGEST and size.min(initial=1.0) > _LEAST):
                sure = (size < _LARGEST) & (size > _LEAST)
                parts[1:] = [np.where(sure, part, 0.0) for part in parts[1:]]
    return parts


def _times(parts: list[Array], factor: Array) -> list[Array]:
    """Return parts · factor, one part more: each is the nearest double of what those before it lack.

    So each begins at least 54 bits below the one before, and there are as many as the product has factors, or fewer.
    """
    pairs = [two_product(part, factor) for part in parts]
    products = [pairs[0][0]]
    for k in range(1, len(pairs)):
        products += [pairs[k][0], pairs[k - 1][1]]
    products.append(pairs[-1][1])
    for first in range(len(products) - 1 if len(parts) > 1 else 0):
        for _ in range(2):
            for k in range(len(products) - 2, first - 1, -1):
                products[k], products[k + 1] = two_sum(products[k], products[k + 1])
    return products[: len(parts) + 1]
