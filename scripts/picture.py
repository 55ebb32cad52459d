"""The picture of docs/explanation/why-descent-is-slow.md: three ways down the loss, as a report draws them.

python scripts/picture.py [FILE]    # docs/assets/descent.svg, unless another is named
"""

import sys
from pathlib import Path

import regress
from regress.api import drawings
from regress.numerics.atomic_write import write_text
from regress.report.svg import svg

ROOT = Path(__file__).resolve().parents[1]
STYLE = ROOT / "regress" / "report" / "templates" / "charts.css"
PATH = ROOT / "docs" / "assets" / "descent.svg"


def picture() -> str:
    """Return an SVG that stands by itself, in the colors of a page."""
    known = regress.fit(ROOT / "data" / "diabetes.csv", "progression").record
    drawn = str(svg(drawings.descent(known, ("s1", "s5")).chart))
    style = f"<style>{STYLE.read_text(encoding='utf-8')} svg {{ background: var(--page); }}</style>"
    return (
        drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace("<title", f"{style}<title", 1)
        + "\n"
    )


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PATH
    write_text(path, picture())
    print(path)
