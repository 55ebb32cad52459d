"""How files are read: the options that a user may give."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Literal

from regress.errors import InputError

Decimal = Literal[".", ","]
Header = Literal["auto", "yes", "no"]
OnBadRow = Literal["error", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How to read CSV files; what is None or "auto" is read off each file's start, and shown.

    Attributes
    ----------
    delimiter, quote : str, optional
        One character each; the quote may be "none".
    decimal : {".", ","}, optional
        What stands before a fraction.
    encoding : str, optional
        One that Python knows, such as "cp1252".
    header : {"auto", "yes", "no"}
        Whether the first line names the columns; without one they are x0, x1, ….
    skip_lines : int
        Lines above the table that are no part of it.
    comment : str, optional
        One character: lines that begin with it are no rows.
    escapechar : str, optional
        One character, such as a backslash: a quote or delimiter behind it is an ordinary one.
    on_bad_row : {"error", "skip"}
        What to do with a row that has another number of cells than the header, or a cell that cannot be read.
    rejects : str or Path, optional
        Where to write the rows that were skipped: file, line, reason, text.
    max_bad : int
        Rows to skip at most.
    thousands : {",", ".", "'", " ", "_"}, optional
        What stands between groups of three digits; a blank stands for no-break blanks too.
    na_values : sequence of str
        Cells that are missing besides the empty ones and NA, N/A, NaN, nan, NULL, null, None.
    keep_na : bool
        Whether NA, NULL, None and the like are levels of text columns. Empty cells are missing all the same.
    """

    delimiter: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    quote: str | None = None
    header: Header = "auto"
    skip_lines: int = 0
    comment: str | None = None
    escapechar: str | None = None
    on_bad_row: OnBadRow = "error"
    rejects: str | Path | None = None
    max_bad: int = 1000
    thousands: str | None = None
    na_values: Sequence[str] = ()
    keep_na: bool = False

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        InputError
            If an option has no such value.
        """
        quote = None if self.quote == "none" else self.quote or '"'
        characters = {
            "delimiter": self.delimiter,
            "quote": quote,
            "comment": self.comment,
            "escapechar": self.escapechar,
        }
        given = {name: character for name, character in characters.items() if character is not None}
        for name, character in given.items():
            if len(character) != 1 or not character.isascii() or character in "\r\n\0":
                raise InputError(f"{name} must be one character of ASCII; got {character!r}.")
        for (name, one), (other, two) in combinations(given.items(), 2):
            if one == two:
                raise InputError(f"{name} and {other} are both {one!r}.")
        if self.quote == "none" and self.escapechar is not None:
            raise InputError('escapechar needs quotes: leave out quote="none" (--quote none).')
        choices = (("decimal", (None, ".", ",")), ("header", ("auto", "yes", "no")), ("on_bad_row", ("error", "skip")))
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                shown = ", ".join(repr(a) for a in allowed if a is not None)
                raise InputError(f"{name} must be one of {shown}; got {getattr(self, name)!r}.")
        if self.thousands not in (None, ",", ".", "'", " ", "_"):
            raise InputError(f"thousands must be one of , . ' _ or a blank; got {self.thousands!r}.")
        if self.thousands is not None and self.thousands == self.decimal:
            raise InputError(f"thousands and decimal are both {self.thousands!r}.")
        if isinstance(self.na_values, str) or not all(isinstance(value, str) for value in self.na_values):
            raise InputError(f"na_values must be a list of texts; got {self.na_values!r}.")
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)().decode("a".encode(self.encoding), final=True)
            except (LookupError, UnicodeError):
                raise InputError(
                    f"Python knows no encoding {self.encoding!r}. Common ones: utf-8, utf-16, cp1252, latin-1."
                ) from None
        for name, number in (("max_bad", self.max_bad), ("skip_lines", self.skip_lines)):
            if not isinstance(number, int) or number < 0:
                raise InputError(f"{name} must be a whole number of at least 0; got {number!r}.")
        if self.rejects is not None and self.on_bad_row != "skip":
            raise InputError('rejects needs on_bad_row="skip" (--on-bad-row skip): else no row is skipped.')

    def of_csv(self) -> list[str]:
        """Return the options given that only a CSV file has."""
        return [name for name in self.given() if name not in ("thousands", "na_values")]

    def given(self) -> list[str]:
        """Return the options given."""
        return [f.name for f in fields(FileOptions) if getattr(self, f.name) != f.default]
