"""The names of statsmodels' results, so that tools made for those can read a fit."""

from math import inf
from numbers import Real
from typing import Any, Protocol

import numpy as np

from regress.api.model import LinearModel
from regress.blocks import Array
from regress.errors import InputError, UnavailableError
from regress.fit_record import Figures, FitRecord
from regress.records import TESTS, number

NO_COVARIANCE = "Covariances are kept of the squared error, for at most 200 columns, and within the range of float64."


class _Known(Protocol):
    """What a fit knows."""

    @property
    def model(self) -> LinearModel:
        """What predicts."""

    @property
    def record(self) -> FitRecord:
        """All that is known of it."""

    @property
    def r2(self) -> float:
        """R² on the training rows."""


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
        _figures(self, "bse")
        return _column(self, "std_err")

    @property
    def tvalues(self: _Known) -> Any:
        """Values of t, as a Series by name."""
        _figures(self, "tvalues")
        return _column(self, "t")

    @property
    def pvalues(self: _Known) -> Any:
        """Two-sided p-values of t, as a Series by name.

        With HC0 and HC1 statsmodels takes them from the normal distribution, unless it is given ``use_t=True``.
        """
        _figures(self, "pvalues")
        return _column(self, "p_value")

    @np.errstate(over="ignore")
    def conf_int(self: _Known, alpha: float | None = None) -> Any:
        """Return 1 − alpha confidence intervals, as a DataFrame by name with the columns 0 and 1.

        Parameters
        ----------
        alpha : float, optional
            1 − the level, such as 0.05 for 95 %. Default: the level of the fit.

        Raises
        ------
        InputError
            If alpha is not between 0 and 1, or there are no statistics.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> regress.fit(table, "y").conf_int(alpha=0.1).round(2)
                        0     1
        (intercept) -1.57 -0.13
        x            1.68  2.20
        """
        from regress.sources.frames import of_columns

        alpha = 1.0 - self.record.trained.options.level if alpha is None else alpha
        if not (isinstance(alpha, Real) and 0.0 < alpha < 1.0):
            raise InputError(f"alpha must be between 0 and 1, such as 0.05; got {alpha!r}.")
        found, lines = _figures(self, "conf_int"), self.record.coefficients
        at, errors = np.array([line.coef for line in lines]), np.array([number(line.std_err) for line in lines])
        half = _half_widths(errors, found.df_test, alpha)
        return of_columns({0: at - half, 1: at + half}, index=[line.name for line in lines])

    def cov_params(self: _Known) -> Any:
        """Return the covariance of the coefficients, as a DataFrame by name.

        Raises
        ------
        InputError
            If there are no statistics, or more than 200 columns.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> regress.fit(table, "y").cov_params().round(3)
                     (intercept)      x
        (intercept)        0.062 -0.021
        x                 -0.021  0.008
        """
        from regress.sources.frames import of_columns

        _figures(self, "cov_params")
        model, lines = self.model, self.record.coefficients
        if model.uncertainty is None:
            raise UnavailableError(f"This fit has no cov_params. {NO_COVARIANCE}")
        errors = np.array([number(line.std_err) for line in lines])
        matrix = model.uncertainty.joint(errors, fit_intercept=model.trained.options.fit_intercept)
        names = [line.name for line in lines]
        return of_columns(dict(zip(names, matrix.T, strict=True)), index=names)

    @property
    def terms(self: _Known) -> Any:
        """F tests that all coefficients of a term are 0, as a DataFrame by term: df, F and p_value.

        They are Wald tests, as `wald_test_terms` of statsmodels with ``use_f=True``, and tests of type III in R's car.
        In a product, coefficients of its factors are those at the reference level or zero of the others. F is NaN where
        columns depend on each other.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit({"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": [1.0, 3.0, 7.0, 13.0, 22.0]}, "y ~ poly(x, 2)")
        >>> [str(name) for name in fit.terms.index], int(fit.terms["df"].iloc[0])
        (['poly(x, 2)'], 2)
        """
        from regress.sources.frames import to_frame

        _figures(self, "terms")
        tested = {test.term: test[1:] for test in self.record.terms.tests}
        rows: dict[str, tuple[int, float | None, float | None]] = {}
        for line in self.record.columns:
            label = str(line.column)
            single = (1, None if line.t is None else line.t**2, line.p_value)
            rows[label] = tested.get(label) or (single if label not in rows else (rows[label][0] + 1, None, None))
        lines = [(label, df, number(f), number(p)) for label, (df, f, p) in rows.items()]
        return to_frame(lines, ["term", "df", "F", "p_value"], index="term")

    @property
    def rsquared(self: _Known) -> float:
        """R² on the training rows, as `r2`."""
        return self.r2

    @property
    def rsquared_adj(self: _Known) -> float:
        """Adjusted R²."""
        return number(_figures(self, "rsquared_adj").r2_adjusted)

    @property
    def aic(self: _Known) -> float:
        """Akaike's information criterion."""
        return number(_figures(self, "aic").aic)

    @property
    def bic(self: _Known) -> float:
        """Bayesian information criterion."""
        return number(_figures(self, "bic").bic)

    @property
    def llf(self: _Known) -> float:
        """Log-likelihood."""
        return number(_figures(self, "llf").llf)

    @property
    def df_model(self: _Known) -> float:
        """Independent columns, without the intercept."""
        return float(_figures(self, "df_model").df_model)

    @property
    def df_resid(self: _Known) -> float:
        """Residual degrees of freedom."""
        return number(_figures(self, "df_resid").df_resid)

    @property
    def fvalue(self: _Known) -> float:
        """F of all columns together."""
        return number(_figures(self, "fvalue").fvalue)

    @property
    def f_pvalue(self: _Known) -> float:
        """The p-value of F."""
        return number(_figures(self, "f_pvalue").f_pvalue)

    @property
    def vif(self: _Known) -> Any:
        """Variance inflation factors, as a Series by column; infinite for dependent columns."""
        from regress.sources.frames import of_columns

        _figures(self, "vif")
        lines = self.record.columns
        factors = [inf if line.vif is None else line.vif for line in lines]
        return of_columns({"vif": factors}, index=[line.name for line in lines])["vif"].rename(None)


def _figures(fit: _Known, name: str) -> Figures:
    known = fit.record
    if known.figures is None:
        raise UnavailableError(f"This fit has no {name}, as it has no standard errors. {known.statistics_missing}")
    return known.figures


def _column(fit: _Known, name: str) -> Any:
    """Return a column of the table of coefficients, as a Series by name."""
    from regress.sources.frames import of_columns

    lines = fit.record.coefficients
    values = [line.coef if name == "coef" else line.tests[TESTS.index(name)] for line in lines]
    return of_columns({name: values}, index=[line.name for line in lines])[name].rename(None)


def _half_widths(errors: Array, df_test: float, alpha: float) -> Array:
    from scipy import special

    return np.asarray(special.stdtrit(df_test, 1.0 - alpha / 2.0) * errors)
