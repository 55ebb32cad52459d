"""Text for people: names and cells of tables made safe to show, and options as the reader writes them.

A message speaks to the interface that it appears in: keyword arguments in Python, flags on the command line.
"""

import csv
import io
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

_MOST_ROWS = 100  # of a table in a notebook


def visible(text: str) -> str:
    """Return a text with escape codes for characters that are invisible or change the direction of others."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, shortened in the middle."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - most :]}"


def table_html(
    title: Iterable[str], head: Sequence[str], rows: Sequence[Sequence[str]], foot: Iterable[str] = ()
) -> str:
    """Return lines of text and a table whose first column names its rows, as simple HTML: all of it is text."""
    lines = [f"<p>{_text(line)}</p>" for line in title]
    lines.append(f"<table><thead><tr>{''.join(f'<th>{_text(cell)}</th>' for cell in head)}</tr></thead><tbody>")
    for name, *cells in rows[:_MOST_ROWS]:
        values = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        lines.append(f"<tr><th>{_text(shortened(name, 80))}</th>{values}</tr>")
    lines.append("</tbody></table>")
    more = [f"{len(rows) - _MOST_ROWS:,} rows more."] if len(rows) > _MOST_ROWS else []
    return "\n".join([*lines, *(f"<p>{_text(line)}</p>" for line in (*more, *foot) if line)])


def _text(value: str) -> str:
    from html import escape

    return escape(visible(value))


def paragraph(lines: Iterable[str]) -> str:
    """Return lines of text for people; names with line breaks do not add lines."""
    return "\n".join(map(visible, lines))


def quoted(word: str) -> str:
    """Return a word as a shell reads it back, in visible characters."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(c if c.isprintable() and c not in "'\\" else _code(ord(c)) for c in word) + "'"


def _code(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte of a file's name that is no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


class _Interface:
    """The interface that messages name options for: Python or flags."""

    flags = False


@contextmanager
def speaking_flags() -> Iterator[None]:
    """Name options as flags of the command line inside a ``with`` block."""
    before, _Interface.flags = _Interface.flags, True
    try:
        yield
    finally:
        _Interface.flags = before


def speaks_flags() -> bool:
    """Tell whether options are named as flags of the command line."""
    return _Interface.flags


def by_interface(python: str, flags: str) -> str:
    """Return the text for the interface that is used: Python or the command line."""
    return flags if _Interface.flags else python


def setting(name: str, value: object = None) -> str:
    """Return an option, with a value if given, as the reader writes it.

    Examples
    --------
    >>> setting("max_categories", 200), setting("drop", ["a"])
    ('max_categories=200', "drop=['a']")
    >>> with speaking_flags():
    ...     setting("max_categories", 200), setting("fit_intercept", False)
    ('--max-categories 200', '--no-intercept')
    """
    return flag(name, value) if _Interface.flags else name if value is None else f"{name}={value!r}"


_SPELLED = {"estimators": "with", "sample": "with-sample"}


def flag_name(name: str, value: object = None) -> str:
    """Return the flag of an option, such as ``--max-categories``; ``--no-intercept`` for ``fit_intercept=False``."""
    name = _SPELLED.get(name, name)
    return ("--no-" + name.removeprefix("fit_") if value is False else "--" + name).replace("_", "-")


def flag(name: str, value: object = None) -> str:
    """Return an option as a flag to paste into a shell: several columns as a CSV record, a mapping as several flags."""
    if isinstance(value, Mapping):
        return " ".join(flag(name, f"{key}={one}") for key, one in value.items())
    if value is None or isinstance(value, bool):
        return flag_name(name, value)
    if isinstance(value, list | tuple):
        record = io.StringIO(newline="")
        csv.writer(record, lineterminator="\r\n").writerow(value)  # a name with one of these is put in quotes
        value = record.getvalue()[:-2]
    text = str(value)
    if not any(map(str.isalnum, text)) and text.isprintable():  # a mark alone would run into the sentence
        return f"{flag_name(name)} " + (f"'{text}'" if "'" not in text else f'"{text}"')
    return f"{flag_name(name)} {quoted(text)}"


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> list[str]:
    """Return lines of a table: the first column and those named `left` to the left, the others to the right."""
    shown = [[visible(cell) for cell in row] for row in (head, *rows)]
    wide = [max(map(len, column)) for column in zip(*shown, strict=True)]
    at = [str.ljust if j == 0 or name in left else str.rjust for j, name in enumerate(head)]
    return [
        "  ".join(put(cell, width) for put, cell, width in zip(at, row, wide, strict=True)).rstrip() for row in shown
    ]
