"""Whether terms of several columns matter: the F test that all of a term's coefficients are 0, as Wald's.

F = wᵀV⁻¹w/q for the coefficients w of a term, their covariance V and its rank q. With V = D R D for standard errors D,
it is computed from the eigenvalues of R.
"""

from collections.abc import Iterator, Sequence
from math import inf, nan
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Mask
from regress.records import known
from regress.term_records import TermTest

_ROUNDING = 2.0**-52
_KNOWN = 1e-3  # of F that its rounding may be


class Estimates(NamedTuple):
    """Coefficients (n,), their covariance (n, n), which of them can be estimated, and degrees of freedom of t."""

    w: Array
    covariance: Array | None
    estimable: Mask
    df: float


def term_tests(labels: Sequence[str], found: Estimates) -> tuple[TermTest, ...]:
    """Test the terms that have several columns, given the term of each.

    There is no test where nothing is known of variances, or where dependent columns share the coefficients.
    """
    return () if found.covariance is None else tuple(_tests(labels, found.covariance, found))


def _tests(labels: Sequence[str], covariance: Array, found: Estimates) -> Iterator[TermTest]:
    places: dict[str, list[int]] = {}
    for j, label in enumerate(labels):
        places.setdefault(label, []).append(j)
    for label, columns in places.items():
        at = [j for j in columns if found.estimable[j]]
        if len(columns) > 1 and at and not found.w[[j for j in columns if j not in at]].any():
            f = wald(found.w[at], covariance[np.ix_(at, at)])
            yield TermTest(label, len(at), known(f), known(tail(f, len(at), found.df)))


def wald(w: Array, V: Array) -> float:
    """Return wᵀV⁻¹w/q for q coefficients; NaN where it is lost to rounding, or a variance is 0."""
    variances = np.diagonal(V)
    if not (np.isfinite(variances).all() and (variances > 0).all()):
        return nan
    errors = np.sqrt(variances)
    values, vectors = np.linalg.eigh(V / errors / errors[:, None])
    if not _ROUNDING * len(w) * values[-1] <= _KNOWN * values[0]:
        return nan
    with np.errstate(over="ignore"):
        return float(((w / errors @ vectors) ** 2 / values).sum() / len(w))


def tail(f: float, q: int, df: float) -> float:
    """Return the probability of a larger F with q and df degrees of freedom; that of χ²/q where df is infinite."""
    from scipy import special

    return float(special.chdtrc(q, q * f) if df == inf else special.fdtrc(q, df, f))
