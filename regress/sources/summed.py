"""A table whose rows have been summed, or are elsewhere: its columns are known, and its rows cannot be read."""

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


class DistantSource(SummedSource):
    """Columns of a table whose rows are elsewhere."""

    def refuse(self, what: str) -> NoReturn:
        """Say that something needs the rows."""
        raise distant(self.label, what)


def distant(label: str, what: str = "a second pass") -> InputError:
    """Return the error of a look at rows that a cluster reads."""
    return InputError(f"A cluster reads {label}, and {what} needs its rows here. Pass a table that is read here.")
