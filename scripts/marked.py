"""Text between marks in a page of Markdown: `<!-- name -->` and `<!-- /name -->`, each on a line of its own."""

import argparse
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ACCURACY = ROOT / "docs" / "accuracy.md"


def split(page: str, name: str) -> tuple[str, str, str]:
    """Return what stands before, between and after the marks of a name, with the marks outside."""
    opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.partition(opening)
    text, ended, after = rest.partition(closing)
    if not (found and ended):
        raise ValueError(f"The page lacks the marks {opening.strip()} and {closing}.")
    return before + opening, text, closing + after


def show(description: str, path: Path, name: str, make: Callable[[], str]) -> None:
    """Parse the command line of a script, and print what `make` returns; --write puts it into the page too."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"put it into {path.relative_to(ROOT)}")
    options = parser.parse_args()
    text = make()
    print(text, end="")
    if options.write:
        before, _, after = split(path.read_text(encoding="utf-8"), name)
        path.write_text(before + text + after, encoding="utf-8")
