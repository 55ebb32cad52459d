"""Moments of a formula: they merge, and give the fits of the formula to the rows, to the last bit."""

import hashlib
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.moments.collected import Collected
from regress.api.moments.file import HEADER, moments_of, written
from regress.design.columns import lower_part

N = np.arange(180)
TABLE = pd.DataFrame(
    {
        "a": N % 13 - 4.5,
        "z": (N * 7) % 11 + 1,
        "zone": np.array(["north", "south", "west"])[(N * 5 + N // 7) % 3],
        "kind": pd.Categorical(np.array(["low", "high"])[(N // 3) % 2], ["low", "high"]),
        "new": (N // 2) % 2 == 0,
        "y": (N * 37) % 101 + 3 * (N % 13) + 1.0,
    }
)
FORMULAS = [
    "log(y) ~ a * zone + poly(z, 3)",
    "y ~ 0 + zone * kind + a:zone",
    "y ~ a + . - new",
    "y ~ C(z, ref=3) + I(a**2 * z) + zone:kind + a:new",
    "y ~ cut(a, [-9, 0, 9]) + bs(z, knots=[4], lower=0, upper=12)",
    "sqrt(y) ~ C(zone, coding='sum') * a + I(zone == 'west')",
    "y ~ a:z:zone + missing(zone)",
]


def same(one: regress.Fit, other: regress.Fit) -> bool:
    return one.names == other.names and one.w.tolist() == other.w.tolist() and one.b == other.b


def quiet(function, *given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.DataWarning)
        return function(*given, **options)


@pytest.mark.parametrize("formula", FORMULAS)
def test_parts_give_the_fit_of_the_table(formula, tmp_path):
    units = {} if formula.startswith("y ") else {"retransform": "naive"}  # residuals are not known
    expected = quiet(regress.fit, TABLE, formula, **units)
    parts = [TABLE[:1], TABLE[1:70], TABLE[70:]]
    summed = [regress.moments(part, formula) for part in parts]
    total = summed[2] + summed[0] + summed[1]
    total.save(tmp_path / "t.moments")
    loaded = regress.load_moments(tmp_path / "t.moments")
    assert loaded.fingerprint == total.fingerprint == regress.moments(TABLE, formula).fingerprint
    for moments in (total, loaded, tmp_path / "t.moments"):
        assert same(quiet(regress.fit, moments), expected)
    if "." not in formula:
        assert same(quiet(regress.fit, loaded, formula), expected)
    fit = quiet(regress.fit, loaded, **units)
    fit.save(tmp_path / "m.json")
    new = TABLE.sample(20, random_state=1)
    assert regress.load(tmp_path / "m.json").predict(new).tolist() == expected.predict(new).tolist()
    assert regress.verify(fit, TABLE).matches
    assert regress.verify(expected, loaded).matches
    assert quiet(regress.certify, expected, loaded, digits=14).passed
    rest = total - summed[1]
    both = pd.concat([parts[0], parts[2]])
    assert rest.fingerprint == regress.moments(both, formula).fingerprint


def test_a_reference_level_may_be_chosen_for_the_fit():
    total = regress.moments(TABLE, "y ~ a * zone + kind")
    for ref in ({"zone": "west"}, {"zone": "most-frequent", "kind": "high"}):
        assert same(regress.fit(total, ref=ref), regress.fit(TABLE, "y ~ a * zone + kind", ref=ref))
    for ref, said in [
        ({"zone": "east"}, "no level 'east'"),
        ({"a": "1"}, "does not hold text"),
        ({"b": "1"}, "no column"),
    ]:
        with pytest.raises(regress.InputError, match=said):
            regress.fit(total, ref=ref)
    with pytest.raises(regress.InputError, match="give it to the fit of them"):
        regress.moments(TABLE, "y ~ zone", ref={"zone": "west"})
    plain = regress.moments(TABLE[["a", "zone", "y"]], "y")
    expected = regress.fit(TABLE[["a", "zone", "y"]], "y", ref={"zone": "west"})
    assert same(regress.fit(plain, ref={"zone": "west"}), expected)


def test_ways_to_write_a_formula_merge_and_others_do_not():
    one, other = TABLE[:90], TABLE[90:]
    total = regress.moments(one, "y ~ a * zone") + regress.moments(other, "y~a+zone+a:zone")
    assert same(regress.fit(total), regress.fit(TABLE, "y ~ a * zone"))
    for formula in ("y ~ a + zone", "log(y) ~ a * zone", "y ~ 0 + a * zone"):
        with pytest.raises(regress.InputError, match="differ in"):
            regress.moments(one, "y ~ a * zone") + regress.moments(other, formula)
    with pytest.raises(regress.InputError, match="differ in formula"):
        total + regress.moments(other[["a", "zone", "y"]], "y")
    with pytest.raises(regress.InputError, match="differ in as_written"):
        regress.moments(one, "y ~ a") + regress.moments(other, "y ~ a", as_written=True)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        ("center(a)", "Subtract a number"),
        ("scale(a)", "Write the numbers"),
        ("poly(z, 2, orthogonal=True)", "Remove orthogonal"),
        ("bs(z, df=4)", "Give it knots"),
        ("ns(z, knots=[3])", "Give it knots"),
    ],
)
def test_what_depends_on_all_rows_is_refused(call, remedy):
    with pytest.raises(regress.InputError, match=remedy):
        regress.moments(TABLE, f"y ~ zone + {call}")
    with pytest.raises(regress.InputError, match=remedy):
        regress.moments(TABLE, f"y ~ zone:{call}")


def test_a_fit_cannot_change_what_was_summed():
    total = regress.moments(TABLE, "y ~ a * zone")
    for options, said in [
        ({"features": ["a"]}, "features cannot change"),
        ({"drop": ["a"]}, "drop cannot change"),
        ({"formula": "y ~ a"}, "summed with formula='y ~ a . zone . a:zone'"),
        ({"formula": "y ~ ."}, "without a dot"),
        ({"target": "log(y) ~ a * zone"}, "holds sums for the target 'y'"),
    ]:
        with pytest.raises(regress.InputError, match=said):
            regress.fit(total, **options)
    with pytest.raises(regress.InputError, match="summed without formula"):
        regress.fit(regress.moments(TABLE, "y"), formula="y ~ a")
    model = regress.fit(TABLE, "y ~ a * zone")
    for other in (regress.moments(TABLE, "y ~ a + zone"), regress.moments(TABLE, "y")):
        with pytest.raises(regress.InputError, match="holds no sums of a:zone"):
            regress.certify(model, other)


def test_rows_held_out_and_samples_of_formulas():
    options = {"test_size": 0.3, "split_key": "z", "sample": 40}
    formula = "y ~ a * zone + I(a**2)"
    total = regress.moments(TABLE[:80], formula, **options) + regress.moments(TABLE[80:], formula, **options)
    expected, got = quiet(regress.fit, TABLE, formula, **options), quiet(regress.fit, total, sample=40)
    assert same(got, expected)
    assert got.r2_test == expected.r2_test
    assert total.sampled == 40


DATA = written(
    *(getattr(m := regress.moments(TABLE, FORMULAS[0], sample=3), name) for name in ("sums", "read", "parts"))
)
TEXT, REST = DATA[len(HEADER) : -32].split(b"\n", 1)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ a * zone + poly(z, 3)",
        "log(y) ~ a + zone + poly(z, 3)",
        "log(y) ~ a * zone + poly(z, 2)",
        "log(y) ~ (",
        "log(y) ~ nothing",
        "log(y) ~ a * zone + poly(z, 3) + exec(z)",
        "~ a * zone + poly(z, 3)",
        "log(zone) ~ a * zone",
        "",
    ],
)
def test_a_file_with_another_formula_is_refused(formula):
    assert moments_of(DATA)[1].formula == "log(y) ~ a + zone + poly(z, 3) + a:zone"
    head = json.loads(TEXT)
    head["read"]["formula"] = formula
    data = HEADER + json.dumps(head).encode() + b"\n" + REST
    with pytest.raises(ValueError, match=r"."):
        moments_of(data + hashlib.sha256(data).digest())


LEVEL = st.text("a:=z\x001", max_size=5)


@settings(deadline=None)
@given(st.lists(LEVEL, min_size=1, unique=True), st.lists(LEVEL, min_size=1, unique=True), LEVEL)
def test_the_columns_that_sums_may_have_are_those_of_the_levels(ones, others, odd):
    moments = regress.moments(
        {"g": ["p", "q"], "h": ["p", "q"], "a": [1.0, 2.0], "y": [1.0, 2.0]}, "y ~ I(a**3):g:h + g"
    )
    design = moments.read.design()
    collected = Collected(design, {"g": dict.fromkeys(ones, 1.0)}, {"h": dict.fromkeys(others, 1.0)})
    names = {f"I(a ** 3):g={one}:h={other}" for one in ones for other in others}
    every = names | {lower_part(name, k) for name in names for k in (1, 2)} | {f"g={one}" for one in ones}
    assert all(name in collected for name in every)
    assert collected.most >= len(every)
    assert collected.bytes >= sum(len(name.encode()) for name in every)
    for name in {f"I(a ** 3):g={odd}:h={odd}", f"g={odd}", f"h={odd}", "g", "", f"I(a ** 3):g={ones[0]}"} - every:
        assert name not in collected
    assert lower_part(min(names), 3) not in collected
