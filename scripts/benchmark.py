"""How fast, in how much memory: this package beside others, every tool in processes of its own.

python scripts/benchmark.py                             # every case, about a quarter of an hour
python scripts/benchmark.py memory gradient --repeat 3  # some of them
python scripts/benchmark.py csv --write                 # and renew its tables in docs/benchmarks.md
python scripts/benchmark.py --baseline ../before        # compared with another checkout of this package
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import baseline, cases, report, scale, training, tricks
from bench.baseline import AT_MOST, INSIDE, Comparison, changes, check_checkout
from bench.machine import heading, machine, packages
from bench.measure import Failed, Report, Table, measure
from bench.place import Place
from bench.report import around, replace

CASES = {**cases.CASES, "training": training.training, "scale": scale.scale, "tricks": tricks.tricks}
DOCS = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line, and refuse what cannot be meant."""
    cases = "\n".join(f"  {name:<9} {case.__doc__}" for name, case in CASES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"cases:\n{cases}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", nargs="*", default=list(CASES), help="what to measure; everything unless given")
    parser.add_argument("--repeat", type=int, default=7, help="runs a median (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the size of tables, to try out (default: 1)")
    parser.add_argument(
        "--dask-ml", default=sys.executable, metavar="PYTHON", help="of an environment with dask-ml, for the case scale"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument(
        "--baseline",
        type=lambda name: Path(name).resolve(),
        metavar="CHECKOUT",
        help="compare this package with the one in another folder, such as a git worktree, in alternating runs",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help=f"exit 1 where a limit is missed, an answer is wrong, or a time is above {AT_MOST} times the baseline's",
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.case if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}.")
    if options.repeat < 1 or not 0 < options.scale < float("inf"):
        parser.error("--repeat must be at least 1 and --scale above 0.")
    if options.write and options.scale != 1:
        parser.error("--write puts full sizes into the documentation only; leave --scale out.")
    if options.write and options.baseline:
        parser.error("--write documents this checkout alone; leave --baseline out.")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.parent}; make it first.")
    try:  # before an hour of measuring
        for case in options.case if options.write else ():
            around(DOCS, case)
        if options.baseline:
            check_checkout(options.baseline)
    except Failed as error:
        parser.error(str(error))
    return options


def measured(case: str, place: Place) -> Iterator[Report]:
    """Measure the tables of a case, one after another."""
    try:
        for table in CASES[case](place):
            yield Report(case, table, [measure(tool, table.reference, place.repeat) for tool in table.tools])
    except Failed as error:
        yield Report(case, Table(case, base="", tools=()), problem=str(error))


def compared(case: str, place: Place, repeat: int, checkout: Path) -> Iterator[Comparison]:
    """Compare this package's tools of a case with those of another checkout."""
    try:
        yield Comparison(case, list(changes(CASES[case](place), repeat, checkout)))
    except Failed as error:
        yield Comparison(case, problem=str(error))


def write_json(options: argparse.Namespace, records: Sequence[dict[str, Any]]) -> None:
    """Write what is measured so far, and on what."""
    figures = {
        "machine": machine(),
        "packages": packages(),
        "scale": options.scale,
        "repeat": options.repeat,
        "baseline": options.baseline and str(options.baseline),
        "results": records,
    }
    options.json.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write what is asked for; return the exit code."""
    options, records, passed = options_of(arguments), [], True
    form = baseline if options.baseline else report
    print(heading(), end="", flush=True)
    with tempfile.TemporaryDirectory(prefix="regress-benchmark-") as folder:
        repeat = INSIDE if options.baseline else options.repeat
        place = Place(Path(folder), options.scale, repeat, options.dask_ml)
        for case in options.case:
            tables = (
                compared(case, place, options.repeat, options.baseline) if options.baseline else measured(case, place)
            )
            texts = []
            for table in tables:
                texts.append(form.markdown(table))
                records += form.records(table)
                passed = passed and table.passed
                print(texts[-1], end="", flush=True)
            if options.write:
                replace(DOCS, case, heading() + "".join(texts))
            if options.json:
                write_json(options, records)
    return 1 if options.strict and not passed else 0


if __name__ == "__main__":
    sys.exit(main())
