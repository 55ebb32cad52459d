"""A certificate passes no model whose predictions or intercept are wrong, and every model that is right."""

import json
from dataclasses import replace
from fractions import Fraction
from math import log10

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import InputError, LinearRegressor, certify
from regress.cli.main import main
from tests.examples import examples

quiet = pytest.mark.filterwarnings("ignore::regress.DataWarning", "ignore::regress.ConvergenceWarning")
random = np.random.default_rng(5)
D = pd.DataFrame(
    {"a": 50.0 + np.random.default_rng(0).normal(size=200), "b": np.random.default_rng(2).normal(size=200)}
)
D["y"] = D.a - D.b + np.random.default_rng(1).normal(size=200)
FIT = regress.fit(D, "y")
FAR = pd.DataFrame({"t": 1e9 + random.normal(size=40), "u": random.normal(size=40)})
FAR["y"] = FAR.t - 1e9 + FAR.u + random.normal(size=40)


def spread_of(y):
    low, high = pd.Series(y).quantile([0.25, 0.75])
    return min(np.std(y), (high - low) / 1.349) if high > low else np.std(y)


def saved(tmp_path, fit, **changes):
    fit.save(path := tmp_path / "m.json")
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | {name: change(held[name]) for name, change in changes.items()}))
    return path


EDITS = {
    "b_center": {"b_center": lambda v: v + 100.0},
    "center": {"center": lambda v: [v[0] + 5.0, *v[1:]]},
    "b": {"b": lambda v: v + 100.0},
    "w": {"w": lambda v: [v[0] * 1.001, *v[1:]]},
    "b a little": {"b": lambda v: v * (1.0 + 1e-13)},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_file_that_contradicts_itself_is_refused(edit, tmp_path, capsys):
    path = saved(tmp_path, FIT, **EDITS[edit])
    for read in (regress.load, lambda path: certify(path, D)):
        with pytest.raises(InputError, match=r"its intercept b is .*, but w, center and b_center give another one"):
            read(path)
    D.to_csv(tmp_path / "d.csv", index=False)
    for command in (["certify", path, tmp_path / "d.csv"], ["predict", path, tmp_path / "d.csv"]):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, command)])
        assert (ended.value.code, "give another one" in capsys.readouterr().err) == (2, True)


@quiet
@pytest.mark.parametrize(
    "options",
    [{}, {"alpha": 3.0}, {"fit_intercept": False}, {"precision": "float64"}, {"solver": "gd", "max_iter": 50}],
)
@pytest.mark.parametrize(
    "table", [D, FAR, FAR * [1.0, 1.0, 1e-100], FAR + 1e12], ids=["near", "far", "tiny", "farther"]
)
def test_an_honest_file_is_read(table, options, tmp_path):
    fit = regress.fit(table, "y", **options)
    assert regress.load(saved(tmp_path, fit)).b == fit.b


def test_what_predicts_and_what_is_printed_are_both_judged():
    printed = replace(FIT.model, b=FIT.b + 100.0)
    for wrong in (printed, replace(FIT, _bare=printed)):
        got = certify(wrong, D)
        assert (got.passed, got.intercept_digits, got.predicting_b) == (False, 0.0, pytest.approx(FIT.b))
        assert got.intercept_digits == pytest.approx(max(-log10(100.0 / abs(FIT.b)), 0.0), abs=1e-3)
        assert (got.moved < 1e-12, got.to_dict()["predicting_intercept"]) == (True, got.predicting_b)
        said = got.summary().splitlines()
        assert f"The intercept is given as {FIT.b + 100.0!r}, but the model predicts with {got.predicting_b!r}." in said
        assert said[-1].startswith("Not certified: the worst coefficient has 0.0 correct digits; 6 were required. Pred")
        assert said[-1].endswith("The intercept is wrong.")
    predicts = replace(FIT.model, b_center=FIT.model.b_center + 0.01)
    got = certify(predicts, D)
    assert (got.passed, got.predicting_b) == (False, pytest.approx(FIT.b + 0.01, rel=1e-12))
    assert got.intercept_digits == pytest.approx(-log10(0.01 / abs(FIT.b)), abs=1e-3)
    assert got.moved == pytest.approx(0.01 / spread_of(D.y), rel=1e-9)
    got = certify(FIT, D)
    assert (got.passed, got.predicting_b, got.moved) == (True, None, None)  # one pass is enough


@pytest.mark.parametrize("change", [1e-3, 3.0, -100.0])
@pytest.mark.parametrize("name", ["intercept_", "_at_center"])
def test_an_edited_estimator_fails(name, change):
    estimator = LinearRegressor().fit(D[["a", "b"]], D.y)
    assert certify(estimator, D, "y").passed
    setattr(estimator, name, getattr(estimator, name) + change)
    got = certify(estimator, D, "y")
    assert (got.passed, got.predicting_b is None) == (False, False)


@pytest.mark.parametrize("name", ["b_center", "b"])
def test_an_intercept_where_none_was_fitted_is_refused(name):
    model = regress.fit(D, "y", fit_intercept=False).model
    with pytest.raises(InputError, match="intercept 3, but the claim is for a model without one"):
        certify(replace(model, **{name: 3.0}), D)


@pytest.mark.parametrize("off", [1e-5, 1e-3, 1.0])
def test_an_intercept_that_is_far_from_the_rows_hides_nothing(off):
    # b = -1e9: an error of `off` leaves 9 digits or more of it right
    fit = regress.fit(FAR, "y")
    moved = certify((fit.w, fit.b + off), FAR, "y")
    assert moved.worst > 8
    assert moved.effect == pytest.approx(off / spread_of(FAR.y), rel=0.05)  # b itself is rounded at 1e-7
    assert not moved.passed
    assert moved.summary().splitlines()[-1].startswith("Not certified: predictions are off by up to")
    assert certify((fit.w, fit.b), FAR, "y").passed


@pytest.mark.parametrize("outlier", [1e3, 1e9])
def test_an_outlier_hides_no_error(outlier):
    y = D.y.to_numpy().copy()
    y[7] = outlier
    X = D[["a", "b"]].to_numpy()
    fit = regress.fit(X, y)
    assert certify(fit, X, y).passed
    off = 0.9e-6 * np.std(y)
    got = certify((fit.w, fit.b + off), X, y, digits=16.0)
    assert got.moved == pytest.approx(off / spread_of(y), rel=1e-5)
    assert got.spread == pytest.approx(spread_of(y), rel=1e-12)
    assert not got.passed


def test_the_spread_is_that_of_the_training_rows_and_sd_where_quartiles_are_equal():
    y = np.where(np.arange(200) % 10 == 0, D.y, 5.0)
    assert certify(regress.fit(D[["a"]], y), D[["a"]], y).spread == pytest.approx(np.std(y), rel=1e-12)
    fit = regress.fit(D, "y", test_size=0.3, random_state=3)
    held = certify(fit, D).spread
    assert held != pytest.approx(spread_of(D.y), rel=1e-6)
    many = pd.DataFrame({"x": random.normal(size=50_000)})
    many["y"] = many.x + random.standard_cauchy(size=50_000)
    found = certify(regress.fit(many, "y"), many).spread  # from 20,000 of the rows
    assert found == pytest.approx(spread_of(many.y), rel=0.05)
    assert certify(regress.fit(many, "y"), many.iloc[::-1]).spread == pytest.approx(found, rel=0.05)


SMALL = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize(("factor", "listed"), [(1.0, ()), (7.0, ("x1",)), (1.0 + 2.0**-40, ("x1",))])
def test_what_is_measured_against_the_scale_of_y_is_listed(factor, listed):
    y = [1e8, 2.5e8, 1e-9, 2.5e-9]
    w = regress.fit(SMALL, y, fit_intercept=False).w
    got = certify((w * [1.0, factor], 0.0), SMALL, y, fit_intercept=False)
    assert (got.scaled_by_y, got.digits, got.passed) == (listed, {"x0": 15.95, "x1": 15.95}, True)
    assert got.to_dict()["scaled_by_y"] == [*listed]
    said = "Zero except for rounding, so measured against the scale of y: x1."
    assert (said in got.summary(), said in got.to_dict()["notes"]) == (bool(listed), bool(listed))


def test_an_intercept_of_zero_but_for_rounding_is_listed():
    Z = np.r_[SMALL, -SMALL]
    got = certify(([3.0, 1.0], 1e-12), Z, Z @ [3.0, 1.0])
    assert (got.scaled_by_y, got.passed) == (("(intercept)",), True)


def test_fewer_digits_asked_allow_more_and_none_allow_a_spread():
    off = 1e-4 * spread_of(D.y)
    claim = FIT.w, FIT.b + off
    assert [certify(claim, D, "y", digits=d).passed for d in (0.0, 3.0, 4.5, 6.0)] == [True, True, False, False]
    assert not certify((FIT.w, FIT.b + 100.0), D, "y", digits=0.0).passed


def test_certified_never_stands_beside_no_digit():
    y = D[["a", "b"]].to_numpy() @ [1.0, 1e-9]
    fit = regress.fit(D[["a", "b"]], y)
    got = certify((fit.w * [1.0, 3.0], fit.b), D[["a", "b"]], y)
    assert (got.passed, got.worst) == (True, pytest.approx(0.0, abs=0.4))
    last = got.summary().splitlines()[-1]
    assert last.startswith(
        f"Certified: the worst coefficient has {got.worst:.1f} correct digits, but predictions are only "
    )
    assert last.endswith("of the spread of y; 1e-06 is allowed.")


@quiet
@settings(deadline=None, max_examples=examples(300), derandomize=True)
@given(st.data())
def test_no_edit_that_changes_predictions_passes_and_no_fit_fails(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), label="seed"))
    m, n = data.draw(st.integers(5, 12), label="rows"), data.draw(st.integers(1, 3), label="columns")
    X = rng.normal(size=(m, n)) + 10.0 ** data.draw(st.integers(-2, 7), label="center")
    y = X @ rng.normal(size=n) + rng.normal(size=m)
    y[0] += data.draw(st.sampled_from([0.0, 0.0, 1e3, 1e8]), label="outlier")
    options = {"alpha": data.draw(st.sampled_from([0.0, 0.0, 0.5]), label="alpha")}
    fit = regress.fit(X, y, **options)
    unedited = certify(fit, X, y)
    assert unedited.passed
    assert unedited.excess_loss >= 0.0
    model = fit.model
    part = data.draw(st.sampled_from(["b", "center", "b_center", "w"]), label="part")
    size = 10.0 ** data.draw(st.floats(-16, 2), label="size") * data.draw(st.sampled_from([-1.0, 1.0]), label="sign")
    value = np.atleast_1d(getattr(model, part)).copy()
    j = data.draw(st.integers(0, len(value) - 1), label="which")
    value[j] += size * data.draw(st.sampled_from([1.0, abs(value[j])]), label="relative")
    edited = replace(model, **{part: value if part in ("w", "center") else float(value[0])})

    def lines(of, b):  # exact predictions; b in place of the center where it is given
        w, c = [Fraction(v) for v in of.w.tolist()], [Fraction(v) for v in of.center.tolist()]
        level = Fraction(of.b_center) - sum(v * u for v, u in zip(w, c, strict=True)) if b is None else Fraction(b)
        return [level + sum(v * Fraction(x) for v, x in zip(w, row, strict=True)) for row in X.tolist()]

    true, spread = lines(model, None), spread_of(y)
    for claim, predicted in ((edited, lines(edited, None)), ((edited.w, edited.b), lines(edited, edited.b))):
        got = certify(claim, X, y, **options)
        most = float(max(abs(p - t) for p, t in zip(predicted, true, strict=True)))
        assert not (got.passed and most > 1.0001e-6 * spread)
        assert got.excess_loss >= 0.0


def test_the_page_shows_the_verdict_and_the_notes(tmp_path):
    got = certify(replace(FIT.model, b=FIT.b + 100.0), D.iloc[:150])
    regress.write_report(got, tmp_path / "c.html")
    text = (tmp_path / "c.html").read_text()
    assert len(got.notes) == 2
    assert all(f'<p class="note">{note}</p>' in text for note in got.notes)
    assert "✗ Not certified" in text
