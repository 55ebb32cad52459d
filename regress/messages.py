"""What a table said, made safe to show on a terminal, and to paste into a shell."""

import csv
import io
import shlex
from collections.abc import Collection, Iterable, Sequence


def visible(text: str) -> str:
    """Return a text with what has no shape of its own, or turns others round, written out as Python would."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def paragraph(lines: Iterable[str]) -> str:
    """Return lines of text for people, each of which stays one line, whatever names it holds."""
    return "\n".join(map(visible, lines))


def quoted(word: str) -> str:
    """Return a word as a shell reads it back, in characters that can be seen."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(c if c.isprintable() and c not in "'\\" else _code(ord(c)) for c in word) + "'"


def _code(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte of a file's name that is no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def flag(name: str, columns: str | Sequence[str]) -> str:
    """Return a flag with columns to paste: one by its name, or several as a CSV record."""
    if isinstance(columns, str):
        return f"{name} {quoted(columns)}"
    record = io.StringIO(newline="")
    csv.writer(record, lineterminator="\r\n").writerow(columns)  # a name with one of these is put in quotes
    return f"{name} {quoted(record.getvalue()[:-2])}"


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> list[str]:
    """Return lines of a table: the first column and those named `left` to the left, the others to the right."""
    shown = [[visible(cell) for cell in row] for row in (head, *rows)]
    wide = [max(map(len, column)) for column in zip(*shown, strict=True)]
    at = [str.ljust if j == 0 or name in left else str.rjust for j, name in enumerate(head)]
    return [
        "  ".join(put(cell, width) for put, cell, width in zip(at, row, wide, strict=True)).rstrip() for row in shown
    ]
