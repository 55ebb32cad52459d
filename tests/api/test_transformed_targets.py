"""Fits of log(y) and the like predict y: against statsmodels, scikit-learn and sums over all residuals."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

import regress
from regress import InputError
from tests.command import run
from tests.examples import examples

random = np.random.default_rng(5)
N = 120
TABLE = pd.DataFrame({"x": random.uniform(-1.0, 1.0, N), "zone": random.choice(["a", "b", "c"], N)})
TABLE["y"] = np.exp(1.0 + TABLE["x"] + 0.3 * (TABLE["zone"] == "b") + 0.3 * random.gumbel(size=N))
TABLE["a"] = random.uniform(0.5, 3.0, N)
TABLE["k"] = random.integers(1, 4, N)
FORWARD = {"log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt}
BACK = {"log": np.exp, "log1p": np.expm1, "log2": np.exp2, "log10": lambda z: 10.0**z, "sqrt": np.square}


def oracle(transform, weights=None):
    """Return statsmodels' fit of g(y) on x and zone, and its residuals."""
    table = TABLE.assign(z=FORWARD[transform](TABLE["y"]))
    model = smf.ols("z ~ x + zone", table) if weights is None else smf.wls("z ~ x + zone", table, weights=weights)
    fit = model.fit()
    return fit, (table["z"] - fit.fittedvalues).to_numpy()


@pytest.mark.parametrize("transform", FORWARD)
@pytest.mark.parametrize("weights", [None, "a", "k"])
def test_predictions_are_the_mean_over_the_residuals(transform, weights):
    a = None if weights is None else TABLE[weights]
    kind = {"weight_type": "frequency" if weights == "k" else "analytic"}
    fit = regress.fit(TABLE, f"{transform}(y) ~ x + zone", weights=weights, **kind)
    theirs, residuals = oracle(transform, a)
    at = np.asarray(theirs.fittedvalues)
    expected = np.average(BACK[transform](at[:, None] + residuals), axis=1, weights=a)
    assert fit.predict(TABLE) == pytest.approx(expected, rel=1e-10)
    assert (fit.retransform.correction, fit.retransform.rows) == ("smearing", N)
    assert fit.r2 == pytest.approx(theirs.rsquared, rel=1e-10), "R² stays that of g(y)"
    assert fit.r2_original == pytest.approx(r2_score(TABLE["y"], expected, sample_weight=a), rel=1e-10)


@pytest.mark.parametrize("transform", FORWARD)
def test_normal_errors_are_corrected_by_the_residual_variance(transform):
    fit = regress.fit(TABLE, f"{transform}(y) ~ x + zone", retransform="normal")
    theirs, _ = oracle(transform)
    at, variance = np.asarray(theirs.fittedvalues), theirs.mse_resid
    base = {"log2": 2.0, "log10": 10.0}.get(transform, np.e)
    factor = np.exp(variance * np.log(base) ** 2 / 2.0)
    expected = at**2 + variance if transform == "sqrt" else base**at * factor - (transform == "log1p")
    assert fit.predict(TABLE) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("weights", "kind"), [("a", "analytic"), ("k", "frequency")])
def test_the_residual_variance_does_not_depend_on_the_unit_of_weights(weights, kind):
    given = {"formula": "sqrt(y) ~ x + zone", "weights": weights, "weight_type": kind, "retransform": "normal"}
    square = regress.fit(TABLE, **given).retransform.square
    if kind == "frequency":
        repeated = TABLE.loc[TABLE.index.repeat(TABLE["k"])]
        plain = regress.fit(repeated, formula="sqrt(y) ~ x + zone", retransform="normal")
        assert square == pytest.approx(plain.retransform.square, rel=1e-10)
    else:
        doubled = regress.fit(TABLE.assign(a=TABLE["a"] * 10.0), **given)
        assert square == pytest.approx(doubled.retransform.square, rel=1e-10)
        equal = regress.fit(TABLE.assign(a=7.0), **given).retransform.square
        assert equal == pytest.approx(oracle("sqrt")[0].mse_resid, rel=1e-10)


@pytest.mark.parametrize("transform", FORWARD)
def test_without_a_correction_predictions_are_transformed_alone(transform):
    fit = regress.fit(TABLE, f"{transform}(y) ~ x + zone", retransform="naive")
    theirs, _ = oracle(transform)
    assert fit.predict(TABLE) == pytest.approx(BACK[transform](np.asarray(theirs.fittedvalues)), rel=1e-10)


@pytest.mark.parametrize("transform", FORWARD)
def test_limits_of_intervals_are_those_of_the_transformed_target(transform):
    fit = regress.fit(TABLE, f"{transform}(y) ~ x + zone")
    theirs, _ = oracle(transform)
    frame = theirs.get_prediction(TABLE).summary_frame(alpha=0.2)
    found = fit.predict_interval(TABLE, level=0.8)
    for ours, name in (("pi_low", "obs_ci_lower"), ("pi_high", "obs_ci_upper")):
        limit = frame[name].to_numpy()
        expected = BACK[transform](np.maximum(limit, 0.0) if transform == "sqrt" else limit)
        assert found[ours].to_numpy() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found["prediction"].to_numpy() == pytest.approx(fit.predict(TABLE), rel=1e-15)


@settings(deadline=None, max_examples=examples(40), derandomize=True)
@given(
    transform=st.sampled_from(["log", "log1p", "sqrt"]),
    cells=st.lists(st.tuples(st.integers(-20, 20), st.floats(0.1, 1e3)), min_size=3, max_size=25),
)
def test_random_tables_agree_with_the_mean_over_their_residuals(transform, cells):
    x, y = (np.array(values, dtype=float) for values in zip(*cells, strict=True))
    x[:3] = [-21.0, 21.0, 22.0]
    fit = regress.fit({"x": x, "y": y}, f"{transform}(y) ~ x")
    z, X = FORWARD[transform](y), np.column_stack([np.ones(len(x)), x])
    at = X @ np.linalg.lstsq(X, z, rcond=None)[0]
    start = np.maximum(at, 0.0) if transform == "sqrt" else at
    expected = np.mean(BACK[transform](start[:, None] + (z - at)), axis=1)
    assert fit.predict({"x": x}) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("transform", FORWARD)
def test_one_row_is_predicted_as_the_table_and_as_the_saved_model(transform, tmp_path):
    fit = regress.fit(TABLE, f"{transform}(y) ~ x + zone")
    fit.save(tmp_path / "m.json")
    loaded, predicted = regress.load(tmp_path / "m.json"), fit.predict(TABLE)
    assert [fit.predict_one(row) for row in TABLE[["x", "zone"]].to_dict("records")] == predicted.tolist()
    assert np.array_equal(fit.predict(TABLE[["x", "zone"]]), predicted), "the target is not needed"
    assert np.array_equal(loaded.predict(TABLE), predicted)
    assert loaded.predict_interval(TABLE).equals(fit.predict_interval(TABLE))
    assert (loaded.record, loaded.retransform, loaded.summary()) == (fit.record, fit.retransform, fit.summary())
    assert fit.model.summary().endswith(fit.notes()[-1].partition(". ")[0] + ".")


def test_missing_cells_and_unknown_levels_are_as_before():
    fit = regress.fit(TABLE, "log(y) ~ x + zone")
    rows = {"x": [0.5, None, np.inf, 0.5], "zone": ["a", "a", "b", "new"]}
    with pytest.warns(regress.DataWarning, match="reference level"):
        found = fit.predict(rows, handle_unknown="reference")
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert found[0] == found[3]
    assert np.isnan(fit.predict_one({"x": None, "zone": "a"}))
    with pytest.raises(regress.TableError, match="'new'"):
        fit.predict(rows)


def test_an_extrapolated_square_root_below_zero_is_zero():
    x = np.arange(1.0, 31.0)
    fit = regress.fit({"x": x, "y": (0.5 * x + np.sin(x)) ** 2}, "sqrt(y) ~ x", retransform="naive")
    found = fit.predict_interval({"x": [-100.0, -50.0, 20.0]})
    assert found["prediction"].tolist()[:2] == found["pi_high"].tolist()[:2] == [0.0, 0.0]
    assert found.iloc[2].is_monotonic_increasing is False
    assert 0.0 < found["pi_low"][2] < found["prediction"][2] < found["pi_high"][2]


def test_a_loss_whose_residuals_have_another_mean_is_corrected_by_it():
    fit = regress.fit(TABLE, "sqrt(y) ~ x + zone", loss="huber")
    center, at = fit.model.center, FORWARD["sqrt"](TABLE["y"])
    X = np.column_stack([TABLE["x"], TABLE["zone"] == "b", TABLE["zone"] == "c"])
    predicted = (X - center) @ fit.w + fit.model.b_center
    residuals = (at - predicted).to_numpy()
    assert abs(residuals.mean()) > 0.01, "the test can fail"
    expected = np.mean((predicted[:, None] + residuals) ** 2, axis=1)
    assert fit.predict(TABLE) == pytest.approx(expected, rel=1e-10)


def test_smearing_takes_the_rows_of_the_sample():
    """Residuals are ±0.5 and rows many, so that the factor tells how many of the sample are +0.5."""
    x = np.repeat(np.arange(200.0), 2) / 100.0
    table = {"x": x, "y": np.exp(x + np.tile([0.5, -0.5], 200))}
    fit = regress.fit(table, "log(y) ~ x", sample=50)
    share = (fit.retransform.factor - np.exp(-0.5)) / (np.exp(0.5) - np.exp(-0.5))
    assert fit.retransform.rows == 50
    assert round(50 * share) == pytest.approx(50 * share, abs=1e-9)
    assert 5 < 50 * share < 45
    assert "R² in units of y 0." in fit.summary()
    assert "on 50 of these rows" in fit.summary()
    both = regress.fit(table, "log(y) ~ x")
    assert both.retransform.factor == pytest.approx(np.cosh(0.5), rel=1e-12)
    assert "of these rows" not in both.summary()


@pytest.mark.parametrize("sample", [0, 40, 20_000])
def test_moments_of_parts_that_are_merged_give_the_correction_of_all_rows(sample):
    whole = regress.moments(TABLE, "log(y) ~ x + zone", sample=sample)
    parts = [
        regress.moments(TABLE[rows].reset_index(drop=True), "log(y) ~ x + zone", sample=sample)
        for rows in (TABLE["zone"] == "a", TABLE["zone"] != "a")
    ]
    merged = regress.fit(parts[1] + parts[0])
    assert np.array_equal(merged.predict(TABLE), regress.fit(parts[0] + parts[1]).predict(TABLE))
    if sample != 40:  # other rows are the sample of other parts
        assert merged.predict(TABLE) == pytest.approx(regress.fit(whole).predict(TABLE), rel=1e-12)
    kept = min(sample, N)
    assert (merged.retransform.rows, merged.retransform.correction) == (kept, "smearing" if kept else "normal")
    if not kept:
        with pytest.raises(InputError, match="no training rows are kept"):
            regress.fit(whole, retransform="smearing")
    plain = regress.moments(TABLE, "y ~ x")
    with pytest.raises(InputError, match=r"the target is y\. Remove it"):
        regress.fit(plain, retransform="naive")


def test_another_reference_level_leaves_predictions_as_they_are():
    fit = regress.fit(TABLE, "log(y) ~ x + zone")
    other = fit.relevel("zone", "c")
    assert other.retransform == fit.retransform
    assert other.predict(TABLE) == pytest.approx(fit.predict(TABLE), rel=1e-12)


def test_the_correction_and_r2_are_shown(tmp_path):
    fit = regress.fit(TABLE, "log(y) ~ x + zone")
    regress.write_report(fit, tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "R² in units of y<" in page
    assert f">{fit.r2_original:.4f}<" in page
    note = next(note for note in fit.notes() if note.startswith("Predictions"))
    assert note == (
        f"Predictions are in units of y: smearing factor {fit.retransform.factor:.5g} from {N} residuals. "
        "Limits of intervals are not corrected. All other figures are those of log(y)."
    )
    assert f"R² in units of y {fit.r2_original:.4f}\n" in fit.summary()
    held = fit.to_dict()["retransform"]
    assert (held["transform"], held["column"], held["correction"]) == ("log", "y", "smearing")
    assert held["r2_original"] == fit.r2_original
    plain = regress.fit(TABLE, "y ~ x")
    assert (plain.retransform, plain.r2_original, plain.r2_test_original) == (None, None, None)
    assert plain.to_dict()["retransform"] is None
    assert "Predictions" not in plain.summary()


def test_r2_on_rows_held_out_is_known_where_they_are_kept():
    later = TABLE.iloc[80:]
    fit = regress.fit(TABLE.iloc[:80], "log(y) ~ x + zone", loss="huber", validation=later, verbose=0)
    assert fit.r2_test_original == pytest.approx(r2_score(later["y"], fit.predict(later)), rel=1e-10)
    assert f"on validation rows {fit.r2_test_original:.4f}" in fit.summary()
    summed = regress.fit(TABLE, "log(y) ~ x + zone", test_size=0.3)
    assert summed.r2_test is not None
    assert summed.r2_test_original is None


def test_no_rows_are_kept_for_smearing():
    fit = regress.fit(TABLE, "log(y) ~ x", sample=0)
    assert (fit.retransform.correction, fit.retransform.rows, fit.r2_original) == ("normal", 0, None)
    assert "No training rows were kept for smearing, so the correction is that of normal errors." in fit.notes()[-1]
    asked = regress.fit(TABLE, "log(y) ~ x", sample=0, retransform="normal")
    assert asked.retransform == fit.retransform
    assert "rows were kept for smearing" not in asked.notes()[-1]
    with pytest.raises(InputError, match=r"needs residuals, .* Use retransform='normal', or keep a sample"):
        regress.fit(TABLE, "log(y) ~ x", sample=0, retransform="smearing")


OTHERS = {
    "I(1 / y)": 1.0 / TABLE["y"],
    "exp(y)": np.exp(TABLE["y"]),
    "log(2 * y)": np.log(2.0 * TABLE["y"]),
    "log(log1p(y))": np.log(np.log1p(TABLE["y"])),
}


@pytest.mark.parametrize("target", OTHERS)
def test_other_computed_targets_stay_in_their_units(target):
    fit = regress.fit(TABLE, f"{target} ~ x")
    assert fit.retransform is None
    assert fit.notes()[-1].startswith(f"Predictions are in units of {target}. Only log(y), log1p(y), ")
    at = smf.ols("z ~ x", TABLE.assign(z=OTHERS[target])).fit().fittedvalues
    assert fit.predict(TABLE) == pytest.approx(at.to_numpy(), rel=1e-9)
    with pytest.raises(InputError, match=r"is for the targets log\(y\), .* Remove it"):
        regress.fit(TABLE, f"{target} ~ x", retransform="naive")


@pytest.mark.parametrize(
    ("table", "target", "options", "words"),
    [
        (TABLE, "y ~ x", {"retransform": "smearing"}, "the target is y. Remove it"),
        (TABLE[["x", "y"]], "y", {"retransform": "naive"}, "the target is not one of them. Remove it"),
        (TABLE[["x"]], TABLE["y"].to_numpy(), {"retransform": "naive"}, "Remove it"),
        (TABLE[["x", "y"]].rename(columns={"y": "log(y)"}), "log(y)", {"retransform": "normal"}, "Remove it"),
        (TABLE, "log(y) ~ x", {"retransform": "median"}, "must be one of smearing, normal, naive; got 'median'"),
        (TABLE, "log(y) ~ x", {"retransform": 1}, "must be one of smearing, normal, naive; got 1"),
        (TABLE[:2], "log(y) ~ x", {"retransform": "normal"}, "no degrees of freedom .* retransform='naive'"),
    ],
)
@pytest.mark.filterwarnings("ignore::regress.DataWarning")
def test_corrections_that_cannot_be_are_refused(table, target, options, words):
    with pytest.raises(InputError, match=words):
        regress.fit(table, target, **options)


def test_a_column_that_is_called_like_a_function_is_as_any_other():
    table = TABLE[["x", "y"]].rename(columns={"y": "log(y)"})
    fit = regress.fit(table, "log(y)")
    assert fit.retransform is None
    assert fit.predict(table).mean() == pytest.approx(TABLE["y"].mean())


def test_residuals_beyond_the_range_of_float64_are_refused():
    table = {"x": np.arange(8.0), "y": np.array([1e-140, 1e140] * 4)}
    with pytest.raises(InputError, match=r"residuals of log\(y\) are too large .* Use retransform='naive'"):
        regress.fit(table, "log(y) ~ x", retransform="normal")
    assert np.isfinite(regress.fit(table, "log(y) ~ x", retransform="naive").predict(table)).all()


def held(tmp_path, transform="log", **options):
    regress.fit(TABLE, f"{transform}(y) ~ x", **options).save(tmp_path / "m.json")
    return json.loads((tmp_path / "m.json").read_text())


@pytest.mark.parametrize(
    ("transform", "change", "words"),
    [
        ("log", None, "not of the target"),
        ("log", {"transform": "log2"}, "not of the target"),
        ("log", {"column": "x"}, "not of the target"),
        ("log", {"transform": "exp"}, "'retransform.transform' must be one of log, log1p"),
        ("log", {"correction": "median"}, "'retransform.correction' must be one of smearing"),
        ("log", {"factor": 0.0}, "'retransform.factor' must be a finite number above 0"),
        ("log", {"factor": "1"}, "'retransform.factor' must be a finite number"),
        ("log", {"factor": float("inf")}, "Infinity"),
        ("log", {"correction": "naive"}, "a figure that its transform and correction do not have"),
        ("log", {"square": 1.0}, "a figure that its transform and correction do not have"),
        ("log", {"rows": 0}, "is of no rows"),
        ("log", {"rows": N + 1}, "contradicts itself"),
        ("sqrt", {"factor": 2.0}, "a figure that its transform and correction do not have"),
        ("sqrt", {"mean": 1e200}, "contradicts itself"),
        ("sqrt", {"square": -1.0}, "'retransform.square' must be a finite number of at least 0"),
        ("sqrt", {"correction": "normal", "mean": 0.1}, "a figure that its transform and correction do not have"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, transform, change, words):
    document = held(tmp_path, transform)
    document["retransform"] = None if change is None else document["retransform"] | change
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=words):
        regress.load(tmp_path / "m.json")


def test_units_of_a_plain_target_are_refused_in_a_file(tmp_path):
    units = held(tmp_path)["retransform"]
    regress.fit(TABLE, "y ~ x").save(tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text()) | {"retransform": units | {"column": "y"}}
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="not of the target"):
        regress.load(tmp_path / "m.json")


def test_certificates_are_those_of_the_transformed_target():
    fit = regress.fit(TABLE, "log(y) ~ x + zone")
    found = regress.certify(fit, TABLE)
    assert found.passed
    assert found.record.target == "log(y)"
    assert regress.verify(fit, TABLE).matches


def test_the_command_line_predicts_in_units(tmp_path):
    table, model, out = (tmp_path / name for name in ("t.csv", "m.json", "p.csv"))
    TABLE[["x", "zone", "y"]].to_csv(table, index=False)
    formula = "log(y) ~ x + zone"
    code, text, _ = run("fit", table, "--target", formula, "--retransform", "normal", "--save", model)
    assert (code, "for normal errors" in text) == (0, True)
    assert run("predict", model, table, "--interval", "0.9", "--keep", "y", "-o", out)[0] == 0
    with open(out, newline="") as file:
        written = list(csv.DictReader(file))
    theirs, _ = oracle("log")
    frame = theirs.get_prediction(TABLE).summary_frame(alpha=0.1)
    expected = {
        "prediction": np.exp(frame["mean"] + theirs.mse_resid / 2),
        "pi_low": np.exp(frame["obs_ci_lower"]),
        "pi_high": np.exp(frame["obs_ci_upper"]),
        "y": TABLE["y"],
    }
    for name, values in expected.items():
        assert [float(row[name]) for row in written] == pytest.approx(values.tolist(), rel=1e-9)


def test_columns_that_are_kept_are_those_of_the_table(tmp_path):
    """Also one that a computed column reads, one of the target, and one that nothing reads."""
    table, model = tmp_path / "t.csv", tmp_path / "m.json"
    table.write_text("x,y,note\n" + "".join(f"{i}.0,{i * i % 7 + 1}.50,n{i}\n" for i in range(12)))
    assert run("fit", table, "--target", "log(y) ~ exp(x)", "--save", model)[0] == 0
    assert run("predict", model, table, "--keep", "note,y,x", "-o", tmp_path / "p.csv")[0] == 0
    assert [line.split(",")[:4] for line in (tmp_path / "p.csv").read_text().splitlines()[:3]] == [
        ["row", "note", "y", "x"],
        ["1", "n0", "1.50", "0.0"],
        ["2", "n1", "2.50", "1.0"],
    ]
    code, _, error = run("predict", model, table, "--keep", "log(y)")
    assert (code, "'log(y)' to use as a column to keep" in error) == (2, True)


def test_the_command_line_smears_although_nothing_is_written(tmp_path):
    TABLE[["x", "zone", "y"]].to_csv(tmp_path / "t.csv", index=False)
    code, text, _ = run("fit", tmp_path / "t.csv", "--target", "log(y) ~ x", "--json")
    assert (code, json.loads(text)["retransform"]["rows"]) == (0, N)
    code, _, error = run("fit", tmp_path / "t.csv", "--target", "y ~ x", "--retransform", "naive")
    assert code == 2
    assert error.startswith("Error: --retransform naive is for the targets log(y)")
