"""Plots of results on matplotlib's axes; see `regress.api.plot`."""

from regress.api.plot import Display, coefficients, comparison, convergence, descent, residuals

__all__ = ["Display", "coefficients", "comparison", "convergence", "descent", "residuals"]
