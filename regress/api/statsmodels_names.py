"""The names of statsmodels' results, so that tools made for those can read a fit."""

from typing import Any, Protocol

from regress.errors import InputError
from regress.inference.standard_errors import Statistics


class _Known(Protocol):
    """What a fit knows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of w."""

    @property
    def coefficients(self) -> Any:
        """A frame of the intercept, if any, and w, and their statistics."""

    @property
    def r2(self) -> float:
        """R² on the training rows."""

    @property
    def statistics(self) -> Statistics | None:
        """Standard errors and what follows from them."""

    @property
    def statistics_missing(self) -> str:
        """Why there are none."""


class StatsmodelsNames:
    """Attributes and methods of the same names and values as in statsmodels' OLS and WLS results.

    The intercept comes first and is called "(intercept)". All but `params` and `rsquared` raise an InputError where
    there are no statistics, and say why. Series and frames are made by pandas, on use.
    """

    @property
    def params(self: _Known) -> Any:
        """Coefficients, as a Series by name."""
        return _column(self, "coef")

    @property
    def bse(self: _Known) -> Any:
        """Standard errors, as a Series by name; NaN for coefficients that cannot be estimated."""
        _statistics(self, "bse")
        return _column(self, "std_err")

    @property
    def tvalues(self: _Known) -> Any:
        """Values of t, as a Series by name."""
        _statistics(self, "tvalues")
        return _column(self, "t")

    @property
    def pvalues(self: _Known) -> Any:
        """Two-sided p-values of t, as a Series by name."""
        _statistics(self, "pvalues")
        return _column(self, "p_value")

    def conf_int(self: _Known, alpha: float = 0.05) -> Any:
        """Return 1 − alpha confidence intervals, as a DataFrame by name with the columns 0 and 1.

        Parameters
        ----------
        alpha : float
            1 − the level, such as 0.05 for 95 %.

        Raises
        ------
        InputError
            If alpha is not between 0 and 1, or there are no statistics.
        """
        from regress.sources.frames import of_columns

        if not 0.0 < alpha < 1.0:
            raise InputError(f"alpha must be between 0 and 1, such as 0.05; got {alpha!r}.")
        low, high = _statistics(self, "conf_int").intervals(alpha)
        return of_columns({0: low, 1: high}, index=_column(self, "coef").index)

    def cov_params(self: _Known) -> Any:
        """Return the covariance of the coefficients, as a DataFrame by name.

        Raises
        ------
        InputError
            If there are no statistics.
        """
        from regress.sources.frames import of_columns

        matrix, names = _statistics(self, "cov_params").joint_covariance, _column(self, "coef").index
        return of_columns(dict(zip(names, matrix.T, strict=True)), index=names)

    @property
    def rsquared(self: _Known) -> float:
        """R² on the training rows, as `r2`."""
        return self.r2

    @property
    def rsquared_adj(self: _Known) -> float:
        """Adjusted R²."""
        return _statistics(self, "rsquared_adj").r2_adjusted

    @property
    def aic(self: _Known) -> float:
        """Akaike's information criterion."""
        return _statistics(self, "aic").aic

    @property
    def bic(self: _Known) -> float:
        """Bayesian information criterion."""
        return _statistics(self, "bic").bic

    @property
    def llf(self: _Known) -> float:
        """Log-likelihood."""
        return _statistics(self, "llf").llf

    @property
    def df_model(self: _Known) -> float:
        """Independent columns, without the intercept."""
        return float(_statistics(self, "df_model").df_model)

    @property
    def df_resid(self: _Known) -> float:
        """Residual degrees of freedom."""
        return _statistics(self, "df_resid").df_resid

    @property
    def fvalue(self: _Known) -> float:
        """F of all columns together."""
        return _statistics(self, "fvalue").fvalue

    @property
    def f_pvalue(self: _Known) -> float:
        """The p-value of F."""
        return _statistics(self, "f_pvalue").f_pvalue

    @property
    def vif(self: _Known) -> Any:
        """Variance inflation factors, as a Series by column; infinite for dependent columns."""
        from regress.sources.frames import of_columns

        return of_columns({"vif": _statistics(self, "vif").inverse.inflation}, index=list(self.names))["vif"].rename(
            None
        )


def _statistics(fit: _Known, name: str) -> Statistics:
    if fit.statistics is None:
        raise InputError(f"This fit has no {name}, as it has no standard errors. {fit.statistics_missing}")
    return fit.statistics


def _column(fit: _Known, name: str) -> Any:
    return fit.coefficients[name].rename(None).rename_axis(None)
