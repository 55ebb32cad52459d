"""A look at a table before any fit: types, missing cells, scales, offsets, and what to run next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, NamedTuple, Unpack

import numpy as np

from regress.api.formulas import with_formula
from regress.api.inspect_columns import ENOUGH_LEVELS, MANY_LEVELS, ColumnReport, Levels, Numbers, report_of
from regress.api.inspect_formula import PlannedFormula, Summaries
from regress.keywords import FileKeywords, refuse_unknown, takes
from regress.messages import flag, paragraph, quoted, shortened, visible
from regress.numerics.atomic_write import strict
from regress.options import FileOptions, Progress
from regress.records import plain
from regress.report.text import inspection_html, inspection_lines
from regress.sources.base import Source
from regress.sources.find import find_column
from regress.sources.open import open_table
from regress.sources.rereading import Reread, rereading
from regress.term_records import ColumnRecord, FormulaRecord, InspectionRecord

_FAR = 1e6  # an offset of this many spreads is worth a remark
_UNEVEN = 1e6  # so is this ratio of the largest spread to the smallest


@dataclass(frozen=True, slots=True, repr=False)
class Inspection:
    """What a table holds, remarks in words, and the command to run next."""

    label: str
    read_as: str
    rows: int
    bad: int
    columns: list[ColumnReport]
    remarks: list[str]
    command: str
    formula: str = ""
    terms: tuple[FormulaRecord, ...] = ()

    @property
    def record(self) -> InspectionRecord:
        """What is shown of it, as plain values."""
        return InspectionRecord(
            label=self.label,
            read_as=self.read_as,
            rows=self.rows,
            bad=self.bad,
            columns=tuple(ColumnRecord(**plain(asdict(column))) for column in self.columns),
            formula=self.formula,
            terms=self.terms,
            remarks=tuple(self.remarks),
            command=self.command,
        )

    def __repr__(self) -> str:
        label = shortened(visible(self.label), 60)
        return f"Inspection({label}: {self.rows:,} rows, {len(self.columns):,} columns, {len(self.remarks):,} remarks)"

    def __str__(self) -> str:
        return paragraph(inspection_lines(self.record))

    def _repr_html_(self) -> str:
        return inspection_html(self.record)

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints as JSON."""
        return {"version": 1, **dict(strict(asdict(self.record)))}


@takes(FileOptions)
def inspect(
    table: Any,
    target: str | None = None,
    *,
    formula: str | None = None,
    categorical: Sequence[str] = (),
    progress: Progress | None = None,
    **files: Unpack[FileKeywords],
) -> Inspection:
    """Read a table once and report on its columns.

    Parameters
    ----------
    table : path, glob, frame or array
        What to look at.
    target : str, optional
        The column to predict, for the command; the last column of numbers unless given, or unless it holds none.
    formula : str, optional
        One whose columns are shown too; the target may be one.
    categorical : sequence of str
        Columns to read as text.
    progress : callable, optional
        As in `fit`.
    **options

    Raises
    ------
    TableError
        If the table cannot be read, or has no such column.
    """
    refuse_unknown(inspect, files)
    options = FileOptions(**files)
    target, given = with_formula(target, {"formula": formula})
    asked = Asked(target, given["formula"], categorical, progress)
    seen = rereading(open_table(table, options), lambda source: _look(source, asked))
    source, rows, reports, planned = seen.source, seen.rows, seen.reports, seen.planned
    computed = planned is not None and target in {c.name for c in planned.design.computed}
    free = reports if planned is None or target else [r for r in reports if r.name not in planned.used]
    chosen = target if computed else _target(free, target, rows)
    drop = _to_drop(reports, chosen, rows) if planned is None else []
    unused = drop if planned is None else [r.name for r in reports if r.name not in planned.used]
    terms = () if planned is None else planned.records(seen.summaries)
    remarks = _remarks(
        reports, chosen, unused, rows, columns=None if planned is None else sum(t.columns for t in terms)
    )
    if chosen is None:
        remarks.append("No column of numbers to predict.")
    elif target not in (None, chosen):
        remarks.append(f"{target}: is not numeric, so it cannot be the target.")
    command = _command(
        source.address,
        reports,
        rows,
        asked=asked._replace(target=chosen),
        drop=drop,
        unused=unused,
        undefined=planned is not None and planned.undefined(seen.summaries),
        options=options,
    )
    return Inspection(
        label=source.label,
        read_as=source.dialect,
        rows=rows,
        bad=seen.bad,
        columns=reports,
        remarks=remarks,
        command=command,
        formula=asked.formula or "",
        terms=terms,
    )


class Asked(NamedTuple):
    """What to look for: a target, a formula, columns to read as text, and what is called with how far it is."""

    target: str | None
    formula: str | None
    categorical: Sequence[str]
    progress: Progress | None

    @property
    def names_target(self) -> bool:
        """Whether the formula names the target."""
        return with_formula(None, {"formula": self.formula})[0] is not None


class Seen(NamedTuple):
    """A table that was read once: how, its sound rows and its bad ones, and what its columns hold, as reports too."""

    source: Source
    planned: PlannedFormula | None
    rows: int
    bad: int
    summaries: Summaries
    reports: list[ColumnReport]


def _look(source: Source, asked: Asked) -> Seen:
    """Read a table once."""
    for name in asked.categorical:
        find_column(source, name, "categorical")
    source = source.read_as(dict.fromkeys(asked.categorical, "text"))
    source = source.settled([c.name for c in source.columns if c.doubtful])
    planned = None if asked.formula is None else PlannedFormula.of(source, asked.target, asked.formula)
    source, read = (source, source) if planned is None else (planned.base, planned.source)
    if asked.target is not None:
        find_column(read, asked.target, "the target")
    usable = [c for c in source.columns if c.kind != "unusable"]
    computed = [] if planned is None else [read.by_name[name] for name in planned.readable]
    seen = {c.name: Levels(c) if c.kind == "text" else Numbers(c) for c in (*usable, *computed)}
    rows = bad = 0
    for batch in read.batches([*seen] or [source.columns[0].name]):
        sound = np.ones(batch.rows, dtype=bool) if batch.bad is None else ~batch.bad
        bad += batch.rows - int(sound.sum())
        rows += int(sound.sum())
        for summary in seen.values():
            summary.add(batch, sound)
        if asked.progress is not None:
            asked.progress("rows", rows, batch.read, source.size)
    texts = {name: summary for name, summary in seen.items() if isinstance(summary, Levels) and name in source.by_name}
    odd = [name for name, levels in texts.items() if levels.like_numbers and not source.by_name[name].settled]
    if odd:
        raise Reread(source.settled(odd))
    reports = [seen[c.name].finish() if c.name in seen else report_of(c) for c in source.columns]
    return Seen(source, planned, rows, bad, seen, reports)


def _target(reports: list[ColumnReport], wanted: str | None, rows: int) -> str | None:
    """Return the wanted column if it holds numbers, else the last that does: one that looks like an ID in need only."""
    able = [r for r in reports if r.kind in ("number", "boolean") or (r.kind == "date" and r.name == wanted)]
    able = [r for r in able if r.missing < max(rows, 1)]
    able.sort(key=lambda r: (r.name == wanted, not r.looks_like_id, r.kind == "number"))
    return able[-1].name if able else None


def _to_drop(reports: list[ColumnReport], target: str | None, rows: int) -> list[str]:
    """Return the columns to exclude: also IDs and those more than half empty, as long as others remain."""
    others = [r for r in reports if r.name != target]
    useless = [
        r.name
        for r in others
        if r.kind == "unusable" or r.hint or 0 < rows == r.missing or (r.kind == "text" and r.n_levels > MANY_LEVELS)
    ]
    doubtful = [r.name for r in others if r.looks_like_id or 2 * r.missing > rows]
    drop = [r.name for r in others if r.name in useless or r.name in doubtful]
    return drop if len(drop) < len(others) else useless


def _remarks(
    reports: list[ColumnReport], target: str | None, drop: list[str], rows: int, *, columns: int | None
) -> list[str]:
    said = []
    for r in reports:
        if 2 * r.missing > rows:
            said.append(f"{r.name}: {r.missing:,} of {rows:,} cells are missing.")
        if r.hint:
            said.append(f"{r.name}: {r.hint}")
        elif r.kind == "date":
            said.append(f"{r.name}: dates, read as days since 1970-01-01.")
        elif r.kind == "unusable":
            said.append(f"{r.name}: of type {r.dtype}, which a fit cannot use.")
        elif r.looks_like_id:
            said.append(f"{r.name}: looks like an ID (every row has another value).")
        elif r.kind == "text" and r.n_levels > MANY_LEVELS:
            said.append(
                f"{r.name}: text with {r.n_levels:,} different values{' or more' * (r.n_levels > ENOUGH_LEVELS)}."
            )
        if r.kind == "number" and r.low == r.high:
            said.append(f"{r.name}: constant.")
        elif r.kind == "number" and r.spread > 0 and abs(r.mean) > _FAR * r.spread:
            said.append(
                f"{r.name}: its values are {abs(r.mean) / r.spread:.1g} spreads away from 0; many tools "
                "lose digits on such columns."
            )
    used = [r for r in reports if r.name != target and r.name not in drop]
    spreads = {r.name: r.spread for r in used if r.kind == "number" and r.spread > 0 and isfinite(r.spread)}
    if spreads:
        wide, narrow = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
        if spreads[wide] > _UNEVEN * spreads[narrow]:
            ratio = spreads[wide] / spreads[narrow]
            said.append(
                f"{wide} varies {ratio:.1g} times as much as {narrow}: scikit-learn's LinearRegression() "
                "may drop the smaller."
            )
    if columns is None:
        columns = sum(1 if r.kind != "text" else max(r.n_levels - 1, 0) for r in used)
    if 0 < rows <= columns:
        said.append(f"Rows are {rows:,}, columns {columns:,}: coefficients will not be unique.")
    return said


def _command(
    address: str,
    reports: list[ColumnReport],
    rows: int,
    *,
    asked: Asked,
    drop: list[str],
    unused: list[str],
    undefined: bool,
    options: FileOptions,
) -> str:
    target, categorical = asked.target, asked.categorical
    file = address or "TABLE"
    words = [
        "regress fit",
        quoted(f"./{file}" if file.startswith("-") and len(file) > 1 else file),
        *([] if asked.formula is None else [flag("formula", asked.formula)]),
        *([] if asked.names_target else [flag("target", target or "COL")]),
    ]
    for name, names in (("drop", drop), ("categorical", [name for name in categorical if name not in drop])):
        if names:
            words.append(flag(name, names))
    for name in options.given():
        words.append(flag(name, getattr(options, name)))
    holes = [r for r in reports if r.missing and r.name not in unused]
    if holes or undefined:
        fillable = all(r.kind != "text" and r.name != target for r in holes)
        none_left = sum(r.missing for r in holes) >= rows  # perhaps, without the rows that miss a cell
        words.append(flag("missing", "mean" if none_left and fillable else "drop"))
    return " ".join(words)
