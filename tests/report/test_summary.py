"""The summary of a fit: what it shows, beside what statsmodels computes, and what it does not pretend to know."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import regress

random = np.random.default_rng(3)
M = 80
FRAME = pd.DataFrame(
    {
        "x": random.normal(size=M),
        "kind": random.choice(["red", "green", "blue"], M),
        "large": random.normal(1e4, 3e3, size=M),
    }
)
FRAME["y"] = 2.0 * FRAME.x + 1e-3 * FRAME.large + (FRAME.kind == "red") + random.normal(size=M)


@pytest.fixture(scope="module")
def theirs():
    X = pd.DataFrame({"x": FRAME.x, "green": FRAME.kind == "green", "red": FRAME.kind == "red", "large": FRAME.large})
    return sm.OLS(FRAME.y, sm.add_constant(X.astype(float))).fit()


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_its_figures_are_those_of_statsmodels(theirs, level):
    fit = regress.fit(FRAME, "y", level=level)
    text = fit.summary()
    assert f"R² {theirs.rsquared:.4f}, adjusted R² {theirs.rsquared_adj:.4f}" in text
    assert f"Residual standard error {theirs.scale**0.5:.4g} on 75 degrees of freedom" in text
    assert f"F {theirs.fvalue:.5g} on 4 and 75, p <0.0001" in text
    assert f"AIC {theirs.aic:.2f}, BIC {theirs.bic:.2f}, log-likelihood {theirs.llf:.2f}" in text
    assert f"nonrobust standard errors, {level * 100:.0f} % confidence intervals" in text
    np.testing.assert_allclose(fit.conf_int().loc["x"], theirs.conf_int(1.0 - level).loc["x"])
    low, high = theirs.conf_int(1.0 - level).loc["x"]
    cells = next(line for line in text.splitlines() if line.startswith("x ")).replace("<", "").split()
    expected = (theirs.params["x"], theirs.bse["x"], theirs.tvalues["x"], theirs.pvalues["x"], low, high)
    for cell, value in zip(cells[1:], expected, strict=True):
        assert float(cell) == pytest.approx(value, abs=0.006 * max(1.0, abs(value)))
    assert fit.coefficients.loc["x", "ci_high"] == pytest.approx(high)


def test_levels_stand_below_their_column_with_the_reference_level():
    lines = regress.fit(FRAME, "y").summary().splitlines()
    at = lines.index("kind (reference level: blue)")
    assert lines[at + 1].startswith("  green ")
    assert lines[at + 2].startswith("  red ")
    assert lines[at + 3].startswith("large ")
    without = regress.fit(FRAME, "y", fit_intercept=False).summary().splitlines()
    assert "kind" in without  # no reference level: each has a coefficient
    assert "Linear regression of y on 5 columns, without an intercept (the frame)" in without


def test_what_was_fitted_stands_above_a_table_of_many_rows():
    wide = pd.DataFrame(random.normal(size=(400, 266)), columns=[*(f"c{j}" for j in range(265)), "y"])
    lines = regress.fit(wide, "y").summary().splitlines()
    first = [k for k, line in enumerate(lines) if line.startswith(("Linear", "R²", "Residual standard error", "F "))]
    assert first == [0, 2, 3, 4]
    assert next(k for k, line in enumerate(lines) if line.startswith("c0 ")) < 15


def test_inflation_factors_are_shown_on_request(theirs):
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    fit = regress.fit(FRAME, "y")
    line = next(line for line in fit.summary(vif=True).splitlines() if line.startswith("x "))
    assert float(line.split()[-1]) == pytest.approx(variance_inflation_factor(theirs.model.exog, 1), abs=0.006)
    assert " vif" not in fit.summary()


@pytest.mark.parametrize("problem", ["constant", "not unique", "excluded", "not converged"])
def test_coefficients_that_are_not_estimated_have_a_mark_and_no_p_value(problem):
    frame, options = FRAME.drop(columns="kind"), {}
    if problem == "constant":
        frame = frame.assign(c=1.0)
    elif problem == "not converged":
        options, frame = {"solver": "gd", "max_iter": 3}, frame.assign(c=random.normal(size=M))
    else:
        frame, options = frame.assign(c=2.0 * frame.x), {"collinear": "drop"} if problem == "excluded" else {}
    with pytest.warns((regress.DataWarning, regress.ConvergenceWarning)):
        fit = regress.fit(frame, "y", **options)
    (line,) = [line for line in fit.summary().splitlines() if line.startswith("c ")]
    assert line.endswith(f"  {problem}")
    numbers = line.removesuffix(problem).split()[1:]
    assert len(numbers) <= (2 if problem == "not converged" else 1)  # coefficient, and digits of a descent
    assert any(note in fit.summary() for note in fit.notes())


def test_digits_are_a_column_only_where_they_differ():
    assert " digits" not in regress.fit(FRAME, "y").summary().split("\n\n")[1]
    descent = regress.fit(FRAME, "y", solver="gd").summary()
    assert descent.split("\n\n")[1].splitlines()[0].endswith("digits")
    assert "Converged in " in descent
    assert "(gradient descent, float64)" in descent


def test_robust_errors_are_named():
    text = regress.fit(FRAME, "y", cov_type="HC1").summary()
    assert "; HC1 standard errors, 95 % confidence intervals" in text


def test_a_penalty_leaves_coefficients_alone():
    text = regress.fit(FRAME, "y", alpha=2.0).summary()
    assert text.startswith("Ridge regression (alpha 2) of y on 4 columns (the frame)\n80 rows\n")
    assert "No standard errors: A penalty" in text
    assert text.split("\n\n")[1].splitlines()[0].split() == ["coef"]


def test_rows_that_were_not_used_are_counted():
    frame = FRAME.copy()
    frame.loc[:4, "x"] = np.nan
    text = regress.fit(frame, "y", missing="drop", test_size=0.2).summary()
    assert text.splitlines()[1] == "60 rows used of 80 (15 held out, 5 missing)"
    assert "R² on held-out rows " in text
