"""The curvature ∇²L = 2 [X 1]ᵀ[X 1] + 2 diag(penalty): how steep the loss is, and its (pseudo-)inverse.

Where columns depend on each other the minimisers form a plane; `solve` then moves only within the row space of
the centred columns in the user's units, so that a descent from w = 0 ends at the minimiser of least ‖w‖.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import linalg

from regress.calculus.loss import MomentForm
from regress.errors import InputError
from regress.numerics.moments import Block
from regress.numerics.twofold import Array

Precision = type[np.float32] | type[np.float64]


def _noise(n: int, precision: Precision = np.float64) -> float:
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
    def rank(self) -> int:
        """Rank of the (centred, if b is fitted) columns, decided after scaling them to unit length."""
        ...

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient."""
        ...

    def least_norm(self, w: Array) -> Array:
        """Return, of all w (in the user's units) with the same predictions up to a constant, the one of least ‖w‖."""
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
        precision: Precision = np.float64,
    ) -> None:
        self._form, self._penalty, self._scale, self._fit_intercept = form, penalty, scale, fit_intercept
        self._precision = precision
        # Without b the columns are not centred: Σ a x xᵀ = G + W δδᵀ.
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
        values, vectors = linalg.eigh(full, subset_by_index=[size - 1, size - 1], check_finite=False)
        return float(values[0]), vectors[:n, 0]

    @cached_property
    def rank(self) -> int:
        """Numerical rank of the scaled columns, whatever the penalty."""
        if not self._penalty.any():
            return self._factor.rank
        return _factor(self._gram, self._scale, self._precision).rank

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
        """Take away what w has in the null space of the centred columns."""
        return self._factor.least_norm(w)


class _Factor:
    """A positive semi-definite matrix, scaled to unit diagonal and factored: Cholesky."""

    def __init__(self, lower: Array, diagonal: Array) -> None:
        self.rank = len(lower)
        self._lower, self._diagonal = lower, diagonal

    def solve(self, right: Array) -> Array:
        d = self._diagonal
        solution: Array = linalg.cho_solve((self._lower, True), right / d, check_finite=False) / d
        return solution

    def least_norm(self, w: Array) -> Array:
        return w


class _DependentFactor(_Factor):
    """The same where columns depend on each other: by eigenvectors, the answer of least ‖w‖ in the user's units."""

    def __init__(self, scaled: Array, diagonal: Array, scale: Array, noise: float) -> None:
        values, vectors = linalg.eigh(scaled, check_finite=False)
        kept = values > noise
        self.rank = int(kept.sum())
        self._values, self._vectors = values[kept], vectors[:, kept]
        self._diagonal, self._scale = diagonal, scale
        free = vectors[:, ~kept] / diagonal[:, None] / scale[:, None]  # the plane of minimisers, in the user's units
        self._free = linalg.qr(free, mode="economic", check_finite=False)[0]

    def solve(self, right: Array) -> Array:
        u = self._vectors.T @ (right / self._diagonal)
        return self.least_norm(self._vectors @ (u / self._values) / self._diagonal / self._scale) * self._scale

    def least_norm(self, w: Array) -> Array:
        return np.asarray(w - self._free @ (self._free.T @ w))


def _factor(gram: Array, scale: Array, precision: Precision = np.float64) -> _Factor:
    diagonal = np.sqrt(np.diagonal(gram))
    diagonal = np.where(diagonal > 0, diagonal, 1.0)  # a constant column: a zero row, left to the eigenvectors
    scaled = gram / diagonal / diagonal[:, None]
    noise = _noise(len(gram), precision)
    try:
        lower = linalg.cholesky(scaled, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return _DependentFactor(scaled, diagonal, scale, noise)
    if np.diagonal(lower).min(initial=1.0) ** 2 <= noise:
        return _DependentFactor(scaled, diagonal, scale, noise)
    return _Factor(lower, diagonal)


class DualCurvature:
    """The curvature through m×m products of rows, for more columns than rows: no n×n matrix.

    With X̃ (m, n) the centred, weighted rows in the user's units and X̃X̃ᵀ = UΛUᵀ, a gradient g in their row space gives
    (X̃ᵀX̃ + αI)⁺g = X̃ᵀ U ((Λ + α)Λ)⁻¹ Uᵀ X̃ g.
    """

    def __init__(self, blocks: Sequence[Block], alpha: float, scale: Array, fit_intercept: bool) -> None:
        self._blocks, self._alpha, self._scale, self._fit_intercept = blocks, alpha, scale, fit_intercept
        weights = np.concatenate([np.ones(len(X)) if a is None else a for X, _, a in blocks])
        rows = np.concatenate([X for X, _, _ in blocks])
        self._weight = float(weights.sum())
        self._mean = weights @ rows / self._weight if fit_intercept else np.zeros(rows.shape[1])
        rows -= self._mean
        rows *= np.sqrt(weights)[:, None]
        self._rows = rows

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2 and its direction, by Lanczos iteration on the rows."""
        return lanczos(self._blocks, self._alpha / self._scale**2, self._fit_intercept)

    @property
    def rank(self) -> int:
        """Numerical rank of the scaled columns."""
        return len(self._basis[0])

    @cached_property
    def _basis(self) -> tuple[Array, Array]:
        """Λ and U. The rank is decided on columns of unit length; U spans the same space as theirs."""
        norm = np.sqrt(np.einsum("ij,ij->j", self._rows, self._rows))
        unit = self._rows / np.where(norm > 0, norm, 1.0)
        values, vectors = linalg.eigh(unit @ unit.T, check_finite=False)
        span = vectors[:, values > _noise(len(values)) * max(values[-1], 0.0)]
        across = span.T @ (self._rows * self._scale)
        values, turn = linalg.eigh(across @ across.T, check_finite=False)
        return values, span @ turn

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient."""
        values, basis = self._basis
        centred = (grad_w - self._mean * grad_b) * self._scale / 2.0  # user's units: w = w'/scale
        along = basis.T @ ((self._rows * self._scale) @ centred)
        step = ((basis @ (along / ((values + self._alpha) * values))) @ self._rows) * self._scale**2
        step_b = grad_b / (2.0 * self._weight) if self._fit_intercept else 0.0
        return step, step_b - float(self._mean @ step)

    def least_norm(self, w: Array) -> Array:
        """Keep what w has in the row space: X̃ᵀUΛ⁻¹UᵀX̃w."""
        values, basis = self._basis
        along = basis.T @ (self._rows @ (w * self._scale))
        return np.asarray((basis @ (along / values)) @ self._rows * self._scale)


class RowsCurvature:
    """The curvature by products with the rows only, where no square matrix of either side fits in memory."""

    def __init__(self, blocks: Sequence[Block], penalty: Array, fit_intercept: bool) -> None:
        self._blocks, self._penalty, self._fit_intercept = blocks, penalty, fit_intercept

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2 and its direction, by Lanczos iteration on the rows."""
        return lanczos(self._blocks, self._penalty, self._fit_intercept)

    @property
    def rank(self) -> int:
        """Not known without a square matrix: the number of columns is taken."""
        return len(self._penalty)

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Refuse: (∇²L)⁻¹ needs a square matrix."""
        raise InputError(
            f'solver="newton" needs a square matrix of {len(grad_w):,} columns, more than a quarter of memory. '
            'Use solver="cg".'
        )

    def least_norm(self, w: Array) -> Array:
        """Not known without a square matrix: w is returned as it is."""
        return w


def lanczos(blocks: Sequence[Block], penalty: Array, fit_intercept: bool) -> tuple[float, Array]:
    """Return the largest eigenvalue of [X 1]ᵀ[X 1] + diag(penalty) and its w part, by products with the rows."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(penalty)

    def product(v: Array) -> Array:
        w, b = v[:n], v[n] if fit_intercept else 0.0
        out = np.append(penalty * w, [0.0] if fit_intercept else [])
        for X, _, a in blocks:
            along = X @ w + b
            along = along if a is None else a * along
            out[:n] += X.T @ along
            if fit_intercept:
                out[n] += along.sum()
        return out

    size = n + fit_intercept
    start = np.random.default_rng(0).standard_normal(size)
    values, vectors = eigsh(LinearOperator((size, size), matvec=product, dtype=np.float64), k=1, v0=start, tol=1e-6)
    return float(values[0]), vectors[:n, 0]
