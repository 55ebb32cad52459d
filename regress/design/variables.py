"""Variables: columns of a table, or what is computed from some, with the levels of text."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from regress.errors import TableError
from regress.sources.base import ColumnKind
from regress.sources.cell_types import is_number, level_of

Coding = Literal["treatment", "sum"]
MOST_FREQUENT = "most-frequent"  # in place of a reference level


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of the table, or what is computed from some. Text has levels; one of them is the reference.

    `open` says that its levels are not known until the rows have been read. `order` is the one that a Categorical or
    Enum brings along, and `wanted` the reference that was asked for. The reference is the first of the levels; `order`
    is then the one without that wish. With `all_levels` some term has a column for each of them, so that there is no
    reference.
    """

    name: str
    kind: ColumnKind
    levels: tuple[str, ...] = ()
    open: bool = False
    order: tuple[str, ...] | None = None
    all_levels: bool = False
    wanted: str | None = None
    coding: Coding = "treatment"

    @property
    def coded(self) -> tuple[str, ...]:
        """The levels that have a column of X where they stand alone."""
        return self.coded_levels(self.all_levels)

    def coded_levels(self, all_levels: bool) -> tuple[str, ...]:
        """Return the levels that have a column in a term."""
        return self.levels if all_levels else self.levels[:-1] if self.coding == "sum" else self.levels[1:]

    @property
    def reference(self) -> str | None:
        """The level that has none, with which the others are compared."""
        return self.levels[0] if self.levels and not self.all_levels and self.coding == "treatment" else None

    def with_levels(self, rows: Mapping[str, float]) -> "Variable":
        """Return the variable with the levels of some rows: the reference, and the others by order or code point.

        Raises
        ------
        TableError
            If no row has the reference that was asked for.
        """
        order = list(dict.fromkeys(level for level in self.order or () if level in rows))
        order += sorted_levels(set(rows) - set(order))
        if self.wanted == MOST_FREQUENT and self.wanted not in rows:
            first = max(order, key=lambda level: (rows[level], -order.index(level)))
        elif self.wanted is None:
            first = order[0] if order else ""
        elif named := [level for level in (self.wanted, level_of(self.wanted)) if level in rows]:
            first = named[0]
        else:
            shown = ", ".join(map(repr, order[:8])) + (", …" if len(order) > 8 else "")
            raise TableError(
                f"Column {self.name!r} has no level {self.wanted!r} in any training row, so it cannot be the "
                f"reference. It has: {shown}."
            )
        return replace(self, levels=tuple(order), open=False, order=None, wanted=None).referred_to(first)

    def referred_to(self, level: str) -> "Variable":
        """Return the variable with another of its levels as the reference; the others keep their order."""
        order = self.order or self.levels
        levels = tuple(sorted(order, key=lambda other: other != level))
        return replace(self, levels=levels, order=None if levels == order else order)


def sorted_levels(levels: Collection[str]) -> list[str]:
    """Return levels in order: numbers by their size if all are numbers, else by code point."""
    numeric = all(is_number(level, ".") for level in levels)
    return sorted(levels, key=lambda level: (float(level), level)) if numeric else sorted(levels)
