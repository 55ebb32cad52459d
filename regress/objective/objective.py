"""The objective L + P at (w, b), whichever of the four ways computes L.

The descent runs in coordinates x' = (x − origin)/scale, y' = y − target_origin, fixed before the first step. Everything
here is in those coordinates; `Coordinates` leads there and back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from numbers import Real
from typing import Any, Protocol

import numpy as np

from regress.blocks import Array, Block
from regress.errors import InputError
from regress.numerics.threads import ordered_map
from regress.objective import autodiff, gradient
from regress.objective.batches import Batches
from regress.objective.gradient import Evaluation, Rows
from regress.objective.losses import Loss, MomentForm, SquaredError
from regress.objective.penalties import Penalty
from regress.objective.scaling import Coordinates, rows_of


class GradientEngine(Protocol):
    """Who computes the gradient: the module `gradient` or the module `autodiff`."""

    @property
    def prepare(self) -> Callable[[Array], Any]:
        """Bring an array into the engine's form, once."""
        ...

    @property
    def prepare_rows(self) -> Callable[[Sequence[Rows], bool], Sequence[Rows]]:
        """Bring rows into the engine's form, once; in one piece where the loss is not separable."""
        ...

    @property
    def rows(self) -> Callable[[Loss, Rows, Array, float], Evaluation]:
        """Evaluate over rows."""
        ...

    @property
    def moments(self) -> Callable[[MomentForm, Array, float], Evaluation]:
        """Evaluate from moments."""
        ...


_SHARED = 2**22  # cells above which threads pay

ENGINES: dict[str, GradientEngine] = {"derived": gradient, "autodiff": autodiff}


class DataTerm(Protocol):
    """The loss of the data as a function of (w, b)."""

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient."""
        ...

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p for the direction p = (w, b), where L is quadratic."""
        ...


class RowsTerm:
    """A loss, block by block: ∇_w L = Xᵀ∇_ŷ L.

    Where the origin is near zero the rows stay as they are, and the coordinates enter by the chain rule:
    ŷ = ((x − origin)/scale)ᵀw + b = xᵀv + (b − originᵀv) with v = w/scale.

    Parameters
    ----------
    loss : Loss
        Of the predictions.
    blocks : sequence of Block
        The rows.
    coordinates, target : Coordinates, int
        Where the descent runs, and the column of Y.
    engine : GradientEngine
        Who computes the gradient.
    n_jobs : int
        Threads.
    """

    def __init__(
        self,
        loss: Loss,
        blocks: Sequence[Block],
        coordinates: Coordinates,
        target: int,
        *,
        engine: GradientEngine,
        n_jobs: int = 1,
    ) -> None:
        self._loss, self._evaluate = loss, engine.rows
        self._origin, self._scale = np.zeros_like(coordinates.origin), np.ones_like(coordinates.scale)
        if coordinates.near:
            self._origin, self._scale = coordinates.origin, coordinates.scale
            self._parts = [rows_of(block, target, coordinates.target_origin) for block in blocks]
        else:
            self._parts = coordinates.rows(blocks, target)
        self._prepared = engine.prepare_rows(self._parts, loss.separable)
        if type(loss) is not SquaredError and engine is gradient:
            _check_loss(loss, self._prepared[0])
        self._n_jobs = n_jobs if sum(part.X.size for part in self._parts) > _SHARED else 1

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Evaluate value and gradient: the sums over the blocks, in their order."""
        v = w / self._scale
        level = b - float(self._origin @ v)
        value, grad_v, grad_b = 0.0, np.zeros_like(w), 0.0

        def evaluate(part: Rows) -> Evaluation:
            return self._evaluate(self._loss, part, v, level)

        for part in ordered_map(evaluate, self._prepared, self._n_jobs):
            value, grad_v, grad_b = value + part.value, grad_v + part.grad_w, grad_b + part.grad_b
        return Evaluation(value, (grad_v - self._origin * grad_b) / self._scale, grad_b)

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²L p: the gradient of a quadratic loss at Xw + b, where the target is zero, along Xw + b."""
        v = w / self._scale
        level, total = b - float(self._origin @ v), 0.0
        for X, y, a in self._parts:
            along = X @ v + level
            total += float(along @ self._loss.gradient(along, np.zeros_like(y), a))
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
        return 2.0 * float(w @ self.form.gram @ w + self.form.weight * level * level)


class Hessian(Protocol):
    """What solvers ask of ∇²L: its largest eigenvalue and its inverse."""

    @property
    def steepest(self) -> tuple[float, Array]:
        """Largest eigenvalue of ∇²L/2, and the w part (n,) of its direction."""
        ...

    def solve(self, grad_w: Array, grad_b: float) -> tuple[Array, float]:
        """Return (∇²L)⁺ times a gradient."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective:
    """L(w, b) + P(w), with what solvers may ask, and what tells whether its gradient is small.

    A solver that `needs` the gradient calls it: `objective(w, b)` is value and gradient. One that needs the Hessian
    may call `newton_step`, one that needs it along a direction `curvature_along`.

    Attributes
    ----------
    term : DataTerm
        The loss; the only part that differs among the four ways.
    penalty, scale : Penalty, array of shape (n,)
        P, in the user's units, and how many of them one unit of the descent is.
    fit_intercept : bool
        Whether b moves.
    weight : float
        Σa: the step acts on ∇L/Σa.
    mean, column_norm, target_norm
        Column means δ (n,), and the norms ‖xⱼ‖ (n,) and ‖y‖; centered where b is fitted.
    steepness : float
        The bound of ∇²_ŷ L that the loss states; 2 for the squared error.
    hessian : callable
        Makes ∇² on first use. Where the loss is not quadratic it is that bound, divided by half the steepness.
    names : sequence of str
        Names of the columns, for messages.
    batches : Batches or None
        The objective of a few rows at a time, for solvers that need it.
    """

    term: DataTerm
    penalty: Penalty
    scale: Array
    fit_intercept: bool
    weight: float
    mean: Array
    column_norm: Array
    target_norm: float
    steepness: float
    hessian: Callable[[], Hessian]
    names: Sequence[str]
    batches: Batches | None = None
    _seen: dict[str, Any] = field(default_factory=dict)  # the last point and its evaluation: loop and solver ask for it

    def __post_init__(self) -> None:
        n, penalty = len(self.scale), self.penalty
        _check_returned(penalty, "value", penalty.value(np.zeros(n)), ())
        _check_returned(penalty, "gradient", penalty.gradient(np.zeros(n)), (n,))
        curvature_of(penalty, self.scale)  # checks it too

    def __call__(self, w: Array, b: float) -> Evaluation:
        """Return L + P, its gradient in w (n,) and its derivative in b; 0 where b is not fitted."""
        if w.flags.writeable or self._seen.get("w") is not w or self._seen["b"] != b:
            value, grad_w, grad_b = self.term(w, b)
            in_user_units = w / self.scale
            value += self.penalty.value(in_user_units)
            grad_w = grad_w + self.penalty.gradient(in_user_units) / self.scale
            self._seen.update(w=w, b=b, at=Evaluation(value, grad_w, grad_b if self.fit_intercept else 0.0))
        at: Evaluation = self._seen["at"]
        return at

    @property
    def needs_pass(self) -> bool:
        """Whether an evaluation takes a pass over the rows that the solver does not make itself."""
        return self.batches is not None and not isinstance(self.term, MomentsTerm)

    def curvature_along(self, w: Array, b: float) -> float:
        """Return pᵀ∇²(L + P)p for the direction p = (w, b)."""
        return self.term.curvature_along(w, b) + float(curvature_of(self.penalty, self.scale) @ w**2)

    def newton_step(self, w: Array, b: float) -> tuple[Array, float]:
        """Return (∇²)⁺∇ of L + P at (w, b): what a Newton step subtracts."""
        _, grad_w, grad_b = self(w, b)
        return self.hessian().solve(grad_w, grad_b)

    @cached_property
    def longest_step(self) -> float:
        """The stability limit of gradient descent, as a step on ∇L/Σa: 2Σa/λmax(∇²(L + P))."""
        steepest, _ = self.hessian().steepest
        return self.weight / (steepest * self.steepness / 2.0) if steepest > 0 else inf

    def stationarity(self, evaluation: Evaluation) -> float:
        """Return the largest |xⱼᵀr|/(‖xⱼ‖‖y − ȳ‖) and |Σr|/(√Σa ‖y − ȳ‖): scale-free, 0 at the minimum.

        With b fitted, columns are centered. A constant column has nothing to say.
        """
        if self.target_norm == 0.0:
            return 0.0
        centered = evaluation.grad_w - self.mean * evaluation.grad_b if self.fit_intercept else evaluation.grad_w
        heard = self.column_norm > 0
        of_w = np.abs(centered[heard]) / (self.steepness * self.column_norm[heard])
        of_b = abs(evaluation.grad_b) / (self.steepness * np.sqrt(self.weight))
        return float(max(of_w.max(initial=0.0), of_b) / self.target_norm)


def curvature_of(penalty: Penalty, scale: Array) -> Array:
    """Return ∇²P (n,) in the coordinates of the descent, within the range of float64."""
    curvature = penalty.curvature(len(scale))
    _check_returned(penalty, "curvature", curvature, scale.shape)
    with np.errstate(over="ignore"):  # where nothing is left of such a column
        curvature = curvature / scale / scale
    return np.asarray(np.minimum(curvature, np.finfo(np.float64).max))


def _check_loss(loss: Loss, part: Rows) -> None:
    """Evaluate a loss once at ŷ = 0, and raise `InputError` where it returns anything but numbers in their shape."""
    at_zero = np.zeros(len(part.y)), part.y, part.weights
    _check_returned(loss, "value", loss.value(*at_zero, np), ())
    _check_returned(loss, "gradient", loss.gradient(*at_zero), part.y.shape)


def _check_returned(owner: Loss | Penalty, method: str, returned: object, shape: tuple[int, ...]) -> None:
    numbers = isinstance(returned, np.ndarray) or (not shape and isinstance(returned, Real))
    array = np.asarray(returned if numbers else None)
    if array.shape != shape or array.dtype.kind not in "fiu":
        wanted = f"an array of shape {shape}" if shape else "one number"
        got = f"an array of shape {array.shape}" if array is returned else repr(returned)
        raise InputError(f"{type(owner).__name__}.{method} must return {wanted}; it returned {got}.")
