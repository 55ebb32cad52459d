"""Where records begin and end in a block of CSV text, by its bytes: NumPy and the standard library only.

A newline ends a record unless it stands in quotes. In text whose quotes all open at the start of a cell and close at
its end, that is so where an even number of quotes stands before it. Other text (5" in a cell) is left to Python's csv,
which is slow.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_RETURN = "\ufdd0"  # no character: stands for a carriage return within a line, which csv would end a record at
_LONE_RETURN = re.compile(r"\r(?!\n|$)")
NO_QUOTES = "Mend it, or pass --quote none if quotes are ordinary characters here"
LONGEST = 2**26  # bytes of one record
csv.field_size_limit(LONGEST)  # a limit of the module, which knows no other; cells of texts pass the 128 KB that it has


class Format(NamedTuple):
    """The characters, of one byte each, that cut a text into cells; `quote` is None where none does."""

    delimiter: str = ","
    quote: str | None = '"'


@dataclass(frozen=True, slots=True)
class Split:
    """The records of a block of bytes, blank lines left out.

    Attributes
    ----------
    starts, ends, lines, widths : arrays of shape (records,)
        Bytes from and to (the newline included), the line of the block that each begins in, and its cells; a width of
        0 says that its quotes cannot be read.
    n_lines : int
        Lines of the block.
    cells : list of lists of str, or None
        The cells, where finding the records took reading them.
    unclosed : int or None
        The line in which a record begins whose quotes never end.
    """

    data: bytes
    starts: Positions
    ends: Positions
    lines: Positions
    widths: Positions
    n_lines: int
    cells: list[list[str]] | None = None
    unclosed: int | None = None

    def text(self, record: int) -> bytes:
        """Return a record as it stands there."""
        return self.data[self.starts[record] : self.ends[record]]


def has_quotes(data: bytes, form: Format) -> bool:
    """Tell whether a quote stands anywhere."""
    return form.quote is not None and data.find(form.quote.encode()) >= 0


def _marks(data: bytes, character: str) -> Positions:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(character))


def proper_quotes(data: bytes, form: Format) -> Positions | None:
    """Return where quotes stand; None where one opens within a cell or closes before its end."""
    if form.quote is None:
        return np.empty(0, dtype=np.int64)
    text, at = np.frombuffer(data + b"\n\n", np.uint8), _marks(data, form.quote)
    edges = np.zeros(256, dtype=bool)
    edges[[ord(form.delimiter), ord("\n"), ord(form.quote)]] = True
    before, after = at[::2] - 1, at[1::2] + 1
    closed = edges[text[after]] | ((text[after] == ord("\r")) & (text[after + 1] == ord("\n")))
    return at if edges[text[before[before >= 0]]].all() and closed.all() else None


def sound_quotes(data: bytes, form: Format) -> bool:
    """Tell whether all quotes open at the start of a cell and close at its end."""
    quotes = proper_quotes(data, form)
    return quotes is not None and len(quotes) % 2 == 0


def last_end(data: bytes, form: Format) -> int:
    """Return where the last whole record of a block that begins with one ends; 0 where none does."""
    if not has_quotes(data, form):
        return data.rfind(b"\n") + 1
    quotes = proper_quotes(data, form)
    if quotes is None:
        data = data[: data.rfind(b"\n") + 1]
        ends = [record.end for record in _read(data, form) if record.whole]
        return int(_line_ends(data)[ends[-1] - 1]) if ends else 0
    newlines = _marks(data, "\n")
    outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return int(outside[-1]) + 1 if outside.size else 0


def split(data: bytes, form: Format) -> Split:
    """Return the records of a block of whole ones."""
    quotes = proper_quotes(data, form) if has_quotes(data, form) else np.empty(0, dtype=np.int64)
    if quotes is None or len(quotes) % 2:
        return _split_slowly(data, form)
    lines, delimiters = _line_ends(data), _marks(data, form.delimiter)
    ends = lines
    if quotes.size:
        ends = lines[np.searchsorted(quotes, lines) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    starts = np.concatenate([[0], ends[:-1]])
    widths = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    text = np.frombuffer(data, np.uint8)
    last = text[np.minimum(starts + 1, len(data) - 1)]
    return_only = (text[starts] == ord("\r")) & ((last == ord("\n")) | (ends - starts == 1))
    blank = (text[starts] == ord("\n")) | return_only
    at = np.searchsorted(lines, starts, side="right")
    return Split(data, starts[~blank], ends[~blank], at[~blank], widths[~blank], len(lines))


class _Record(NamedTuple):
    first: int  # line of the block
    end: int  # the line after its last
    cells: list[str] | None  # None where its quotes cannot be read
    whole: bool  # whether it ended before the block did


def _read(data: bytes, form: Format) -> Iterator[_Record]:
    """Read a block by Python's csv; bytes that are not UTF-8 become U+FFFD."""
    taken, ended = 0, False

    def lines() -> Iterator[str]:
        nonlocal taken, ended
        for line in io.BytesIO(data):
            taken += 1
            yield _LONE_RETURN.sub(_RETURN, line.decode("utf-8", "replace"))
        ended = True

    reader = csv_reader(lines(), form)
    first = 0
    while True:
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        if cells is not None and b"\r" in data:
            cells = [cell.replace(_RETURN, "\r") for cell in cells]
        yield _Record(first, taken, cells, not ended)
        first = taken


def csv_reader(lines: Iterable[str], form: Format) -> Any:
    """Return Python's csv reader of some lines."""
    if form.quote is None:
        return csv.reader(lines, delimiter=form.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, strict=True)


def _line_ends(data: bytes) -> Positions:
    ends = _marks(data, "\n") + 1
    return ends if data.endswith(b"\n") else np.append(ends, len(data))


def _split_slowly(data: bytes, form: Format) -> Split:
    found = list(_read(data, form))
    unclosed = next((r.first for r in found if r.cells is None and (r.end - r.first > 1 or not r.whole)), None)
    kept = [r for r in found if r.cells != []]
    first, end = (np.array([r[k] for r in kept], dtype=np.int64) for k in (0, 1))
    widths = np.array([len(r.cells or ()) for r in kept], dtype=np.int64)
    edges = np.concatenate([[0], _line_ends(data)])
    cells = [r.cells or [] for r in kept]
    return Split(data, edges[first], edges[end], first, widths, len(edges) - 1, cells, unclosed)
