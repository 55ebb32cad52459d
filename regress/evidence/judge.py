"""How good any fit of some rows is: its gradient over them, and its distance from the best fit."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from regress.calculus import derived
from regress.evidence.scores import r2
from regress.numerics import twofold
from regress.numerics.moments import Block, Moments
from regress.numerics.twofold import Array
from regress.training.gathering import Summary
from regress.training.objective import Coordinates

MOST_DIGITS = 15.95


@dataclass(frozen=True, slots=True)
class Measure:
    """What the rows say of one fit.

    Attributes
    ----------
    digits : float
        Digits of the worst coefficient that agree with the best fit.
    excess_loss, loss : float
        L − min L, and L = Σ(ŷ − y)².
    gradient_norm : float
        ‖∇L‖ by the derived gradient; columns about their means where b is fitted.
    r2_test : float or None
        R² on the rows held out.
    """

    digits: float
    excess_loss: float
    loss: float
    gradient_norm: float
    r2_test: float | None


class Judge:
    """Measures fits ŷ = (x − center)ᵀw + b_center by the same rows.

    Parameters
    ----------
    block : Block
        The training rows, with one target.
    summary : Summary
        Their means and norms.
    held_out : Moments or None
        Of the test rows.
    fit_intercept : bool
        Whether b is a parameter.
    w, center, b_center : array of shape (n,), array of shape (n,), float
        The best fit, against which others are measured.
    """

    def __init__(
        self,
        block: Block,
        summary: Summary,
        held_out: Moments | None,
        fit_intercept: bool,
        w: Array,
        center: Array,
        b_center: float,
    ) -> None:
        self._held_out, self._fit_intercept, self._norm = held_out, fit_intercept, summary.norm
        self._origin = summary.center if fit_intercept else np.zeros_like(summary.center)
        self._rows = Coordinates(self._origin, np.ones_like(self._origin), 0.0).rows([block], 0)[0]
        mean, spread = float(summary.target_center[0]), float(summary.target_norm[0])
        self.variation = spread**2  # Σ(y − ȳ)²
        self._size = float(np.hypot(spread, np.sqrt(summary.weight) * mean))  # ‖y‖
        self.best, self._level = w, self._at_origin(w, center, b_center)

    def measure(self, w: Array, center: Array, b_center: float) -> Measure:
        """Measure one fit.

        Raises
        ------
        FloatingPointError
            If the loss at its coefficients is no finite number.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a fit may be far off: what overflows is shown as missing
            level = self._at_origin(w, center, b_center)
            loss, grad_w, grad_b = derived.rows(self._rows.X, self._rows.Y, self._rows.weights, w, level)
            if not isfinite(loss):
                raise FloatingPointError("It diverged: the loss at its coefficients is infinite or not a number.")
            return Measure(
                float(self.digits(w).min()),
                self._excess(w, level),
                loss,
                float(np.sqrt(grad_w @ grad_w + (grad_b**2 if self._fit_intercept else 0.0))),
                None if self._held_out is None else r2(self._held_out, w, center, b_center),
            )

    def digits(self, w: Array) -> Array:
        """Return the digits that each coefficient (n,) shares with the best fit.

        A coefficient that moves predictions by less than rounding of y is measured against the size of y instead.
        """
        best = self.best
        with np.errstate(divide="ignore", invalid="ignore"):
            floor = np.where(self._norm > 0, self._size / self._norm, np.inf)
            size = np.where(np.abs(best) < 2.0**-52 * floor, floor, np.abs(best))
            shared = -np.log10(np.abs(w - best) / size)
        return np.asarray(np.where(w == best, MOST_DIGITS, np.clip(shared, 0.0, MOST_DIGITS) + 0.0))

    def _at_origin(self, w: Array, center: Array, b_center: float) -> float:
        """Return the prediction at the origin of the judge's coordinates."""
        return b_center + twofold.dot(self._origin - center, w)

    def _excess(self, w: Array, level: float) -> float:
        """L − min L, from the difference alone: ‖X(w − w*) + (b − b*)‖², as the gradient at w* is zero."""
        X, _, a = self._rows
        change = X @ (w - self.best) + (level - self._level)
        return float(change @ (change if a is None else a * change))
