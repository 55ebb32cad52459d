"""Print a table, and put it between its marks in README.md if asked."""

import argparse
from collections.abc import Callable
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def show(description: str, marks: tuple[str, str], make: Callable[[], str]) -> None:
    """Parse the command line of a script, and print what `make` returns; --write puts it into the README too."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put it into README.md")
    options = parser.parse_args()
    text = make()
    print(text, end="")
    if options.write:
        before, _, rest = README.read_text(encoding="utf-8").partition(marks[0])
        _, _, after = rest.partition(marks[1])
        README.write_text(before + marks[0] + text + marks[1] + after, encoding="utf-8")
