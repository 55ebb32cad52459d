"""How good any fit of some rows is: its gradient over them, and its distance from the best fit."""

from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from regress.aggregates.collect import Summary
from regress.blocks import Array, Block
from regress.inference.certificate import certificate
from regress.inference.scores import spread
from regress.numerics import error_free
from regress.numerics.digits import MOST_DIGITS, digits_right
from regress.objective import gradient
from regress.objective.losses import SquaredError
from regress.objective.scaling import Coordinates
from regress.solvers.solution import Training


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One fit, measured on the rows.

    Attributes
    ----------
    digits : float
        Correct digits of the worst coefficient.
    digits_of : array of shape (n,) or None
        Those of each coefficient.
    intercept_digits : float
        Correct digits of the intercept; 15.95 where none is fitted.
    worst : int
        Which coefficient is the worst.
    moved : float
        Maximum difference of a prediction from that of the best fit, in units of the spread of y. The spread is the
        smaller of sd(y) and IQR(y)/1.349; sd(y) where the IQR is 0.
    excess_loss, loss : float
        L − min L, and L = Σ(ŷ − y)².
    gradient_norm : float
        ‖∇L‖ by the derived gradient; columns about their means where b is fitted.
    """

    digits: float = nan
    digits_of: Array | None = None
    intercept_digits: float = nan
    worst: int = 0
    moved: float = nan
    excess_loss: float = nan
    loss: float = nan
    gradient_norm: float = nan


class Judge:
    """Measures fits ŷ = (x − center)ᵀw + b_center by the same rows.

    Parameters
    ----------
    block : Block
        The training rows, with one target.
    summary : Summary
        Their means and norms.
    fit_intercept : bool
        Whether b is a parameter.
    best : Training
        The best fit, against which others are measured: by its exact minimum, where it has one.
    """

    def __init__(self, block: Block, summary: Summary, fit_intercept: bool, best: Training) -> None:
        self._fit_intercept, self._norm = fit_intercept, summary.norm
        self._origin = summary.center if fit_intercept else np.zeros_like(summary.center)
        self._rows = Coordinates(self._origin, np.ones_like(self._origin), 0.0).rows([block], 0)[0]
        mean, norm = float(summary.target_center[0]), float(summary.target_norm[0])
        self._root = float(np.sqrt(summary.weight))
        # Σ(y − ȳ)², or Σy² where no mean is fitted or y is constant
        self.variation = (norm if fit_intercept and norm else float(np.hypot(norm, self._root * mean))) ** 2
        self._target_norm = norm or self._root * abs(mean)  # a constant y
        self._size = float(np.hypot(norm, self._root * mean))  # ‖y‖
        self._spread = spread(block.Y, self._target_norm / self._root)
        self.best, self._level = best, self._at_origin(best.w, best.center, best.b_center)

    def measure(self, w: Array, center: Array, b_center: float, b: float) -> Measure:
        """Measure one fit, whose intercept is given as b.

        Raises
        ------
        FloatingPointError
            If the loss at its coefficients is no finite number.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a fit may be far off: what overflows is shown as missing
            level = self._at_origin(w, center, b_center)
            loss, grad_w, grad_b = gradient.rows(SquaredError(), self._rows, w, level)
            if not isfinite(loss):
                raise FloatingPointError("It diverged: the loss at its coefficients is infinite or not a number.")
            change = self._rows.X @ (w - self.best.w) + (level - self._level)
            moved = float(np.abs(change).max(initial=0.0))
            (digits, of_b), excess = self._digits(w, center, b_center, b), self._excess(change)
            return Measure(
                digits=float(digits.min(initial=MOST_DIGITS)),
                digits_of=digits,
                intercept_digits=of_b,
                worst=int(np.argmin(digits)),
                moved=moved / self._spread if self._spread else inf if moved else 0.0,
                excess_loss=excess,
                loss=loss,
                gradient_norm=float(np.sqrt(grad_w @ grad_w + (grad_b**2 if self._fit_intercept else 0.0))),
            )

    def _digits(self, w: Array, center: Array, b_center: float, b: float) -> tuple[Array, float]:
        best = self.best
        if best.minimum is None:
            of_w = digits_right(w - best.w, best.w, self._norm, self._target_norm)
            off, true, root = (np.array([v]) for v in (b - best.b, best.b, self._root))
            return of_w, float(digits_right(off, true, root, self._size)[0]) if self._fit_intercept else MOST_DIGITS
        found = certificate(best.minimum, [str(j) for j in range(len(w))], w, center, b_center=b_center, b=b)
        of_b = MOST_DIGITS if found.intercept_digits is None else found.intercept_digits
        return np.array(list(found.digits.values())), of_b

    def _at_origin(self, w: Array, center: Array, b_center: float) -> float:
        """Return the prediction at the origin of the judge's coordinates."""
        return b_center + error_free.dot(self._origin - center, w)

    def _excess(self, change: Array) -> float:
        """L − min L, from the difference alone: ‖X(w − w*) + (b − b*)‖², as the gradient at w* is zero."""
        a = self._rows.weights
        return float(change @ (a * change))
