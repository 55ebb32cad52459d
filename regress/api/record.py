"""A fit as plain values: what `--json` prints, and the `report` block of a model's file, from which every page is made.

The block lists no row: residuals come in groups of five or more, columns as moments.
"""

from typing import Any

import numpy as np

from regress.aggregates.plain_moments import of_moments
from regress.api.model_file import moments_agree
from regress.inference.residuals import residual_groups
from regress.records import COLUMNS

MOST_LINES = 500  # coefficients shown: those of the largest standardized ones
_ITERATIONS = 1000  # of the history, evenly spaced


def record_of(fit: Any) -> dict[str, Any]:
    """Return what a report shows of a `Fit` that its model does not hold already."""
    certificate, statistics = fit.certificate, fit.statistics
    moments = None if fit.moments is None else of_moments(fit.moments)
    residuals = residual_groups(fit.sampled, statistics.sigma if statistics is not None else 0.0)
    return {
        "source": fit.source,
        "command": fit.command,
        "read_as": fit.read_as,
        "rows": fit.tally.to_dict(),
        "solver": fit.solver,
        "over": fit.over,
        "precision": fit.precision,
        "precision_reason": fit.precision_reason,
        "n_iter": fit.n_iter,
        "learning_rate": fit.learning_rate,
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


def as_dict(fit: Any) -> dict[str, Any]:
    """Return what the command line prints of a `Fit` as JSON."""
    return {
        "coef": dict(zip(fit.names, fit.w.tolist(), strict=True)),
        "intercept": fit.b,
        "loss": fit.loss,
        "n_rows": fit.tally.used,
        "rows": fit.tally.to_dict(),
        "read_as": fit.read_as,
        "status": str(fit.status),
        "digits": None if fit.digits is None else {"coef": fit.digits, "intercept": fit.intercept_digits},
        "digits_at_least": fit.digits_at_least,
        "r2": fit.r2,
        "r2_test": fit.r2_test,
        "rank": fit.rank,
        "equations": list(fit.equations),
        "near_equations": list(fit.near_equations),
        "n_iter": fit.n_iter,
        "solver": fit.solver,
        "over": fit.over,
        "gradient": fit.options["gradient"],
        "precision": fit.precision,
        "precision_reason": fit.precision_reason,
        "statistics": None if fit.statistics is None else fit.statistics.to_dict(fit.names),
        "statistics_missing": fit.statistics_missing,
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
    size = np.abs(np.nan_to_num(fit.standardized))
    shown = {fit.names[j] for j in np.argsort(-size, kind="stable")[:MOST_LINES]}
    lines = []
    for j, (name, *figures, beta) in enumerate(fit.lines()):
        of_intercept = j == 0 and fit.options["fit_intercept"]
        if not of_intercept and name not in shown:
            continue
        right = None if digits is None else fit.intercept_digits if of_intercept else digits[name]
        known = zip(COLUMNS, (*figures, None if of_intercept else beta, right), strict=True)
        kind = {"intercept": of_intercept, "dropped": not of_intercept and name in dropped}
        lines.append({"name": name, **dict(known), **kind})
    return lines
