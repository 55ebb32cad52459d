"""The curvature ∇²L = 2 [X 1]ᵀ[X 1] + 2 diag(penalty): how steep the loss is, and its (pseudo-)inverse.

Where columns depend on each other, the minimizers form a plane. `solve` then moves only within the row space of the
centered columns in the user's units. So a descent from w = 0 ends at the minimum-norm solution.
"""

from functools import cached_property
from math import inf
from typing import Protocol

import numpy as np

from regress.blocks import Array
from regress.numerics import lazy_scipy
from regress.objective.losses import MomentForm

FloatType = type[np.float32] | type[np.float64]


def noise(n: int, precision: FloatType = np.float64) -> float:
    """Eigenvalues of n scaled columns below this are rounding of co-moments, which reaches 8 ulps on sums of columns.

    It does not grow with the number of rows.
    """
    return (n + 32) * float(np.finfo(precision).eps)


class Curvature(Protocol):
    """What optimizers and step sizes need to know of ∇²L."""

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2, and the w part (n,) of its direction."""
        ...

    @property
    def rank(self) -> int | None:
        """Rank of the (centered, if b is fitted) columns, decided after scaling them; None if unknown."""
        ...

    @property
    def condition(self) -> float:
        """Condition number of ∇²L in scaled columns, κ² of the columns themselves: an estimate from above."""
        ...

    @property
    def plain_condition(self) -> float:
        """The same without the penalty."""
        ...

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient."""
        ...

    def least_norm(self, w: Array) -> Array | None:
        """Return, of all w (in the user's units) with the same predictions up to a constant, the one of least ‖w‖.

        None where the rank is unknown.
        """
        ...


class PrimalCurvature:
    """The curvature through the n×n moments.

    Parameters
    ----------
    form : MomentForm
        The moments in the coordinates of the descent.
    penalty, scale : arrays of shape (n,)
        α in these coordinates, and how many user's units one unit of each column is.
    fit_intercept : bool
        Whether b moves.
    precision : type
        Of the moments' products; decides which eigenvalues are noise.
    """

    def __init__(
        self,
        form: MomentForm,
        penalty: Array,
        scale: Array,
        fit_intercept: bool,
        precision: FloatType = np.float64,
    ) -> None:
        self._form, self._penalty, self._scale, self._fit_intercept = form, penalty, scale, fit_intercept
        self._precision = precision
        # Without b the columns are not centered: Σ a x xᵀ = G + W δδᵀ.
        self._gram = form.gram if fit_intercept else form.gram + form.weight * np.outer(form.mean, form.mean)

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2 and its direction, by the symmetric eigenvalue problem of size n + 1."""
        form, n = self._form, len(self._gram)
        if not self._fit_intercept:
            full = self._gram + np.diag(self._penalty)
        else:
            full = np.empty((n + 1, n + 1))
            full[:n, :n] = form.gram + form.weight * np.outer(form.mean, form.mean) + np.diag(self._penalty)
            full[:n, n] = full[n, :n] = form.weight * form.mean
            full[n, n] = form.weight
        size = len(full)
        values, vectors = lazy_scipy.eigh(full, subset_by_index=[size - 1, size - 1], check_finite=False)
        return float(values[0]), vectors[:n, 0]

    @property
    def rank(self) -> int:
        """Numerical rank of the scaled columns, whatever the penalty."""
        return self._plain.rank

    @property
    def plain_condition(self) -> float:
        """Of the scaled Gram matrix without the penalty."""
        return self._plain.condition

    @cached_property
    def _plain(self) -> "_Factor":
        return _factor(self._gram, self._scale, self._precision) if self._penalty.any() else self._factor

    @property
    def condition(self) -> float:
        """Of the penalized, scaled Gram matrix in the 1-norm; infinite where columns depend on each other."""
        return self._factor.condition

    @cached_property
    def _factor(self) -> "_Factor":
        gram = self._gram + np.diag(self._penalty) if self._penalty.any() else self._gram
        return _factor(gram, self._scale, self._precision)

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient: in w and b̄ = b + δᵀw the curvature is 2 diag(G + penalty, W)."""
        if not self._fit_intercept:
            return self._factor.solve(grad_w / 2.0), 0.0
        step_w = self._factor.solve((grad_w - self._form.mean * grad_b) / 2.0)
        return step_w, grad_b / (2.0 * self._form.weight) - float(self._form.mean @ step_w)

    def least_norm(self, w: Array) -> Array:
        """Take away what w has in the null space of the centered columns."""
        return self._factor.least_norm(w)


class _Factor:
    """A positive semi-definite matrix, scaled to unit diagonal and factored: Cholesky."""

    def __init__(self, lower: Array, diagonal: Array, size: float) -> None:
        self.rank = len(lower)
        self._lower, self._diagonal, self._size = lower, diagonal, size

    @cached_property
    def condition(self) -> float:
        """1-norm condition number, from the factor (LAPACK's dpocon)."""
        if not self.rank:
            return 1.0
        reciprocal, _ = lazy_scipy.lapack.dpocon(self._lower, self._size, uplo="L")
        return 1.0 / float(reciprocal) if reciprocal else inf

    def solve(self, right: Array) -> Array:
        d = self._diagonal
        solution: Array = lazy_scipy.cho_solve((self._lower, True), right / d, check_finite=False) / d
        return solution

    def least_norm(self, w: Array) -> Array:
        return w


class _DependentFactor(_Factor):
    """The same where columns depend on each other: by eigenvectors, the answer of least ‖w‖ in the user's units."""

    condition = float("inf")

    def __init__(self, scaled: Array, diagonal: Array, scale: Array, noise: float) -> None:
        values, vectors = lazy_scipy.eigh(scaled, check_finite=False)
        kept = values > noise
        self.rank = int(kept.sum())
        self._values, self._vectors = values[kept], vectors[:, kept]
        self._diagonal, self._scale = diagonal, scale
        free = vectors[:, ~kept] / diagonal[:, None] / scale[:, None]  # the plane of minimizers, in the user's units
        self._free = lazy_scipy.qr(free, mode="economic", check_finite=False)[0]

    def solve(self, right: Array) -> Array:
        u = self._vectors.T @ (right / self._diagonal)
        return self.least_norm(self._vectors @ (u / self._values) / self._diagonal / self._scale) * self._scale

    def least_norm(self, w: Array) -> Array:
        return np.asarray(w - self._free @ (self._free.T @ w))


def _factor(gram: Array, scale: Array, precision: FloatType = np.float64) -> _Factor:
    diagonal = np.sqrt(np.diagonal(gram))
    diagonal = np.where(diagonal > 0, diagonal, 1.0)  # a constant column: a zero row, left to the eigenvectors
    with np.errstate(over="ignore", invalid="ignore"):  # a penalty may be beyond the range: then nothing is found
        scaled = gram / diagonal / diagonal[:, None]
    floor = noise(len(gram), precision)
    try:
        lower = lazy_scipy.cholesky(scaled, lower=True, check_finite=False)
    except lazy_scipy.LinAlgError:
        return _DependentFactor(scaled, diagonal, scale, floor)
    if np.diagonal(lower).min(initial=1.0) ** 2 <= floor:
        return _DependentFactor(scaled, diagonal, scale, floor)
    return _Factor(lower, diagonal, float(np.abs(scaled).sum(0).max(initial=0.0)))
