"""How many digits a fit in float64 has, estimated from below."""

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.blocks import Array
from regress.objective import gradient
from regress.objective.scaling import Coordinates
from regress.options import TrainOptions
from regress.solvers.hessian import Curvature
from regress.solvers.solution import Training

ENOUGH_DIGITS = 10.0  # that sums in float64 must leave
_CANCELS = 1e-9  # of its terms: a smaller sum has fewer than seven digits in float64
_SAFETY = 1.25  # the Newton step that is left is computed in float64 too


def offsets(data: TrainingData) -> Array:
    """Return √Σa |x̄| (n,): how far columns are from zero, as a norm."""
    return np.asarray(np.sqrt(data.summary.weight) * np.abs(data.summary.center))


def norms(data: TrainingData, fit_intercept: bool) -> Array:
    """Return the norms of the columns (n,): about their means where b is fitted, else about zero."""
    return data.summary.norm if fit_intercept else np.hypot(data.summary.norm, offsets(data))


def cancels(data: TrainingData, options: TrainOptions, w: Array, square: float) -> bool:
    """Tell whether Σa e² at w is so small that its terms cancel in float64."""
    summary = data.summary
    terms = float(summary.target_norm[0]) ** 2
    if not (options.standardize and options.fit_intercept):  # then the means are among them
        level = float(np.abs(summary.target_center[0]) + np.abs(summary.center) @ np.abs(w))
        terms += summary.weight * level * level  # a power would raise, where a product is infinite
    return square < _CANCELS * terms


class Accuracy:
    """What float64 can know of a least-squares problem.

    Parameters
    ----------
    data : TrainingData
        From `collect_rows`.
    options : TrainOptions
        How to train.
    curvature, coordinates : Curvature, Coordinates
        ∇²L in the coordinates of the descent, and these.
    """

    def __init__(
        self, data: TrainingData, options: TrainOptions, curvature: Curvature, coordinates: Coordinates
    ) -> None:
        self._data, self._options, self._curvature, self._coordinates = data, options, curvature, coordinates
        self.norm, self._offset = norms(data, options.fit_intercept), offsets(data)

    @property
    def rank(self) -> int | None:
        """Rank of the columns as float64 sees it; None where that is unknown."""
        return self._curvature.rank

    @property
    def enough(self) -> bool:
        """Whether float64 leaves ten digits or more, and knows the rank."""
        return self.expected_digits >= ENOUGH_DIGITS and self.rank_sure

    @property
    def expected_digits(self) -> float:
        """Return the digits that sums in float64 leave, from below: −log₁₀(4κ² 2⁻⁵³ √m)."""
        return float(max(-np.log10(self._rounding), 0.0)) if self._rounding < 1.0 else 0.0

    @property
    def rank_sure(self) -> bool:
        """Whether float64 sees that no column depends on others.

        The independent part of each is then far above the rounding of the stored values, and of the sums. With at least
        as many columns as rows: that no row depends on others.
        """
        if self._data.moments is None:
            return self.rank == self._data.summary.rows - self._options.fit_intercept
        n, condition = len(self.norm), self._curvature.plain_condition
        with np.errstate(divide="ignore", invalid="ignore"):
            ulps = 2.0**-52 * np.hypot(self._offset, self.norm) / self.norm
        stored = 100.0 * condition * float(ulps @ ulps)
        computed = 40.0 * condition * (n + 32) * 2.0**-52
        return self.rank == n and stored < 1.0 and computed < 1.0

    @property
    def _rounding(self) -> float:
        far = 1.0
        if not self._options.standardize and self._options.fit_intercept:  # raw coordinates lose what is far off
            with np.errstate(divide="ignore", invalid="ignore"):
                far += float(np.nan_to_num(self._offset / self.norm, posinf=0.0).max())
        return float(4.0 * far * self._curvature.condition * 2.0**-53 * np.sqrt(self._data.summary.rows))

    @property
    def residuals_lost(self) -> bool:
        """Whether residuals at the minimum are so small that moments in float64 say nothing of them."""
        data = self._data
        if data.moments is None or self._options.alpha:
            return False
        form = self._coordinates.moments(data.moments, 0)
        at = gradient.moments(form, np.zeros(len(form.mean)), 0.0)
        w, b = self._curvature.solve(at.grad_w, at.grad_b)
        return cancels(data, self._options, w / self._coordinates.scale, gradient.moments(form, -w, -b).value)

    def error_bound(self, trained: Training, target: int = 0) -> Array | None:
        """Estimate how far the coefficients (n,) of a fit in float64 are off, from above; None where that is unknown.

        The remaining error of the descent is a Newton step. Rounding adds (‖y‖ + ‖Xw‖) 4κ² 2⁻⁵³ √m to any scaled
        coefficient.
        """
        summary, rounding = self._data.summary, self._rounding
        if trained.precision == "exact":
            return np.zeros(len(trained.w))
        if self._data.moments is None and not self.rank_sure:
            return None
        if trained.polished:
            return np.asarray(trained.remaining + np.spacing(np.abs(trained.w)))
        if not rounding < 1.0 or not np.isfinite(trained.remaining).all():
            return None
        norm = np.where(self.norm > 0, self.norm, np.inf)
        size = float(summary.target_norm[target] + np.linalg.norm(self.norm * trained.w))
        if not self._options.fit_intercept:
            size += float(np.sqrt(summary.weight) * np.abs(summary.target_center[target]))
        return np.asarray(_SAFETY * np.abs(trained.remaining) + rounding * size / norm)
