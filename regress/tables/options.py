"""How files are read: the options that a user may give."""

import codecs
from dataclasses import dataclass, fields
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
    on_bad_row : {"error", "skip"}
        What to do with a row that has another number of cells than the header, or a cell that cannot be read.
    rejects : str or Path, optional
        Where to write the rows that were skipped: file, line, reason, text.
    max_bad : int
        Rows to skip at most.
    """

    delimiter: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    quote: str | None = None
    header: Header = "auto"
    on_bad_row: OnBadRow = "error"
    rejects: str | Path | None = None
    max_bad: int = 1000

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        InputError
            If an option has no such value.
        """
        one = [("delimiter", self.delimiter), ("quote", None if self.quote == "none" else self.quote)]
        for name, character in one:
            if character is not None and (len(character) != 1 or not character.isascii() or character in "\r\n\0"):
                raise InputError(f"{name} must be one character of ASCII; got {character!r}.")
        if self.delimiter is not None and self.delimiter == self.quote:
            raise InputError(f"delimiter and quote are both {self.quote!r}.")
        choices = (("decimal", (None, ".", ",")), ("header", ("auto", "yes", "no")), ("on_bad_row", ("error", "skip")))
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                shown = ", ".join(repr(a) for a in allowed if a is not None)
                raise InputError(f"{name} must be one of {shown}; got {getattr(self, name)!r}.")
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)().decode("a".encode(self.encoding), final=True)
            except (LookupError, UnicodeError):
                raise InputError(
                    f"Python knows no encoding {self.encoding!r}. Common ones: utf-8, utf-16, cp1252, latin-1."
                ) from None
        if not isinstance(self.max_bad, int) or self.max_bad < 0:
            raise InputError(f"max_bad must be a whole number of at least 0; got {self.max_bad!r}.")
        if self.rejects is not None and self.on_bad_row != "skip":
            raise InputError('rejects needs on_bad_row="skip" (--on-bad-row skip): else no row is skipped.')

    def of_csv(self) -> list[str]:
        """Return the options given that only a CSV file has."""
        return [f.name for f in fields(FileOptions) if getattr(self, f.name) != f.default]
