"""A table whose rows have been summed: its columns are known, and its rows cannot be read."""

from collections.abc import Sequence
from typing import NoReturn

from regress.errors import InputError
from regress.sources.base import Column, Partition, Source


class SummedSource(Source):
    """Columns of a table of which there are only sums."""

    def __init__(self, label: str, columns: Sequence[Column], dialect: str = "") -> None:
        self.label, self.columns, self.dialect = label, tuple(columns), dialect

    def refuse(self, what: str) -> NoReturn:
        """Say that something needs the rows."""
        raise InputError(f"{self.label} holds sums over rows, not the rows, which {what} needs. Pass the table itself.")

    def partitions(self) -> Sequence[Partition]:
        """Refuse: there are no rows."""
        self.refuse("a second pass")
