"""How text is coded: all levels of the first text column without an intercept, and levels of training rows only."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import regress
from regress.errors import DataWarning, InputError, TableError

FRAME = pd.DataFrame(
    {
        "g": list("ppppqqqqrrrr"),
        "x": [1, 2, 3, 4, 2, 3, 4, 5, 1, 3, 5, 7],
        "h": list("uvvuvuvvuuvw"),
        "y": [11, 12.5, 13.5, 15, 21, 22.5, 23.2, 24.7, 30.1, 33.0, 34.8, 36.8],
    }
)


def ols(formula, frame=FRAME):
    """Return statsmodels' coefficients and standard errors, named as ours are."""
    result = smf.ols(formula, frame).fit()
    names = [n.replace("C(", "").replace(")[T.", "=").replace(")[", "=").replace("]", "") for n in result.params.index]
    return pd.DataFrame({"coef": result.params.to_numpy(), "std_err": result.bse.to_numpy()}, index=names)


def agrees(fit, expected):
    found = fit.coefficients[["coef", "std_err"]]
    pd.testing.assert_frame_equal(found, expected.loc[list(found.index)], check_names=False, rtol=1e-9)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("features", "formula"),
    [
        (["g", "x"], "y ~ 0 + C(g) + x"),
        (["x", "g"], "y ~ 0 + C(g) + x"),
        (["g", "h", "x"], "y ~ 0 + C(g) + C(h) + x"),
        (["h", "g"], "y ~ 0 + C(h) + C(g)"),
        (["x"], "y ~ 0 + x"),
    ],
)
@pytest.mark.filterwarnings("ignore:Level h=w rests")
def test_without_an_intercept_the_first_text_column_keeps_all_its_levels(features, formula):
    agrees(regress.fit(FRAME, "y", features=features, fit_intercept=False), ols(formula))
    agrees_with = formula.replace("0 + ", "")
    found = regress.fit(FRAME, "y", features=features).coefficients[["coef", "std_err"]]
    expected = ols(agrees_with).rename(index={"Intercept": "(intercept)"})
    pd.testing.assert_frame_equal(found, expected.loc[list(found.index)], check_names=False, rtol=1e-9)


def test_the_numbers_are_those_of_r():
    frame = pd.DataFrame(
        {
            "g": list("aaabbbccc"),
            "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0, 9.0, 9.0],
        }
    )
    # lm(y ~ g - 1): the coefficients are the means, their errors sigma / sqrt(3), sigma = sqrt(4 / 6)
    fit = regress.fit(frame, "y", fit_intercept=False)
    assert dict(zip(fit.names, fit.w, strict=True)) == {"g=a": 2.0, "g=b": 5.0, "g=c": 9.0}
    np.testing.assert_allclose(fit.coefficients["std_err"], np.sqrt(4 / 6 / 3), rtol=1e-12)
    assert "compared with" not in fit.summary()
    assert "reference" not in fit.summary().lower()


@pytest.mark.tensorflow
def test_models_certificates_and_pipelines_keep_the_coding(tmp_path):
    options = {"features": ["g", "x"], "fit_intercept": False}
    fit = regress.fit(FRAME, "y", **options)
    fit.save(tmp_path / "m.json")
    loaded = regress.load(tmp_path / "m.json")
    assert loaded.names == ("g=p", "g=q", "g=r", "x")
    assert "compared with" not in loaded.summary()
    expected = smf.ols("y ~ 0 + C(g) + x", FRAME).fit().fittedvalues
    for model in (fit, loaded, regress.to_sklearn(loaded)):
        np.testing.assert_allclose(model.predict(FRAME), expected, rtol=1e-12)
    assert regress.certify(tmp_path / "m.json", FRAME).passed
    assert regress.certify((dict(zip(fit.names, fit.w, strict=True)), 0.0), FRAME, "y", **options).passed
    assert regress.certify(smf.ols("y ~ 0 + C(g) + x", FRAME).fit(), FRAME, "y").passed
    compared = regress.compare(FRAME, "y", test_size=0, **options)
    assert compared.names == fit.names
    np.testing.assert_allclose(compared.fits[3].w, fit.w, rtol=1e-9)
    checked = regress.check_gradients(FRAME, "y", **options)
    assert checked.passed
    assert tuple(checked.names) == fit.names


def test_a_model_file_whose_names_have_no_first_level_is_refused(tmp_path):
    fit = regress.fit(FRAME, "y", features=["g", "x"], fit_intercept=False)
    fit.save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    held["names"].remove("g=p")
    (tmp_path / "bad.json").write_text(json.dumps(held))
    with pytest.raises(InputError, match="'names' are not those that 'design' gives"):
        regress.load(tmp_path / "bad.json")


def test_levels_that_turn_up_late_have_their_columns_without_an_intercept_too():
    i = np.arange(9000)
    frame = pd.DataFrame({"g": np.where(i < 8000, "b", "a"), "x": np.sin(i), "y": np.cos(3.0 * i) + (i >= 8000)})
    fit = regress.fit(frame, "y", fit_intercept=False)
    assert fit.names == ("g=a", "g=b", "x")
    agrees(fit, ols("y ~ 0 + C(g) + x", frame))


def test_unseen_levels_become_the_reference_level_and_are_counted():
    fit = regress.fit(FRAME, "y", features=["g", "x"])
    new = FRAME.assign(g=["s", "p", "t", *FRAME["g"][3:]])
    with pytest.warns(DataWarning, match=r"^2 cells hold levels that training did not see, predicted as the reference"):
        found = fit.predict(new, handle_unknown="reference")
    np.testing.assert_array_equal(found, fit.predict(new.assign(g=["p", "p", "p", *FRAME["g"][3:]])))
    with pytest.warns(DataWarning, match="^1 cell holds a level that"):
        fit.predict(new[:1], handle_unknown="reference")
    fit.predict(FRAME, handle_unknown="reference")  # no warning
    whole = regress.fit(FRAME, "y", features=["g", "x"], fit_intercept=False)
    with pytest.raises(TableError, match="has no reference level"):
        whole.predict(new, handle_unknown="reference")


GROUPS = pd.DataFrame(
    [
        (f"p{g}", kind, float(x), 1.5 * g + 2 * x + 0.1 * ((x * 7 + g * 3) % 5))
        for g in range(8)
        for x, kind in zip((0, 3, 6, 9, 4), "abcba" if g else "dabca", strict=True)
    ],
    columns=["id", "kind", "x", "y"],
)


@pytest.mark.parametrize("seed", range(6))
def test_a_split_key_is_no_feature_unless_it_is_asked_for(seed):
    split = {"test_size": 0.3, "split_key": "id", "random_state": seed, "drop": ["kind"]}
    with pytest.warns(DataWarning, match="^The split key 'id' is excluded from the features"):
        fit = regress.fit(GROUPS, "y", **split)
    assert fit.names == ("x",)
    assert "split key" not in regress.fit(GROUPS, "y", **{**split, "drop": ["kind", "id"]}).summary()
    with pytest.warns(DataWarning, match="^The split key"):
        assert regress.compare(GROUPS, "y", **split).names == ("x",)


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_levels_come_from_training_rows_only(seed, order):
    split = {"test_size": 0.3, "split_key": "id", "random_state": seed}
    table = GROUPS[order]
    with pytest.warns(DataWarning, match=r"held-out cells? (have levels|has a level) that no training row has"):
        fit = regress.fit(table, "y", features=["id", "x"], **split)
    trained = sorted({name.removeprefix("id=") for name in fit.names if name.startswith("id=")})
    reference = fit.model.design.variables[0].reference
    assert not fit.constant
    assert fit.statistics is not None
    held = table[~table["id"].isin([*trained, reference])]
    assert len(held) == fit.tally.held_out
    training = table[table["id"].isin([*trained, reference])]
    assert reference == min(training["id"])
    expected = smf.ols("y ~ C(id) + x", training).fit()
    np.testing.assert_allclose([fit.b, *fit.w], expected.params, rtol=1e-9, atol=1e-12)
    # held-out rows have no level of their own: they count as the reference level
    predicted = expected.predict(held.assign(id=reference))
    r2 = 1 - ((held["y"] - predicted) ** 2).sum() / ((held["y"] - held["y"].mean()) ** 2).sum()
    assert fit.r2_test == pytest.approx(r2, rel=1e-9)
    note = next(note for note in fit.notes() if "no training row has" in note)
    assert note.startswith(f"{len(held)} held-out cells")
    assert all(f"id={level}" in note for level in held["id"].unique())


def test_a_level_of_held_out_rows_that_training_rows_have_later_is_a_level():
    # one batch holds out what only later ones train on: the order of the rows must not matter
    i = np.arange(140_000)
    frame = pd.DataFrame({"g": np.where(i < 70_000, "early", "late"), "x": np.sin(i), "y": np.cos(i) + (i >= 70_000)})
    frame["key"] = i % 17
    frame.loc[0, ["g", "key"]] = "late", 3
    options = {"features": ["g", "x"], "test_size": 0.3, "split_key": "key", "random_state": 1, "sample": 0}
    one, two = regress.fit(frame, "y", **options), regress.fit(frame.iloc[::-1], "y", **options)
    assert one.names == two.names == ("g=late", "x")
    np.testing.assert_array_equal(one.w, two.w)
    assert one.r2_test == two.r2_test


def test_without_a_reference_level_held_out_rows_of_other_levels_have_no_r2():
    split = {"test_size": 0.3, "split_key": "id", "random_state": 1, "features": ["id", "x"], "fit_intercept": False}
    with pytest.warns(DataWarning, match="There is no R² on held-out rows, since 'id' has no reference level"):
        fit = regress.fit(GROUPS, "y", **split)
    assert fit.r2_test is None
    assert fit.tally.held_out


def test_a_saved_model_of_such_a_split_is_certified_on_its_table(tmp_path):
    split = {"test_size": 0.3, "split_key": "id", "random_state": 1, "features": ["id", "x"]}
    with pytest.warns(DataWarning, match="no training row has"):
        fit = regress.fit(GROUPS, "y", **split)
    fit.save(tmp_path / "m.json")
    found = regress.certify(tmp_path / "m.json", GROUPS)
    assert found.passed
    assert found.rows == fit.tally.used


def test_a_column_is_used_or_dropped_but_not_both():
    for features in (["x"], ["x", "g"], ["g", "x", "h"]):
        with pytest.raises(TableError, match="'x' is among the features and among the columns to drop"):
            regress.fit(FRAME, "y", features=features, drop=["x"])
