"""What a model keeps to make prediction intervals of."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.numerics.prediction import chunks, fold

_ROUNDING = 2.0**-52
_KNOWN = 1e-3  # of a variance that its rounding may be
_LEAST = 1e-290  # variance that a float64 holds beside parts of it
TOLERANCE = 1e-6  # of unit variances: how far below 0 the least variance of a combination may be


class Uncertainty(NamedTuple):
    """What prediction intervals need: degrees of freedom, σ², x̄, and covariances of w and of the prediction at x̄."""

    df_resid: float
    variance: float
    center: Array
    covariance: Array
    across: Array
    of_center: float

    @property
    def proper(self) -> bool:
        """Whether all is finite, and no combination of coefficients has a negative variance, except for rounding."""
        if not all(np.isfinite(value).all() for value in self) or self.variance <= _LEAST:
            return False
        return semidefinite(self.covariance, self.across, self.of_center)

    def half_width(self, rows: Array, level: float) -> Array:
        """Return t · √(σ² + variance of ŷ) for rows (m, n).

        Raises
        ------
        InputError
            If rounding of covariances hides the variance of ŷ in some row.
        """
        from scipy import special

        spread = np.empty(len(rows))
        with np.errstate(over="ignore", invalid="ignore"):  # a missing cell may be infinite or NaN
            for part in chunks(len(rows), len(self.center)):
                spread[part] = self._form(np.subtract(rows[part].T, self.center[:, None], order="C")) + self.of_center
        self._check(rows, self.variance + spread)
        t = float(special.stdtrit(self.df_resid, 0.5 + level / 2.0))
        return np.asarray(t * np.sqrt(self.variance + np.maximum(spread, 0.0)))

    def _check(self, rows: Array, variance: Array) -> None:
        """Refuse rows for which terms of zᵀCz cancel, as those of powers of large numbers do."""
        errors = np.sqrt(np.maximum(np.diagonal(self.covariance), 0.0))
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.square(np.abs(rows - self.center) @ errors)  # no less than |z|ᵀ|C||z|
            doubtful = _ROUNDING * size > _KNOWN * np.maximum(variance, self.variance)
        if doubtful.any():
            z = np.abs(rows[doubtful] - self.center)
            noise = _ROUNDING * np.einsum("ij,jk,ik->i", z, np.abs(self.covariance), z)
            if (noise > _KNOWN * np.maximum(variance[doubtful], self.variance)).any():
                raise InputError(
                    "The columns are so nearly dependent that rounding hides the variance of predictions. Write powers "
                    "of large numbers about their center, as in poly(year - 2000, 5)."
                )

    def _form(self, z: Array) -> Array:
        """Return zᵀCz + 2zᵀc for columns z (n, m), added in a fixed order: a row has the same bits in any block."""
        twice = 2.0 * self.covariance
        np.fill_diagonal(twice, np.diagonal(self.covariance))
        terms, inner = np.empty_like(z), np.empty_like(z)
        for j, coefficients in enumerate(twice):
            below = np.multiply(z[: j + 1], coefficients[: j + 1, None], out=inner[: j + 1])
            np.add(fold(below), 2.0 * self.across[j], out=terms[j])
        terms *= z
        return fold(terms)

    @np.errstate(over="ignore", invalid="ignore")
    def joint(self, errors: Array, fit_intercept: bool) -> Array:
        """Return the covariance of b, if fitted, and of w, whose standard errors are `errors`; NaN where they are."""
        known = ~np.isnan(errors)
        of_w = self.covariance
        if fit_intercept:
            with_b = self.across - of_w @ self.center
            of_w = np.block([[np.array(errors[0] ** 2), with_b], [with_b[:, None], of_w]])
        return np.where(known & known[:, None], of_w, np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return what the file holds: of the symmetric matrix its lower triangle."""
        lower = [row[: i + 1] for i, row in enumerate(self.covariance.tolist())]
        vectors = {"center": self.center.tolist(), "across": self.across.tolist()}
        return {**self._asdict(), "covariance": lower, **vectors}

    @staticmethod
    def of_dict(held: Mapping[str, Any]) -> "Uncertainty":
        """Read what `to_dict` wrote."""
        n = len(held["covariance"])
        lower = np.zeros((n, n))
        for i, row in enumerate(held["covariance"]):
            lower[i, : i + 1] = row
        covariance = lower + np.tril(lower, -1).T
        center, across = np.array(held["center"]), np.array(held["across"])
        return Uncertainty(held["df_resid"], held["variance"], center, covariance, across, held["of_center"])


def checked(uncertainty: Uncertainty | None, level: float) -> Uncertainty:
    """Return what intervals of a level need.

    Raises
    ------
    InputError
        If there are none, or the level is no probability.
    """
    if not (isinstance(level, Real) and 0.0 < level < 1.0):
        raise InputError(f"The level of an interval must be between 0 and 1, such as 0.95; got {level!r}.")
    if uncertainty is None:
        raise InputError(
            "This model has no prediction intervals. Possible reasons: another loss, a penalty, an unknown rank, "
            "no degrees of freedom, over 200 columns, no convergence, or a perfect fit. Fit it again without them."
        )
    return uncertainty


def semidefinite(matrix: Array, across: Array, corner: float) -> bool:
    """Tell whether [[matrix, across], [acrossᵀ, corner]] is positive semi-definite, except for rounding."""
    joint = np.block([[matrix, across[:, None]], [across, np.array(corner)]])
    size = np.sqrt(np.maximum(np.diagonal(joint), 0.0))
    unit = np.where(size > 0, size, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = joint / unit / unit[:, None] + TOLERANCE * np.eye(len(joint))
        try:
            return bool(np.isfinite(np.linalg.cholesky(scaled)).all())
        except np.linalg.LinAlgError:
            return False
