"""Random tables in random dialects, read without a flag: every cell is the one written, or the file is refused.

    python -m tests.oracles.random_dialects --seed 0 --count 10000

The oracles are Python's csv, which writes the files, and fractions, which says what a number in a cell is.
"""

import argparse
import csv
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from regress.errors import InputError
from tests.tables import columns_of

MISSING = ("", "", "", "NA", "NaN", "NULL", "null", "None", "N/A", "nan")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéßø"
ODD = " ,;|\t\"'.:-/#()\n"
DELIMITERS = (",", ",", ",", ";", ";", "\t", "|", " ")


class Dialect(NamedTuple):
    """How a table was written."""

    delimiter: str
    decimal: str
    quoting: int
    ends: str
    header: bool


def number(draw: random.Random, decimal: str) -> str:
    """A number as text, in one of the notations that files have."""
    sign = draw.choice(["", "", "", "-", "+"])
    whole = draw.choice([str(draw.randrange(10)), str(draw.randrange(10**4)), str(draw.randrange(10**9))])
    form = draw.randrange(5)
    if form == 0:
        return sign + whole
    if form == 1:
        return f"{sign}{whole}{decimal}{draw.randrange(10**2):02}"
    if form == 2:
        return f"{sign}{draw.random():.15g}".replace(".", decimal)
    if form == 3:
        return f"{sign}{draw.random() * 10 ** draw.randint(-8, 8):.{draw.randint(0, 6)}e}".replace(".", decimal)
    return f"{sign}{whole}{decimal}{draw.randrange(10**5):05}"


def word(draw: random.Random) -> str:
    """A text that begins and ends with a letter, with odd characters between."""
    inner = "".join(draw.choice(LETTERS + ODD * draw.randrange(2)) for _ in range(draw.randrange(8)))
    text = draw.choice(LETTERS) + inner + draw.choice(LETTERS)
    return text if text.lower() not in ("true", "false", "nan", "na", "null", "none") else "word"


def column(draw: random.Random, kind: str, rows: int, decimal: str) -> list[str]:
    """Cells of one column as text."""
    holes = draw.choice([0, 0, 0.2])
    few = [word(draw) for _ in range(draw.randint(2, 6))]
    places = 0
    make: dict[str, Callable[[], str]] = {
        "whole": lambda: str(draw.randint(-50, 5000)),
        "number": lambda: number(draw, decimal),
        "places": lambda: f"{draw.uniform(-99, 999):.{places}f}".replace(".", decimal),
        "word": lambda: word(draw),
        "level": lambda: draw.choice(few),
        "boolean": lambda: draw.choice(["true", "false", "True", "FALSE"]),
    }
    places = draw.randint(1, 4)
    return [draw.choice(MISSING) if draw.random() < holes else make[kind]() for _ in range(rows)]


def drawn(seed: int) -> tuple[bytes, dict[str, list[str]], list[str], Dialect]:
    """Draw a table and its dialect: the bytes of the file, the columns as they are meant, and the dialect."""
    draw = random.Random(seed)
    delimiter = draw.choice(DELIMITERS)
    decimal = "," if delimiter in ";\t| " and draw.random() < 0.4 else "."
    kinds = [draw.choice(["whole", "number", "places", "word", "level", "boolean"]) for _ in range(draw.randint(2, 7))]
    rows = draw.choice([2, 3, 5, 12, 40, 150])
    columns = {
        f"{draw.choice(['a', 'b c', 'é', 'd.'])}{j}": column(draw, k, rows, decimal) for j, k in enumerate(kinds)
    }
    quoting: Literal[0, 1] = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    ends, encoding = draw.choice(["\n", "\n", "\r\n"]), draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    plain = [cells for cells, kind in zip(columns.values(), kinds, strict=True) if kind not in ("word", "level")]
    if delimiter == " " and all(cell in MISSING for cells in plain for cell in cells):
        delimiter = "|"  # words between blanks may be one column
    header = draw.random() < 0.9 or all(cells[0] in MISSING for cells in plain)  # words alone may be names
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    writer.writerows([*([list(columns)] if header else []), *zip(*columns.values(), strict=True)])
    dialect = Dialect(delimiter, decimal, quoting, ends, header)
    return text.getvalue().encode(encoding), columns, kinds, dialect


def meant(cell: str, kind: str, decimal: str) -> float | str | None:
    """What a cell is: a double, text, or None where it is missing."""
    if cell.strip() in MISSING:
        return None
    if kind == "boolean":
        return float(cell.lower() == "true")
    if kind in ("whole", "number", "places"):
        return float(Fraction(cell.replace(decimal, ".")))
    return cell.strip()


def outcome(seed: int, folder: str) -> tuple[Literal["read", "refused", "wrong"], str]:
    """Read one table; return how it ended, and what a refusal says or what is wrong."""
    content, columns, kinds, dialect = drawn(seed)
    path = Path(folder) / "t.csv"
    path.write_bytes(content)
    try:
        found = columns_of(path)
    except InputError as error:
        return "refused", str(error)
    names = list(columns) if dialect.header else list(found)
    if list(found) != names or len(found) != len(columns):
        return "wrong", f"{seed}: columns {list(found)} of {list(columns)}, {dialect}"
    for name, cells, kind in zip(names, columns.values(), kinds, strict=True):
        values = [None if v != v else v for v in found[name]]
        expected: list[float | str | None] = [meant(cell, kind, dialect.decimal) for cell in cells]
        if all(value is None for value in expected):
            expected = [None] * len(cells)
        if values != expected:
            at = next((i for i, (v, e) in enumerate(zip(values, expected, strict=False)) if v != e), len(values))
            return "wrong", f"{seed}: {name}[{at}] {values[at : at + 1]} for {expected[at : at + 1]}, {dialect}"
    return "read", ""


def run(seed: int, count: int) -> tuple[Counter[str], list[str]]:
    """Read tables; return how many were read and refused, and those that were read wrongly."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(count):
            result, text = outcome(seed * 1_000_000 + k, folder)
            counts[result] += 1
            if result == "wrong":
                wrong.append(text)
    return counts, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    counts, wrong = run(given.seed, given.count)
    print("\n".join(wrong[:40]))
    print(", ".join(f"{counts[result]:,} {result}" for result in ("read", "refused", "wrong")))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
