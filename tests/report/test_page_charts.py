"""The charts of coefficients and of convergence, and the ticks of every chart."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.report import page
from regress.messages import visible
from regress.report import charts
from tests.pages import (
    Drawn,
    intervals_of,
    number,
    offset_of,
    read,
    rows_of,
)
from tests.report.situations import (
    SITUATIONS,
    correlated_rows,
    normal_rows,
    solved,
)


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_row_has_its_interval_on_one_axis(situation, name):
    fit = situation(name)
    table = read(page(fit)).one(id="coefficients").all("table")[-1]
    drawn, near = intervals_of(table)
    assert len(drawn) == len(rows_of(table))
    if fit.model.options["fit_intercept"]:
        assert drawn.pop(0) is None
    tests = [] if fit.statistics is None else fit._held.statistics.tests()[-len(fit.names) :]
    for j, (found, label) in enumerate(zip(drawn, fit.names, strict=True)):
        if label in fit.dropped or not math.isfinite(fit.standardized[j]):
            assert found is None
            continue
        expected = [fit.standardized[j]]
        low, high = tests[j][-2:] if len(tests) else (math.nan, math.nan)
        if fit.w[j] and math.isfinite(low) and math.isfinite(high):
            unit = fit.standardized[j] / fit.w[j]
            expected += [low * unit, high * unit]
        assert found == pytest.approx(expected, abs=near)


def test_the_unit_of_intervals_is_standard_deviations():
    X, y = normal_rows()
    fit = regress.fit(X, y)
    drawn, near = intervals_of(read(page(fit)).one(id="coefficients").one("table"))
    spread = X.std(0) / y.std()
    tests = fit._held.statistics.tests()[1:]
    for found, w, unit, (*_, low, high) in zip(drawn[1:], fit.w, spread, tests, strict=True):
        assert found == pytest.approx([w * unit, low * unit, high * unit], abs=near)


def test_of_many_coefficients_the_thirty_largest_are_shown_and_the_others_folded():
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 60))
    fit = regress.fit(X, X @ random.normal(size=60) + random.normal(size=400))
    part = read(page(fit)).one(id="coefficients")
    order = sorted(range(60), key=lambda j: -abs(fit.standardized[j]))[:30]
    first, folded = part.all("table")
    assert list(rows_of(first)) == [fit.names[j] for j in order]
    assert "61 coefficients; the 30 with the largest" in first.one("caption").text
    assert folded in part.all("details")[0].all("table")
    assert list(rows_of(folded)) == ["(intercept)", *fit.names]
    drawn, near = intervals_of(first)
    assert [at for at, *_ in drawn] == pytest.approx([fit.standardized[j] for j in order], abs=near)


@pytest.mark.parametrize(
    ("solver", "over"), [("gd", "moments"), ("accelerated", "moments"), ("cg", "moments"), ("gd", "rows")]
)
def test_the_course_of_the_descent(solver, over):
    X, y = correlated_rows()
    fit = regress.fit(X, y, solver=solver, over=over)
    root = read(page(fit))
    lowest = (solved(X, y)[2] ** 2).sum()
    above = Drawn(root, "loss").line()
    history = list(fit.history.itertuples())
    early = [(i.iteration, i.loss - lowest) for i in history if i.loss - lowest > 1e-6 * history[0].loss]
    assert len(early) >= (10 if solver in ("gd", "accelerated") else 1)
    drawn = Drawn(root, "loss")
    if fit.certificate is not None and fit.certificate.excess_loss > 0:  # the last point is by exact sums
        drawn.agree(above[-1:], [(fit.n_iter, fit.certificate.excess_loss)])
    if len(fit.history) <= 300:
        drawn.agree(above[: len(early)], early)
        drawn = Drawn(root, "gradient")
        drawn.agree(drawn.line(), [(i.iteration, i.gradient_norm) for i in history if i.gradient_norm > 0])
    else:
        assert len(above) <= 300
    section = root.one(id="convergence").text
    assert f"{solver} over {over}, derived gradient" in section
    rate = [fit.learning_rate] if solver in ("gd", "accelerated") else []
    assert root.one(id="convergence").values == [fit.n_iter, *rate]


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name != "small target"])  # whose squares are zero
def test_where_nothing_was_descended_there_is_no_course(situation, name):
    fit = situation(name)
    section = read(page(fit)).one(id="convergence")
    figures = [figure.attributes["id"] for figure in section.all("figure")]
    if fit.precision == "exact" and not fit.n_iter:
        assert figures == []
        assert section.one("p").text == f"Solved directly in exact arithmetic ({fit.precision_reason})."
    elif fit.n_iter <= 1:  # a line through two points shows nothing
        assert figures == []
        assert f"{fit.n_iter} step" in section.text
        assert section.all("p", class_="lack") == []
    else:
        assert figures == ["figure-loss", "figure-gradient"]
        assert section.all("p", class_="lack") == []


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.integers(1, 8), st.booleans())
def test_the_texts_of_ticks_are_their_values(low, extent, most, whole):
    high = low + extent
    if not high - low > 1e-9 * abs(low):
        return
    found = charts.ticks((low, high), most, charts.Axis("", whole=whole))
    assert len(found) <= most + 1
    label = charts.label(charts.Axis("x"), charts.offset((low, high), charts.Axis("")))
    base = offset_of(label)
    for value, text in found:
        assert low <= value * (1 + 1e-12) + 1e-300 or math.isclose(low, value, rel_tol=1e-9, abs_tol=extent * 1e-9)
        assert number(text) + base == pytest.approx(value, rel=1e-15, abs=extent * 1e-9)
        assert len(text) <= 12
    assert len({text for _, text in found}) == len(found)
    assert (base == 0) is (max(abs(low), abs(high)) < 1e4 * (high - low)) or low < 0 < high or abs(low) < 1e-300


@pytest.mark.parametrize(
    ("span", "label", "texts"),
    [
        ((1.6999999e9 + 10, 1.6999999e9 + 60), "x − 1,699,999,900", ["10", "20", "30", "40", "50", "60"]),
        ((1.00001, 1.00006), "x − 1", None),
        ((0.0, 60.0), "x", ["0", "10", "20", "30", "40", "50", "60"]),
        ((-60.0, 0.0), "x", ["−60", "−50", "−40", "−30", "−20", "−10", "0"]),
    ],
)
def test_what_is_taken_off_the_ticks_is_said(span, label, texts):
    axis = charts.Axis("x")
    assert charts.label(axis, charts.offset(span, axis)) == label
    assert texts is None or [text for _, text in charts.ticks(span, 7, axis)] == texts


def test_of_values_far_below_zero_the_offset_is_written_with_signs_of_people():
    axis = charts.Axis("x")
    label = charts.label(axis, charts.offset((-1.7e9 - 60, -1.7e9 - 10), axis))
    assert offset_of(label) == pytest.approx(-1.7e9, rel=1e-6)
    assert label.startswith("x ")
    assert "-" not in label


@pytest.mark.parametrize("name", ["far from zero", "negative, far from zero"])
def test_what_is_far_from_zero_can_be_told_apart(situation, name):
    fit = situation(name)
    root = read(page(fit))
    _, x, mean, _, _ = np.array(fit.record.residuals.groups).T
    drawn = Drawn(root, "actual")
    assert min(np.abs(drawn.base)) > 1e8
    assert drawn.x[1] * 400 < 100 * np.ptp(x)
    drawn.agree(drawn.dots(), np.column_stack([x, x + mean]).tolist())
    drawn = Drawn(root, "fitted")
    assert drawn.base[1] == 0
    drawn.agree(drawn.dots(), np.column_stack([x, mean]).tolist())


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_what_is_made_visible_is_printable_and_otherwise_the_same(text):
    shown = visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()
    assert shown.encode().decode() == shown
