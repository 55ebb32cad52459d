"""The contract of what is summed over rows."""

from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, Protocol, Self, TypeVar

from regress.blocks import Block
from regress.numerics.threads import ordered_map

Result_co = TypeVar("Result_co", covariant=True)
A = TypeVar("A", bound="Aggregate[Any]")


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


class FoldRows(Protocol):
    """Returns an aggregate over rows, read once more wherever they are: its columns are in one order."""

    def __call__(self, make: Callable[[], A]) -> A:
        """Return what `make` returns, after all rows are added. It is called, and merged, as often as need be."""
        ...


def in_any_order(make: Callable[[], A], blocks: Iterable[Block], n_jobs: int) -> A:
    """Return blocks added to an aggregate for each thread, and these merged; with one thread, in their order."""
    parts = [make() for _ in range(n_jobs)]
    idle: SimpleQueue[A] = SimpleQueue()  # one a thread at a time
    for part in parts:
        idle.put(part)

    def add(block: Block) -> None:
        part = idle.get()
        try:
            part.add(block)
        finally:
            idle.put(part)

    for _ in ordered_map(add, blocks, n_jobs):
        pass
    for part in parts[1:]:
        parts[0].merge(part)
    return parts[0]
