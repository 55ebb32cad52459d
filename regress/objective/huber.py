"""Huber's loss: the squared error up to δ, and its tangent from there on, so that outliers pull no harder than δ.

With r = ŷ − y, δ = epsilon · scale and c = min(max(r, −δ), δ):

    L = Σ a h(ŷ − y)       h(r) = c(2r − c): r² for |r| ≤ δ, else 2δ|r| − δ²
    ∇_ŷ L = 2ac            since dh = 2c dr + 2(r − c) dc, and dc = 0 wherever r ≠ c
    ∇²_ŷ L = 2a            for |r| < δ, else 0
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.numerics.threads import ordered_map
from regress.objective import gradient
from regress.objective.gradient import Rows
from regress.objective.losses import Loss
from regress.objective.objective import RowsTerm


@dataclass(frozen=True)
class Huber(Loss):
    """L = Σ a h(ŷ − y), quadratic where |ŷ − y| ≤ δ and linear beyond.

    Attributes
    ----------
    epsilon : float
        δ, in scales.
    scale : float, optional
        In units of y. Without one, δ is unknown: see `regress.solvers.huber.with_scale`.
    """

    epsilon: float = 1.35
    scale: float | None = None

    curvature_bound = 2.0

    @property
    def delta(self) -> float:
        """δ, in units of y."""
        assert self.scale is not None  # since `with_scale`
        return self.epsilon * self.scale

    def scaled(self, scale: float) -> "Huber":
        """Return the same loss with a scale."""
        return replace(self, scale=scale)

    def value(self, prediction: Any, target: Any, weights: Any = 1.0, xp: Any = np) -> Any:
        """Return L in units of y²."""
        residual = prediction - target
        clipped = xp.clip(residual, -self.delta, self.delta)
        return xp.sum(weights * clipped * (2.0 * residual - clipped))

    def gradient(self, prediction: Array, target: Array, weights: Array | float = 1.0) -> Array:
        """Return ∇_ŷ L = 2a(ŷ − y), with ŷ − y between −δ and δ."""
        return 2.0 * weights * np.clip(prediction - target, -self.delta, self.delta)

    def side(self, residual: Array) -> NDArray[np.int8]:
        """Return 0 where the loss is quadratic, |r| ≤ δ, else the sign of r."""
        return (residual > self.delta).view(np.int8) - (residual < -self.delta).view(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """L + P along a line: Σ a h(r + tq) + slope·t + curvature·t²/2, up to a constant.

    Its derivative is continuous, grows, and is linear between the t at which a residual r + tq is ±δ.

    Attributes
    ----------
    residual, change, weights : arrays of shape (m,)
        r, q and a.
    slope, curvature : float
        Of the penalty, at t = 0.
    """

    residual: Array
    change: Array
    weights: Array
    slope: float
    curvature: float

    def slope_at(self, loss: Huber, t: float) -> float:
        """Return the derivative at t."""
        pull = np.clip(self.residual + t * self.change, -loss.delta, loss.delta)
        return 2.0 * float((self.weights * self.change) @ pull) + self.slope + self.curvature * t

    def lowest(self, loss: Huber, longest: float = inf) -> float:
        """Return where it is least, between 0 and `longest`; the derivative at 0 is negative."""
        if longest < inf and self.slope_at(loss, longest) <= 0.0:
            return longest
        q, bend = self.change, 2.0 * self.weights * self.change**2
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where q = 0
            middle, half = -self.residual / q, loss.delta / np.abs(q)
            enters, leaves = middle - half, middle + half
        starts, ends = (enters > 0.0) & (enters < longest), (leaves > 0.0) & (leaves < longest)
        at = np.concatenate([enters[starts], leaves[ends]])
        order = np.argsort(at, kind="stable")
        at = np.append(0.0, at[order])
        inside = float(bend[(enters <= 0.0) & (leaves > 0.0)].sum()) + self.curvature
        bends = np.maximum(np.cumsum(np.append(inside, np.append(bend[starts], -bend[ends])[order])), self.curvature)
        slopes = self.slope_at(loss, 0.0) + np.append(0.0, np.cumsum(bends[:-1] * np.diff(at)))
        k = max(int(np.searchsorted(np.maximum.accumulate(slopes), 0.0)) - 1, 0)
        return max(float(at[k] - slopes[k] / bends[k]), 0.0) if bends[k] > 0.0 else float(at[k])


class HuberTerm(RowsTerm):
    """Huber's loss over rows, with what an active-set method asks of them."""

    def residuals(self, w: Array, b: float) -> Array:
        """Return ŷ − y (m,)."""
        return self.along(w, b) - self._targets

    def along(self, w: Array, b: float) -> Array:
        """Return ŷ (m,): of a direction (w, b), how residuals change along it."""
        v = w / self._scale
        level = b - float(self._origin @ v)
        parts = ordered_map(lambda part: part.X @ v + level, self._tiles, self._n_jobs)
        return np.concatenate([*parts])

    @property
    def loss(self) -> Huber:
        """The loss, with its δ."""
        assert isinstance(self._loss, Huber)
        return self._loss

    @cached_property
    def weights(self) -> Array:
        """The row weights (m,), 1 without any."""
        return np.concatenate([np.broadcast_to(a, y.shape) for _, y, a in self._tiles])

    @cached_property
    def _targets(self) -> Array:
        return np.concatenate([part.y for part in self._tiles])

    @cached_property
    def _tiles(self) -> list[Rows]:
        return [*gradient.prepare_rows(self._parts)]

    def curvature(self, inside: Mask, center: Array) -> Array:
        """Return ∇²L = 2[X 1]ᵀA[X 1] (n + 1, n + 1) of some rows: those at which the loss is quadratic.

        It is that for w and the prediction at `center`, b + centerᵀw, so that columns far from zero lose no digits.
        """
        ends = np.cumsum([len(part.y) for part in self._tiles])
        masks, origin = np.split(inside, ends[:-1]), self._origin + self._scale * center

        def products(part: tuple[Rows, Mask]) -> Array:
            (X, _, a), kept = part
            Z = np.ones((int(kept.sum()), len(origin) + 1))
            np.subtract(X[kept], origin, out=Z[:, :-1])
            return np.asarray(Z.T @ (Z if isinstance(a, float) else a[kept, None] * Z))

        parts = ordered_map(products, [*zip(self._tiles, masks, strict=True)], self._n_jobs)
        unit = np.append(self._scale, 1.0)
        return np.asarray(2.0 * sum(parts) / unit / unit[:, None])
