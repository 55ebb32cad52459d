"""Where records begin and end in a block of plain CSV text, by its bytes: NumPy and the standard library only.

Plain text has quotes only where a cell starts and ends. A newline in it ends a record where an even number of quotes
stands before it. `plain.py` rewrites any other text so.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from random import randrange
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_PLACES, _PLACE = (
    64,
    2**12,
)  # places in a block whose lines are counted, and bytes of each: counting all takes a twentieth
_PIECE = 2**21  # bytes whose quotes are looked at together: where all are quotes, their positions take eight times that


@dataclass(frozen=True, slots=True)
class Format:
    """The characters, of one byte each, that cut a text into cells; `quote` is None where none does.

    Attributes
    ----------
    escape : str or None
        What makes the character behind it an ordinary one.
    comment : str or None
        What a line begins with that is no record.
    padded : bool
        Whether blanks behind a delimiter do not count.
    runs : bool
        Whether any run of blanks and tabs is one delimiter, and none at the ends of a line.
    trailing : int
        Delimiters at the end of each record that no cell follows.
    returns : bool
        Whether lines end in carriage returns alone.
    """

    delimiter: str = ","
    quote: str | None = '"'
    _: KW_ONLY
    escape: str | None = None
    comment: str | None = None
    padded: bool = False
    runs: bool = False
    trailing: int = 0
    returns: bool = False


class Plain(NamedTuple):
    """A block of records as plain CSV, on the lines that they had; those that cannot be read, as `?`.

    Attributes
    ----------
    data, raw : bytes
        The plain text, and the text as it was.
    broken : mapping of int to str
        What is wrong with a record, by the line of the block in which it begins.
    literal : bool
        Whether quotes stand within cells that do not begin with one.
    """

    data: bytes
    raw: bytes
    broken: Mapping[int, str] = {}
    literal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSpans:
    """The records of a block, blank lines left out.

    Attributes
    ----------
    block : Plain
        The block.
    starts, ends, lines, widths : arrays of shape (records,)
        Bytes of the plain text from and to (the newline included), the line of the block that each begins in, and its
        cells; 0 where the record cannot be read.
    n_lines : int
        Lines of the block.
    """

    block: Plain
    starts: Positions
    ends: Positions
    lines: Positions
    widths: Positions
    n_lines: int
    _edges: Positions = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_edges", np.concatenate([[0], line_ends(self.block.raw)]))

    def text(self, record: int) -> bytes:
        """Return a record as it stands in the file."""
        first = int(self.lines[record])
        lines = max(self.block.data.count(b"\n", self.starts[record], self.ends[record]), 1)
        return self.block.raw[self._edges[first] : self._edges[first + lines]]


def _marks(data: bytes, character: str) -> Positions:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(character))


def line_ends(data: bytes) -> Positions:
    """Return where the lines of a text end, the newline included."""
    ends = _marks(data, "\n") + 1
    return ends if data.endswith(b"\n") else np.append(ends, len(data))


def line_count(data: bytes) -> int:
    """Count newlines: three times as fast as bytes.count."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def short_lines(data: bytes, width: int) -> bool:
    """Tell whether lines are too short for `width` cells each, by places that whoever made the file cannot foresee."""
    step, count, seen = max(len(data) // _PLACES, _PLACE), 0, 0
    for start in range(0, len(data), step):
        at = min(start + randrange(max(step - _PLACE, 1)), len(data))
        stop = min(at + _PLACE, len(data))
        count, seen = count + data.count(b"\n", at, stop), seen + stop - at
    return count * width > seen


def proper_quotes(data: bytes, form: Format) -> int | None:
    """Count the quotes; None where one opens within a cell or closes before its end."""
    if form.quote is None:
        return 0
    text = np.frombuffer(data + b"\n\n", np.uint8)
    edges = np.zeros(256, dtype=bool)
    edges[[ord(form.delimiter), ord("\n"), ord(form.quote)]] = True
    count = 0
    for start in range(0, len(data), _PIECE):
        at = np.flatnonzero(text[start : min(start + _PIECE, len(data))] == ord(form.quote)) + start
        before, after = at[count % 2 :: 2] - 1, at[1 - count % 2 :: 2] + 1
        closed = edges[text[after]] | ((text[after] == ord("\r")) & (text[after + 1] == ord("\n")))
        if not (edges[text[before[before >= 0]]].all() and closed.all()):
            return None
        count += len(at)
    return count


def sound_quotes(data: bytes, form: Format) -> bool:
    """Tell whether all quotes open at the start of a cell and close at its end."""
    quotes = proper_quotes(data, form)
    return quotes is not None and quotes % 2 == 0


def full(data: bytes, form: Format, rows: int, width: int) -> bool:
    """Tell whether delimiters are as many as in full rows: Polars ignores more where it reads some columns only."""
    found = np.count_nonzero(np.frombuffer(data, np.uint8) == ord(form.delimiter))
    return int(found) == rows * (width - 1)


def split(block: Plain, form: Format) -> RecordSpans:
    """Return the records of a block."""
    data = block.data
    if not data:  # of a line of blanks without an end
        none = np.empty(0, dtype=np.int64)
        return RecordSpans(block=block, starts=none, ends=none, lines=none, widths=none, n_lines=1)
    lines, delimiters = line_ends(data), _marks(data, form.delimiter)
    ends = lines
    quotes = _marks(data, form.quote) if form.quote is not None else lines[:0]
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
    widths[np.isin(at, list(block.broken))] = 0
    kept = ~blank
    return RecordSpans(
        block=block, starts=starts[kept], ends=ends[kept], lines=at[kept], widths=widths[kept], n_lines=len(lines)
    )
