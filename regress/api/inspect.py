"""A look at a table before any fit: types, missing cells, scales, offsets, and what to run next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Unpack

import numpy as np

from regress.api.formulas import with_formula
from regress.api.inspect_columns import ColumnReport, Levels, Numbers, report_of
from regress.api.inspect_formula import PlannedFormula, Summaries
from regress.api.inspect_remarks import able, remarks, to_drop
from regress.api.inspect_sample import RowSample, histogram
from regress.blocks import Mask
from regress.keywords import FileKeywords, refuse_unknown, takes
from regress.messages import flag, paragraph, quoted, shortened, visible
from regress.numerics.atomic_write import strict
from regress.options import FileOptions, Progress
from regress.records import ColumnRecord, FormulaRecord, InspectionRecord, plain
from regress.report.inspection import inspection_html, inspection_lines
from regress.sources.base import Batch, Source
from regress.sources.find import find_column
from regress.sources.open import open_table
from regress.sources.rereading import Reread, rereading


@dataclass(frozen=True, slots=True, repr=False)
class Inspection:
    """What a table holds, remarks in words, and the command to run next: a result of `inspect`.

    As text it is what the command line shows.

    Attributes
    ----------
    label, read_as : str
        The table, and how its files are written.
    rows, bad, sampled : int
        Rows that can be read, rows that cannot, and those of which the histograms of numbers are.
    columns : list of ColumnReport
        What each column holds: `name`, `kind`, `missing`, `mean`, `spread`, `low`, `high`, `levels` and more.
    remarks : list of str
        What is worth a second look.
    command : str
        The command to run next, with the word COLUMN in the place of a target that is not given.
    targets : list of str
        Columns of numbers from which to choose a target, where none is given.
    formula, terms : str, tuple
        The formula, if any, and what its terms become.

    Examples
    --------
    >>> import regress
    >>> seen = regress.inspect({"id": range(1, 21), "x": [1.5, 2.5] * 10, "y": [3, 4, 5, 6] * 5})
    >>> seen
    Inspection(the frame: 20 rows, 3 columns, 1 remarks)
    >>> seen.remarks
    ['id: looks like an ID (every row has another value).']
    >>> seen.targets
    ['x', 'y']
    """

    label: str
    read_as: str
    rows: int
    bad: int
    sampled: int
    columns: list[ColumnReport]
    remarks: list[str]
    command: str
    targets: list[str]
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
            sampled=self.sampled,
            columns=tuple(ColumnRecord(**plain(asdict(column))) for column in self.columns),
            formula=self.formula,
            terms=self.terms,
            remarks=tuple(self.remarks),
            command=self.command,
            targets=tuple(self.targets),
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
    """Read a table once and report on its columns: types, missing cells, ranges, histograms, and what to remark.

    Memory is bounded whatever the rows. A column of text that holds numbers is read once more, to name such cells.

    Parameters
    ----------
    table : path, glob, frame or array
        What to look at.
    target : str, optional
        The column to predict, for the command. Without it the command has the word COLUMN in its place.
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

    Examples
    --------
    >>> import regress
    >>> seen = regress.inspect({"region": ["south"] * 20, "x": [1.5, 2.5] * 10, "y": [3, 4, 5, 6] * 5}, "y")
    >>> seen.remarks
    ['region: constant.']
    >>> seen.command
    'regress fit TABLE --target y --drop region'
    """
    refuse_unknown(inspect, files)
    options = FileOptions(**files)
    target, given = with_formula(target, {"formula": formula})
    asked = Asked(target, given["formula"], categorical, progress)
    seen = rereading(open_table(table, options), lambda source: _look(source, asked))
    rows, reports, planned = seen.rows, seen.reports, seen.planned
    chosen = target if target is not None and _predictable(seen, target) else None
    drop = to_drop(reports, chosen, rows) if planned is None else []
    unused = drop if planned is None else [r.name for r in reports if r.name not in planned.used]
    terms = () if planned is None else planned.records(seen.summaries)
    said = remarks(reports, chosen, unused, rows, columns=None if planned is None else sum(t.columns for t in terms))
    targets = [] if chosen is not None else able([r for r in reports if (r.name in unused) != (planned is None)], rows)
    if target is not None and chosen is None:
        numeric = any(r.name == target and r.kind in ("number", "boolean", "date") for r in reports)
        said.append(f"{target}: {'has no value' if numeric else 'is not numeric'}, so it cannot be the target.")
    elif chosen is None and not targets:
        said.append("No column of numbers to predict.")
    return Inspection(
        label=seen.source.label,
        read_as=seen.source.dialect,
        rows=rows,
        bad=seen.bad,
        sampled=seen.sampled,
        columns=reports,
        remarks=said,
        command=_command(seen, asked._replace(target=chosen), drop, unused, options),
        targets=targets,
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
    sampled: int


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
    drawn = [c.name for c in usable if c.kind != "text"]
    rows, bad, sample = _read(read, seen, drawn, asked.progress)
    texts = {name: summary for name, summary in seen.items() if isinstance(summary, Levels) and name in source.by_name}
    odd = [name for name, levels in texts.items() if levels.in_doubt and not source.by_name[name].settled]
    if odd:
        raise Reread(source.settled(odd))
    reports = {c.name: seen[c.name].finish() if c.name in seen else report_of(c) for c in source.columns}
    for k, name in enumerate(drawn):
        report, numbers = reports[name], seen[name]
        whole = isinstance(numbers, Numbers) and numbers.whole
        report.bins = histogram(sample.column(k), report.low, report.high, whole)
    return Seen(
        source=source,
        planned=planned,
        rows=rows,
        bad=bad,
        sampled=sample.rows,
        summaries=seen,
        reports=[*reports.values()],
    )


def _read(
    source: Source, seen: Summaries, drawn: Sequence[str], progress: Progress | None
) -> tuple[int, int, RowSample]:
    """Read all rows into summaries; return the numbers of sound and of bad rows, and a sample of some columns."""
    rows = bad = 0
    sample = RowSample(len(drawn))
    for batch in source.batches([*seen] or [source.columns[0].name]):
        sound = np.ones(batch.rows, dtype=bool) if batch.bad is None else ~batch.bad
        good = int(sound.sum())
        rows, bad = rows + good, bad + batch.rows - good
        _add(batch, sound, seen, drawn, sample)
        if progress is not None:
            progress("rows", rows, batch.read, source.size)
    return rows, bad, sample


def _add(batch: Batch, sound: Mask, seen: Summaries, drawn: Sequence[str], sample: RowSample) -> None:
    """Add the sound rows of a batch to summaries and to a sample; each column of numbers is read once."""
    cells = {name: batch.numbers(name) for name, summary in seen.items() if isinstance(summary, Numbers)}
    chosen = None if sound.all() else sound
    for name, summary in seen.items():
        if isinstance(summary, Levels):
            summary.add(batch, sound)
        else:
            summary.take(cells[name], chosen)
    sample.add(batch, sound, [cells[name] for name in drawn])


def _predictable(seen: Seen, target: str) -> bool:
    """Tell whether a column can be the target: a computed one, or one of numbers or dates that has a value."""
    if seen.planned is not None and target in {c.name for c in seen.planned.design.computed}:
        return True
    return any(
        r.name == target and r.kind in ("number", "boolean", "date") and r.missing < max(seen.rows, 1)
        for r in seen.reports
    )


def _command(seen: Seen, asked: Asked, drop: Sequence[str], unused: Sequence[str], options: FileOptions) -> str:
    """Return the command to run next; without a target it has the word COLUMN in its place."""
    file = seen.source.address or "TABLE"
    words = [
        "regress fit",
        quoted(f"./{file}" if file.startswith("-") and len(file) > 1 else file),
        *([] if asked.formula is None else [flag("formula", asked.formula)]),
        *([] if asked.names_target else [flag("target", asked.target or "COLUMN")]),
    ]
    for name, names in (("drop", drop), ("categorical", [name for name in asked.categorical if name not in drop])):
        if names:
            words.append(flag(name, list(names)))
    for name in options.given():
        words.append(flag(name, getattr(options, name)))
    holes = [r for r in seen.reports if r.missing and r.name not in unused]
    if holes or (seen.planned is not None and seen.planned.undefined(seen.summaries)):
        fillable = all(r.kind != "text" and r.name != asked.target for r in holes)
        none_left = sum(r.missing for r in holes) >= seen.rows  # perhaps, without the rows that miss a cell
        words.append(flag("missing", "mean" if none_left and fillable else "drop"))
    return " ".join(words)
