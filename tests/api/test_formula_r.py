"""Formulas give what R gives: columns in R's order, coefficients, standard errors, and predictions of new rows."""

import re

import numpy as np
import pandas as pd
import pytest

import regress
from tests.oracles.r_values import BASES, DESIGNS, FITS, NEW_X, ROWS, X

LEARNS = re.compile(r"center|scale|df=|orthogonal")
RTOL = 1e-10  # R solves by QR in float64; rational arithmetic confirms its figures to 1e-12
Y = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, -6.0, 5.0, 3.0, 8.0, -7.0, 9.0, 3.0])


def close(values, expected, scale):
    return np.allclose(np.asarray(values) / scale, expected / scale, rtol=0, atol=RTOL)


@pytest.mark.parametrize("case", FITS, ids=[f"{case.table.stem}: {case.formula}" for case in FITS])
def test_a_fit_has_rs_figures(case):
    table = case.table
    if LEARNS.search(case.formula):  # of the rows that R fits, as the script gives it
        frame = pd.read_csv(table)
        table = frame[[name for name in frame if name in case.formula or name == case.weights]].dropna()
    texts = [name for name in ("agegp", "alcgp", "tobgp") if name in case.formula]  # such as 75+
    fit = regress.fit(table, case.formula, weights=case.weights, missing="drop", categorical=texts)
    assert (fit.nobs, fit.rank + case.intercept) == (case.nobs, case.rank)
    assert len(fit.params) == case.rank  # by marginality, no column depends on others
    assert ("(intercept)" in fit.params) == case.intercept
    assert fit.statistics.rss == pytest.approx(case.rss, rel=RTOL)
    assert fit.statistics.sigma == pytest.approx(case.sigma, rel=RTOL)
    assert fit.r2 == pytest.approx(case.r2, rel=RTOL)
    if not case.aliased:
        assert close(fit.params, case.coef, np.maximum(np.abs(case.coef), case.std_err))
        assert close(fit.bse, case.std_err, case.std_err)


@pytest.mark.parametrize("case", DESIGNS, ids=lambda case: case.formula)
def test_a_design_has_rs_columns(case):
    table = pd.DataFrame(ROWS).assign(y=Y[: len(ROWS["x"])])
    fit = regress.fit(table, f"y {case.formula}")
    coefficients = np.linalg.lstsq(case.columns, table["y"])[0]
    assert close(fit.predict(table), case.columns @ coefficients, 1.0)
    if case.aliased:
        assert len(fit.params) == np.linalg.matrix_rank(case.columns)
    else:
        assert close(fit.params, coefficients, max(1.0, np.abs(coefficients).max()))


def call(case):
    """Return a call of R's as formulas of regress write it."""
    options = dict(case.options)
    if case.name == "scale":
        return "center(x)" if options else "scale(x)"
    if case.name == "poly":
        return f"poly(x, {options['degree']}{'' if 'raw' in options else ', orthogonal=True'})"
    if "Boundary.knots" in options:
        options["lower"], options["upper"] = options.pop("Boundary.knots")
    return f"{case.name}({', '.join(['x', *(f'{name}={value}' for name, value in options.items())])})"


@pytest.mark.parametrize("case", BASES, ids=call)
def test_a_basis_predicts_as_rs_within_and_outside_its_boundary_knots(case):
    whole = "intercept" in case.options  # the columns add up to 1 then
    fit = regress.fit(pd.DataFrame({"x": X, "y": Y}), f"y ~ {'0 + ' * whole}{call(case)}")
    columns, new_columns = case.columns, case.new_columns
    if not whole:
        columns, new_columns = (np.insert(values, 0, 1.0, axis=1) for values in (columns, new_columns))
    coefficients = np.linalg.lstsq(columns, Y)[0]
    expected = new_columns @ coefficients
    assert close(fit.params, coefficients, np.abs(coefficients).max())
    assert close(fit.predict(pd.DataFrame({"x": NEW_X})), expected, np.abs(expected).max())
