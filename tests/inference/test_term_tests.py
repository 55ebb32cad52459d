"""F tests of terms against statsmodels: wald_test_terms of formulas, and wald_test of columns by name."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import regress
from regress.errors import DataWarning, UnavailableError
from regress.inference.term_tests import wald

N = np.arange(180)
RANDOM = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "x": RANDOM.normal(size=180) * 3.0 + 2.0,
        "z": RANDOM.uniform(1.0, 9.0, size=180),
        "zone": np.array(["north", "south", "west"])[(N * 5 + N // 7) % 3],
        "kind": np.array(["a", "b"])[(N // 4) % 2],
        "w": RANDOM.uniform(0.5, 3.0, size=180),
    }
)
TABLE["y"] = TABLE.x**2 + np.sqrt(TABLE.z) * (TABLE.zone == "south") + RANDOM.normal(size=180) * 4.0

FORMULAS = [  # ours, and the same for statsmodels
    ("y ~ x + zone", "y ~ x + zone"),
    ("y ~ x * zone * kind", "y ~ x * zone * kind"),
    ("y ~ C(zone, coding='sum') * kind + z", "y ~ C(zone, Sum) * kind + z"),
    ("y ~ zone - 1", "y ~ zone - 1"),
    ("y ~ C(zone, ref='west') + log(z)", "y ~ C(zone, Treatment('west')) + np.log(z)"),
]


def of_terms(fit):
    return {label: tuple(row) for label, row in zip(fit.terms.index, fit.terms.itertuples(index=False), strict=True)}


@pytest.mark.parametrize(("ours", "theirs"), FORMULAS, ids=[ours for ours, _ in FORMULAS])
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC1"])
def test_terms_are_tested_as_by_statsmodels(ours, theirs, cov_type):
    fit = regress.fit(TABLE, ours, cov_type=cov_type)
    expected = smf.ols(theirs, TABLE).fit(cov_type=cov_type, use_t=True).wald_test_terms(scalar=True).table
    expected = expected.drop(index="Intercept", errors="ignore")
    found = fit.terms
    assert sorted(found["df"]) == sorted(expected["df_constraint"].astype(int))
    by_f = found.sort_values("F"), expected.sort_values("statistic")
    assert by_f[0]["F"].to_numpy() == pytest.approx(by_f[1]["statistic"].to_numpy(dtype=float), rel=1e-8)
    p = by_f[1]["pvalue"].to_numpy(dtype=float)
    assert by_f[0]["p_value"].to_numpy() == pytest.approx(p, rel=1e-6, abs=1e-300)


def test_powers_and_weights_are_tested_as_by_statsmodels():
    fit = regress.fit(TABLE, "y ~ poly(x, 3) + z", weights="w")
    columns = {"x1": TABLE.x, "x2": TABLE.x**2, "x3": TABLE.x**3, "z": TABLE.z}
    result = sm.WLS(TABLE.y, sm.add_constant(pd.DataFrame(columns)), weights=TABLE.w).fit()
    expected = result.wald_test("x1 = 0, x2 = 0, x3 = 0", scalar=True, use_f=True)
    df, f, p = of_terms(fit)["poly(x, 3)"]
    assert (df, f) == (3, pytest.approx(expected.statistic, rel=1e-8))
    assert p == pytest.approx(expected.pvalue, rel=1e-6)
    assert of_terms(fit)["z"][1] == pytest.approx(result.tvalues["z"] ** 2, rel=1e-8)


def test_text_is_a_term_without_a_formula_too():
    fit, other = regress.fit(TABLE[["x", "zone", "y"]], "y"), regress.fit(TABLE, "y ~ x + zone")
    assert fit.terms.equals(other.terms)
    assert fit.to_dict()["terms"] == {"zone": dict(zip(("df", "f", "p_value"), of_terms(fit)["zone"], strict=True))}


def test_all_columns_in_one_term_have_the_f_of_the_fit():
    fit = regress.fit(TABLE, "y ~ poly(x, 4)")
    assert of_terms(fit)["poly(x, 4)"] == (4, pytest.approx(fit.fvalue, rel=1e-9), pytest.approx(fit.f_pvalue))


def test_with_hubers_loss_the_test_is_that_of_chi_squared():
    from scipy.stats import chi2

    fit = regress.fit(TABLE, "y ~ x + zone", loss="huber")
    df, f, p = of_terms(fit)["zone"]
    assert p == pytest.approx(chi2.sf(df * f, df), rel=1e-9)
    assert of_terms(regress.fit(TABLE, "y ~ x + kind", loss="huber"))["kind"][0] == 1


def test_a_term_of_dependent_columns_has_no_f():
    table = TABLE.assign(copy=TABLE.x)
    with pytest.warns(DataWarning, match="depend on each other"):
        fit = regress.fit(table, "y ~ poly(x, 2) + copy + zone")
    found = of_terms(fit)
    assert np.isnan(found["poly(x, 2)"][1])
    expected = smf.ols("y ~ x + I(x ** 2) + zone", TABLE).fit().wald_test_terms(scalar=True).table
    assert found["zone"][1] == pytest.approx(expected.loc["zone", "statistic"], rel=1e-8)
    with pytest.warns(DataWarning, match="depend on each other"):
        dropped = of_terms(regress.fit(table, "y ~ poly(x, 2) + copy + zone", collinear="drop"))
    assert dropped["poly(x, 2)"][0] == 2
    assert np.isfinite(dropped["poly(x, 2)"][1])


def test_an_f_without_a_digit_is_not_shown():
    for gap, shown in ((1e-6, True), (1e-15, False)):
        V = np.array([[1.0, 1.0 - gap], [1.0 - gap, 1.0]])
        assert np.isfinite(wald(np.array([1.0, -1.0]), V)) == shown
    assert np.isnan(wald(np.ones(2), np.diag([1.0, 0.0])))


def test_another_reference_level_changes_the_tests_of_products(tmp_path):
    fit = regress.fit(TABLE, "y ~ zone * kind + poly(x, 2)")
    wanted = regress.fit(TABLE, "y ~ C(zone, ref='south') * kind + poly(x, 2)").terms
    fit.save(tmp_path / "m.json")
    for each in (fit, regress.load(tmp_path / "m.json")):
        found = each.relevel("zone", "south").terms
        assert list(found.index) == list(wanted.index)
        assert found.to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-8)
        assert found.loc["kind", "F"] != pytest.approx(fit.terms.loc["kind", "F"], rel=1e-3)


def test_without_standard_errors_there_are_no_tests():
    fit = regress.fit(TABLE, "y ~ poly(x, 3)", alpha=1.0)
    assert fit.to_dict()["terms"] == {}
    with pytest.raises(UnavailableError, match="has no terms"):
        _ = fit.terms
