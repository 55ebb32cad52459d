"""Charts of effects: on pages and matplotlib's axes they show the points of the record."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot

import regress
from regress.api.report import page
from regress.errors import DataWarning, InputError
from tests.browser import launched
from tests.pages import Drawn, read, table_of

RANDOM = np.random.default_rng(8)
M = 200
TABLE = pd.DataFrame(
    {
        "age": RANDOM.uniform(20.0, 70.0, M),
        "area": RANDOM.uniform(-90.0, 200.0, M),
        "zone": np.array(["north", "south"])[np.arange(M) % 2],
        "sold": pd.Timestamp("2021-03-01") + pd.to_timedelta(RANDOM.integers(0, 700, M), unit="D"),
    }
)
TABLE["price"] = 0.01 * (TABLE.age - 40.0) ** 2 + 0.02 * TABLE.area + RANDOM.normal(size=M)
FORMULA = "price ~ poly(age, 2) * zone + bs(area, df=4):age + fourier(sold, period=365.25, k=1)"


@pytest.fixture(scope="module")
def fit():
    return regress.fit(TABLE, FORMULA)


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    pyplot.close("all")


def test_a_page_shows_the_effects_of_the_record(fit):
    root = read(page(fit))
    assert [link.text for link in root.one("nav").all("a")].count("Effects") == 1
    for k, effect in enumerate(fit.record.terms.effects):
        drawn = Drawn(root, f"effect-{k}")
        at = [1970.0 + p.x / 365.2425 if effect.kind == "date" else p.x for p in effect.points]
        drawn.agree(drawn.line(1), [(x, p.effect) for x, p in zip(at, effect.points, strict=True)])
        assert [y for _, y in drawn.line(0)] == pytest.approx([0.0, 0.0], abs=drawn.y[2])
        edge = re.findall(r"([\d.]+) ([\d.]+)", drawn.svg.one("path", class_="band").attributes["d"])
        places = [(drawn.at_x(float(x)), drawn.at_y(float(y))) for x, y in edge]
        ends = [(x, p.low) for x, p in zip(at, effect.points, strict=True)]
        ends += [(x, p.high) for x, p in zip(at, effect.points, strict=True)][::-1]
        drawn.agree(places, ends)
        assert drawn.x_label == ("sold (year)" if effect.kind == "date" else effect.column)


def test_captions_name_the_terms_the_band_and_what_is_held(fit):
    captions = {
        figure.one("h4").text: figure.one("figcaption").text
        for figure in read(page(fit)).one(id="effects").all("figure")
    }
    assert set(captions) == {"Effect of age", "Effect of area", "Effect of sold"}
    of_age = captions["Effect of age"]
    assert "poly(age, 2)" in of_age
    assert "The band is the 95 % confidence interval at each value." in of_age
    assert f"area = {TABLE.area.mean():.6g}, zone = north." in of_age
    assert "1 % to 99 %" in of_age
    assert "held" not in captions["Effect of sold"]


def test_years_have_no_separator(fit):
    texts = [text.text for text in Drawn(read(page(fit)), "effect-1").svg.all("text")]
    assert not [text for text in texts if text.startswith("2,")]


def test_a_page_shows_formula_tests_and_codings():
    fit = regress.fit(TABLE, "price ~ C(zone, coding='sum') + poly(age, 2) + `area`")
    root = read(page(fit))
    equation = root.one(id="equation").text
    assert "price ~ C(zone, coding='sum') + poly(age, 2) + `area`" in equation
    assert "× poly(age, 2)[1]" in equation
    table = root.one(id="coefficients").one("table")
    assert [row.text.strip() for row in table.all("tr", class_="group")] == ["zone", "poly(age, 2)"]
    (without,) = fit.record.terms.sum_coded.values()
    (row,) = [row for row in table.all("tr") if "minus the sum of the others" in row.text]
    assert row.one("span", class_="name").text == without
    (test,) = fit.record.terms.tests
    assert table_of(root, "terms") == {"poly(age, 2)": [2, test.f, test.p_value]}


def test_a_page_without_a_formula_has_no_effects():
    root = read(page(regress.fit(TABLE[["age", "zone", "price"]], "price")))
    assert not root.all(id="effects")
    assert not root.all(id="terms")
    assert "[zone = south]" in root.one(id="equation").text
    assert len(root.one(id="coefficients").all("table")) == 1


def test_many_effects_are_not_all_on_a_page():
    table = pd.DataFrame({f"x{j}": RANDOM.normal(size=90) for j in range(26)} | {"y": RANDOM.normal(size=90)})
    fit = regress.fit(table, "y ~ " + " + ".join(f"I(x{j} ** 2)" for j in range(26)))
    section = read(page(fit)).one(id="effects")
    assert len(section.all("figure")) == 24
    assert "Effects of 2 more columns are in the model's file." in section.text


def test_without_standard_errors_the_curve_has_no_band():
    root = read(page(regress.fit(TABLE, "price ~ poly(age, 2)", alpha=1.0)))
    figure = root.one("figure", id="figure-effect-0")
    assert not figure.all("path", class_="band")
    assert "There is no band, as there are no standard errors." in figure.text
    with pytest.warns(DataWarning, match="depend on each other"):
        root = read(page(regress.fit(TABLE, "price ~ poly(age, 2) + I(age * 1)")))
    assert "columns depend on each other" in root.one("figure", id="figure-effect-0").text


def test_effects_on_axes_are_those_of_the_record(fit, tmp_path):
    fit.save(tmp_path / "m.json")
    display = regress.plot.effects(regress.load(tmp_path / "m.json"), ["area", "age"])
    found = {effect.column: effect for effect in fit.record.terms.effects}
    for ax, column in zip(display.axes_, ["area", "age"], strict=True):
        points = found[column].points
        curve = ax.lines[1].get_xydata()
        assert curve.tolist() == [[p.x, p.effect] for p in points]
        (band,) = ax.collections
        low, high = band.get_datalim(ax.transData).intervaly
        assert (low, high) == pytest.approx((min(p.low for p in points), max(p.high for p in points)))
        assert ax.get_xlabel() == column
    assert len(regress.plot.effects(fit).axes_) == 3
    assert len(regress.plot.effects(fit, "sold").axes_) == 1
    display.figure_.canvas.draw()


def test_what_has_no_effect_is_an_error(fit):
    with pytest.raises(InputError, match=r"'zone' has no effect to draw\. These have one: age, sold, area"):
        regress.plot.effects(fit, ["zone"])
    with pytest.raises(InputError, match="There is no effect to draw"):
        regress.plot.effects(regress.fit(TABLE, "price ~ age"))


@pytest.mark.slow
def test_a_browser_finds_no_fault_with_effects(fit, tmp_path):
    from tests.browser import Visit

    (tmp_path / "p.html").write_text(page(fit), encoding="utf-8")
    with launched() as browser:
        for color_scheme in ("light", "dark"):
            visit = Visit(browser, tmp_path / "p.html", 800, color_scheme)
            assert visit.faults() == []
            visit.close()
