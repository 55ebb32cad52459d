"""A look at a table before any fit: types, missing cells, scales, offsets, and what to run next."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np

from regress.preparation import Progress
from regress.tables.opening import open_table
from regress.tables.source import Batch, Column, Kind, find_column

_MANY_LEVELS = 100
_FAR = 1e6  # an offset of this many spreads is worth a remark
_UNEVEN = 1e6  # so is this ratio of the largest spread to the smallest


@dataclass(slots=True)
class ColumnReport:
    """What one column holds. Mean, spread (standard deviation), low and high are those of the cells with a number."""

    name: str
    kind: Kind
    missing: int = 0
    mean: float = nan
    spread: float = nan
    low: float = nan
    high: float = nan
    n_levels: int = 0
    levels: list[str] = field(default_factory=list)
    looks_like_id: bool = False
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a table holds, remarks in words, and the command to run next."""

    label: str
    rows: int
    columns: list[ColumnReport]
    remarks: list[str]
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return asdict(self)


def inspect(
    table: Any,
    target: str | None = None,
    *,
    categorical: Sequence[str] = (),
    progress: Progress | None = None,
) -> Inspection:
    """Read a table once and report on its columns.

    Parameters
    ----------
    table : path, glob, frame or array
        What to look at.
    target : str, optional
        The column to predict, for the command; the last column of numbers unless given.
    categorical : sequence of str
        Columns to read as text.
    progress : callable, optional
        Called with ("rows", count).

    Raises
    ------
    TableError
        If the table cannot be read, or has no such column.
    """
    source = open_table(table)
    for name in (*categorical, *([target] if target is not None else [])):
        find_column(source, name, "a column to look at")
    source = source.as_text(categorical) if categorical else source
    usable = [c for c in source.columns if c.kind != "unusable"]
    running = {c.name: _Running() for c in usable if c.kind != "text"}
    missing = {c.name: 0 for c in usable}
    rows = 0
    for batch in source.batches([c.name for c in usable]):
        rows += batch.rows
        for column in usable:
            missing[column.name] += _look(batch, column, running)
        if progress is not None:
            progress("rows", rows)
    reports = []
    for column in source.columns:
        report = ColumnReport(column.name, column.kind, missing.get(column.name, 0), dtype=column.dtype)
        if column.name in running:
            running[column.name].report(report)
        elif column.kind == "text":
            levels = source.levels(column.name)
            report.n_levels, report.levels = len(levels), levels[:_MANY_LEVELS]
            report.looks_like_id = len(levels) > 10 and len(levels) == rows - report.missing
        reports.append(report)
    chosen = target or next((r.name for r in reversed(reports) if r.kind == "number" and not r.looks_like_id), None)
    return Inspection(
        source.label,
        rows,
        reports,
        _remarks(reports, chosen, rows),
        _command(table, reports, chosen, categorical),
    )


class _Running:
    """Count, mean, squares, extremes of one column, batch by batch (Chan's merge)."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.low, self.high, self.last = np.inf, -np.inf, -np.inf
        self.whole = self.rising = True

    def add(self, cells: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        if not len(cells):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(cells[0] + (cells - cells[0]).mean())
            squares = float(((cells - mean) ** 2).sum())
            count = self.count + len(cells)
            change = mean - self.mean
            self.squares += squares + change**2 * self.count * len(cells) / count
            self.mean += change * len(cells) / count
        self.count = count
        self.low, self.high = min(self.low, float(cells.min())), max(self.high, float(cells.max()))
        self.whole = self.whole and bool((cells == np.floor(cells)).all())
        self.rising = self.rising and cells[0] > self.last and bool((np.diff(cells) > 0).all())
        self.last = float(cells[-1])

    def report(self, to: ColumnReport) -> None:
        if self.count:
            to.mean, to.low, to.high = self.mean, self.low, self.high
            to.spread = sqrt(self.squares / (self.count - 1)) if self.count > 1 and isfinite(self.squares) else 0.0
            steady = self.low in (0, 1) and self.high - self.low == self.count - 1  # a counter; a year is none
            to.looks_like_id = self.count > 10 and self.whole and self.rising and steady and to.missing == 0


def _look(batch: Batch, column: Column, running: dict[str, _Running]) -> int:
    """Take a batch of one column in; return its missing cells."""
    if column.kind == "text":
        return int((batch.codes(column.name, ()) == -1).sum())
    cells = batch.numbers(column.name)
    finite = np.isfinite(cells)
    running[column.name].add(cells[finite])
    return int((~finite).sum())


def _remarks(reports: list[ColumnReport], target: str | None, rows: int) -> list[str]:
    said = []
    for r in reports:
        if r.kind == "unusable":
            said.append(f"{r.name}: of type {r.dtype}, which a fit cannot use.")
        elif r.looks_like_id:
            said.append(f"{r.name}: looks like an ID (every row has another value).")
        elif r.kind == "text" and r.n_levels > _MANY_LEVELS:
            said.append(f"{r.name}: text with {r.n_levels:,} different values.")
        if r.kind == "number" and r.low == r.high:
            said.append(f"{r.name}: constant.")
        elif r.kind == "number" and r.spread > 0 and abs(r.mean) > _FAR * r.spread:
            said.append(
                f"{r.name}: its values are {abs(r.mean) / r.spread:.1g} spreads away from 0; many tools "
                "lose digits on such columns."
            )
    spreads = {r.name: r.spread for r in reports if r.kind == "number" and r.spread > 0 and r.name != target}
    if spreads:
        wide, narrow = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
        if spreads[wide] > _UNEVEN * spreads[narrow]:
            ratio = spreads[wide] / spreads[narrow]
            said.append(
                f"{wide} varies {ratio:.1g} times as much as {narrow}: scikit-learn's LinearRegression() "
                "may drop the smaller."
            )
    used = sum(1 if r.kind != "text" else max(r.n_levels - 1, 0) for r in reports if r.name != target)
    if rows <= used:
        said.append(f"{rows:,} rows for {used:,} columns: coefficients will not be unique.")
    return said


def _command(table: Any, reports: list[ColumnReport], target: str | None, categorical: Sequence[str]) -> str:
    drop = [
        r.name
        for r in reports
        if r.name != target
        and (r.kind == "unusable" or r.looks_like_id or (r.kind == "text" and r.n_levels > _MANY_LEVELS))
    ]
    file = str(table) if isinstance(table, str) or hasattr(table, "__fspath__") else "TABLE"
    words = ["regress", "fit", file, "--target", target or "COL"]
    for flag, names in (("--drop", drop), ("--categorical", categorical)):
        for name in names:
            words += [flag, f'"{name}"' if "," in name else name]
    if any(r.missing for r in reports if r.name not in drop):
        words += ["--missing", "drop"]
    return shlex.join(words)
