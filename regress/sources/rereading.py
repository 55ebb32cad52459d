"""Asking for another pass: where the rows themselves tell that a column is not what its first cells look like."""

from collections.abc import Callable
from typing import TypeVar

from regress.sources.base import Source

T = TypeVar("T")


class Reread(Exception):
    """No error: asks whoever reads a table to begin anew, with a source that knows better what its columns are."""

    def __init__(self, source: Source) -> None:
        super().__init__("the table is to be read again")
        self.source = source


class Unsettled(Exception):
    """No error: partitions alone do not tell what columns are, or, without names, which decimal mark files have."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names


class Unopened(Exception):
    """No error: a file that was not open before shows more of the table than those that were."""


def rereading(source: Source, read: Callable[[Source], T]) -> T:
    """Return what `read` makes of a source, called again as often as the source turns out to be another."""
    while True:
        try:
            return read(source)
        except Reread as found:
            source = found.source
