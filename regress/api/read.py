"""A table, its options checked, read once into what training needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from regress.aggregates.account import Tally, describe
from regress.aggregates.collect import TrainingData, collect_rows
from regress.aggregates.columns import selected
from regress.aggregates.fold import Fold
from regress.aggregates.held_out import HeldOut
from regress.blocks import Block
from regress.design.block_index import BlockPlace
from regress.design.preparation import prepared
from regress.design.roles import Values, as_values
from regress.design.row_facts import Facts, alike
from regress.design.rows import Reader
from regress.design.split import Split, TimeSplit
from regress.design.terms import Design, match, plan
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import HandleUnknown, Over, Precision, Progress, TableOptions
from regress.solvers import choose
from regress.sources.base import Source, find_column, rereading
from regress.sources.open import open_table


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
    keep_held_out : bool
        Whether rows held out are kept, rather than summed.
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
    sample : Block or None
        A sample of the training rows.
    log_weight : float
        Σ log a over the training rows.
    n_jobs : int
        Threads to use.
    names : tuple of str
        The columns of X.
    index : tuple of BlockPlace
        Where each batch stands; empty unless asked for.
    """

    data: TrainingData
    reader: Reader
    tally: Tally
    facts: Facts
    held_out: HeldOut | None
    sample: Block | None
    log_weight: float
    n_jobs: int
    names: tuple[str, ...]
    index: tuple[BlockPlace, ...] = ()


def read_table(
    table: Any, target: Any, options: TableOptions, reading: Reading, progress: Progress | None = None
) -> ReadTable:
    """Open, plan and read a table."""

    def read(source: Source) -> ReadTable:
        reader, key = _planned(source, target, options, reading)
        found = _read(prepared(reader), reading, progress)
        facts = replace(found.facts, split_key=key, of_source=reader.source.notes)
        return replace(found, facts=facts)

    return rereading(open_table(table, options), read)


def _read(reader: Reader, reading: Reading, progress: Progress | None) -> ReadTable:
    references = sum(term.open and not term.all_levels for term in reader.design.texts)
    fold = Fold(
        reader,
        reading.sampled,
        reading.precision == "exact",
        kept=reading.keep_held_out,
        indexed=reading.indexed,
    )
    log_weight = 0.0

    def blocks() -> Iterator[Block]:
        nonlocal log_weight
        for block in fold.blocks(reading.n_jobs):
            if block.weights is not None:
                log_weight += float(np.log(block.weights).sum())
            if progress is not None:
                progress("rows", fold.tally.rows, fold.read, reader.source.size)
            yield block
        _refuse_missing(reader, fold.tally)

    @cache
    def design() -> Design:
        return fold.design()

    try:
        data = collect_rows(
            blocks(),
            reading.over,
            reading.n_jobs,
            room=reading.room,
            precision=reading.precision,
            names=lambda: design().names,
            limits=choose.FILES,
            references=references,
        )
    except InputError as error:
        if isinstance(error, TableError) or fold.tally.used or not fold.tally.rows:
            raise
        raise InputError(f"{reader.source.label} has no row left to train on: {describe(fold.tally)}.") from None
    names, held, sample = design().names, fold.held_out.finish(), fold.sample.finish()
    facts = replace(fold.counts.finish().facts(design()), alike=alike(design()))
    scored = held.count and not facts.without_reference
    return ReadTable(
        data=replace(data, again=replace(reader, design=design()).blocks),
        reader=replace(reader, design=design()),
        tally=fold.tally.finish(),
        facts=facts,
        held_out=held.select(names) if scored else None,
        sample=None if sample is None else selected(sample, names),
        log_weight=log_weight,
        n_jobs=reading.n_jobs,
        names=names,
        index=() if fold.index is None else fold.index.finish(),
    )


def _refuse_missing(reader: Reader, tally: Tally) -> None:
    """Refuse a table for the missing cells of its rows, where these are not to be dropped."""
    cells, label = tally.missing_cells, reader.source.label
    if reader.missing == "drop" or not cells:
        return
    shown = ", ".join(f"{name} {count:,}" for name, count in cells.most_common(8))
    more = f" and {len(cells) - 8} columns more" if len(cells) > 8 else ""
    remedy = f"Drop those rows with {setting('missing', 'drop')}"
    if reader.missing == "raise":
        remedy += f", or fill numbers with their training mean by {setting('missing', 'mean')}."
        raise TableError(f"{label} has missing cells ({shown}{more}). {remedy}")
    raise TableError(
        f"{label} has missing cells that a mean cannot fill, in text, target or weights ({shown}{more}). {remedy}."
    )


def _planned(source: Source, target: Any, options: TableOptions, reading: Reading) -> tuple[Reader, str | None]:
    """Return what reads a table, and the key of the split where it is excluded from the features."""
    named = [name for name in (target, options.weights) if isinstance(name, str) and name in source.by_name]
    texts = [name for name in named if source.by_name[name].kind == "text"]
    source = source.settled(texts) if texts else source
    y = as_values(source, target, "the target")
    a = None if options.weights is None else as_values(source, options.weights, "weights")
    for name in reading.along:
        find_column(source, name, "a column of the standard errors")
    keys = [name for name in (options.split_key, reading.time) if name is not None]
    for name in keys:
        find_column(source, name, "the key of the split")
    if reading.design is not None:
        design, key = _apart(reading.design, y, a), None
        source = match(source, design)
    else:
        source, design, key = _designed(source, y, a, options, reading)
    used = {*design.columns, y.name, a.name if a else None}
    numbers = reading.time is not None and source.by_name[reading.time].kind == "number"
    read_as_text = [
        name for name in (*keys, *reading.along) if name not in used and not (numbers and name == reading.time)
    ]
    if read_as_text:
        source = source.read_as(dict.fromkeys(read_as_text, "text"))  # so that no cell of them makes a row bad
    reader = Reader(
        source=source,
        design=design,
        target=y,
        weights=a,
        missing=options.missing,
        split=Split(options.test_size, options.split_key, options.random_state)
        if reading.time is None
        else TimeSplit(options.test_size, reading.time, numbers=numbers),
        limit=options.rows,
        counts=options.weight_type == "frequency",
        max_categories=options.max_categories,
        handle_unknown=reading.handle_unknown,
    )
    return reader, key


def _apart(design: Design, y: Values, a: Values | None) -> Design:
    """Return a model's design, which must not use the target or the weights."""
    for role, values in (("the target", y), ("weights", a)):
        if values is not None and values.array is None and values.name in design.columns:
            raise InputError(f"{values.name!r} is a feature of the model, so it cannot be {role}. Name another column.")
    return design


def _designed(
    source: Source, y: Values, a: Values | None, options: TableOptions, reading: Reading
) -> tuple[Source, Design, str | None]:
    """Return a table as it is read, its design, and the key of the split where it is excluded from the features."""
    roles = [v for v in (y, a) if v is not None]
    others, drop, key = (
        [v.name for v in roles if v.array is None],
        options.drop or (),
        options.split_key or reading.time,
    )
    if options.features is not None or key in (*others, *drop):
        key = None
    source, design = plan(
        source,
        exclude=[*others, key, *(reading.along if options.features is None else ())],
        features=options.features,
        drop=drop,
        categorical=options.categorical or (),
        fit_intercept=reading.fit_intercept,
    )
    for name in (v.name for v in roles if v.clash and v.name in design.columns):
        raise InputError(
            f"The values given for {name!r} differ from the feature {name!r} of {source.label}. "
            f"Exclude that feature with {setting('drop', [name])}, or pass values.to_numpy() if it is one."
        )
    return source, design, key
