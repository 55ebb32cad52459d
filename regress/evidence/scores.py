"""How well a fit predicts rows, from their moments alone."""

import numpy as np

from regress.calculus import derived
from regress.numerics.moments import Moments
from regress.numerics.twofold import Array
from regress.training.objective import Coordinates


def r2(moments: Moments, w: Array, center: Array, b_center: float) -> float:
    """Return R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)² over the rows of some moments; NaN where y is constant."""
    form = Coordinates(center, np.ones(len(w)), 0.0).moments(moments, 0)
    error = max(derived.moments(form, w, b_center).value, 0.0)
    return float(1.0 - error / form.square) if form.square > 0 else float("nan")
