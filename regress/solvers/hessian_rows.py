"""The curvature of tables with at least as many columns as rows, or too many for a square matrix: no n×n matrix."""

from collections.abc import Sequence
from functools import cached_property
from math import inf

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.numerics import lazy_scipy
from regress.objective.gradient import Rows
from regress.solvers.hessian import noise


class DualCurvature:
    """The curvature through m×m products of rows, for more columns than rows: no n×n matrix.

    X̃ (m, n) are the centered, weighted rows in the user's units, and X̃X̃ᵀ = UΛUᵀ. For a gradient g in their row
    space:

        (X̃ᵀX̃ + αI)⁺g = X̃ᵀ U ((Λ + α)Λ)⁻¹ Uᵀ X̃ g
    """

    def __init__(self, parts: Sequence[Rows], alpha: float, scale: Array, fit_intercept: bool) -> None:
        self._parts, self._alpha, self._scale, self._fit_intercept = parts, alpha, scale, fit_intercept
        weights = np.concatenate([np.broadcast_to(a, len(X)) for X, _, a in parts])
        rows = np.concatenate([X for X, _, _ in parts])
        self._root, self._weight = np.sqrt(weights), float(weights.sum())
        self._mean = weights @ rows / self._weight if fit_intercept else np.zeros(rows.shape[1])
        if fit_intercept:  # a constant column has no rounding error left that would look like a direction
            self._mean = np.where((rows == rows[0]).all(axis=0), rows[0], self._mean)
        rows -= self._mean
        rows *= self._root[:, None]
        self._rows = rows

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2 and its direction, by Lanczos iteration on the rows."""
        return lanczos(self._parts, self._alpha / self._scale**2, self._fit_intercept)

    @property
    def rank(self) -> int:
        """Numerical rank of the scaled columns."""
        return len(self._basis[0])

    @property
    def condition(self) -> float:
        """Of the penalized products of rows, on the space that they span."""
        values = self._basis[0] + self._alpha
        if not len(values):
            return 1.0
        return float(values[-1] / values[0]) if values[0] > 0.0 else inf

    @property
    def plain_condition(self) -> float:
        """Of the products of rows, on the space that they span."""
        values = self._basis[0]
        return float(values[-1] / values[0]) if len(values) and values[0] > 0.0 else inf

    @cached_property
    def _basis(self) -> tuple[Array, Array]:
        """Λ and U. The rank is decided on columns of unit length; U spans the same space as theirs."""
        norm = np.sqrt(np.einsum("ij,ij->j", self._rows, self._rows))
        unit = self._rows / np.where(norm > 0, norm, 1.0)
        values, vectors = lazy_scipy.eigh(unit @ unit.T, check_finite=False)
        span = vectors[:, values > noise(len(values)) * max(values[-1], 0.0)]
        across = span.T @ (self._rows * self._scale)
        values, turn = lazy_scipy.eigh(across @ across.T, check_finite=False)
        return values, span @ turn

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient."""
        values, basis = self._basis
        centered = (grad_w - self._mean * grad_b) * self._scale / 2.0  # user's units: w = w'/scale
        along = basis.T @ ((self._rows * self._scale) @ centered)
        step = ((basis @ (along / ((values + self._alpha) * values))) @ self._rows) * self._scale**2
        step_b = grad_b / (2.0 * self._weight) if self._fit_intercept else 0.0
        return step, step_b - float(self._mean @ step)

    def combination(self, residual: Array) -> Array:
        """Return the q (m,) whose w = Xᵀq takes a residual y − ŷ (m,) away, as far as rows can: √a U(Λ + α)⁻¹Uᵀ√a r."""
        values, basis = self._basis
        return np.asarray(self._root * (basis @ ((basis.T @ (self._root * residual)) / (values + self._alpha))))

    def least_norm(self, w: Array) -> Array:
        """Keep what w has in the row space: X̃ᵀUΛ⁻¹UᵀX̃w."""
        values, basis = self._basis
        along = basis.T @ (self._rows @ (w * self._scale))
        return np.asarray((basis @ (along / values)) @ self._rows * self._scale)


class RowsCurvature:
    """The curvature by products with the rows only, where no square matrix of either side fits in memory."""

    def __init__(self, parts: Sequence[Rows], penalty: Array, fit_intercept: bool) -> None:
        self._parts, self._penalty, self._fit_intercept = parts, penalty, fit_intercept

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2 and its direction, by Lanczos iteration on the rows."""
        return lanczos(self._parts, self._penalty, self._fit_intercept)

    @property
    def rank(self) -> None:
        """Not known without a square matrix."""
        return None

    @property
    def condition(self) -> float:
        """Not known without a square matrix: infinite."""
        return inf

    @property
    def plain_condition(self) -> float:
        """Not known either."""
        return inf

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Refuse: (∇²L)⁻¹ needs a square matrix."""
        raise InputError(
            f"{setting('solver', 'newton')} needs a square matrix that fits in a quarter of memory, and more rows than "
            f"columns or a single ridge penalty. Use {setting('solver', 'cg')}."
        )

    def least_norm(self, w: Array) -> None:
        """Not known without a square matrix."""
        return None


def lanczos(parts: Sequence[Rows], penalty: Array, fit_intercept: bool) -> tuple[float, Array]:
    """Return the largest eigenvalue of [X 1]ᵀ[X 1] + diag(penalty) and its w part, by products with the rows."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(penalty)

    def product(v: Array) -> Array:
        w, b = v[:n], v[n] if fit_intercept else 0.0
        out = np.append(penalty * w, [0.0] if fit_intercept else [])
        for X, _, a in parts:
            along = a * (X @ w + b)
            out[:n] += X.T @ along
            if fit_intercept:
                out[n] += along.sum()
        return out

    size = n + fit_intercept
    start = np.random.default_rng(0).standard_normal(size)
    if size == 1 or not product(start).any():  # ARPACK refuses a single number, and zeros
        return float(product(np.ones(size))[0]), np.ones(n)
    values, vectors = eigsh(LinearOperator((size, size), matvec=product, dtype=np.float64), k=1, v0=start, tol=1e-6)
    return float(values[0]), vectors[:n, 0]
