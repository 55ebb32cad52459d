"""The account of the rows: where every one of them went."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from regress.design.rows import PlacedRows
from regress.errors import InputError
from regress.fit_record import RowAccount


@dataclass(slots=True)
class Tally:
    """Where every row went: rows = used + held_out + missing + zero_weight + bad."""

    rows: int = 0
    used: int = 0
    held_out: int = 0
    missing: int = 0
    zero_weight: int = 0
    bad: int = 0
    missing_cells: Counter[str] = field(default_factory=Counter)

    def add(self, rows: PlacedRows) -> None:
        """Add the rows of a batch."""
        count, bad = len(rows.y), rows.batch.bad
        self.rows += count
        self.used += count if rows.used is None else int(rows.used.sum())
        self.held_out += 0 if rows.held_out is None else int(rows.held_out.sum())
        self.missing += rows.missing
        self.zero_weight += rows.zero_weight
        self.bad += 0 if bad is None else int(bad.sum())
        self.missing_cells.update(rows.missing_cells)

    def merge(self, other: "Tally") -> None:
        """Add other rows."""
        for name in ("rows", "used", "held_out", "missing", "zero_weight", "bad"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missing_cells.update(other.missing_cells)

    def subtract(self, other: "Tally") -> None:
        """Take rows away.

        Raises
        ------
        InputError
            If there are fewer.
        """
        names = ("rows", "used", "held_out", "missing", "zero_weight", "bad")
        if (
            any(getattr(self, name) < getattr(other, name) for name in names)
            or other.missing_cells - self.missing_cells
        ):
            raise InputError("These rows were not all added.")
        for name in names:
            setattr(self, name, getattr(self, name) - getattr(other, name))
        self.missing_cells -= other.missing_cells

    def finish(self) -> "Tally":
        """Return the account of all rows so far."""
        return replace(self, missing_cells=self.missing_cells.copy())

    def to_dict(self) -> dict[str, Any]:
        """Return the account as plain values."""
        return asdict(self) | {"missing_cells": dict(self.missing_cells)}


def describe(tally: Tally | RowAccount) -> str:
    """Return the account of the rows in words."""
    parts = [f"{tally.used:,} used"]
    for name in ("held_out", "missing", "zero_weight", "bad"):
        if count := getattr(tally, name):
            parts.append(f"{count:,} {name.replace('_', ' ')}")
    return f"{tally.rows:,} rows = " + " + ".join(parts)
