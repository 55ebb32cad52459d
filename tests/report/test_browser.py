"""The pages of --report as a browser shows them: sound, legible, reachable, and with the numbers of the fit."""

import io
import json
import unicodedata
from contextlib import redirect_stdout
from decimal import Decimal
from math import isnan
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import pytest

import regress
from regress.cli.main import main
from tests.browser import Visit, launched

DATA = Path(__file__).resolve().parents[2] / "data"
DIABETES = str(DATA / "diabetes.csv")


@pytest.fixture(scope="module")  # not longer: its event loop would stay around the tests of other files
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page, given as a file or as its text; all are closed after the test."""
    visits = []

    def call(page, width=1440, color_scheme="light", javascript=True):
        if not isinstance(page, Path):
            path = tmp_path / f"{len(visits)}.html"
            path.write_text(page, encoding="utf-8")
            page = path
        visits.append(Visit(browser, page, width, color_scheme, javascript))
        return visits[-1]

    yield call
    for each in visits:
        each.close()


ATTACK = "</title></style></svg></script><script>alert(1)</script><img src=x onerror=alert(1)>"
HOSTILE = {
    "target": f"y {ATTACK}",
    "file": "<svg onload=alert(1)> <b>\"'`&amp;${x}{{x}}{% x %}.csv",  # no slash, which a file name cannot hold
    "names": [
        "<script>alert(1)</script>",
        ATTACK,
        "\" onmouseover=alert(1) ' onfocus=alert(1) autofocus=` &amp; &lt; &#60;",
        "${x} {{x}} {% x %} {# x #} --> ]]> \\u003cb\\u003e",
        "bell\x07 escape\x1b[31m next\x85 override\u202e isolate\u2067 line\u2028 break\n end",
        "long" * 100,
        "many words " * 40,
    ],
    "levels": [f"a {ATTACK}", "\"'`${x}", "\u202eoverridden"],
}


def generated(folder):
    """Write the tables that are not bundled."""
    random = np.random.default_rng(7)
    x = random.normal(size=(300, 200))
    named = {f"x{j}": x[:, j] for j in range(200)} | {"y": x @ random.normal(size=200) + random.normal(size=300)}
    wide = pl.DataFrame(named)
    wide.write_csv(folder / "wide.csv")
    wide.select("x0", "y").write_csv(folder / "one.csv")
    total = (
        (pl.col("x0") * 1024).round().alias("a"),
        (pl.col("x1") * 1024).round().alias("b"),
        pl.col("x2"),
        pl.col("y"),
    )
    wide.select(total).with_columns(sum=pl.col("a") + pl.col("b")).write_csv(folder / "dependent.csv")
    hostile = {name: x[:, j] for j, name in enumerate(HOSTILE["names"])}
    hostile |= {"kind": HOSTILE["levels"] * 100, HOSTILE["target"]: named["y"]}
    pl.DataFrame(hostile).write_csv(folder / HOSTILE["file"])


# What makes each page, and the exit code; FOLDER is where the tables are that are made here.
PAGES = {
    "fit": (0, ["fit", DIABETES, "--target", "progression", "--descent", "bmi,s5", "--save", "FOLDER/model.json"]),
    "descent": (3, ["fit", DIABETES, "--target", "progression", "--solver", "gd", "--max-iter", "500"]),
    "torn": (0, ["fit", f"{DATA}/torn.csv", "--target", "y", "--on-bad-lines", "skip", "--missing", "drop"]),
    "one": (0, ["fit", "FOLDER/one.csv", "--target", "y"]),
    "dependent": (0, ["fit", "FOLDER/dependent.csv", "--target", "y"]),
    "wide": (0, ["fit", "FOLDER/wide.csv", "--target", "y"]),
    "hostile": (0, ["fit", f"FOLDER/{HOSTILE['file']}", "--target", HOSTILE["target"]]),
    "compare": (1, ["compare", f"{DATA}/income_rate.csv", "--target", "spend"]),
    "folds": (0, ["compare", DIABETES, "--target", "progression", "--cv", "3", "--with", "sklearn.linear_model.Lasso"]),
    "certify": (0, ["certify", "FOLDER/model.json", DIABETES]),
    "report": (0, ["report", "FOLDER/model.json", "-o", "FOLDER/report.html"]),
}
FITS = ["fit", "descent", "torn", "one", "dependent", "wide", "hostile"]
OF_FIT = ["result", "residuals", "rows", "computation"]
SECTIONS = dict.fromkeys([*FITS, "report"], OF_FIT) | {
    "compare": ["verdict", "digits", "loss", "prediction", "time", "table", "asked", "environment"],
    "folds": ["verdict", "digits", "loss", "prediction", "time", "table", "asked", "environment"],
    "certify": ["verdict", "coefficients", "meaning", "environment"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a page by the command line, once; return its path and what the command printed as JSON."""
    folder, done = tmp_path_factory.mktemp("pages"), {}
    generated(folder)

    def call(name):
        if name in ("certify", "report"):
            call("fit")  # whose model they need
        if name not in done:
            code, arguments = PAGES[name]
            page = folder / f"{name}.html"
            asked = [] if name == "report" else ["--report", str(page), "--json"]
            with redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit) as ended:
                main([*(a.replace("FOLDER", str(folder)) for a in arguments), *asked])
            assert (ended.value.code or 0) == code
            done[name] = page, json.loads(printed.getvalue()) if "--json" in asked else None
        return done[name]

    return call


PLAIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Plain</title>
<style>:root {{ color-scheme: light dark }} svg {{ width: 300px; height: 80px; fill: currentColor }}
div {{ width: 100px; white-space: nowrap }} @media print {{ .screen {{ display: none }} }}</style>
<main><h1>Plain</h1><p>ŷ, ∇, Σ.</p>{}</main>"""


def svg(inside):
    return f'<svg viewBox="0 0 300 80" role="img" aria-label="A picture" font-size="12">{inside}</svg>'


SOUND = (
    svg(
        '<text x="9" y="20">one</text><text x="9" y="34">two</text><text transform="rotate(45)" x="50" y="-20">3</text>'
    )
    + f'<div tabindex="0" role="region" aria-label="Wide" style="overflow: auto">{"wide " * 50}</div>'
    + '<p class="screen"><label>Step <input type="range"></label></p>'
)
LONG = "wide " * 50
FAULTY = {
    "<script>console.warn('x')</script>": "console warning",
    "<script>nothing()</script>": "uncaught",
    "<script>alert(1)</script>": "dialog",
    '<img alt="" src="https://example.invalid/x.png">': "request: https://example.invalid/x.png",
    f"<div>{LONG}</div>": "too wide",
    f'<div style="overflow: hidden">{LONG}</div>': "cut off",
    f'<div style="overflow: auto">{LONG}</div>': "takes no focus",
    f'<div style="overflow: auto"><table><caption>{LONG}</caption><td>{LONG}</table></div>': "scrolls away: <caption>",
    svg('<text x="9" y="20" font-size="8">small</text>'): "text of 8.0 px",
    svg('<text x="9" y="20" opacity="0.5">pale</text>'): "text of contrast",
    svg('<text x="280" y="20">outside</text>'): "sticks out",
    svg('<text x="9" y="20">one</text><text x="20" y="22">two</text>'): "text on text",
    '<input type="range">': "axe label",
    '<p style="color: #888; background: #777">pale</p>': "axe color-contrast",
}


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_a_sound_page_has_no_fault(visit, color_scheme):
    page = visit(PLAIN.format(SOUND), 390, color_scheme)
    assert page.faults() == []
    assert 0 < page.first_paint() < 10
    assert page.controls() == ["control: <input> “”"]
    page.page.set_viewport_size({"width": 600, "height": 900})
    assert page.on_paper() == ["cut off on paper: <div> “Wide”"]


def test_every_fault_of_a_page_is_caught(visit):
    faults = visit(PLAIN.format("".join(FAULTY)), 390).faults()
    missed = [fault for fault in FAULTY.values() if not any(fault in line for line in faults)]
    assert missed == [], faults


def test_what_a_page_lacks_is_noticed(visit):
    section = f'<section id="one"><h3>No h2</h3>{svg("")}</section>'
    names = "<p>a <bdi>\u202eb</bdi></p><p>\u202ec</p><p id='loose'>d <i>\u202ee</i></p>"
    page = visit(PLAIN.format(section + names))
    outline = {"faults": ["no h2: one", "no caption: <svg> “A picture”"], "sections": ["one"]}
    assert page.outline() == outline | {"h1": 1, "main": 1, "pictures": 1}
    assert [line.partition(" ")[0] for line in page.overrides()] == ["<p#loose>"]


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_sound_complete_and_small(visit, made, name):
    path, _ = made(name)
    page, without = visit(path), visit(path, javascript=False)
    outline = page.outline()
    faults = {
        "wide and light": page.faults(),
        "unfolded": page.unfolded().faults(),
        "narrow and dark": page.resized(390, "dark").faults(),
        "outline": outline["faults"],
        "without scripts": [*without.said, *without.requests, *without.controls()],
        "on paper": page.on_paper(),
    }
    assert [f"{where}: {fault}" for where, found in faults.items() for fault in found] == []
    assert outline == without.outline()
    assert (outline["h1"], outline["main"]) == (1, 1)
    assert outline["sections"] == SECTIONS[name]
    assert path.stat().st_size < 1_000_000


def test_the_digits_of_a_comparison_are_those_of_the_command(visit, made):
    path, told = made("compare")
    shown = visit(path).figures("#table")
    for fit in told["fits"]:
        assert {fit["digits"], fit["moved"], fit["excess_loss"]} <= set(shown[fit["name"]])


def test_a_page_is_painted_within_a_second(visit, made):
    path, _ = made("fit")
    assert median(visit(path).first_paint() for _ in range(3)) < 1  # what is promised of a page


def test_keys_move_the_walkers_along_the_descent(visit, made):
    page = visit(made("fit")[0]).unfolded()
    slider, told = page.page.locator("input#descent-step[type=range]"), page.page.locator("#descent output")
    places = [(page.places(".walker"), told.inner_text())]
    assert len(places[0][0]) > 0
    slider.focus()
    for key in ("End", "ArrowLeft", "ArrowLeft", "Home"):
        before = slider.input_value()
        page.page.keyboard.press(key)
        if slider.input_value() != before:
            places.append((page.places(".walker"), told.inner_text()))
            assert places[-1][0] != places[-2][0]
            assert places[-1][1] != places[-2][1]
    assert len(places) >= 4
    assert page.faults() == []


def expected(fit):
    """Return the numbers of the coefficient table by name: None for those that do not exist."""
    rows = {}
    for name, w, *tests, beta in fit.lines():
        rows[name] = [None if value is None or isnan(value) else value for value in (w, *tests, beta)]
        rows[name].append(None)  # a drawing
    return rows


def test_the_coefficients_of_the_page_are_those_of_the_fit_to_the_last_bit(visit, made):
    fit = regress.fit(DIABETES, "progression")
    assert visit(made("fit")[0]).figures("#coefficients") == expected(fit)


@pytest.mark.parametrize("name", FITS)
def test_the_figures_of_the_page_are_those_of_the_command(visit, made, name):
    path, told = made(name)
    page = visit(path)
    rows = {count for cause, count in told["rows"].items() if cause != "missing_cells" and count}
    assert rows <= {value for _, value in page.data("#rows")}
    assert {told["loss"], told["r2"]} <= {value for _, value in page.data("main")}
    names, statistics = ["(intercept)", *told["coef"]], told["statistics"]
    columns = [{"(intercept)": told["intercept"]} | told["coef"]]
    if statistics is not None:  # as where training did not converge
        columns += [statistics[column] for column in ("std_err", "t", "p_value", "ci_low", "ci_high")]
    whole = "#all-coefficients" if page.count("#all-coefficients") else "#coefficients"
    shown = [row for row in page.figures(whole).values() if row]  # no level that others are compared with
    assert [row[: len(columns)] for row in shown] == [[column[each] for column in columns] for each in names]


@pytest.mark.parametrize("name", ["fit", "compare"])
def test_what_is_shown_is_the_full_number_in_fewer_digits(visit, made, name):
    shown = visit(made(name)[0]).data("main")
    assert len(shown) > 50
    for text, value in shown:
        number = Decimal(text.replace("−", "-").replace(",", "").removeprefix("<"))
        last = Decimal(1).scaleb(number.as_tuple().exponent)  # digits that are right are cut, not rounded
        assert value < number if text.startswith("<") else abs(number - Decimal(value)) <= last


def test_names_are_text_whatever_they_hold(visit, made):
    page, harmless = visit(made("hostile")[0]), visit(made("fit")[0])
    assert page.said == []
    assert page.count("script") == harmless.count("script")
    assert page.count("style") == harmless.count("style")
    assert page.count("img, b, iframe, [onload], [onerror], [onmouseover], [onfocus], [autofocus]") == 0
    text = page.page.evaluate("document.body.textContent")
    for shown in (
        *HOSTILE["names"][:4],
        HOSTILE["names"][5][:79],
        HOSTILE["target"],
        HOSTILE["file"],
        HOSTILE["levels"][0],
    ):
        assert shown in text
    assert HOSTILE["target"] in page.page.title()
    controls = {c for c in text if unicodedata.category(c) == "Cc"} - set("\n\t")
    assert controls == set()
    assert page.overrides() == []
