"""Fits as they are, and with one thing that the command line does to its process left undone."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from bench.measure import ROOT, Table, Tool, printed_json, run
from bench.place import TARGET, Place, child, coefficients

AS_IS = "as it is"
UNDONE = {
    "garbage collected as often as usual": "regress.cli.process.collect_rarely",
    "threads of BLAS": "regress.cli.process.one_thread_of_blas",
    "freed memory given back": "regress.cli.process.keep_memory",
    "exit by the interpreter": "regress.cli.process.leave",
}


def tricks(place: Place) -> Iterator[Table]:
    """Fit a small and a large CSV file, each time without one thing that the command line does to its process."""
    small, target = ROOT / "data" / "diabetes.csv", "progression"
    reference = printed_json(run(child("files", "pandas_fit", small, target)).printed)
    yield Table("a small file", AS_IS, _tools(place, small, target), reference)
    yield Table(place.title(place.csv), AS_IS, _tools(place, place.csv, TARGET), coefficients(place.model))


def _tools(place: Place, table: Path, target: str) -> list[Tool]:
    saved = place.folder / "fit.json"

    def tool(name: str, undone: str) -> Tool:
        words = ("fit", table, "--target", target, "--precision", "float64", "--save", saved)
        return Tool(name, child("tricks", undone, *words), lambda _: coefficients(saved))

    return [tool(AS_IS, "none"), *(tool(name, undone) for name, undone in UNDONE.items())]


def run_without() -> None:
    """Run a command of regress with a function replaced by one that does nothing, or ends the process plainly."""
    from regress.cli import main

    module, _, name = sys.argv.pop(1).rpartition(".")
    if module:
        setattr(import_module(module), name, sys.exit if name == "leave" else lambda: None)
    main.command()


if __name__ == "__main__":
    run_without()
