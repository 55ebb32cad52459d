"""A look at a table before any fit: types, missing cells, scales, offsets, and what to run next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Unpack

from regress.api.formulas import with_formula
from regress.api.inspect_columns import ColumnReport
from regress.api.inspect_pass import Asked, Seen, look
from regress.api.inspect_remarks import able, has_categories, remarks, to_drop
from regress.keywords import FileKeywords, refuse_unknown, takes
from regress.messages import flag, paragraph, quoted, shortened, visible
from regress.numerics.atomic_write import strict
from regress.options import FileOptions, Progress
from regress.records import ColumnRecord, FormulaRecord, InspectionRecord, plain
from regress.report.inspection import inspection_html, inspection_lines
from regress.sources.open import open_table
from regress.sources.rereading import rereading


@dataclass(frozen=True, slots=True, repr=False)
class Inspection:
    """What a table holds, remarks in words, and the command to run next: a result of `inspect`.

    As text it is what the command line shows.

    Attributes
    ----------
    label, address, read_as : str
        The table, what names it in commands ("" in memory), and how its files are written.
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
    address: str
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
            address=self.address,
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
        """Return the inspection as plain values: what ``regress inspect --json`` prints.

        Examples
        --------
        >>> import regress
        >>> known = regress.inspect("data/penguins.csv").to_dict()
        >>> known["rows"], known["columns"][0]["name"]
        (344, 'species')
        """
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
    seen = rereading(open_table(table, options), lambda source: look(source, asked))
    rows, reports, planned = seen.rows, seen.reports, seen.planned
    chosen = target if target is not None and _predictable(seen, target) else None
    doubtful = target if any(r.name == target and r.hint for r in reports) else None  # a remark says how to read it
    drop = to_drop(reports, chosen or doubtful, rows) if planned is None else []
    unused = drop if planned is None else [r.name for r in reports if r.name not in planned.used]
    terms = () if planned is None else planned.records(seen.summaries)
    said = remarks(reports, chosen, unused, rows, columns=None if planned is None else sum(t.columns for t in terms))
    targets = [] if chosen is not None else able([r for r in reports if (r.name in unused) != (planned is None)], rows)
    if target is not None and chosen is None:
        numeric = any(r.name == target and r.kind in ("number", "boolean", "date") for r in reports)
        why = "has no value" if numeric else "is not read as numbers" if doubtful else "is not numeric"
        said.append(f"{target}: {why}, so it cannot be the target{' yet' if doubtful else ''}.")
    elif chosen is None and not targets:
        said.append("No column of numbers to predict.")
    as_text = [r.name for r in reports if has_categories(r, rows) and r.name not in (*unused, *categorical)]
    return Inspection(
        label=seen.source.label,
        address=seen.source.address,
        read_as=seen.source.dialect,
        rows=rows,
        bad=seen.bad,
        sampled=seen.sampled,
        columns=reports,
        remarks=said,
        command=_command(
            seen, asked._replace(target=chosen or doubtful, categorical=[*categorical, *as_text]), drop, unused, options
        ),
        targets=targets,
        formula=asked.formula or "",
        terms=terms,
    )


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
