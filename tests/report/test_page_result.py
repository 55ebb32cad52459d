"""The head of a fit's page, and the names and numbers of its result as people read them."""

from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.report import page
from regress.fit_record import Coefficient
from regress.report import cells, coefficient_rows
from tests.pages import coefficients_of, page_of, read, rows_of
from tests.report.situations import normal_rows, with_outcome

RANDOM = np.random.default_rng(11)
TABLE = pd.DataFrame(
    {
        "age": RANDOM.uniform(1.0, 9.0, 120),
        "zone": np.array(["north", "south", "west"] * 40),
        "sold": np.array(["yes", "no", "no", "yes"] * 30),
    }
)
TABLE["price"] = np.exp(1.0 + 0.1 * TABLE.age + (TABLE.zone == "south") + RANDOM.normal(size=120) * 0.1)


def tiles_of(root):
    """Return the tiles of the head: the value, its class, and the line below it."""
    found = {}
    for tile in root.one("header").one("dl").all("div"):
        value, *detail = tile.all("dd")
        css = value.attributes.get("class", "")
        found[tile.one("dt").text] = SimpleNamespace(text=value.text, css=css, detail="".join(d.text for d in detail))
    return found


def test_the_title_asks_and_the_lead_names_the_columns():
    root = page_of(TABLE, "price")
    assert root.one("head").one("title").text == root.one("h1").text == "What explains price"
    assert root.one("p", class_="lead").text == "Linear regression of price on age, zone and sold (the frame)."
    wide = TABLE.assign(a=TABLE.age**2, b=TABLE.age**3)
    assert "of price on 5 columns (the frame)." in page_of(wide, "price").one("p", class_="lead").text
    ridge = page_of(TABLE, "price ~ 0 + age", alpha=2.0).one("p", class_="lead").text
    assert ridge == "Ridge regression (alpha 2) of price on age, without an intercept (the frame)."


@pytest.mark.parametrize(
    ("r2", "r2_test", "css", "detail"),
    [
        (0.9, 0.85, "", "of 30 rows"),
        (0.9, 0.79, "warn", "far below R²"),
        (0.05, -0.01, "warn", "worse than predicting the mean"),
        (0.9, None, "", "of 30 rows"),
        (None, 0.5, "", "of 30 rows"),
    ],
)
def test_held_out_rows_that_fit_badly_are_told_in_words_and_color(r2, r2_test, css, detail):
    fit = regress.fit(TABLE, "price", test_size=0.25)
    held = fit.tally.held_out
    tile = tiles_of(read(page(with_outcome(fit, r2=r2, r2_test=r2_test))))["R² on held-out rows"]
    assert (tile.css, tile.detail) == (css, detail.replace("30", str(held)))


def test_the_typical_error_is_in_units_of_what_was_fitted():
    fit = regress.fit(TABLE, "log(price) ~ age + zone")
    tiles = tiles_of(read(page(fit)))
    assert tiles["Typical error"].detail == "in log(price)"
    assert float(tiles["Typical error"].text) == pytest.approx(fit.statistics.sigma, rel=5e-4)
    assert "R² in units of price" in tiles
    assert "Typical error" not in tiles_of(page_of(TABLE, "price", alpha=1.0))


def test_levels_stand_below_their_column_with_the_one_they_are_compared_with():
    part = page_of(TABLE, "price").one(id="coefficients")
    rows = [row for body in part.one("table").all("tbody") for row in body.all("tr")]
    names = [row.one("span", class_="name").text for row in rows]
    assert names == ["(intercept)", "age", "zone", "north", "south", "west", "sold", "no", "yes"]
    compared = [row for row in rows if row.all("span", class_="remark")]
    assert [row.text for row in compared] == ["north reference level", "no reference level"]
    assert [row.one("th").attributes["scope"] for row in part.all("tr", class_="group")] == ["rowgroup"] * 2


def test_the_equation_has_one_sign_of_equality_a_level():
    equation = page_of(TABLE, "price ~ age + zone*sold").one("p", class_="equation")
    names = [name.text for name in equation.all("span", class_="name")]
    assert names == [
        *("age", "[zone = south]", "[zone = west]", "[sold = yes]"),
        *("[zone = south]", "[sold = yes]", "[zone = west]", "[sold = yes]"),
    ]
    assert "=" not in equation.text.replace(" = ", "")


@pytest.mark.parametrize(
    ("formula", "name", "column", "level", "found"),
    [
        ("", "age", "age", None, [("age", None)]),
        ("", "a=b", "a=b", None, [("a=b", None)]),
        ("", "kind=a:b=c", "kind", "a:b=c", [("kind", "a:b=c")]),
        ("", "age:sex=male", "age:sex", "male", [("age:sex", "male")]),
        ("y ~ age:sex", "age:sex=male", "age:sex", "male", [("age", None), ("sex", "male")]),
        ("y ~ k*sex", "k=a:sex=male", "k:sex", "a:male", [("k", "a"), ("sex", "male")]),
        ("y ~ k*sex", "k=a:b:sex=male", "k:sex", "a:b:male", [("k=a:b:sex=male", None)]),
        ("y ~ poly(x, 2)", "poly(x, 2)[1]", "poly(x, 2)", "[1]", [("poly(x, 2)[1]", None)]),
        ("y ~ k", "k=a:b", "k", "a:b", [("k", "a:b")]),
    ],
)
def test_a_coefficient_multiplies_columns_and_levels(formula, name, column, level, found):
    line = Coefficient(name=name, column=column, level=level, coef=1.0, status="estimated")
    known = SimpleNamespace(terms=SimpleNamespace(formula=formula), references={})
    assert coefficient_rows.factors(known, line) == found


def test_many_coefficients_are_named_with_their_column():
    table = pd.DataFrame({f"q{j}": np.array([f"a{k}" for k in RANDOM.integers(0, 12, 200)]) for j in range(3)})
    table["y"] = RANDOM.normal(size=200)
    fit = regress.fit(table, "y")
    root = read(page(fit))
    first = root.one(id="coefficients").all("table")[0]
    assert set(rows_of(first)) <= {name.replace("=", " = ") for name in fit.names}
    assert list(coefficients_of(root)) == ["(intercept)", *fit.names]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (cells.figure(1234567.25, ".2f"), "1,234,567.25"),
        (cells.figure(-0.5), "−0.5"),
        (cells.figure(1234567), "1,234,567"),
        (cells.figure(1e-12, ".3g"), "1e−12"),
        (cells.figure(2.5e300, ".3g"), "2.5e300"),
        (cells.figure(float("nan")), "–"),
        (cells.significant(26517018.1234, 10), "26,517,018.12"),
        (cells.significant(0.000123456, 3), "0.000123"),
        (cells.significant(1.25e15, 3), "1.25e15"),
        (cells.p_value(0.03125), "0.0312"),
        (cells.p_value(1e-20), "<0.0001"),
        (cells.small(0.02, 0.1, ".1f"), "<0.1"),
        (cells.share_of(0.99999912), "0.99999912"),
    ],
)
def test_numbers_are_written_for_people(written, text):
    assert written.striptags() == text
    assert "-" not in written.striptags()


@pytest.mark.parametrize(
    ("values", "errors", "texts"),
    [
        ([152.1335, -10.0122], [2.57, 0.0597], ["152.13", "−10.0122"]),
        ([-511.1, 1.72e-9, 0.0002995], [22.0, 1.7e-9, 2.28e-5], ["−511.1", "1.72e−9", "0.0002995"]),
        ([1.5e15, 2.0], [1e13, 0.1], ["1.5000e15", "2.000"]),
        ([np.nan, 3.0], [np.nan, 1.0], ["–", "3.00"]),
    ],
)
def test_estimates_of_very_different_sizes_are_not_all_written_with_exponents(values, errors, texts):
    lines = [
        Coefficient(name=f"x{j}", column=f"x{j}", level=None, coef=value, std_err=error, status="estimated")
        for j, (value, error) in enumerate(zip(values, errors, strict=True))
    ]
    known = SimpleNamespace(figures=None, trained=SimpleNamespace(status="converged"))
    _, (column, *_) = coefficient_rows._columns(known, lines)
    shown = [cell.striptags() for cell in column.cells]
    assert shown == texts
    for text, value, error in zip(shown, values, errors, strict=True):
        if text != "–":
            assert abs(float(Decimal(text.replace("−", "-"))) - value) <= 0.006 * error


def test_decimal_points_are_aligned_by_room_not_by_characters():
    lines = [
        Coefficient(name=name, column=name, level=None, coef=value, std_err=error, status="estimated")
        for name, value, error in (("a", 1234.0, 120.0), ("b", 1.25, 1.2), ("c", 10.5, 12.0))
    ]
    known = SimpleNamespace(figures=None, trained=SimpleNamespace(status="converged"))
    _, (column, *_) = coefficient_rows._columns(known, lines)
    assert [str(cell) for cell in column.cells] == [
        '<data value="1234.0" class="point3">1,234</data>',
        '<data value="1.25">1.25</data>',
        '<data value="10.5" class="pad1">10.5</data>',
    ]


def test_links_lead_into_what_is_folded_so_that_it_opens():
    root = page_of(*normal_rows())
    targets = [link.attributes["href"][1:] for link in root.one("nav").all("a")]
    assert targets == ["result", "residuals", "rows", "certificate"]
    assert root.one("section", id="computation").one("details").all(id="certificate")


def test_rows_that_were_all_used_are_one_sentence():
    section = page_of(TABLE, "price").one("section", id="rows")
    assert section.all("table") == []
    assert section.values == [120]
