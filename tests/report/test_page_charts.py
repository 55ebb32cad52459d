"""The charts of coefficients and of convergence, and the ticks of every chart."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.report import page
from regress.messages import visible
from regress.report import charts
from regress.solvers.status import Status
from tests.pages import (
    Drawn,
    bars_of,
    number,
    offset_of,
    read,
    table_of,
)
from tests.report.situations import (
    SITUATIONS,
    correlated_rows,
    solved,
)


@pytest.mark.parametrize("name", ["plain", "float64", "alpha", "no intercept", "dependent", "constant column", "HC1"])
def test_the_dots_of_coefficients_are_where_they_should_be(situation, name):
    fit = situation(name)
    drawn = Drawn(read(page(fit)), "betas")
    order = sorted(range(len(fit.names)), key=lambda j: -abs(fit.standardized[j]))
    dots = drawn.dots()
    assert [label for _, label, _ in dots] == [fit.names[j] for j in order]
    assert [x for x, _, _ in dots] == pytest.approx([fit.standardized[j] for j in order], abs=drawn.x[2])
    spans = drawn.svg.one("path", class_="line").attributes["d"]
    found = [
        (drawn.at_x(float(a)), y, drawn.at_x(float(b))) for a, y, b in re.findall(r"M(\S+) (\S+?)H([\d.]+)", spans)
    ]
    if fit.statistics is None:
        assert found == []
        return
    X, y = SITUATIONS[name][0]
    tests = fit._held.statistics.tests()[-len(fit.names) :]
    ends = {}
    for j, (*_, low, high) in enumerate(tests):
        if math.isfinite(low) and fit.w[j]:
            unit = X[:, j].std() / y.std()
            ends[fit.names[j]] = low * unit, high * unit
    assert {drawn.names[float(y)] for _, y, _ in found} == set(ends)
    for low, place, high in found:
        assert (low, high) == pytest.approx(ends[drawn.names[float(place)]], abs=drawn.x[2])


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_line_at_zero_is_behind_the_coefficients(situation, name):
    fit = situation(name)
    root = read(page(fit))
    drawn, count = Drawn(root, "betas"), min(len(fit.names), 25)
    (line,) = drawn.svg.all("polyline")
    assert line.attributes["class"] == "line muted"
    points = [[float(v) for v in point.split(",")] for point in line.attributes["points"].split()]
    assert [drawn.at_x(x) for x, _ in points] == pytest.approx([0.0, 0.0], abs=drawn.x[2])
    assert points[0][1] <= min(drawn.names) < max(drawn.names) + 1e-9 <= points[1][1]
    assert drawn.svg.all().index(line) < drawn.svg.all().index(drawn.svg.all("g", class_="dots")[0])
    arrived = fit.status is Status.CONVERGED if fit.certificate is None else fit.certificate.passed
    assert len(drawn.names) == count
    assert ("Training did not converge" in root.one("figure", id="figure-betas").one("figcaption").text) is not arrived
    if fit.statistics is not None:
        caption = root.one("section", id="coefficients").all("caption")[0].text
        assert ("training did not converge" in caption) is not arrived
        assert ("95 % confidence intervals" in caption) is arrived


def test_many_coefficients_are_drawn_up_to_twenty_five():
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 60))
    fit = regress.fit(X, X @ random.normal(size=60) + random.normal(size=400))
    root = read(page(fit))
    order = sorted(range(60), key=lambda j: -abs(fit.standardized[j]))[:25]
    dots = Drawn(root, "betas").dots()
    assert [label for _, label, _ in dots] == [fit.names[j] for j in order]
    assert len(table_of(root, "coefficients")) == 61
    assert len(bars_of(root, "digits")) == 25


@pytest.mark.parametrize(
    ("solver", "over"), [("gd", "moments"), ("accelerated", "moments"), ("cg", "moments"), ("newton", "rows")]
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
    section = root.one("section", id="convergence").text
    assert f"{solver} over {over}, derived gradient" in section
    assert [fit.n_iter, *([fit.learning_rate] if solver in ("gd", "accelerated") else [])] == root.one(
        "section", id="convergence"
    ).values


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name != "small target"])  # whose squares are zero
def test_where_nothing_was_descended_there_is_no_course(situation, name):
    fit = situation(name)
    section = read(page(fit)).one("section", id="convergence")
    figures = [figure.attributes["id"] for figure in section.all("figure")]
    if fit.precision == "exact" and not fit.n_iter:
        assert figures == []
        assert section.one("p").text == f"Solved directly in exact arithmetic ({fit.precision_reason})."
    elif not fit.n_iter:
        assert figures == []
        why = "The first point was already the minimum, so there is no descent to draw."
        assert section.one("p", class_="lack").text == f"Not shown: {why}"
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


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_what_is_made_visible_is_printable_and_otherwise_the_same(text):
    shown = visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()
    assert shown.encode().decode() == shown
