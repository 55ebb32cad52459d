"""The pictures of the documentation: charts as pages draw them, and the page of a fit as a browser shows it.

python scripts/picture.py [FOLDER]           # the charts, into docs/assets unless another folder is named
python scripts/picture.py --page [FOLDER]    # the page, light and dark; needs Chromium or Chrome
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image  # a dependency of matplotlib

import regress
from page_facts import HOW, NoBrowser, chromium
from regress.api import drawings
from regress.numerics.atomic_write import whole_file, write_text
from regress.report.charts import Chart
from regress.report.comparison_charts import worst_digits
from regress.report.effect_charts import effects
from regress.report.residual_charts import residuals
from regress.report.svg import svg
from regress.report.training_charts import training

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
STYLE = ROOT / "regress" / "report" / "templates" / "charts.css"
TABLE, TARGET = DATA / "diabetes.csv", "progression"
_MOST_BYTES = 300_000  # of both pictures of the page
_WIDTH, _HEIGHT, _COLORS = 1100, 800, 64


def descent() -> Chart:
    """Return the picture of docs/explanation/why-descent-is-slow.md."""
    return drawings.descent(regress.fit(TABLE, TARGET).record, ("s1", "s5")).chart


def loss_by_epoch() -> Chart:
    """Return the picture of docs/how-to/watch.md."""
    fit = regress.fit(TABLE, TARGET, solver="averaged-sgd", batch_size=32, early_stopping=20, test_size=0.3)
    return training(fit.record)[0]


def effect() -> Chart:
    """Return how life expectancy changes with income, a curve with its band."""
    return effects(regress.fit(DATA / "gapminder.csv", "lifeExp ~ continent + year + log(gdpPercap)").record)[0]


def digits() -> Chart:
    """Return the correct digits of each tool on a table that scikit-learn gets wrong."""
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]  # its import takes seconds, its row is not drawn
    features = ["continent", "year", "pop", "gdpPercap"]
    return worst_digits(regress.compare(DATA / "gapminder.csv", "lifeExp", features=features).record)


def hexagons() -> Chart:
    """Return residuals of 2,230 weeks, which a straight line fits badly."""
    return residuals(regress.fit(DATA / "co2.csv", "co2", features=["year"], missing="drop").record)[1]


PICTURES: dict[str, Callable[[], Chart]] = {
    "descent.svg": descent,
    "training.svg": loss_by_epoch,
    "effect.svg": effect,
    "digits.svg": digits,
    "residuals.svg": hexagons,
}


def picture(chart: Chart) -> str:
    """Return an SVG that stands by itself, in the colors of a page."""
    style = f"<style>{STYLE.read_text(encoding='utf-8')} svg {{ background: var(--page); }}</style>"
    drawn = str(svg(chart)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return drawn.replace("<title", f"{style}<title", 1) + "\n"


def penguins() -> regress.Fit:
    """Return the fit of the README."""
    features = ["species", "sex", "flipper_length_mm"]
    return regress.fit(DATA / "penguins.csv", "body_mass_g", features=features, missing="drop")


def photographs(page: Path) -> dict[str, bytes]:
    """Return the top of a page as PNG, light and dark, in the larger of two scales in which both are small."""
    with chromium() as browser:
        for scale in (2, 1):
            taken = {f"page-{scheme}.png": photograph(browser, page, scheme, scale) for scheme in ("light", "dark")}
            if sum(map(len, taken.values())) < _MOST_BYTES:
                return taken
    sys.exit(f"The pictures of the page have more than {_MOST_BYTES:,} bytes.")


def photograph(browser: Any, page: Path, scheme: str, scale: int) -> bytes:
    """Return the top of a page as PNG with few colors."""
    size = {"width": _WIDTH, "height": _HEIGHT}
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=scale)
    opened = context.new_page()
    opened.goto(page.as_uri())
    shot = Image.open(io.BytesIO(opened.screenshot())).convert("RGB")
    context.close()
    written = io.BytesIO()
    shot.quantize(_COLORS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def main(arguments: list[str]) -> None:
    """Make the charts, or with --page the pictures of the page, and print where they are."""
    of_page = "--page" in arguments
    places = [argument for argument in arguments if argument != "--page"]
    folder = Path(places[0]) if places else ROOT / "docs" / "assets"
    if len(places) > 1 or not folder.is_dir():
        sys.exit("Usage: python scripts/picture.py [--page] [FOLDER], a folder that exists.")
    if not of_page:
        for name, chart in PICTURES.items():
            write_text(folder / name, picture(chart()))
            print(folder / name)
        return
    with TemporaryDirectory() as temporary:
        page = Path(temporary) / "page.html"
        regress.write_report(penguins(), page)
        try:
            taken = photographs(page)
        except NoBrowser as error:
            sys.exit(f"The page was not opened: {error}. {HOW}")
    for name, png in taken.items():
        with whole_file(folder / name) as file:
            file.write(png)
        print(f"{folder / name}, {len(png) / 1000:,.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
