"""What a report shows of a fit, as plain values: the `report` block of a model's file, from which every page is made.

It lists no row: residuals come in groups of five or more, columns as moments.
"""

from typing import Any

import numpy as np

from regress.evidence.residuals import pictures
from regress.modelfile import moments_agree
from regress.numerics.moments import Moments, Shift
from regress.numerics.twofold import Array

MOST_LINES = 500  # coefficients shown: those of the largest standardised ones
MOST_MOMENTS = 50  # columns whose moments are kept
_ITERATIONS = 1000  # of the history, evenly spaced


def portrait(fit: Any) -> dict[str, Any]:
    """Return what a report shows of a `Fit` that its model does not hold already."""
    training, certificate, statistics = fit.training, fit.certificate, fit.statistics
    moments = None if fit.moments is None else of_moments(fit.moments)
    residuals = pictures(fit.sampled, statistics.sigma if statistics is not None else 0.0)
    return {
        "source": fit.source,
        "command": fit.command,
        "read_as": fit.read_as,
        "rows": fit.tally.to_dict(),
        "solver": training.solver,
        "over": training.over,
        "precision": training.precision,
        "reason": fit.reason,
        "n_iter": fit.n_iter,
        "learning_rate": training.learning_rate,
        "r2": fit.r2,
        "r2_test": fit.r2_test,
        "quality": None if statistics is None else statistics.figures(),
        "statistics_missing": fit.statistics_missing,
        "lines": _lines(fit),
        "lines_left": max(len(fit.names) - MOST_LINES, 0),
        "certificate": None
        if certificate is None
        else {
            "worst": certificate.worst,
            "passed": certificate.passed,
            "gradient_norm": certificate.gradient_norm,
            "excess_loss": certificate.excess_loss,
            "loss": certificate.loss,
        },
        "history": _history(fit),
        "moments": moments if moments is not None and moments_agree(moments) else None,
        "residuals": None if isinstance(residuals, str) else residuals,
        "residuals_missing": residuals if isinstance(residuals, str) else "",
        "equations": list(fit.equations),
        "notes": fit.notes(),
    }


def _history(fit: Any) -> list[list[float]]:
    """Return iteration, loss and gradient norm over the whole descent, its first and last row included."""
    history = fit.history
    at = range(len(history))
    if len(history) > _ITERATIONS:
        at = np.linspace(0, len(history) - 1, _ITERATIONS).astype(int).tolist()
    return [[history[k].iteration, history[k].loss, history[k].gradient_norm] for k in at]


def _lines(fit: Any) -> list[dict[str, Any]]:
    """Return the coefficients by name: what the summary shows of each."""
    digits, dropped = fit.digits_at_least, set(fit.dropped)
    heads = ("std_error", "t", "p", "low", "high")
    size = np.abs(np.nan_to_num(fit.standardized))
    shown = {fit.names[j] for j in np.argsort(-size, kind="stable")[:MOST_LINES]}
    lines = []
    for j, (name, w, beta, *tests) in enumerate(fit.lines()):
        of_intercept = j == 0 and fit.fitted.options["fit_intercept"]
        if not of_intercept and name not in shown:
            continue
        right = None if digits is None else fit.intercept_digits if of_intercept else digits[name]
        line = {"name": name, "w": w, "standardized": None if of_intercept else beta, "digits": right}
        line |= {"intercept": of_intercept, "dropped": not of_intercept and name in dropped}
        lines.append(line | dict(zip(heads, tests, strict=True)))
    return lines


def of_moments(m: Moments) -> dict[str, Any]:
    """Return moments of one target as plain values: means, norms about them, and cosines, upper triangle by rows."""
    norm, target_norm = np.sqrt(np.diagonal(m.xx)), float(np.sqrt(m.yy[0]))
    unit, target_unit = np.where(norm > 0, norm, 1.0), target_norm or 1.0
    cosines = m.xx / unit / unit[:, None]
    return {
        "rows": m.rows,
        "weight": m.weight,
        "mean": m.center.tolist(),
        "norm": norm.tolist(),
        "cosines": [cosines[j, j:].tolist() for j in range(len(norm))],
        "target_cosines": (m.xy[:, 0] / unit / target_unit).tolist(),
        "target_mean": float(m.target_center[0]),
        "target_norm": target_norm,
    }


def to_moments(held: dict[str, Any]) -> Moments:
    """Return the moments that `of_moments` wrote, to rounding.

    Raises
    ------
    ValueError
        If they are no moments.
    """
    norm, target_norm = np.array(held["norm"], dtype=np.float64), float(held["target_norm"])
    n = len(norm)
    cosines: Array = np.zeros((n, n))
    for j, row in enumerate(held["cosines"]):
        cosines[j, j:] = cosines[j:, j] = row
    shift = Shift(np.array(held["mean"], dtype=np.float64), np.array([held["target_mean"]], dtype=np.float64))
    with np.errstate(all="ignore"):  # looked for right below
        xx, yy = cosines * norm * norm[:, None], np.array([target_norm**2])
        cross = np.array(held["target_cosines"], dtype=np.float64) * norm * target_norm
    found = Moments(int(held["rows"]), float(held["weight"]), shift, np.zeros(n), np.zeros(1), xx, cross[:, None], yy)
    if not (found.finite() and np.isfinite([*shift.x, *shift.y]).all() and 0 < found.weight < np.inf):
        raise ValueError("the moments are not finite")
    if (np.diagonal(cosines) < 0).any():
        raise ValueError("the moments are of no columns")
    return found
