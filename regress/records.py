"""What is known of results, as plain values: what passes between computing, files, texts, charts and pages."""

import platform
from math import nan
from typing import NamedTuple

import numpy as np

from regress.blocks import Array

STEPS = 200  # of a descent that does not arrive before
ROUNDING = 1e-15  # of the first loss: where the difference to the minimum is rounding
_CURVE = 72  # points of an ellipse

# What tables of coefficients call their columns: in frames, on the terminal, in JSON and in files.
TESTS = ("std_err", "t", "p_value", "ci_low", "ci_high")
COLUMNS = ("coef", *TESTS, "standardized", "digits")
PREDICTIONS = ("prediction", "pi_low", "pi_high")  # and what tables of predictions call theirs
INTERCEPT = "(intercept)"


class Bound(NamedTuple):
    """What a number in a record must be at least, or above, and the most that its size may be."""

    at_least: int | None = None
    above: int | None = None
    most: float | None = None


def number(value: float | None) -> float:
    """Return a figure of a record as a number: NaN where it is missing."""
    return nan if value is None else value


class DescentPath(NamedTuple):
    """Where one method was before each step: two coefficients (steps, 2), and L above its minimum (steps,).

    Where it `arrived`, it ends with the first step at which what is left is rounding.
    """

    method: str
    points: Array
    excess: Array
    arrived: bool


class Descents(NamedTuple):
    """Paths over two coefficients, in the user's units, and the loss that they descend.

    With all other coefficients at their best, L − min L = (p − minimum)ᵀ curvature (p − minimum).
    """

    minimum: Array
    curvature: Array
    paths: tuple[DescentPath, ...]

    def contour(self, excess: float) -> Array:
        """Return points (k, 2) of the ellipse on which L is `excess` above its minimum."""
        scale = np.sqrt(np.diagonal(self.curvature))
        values, vectors = np.linalg.eigh(self.curvature / scale / scale[:, None])
        values = np.maximum(values, 1e-9)  # columns that depend on each other: a valley without an end
        turn = np.linspace(0.0, 2.0 * np.pi, _CURVE + 1)
        circle = np.array([np.cos(turn), np.sin(turn)])
        points: Array = (vectors @ (circle * np.sqrt(excess / values)[:, None])) / scale[:, None]
        return points.T + self.minimum


def objective_text(weighted: bool, alpha: float, loss: str = "", penalty: str = "") -> str:
    """Write what was minimized; a loss or a penalty that was given as an object by its name."""
    text = loss or f"Σ{'a' if weighted else ''}(ŷ − y)²"
    return text + (f" + {penalty}" if penalty else f" + {alpha:g}‖w‖²" if alpha else "")


def environment() -> dict[str, str]:
    """Return the versions of what computes: Python, NumPy, SciPy and this package."""
    import scipy

    from regress import __version__

    return {
        "regress": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
    }
