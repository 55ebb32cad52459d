"""Rows of a table, read once: what they amount to, and what training needs of that."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from regress.aggregates.account import Tally, describe
from regress.aggregates.base import Aggregate, in_any_order
from regress.aggregates.collect import NoRowsError, TrainingData, exact_fits, summary_of
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.fold import Fold
from regress.aggregates.held_out import HeldOut, HeldOutSums
from regress.aggregates.part_sums import PartSums
from regress.aggregates.totals import moments_of
from regress.blocks import Block
from regress.design.block_index import BlockPlace
from regress.design.columns import selected
from regress.design.encode import many_levels, settle
from regress.design.row_facts import Facts, alike
from regress.design.rows import Reader
from regress.design.terms import Design
from regress.errors import InputError, TableError
from regress.inference.effects import ranges_of
from regress.messages import setting
from regress.numerics.hashing import Bits
from regress.options import HandleUnknown, Over, Precision, Progress
from regress.term_records import ColumnRange

A = TypeVar("A", bound=Aggregate[Any])


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a table.

    Attributes
    ----------
    over, n_jobs, precision, room : str, int, str, int or None
        As in `collect_rows`.
    sampled : int
        Training rows to keep as a sample.
    design : Design, optional
        One that is there already, such as a model's, decides what becomes of the columns.
    fit_intercept : bool
        Whether one will be fitted; see `coded`.
    along : sequence of str
        Columns that a second pass reads: no features unless these are named.
    time : str, optional
        A column of times: the latest rows are held out. It is no feature unless it is named.
    keep_held_out, summed : bool
        Whether rows held out are kept, rather than summed, and whether none is, however few there are.
    indexed : bool
        Whether to note where each batch stands, so that `BlockReader` can read them in any order.
    handle_unknown : {"error", "reference"}
        What becomes of a level that `design` does not have.
    """

    over: Over = "auto"
    n_jobs: int = 1
    precision: Precision = "float64"
    room: int | None = None
    sampled: int = 0
    design: Design | None = None
    fit_intercept: bool = True
    along: Sequence[str] = ()
    time: str | None = None
    keep_held_out: bool = False
    summed: bool = False
    indexed: bool = False
    handle_unknown: HandleUnknown = "error"


@dataclass(frozen=True, slots=True, eq=False)
class ReadTable:
    """A table, read.

    Attributes
    ----------
    data : TrainingData
        What training needs.
    reader : Reader
        What reads the table again, with its levels known.
    tally, facts : Tally, Facts
        Where every row went, and what to know of the rows.
    held_out : HeldOut or None
        Rows held out; None where there are none, or they cannot be predicted.
    sample, places, ranges : Block or None, array or None, tuple of ColumnRange
        A sample of the training rows, the part of the table and the record of each, and where the values lie in it of
        columns that enter by curves.
    log_weight : float
        Σ log a over the training rows.
    n_jobs : int
        Threads to use.
    names : tuple of str
        The columns of X.
    index : tuple of BlockPlace
        Where each batch stands; empty unless asked for.
    sums : PartSums or None
        What the rows amount to, with every level.
    """

    data: TrainingData
    reader: Reader
    tally: Tally
    facts: Facts
    held_out: HeldOut | None
    sample: Block | None
    places: Bits | None
    ranges: tuple[ColumnRange, ...]
    log_weight: float
    n_jobs: int
    names: tuple[str, ...]
    index: tuple[BlockPlace, ...] = ()
    sums: PartSums | None = None

    def fold_rows(self, make: Callable[[], A], n_jobs: int | None = None) -> A:
        """Return an aggregate over the training rows, read once more."""
        if self.data.elsewhere is not None:
            return self.data.elsewhere(make)
        return in_any_order(make, self.reader.blocks(), n_jobs or self.n_jobs)


def folded(reader: Reader, reading: Reading) -> Fold:
    """Return what folds the rows of a table."""
    held_out = HeldOutSums(reading.precision == "exact", reading.keep_held_out, reading.summed)
    return Fold(reader, reading.sampled, held_out, indexed=reading.indexed)


def watched(fold: Fold, reader: Reader, n_jobs: int, progress: Progress | None) -> Iterator[Block]:
    """Yield the training blocks of a table, and report how far it is read."""
    for block in fold.blocks(n_jobs):
        if progress is not None:
            progress("rows", fold.tally.rows, fold.read, reader.source.size)
        yield block


def sums_of(reader: Reader, reading: Reading, progress: Progress | None = None) -> PartSums:
    """Return what the rows of a table amount to, exactly, and none of the rows."""
    fold = folded(reader, reading)
    blocks = watched(fold, reader, reading.n_jobs, progress)
    return fold.sums(in_any_order(ExactSums, blocks, reading.n_jobs))


def design_of(reader: Reader, sums: PartSums) -> Design:
    """Return the design with the levels that training rows have.

    Raises
    ------
    TableError
        If no column is left, two would have one name, or a column has too many levels.
    Reread
        If a column of text may hold numbers.
    """
    for name in sums.seen.doubtful(reader.design):
        settle(reader.source, name)
    for name, levels in sums.seen.levels.items():
        if len(levels) > reader.max_categories:
            settle(reader.source, name)
            raise many_levels(reader.source, name, sorted(levels), reader.max_categories)
    return reader.design.with_levels(sums.counted.levels())


def data_of(reader: Reader, sums: PartSums, design: Design) -> TrainingData:
    """Return what training needs of sums over rows.

    Raises
    ------
    TableError
        If cells are missing, and their rows are not to be dropped.
    InputError
        If there is no training row, or there are too many columns.
    """
    tally, label, n = sums.tally, reader.source.label, len(design.names)
    refuse_missing(reader, tally)
    if not tally.rows:
        raise NoRowsError("There is no row to train on.")
    if not tally.used:
        raise InputError(f"{label} has no row left to train on: {describe(tally)}.")
    if not exact_fits(n):
        raise InputError(f"{setting('precision', 'exact')} on {n:,} columns needs too much memory. Use fewer columns.")
    totals = sums.training.finish().select(design.selection)
    moments = moments_of(totals, totals.targets)
    return TrainingData(summary_of(moments), moments, None, totals=totals, sums=sums.training, exact=True)


def assembled(reader: Reader, sums: PartSums, design: Design, data: TrainingData, n_jobs: int) -> ReadTable:
    """Return a table as it was read, from what its rows amount to. Nothing in it reads the rows again."""
    names, held, sample = design.names, sums.held_out.finish(), sums.sample.finish()
    columns = reader.source.by_name
    dates = tuple(n for n in reader.columns(design.columns) if n in columns and columns[n].kind == "date")
    facts = replace(sums.counted.facts(design), alike=alike(design), dates=dates)
    reader = replace(reader, design=design)
    scored = held.count and not facts.without_reference
    return ReadTable(
        data=data,
        reader=reader,
        tally=sums.tally.finish(),
        facts=facts,
        held_out=held.select(design.selection) if scored else None,
        sample=None if sample is None else selected(sample, design.selection),
        places=sums.sample.places(),
        ranges=() if sample is None or not design.formula else ranges_of(sample, design),
        log_weight=float(sums.log_weight.fraction),
        n_jobs=n_jobs,
        names=names,
        sums=sums,
    )


def refuse_missing(reader: Reader, tally: Tally) -> None:
    """Refuse a table for the missing cells of its rows, where these are not to be dropped."""
    cells, label = tally.missing_cells, reader.source.label
    if reader.missing == "drop" or not cells:
        return
    shown = ", ".join(f"{name} {count:,}" for name, count in cells.most_common(8))
    more = f" and {len(cells) - 8} columns more" if len(cells) > 8 else ""
    remedy = f"Drop those rows with {setting('missing', 'drop')}"
    design, own = reader.design, {*reader.source.by_name}
    made = {c.name for c in design.computed} | (
        {term.label for term in design.terms} - own if design.formula else set()
    )
    if reader.missing == "raise" and not made.isdisjoint(cells):
        raise TableError(f"{label} has rows in which a term is missing or undefined ({shown}{more}). {remedy}.")
    if reader.missing == "raise":
        remedy += f", or fill numbers with their training mean by {setting('missing', 'mean')}."
        raise TableError(f"{label} has missing cells ({shown}{more}). {remedy}")
    raise TableError(
        f"{label} has missing cells that a mean cannot fill, in text, target or weights ({shown}{more}). {remedy}."
    )
