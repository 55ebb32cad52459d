"""Plots of results on matplotlib's axes; each drawn by a function of `regress.api.plot`."""

from regress.api.plot import (
    coefficients,
    comparison,
    convergence,
    descent,
    effects,
    leverage,
    order,
    residuals,
    training,
)
from regress.report.axes import Display

__all__ = [
    "Display",
    "coefficients",
    "comparison",
    "convergence",
    "descent",
    "effects",
    "leverage",
    "order",
    "residuals",
    "training",
]
