"""Another reference level without the data: the bits of a refit, or what the stored digits give."""

import json
import warnings
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.releveled_record import changed
from regress.design.references import compared
from regress.errors import InputError
from tests.command import run
from tests.examples import examples

FIGURES = ("coef", "std_err", "t", "p_value", "ci_low", "ci_high", "standardized", "vif")
FORMULAS = (
    "y ~ zone",
    "y ~ zone + kind + x",
    "y ~ zone * x",
    "y ~ zone * kind",
    "y ~ zone:kind",
    "y ~ kind:zone + x",
    "y ~ zone * kind * x",
    "y ~ x:zone + zone + kind:poly(n, 2)",
    "y ~ 0 + kind + zone * x",
    "y ~ C(kind, coding='sum') * zone",
    "log(y + 100) ~ zone * poly(x, 2)",
)


def table_of(seed: int = 0, rows: int = 120, levels: int = 4) -> dict[str, list]:
    """Return rows of two text columns, x, weights and y."""
    rng = np.random.default_rng(seed)
    zones = [f"z{k}" for k in range(levels)]
    table = {
        "zone": [*zones, *rng.choice(zones, rows - levels)],
        "kind": rng.choice(["a", "b", "c"], rows).tolist(),
        "x": (3.0 + rng.normal(size=rows)).tolist(),
        "n": rng.integers(1, 4, rows).tolist(),
    }
    at = np.array([zones.index(zone) for zone in table["zone"]])
    table["y"] = (at * 1.5 + 0.3 * np.array(table["x"]) + rng.normal(size=rows)).tolist()
    return table


def everything(fit: regress.Fit) -> dict[str, object]:
    """Return all that is known of a fit."""
    return {**fit.model.to_dict(), "record": asdict(fit.record), "design": fit.model.design, "notes": fit.notes()}


def stored(fit: regress.Fit, tmp_path) -> regress.Fit:
    """Return a fit as it is read from its file."""
    fit.save(tmp_path / "model.json")
    return regress.load(tmp_path / "model.json")


def check_close(fit: regress.Fit, refit: regress.Fit, digits: float = 1e-9) -> None:
    """Compare every figure with that of a refit."""
    assert fit.names == refit.names
    assert fit.model.design == refit.model.design
    assert fit.reference_levels == refit.reference_levels
    for line, other in zip(fit.record.coefficients, refit.record.coefficients, strict=True):
        assert (line.name, line.column, line.level, line.status) == (
            other.name,
            other.column,
            other.level,
            other.status,
        )
        for name in FIGURES:
            one, two = getattr(line, name), getattr(other, name)
            assert (one is None) == (two is None), (line.name, name)
            assert one is None or one == pytest.approx(two, rel=digits, abs=1e-9), (line.name, name)
    assert [test.term for test in fit.record.terms.tests] == [test.term for test in refit.record.terms.tests]
    for test, other in zip(fit.record.terms.tests, refit.record.terms.tests, strict=True):
        assert test.f == pytest.approx(other.f, rel=max(digits, 1e-8))
    figures, others = asdict(fit.statistics), asdict(refit.statistics)
    for name, value in figures.items():
        assert value == (others[name] if isinstance(value, str) else pytest.approx(others[name], rel=digits)), name


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_fit_in_exact_arithmetic_has_the_bits_of_a_refit(formula):
    table = table_of()
    releveled = regress.fit(table, formula).relevel("zone", "z2")
    assert everything(releveled) == everything(regress.fit(table, formula, ref={"zone": "z2"}))
    assert releveled.certificate is not None


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"test_size": 0.25},
        {"weights": "n"},
        {"weights": "n", "weight_type": "frequency"},
        {"precision": "exact", "level": 0.9},
        {"fit_intercept": False, "features": ["kind", "zone", "x"]},
        {"collinear": "drop"},
    ],
)
def test_so_it_has_with_other_options(options):
    table = table_of()
    releveled = regress.fit(table, "y", **options).relevel("zone", "z1")
    assert everything(releveled) == everything(regress.fit(table, "y", **options, ref={"zone": "z1"}))


def test_so_it_has_from_moments_and_from_a_file(tmp_path):
    table = table_of()
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    moments = regress.moments(table, "y")
    assert everything(regress.fit(moments).relevel("zone", "z3")) == everything(
        regress.fit(moments, ref={"zone": "z3"})
    )
    path = tmp_path / "t.csv"
    assert everything(regress.fit(path, "y").relevel("zone", "z3")) == everything(
        regress.fit(path, "y", ref={"zone": "z3"})
    )


def test_there_and_back_is_the_same_fit():
    table = table_of()
    fit = regress.fit(table, "y ~ zone * x")
    assert fit.relevel("zone", "z0") is fit
    assert everything(fit.relevel("zone", "z2").relevel("zone", "z0")) == everything(fit)


def test_the_order_of_a_categorical_is_kept(tmp_path):
    table = table_of()
    frame = pd.DataFrame({**table, "zone": pd.Categorical(table["zone"], ["z3", "z1", "z0", "z2"])})
    fit = regress.fit(frame, "y", ref={"zone": "z0"})
    refit = regress.fit(frame, "y", ref={"zone": "z2"})
    assert everything(fit.relevel("zone", "z2")) == everything(refit)
    assert stored(fit, tmp_path).relevel("zone", "z2").names == refit.names
    assert stored(fit, tmp_path).relevel("zone", "z3").names == regress.fit(frame, "y").names


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
@pytest.mark.parametrize("formula", FORMULAS[:-1])
def test_a_fit_of_a_file_has_the_figures_of_a_refit(tmp_path, formula):
    table = table_of()
    loaded = stored(regress.fit(table, formula), tmp_path)
    releveled, refit = loaded.relevel("zone", "z2"), regress.fit(table, formula, ref={"zone": "z2"})
    check_close(releveled, refit)
    np.testing.assert_allclose(releveled.predict(table), refit.predict(table), rtol=1e-13)
    one, two = (fit.predict_interval(table, 0.9).to_numpy() for fit in (releveled, refit))
    np.testing.assert_allclose(one, two, rtol=1e-10)
    assert releveled.record.residuals == loaded.record.residuals
    assert releveled.certificate is None
    assert releveled.record.fingerprint == ""
    assert everything(stored(releveled, tmp_path)) == everything(releveled)


@pytest.mark.parametrize(
    "options", [{"precision": "float64"}, {"cov_type": "HC1"}, {"cov_type": "HC0", "over": "rows"}]
)
def test_a_fit_without_exact_sums_or_with_robust_errors_does_so_too(options):
    table = table_of()
    releveled = regress.fit(table, "y", **options).relevel("zone", "z2")
    check_close(releveled, regress.fit(table, "y", **options, ref={"zone": "z2"}))


def test_coefficients_of_a_file_are_sums_of_stored_numbers_rounded_once(tmp_path):
    table = table_of(seed=3)
    loaded = stored(regress.fit(table, "y"), tmp_path)
    w, b = dict(zip(loaded.names, map(Fraction, loaded.w.tolist()), strict=True)), Fraction(loaded.b)
    releveled = loaded.relevel("zone", "z2")
    found = dict(zip(releveled.names, releveled.w.tolist(), strict=True))
    assert releveled.b == float(b + w["zone=z2"])
    assert found["zone=z0"] == float(-w["zone=z2"])
    assert found["zone=z1"] == float(w["zone=z1"] - w["zone=z2"])
    assert found["x"] == float(w["x"])


def test_statsmodels_finds_the_same_with_its_treatment_coding(tmp_path):
    formulas = pytest.importorskip("statsmodels.formula.api")
    table = table_of(seed=7)
    theirs = formulas.ols("y ~ C(zone, Treatment('z2')) * x + C(kind)", pd.DataFrame(table)).fit()
    fit = regress.fit(table, "y ~ zone * x + kind")
    for releveled in (fit.relevel("zone", "z2"), stored(fit, tmp_path).relevel("zone", "z2")):
        lines = {line.name: line for line in releveled.record.coefficients}
        for name, value in theirs.params.items():
            own = name.replace("Intercept", "(intercept)").replace("C(zone, Treatment('z2'))[T.", "zone=")
            line = lines[own.replace("C(kind)[T.", "kind=").replace("]", "")]
            assert line.coef == pytest.approx(value, rel=1e-9)
            assert line.std_err == pytest.approx(theirs.bse[name], rel=1e-9)
            assert line.p_value == pytest.approx(theirs.pvalues[name], rel=1e-7)


@st.composite
def small_tables(draw):
    """Draw a table of one to three text columns, a formula with products of them, and a new reference level."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    texts = ["p", "q", "r"][: draw(st.integers(1, 3))]
    table = {name: rng.choice(["a", "b", "c"][: draw(st.integers(2, 3))], 60).tolist() for name in texts}
    table |= {"x": rng.integers(-8, 9, 60).astype(float).tolist(), "y": rng.normal(size=60).round(3).tolist()}
    factors = [*texts, "x"]
    term = st.lists(st.sampled_from(factors), min_size=1, max_size=3, unique=True).map(":".join)
    star = st.lists(st.sampled_from(factors), min_size=1, max_size=2, unique=True).map(" * ".join)
    chosen = draw(st.sampled_from(texts))
    terms = [chosen, *draw(st.lists(term | star, min_size=1, max_size=3))]
    return table, "y ~ " + " + ".join(terms), chosen, draw(st.sampled_from(sorted(set(table[chosen]))))


@settings(max_examples=examples(20), deadline=None)
@given(small_tables())
def test_random_products_of_text_and_numbers(drawn):
    table, formula, column, level = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = regress.fit(table, formula)
        dependent = bool(fit.record.outcome.equations)
        if dependent or not compared(fit.model.design, column):
            with pytest.raises(InputError, match="depend on each other" if dependent else "for each level"):
                fit.relevel(column, level)
            return
        if any(f"{column}=" in name for name in fit.record.outcome.constant):
            with pytest.raises(InputError, match="No training row has"):
                fit.relevel(column, level)
            return
        releveled = fit.relevel(column, level)
        refit = regress.fit(table, formula, ref={column: level})
    assert everything(releveled) == everything(refit)
    if refit.statistics is not None and releveled is not fit:
        model, record = changed(fit.model, fit.record, refit.model.design)
        check_close(regress.Fit(_bare=model, _held=record), refit, 1e-6)


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_combinations_that_no_row_has_are_refused_only_where_they_take_part():
    table = {"p": list("aabb") * 6, "q": list("cdcc") * 6, "r": list("eefgfgeg") * 3, "y": np.arange(24.0) ** 0.5}
    fit = regress.fit(table, "y ~ p * q + r")
    assert fit.record.outcome.constant == ("p=b:q=d",)
    with pytest.raises(InputError, match="No training row has p=b:q=d"):
        fit.relevel("p", "b")
    refit = regress.fit(table, "y ~ p * q + r", ref={"r": "f"})
    assert everything(fit.relevel("r", "f")) == everything(refit)
    model, record = changed(fit.model, fit.record, refit.model.design)
    check_close(regress.Fit(_bare=model, _held=record), refit)


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_r2_on_held_out_rows_that_rests_on_the_reference_is_dropped(tmp_path):
    table = {"key": [str(k) for k in range(40)], "zone": ["p", "q"] * 20, "y": np.arange(40.0) ** 1.5}
    table["zone"][7] = "alone"
    for seed in range(50):
        options = {"test_size": 0.3, "split_key": "key", "random_state": seed}
        fit = regress.fit(table, "y", **options)
        if "zone=p" not in fit.names:  # no training row has the level "alone", which comes first
            break
    assert any("held-out cell has a level" in note for note in fit.notes())
    refit = regress.fit(table, "y", **options, ref={"zone": "q"})
    assert everything(fit.relevel("zone", "q")) == everything(refit)
    assert fit.r2_test != refit.r2_test
    assert stored(fit, tmp_path).relevel("zone", "q").r2_test is None


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
@pytest.mark.parametrize(
    ("formula", "options", "column", "level", "message"),
    [
        ("y ~ zone", {}, "zoone", "z1", "no column 'zoone'. Its text columns: 'zone'"),
        ("y ~ zone + x", {}, "x", "z1", "no levels of the column 'x'"),
        ("y ~ zone", {}, "zone", "moon", "no level 'moon'. It has: 'z0', 'z1', 'z2', 'z3'"),
        ("y ~ zone", {}, 3, "z1", "must be the name of a text column"),
        ("y ~ zone", {"alpha": 1.0}, "zone", "z1", "With a penalty .* Fit the table again with ref="),
        ("y ~ 0 + zone", {}, "zone", "z1", "a coefficient for each level"),
        ("y ~ C(zone, coding='sum')", {}, "zone", "z1", "compares the levels with their mean"),
        ("y ~ zone + x + I(2 * x)", {}, "zone", "z1", "depend on each other"),
        ("y ~ zone + x + I(2 * x)", {"collinear": "drop"}, "zone", "z1", "depend on each other"),
        ("y ~ zone + x", {"loss": "huber"}, "zone", "z1", "holds no covariances"),
    ],
)
def test_what_cannot_be_releveled_is_refused_with_the_remedy(formula, options, column, level, message):
    fit = regress.fit(table_of(), formula, **options)
    with pytest.raises(InputError, match=message):
        fit.relevel(column, level)


def test_the_command_line_relevels_a_saved_model(tmp_path):
    table = {f"{name}=" if name == "zone" else name: cells for name, cells in table_of().items()}
    regress.fit(table, "y").save(tmp_path / "m.json")
    code, out, _ = run("relevel", tmp_path / "m.json", "zone==z2", "kind=c", "--save", tmp_path / "n.json")
    assert code == 0
    assert "zone= (reference level: z2)" in out
    check_close(regress.load(tmp_path / "n.json"), regress.fit(table, "y", ref={"zone=": "z2", "kind": "c"}))
    code, out, _ = run("relevel", tmp_path / "n.json", "kind=a", "--json")
    assert json.loads(out)["reference_levels"] == {"zone=": "z2", "kind": "a"}
    for arguments, message in (
        (("kind",), "'kind' is not a column with a level"),
        (("kind=moon",), "no level 'moon'"),
        (("kind=a", "--save", tmp_path / "m.json"), "the model"),
    ):
        code, _, err = run("relevel", tmp_path / "m.json", *arguments)
        assert code == 2
        assert message in err
