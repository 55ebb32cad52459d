"""Statistics of a fit from its moments: standard errors, t, p, intervals, R², F, AIC and BIC.

With e = y − ŷ, N observations and k parameters, σ² = Σ a e²/(N − k) and the covariance of w is σ²(∇²L/2)⁻¹. N counts
rows of weight above 0, and with frequency weights Σa. Log-likelihood, AIC = −2ℓ + 2k and BIC are those of statsmodels
(R counts σ among the parameters of AIC, 2 more). White's covariances HC0 and HC1 = HC0 · N/(N − k) hold where the
spread of e varies from row to row. Like other robust kinds, they take a second pass over the rows.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log, nan, pi, sqrt
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.inference.covariance import Inverse
from regress.inference.prediction_intervals import Uncertainty
from regress.inference.robust_covariance import Meat
from regress.inference.sums_of_squares import Squares
from regress.records import TESTS

_FIGURES = (
    *("cov_type", "nobs", "df_model", "df_resid", "sigma", "rss", "llf", "aic", "bic"),
    *("r2", "r2_adjusted", "fvalue", "f_pvalue", "condition"),
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
    squares : Squares
        Σ a e² at its minimum, Σ a (y − ȳ)² and Σ a y².
    nobs : float
        N.
    weight, log_weight : float
        Σa, and Σ log a (0 with frequency weights).
    fit_intercept : bool
        Whether b is a parameter.
    cov_type : str
        Whose standard errors: "nonrobust", "HC0", "HC1", or the name of another kind.
    meat : Meat, optional
        The middle of a robust covariance over z = [x − x̄, 1].
    """

    w: Array
    b: float
    inverse: Inverse
    squares: Squares
    nobs: float
    weight: float
    log_weight: float
    fit_intercept: bool
    cov_type: str = "nonrobust"
    meat: Meat | None = None

    @property
    def parameters(self) -> int:
        """Return k: independent columns, and the intercept."""
        return self.inverse.rank + self.fit_intercept

    @property
    def df_model(self) -> int:
        """Independent columns."""
        return self.inverse.rank

    @property
    def df_resid(self) -> float:
        """Degrees of freedom N − k."""
        return self.nobs - self.parameters

    @property
    def df_test(self) -> float:
        """Degrees of freedom of t; infinite where it is normal."""
        return self.df_resid

    @property
    def rss(self) -> float:
        """Σ a e² at its minimum, so that rounding of w is no part of it; NaN below the range of float64."""
        return self.squares.residual * self.squares.unit**2 or nan

    @property
    def sigma(self) -> float:
        """Residual standard error √(Σ a e²/(N − k)), in units of y."""
        return sqrt(self._variance) * self.squares.unit

    @property
    def _variance(self) -> float:
        return self.squares.residual / self.df_resid

    @cached_property
    def covariance(self) -> tuple[Array, Array, float]:
        """Covariance of w (n, n), of w with the prediction at x̄ (n,), and the variance of that prediction."""
        of_w, across, of_center = self._scaled
        unit = self.squares.unit / self.inverse.scale
        with np.errstate(over="ignore"):  # standard errors may be in range where their squares are not
            return of_w * unit * unit[:, None], across * unit * self.squares.unit, of_center * self.squares.unit**2

    @cached_property
    def _scaled(self) -> tuple[Array, Array, float]:
        """The covariance for columns and y in units of their own."""
        C, W = self.inverse.matrix, self.weight
        if self.meat is None:
            return self._variance * C, np.zeros(len(C)), self._variance / W if self.fit_intercept else 0.0
        meat = self.meat.matrix
        scale = self.meat.scale / np.append(self.inverse.scale, 1.0) / self.squares.unit
        bread, level = C * scale[:-1], float(scale[-1]) / W * self.fit_intercept
        of_w = bread @ meat[:-1, :-1] @ bread.T
        return (of_w + of_w.T) / 2.0, bread @ meat[:-1, -1] * level, float(meat[-1, -1]) * level**2

    @cached_property
    def _spread(self) -> Array:
        """√ of the variances of w, also where only the sum of some can be estimated."""
        unit = self.squares.unit / self.inverse.scale
        return np.asarray(np.sqrt(np.maximum(np.diagonal(self._scaled[0]), 0.0)) * unit)

    @cached_property
    def standard_errors(self) -> Array:
        """Standard errors of w (n,); NaN for columns that are constant, excluded or cannot be estimated."""
        return np.where(self.inverse.estimable, self._spread, nan)

    @cached_property
    def standard_error_b(self) -> float:
        """Standard error of b; NaN where none is fitted, or it cannot be estimated."""
        if not self.fit_intercept or not self.inverse.intercept_estimable:
            return nan
        if self.meat is None:
            return sqrt(self._variance) * self.squares.unit * sqrt(1.0 / self.weight + self.inverse.of_center)
        (of_w, across, of_center), x = self._scaled, self.inverse.center / self.inverse.scale
        return sqrt(max(float(of_center - 2.0 * x @ across + x @ of_w @ x), 0.0)) * self.squares.unit

    @property
    def all_errors(self) -> Array:
        """Standard errors of b, if fitted, and of w."""
        return np.append(self.standard_error_b, self.standard_errors) if self.fit_intercept else self.standard_errors

    @property
    def uncertainty(self) -> Uncertainty:
        """What prediction intervals need."""
        center = self.inverse.center * self.fit_intercept
        return Uncertainty(self.df_resid, self.sigma**2, center, *self.covariance)

    @property
    def estimates(self) -> Array:
        """b, if fitted, and w."""
        return np.append(self.b, self.w) if self.fit_intercept else self.w

    def intervals(self, alpha: float = 0.05) -> tuple[Array, Array]:
        """Return both ends of the 1 − alpha confidence intervals of b, if fitted, and of w."""
        from scipy import special

        half = special.stdtrit(self.df_test, 1.0 - alpha / 2.0) * self.all_errors
        return self.estimates - half, self.estimates + half

    def tests(self, level: float = 0.95) -> list[tuple[float, float, float, float, float]]:
        """Return `regress.records.TESTS` of b, if fitted, and of each w, with intervals of a level."""
        from scipy import special

        values, errors = self.estimates, self.all_errors
        with np.errstate(divide="ignore", invalid="ignore"):  # White's may be 0
            t = values / errors
        p = 2.0 * special.stdtr(self.df_test, -np.abs(t))
        return list(zip(*(v.tolist() for v in (errors, t, p, *self.intervals(1.0 - level))), strict=True))

    @property
    def _total(self) -> float:
        """Σ a (y − ȳ)², or Σ a y² without intercept."""
        return self.squares.centered if self.fit_intercept else self.squares.uncentered

    @property
    def r2(self) -> float:
        """1 − Σ a e²/Σ a (y − ȳ)², or 1 − Σ a e²/Σ a y² without intercept; NaN where that is 0."""
        return self.squares.r2(self.fit_intercept, excess=0.0)

    @property
    def r2_adjusted(self) -> float:
        """Return 1 − (1 − R²)(N − 1)/(N − k), or 1 − (1 − R²)N/(N − k) without intercept."""
        return 1.0 - (1.0 - self.r2) * (self.nobs - self.fit_intercept) / self.df_resid

    @cached_property
    def fvalue(self) -> float:
        """F of all columns together, by HC0 and HC1 with their covariance; NaN where it has no digit, or no column."""
        rank, squares = self.inverse.rank, self.squares
        known = squares.explained
        explained = self._total - squares.residual if known is None else known[not self.fit_intercept]
        if not rank or explained <= 0:
            return nan
        f = explained / rank / self._variance
        if self.meat is not None:
            spread = np.where(self._spread > 0, self._spread, np.inf)
            unit = self.squares.unit / self.inverse.scale / spread
            values, vectors = np.linalg.eigh(self._scaled[0] * unit * unit[:, None])  # all but `rank` values are 0
            if values[-rank] <= len(values) * 2.0**-52 * values[-1]:
                return nan  # in float64 one more of them is 0: F would have no digit
            f = float(((self.w / spread @ vectors[:, -rank:]) ** 2 / values[-rank:]).sum() / rank)
        return f

    @property
    def f_pvalue(self) -> float:
        """The p-value of F; NaN without any column."""
        from scipy import special

        return float(special.fdtrc(self.df_model, self.df_resid, self.fvalue)) if self.fvalue == self.fvalue else nan

    @property
    def condition(self) -> float:
        """Condition number of the scaled columns."""
        return self.inverse.condition

    @property
    def llf(self) -> float:
        """ℓ at the fit, with the variance that maximizes it."""
        n = self.nobs
        variance = log(self.squares.residual / n) + 2.0 * log(self.squares.unit)
        return -n / 2.0 * (log(2.0 * pi) + variance + 1.0) + self.log_weight / 2.0

    @property
    def aic(self) -> float:
        """−2ℓ + 2k."""
        return -2.0 * self.llf + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """−2ℓ + k log N."""
        return -2.0 * self.llf + self.parameters * log(self.nobs)

    def to_dict(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the figures by name, for JSON; `names` are those of w."""
        shown = ("(intercept)", *names) if self.fit_intercept else names
        columns = zip(*self.tests(), strict=True)
        by_name = {head: dict(zip(shown, v, strict=True)) for head, v in zip(TESTS, columns, strict=True)}
        of_columns = dict(zip(names, self.inverse.inflation.tolist(), strict=True))
        return by_name | self.figures() | {"vif": of_columns}

    def figures(self) -> dict[str, Any]:
        """Return the figures of the fit that are not those of a column."""
        return {name: getattr(self, name) for name in _FIGURES}
