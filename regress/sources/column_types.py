"""What all cells of a column look like: what decides where the first cells cannot."""

from collections import Counter
from collections.abc import Callable

import polars as pl

from regress.messages import by_interface, setting
from regress.sources.base import Column
from regress.sources.cell_types import BLANKS, CellKind, kind_of, verdict
from regress.sources.cell_values import Reading

Place = Callable[[int], str]
"""Says where a record of a part is."""


class Survey:
    """Counts the cells of a column by what they look like, and keeps the first of each kind with its place."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: Counter[CellKind] = Counter()
        self._first: dict[CellKind, tuple[str, str]] = {}

    def add(self, cells: pl.Series, reading: Reading, first: int, place: Place) -> None:
        """Count some cells, the first of which is the record `first`."""
        if cells.dtype.is_numeric():
            self.counts["number"] += int(cells.cast(pl.Float64).is_finite().fill_null(False).sum())
            return
        text = cells.cast(pl.String)
        values, wrong = reading.converted(text, "number")
        self.counts["number"] += int(values.is_finite().fill_null(False).sum())
        odd = text.filter(pl.Series(wrong)).to_frame("cell").group_by("cell", maintain_order=True).len()
        for cell, count in odd.iter_rows():
            kind = kind_of(cell, reading.decimal)
            self.counts[kind] += count
            if kind not in self._first:
                self._first[kind] = cell, place(first + int((text == cell).arg_max() or 0))

    def merge(self, other: "Survey") -> None:
        """Count the cells of later rows too."""
        self.counts.update(other.counts)
        self._first = other._first | self._first

    def column(self, skip: bool, skippable: bool) -> Column:
        """Return what the column is; `skip` as in `verdict`. A column that is in doubt is text with a hint."""
        total = self.counts.total()
        kind, doubtful = verdict(self.counts, skip) if total else ("number", False)
        if not doubtful:
            return Column(self.name, kind, settled=True)
        if self.counts["date"] + self.counts["time"] == total:
            what = "date" if self.counts["date"] else "time"
            return Column(self.name, "unusable", dtype=what, hint=self._dates(), settled=True)
        return Column(self.name, "text", hint=self._why(total, skippable), settled=True)

    def _shown(self, *kinds: CellKind) -> str:
        return " and ".join("{!r} ({})".format(*self._first[kind]) for kind in kinds)

    def _dates(self) -> str:
        kind: CellKind = "date" if self.counts["date"] else "time"
        drop = setting("drop", [self.name])
        return f"It holds {kind}s, such as {self._shown(kind)}. Turn them into numbers, or pass {drop}."

    def _why(self, total: int, skippable: bool) -> str:
        """Say in sentences which cells leave the column in doubt, and what to do about them."""
        counts = self.counts
        if counts["date"] + counts["time"] > total / 2:
            return self._dates()
        marked = next((c for c in self._first["marked"][0] if c in ".,"), "") if counts["marked"] else ""
        if counts["grouped"] and marked != _separators(self._first["grouped"][0])[0]:
            shown, flags = self._shown("grouped"), thousands_options(self._first["grouped"][0])
            return f"It holds numbers with thousands separators, such as {shown}. Pass {flags}."
        if counts["marked"]:
            shown = self._shown("marked")
            return f"It holds numbers with another decimal mark, such as {shown}. Pass {setting('decimal', marked)}."
        if counts["dressed"]:
            shown = self._shown("dressed")
            return f"It holds numbers with a unit or another sign, such as {shown}. Write them as plain numbers."
        kind: CellKind = next(k for k in ("text", "boolean", "time", "date") if counts[k])
        share = counts["number"] / total
        if share < 0.5:
            return f"{share:.0%} of its cells are numbers, others are text, such as {self._shown(kind)}."
        most = f"{share:.0%} of its cells are" if share < 0.995 else "nearly all of its cells are"
        cell = self._first[kind][0].strip()
        missing = f" Pass {setting('na_values', [cell])} if it stands for a missing one." * _is_word(cell)
        skip = f", or skip such rows with {setting('on_bad_lines', 'skip')}" * skippable
        return f"{self._shown(kind)} is not a number, but {most}. Fix the cell{skip}.{missing}"


def thousands_options(cell: str) -> str:
    """Return the options with which a number with thousands separators is read."""
    separators = _separators(cell)
    thousands = separators[0]
    options = [setting("thousands", thousands)]
    if separators[-1] not in (thousands, "."):
        options.append(setting("decimal", separators[-1]))
    return by_interface(", ", " ").join(options)


def _separators(cell: str) -> list[str]:
    """Return what stands between the digits of a number; blanks and apostrophes of every kind are one."""
    same = str.maketrans(dict.fromkeys(BLANKS, " ") | {"’": "'"})
    return [c for c in cell.strip().translate(same) if not c.isdigit() and c not in "+-"]


def _is_word(cell: str) -> bool:
    return cell.isprintable() and len(cell) <= 20 and not set(cell) & set(',"')
