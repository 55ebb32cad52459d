"""What a careful reader should know about a fit, in a sentence or two each."""

from collections.abc import Sequence
from typing import Any

from regress.training.factors import MOST_COLUMNS
from regress.training.trainer import Status

_ONE_BY_ONE = "Do not interpret their coefficients one by one."


def notes(fit: Any) -> list[str]:
    """Return what a careful reader should know about this fit: the warnings, and what is no fault."""
    said, alpha = warnings(fit), fit.fitted.options["alpha"]
    if alpha and fit.equations and not fit.dropped:
        said.append(f"Columns depend on each other: {_some(fit.equations, '; ')}. The penalty decides among them.")
    if alpha and fit.near_equations:
        said.append(_near(fit))
    if fit.collinearity.inflated:
        names = _some([fit.names[j] for j in fit.collinearity.inflated])
        largest = f"the largest variance inflation factor is {fit.collinearity.largest:.2g}"
        said.append(f"Nearly collinear: {names} ({largest}). {_ONE_BY_ONE}")
    return said


def warnings(fit: Any) -> list[str]:
    """Return the notes that `fit` also gives as warnings."""
    training, constant, n, alpha = fit.training, fit.constant, len(fit.names), fit.fitted.options["alpha"]
    said = []
    if fit.status is not Status.CONVERGED:
        said.append(f"{fit.status.message} {fit.status.remedy}")
    if constant:
        said.append(f"Constant in the training rows, so the coefficient is 0: {_some(constant)}.")
    if not fit.rank_known:
        few = n <= MOST_COLUMNS
        remedy = (
            'Exact sums decide it: precision="exact" (--precision exact)' if few else "They are too many to tell which"
        )
        said.append(f"Rank unknown: in double some columns may depend on each other. {remedy}.")
    elif fit.equations and (fit.dropped or not alpha):
        what = "The coefficients are not unique; the minimum-norm solution is shown"
        if fit.dropped:
            what = f"Left out, with coefficient 0: {_some(fit.dropped)}"
        shown = _some(fit.equations, "; ")
        said.append(f"Columns depend on each other (rank {training.rank} of {n}): {shown}. {what}.")
    elif training.rank < n - len(constant) and not alpha:
        said.append(
            f"There are only {fit.tally.used:,} rows (rank {training.rank} of {n}). The coefficients are not unique; "
            "the minimum-norm solution is shown. It may predict new rows badly."
        )
    if fit.near_equations and not alpha:
        said.append(_near(fit))
    if fit.perfect:
        said.append(
            "Essentially perfect fit: the residuals are rounding of the stored numbers, so there are no standard "
            "errors, t, F or AIC. Is the target among the features, in other units?"
        )
    return said


def _near(fit: Any) -> str:
    shown = _some(fit.near_equations, "; ")
    return f"Nearly collinear (they differ only by rounding): {shown}. {_ONE_BY_ONE}"


def _some(texts: Sequence[str], between: str = ", ") -> str:
    """Return the first five of some texts."""
    return between.join([*texts[:5], *["…"] * (len(texts) > 5)])
