"""Records in any form, rewritten as plain CSV: quotes within cells, escapes, comments, padding, runs of blanks.

Only records with a quote or an escape are looked at one by one; what lies between them is rewritten at once. Of a
record whose quotes cannot be read only the first line is given up, and reading goes on at the next one. That is
linear: where a quote is sought far away in vain, only pairs of quotes stand between.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from regress.sources.csv.record_ends import Format, Plain, proper_quotes, sound_quotes, split

ENDLESS = "the quotes of this record never end"
UNREADABLE = "the quotes of this record cannot be read"
ENCLOSING = "the quotes within cells of this record may enclose a delimiter"
_CELLS = 2**20  # looked at in a sample, so that lines of a million delimiters take little memory
_PIECE = 2**20  # bytes, so that a block of millions of short records takes little memory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    marks: re.Pattern[bytes]  # what makes a record worth a look
    record: re.Pattern[bytes]  # a record that can be read, with the end of its line
    proper: re.Pattern[bytes]  # a record, without the end of its line, that is plain as it is
    opened: re.Pattern[bytes]  # the start of a record that cannot be read, up to where its quotes should have closed
    cell: re.Pattern[bytes]  # a cell behind a delimiter: its text in group 1 if it is quoted, else in group 2
    escaped: re.Pattern[bytes]  # two characters that stand for the second, in group 1
    special: re.Pattern[bytes]  # what only a quoted cell may hold


@lru_cache(maxsize=64)
def _grammar(form: Format) -> _Grammar:
    delimiter = r" \t" if form.runs else re.escape(form.delimiter)
    cut = rf"[{delimiter}]" + "++" * form.runs
    blanks = "" if form.runs or not form.padded else " *+"
    quote, escape = re.escape(form.quote or ""), re.escape(form.escape or "")
    escaped = rf"|{escape}(?:[\s\S]|\Z)" if escape else ""
    inside = rf"(?:[^{quote}{escape}]++|{quote}{quote}{escaped})*+"
    quoted = rf"{blanks}{quote}({inside}){quote}{blanks}(?=[{delimiter}]|\r?(?:\n|\Z))"
    cell = rf"(?:{quoted}|{blanks}(?!{quote})((?:[^{delimiter}\n{escape}]++{escaped})*+))"
    proper = rf"(?:{quote}{inside}{quote}|[^{delimiter}\n{quote}]*+)"
    patterns = {
        "marks": rf"[{quote}{escape}]",
        "record": rf"{cell}(?:{cut}{cell})*+\r?(?:\n|\Z)",
        "proper": rf"{proper}(?:{cut}{proper})*+",
        "opened": rf"(?:{cell}{cut})*+{blanks}{quote}{inside}",
        "cell": rf"{cut}{cell}",
        "escaped": rf"{escape}([{quote}{escape}{delimiter}\n])" if escape else "(?!)()",
        "special": rf"[{quote}{delimiter}\r\n]",
    }
    return _Grammar(**{name: re.compile(pattern.encode()) for name, pattern in patterns.items()})


class _Marked(NamedTuple):
    start: int
    end: int
    fault: str = ""


def _marked(data: bytes, form: Format, stop: int) -> Iterator[_Marked]:
    """Find the records, or comments, before a byte in which a quote or an escape stands."""
    if form.quote is None:
        return
    grammar, at = _grammar(form), 0
    while mark := grammar.marks.search(data, at, stop):
        start = max(data.rfind(b"\n", at, mark.start()) + 1, at)
        line_end = data.find(b"\n", mark.start(), stop) + 1 or stop
        if form.comment and data.startswith(form.comment.encode(), start):
            found = _Marked(start, line_end)
        elif record := grammar.record.match(data, start, stop):
            found = _Marked(start, record.end())
        else:
            opened = grammar.opened.match(data, start, stop)
            found = _Marked(start, line_end, ENDLESS if opened and opened.end() == stop else UNREADABLE)
        yield found
        at = found.end


def standard(form: Format) -> bool:
    """Tell whether delimiter and quotes say all about where records end."""
    return not (form.escape or form.comment or form.padded or form.runs)


def has_marks(data: bytes, form: Format) -> bool:
    """Tell whether a quote or an escape stands anywhere."""
    marks = (form.quote, form.escape)
    return any(data.find(mark.encode()) >= 0 for mark in marks if mark is not None)


def last_end(data: bytes, form: Format) -> int:
    """Return where the last complete record of a block that begins with one ends; 0 where none does."""
    stop = data.rfind(b"\n") + 1
    if not stop or not has_marks(data, form):
        return stop
    quotes = proper_quotes(data, form) if standard(form) else None
    if quotes is None:
        return next((record.start for record in _marked(data, form, stop) if record.fault == ENDLESS), stop)
    quote, at = (form.quote or "").encode(), len(data)
    while at:  # back from line to line, to the first with an even number of quotes before it
        stop = data.rfind(b"\n", 0, at) + 1
        quotes -= data.count(quote, stop, at)
        if quotes % 2 == 0:
            return stop
        at, quotes = data.rfind(quote, 0, stop), quotes - 1  # the quote that opened there
    return 0


def pieces(data: bytes, form: Format) -> Iterator[bytes]:
    """Cut a block of complete records into small ones; a line whose quotes never end is one of its own."""
    at, size = 0, _PIECE
    while at < len(data):
        piece = data[at : at + size]
        stop = last_end(piece, form)
        if not stop and at + size >= len(data):
            record = None if form.quote is None else _grammar(form).record.match(piece)
            stop = len(piece) if record and record.end() == len(piece) else piece.find(b"\n") + 1 or len(piece)
        if stop:
            yield piece[:stop]
            at, size = at + stop, _PIECE
        else:
            size *= 2


def plain(data: bytes, form: Format) -> Plain:
    """Rewrite a block of complete records."""
    if standard(form) and not form.trailing and (not has_marks(data, form) or sound_quotes(data, form)):
        return Plain(data, data)
    texts, broken, literal, quote = [], {}, False, (form.quote or "").encode()
    at = line = 0
    for start, end, fault in _marked(data, form, len(data)):
        between, record = data[at:start], data[start:end]
        line += between.count(b"\n")
        if not fault:
            record, quotes = _rewritten(record, form)
            literal |= quotes > 0
            fault = ENCLOSING if quotes > 1 else ""
        lines = data.count(b"\n", start, end)
        if fault:  # an empty cell of as many lines stands for the record
            broken[line], record = fault, quote + b"\n" * (lines - 1) + quote + b"\n"
        texts += [_unmarked(between, form), record]
        line, at = line + lines, end
    texts.append(_unmarked(data[at:], form))
    return Plain(b"".join(texts), data, broken, literal)


def start_of(data: bytes, form: Format, more: bool) -> Plain:
    """Rewrite the start of a file; where there is `more` of it, up to where its last complete record ends."""
    return plain(data[: last_end(data, form)] if more else data, form)


def _rewritten(record: bytes, form: Format) -> tuple[bytes, int]:
    """Return a record, or an empty line for a comment, as plain CSV, and how many cells have quotes within them."""
    grammar = _grammar(form)
    quote, delimiter = (form.quote or "").encode(), form.delimiter.encode()
    text = record.removesuffix(b"\n").removesuffix(b"\r")
    end = record[len(text) :]
    if form.comment and text.startswith(form.comment.encode()):
        return end, 0
    text = text.strip(b" \t") if form.runs else text.removesuffix(delimiter * form.trailing)
    if standard(form) and grammar.proper.fullmatch(text):
        return text + end, 0
    cells, quotes = [], 0
    for quoted, bare in grammar.cell.findall(delimiter + text):
        cell = grammar.escaped.sub(rb"\1", quoted.replace(quote * 2, quote) or bare)
        quotes += quote in bare
        cells.append(quote + cell.replace(quote, quote * 2) + quote if grammar.special.search(cell) else cell)
    return (delimiter.join(cells) or quote * 2) + end, quotes


def _unmarked(text: bytes, form: Format) -> bytes:
    """Return lines without quotes and escapes as plain CSV."""
    delimiter = re.escape(form.delimiter.encode())
    if form.comment:
        text = re.sub(rb"(?m)^" + re.escape(form.comment.encode()) + rb"[^\n]*", b"", text)
    if form.runs:
        text = re.sub(rb"(?m)^ | (?=\r?$)", b"", re.sub(rb"[ \t]+", b" ", text))
    if form.padded:
        text = re.sub(rb"(?m)(^|" + delimiter + rb") ++(?=[^\r\n])", rb"\1", text)  # a line of blanks is a record
    if form.trailing:
        last = form.delimiter.encode() * form.trailing
        text = text.replace(last + b"\n", b"\n").replace(last + b"\r\n", b"\r\n").removesuffix(last)
    return text


def alike(data: bytes, form: Format, count: int, width: int) -> bool:
    """Tell whether a plain text has so many records, all of one width, and no blank line."""
    found = 0
    for piece in pieces(data, form):
        widths = split(Plain(piece, piece), form).widths
        if (widths != width).any():
            return False
        found += len(widths)
    return found == count


class Row(NamedTuple):
    """A record: its line and the one behind it, counting from 0, and its cells; None if they cannot be read."""

    line: int
    after: int
    cells: list[str] | None


def rows(block: Plain, form: Format, above: int = 0) -> Iterator[Row]:
    """Yield the records of a block that begins below some lines."""
    data, at, line = block.data, 0, above
    quote = None if form.quote is None else form.quote.encode()
    grammar = None if quote is None else _grammar(Format(form.delimiter, form.quote))
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        quoted = quote is not None and data.find(quote, at, end) >= 0
        if quoted and grammar is not None and (record := grammar.record.match(data, at)):
            end = record.end()
        text = data[at:end].removesuffix(b"\n").removesuffix(b"\r")
        first, at, line = line, end, line + data.count(b"\n", at, end)
        if first - above in block.broken:
            yield Row(first, line, None)
        elif quoted and grammar is not None and quote is not None:
            found = grammar.cell.findall(form.delimiter.encode() + text)
            cells = [(a.replace(quote * 2, quote) or b).decode("utf-8", "replace") for a, b in found]
            yield Row(first, max(line, first + 1), cells)
        elif text:
            yield Row(first, max(line, first + 1), text.decode("utf-8", "replace").split(form.delimiter))


def sampled(found: Iterable[Row], most: int) -> list[Row]:
    """Return some records, with a bounded number of cells."""
    kept, cells = [], 0
    for row in islice(found, most):
        kept.append(row)
        cells += len(row.cells or ())
        if cells > _CELLS:
            break
    return kept


class Start(NamedTuple):
    """The first records of a file, and whether quotes stand within cells that do not begin with one."""

    rows: list[Row]
    literal: bool


def first_rows(start: bytes, form: Format, more: bool, most: int) -> Start:
    """Return some records of the start of a file; where there is `more` of it, complete ones only."""
    block = start_of(start, form, more)
    return Start(sampled(rows(block, form), most), block.literal)
