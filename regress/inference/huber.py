"""Standard errors of Huber's loss at a fixed scale, as of an M-estimator (Huber and Ronchetti 2009, 7.6).

With ψ the residual, between −δ and δ, p parameters and N observations, of which the share m is within δ:

    cov(w, b) = K² [Σ ψ²/(N − p)]/m² ([X 1]ᵀ[X 1])⁻¹,    K = 1 + p/N · (1 − m)/m

It is the covariance H1 of statsmodels' RLM. It holds for large N, so tests and intervals are those of the normal
distribution.
"""

from dataclasses import dataclass
from math import fsum, inf, nan
from typing import Any, NamedTuple

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.inference.covariance import inverse_of_moments
from regress.inference.standard_errors import Statistics
from regress.inference.sums_of_squares import Squares
from regress.numerics.prediction import residuals
from regress.objective.huber import Huber
from regress.records import HUBER_ERRORS
from regress.solvers.solution import Training

_OF_LEAST_SQUARES = ("rss", "r2_adjusted", "fvalue", "f_pvalue", "llf", "aic", "bic")


class Outliers(NamedTuple):
    """What Huber's loss found: its epsilon and scale, and of the residuals those beyond δ.

    Attributes
    ----------
    epsilon, scale : float
        δ is their product.
    rows : int
        Training rows whose residual is beyond δ.
    within : float
        Σa of the others.
    square : float
        Σ a ψ², in units of δ².
    """

    epsilon: float
    scale: float
    rows: int
    within: float
    square: float


def outliers_of(training: Training, data: TrainingData, loss: Huber) -> Outliers:
    """Look at the residuals of the training rows."""
    assert data.rows is not None  # since it was minimized over rows
    assert loss.scale is not None
    count, within, squares = 0, [0.0], [0.0]
    for X, Y, a, *_ in data.rows:
        residual = residuals(X, Y[:, 0], training.w, training.center, training.b_center)
        inside, psi = loss.side(residual) == 0, np.clip(residual / loss.delta, -1.0, 1.0)
        count += int((~inside).sum())
        within.append(float(inside.sum() if a is None else a[inside].sum()))
        squares.append(float(psi @ psi if a is None else (a * psi) @ psi))
    return Outliers(loss.epsilon, loss.scale, count, fsum(within), fsum(squares))


@dataclass(frozen=True, eq=False, kw_only=True)
class HuberStatistics(Statistics):
    """The same figures for Huber's loss, without those that rest on least squares.

    Attributes
    ----------
    outliers : Outliers
        What the loss found.
    """

    outliers: Outliers

    @property
    def df_test(self) -> float:
        """Infinite: tests are those of the normal distribution."""
        return inf

    @property
    def sigma(self) -> float:
        """The scale, in units of y."""
        return self.outliers.scale

    @property
    def _variance(self) -> float:
        share = self.outliers.within / self.nobs
        correction = 1.0 + self.parameters / self.nobs * (1.0 - share) / share
        unit = correction * self.outliers.epsilon * self.outliers.scale / self.squares.unit / share
        return unit * unit * self.outliers.square / self.df_resid

    @property
    def r2(self) -> float:
        """1 − Σ a e²/Σ a (y − ȳ)² of these residuals, or 1 − Σ a e²/Σ a y² without intercept."""
        return self.squares.r2(self.fit_intercept)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the fit; those of least squares alone are NaN."""
        return super().figures() | dict.fromkeys(_OF_LEAST_SQUARES, nan)


def huber_statistics(
    training: Training,
    data: TrainingData,
    squares: Squares,
    observations: float,
    *,
    outliers: Outliers,
    fit_intercept: bool,
) -> Statistics | str:
    """Make the statistics of a fit with Huber's loss, or say why there are none."""
    assert data.moments is not None
    if data.summary.weight != observations:
        return "With Huber's loss they are known for frequency weights only."
    inverse = inverse_of_moments(data.moments, fit_intercept)
    if inverse is None:
        return "Columns are constant or depend on each other, within the precision of float64."
    if outliers.within <= inverse.rank + fit_intercept:
        return "Too few rows are within δ of their prediction."
    return HuberStatistics(
        w=training.w,
        b=training.b,
        inverse=inverse,
        squares=squares,
        nobs=observations,
        weight=data.summary.weight,
        log_weight=0.0,
        fit_intercept=fit_intercept,
        cov_type=HUBER_ERRORS,
        outliers=outliers,
    )
