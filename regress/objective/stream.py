"""A loss over rows that are read again for every evaluation."""

from collections.abc import Callable, Iterable

import numpy as np

from regress.blocks import Array, Block
from regress.objective.gradient import Evaluation
from regress.objective.losses import Loss
from regress.objective.objective import GradientEngine
from regress.objective.scaling import Coordinates


class StreamTerm:
    """A loss, block by block, of which one at a time is in memory: ∇_w L = Xᵀ∇_ŷ L.

    Parameters
    ----------
    loss, engine : Loss, GradientEngine
        Of the predictions, and who computes its gradient.
    again : callable
        Reads the training rows.
    coordinates, target : Coordinates, int
        Where the descent runs, and the column of Y.
    """

    def __init__(
        self,
        loss: Loss,
        again: Callable[[], Iterable[Block]],
        coordinates: Coordinates,
        target: int,
        *,
        engine: GradientEngine,
    ) -> None:
        self._loss, self._again, self._engine = loss, again, engine
        self._coordinates, self._target = coordinates, target

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient: the sums over the blocks, in their order."""
        value, grad_w, grad_b = 0.0, np.zeros_like(w), 0.0
        for block in self._again():
            for rows in self._engine.prepare_rows(self._coordinates.rows([block], self._target), True):
                part = self._engine.rows(self._loss, rows, w, b)
                value, grad_w, grad_b = value + part.value, grad_w + part.grad_w, grad_b + part.grad_b
        return Evaluation(value, grad_w, grad_b)

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p, where L is quadratic: the gradient at Xw + b, where the target is zero, along Xw + b."""
        total = 0.0
        for block in self._again():
            for X, y, a in self._coordinates.rows([block], self._target):
                along = X @ w + b
                total += float(along @ self._loss.gradient(along, np.zeros_like(y), a))
        return total
