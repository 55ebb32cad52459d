"""The account of the rows: where every one of them went."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

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
