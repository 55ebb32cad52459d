"""Reference levels that are asked for: which levels they are, how they are written, and where there are none."""

import numpy as np
import pandas as pd
import pytest

import regress
from regress.design.references import divided
from regress.design.relevel import sums_of_columns
from regress.errors import DataWarning, InputError
from tests.command import run

ZONES = ["north", "south", "east", "north", "east", "south", "north", "west", "west"]
TABLE = {
    "zone": ZONES,
    "kind": ["b", "a", "b", "a", "b", "a", "a", "b", "b"],
    "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.5, 7.0, 8.0, 3.0],
    "y": [1.0, 2.0, 4.0, 3.0, 6.0, 5.0, 7.0, 9.25, 2.0],
}


@pytest.mark.parametrize("target", ["y", "y ~ zone + kind + x", "y ~ zone * x"])
def test_the_reference_is_the_first_level_and_the_others_keep_their_order(target):
    fit = regress.fit(TABLE, target, ref={"zone": "south"})
    assert fit.reference_levels["zone"] == "south"
    (variable,) = (v for v in fit.model.design.variables if v.name == "zone")
    assert variable.levels == ("south", "east", "north", "west")
    assert [name for name in fit.names if name.startswith("zone") and ":" not in name] == [
        "zone=east",
        "zone=north",
        "zone=west",
    ]
    assert "reference level: south" in fit.summary()
    assert fit.record.references["zone"] == "south"


def test_a_formula_names_the_reference_as_the_option_does():
    by_option = regress.fit(TABLE, "y ~ zone * x", ref={"zone": "south"})
    by_formula = regress.fit(TABLE, "y ~ C(zone, ref='south') * x")
    assert by_option.names == by_formula.names
    assert by_option.record.coefficients == by_formula.record.coefficients


@pytest.mark.parametrize("target", ["y", "y ~ zone * x + kind"])
def test_fitted_values_do_not_depend_on_the_reference(target):
    expected = regress.fit(TABLE, target).predict(TABLE)
    for level in dict.fromkeys(ZONES):
        np.testing.assert_allclose(regress.fit(TABLE, target, ref={"zone": level}).predict(TABLE), expected, rtol=1e-12)


def test_an_unknown_level_is_predicted_as_the_reference_that_was_asked_for():
    fit = regress.fit(TABLE, "y", ref={"zone": "west"})
    row = {"kind": "a", "x": 2.0}
    with pytest.warns(DataWarning, match="1 cell holds a level"):
        unknown = fit.predict_one({**row, "zone": "moon"}, handle_unknown="reference")
    assert unknown == fit.predict_one({**row, "zone": "west"})


def test_a_level_that_looks_like_a_number_is_that_number():
    table = {**TABLE, "zone": [{"north": "1.0", "south": "2", "east": "3.50", "west": "007"}[z] for z in ZONES]}
    for given, level in (("2.0", "2"), (2, "2"), ("3.5", "3.5"), ("007", "007"), (" 2 ", "2")):
        fit = regress.fit(table, "y", ref={"zone": given}, categorical=["zone"])
        assert fit.reference_levels["zone"] == level


def test_a_true_or_false_column_read_as_text_has_references():
    table = {**TABLE, "flag": [x > 4 for x in TABLE["x"]]}
    fit = regress.fit(table, "y", categorical=["flag"], ref={"flag": True})
    assert fit.reference_levels["flag"] == "true"


def test_the_order_of_a_categorical_holds_for_the_others():
    frame = pd.DataFrame({**TABLE, "zone": pd.Categorical(ZONES, ["west", "south", "north", "east", "moon"])})
    assert regress.fit(frame, "y").model.design.texts[0].levels == ("west", "south", "north", "east")
    fit = regress.fit(frame, "y", ref={"zone": "north"})
    assert fit.model.design.texts[0].levels == ("north", "west", "south", "east")


def test_the_most_frequent_level_of_a_tie_is_the_first_in_order():
    assert regress.fit(TABLE, "y", ref={"zone": "most-frequent"}).reference_levels["zone"] == "north"
    tie = regress.fit(TABLE, "y", ref={"zone": "most-frequent", "kind": "most-frequent"})
    assert tie.reference_levels["kind"] == "b"
    short = {name: cells[1:] for name, cells in TABLE.items() if name != "kind"}  # two rows of each zone
    assert regress.fit(short, "y", ref={"zone": "most-frequent"}).reference_levels["zone"] == "east"
    frame = pd.DataFrame({**short, "zone": pd.Categorical(ZONES[1:], ["west", "south", "north", "east"])})
    assert regress.fit(frame, "y", ref={"zone": "most-frequent"}).reference_levels["zone"] == "west"


def test_frequency_weights_count_and_analytic_weights_do_not():
    table = {**TABLE, "n": [1, 1, 9, 1, 1, 1, 1, 1, 1]}
    options = {"weights": "n", "ref": {"zone": "most-frequent"}}
    assert regress.fit(table, "y", **options, weight_type="frequency").reference_levels["zone"] == "east"
    assert regress.fit(table, "y", **options).reference_levels["zone"] == "north"


def test_a_level_with_the_name_of_the_choice_is_that_level():
    table = {**TABLE, "zone": ["most-frequent" if zone == "south" else zone for zone in ZONES]}
    assert regress.fit(table, "y", ref={"zone": "most-frequent"}).reference_levels["zone"] == "most-frequent"


def test_rows_held_out_do_not_count():
    rng = np.random.default_rng(5)
    table = {"zone": rng.choice(["a", "b", "c"], 400).tolist(), "y": rng.normal(size=400)}
    fit = regress.fit(table, "y", test_size=0.5, ref={"zone": "most-frequent"})
    reader = fit._held.again.read  # the rows counted by level, as they were read
    rows = reader.sums.counted.training["zone"]
    assert fit.reference_levels["zone"] == max(rows, key=rows.get)
    assert sum(rows.values()) == fit.nobs == 200


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_a_level_of_held_out_rows_only_cannot_be_the_reference():
    table = {"key": list("abcdefgh"), "zone": list("stuvwxyz"), "y": [1.0, 2, 4, 3, 5, 7, 6, 8]}
    split = {"test_size": 0.5, "split_key": "key"}
    trained = regress.fit(table, "y", **split).model.design.texts[0].levels
    only_held_out = next(level for level in table["zone"] if level not in trained)
    with pytest.raises(InputError, match="in any training row"):
        regress.fit(table, "y", **split, ref={"zone": only_held_out})


@pytest.mark.parametrize(
    ("target", "ref", "message"),
    [
        ("y", {"zoone": "north"}, "no column 'zoone' .* Nearest: 'zone'"),
        ("y", {"zone": "moon"}, "no level 'moon' .* It has: 'east', 'north', 'south', 'west'"),
        ("y", {"x": "1"}, r"'x' does not hold text.* pass categorical=\['x'\]"),
        ("y ~ x + zone", {"x": "1"}, r"write C\(x\) in the formula"),
        ("y", {"y": "1"}, "'y' is not a feature"),
        ("y ~ x", {"zone": "north"}, "'zone' is not a feature"),
        ("y ~ C(zone, coding='sum')", {"zone": "north"}, "coding='sum'"),
        ("y ~ C(zone, ref='west')", {"zone": "north"}, "both give a reference level"),
        ("y ~ 0 + zone", {"zone": "north"}, "a coefficient for each level"),
        ("y", ["zone=north", "zone=south"], "two reference levels of column 'zone'"),
        ("y", ["zone"], "must be levels by column"),
        ("y", "zone=north", "must be levels by column"),
        ("y", {"zone": None}, "must be levels by column"),
    ],
)
def test_what_is_no_reference_level_is_refused(target, ref, message):
    with pytest.raises(InputError, match=message):
        regress.fit(TABLE, target, ref=ref)


def test_a_model_keeps_its_own_references():
    fit = regress.fit(TABLE, "y", ref={"zone": "west"})
    assert regress.certify(fit, TABLE).passed
    with pytest.raises(InputError, match="Remove ref"):
        regress.certify(fit, TABLE, ref={"zone": "north"})


@pytest.mark.tensorflow
def test_other_verbs_take_references():
    assert regress.check_gradients(TABLE, "y", ref={"zone": "west"}).passed
    assert "zone=north" in regress.compare(TABLE, "y", ref={"zone": "west"}).record.names
    assert "zone=west" not in regress.compare(TABLE, "y", ref={"zone": "west"}).record.names


def test_moments_of_a_table_leave_the_reference_open():
    moments = regress.moments(TABLE, "y")
    for ref in ({"zone": "south"}, {"zone": "most-frequent", "kind": "b"}):
        from_moments, from_rows = regress.fit(moments, ref=ref), regress.fit(TABLE, "y", ref=ref)
        assert from_moments.record.coefficients == from_rows.record.coefficients
        assert from_moments.record.fingerprint == from_rows.record.fingerprint
    with pytest.raises(InputError, match="Remove ref"):
        regress.moments(TABLE, "y", ref={"zone": "south"})


def test_a_text_is_divided_after_the_longest_name_that_fits():
    assert divided("a=b=c", ["a"]) == ("a", "b=c")
    assert divided("a=b=c", ["a", "a=b", "a=b=c"]) == ("a=b", "c")
    assert divided("z=b", ["a"]) == ("z", "b")


def test_flags_name_references_of_columns_with_an_equals_sign(tmp_path):
    frame = pd.DataFrame(TABLE).rename(columns={"zone": "a=b", "kind": "a"})
    frame.to_csv(tmp_path / "t.csv", index=False)
    common = [str(tmp_path / "t.csv"), "--target", "y", "--save", str(tmp_path / "m.json")]
    code, out, _ = run("fit", *common, "--ref", "a=b=south", "--ref", "a=b")
    assert code == 0
    assert regress.load(tmp_path / "m.json").reference_levels == {"a=b": "south", "a": "b"}
    assert "reference level: south" in out


def test_flags_without_a_level_are_refused(tmp_path):
    pd.DataFrame(TABLE).to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("fit", str(tmp_path / "t.csv"), "--target", "y", "--ref", "zone")
    assert code == 2
    assert "--ref must be a column and a level, such as zone=north; got 'zone'." in err


def test_a_column_is_a_sum_of_those_of_another_reference():
    design = regress.fit(TABLE, "y ~ zone * x").model.design
    other = design.referred_to("zone", "south")
    sums = sums_of_columns(design, other, True)
    values = {name: np.array([column_of(name, i) for i in range(9)]) for name in (*design.names, *other.names)}
    for name, of_one in zip(design.names, sums, strict=True):
        total = sum(factor * (1.0 if j < 0 else values[other.names[j]]) for j, factor in of_one.items())
        np.testing.assert_array_equal(total, values[name])


def column_of(name, row):
    """Return a cell of X by the name of its column."""
    cells = [part.partition("=") for part in name.split(":")]
    return float(np.prod([TABLE[of][row] == level if mark else TABLE[of][row] for of, mark, level in cells]))
