"""The factored curvature of normal equations: in float64 unless its pivots may be rounding, else in integers."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

import numpy as np

from regress.blocks import Array
from regress.numerics import lazy_scipy
from regress.numerics.integers import Integers, magnitude, quotients, scaled
from regress.solvers.exact.integer_ldl import SingularError, fixed_factors
from regress.solvers.exact.normal_equations import NormalEquations

MOST_COLUMNS = 300  # that are factored in integers: n³ operations of a tenth of a microsecond


class Factor(Protocol):
    """A factored Gram matrix, scaled to a diagonal near 1."""

    def step(self, pull: Integers, exponent: Integers) -> Integers:
        """Solve for the right-hand side (n,) pull · 2^−exponent, to the digits of its largest entry, rounded down."""
        ...

    def inverse(self) -> Array:
        """Return the inverse (n, n)."""
        ...


class DoubleFactor:
    """By Cholesky in float64."""

    def __init__(self, gram: Array) -> None:
        self._diagonal = np.sqrt(np.diagonal(gram))
        if not self._diagonal.all():
            raise SingularError
        try:
            scaled = gram / self._diagonal / self._diagonal[:, None]
            lower = lazy_scipy.cholesky(scaled, lower=True, check_finite=False)
        except lazy_scipy.LinAlgError:
            raise SingularError from None
        size = float(np.abs(scaled).sum(0).max(initial=0.0))
        reciprocal = float(lazy_scipy.lapack.dpocon(lower, size, uplo="L")[0]) if len(gram) else 1.0
        if not reciprocal > (len(gram) + 32) * np.finfo(np.float64).eps:
            raise SingularError  # the matrix may be singular but for rounding
        self._lower = lower

    def step(self, pull: Integers, exponent: Integers) -> Integers:
        """Solve for the right-hand side (n,) pull · 2^−exponent, to the digits of its largest entry, rounded down."""
        common = magnitude(pull, exponent)  # so that the largest is about 1
        right = quotients(pull, exponent + common) / self._diagonal
        solved = lazy_scipy.cho_solve((self._lower, True), right, check_finite=False) / self._diagonal
        return scaled(solved.tolist(), common)

    def inverse(self) -> Array:
        """Return the inverse, to the digits that its condition number allows."""
        d = np.diag(1.0 / self._diagonal)
        return np.asarray(d @ lazy_scipy.cho_solve((self._lower, True), d, check_finite=False))


def factors(equations: NormalEquations, few: int = 0) -> Iterator[Factor]:
    """Factor the scaled Gram matrix with more bits each time: in float64, then in integers.

    Float64 is used only if its pivots are above rounding and there are more than `few` columns. Integers are used for
    up to `MOST_COLUMNS` columns.
    """
    if equations.n > few:
        with suppress(SingularError):
            yield DoubleFactor(equations.double_gram)
    if equations.n <= MOST_COLUMNS:
        yield from fixed_factors(equations.scaled_gram)
