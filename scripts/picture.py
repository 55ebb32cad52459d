"""The pictures of the documentation, as pages draw them: three ways down the loss, and a training with its minimum.

python scripts/picture.py [FOLDER]    # docs/assets, unless another is named
"""

import sys
from collections.abc import Callable
from pathlib import Path

import regress
from regress.api import drawings
from regress.numerics.atomic_write import write_text
from regress.report.charts import Chart
from regress.report.svg import svg
from regress.report.training_charts import training

ROOT = Path(__file__).resolve().parents[1]
STYLE = ROOT / "regress" / "report" / "templates" / "charts.css"
TABLE, TARGET = ROOT / "data" / "diabetes.csv", "progression"


def descent() -> Chart:
    """Return the picture of docs/explanation/why-descent-is-slow.md."""
    return drawings.descent(regress.fit(TABLE, TARGET).record, ("s1", "s5")).chart


def loss_by_epoch() -> Chart:
    """Return the picture of docs/how-to/watch.md."""
    fit = regress.fit(TABLE, TARGET, solver="averaged-sgd", batch_size=32, early_stopping=20, test_size=0.3)
    return training(fit.record)[0]


PICTURES: dict[str, Callable[[], Chart]] = {"descent.svg": descent, "training.svg": loss_by_epoch}


def picture(chart: Chart) -> str:
    """Return an SVG that stands by itself, in the colors of a page."""
    style = f"<style>{STYLE.read_text(encoding='utf-8')} svg {{ background: var(--page); }}</style>"
    drawn = str(svg(chart)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return drawn.replace("<title", f"{style}<title", 1) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "assets"
    for name, chart in PICTURES.items():
        write_text(folder / name, picture(chart()))
        print(folder / name)
