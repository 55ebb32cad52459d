"""Renew what README.md and the pages in docs/ show: the output of their commands, and excerpts of the long tables.

python scripts/readme.py                               # run the commands, and list the pages that would change
python scripts/readme.py --write                       # and renew them
python scripts/readme.py --write docs/cookbook/*.md    # only some pages

`<!-- output: fit -->` below a block of bash precedes what its first command `regress fit` prints. If it prints nothing,
its error message is shown. The other lines run too. A comment such as `# exit 2` holds the exit code that is expected.
`<!-- output: python -->` below a block of Python precedes what the block prints. `<!-- figures -->` encloses rows
of the tables in docs/accuracy.md and docs/benchmarks.md, so run their scripts first.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from marked import ACCURACY, ROOT, split

README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```(bash|python)\n((?:(?!```).*\n)*)```$", re.MULTILINE)
OUTPUT = re.compile(r"(<!-- output: (\w+) -->\n```text\n)((?:(?!```).*\n)*)```$", re.MULTILINE)
SETS = "norris", "longley", "pontius", "wampler5", "filip"
VERSIONS = ("numpy", "pandas", "scikit-learn", "scikit-learn-intelex", "statsmodels")  # that excerpts depend on
TOOLS = "regress", "scikit-learn", "scikit-learn-intelex", "statsmodels"
CSV_TOOLS = {"regress fit, exact": "regress", "pandas + LinearRegression": "scikit-learn"}
CASES = {  # a row of the table of times: case, start of the title, and the tools of the case that have other names
    "CSV file, 5,000,000 × 21": ("csv", "5,000,000 × 21", CSV_TOOLS),
    "array, 1,000,000 × 10": ("memory", "1,000,000 × 10", {}),
    "array, 50,000 × 1,000": ("memory", "50,000 × 1,000", {}),
    "array, 1,000 × 1,000": ("wide", "1,000 × 1,000", {"LinearRegressor": "regress"}),
}


class Place(NamedTuple):
    """A folder in which commands find the bundled data, and no file of the checkout is touched."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Place":
        """Link the data and the scripts into a folder."""
        for name in ("data", "scripts"):
            (folder / name).symlink_to(ROOT / name)
        return cls(folder)

    def bash(self, command: str) -> None:
        """Run a command of the shell, in which `python` is this one."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-c", command], cwd=self.folder, env={**os.environ, "PATH": path}, check=True)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run Python on the package of this checkout."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)


def lines(code: str) -> Iterator[tuple[str, int]]:
    """Yield the commands of a block of bash, each with the exit code that its comment expects."""
    for line in code.replace("\\\n", " ").splitlines():
        command, _, comment = line.partition("  # ")
        if command := command.strip():
            expected = re.search(r"\bexit (\d+)", comment)
            yield command, int(expected[1]) if expected else 0


def commands(code: str) -> Iterator[str]:
    """Yield the calls of `regress` in a block of bash."""
    return (line for line, _ in lines(code) if line.startswith("regress "))


def output(page: str, shown: re.Match[str], place: Place) -> str:
    """Return what the code above a marked block of a page prints."""
    *_, (language, code) = CODE.findall(page[: shown.start()])
    if language == "python":
        done = place.run("-W", "error", "-c", code)
        if done.returncode:
            raise ValueError(done.stderr)
        return done.stdout
    for command, expected in lines(code):
        if not command.startswith("regress "):
            place.bash(command)
            continue
        words = shlex.split(command)
        done = place.run("-m", "regress", *words[1:])
        if done.returncode != expected:
            raise ValueError(f"{command}\nIt exits with {done.returncode}.\n{done.stderr}")
        if words[1] == shown[2]:
            return done.stdout or done.stderr
    raise ValueError(f"There is no command 'regress {shown[2]}' above its output.")


def rows(table: str) -> list[list[str]]:
    """Return the cells of the first table of a Markdown text, the line of dashes left out."""
    lines = re.search(r"(?:^\|.*\n)+", table, re.MULTILINE)
    if lines is None:
        raise ValueError("There is no table.")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()]
    return [cells[0], *cells[2:]]


def table(head: list[str], body: list[list[str]]) -> str:
    """Return a table in Markdown."""
    first, *rest = (f"| {' | '.join(line)} |\n" for line in [head, *body])
    return "".join([first, "|" + "---|" * len(head) + "\n", *rest])


def accuracy() -> tuple[set[str], str]:
    """Return the machine, and for some of NIST's sets the digits that each tool shares with the certified values."""
    text = split(ACCURACY.read_text(encoding="utf-8"), "nist")[1]
    (_, *tools), *body = rows(text)
    by_set = {row[0]: row for row in body}
    return {text.partition("\n")[0]}, table(["correct digits", *tools], [by_set[name] for name in SETS])


def speed() -> tuple[set[str], str]:
    """Return the machines, and times and peak memory of some cases of the benchmarks."""
    page, machines, body = BENCHMARKS.read_text(encoding="utf-8"), set(), []
    for label, (case, title, names) in CASES.items():
        text = split(page, f"benchmark:{case}")[1]
        machines.add(text.partition("\n")[0])
        _, found, rest = text.partition(f"**{case}: {title}")
        if not found:
            raise ValueError(f"docs/benchmarks.md has no table {case}: {title}.")
        head, *lines = rows(rest)
        median, peak = head.index("median"), head.index("peak memory")
        by_tool = {names.get(row[0], row[0]): f"{row[median]}, {row[peak]}" for row in lines}
        if not {"regress", "scikit-learn"} <= by_tool.keys():
            raise ValueError(f"The table {case}: {title} of docs/benchmarks.md lacks regress or scikit-learn.")
        body.append([label, *(by_tool.get(tool, "–") for tool in TOOLS)])
    return machines, table(["time and memory", *TOOLS], body)


def figures() -> str:
    """Return both excerpts under the machines that they come from."""
    (here, digits), (there, times) = accuracy(), speed()
    return "\n".join(sorted(map(without_others, here | there))) + f"\n\n{digits}\n{times}"


def without_others(machine: str) -> str:
    """Return the line of a machine with the versions of the tools in both excerpts alone."""
    head, _, packages = machine.partition(" Packages: ")
    shown = [each for each in packages.split(", ") if each.rpartition(" ")[0] in VERSIONS]
    return f"{head} Packages: {', '.join(shown)}."


def renewed(page: str, place: Place) -> str:
    """Return a page with the present output of its commands, and present excerpts."""
    if len(OUTPUT.findall(page)) != page.count("<!-- output: "):
        raise ValueError("A mark of output is not followed by a block of text.")
    after = OUTPUT.sub(lambda shown: f"{shown[1]}{output(page, shown, place)}```", page)
    if "<!-- figures -->\n" in after:
        before, _, rest = split(after, "figures")
        after = before + figures() + rest
    return after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", metavar="PAGE", nargs="*", type=Path, help="the pages to run; default: all")
    parser.add_argument("--write", action="store_true", help="renew the pages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regress-readme-") as folder:
        place = Place.make(Path(folder))
        for path in map(Path.absolute, options.pages or PAGES):
            before = path.read_text(encoding="utf-8")
            after = renewed(before, place)
            if after == before:
                continue
            print(path.relative_to(ROOT))
            if options.write:
                path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
