"""The pages of --report as a browser shows them: sound, legible and reachable. Each is loaded once."""

import io
import sys
import unicodedata
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from page_facts import facts
from regress.cli.main import main
from regress.objective import autodiff
from tests.browser import Visit, launched
from tests.examples import first
from tests.pages import read

DATA = Path(__file__).resolve().parents[2] / "data"
DIABETES = str(DATA / "diabetes.csv")


@pytest.fixture(scope="module")  # not longer: its event loop would stay around the tests of other files
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page, given as its text; all are closed after the test."""
    visits = []

    def call(page, width=1440):
        path = tmp_path / f"{len(visits)}.html"
        path.write_text(page, encoding="utf-8")
        visits.append(Visit(browser, path, width))
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
    """Write a table whose names and levels attack the page, with more coefficients than a page shows unfolded."""
    random = np.random.default_rng(7)
    names = [*HOSTILE["names"], *(f"x{j}" for j in range(30))]
    x = random.normal(size=(120, len(names)))
    hostile = {name: x[:, j] for j, name in enumerate(names)}
    hostile |= {"kind": HOSTILE["levels"] * 40, HOSTILE["target"]: x @ random.normal(size=len(names))}
    pl.DataFrame(hostile).write_csv(folder / HOSTILE["file"])


def of(name, *options, table=DIABETES, target="progression"):
    return [name, table, "--target", target, *options]


# What makes each page, and the exit code; FOLDER is where the tables are that are made here.
BATCHES = ["--solver", "averaged-sgd", "--batch-size", "64", "--epochs", "20", "--test-size", "0.3"]
PAGES = {
    "fit": (0, of("fit", "--descent", "bmi,s5", "--test-size", "0.2", "--save", "FOLDER/model.json")),
    "epochs": (3, of("fit", *BATCHES)),
    "effects": (0, of("fit", target="progression ~ poly(bmi, 2) * sex + s5")),
    "hostile": (0, of("fit", table=f"FOLDER/{HOSTILE['file']}", target=HOSTILE["target"])),
    "compare": (1, of("compare", table=f"{DATA}/income_rate.csv", target="spend")),
    "inspect": (0, of("inspect", table=f"{DATA}/penguins.csv", target="body_mass_g")),
    "certify": (0, ["certify", "FOLDER/model.json", DIABETES]),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a page by the command line, once; return its path."""
    folder, done = tmp_path_factory.mktemp("pages"), {}
    generated(folder)

    def call(name):
        if name == "certify":
            call("fit")  # whose model it needs
        if name not in done:
            code, arguments = PAGES[name]
            page = folder / f"{name}.html"
            asked = [a.replace("FOLDER", str(folder)) for a in arguments]
            with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
                main([*asked, "--report", str(page)])
            assert (ended.value.code or 0) == code
            done[name] = page
        return done[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow", None)  # a comparison would spend seconds on its import
        autodiff._tensorflow.cache_clear()
        yield call
    autodiff._tensorflow.cache_clear()


@pytest.fixture(scope="module")
def opened(browser, made):
    """Open one of the pages, once, as it is or without scripts."""
    visits = {}

    def call(name, javascript=True):
        if (name, javascript) not in visits:
            visits[name, javascript] = Visit(browser, made(name), javascript=javascript)
        return visits[name, javascript]

    yield call
    for each in visits.values():
        each.close()


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
    + "<details><summary>Folded</summary> <p>more</p></details>"
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


def test_a_sound_page_has_no_fault(visit):
    page = visit(PLAIN.format(SOUND), 390)
    assert page.faults() == []
    assert page.resized(390, "dark").faults() == []
    assert page.controls() == ["control: <input> “”"]
    page.page.set_viewport_size({"width": 600, "height": 900})
    assert page.on_paper() == ["cut off on paper: <div> “Wide”", "folded on paper: <details> “Folded more”"]


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


def test_the_facts_of_a_page_are_measured(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(PLAIN.format('<img alt="" src="no.png"><script>console.log("said"); nothing()</script>'))
    found = facts(browser, page)
    assert (found.size, found.requests) == (page.stat().st_size, [(tmp_path / "no.png").as_uri()])
    assert any(message == "said" for message in found.messages)
    assert any("nothing is not defined" in message for message in found.messages)
    assert found.first_paint > 0


@pytest.mark.parametrize("name", first(["fit", "compare", "hostile"], PAGES))
def test_pages_are_sound_complete_and_small(opened, made, name):
    page = opened(name).folded()
    outline = page.outline()
    faults = {
        "folded": page.resized(390, "light").overflows(),
        "narrow and dark": page.unfolded().resized(390, "dark").faults(["color-contrast"]),
        "wide and light": page.resized(1440, "light").faults(),
        "outline": [*outline["faults"], *page.outline()["faults"]],
        "on paper": page.folded().on_paper(),
    }
    page.page.emulate_media(media="screen")
    assert [f"{where}: {fault}" for where, found in faults.items() for fault in found] == []
    assert (outline["h1"], outline["main"]) == (1, 1)
    assert made(name).stat().st_size < 1_000_000


def test_a_page_is_whole_without_scripts_and_can_be_printed(opened):
    page, without = opened("fit").resized(1440, "light").folded(), opened("fit", javascript=False)
    assert [*without.said, *without.requests, *without.controls()] == []
    assert page.outline() == without.outline()
    assert page.pdf().startswith(b"%PDF-")


def test_keys_move_the_walkers_along_the_descent(opened):
    page = opened("fit").resized(1440, "light").folded()
    page.page.click("nav a >> text=How it was computed")  # which unfolds it
    slider, told = page.page.locator("input#descent-step[type=range]"), page.page.locator("output#descent-told")
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
    assert page.said == []


@pytest.mark.parametrize("name", PAGES)
def test_what_is_shown_is_the_full_number_in_fewer_digits(made, name):
    shown = read(made(name).read_text(encoding="utf-8")).one("main").all("data")
    assert len(shown) > 20
    for data in shown:
        if data.text == "the same":
            continue
        number = Decimal(data.text.replace("−", "-").replace(",", "").lstrip("< "))
        value = Decimal(float(data.attributes["value"]))
        last = Decimal(1).scaleb(number.as_tuple().exponent)  # digits that are right are cut, not rounded
        assert value < number if data.text.startswith("<") else abs(number - value) <= last


def test_names_are_text_whatever_they_hold(opened):
    page, harmless = opened("hostile").resized(1440, "light").unfolded(), opened("fit")
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
