"""How to read files."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import get_args

from regress.errors import InputError, check_character, check_choice, check_switch, check_whole
from regress.messages import setting
from regress.options.date_formats import checked_formats
from regress.options.declare import Decimal, Header, OnBadLines, option


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How to read files. Options that are None or "auto" are detected from the start of each file, and printed."""

    delimiter: str | None = option(
        None, "Delimiter between cells, such as ';' or tab. Default: detected.", "Files", "C"
    )
    decimal: Decimal | None = option(None, "Decimal mark. Default: detected.", "Files")
    encoding: str | None = option(
        None, "Encoding, such as cp1252 or utf-16. Default: detected, else UTF-8.", "Files", "NAME"
    )
    quotechar: str | None = option(None, "Quote character, or none. Default: detected.", "Files", "C")
    header: Header = option(
        "auto", "Whether the first line names the columns. Without names they are x0, x1, ….", "Files"
    )
    skip_lines: int = option(0, "Number of lines above the table to skip, such as a title.", "Files", "N")
    comment: str | None = option(None, "Skip lines that begin with this character, such as '#'.", "Files", "C")
    escapechar: str | None = option(
        None, "Character before a quote within quotes, such as a backslash. Default: detected.", "Files", "C"
    )
    on_bad_lines: OnBadLines = option(
        "error", "Rows with an invalid cell or a wrong number of cells: stop (error), or skip and count them.", "Files"
    )
    rejects: str | Path | None = option(
        None, "File for the skipped rows: source file, line, reason, text.", "Files", "FILE"
    )
    max_bad_lines: int = option(1000, "Stop after this many skipped rows.", "Files", "N")
    thousands: str | None = option(
        None,
        "Thousands separator, as in 1,200: one of , . ' _ or a blank. A blank also stands for no-break blanks.",
        "Files",
        "C",
    )
    na_values: Sequence[str] = option(
        (),
        "More texts that mean a missing cell, besides NA, N/A, NaN, nan, NULL, null, None and empty cells.",
        "Files",
        "TEXTS",
    )
    keep_na: bool = option(
        False, "Read NA, NULL and None in text columns as categories. Empty cells remain missing.", "Files"
    )
    date_format: Mapping[str, str] | str | None = option(
        None,
        "Format of dates, such as %d/%m/%Y, or formats by column. Dates such as 2024-03-01 and 2024-03-01T12:30Z need "
        "no format.",
        "Files",
        "FORMAT",
        text="Format of dates, such as %d/%m/%Y; or COLUMN=FORMAT, which may be repeated. Dates such as 2024-03-01 and "
        "2024-03-01T12:30Z need no format.",
    )

    def __post_init__(self) -> None:
        quotechar = None if self.quotechar == "none" else self.quotechar or '"'
        characters = {n: getattr(self, n) for n in ("delimiter", "comment", "escapechar")} | {"quotechar": quotechar}
        given = {name: character for name, character in characters.items() if character is not None}
        if isinstance(self.na_values, str) or not all(isinstance(value, str) for value in self.na_values):
            raise InputError(f"{setting('na_values')} must be a list of texts; got {self.na_values!r}.")
        for name, character in given.items():
            check_character(name, character)
        for (name, one), (other, two) in combinations(given.items(), 2):
            if one == two:
                raise InputError(f"{setting(name)} and {setting(other)} are both {one!r}.")
        if self.quotechar == "none" and self.escapechar is not None:
            raise InputError(f"{setting('escapechar')} needs quotes: remove {setting('quotechar', 'none')}.")
        check_choice("decimal", self.decimal or ".", get_args(Decimal))
        check_choice("header", self.header, get_args(Header))
        check_choice("on_bad_lines", self.on_bad_lines, get_args(OnBadLines))
        if self.thousands not in (None, ",", ".", "'", " ", "_"):
            raise InputError(f"{setting('thousands')} must be one of , . ' _ or a blank; got {self.thousands!r}.")
        if self.thousands is not None and self.thousands == self.decimal:
            raise InputError(f"{setting('thousands')} and {setting('decimal')} are both {self.thousands!r}.")
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)().decode("a".encode(self.encoding), final=True)
            except (LookupError, UnicodeError):
                raise InputError(
                    f"Python has no encoding {self.encoding!r}. Common ones: utf-8, utf-16, cp1252, latin-1."
                ) from None
        for name in ("max_bad_lines", "skip_lines"):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), 0))
        object.__setattr__(self, "keep_na", check_switch("keep_na", self.keep_na))
        object.__setattr__(self, "date_format", checked_formats(self.date_format))
        if self.rejects is not None and self.on_bad_lines != "skip":
            raise InputError(f"{setting('rejects')} needs {setting('on_bad_lines', 'skip')}: else no row is skipped.")

    def given(self) -> list[str]:
        """Return the names of the given options."""
        return [f.name for f in fields(FileOptions) if getattr(self, f.name) != f.default]

    def of_csv(self) -> list[str]:
        """Return the given options that only CSV files have."""
        return [name for name in self.given() if name not in ("thousands", "na_values", "date_format")]
