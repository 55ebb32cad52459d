"""The contract of what is summed over rows."""

from typing import Protocol, Self, TypeVar

from regress.blocks import Block

Result_co = TypeVar("Result_co", covariant=True)


class Aggregate(Protocol[Result_co]):
    """What some rows amount to, columns told apart by name: a column that turns up late was zero in earlier rows.

    Merging is associative. Where sums are exact, the result has the same bits for any order and partition of the rows.
    """

    def add(self, block: Block) -> None:
        """Add rows."""
        ...

    def merge(self, other: Self) -> None:
        """Add the rows of another aggregate, which may know other columns."""
        ...

    def finish(self) -> Result_co:
        """Return the result for all rows so far; more may be added afterwards."""
        ...
