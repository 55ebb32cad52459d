"""The statistics of a fit, or the reason why there are none."""

import numpy as np

from regress.aggregates.collect import TrainingData
from regress.inference.covariance import inverse_of_minimum, inverse_of_moments
from regress.inference.huber import Outliers, huber_statistics
from regress.inference.robust_covariance import GivenMiddle, Middle
from regress.inference.standard_errors import Statistics
from regress.inference.sums_of_squares import Squares
from regress.messages import setting
from regress.objective.huber import Huber
from regress.objective.losses import SquaredError
from regress.options import TrainOptions
from regress.solvers.choose import objective_of
from regress.solvers.solution import Training
from regress.solvers.status import Status

PERFECT = "The fit is essentially perfect."
_SATURATED = "There are no degrees of freedom."
_BEYOND = "Standard errors are beyond the range of float64. Rescale the target or the columns."
_KNOWN = 1e-2  # of a standard error: no coefficient may be further from the minimum


def missing(
    training: Training, data: TrainingData, options: TrainOptions, squares: Squares, observations: float
) -> str:
    """Say why a fit has no statistics, as far as that is known without an inverse; "" if it may have them."""
    loss = SquaredError() if options.loss == "squared_error" else objective_of(options)[0]
    if not (loss.quadratic or isinstance(loss, Huber)):
        return f"They are those of the squared error, and the loss is {loss}."
    if options.alpha or options.penalty is not None:
        return "A penalty biases the coefficients, so their standard errors should not be interpreted."
    if training.status is not Status.CONVERGED:
        return "Training did not converge."
    if data.moments is None:
        return "There are at least as many columns as rows."
    assert training.rank is not None  # there are moments
    if observations <= training.rank + options.fit_intercept:
        return _SATURATED
    if squares.perfect:
        varies = squares.centered if options.fit_intercept else squares.uncentered
        return PERFECT if varies else "The target is constant."
    return ""


def statistics(
    training: Training,
    data: TrainingData,
    options: TrainOptions,
    squares: Squares,
    observations: float,
    *,
    log_weight: float,
    se: str,
    middle: Middle | GivenMiddle | None,
    outliers: Outliers | None,
) -> Statistics | str:
    """Make the statistics of a fit, or say why there are none.

    Parameters
    ----------
    training, data, options, squares
        How the fit came about, and what it leaves.
    observations, log_weight : float
        N and Σ log a, as `Statistics` has them.
    se, middle
        Whose standard errors, and the sums that robust ones take.
    outliers
        What Huber's loss found, if that is the loss.
    """
    if reason := missing(training, data, options, squares, observations):
        return reason
    if outliers is not None:
        one = options.fit_intercept
        made = huber_statistics(training, data, squares, observations, outliers=outliers, fit_intercept=one)
        return made if isinstance(made, str) or _in_range(made) else _BEYOND
    minimum, moments, one = training.minimum, data.moments, options.fit_intercept
    assert moments is not None
    inverse = inverse_of_moments(moments, one) if minimum is None else inverse_of_minimum(minimum)
    if inverse is None:
        return f"The rank is unknown in float64. Use {setting('precision', 'exact')}."
    if observations <= inverse.rank + one:
        return _SATURATED
    variance = squares.residual / (observations - inverse.rank - one)
    if training.precision != "exact" and not squares.excess <= _KNOWN**2 * variance:
        return (
            "The coefficients are not accurate enough: their error is not far below the residuals. "
            f"Use {setting('precision', 'exact')} with {setting('solver', 'auto')}."
        )
    found = Statistics(
        w=training.w,
        b=training.b,
        inverse=inverse,
        squares=squares,
        nobs=observations,
        weight=data.summary.weight,
        log_weight=log_weight,
        fit_intercept=one,
        cov_type=se,
        meat=None if middle is None else middle.finish(observations, inverse.rank + one),
    )
    return found if _in_range(found) else _BEYOND


def _in_range(found: Statistics) -> bool:
    """Tell whether no standard error is beyond the range of float64."""
    errors = found.all_errors[~np.isnan(found.all_errors)]
    least = np.finfo(np.float64).tiny if found.meat is None else 0.0  # one row alone may leave White's none
    return bool((errors < np.inf).all() and (errors >= least).all())
