"""Statistics of a fit from its moments: standard errors, t, p, intervals, R², F, AIC and BIC.

With e = y − ŷ, N observations and k parameters, σ² = Σ a e²/(N − k) and the covariance of w is σ²(∇²L/2)⁻¹. N counts
rows of weight above 0, and with frequency weights Σa. Log-likelihood, AIC = −2ℓ + 2k and BIC are those of statsmodels
(R counts σ among the parameters of AIC, 2 more). White's covariances HC0 and HC1 = HC0 · N/(N − k), which hold where
the spread of e varies from row to row, take a second pass over the rows.
"""

from dataclasses import dataclass
from functools import cached_property
from math import inf, log, nan, pi, sqrt
from typing import Any, Literal

import numpy as np

from regress.evidence.inverse import Inverse
from regress.evidence.robust import Meat
from regress.numerics.twofold import Array

Errors = Literal["classical", "HC0", "HC1"]
_FIGURES = (
    *("errors", "observations", "degrees", "sigma", "rss", "log_likelihood", "aic", "bic"),
    *("r2", "r2_adjusted", "r2_uncentred", "r2_uncentred_adjusted"),
)


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a statistician asks of a fit.

    Attributes
    ----------
    w, b : array of shape (n,), float
        The coefficients.
    inverse : Inverse
        Of the curvature of L.
    observations : float
        N.
    weight, log_weight : float
        Σa, and Σ log a (0 with frequency weights).
    rss, square, uncentred : float
        Σ a e², Σ a (y − ȳ)², Σ a y².
    fit_intercept : bool
        Whether b is a parameter.
    errors : {"classical", "HC0", "HC1"}
        Whose standard errors.
    meat : Meat, optional
        Σ (a e)² z zᵀ over z = [x − x̄, 1], for HC0 and HC1.
    """

    w: Array
    b: float
    inverse: Inverse
    observations: float
    weight: float
    log_weight: float
    rss: float
    square: float
    uncentred: float
    fit_intercept: bool
    errors: Errors = "classical"
    meat: Meat | None = None

    @property
    def parameters(self) -> int:
        """Return k: independent columns, and the intercept."""
        return self.inverse.rank + self.fit_intercept

    @property
    def degrees(self) -> float:
        """Degrees of freedom N − k."""
        return self.observations - self.parameters

    @property
    def sigma(self) -> float:
        """Residual standard error √(Σ a e²/(N − k)), in units of y."""
        return sqrt(self.rss / self.degrees)

    @cached_property
    def covariance(self) -> tuple[Array, Array, float]:
        """Covariance of w (n, n), of w with the prediction at x̄ (n,), and the variance of that prediction."""
        C, W = self.inverse.matrix, self.weight
        if self.meat is None:
            return self.sigma**2 * C, np.zeros(len(C)), self.sigma**2 / W if self.fit_intercept else 0.0
        meat = self.meat.matrix * (self.observations / self.degrees if self.errors == "HC1" else 1.0)
        bread, level = C * self.meat.scale[:-1], float(self.meat.scale[-1]) / W * self.fit_intercept
        of_w = bread @ meat[:-1, :-1] @ bread.T
        return (of_w + of_w.T) / 2.0, bread @ meat[:-1, -1] * level, float(meat[-1, -1]) * level**2

    @cached_property
    def standard_errors(self) -> Array:
        """Standard errors of w (n,); NaN for columns that are constant or left out."""
        variances = np.maximum(np.diagonal(self.covariance[0]), 0.0)
        return np.sqrt(np.where(np.diagonal(self.inverse.matrix) == 0, nan, variances))

    @cached_property
    def standard_error_b(self) -> float:
        """Standard error of b; NaN where none is fitted."""
        if not self.fit_intercept:
            return nan
        if self.meat is None:
            return self.sigma * sqrt(1.0 / self.weight + self.inverse.of_center)
        (of_w, across, of_center), x = self.covariance, self.inverse.center
        return sqrt(max(float(of_center - 2.0 * x @ across + x @ of_w @ x), 0.0))

    def tests(self) -> list[tuple[float, float, float, float, float]]:
        """Return (standard error, t, p, low, high) of b, if fitted, and of each w: 95 % intervals."""
        from scipy import special

        values = np.append(self.b, self.w) if self.fit_intercept else self.w
        errors = np.append(self.standard_error_b, self.standard_errors) if self.fit_intercept else self.standard_errors
        with np.errstate(divide="ignore", invalid="ignore"):
            t = values / errors
        p = 2.0 * special.stdtr(self.degrees, -np.abs(t))
        half = special.stdtrit(self.degrees, 0.975) * errors
        return list(zip(*(v.tolist() for v in (errors, t, p, values - half, values + half)), strict=True))

    @property
    def r2(self) -> float:
        """1 − Σ a e²/Σ a (y − ȳ)²; NaN where y is constant."""
        return 1.0 - self.rss / self.square if self.square > 0 else nan

    @property
    def r2_uncentred(self) -> float:
        """1 − Σ a e²/Σ a y², which R and statsmodels show without an intercept."""
        return 1.0 - self.rss / self.uncentred if self.uncentred > 0 else nan

    @property
    def r2_adjusted(self) -> float:
        """Return 1 − (1 − R²)(N − 1)/(N − k)."""
        return 1.0 - (1.0 - self.r2) * (self.observations - 1.0) / self.degrees

    @property
    def r2_uncentred_adjusted(self) -> float:
        """Return 1 − (1 − R²)N/(N − k), uncentred."""
        return 1.0 - (1.0 - self.r2_uncentred) * self.observations / self.degrees

    @property
    def f(self) -> tuple[float, float]:
        """F of all columns together, by HC0 and HC1 with their covariance, and its p; NaN without any."""
        from scipy import special

        rank, explained = self.inverse.rank, (self.square if self.fit_intercept else self.uncentred) - self.rss
        if not rank or explained <= 0:
            return nan, nan
        if self.rss == 0:
            return inf, 0.0
        f = explained / rank / (self.rss / self.degrees)
        if self.meat is not None:
            errors = np.where(self.standard_errors > 0, self.standard_errors, np.inf)
            t = self.w / errors
            f = float(t @ np.linalg.pinv(self.covariance[0] / errors / errors[:, None], hermitian=True) @ t / rank)
        return f, float(special.fdtrc(rank, self.degrees, f))

    @property
    def log_likelihood(self) -> float:
        """ℓ at the fit, with the variance that maximises it."""
        n = self.observations
        if self.rss == 0:
            return inf
        return -n / 2.0 * (log(2.0 * pi) + log(self.rss / n) + 1.0) + self.log_weight / 2.0

    @property
    def aic(self) -> float:
        """−2ℓ + 2k."""
        return -2.0 * self.log_likelihood + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """−2ℓ + k log N."""
        return -2.0 * self.log_likelihood + self.parameters * log(self.observations)

    def to_dict(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the figures by name, for JSON; `names` are those of w."""
        shown = ("(intercept)", *names) if self.fit_intercept else names
        columns = zip(*self.tests(), strict=True)
        heads = ("standard_errors", "t", "p", "low", "high")
        by_name = {head: dict(zip(shown, v, strict=True)) for head, v in zip(heads, columns, strict=True)}
        of_columns = dict(zip(names, self.inverse.inflation.tolist(), strict=True))
        return by_name | self.figures() | {"inflation": of_columns}

    def figures(self) -> dict[str, Any]:
        """Return the figures that are of the whole fit, not of a column."""
        f, p = self.f
        figures = {name: getattr(self, name) for name in _FIGURES}
        return figures | {"f": f, "f_p": p, "condition": self.inverse.condition}
