"""The pass over a table that an inspection makes: summaries of its columns, and a sample of its rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regress.api.formulas import with_formula
from regress.api.inspect_columns import ColumnReport, Levels, Numbers, report_of
from regress.api.inspect_formula import PlannedFormula, Summaries
from regress.api.inspect_sample import RowSample, histogram
from regress.blocks import Mask
from regress.options import Progress
from regress.sources.base import Batch, Source
from regress.sources.find import find_column
from regress.sources.rereading import Reread


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


def look(source: Source, asked: Asked) -> Seen:
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
