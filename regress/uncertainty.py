"""What a model keeps to make prediction intervals of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from regress.numerics.twofold import Array


class Uncertainty(NamedTuple):
    """What prediction intervals need: degrees of freedom, σ², x̄, and covariances of w and of the prediction at x̄."""

    degrees: float
    variance: float
    center: Array
    covariance: Array
    across: Array
    of_center: float

    def half_width(self, rows: Array, level: float) -> Array:
        """Return t · √(σ² + variance of ŷ) for rows (m, n)."""
        from scipy import special

        centred = rows - self.center
        spread = np.einsum("ij,ij->i", centred @ self.covariance + 2.0 * self.across, centred) + self.of_center
        t = float(special.stdtrit(self.degrees, 0.5 + level / 2.0))
        return np.asarray(t * np.sqrt(self.variance + np.maximum(spread, 0.0)))

    def to_dict(self) -> dict[str, Any]:
        """Return what the file holds: of the symmetric matrix its lower triangle."""
        lower = [row[: i + 1] for i, row in enumerate(self.covariance.tolist())]
        vectors = {"center": self.center.tolist(), "across": self.across.tolist()}
        return {**self._asdict(), "covariance": lower, **vectors}

    @staticmethod
    def of_dict(held: Mapping[str, Any]) -> "Uncertainty":
        """Read what `to_dict` wrote."""
        n = len(held["covariance"])
        lower = np.array([row + [0.0] * (n - len(row)) for row in held["covariance"]], dtype=np.float64).reshape(n, -1)
        covariance = lower + np.tril(lower, -1).T
        center, across = (np.array(held[name], dtype=np.float64) for name in ("center", "across"))
        return Uncertainty(held["degrees"], held["variance"], center, covariance, across, held["of_center"])
