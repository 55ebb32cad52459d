"""Polluted files of the kinds that Pollock has (Vitagliano et al., VLDB 2023), and its simple score.

`python -m tests.oracles.pollock` reads them all, and says how many are read wrongly in silence, and what the score is.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from regress.errors import InputError
from regress.options import FileOptions
from regress.sources.open import open_table

T = TypeVar("T")
HEADER = ["date", "time", "quantity", "product", "price tag", "kind", "description", "address", "remark"]
NUMBER = 2
_KINDS = ["lamp", "chair", "desk, small", "shelf"]
_REMARKS = ["", "gift", "call first, then bring", 'says "hello, there"', "no rush"]


class Polluted(NamedTuple):
    """A file, and the table that a reader should get from it."""

    name: str
    content: bytes
    header: list[str]
    rows: list[list[str]]


class Loaded(NamedTuple):
    """What a reader made of a file: names and rows, and how many rows it gave up; an error in their place."""

    header: list[str]
    rows: list[list[str]]
    rejected: int
    error: str = ""


def clean() -> list[list[str]]:
    """84 rows of text, dates, times, one number, and text with commas and quotes."""
    return [
        [
            f"2020-{1 + i % 12:02}-{1 + i % 28:02}",
            f"{i % 24:02}:{i * 7 % 60:02}:00",
            str(i * 37 % 101),
            f"P{i:03}",
            f"EUR{i % 9}x",
            _KINDS[i % 4],
            f"model {i}, in {['red', 'green', 'blue'][i % 3]}, new",
            f"example.org/item{i}",
            _REMARKS[i % 5],
        ]
        for i in range(84)
    ]


def record(cells: list[str], delimiter: str = ",", quote: str = '"', escape: str | None = '"') -> list[str]:
    """Return cells as they are written: in quotes where they hold a delimiter or a quote."""
    escaped = [c if escape is None else c.replace(quote, escape + quote) for c in cells]
    needed = [any(mark in c for mark in (delimiter, delimiter.strip() or " ", '"', quote, "\n")) for c in cells]
    return [quote + e + quote if n else e for e, n in zip(escaped, needed, strict=True)]


def text(
    rows: list[list[str]], delimiter: str = ",", end: str = "\n", quote: str = '"', escape: str | None = '"'
) -> str:
    """Return a file."""
    return "".join(delimiter.join(record(row, delimiter, quote, escape)) + end for row in rows)


def whole_files() -> Iterator[Polluted]:
    """Pollutions of a file as a whole."""
    rows = clean()
    table = [HEADER, *rows]

    def made(name: str, content: str, header: list[str] = HEADER, expected: list[list[str]] = rows) -> Polluted:
        return Polluted(f"file_{name}", content.encode(), header, expected)

    yield made("source", text(table))
    for name, delimiter in (("semicolon", ";"), ("tab", "\t"), ("blank", " "), ("comma_blank", ", ")):
        yield made(f"delimiter_{name}", text(table, delimiter))
    yield made("escape_backslash", text(table, escape="\\"))
    yield made("escape_none", text(table, escape=None))
    yield made("quote_single", text(table, quote="'"))
    for name, end in (("cr", "\r"), ("lf", "\n"), ("crlf", "\r\n")):
        yield made(f"ends_{name}", text(table, end=end))
    yield made("no_final_newline", text(table).removesuffix("\n"))
    yield made("two_final_newlines", text(table) + "\n")
    yield made("header_none", text(rows), [])
    for lines in (2, 3):
        more = [[f"{name} {i}" for name in HEADER] for i in range(1, lines)]
        yield made(f"header_lines_{lines}", text([HEADER, *more, *rows]), expected=[*more, *rows])
    yield made("preamble", "Sales of 2020\nby the shop\n\n" + text(table))
    yield made("preamble_padded", "Sales of 2020,,,,,,,,\n,,,,,,,,\n" + text(table))
    yield made("second_table", text(table) + "\nkind,count\n" + "".join(f"{k},{i}\n" for i, k in enumerate("abcde")))
    yield made("empty", "", [], [])
    yield made("header_only", text([HEADER]), expected=[])
    yield made("one_row", text(table[:2]), expected=rows[:1])


def one_row(row: int) -> Iterator[Polluted]:
    """Pollutions of one row."""
    rows = clean()
    before, after = text([HEADER, *rows[:row]]), text(rows[row + 1 :])
    cells = record(rows[row])

    def made(name: str, line: str, expected: list[str] = rows[row]) -> Polluted:
        content = f"{before}{line}\n{after}"
        return Polluted(f"row{row}_{name}", content.encode(), HEADER, [*rows[:row], expected, *rows[row + 1 :]])

    for j, cell in enumerate(cells):
        k = (0, len(cell) // 2, len(cell))[(row + j) % 3]
        inner = min(max(k - cell.startswith('"'), 0), len(rows[row][j]))
        literal = [*rows[row][:j], rows[row][j][:inner] + '"' + rows[row][j][inner:], *rows[row][j + 1 :]]
        yield made(f"quote{j}", ",".join([*cells[:j], cell[:k] + '"' + cell[k:], *cells[j + 1 :]]), literal)
        yield made(f"more{j}", ",".join(cells[:j]) + "," * (j > 0) + "," + ",".join(cells[j:]))
    for j in range(1, len(cells)):
        yield made(f"less{j}", ",".join(cells[:j]) + ",".join(cells[j:]))
    yield made("blanks", " ".join(cells))


def files() -> Iterator[Polluted]:
    """All files."""
    yield from whole_files()
    for row in range(len(clean())):
        yield from one_row(row)


def load(path: Path, on_bad_row: Literal["error", "skip"]) -> Loaded:
    """Read a file as regress does, all columns as text."""
    try:
        source = open_table(path, FileOptions(on_bad_lines=on_bad_row))
        names = [column.name for column in source.columns]
        rows: list[list[str]] = []
        rejected = 0
        for batch in source.read_as(dict.fromkeys(names, "text")).batches(names):
            found = list(zip(*(batch.texts(name) for name in names), strict=True))
            bad = [False] * batch.rows if batch.bad is None else batch.bad.tolist()
            rows += [list(row) for row, wrong in zip(found, bad, strict=True) if not wrong]
            rejected += sum(bad)
    except InputError as error:
        return Loaded([], [], 0, str(error))
    headless = names == [f"x{j}" for j in range(len(names))]
    return Loaded([] if headless else names, rows, rejected)


def lost(file: Polluted, loaded: Loaded) -> int:
    """Count the rows of the clean table that are lost or changed, with neither an error nor a rejected row."""
    if loaded.error:
        return 0
    missing = Counter(map(tuple, file.rows)) - Counter(map(tuple, loaded.rows))
    return max(sum(missing.values()) - loaded.rejected, 0) + (bool(loaded.rows) and loaded.header != file.header)


def _measures(expected: Counter[T], found: Counter[T]) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    if not expected and not found:
        return 1.0, 1.0, 1.0
    both = sum((expected & found).values())
    precision, recall = both / max(sum(found.values()), 1), both / max(sum(expected.values()), 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def score(file: Polluted, loaded: Loaded) -> list[float]:
    """Return success, and precision, recall and F1 of header, records and cells: ten numbers."""
    if loaded.error and file.rows:
        return [0.0] * 10
    header = _measures(Counter(file.header), Counter(loaded.header))
    records = _measures(Counter(map(tuple, file.rows)), Counter(map(tuple, loaded.rows)))
    cells = _measures(Counter(c for row in file.rows for c in row), Counter(c for row in loaded.rows for c in row))
    return [1.0, *header, *records, *cells]


def sample(count: int) -> list[Polluted]:
    """All files that are polluted as a whole, and some of those with one polluted row."""
    everything = list(files())
    fixed = len(list(whole_files()))
    step = (len(everything) - fixed) // (count - fixed) | 1
    return everything[:fixed] + list(islice(everything[fixed:], 0, None, step))


def main() -> None:
    """Read all files, and print what went wrong."""
    silent, scores, refused = [], [], []
    everything = list(files())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        for file in everything:
            path.write_bytes(file.content)
            strict, loaded = load(path, "error"), load(path, "skip")
            silent += [file.name] * (lost(file, strict) > 0)
            refused += [f"{file.name}: {loaded.error}"] * bool(loaded.error)
            scores.append(score(file, loaded))
    total = sum(map(sum, scores)) / len(scores)
    print(f"{len(everything)} files; {len(silent)} read wrongly in silence; simple score {total:.3f} of 10")
    if "-v" in sys.argv:
        print(*silent, *refused, sep="\n")


if __name__ == "__main__":
    main()
