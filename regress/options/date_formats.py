"""Formats of dates, as Python's `strptime` has them, as patterns of text."""

import re
from collections.abc import Mapping
from typing import Any

from regress.errors import InputError
from regress.messages import setting

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
OFFSET = "(?P<offset>Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)"
_FULL = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_PARTS = {
    "Y": "(?P<year>[0-9]{4})",
    "y": "(?P<short>[0-9]{2})",
    "m": "(?P<month>[0-9]{1,2})",
    "b": f"(?P<name>{'|'.join(MONTHS)})",
    "B": f"(?P<name>{_FULL})",
    "d": "(?P<day>[0-9]{1,2})",
    "H": "(?P<hour>[0-9]{1,2})",
    "I": "(?P<half>[0-9]{1,2})",
    "p": "(?P<noon>am|pm)",
    "M": "(?P<minute>[0-9]{1,2})",
    "S": "(?P<second>[0-9]{1,2})",
    "f": "(?P<fraction>[0-9]{1,9})",
    "z": OFFSET,
    "a": "(?:mon|tue|wed|thu|fri|sat|sun)",
    "A": f"(?:{_DAYS})",
    "%": "%",
}
_ALTERNATIVES = ("Yy", "mbB", "d", "HI", "p", "M", "S", "f", "z")  # a date has one of each
_NEEDS = {"d": "mbB", "H": "d", "I": "d", "M": "HI", "S": "M", "f": "S", "p": "I", "z": "HI"}
_TOKEN = re.compile(r"%(.?)|\s+|.", re.DOTALL)


def pattern_of(format: str) -> str:
    """Return the pattern of a format, which both Python and Polars read: a group for each part of a date, by name.

    Raises
    ------
    ValueError
        If the format cannot be used; the message has the reason.

    Examples
    --------
    >>> re.fullmatch(pattern_of("%d.%m.%Y"), "24.12.2024").groupdict()
    {'day': '24', 'month': '12', 'year': '2024'}
    """
    pattern, used = "(?i)", ""
    for token in _TOKEN.finditer(format):
        text, part = token[0], token[1]
        if part is not None:
            if part not in _PARTS:
                raise ValueError(f"{text} is not one of {', '.join(f'%{known}' for known in _PARTS)}")
            pattern, used = pattern + _PARTS[part], used + part
        elif text.isspace():
            pattern += "[ \u00a0\u202f]+"
        else:
            pattern += text if text.isalnum() or not text.isascii() else f"\\x{ord(text):02x}"
    if not set(used) & {"Y", "y"}:
        raise ValueError("it has no year, %Y or %y")
    if any(sum(used.count(part) for part in group) > 1 for group in _ALTERNATIVES):
        raise ValueError("it has a part of the date twice")
    for part, needed in _NEEDS.items():
        if part in used and not set(needed) & set(used):
            raise ValueError(f"%{part} needs {' or '.join(f'%{other}' for other in needed)}")
    if ("I" in used) != ("p" in used):
        raise ValueError("%I needs %p")
    return pattern


def checked_formats(given: Any) -> str | dict[str, str] | None:
    """Return the option `date_format`: a format for all columns of dates, or one for each of some columns.

    Raises
    ------
    InputError
        If it is neither, or a format cannot be used.
    """
    if given is None:
        return None
    formats: dict[str, str] = dict(given) if isinstance(given, Mapping) else {"": given}
    for name, format in formats.items():
        if not isinstance(format, str) or not isinstance(name, str):
            raise InputError(f"{setting('date_format')} must be a format, or formats by column; got {given!r}.")
        try:
            pattern_of(format)
        except ValueError as error:
            raise InputError(
                f"{setting('date_format', format)} cannot be used: {error}. A format is like '%d/%m/%Y %H:%M:%S'."
            ) from None
    if isinstance(given, Mapping):
        return formats
    format = formats[""]
    if re.fullmatch("(%[^%bBpzaA])+", format):
        raise InputError(
            f"{setting('date_format', format)} also reads numbers. Name the columns of dates: "
            f"{setting('date_format', {'COLUMN': format})}."
        )
    return format
