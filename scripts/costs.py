"""What a fit of many rows costs, by arithmetic on the figures of docs/benchmarks.md.

python scripts/costs.py             # print the tables
python scripts/costs.py --write     # and put them into docs/explanation/scale.md

The figures are those of the exact fit of a CSV file, so run `python scripts/benchmark.py csv --write` before.
"""

import math
import re
from typing import NamedTuple

from marked import ROOT, show, split
from readme import BENCHMARKS, rows, table
from regress.api.cluster.files import RANGE
from regress.api.cluster.results import FAN_IN

PAGE = ROOT / "docs" / "explanation" / "scale.md"
TASK = 2**28  # bytes of the parts that one task reads
COUNTS = [10**9, 10**10, 10**11, 10**12]
CORES = [1, 16, 1_000, 10_000]
UNITS = {"s": 1, "min": 60, "h": 3600, "days": 86400, "years": 365 * 86400}


class Measured(NamedTuple):
    """A fit of a CSV file in exact arithmetic: the machine, its CPUs, and rows, columns, bytes and seconds."""

    machine: str
    cpus: int
    rows: int
    columns: int
    size: float
    seconds: float

    @property
    def a_row(self) -> float:
        """The bytes of a row."""
        return self.size / self.rows

    @property
    def rate(self) -> float:
        """The bytes that a core reads in a second."""
        return self.size / self.seconds / self.cpus


def measured(page: str) -> Measured:
    """Return what the benchmarks' page has measured."""
    text = split(page, "benchmark:csv")[1]
    machine = text.partition("\n")[0]
    title = re.search(r"\*\*csv: ([\d,]+) × (\d+), ([\d.]+) GB\*\*", text)
    cpus = re.search(r"(\d+) CPUs", machine)
    if title is None or cpus is None:
        raise ValueError("docs/benchmarks.md has no table of csv with a size and a number of CPUs.")
    head, *lines = rows(text)
    median = {line[0]: line[head.index("median")] for line in lines}["regress fit, exact"]
    number, unit = median.split()
    seconds = float(number) * {"s": 1.0, "ms": 1e-3}[unit]
    return Measured(
        machine, int(cpus[1]), int(title[1].replace(",", "")), int(title[2]), float(title[3]) * 1e9, seconds
    )


def duration(seconds: float) -> str:
    """Return a time to two digits, in the largest unit of which there are two or more."""
    unit = max((name for name in UNITS if seconds >= 2 * UNITS[name]), key=UNITS.__getitem__, default="s")
    return f"{two_digits(seconds / UNITS[unit])} {unit}"


def two_digits(value: float) -> str:
    """Return a number to two digits, without an exponent."""
    return f"{float(f'{value:.2g}'):,g}"


def amount(size: float) -> str:
    """Return a number of bytes to two digits."""
    unit, name = max((unit, name) for unit, name in ((1e6, "MB"), (1e9, "GB"), (1e12, "TB")) if size >= unit)
    return f"{two_digits(size / unit)} {name}"


def text(figures: Measured) -> str:
    """Return the tables, and how they are computed."""
    times, merges = [], []
    for count in COUNTS:
        size = count * figures.a_row
        work = size / figures.rate
        parts, tasks = math.ceil(size / RANGE), math.ceil(size / TASK)
        name = f"1e{round(math.log10(count))}"
        times.append([name, amount(size), *(duration(work / cores) for cores in CORES)])
        merges.append([name, f"{parts:,}", f"{tasks:,}", str(math.ceil(math.log(tasks, FAN_IN)))])
    cores = [f"{cores:,} core{'s' * (cores > 1)}" for cores in CORES]
    return (
        f"{figures.machine}\n\n"
        f"{figures.rows:,} rows of {figures.columns} columns have {figures.size / 1e9:.2f} GB: {figures.a_row:.0f}"
        f" bytes a row. {figures.cpus} CPUs read them in {figures.seconds:.2f} s: {figures.rate / 1e6:.0f} MB a second"
        " and core.\n\n"
        f"{table(['rows', 'bytes', *cores], times)}\n"
        f"A part has {RANGE / 2**20:.0f} MiB, a task reads {TASK / 2**20:.0f} MiB, and {FAN_IN} results merge at a"
        f" time.\n\n{table(['rows', 'parts', 'tasks', 'levels of merges'], merges)}"
    )


def main() -> None:
    assert __doc__ is not None
    show(__doc__, PAGE, "costs", lambda: text(measured(BENCHMARKS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
