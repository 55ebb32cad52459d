"""The rows of JSON lines as Python reads them, and what their columns are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, NoReturn

from regress.errors import TableError
from regress.sources.base import Column
from regress.sources.cell_values import Reading
from regress.sources.polars_frames import LOOK, of_text

CellType = Literal["number", "boolean", "text", "object", "array"]
TYPES: Mapping[type, CellType] = {float: "number", bool: "boolean", str: "text", dict: "object", list: "array"}
WORDS: Mapping[str, str] = {
    "number": "a number",
    "boolean": "true or false",
    "text": "text",
    "object": "an object",
    "array": "an array",
    "null": "null",
}


class _NotJson(ValueError):
    """A line is JSON to Python, but not to the standard, or not to be understood."""


def objects(file: str, lines: Sequence[bytes], line: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of each line that is not blank; all numbers as float64.

    Raises
    ------
    TableError
        If a line holds none.
    """
    for number, text in enumerate(lines, line):
        if not text.strip():
            continue
        try:
            row = json.loads(text.decode(), object_pairs_hook=_unique, parse_int=float, parse_constant=_refuse_constant)
            json.dumps(row, ensure_ascii=False).encode()  # half a character can be written in JSON only
        except json.JSONDecodeError as error:
            why = f"{error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}"
        except UnicodeDecodeError as error:
            why = f"byte {text[error.start]:#04x} is not UTF-8"
        except UnicodeEncodeError:
            why = r"half a character (\ud800 to \udfff) has no other half"
        except RecursionError:
            why = "it is nested too deeply"
        except _NotJson as error:
            why = str(error)
        else:
            if isinstance(row, dict) and "" not in row:
                yield number, row
                continue
            why = "a key is empty" if isinstance(row, dict) else f"it is {WORDS[TYPES.get(type(row), 'null')]}"
        raise TableError(f"{file}, line {number} is not a JSON object: {why}. JSON lines have one object on each line.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _NotJson(f"the key {next(n for n in names if names.count(n) > 1)!r} stands there twice")
    return row


def _refuse_constant(word: str) -> NoReturn:
    raise _NotJson(f"{word} is not JSON. Write null for a missing value")


def types_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, CellType | None]:
    """Return the types of the first values of keys that are not null, in the order of the keys."""
    found: dict[str, CellType | None] = {}
    for row in rows:
        for name, value in row.items():
            if found.setdefault(name, None) is None and value is not None:
                found[name] = TYPES[type(value)]
    return found


def columns_of_rows(rows: Sequence[Mapping[str, Any]], reading: Reading) -> dict[str, Column | None]:
    """Return what columns are by some rows: by the types of their first values, and text by its first cells."""
    columns: dict[str, Column | None] = {}
    for name, what in types_of(rows).items():
        if what == "text":
            cells = (row.get(name) for row in rows)
            columns[name] = of_text(reading.column(name, list(islice((c for c in cells if isinstance(c, str)), LOOK))))
        elif what in ("number", "boolean"):
            columns[name] = Column(name, what, settled=True)
        else:
            columns[name] = None if what is None else Column(name, "unusable", dtype=what, settled=True)
    return columns
