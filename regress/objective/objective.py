"""Value and gradient at (w, b), whichever of the four ways computes them.

The descent runs in coordinates x' = (x − origin)/scale, y' = y − target_origin, fixed before the first step. Everything
here is in those coordinates; `Coordinates` leads there and back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from regress.blocks import Array, Block
from regress.numerics.threads import ordered_map
from regress.objective import autodiff, gradient
from regress.objective.gradient import Evaluation
from regress.objective.losses import MomentForm
from regress.objective.scaling import Coordinates


class GradientEngine(Protocol):
    """Who computes the gradient: the module `gradient` or the module `autodiff`."""

    @property
    def prepare(self) -> Callable[[Array], Any]:
        """Bring an array into the engine's form, once."""
        ...

    @property
    def prepare_rows(self) -> Callable[[Sequence[Block]], Sequence[tuple[Any, ...]]]:
        """Bring rows into the engine's form, once."""
        ...

    @property
    def rows(self) -> Callable[[Any, Any, Any, Array, float], Evaluation]:
        """Evaluate over rows."""
        ...

    @property
    def moments(self) -> Callable[[MomentForm, Array, float], Evaluation]:
        """Evaluate from moments."""
        ...


_SHARED = 2**22  # cells above which threads pay

ENGINES: dict[str, GradientEngine] = {"derived": gradient, "autodiff": autodiff}


class DataTerm(Protocol):
    """The squared error of the data as a function of (w, b)."""

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient."""
        ...

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p for the direction p = (w, b)."""
        ...


class RowsTerm:
    """The squared error, block by block: ∇_w L = 2Xᵀ(ŷ − y).

    Where the origin is near zero the rows stay as they are, and the coordinates enter by the chain rule:
    ŷ = ((x − origin)/scale)ᵀw + b = xᵀv + (b − originᵀv) with v = w/scale.
    """

    def __init__(
        self, blocks: Sequence[Block], coordinates: Coordinates, target: int, engine: GradientEngine, n_jobs: int = 1
    ) -> None:
        self._origin, self._scale = np.zeros_like(coordinates.origin), np.ones_like(coordinates.scale)
        if coordinates.near:
            self._origin, self._scale = coordinates.origin, coordinates.scale
            blocks = [Block(X, Y[:, target] - coordinates.target_origin, a) for X, Y, a, _ in blocks]
        else:
            blocks = coordinates.rows(blocks, target)
        self._blocks = blocks
        self._evaluate = engine.rows
        self._prepared = engine.prepare_rows(blocks)
        self._n_jobs = n_jobs if sum(block.X.size for block in blocks) > _SHARED else 1

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient: the sums over the blocks, in their order."""
        v = w / self._scale
        level = b - float(self._origin @ v)
        value, grad_v, grad_b = 0.0, np.zeros_like(w), 0.0

        def evaluate(block: tuple[Any, ...]) -> Evaluation:
            X, y, a, *_ = block
            return self._evaluate(X, y, a, v, level)

        for part in ordered_map(evaluate, self._prepared, self._n_jobs):
            value, grad_v, grad_b = value + part.value, grad_v + part.grad_w, grad_b + part.grad_b
        return Evaluation(value, (grad_v - self._origin * grad_b) / self._scale, grad_b)

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p = 2‖Xw + b‖²."""
        v = w / self._scale
        level, total = b - float(self._origin @ v), 0.0
        for X, _, a, _ in self._blocks:
            along = X @ v + level
            total += 2.0 * float(along @ (along if a is None else a * along))
        return total


class MomentsTerm:
    """The squared error from moments: O(n²) an evaluation however many rows there were."""

    def __init__(self, form: MomentForm, engine: GradientEngine) -> None:
        self.form = form
        self._evaluate = engine.moments
        prepared = {name: engine.prepare(getattr(form, name)) for name in ("mean", "gram", "cross")}
        self._prepared = replace(form, **prepared)

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient. A sum of squares is not negative, though its rounded expansion may be."""
        evaluation = self._evaluate(self._prepared, w, b)
        return evaluation._replace(value=max(evaluation.value, 0.0)) if evaluation.value < 0 else evaluation

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p."""
        level = b + float(self.form.mean @ w)
        return 2.0 * float(w @ self.form.gram @ w + self.form.weight * level**2)


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """L(w, b) + Σ penalty·w², with what is needed to tell whether its gradient is small.

    Attributes
    ----------
    term : DataTerm
        The squared error; the only part that differs among the four ways.
    penalty : array of shape (n,)
        α in the coordinates of the descent.
    fit_intercept : bool
        Whether b moves.
    weight : float
        Σa: the step acts on ∇L/Σa.
    mean, column_norm, target_norm
        Column means δ (n,), and the norms ‖xⱼ‖ (n,) and ‖y‖; centered where b is fitted.
    """

    term: DataTerm
    penalty: Array
    fit_intercept: bool
    weight: float
    mean: Array
    column_norm: Array
    target_norm: float

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate the penalized value and gradient."""
        value, grad_w, grad_b = self.term(w, b)
        return Evaluation(
            value + float(self.penalty @ w**2),
            grad_w + 2.0 * self.penalty * w,
            grad_b if self.fit_intercept else 0.0,
        )

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p for the direction p = (w, b)."""
        return self.term.curvature_along(w, b) + 2.0 * float(self.penalty @ w**2)

    def stationarity(self, evaluation: Evaluation) -> float:
        """Return the largest |xⱼᵀr|/(‖xⱼ‖‖y − ȳ‖) and |Σr|/(√Σa ‖y − ȳ‖): scale-free, 0 at the minimum.

        With b fitted, columns are centered. A constant column has nothing to say.
        """
        if self.target_norm == 0.0:
            return 0.0
        centered = evaluation.grad_w - self.mean * evaluation.grad_b if self.fit_intercept else evaluation.grad_w
        heard = self.column_norm > 0
        of_w = np.abs(centered[heard]) / (2.0 * self.column_norm[heard])
        of_b = abs(evaluation.grad_b) / (2.0 * np.sqrt(self.weight))
        return float(max(of_w.max(initial=0.0), of_b) / self.target_norm)
