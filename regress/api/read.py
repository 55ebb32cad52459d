"""A table, its options checked, read once into what training needs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from regress.aggregates.account import describe
from regress.aggregates.collect import TrainingData, collect_rows
from regress.blocks import Block
from regress.design.roles import Values, as_values
from regress.design.row_facts import Facts, alike
from regress.design.rows import Reader
from regress.design.split import Split
from regress.design.terms import Design, match, plan
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import Over, Precision, Progress, TableOptions
from regress.solvers import choose
from regress.sources.base import Source, find_column, rereading
from regress.sources.open import open_table


@dataclass(frozen=True, slots=True, eq=False)
class ReadTable:
    """A table, read: what training needs, where every row went, Σ log a, and what to know of the rows."""

    data: TrainingData
    reader: Reader
    log_weight: float
    facts: Facts

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return self.reader.design.names


def read_table(
    table: Any,
    target: Any,
    options: TableOptions,
    over: Over,
    n_jobs: int,
    progress: Progress | None = None,
    room: int | None = None,
    precision: Precision = "float64",
    design: Design | None = None,
    sampled: int = 0,
    fit_intercept: bool = True,
) -> ReadTable:
    """Open, plan and read a table, keeping a sample of its rows.

    `over`, `room` and `precision` are those of `collect_rows`.

    A `design` that is there already, such as a model's, decides what becomes of the columns.
    """
    read = partial(
        _read,
        target=target,
        options=options,
        over=over,
        n_jobs=n_jobs,
        progress=progress,
        room=room,
        precision=precision,
        design=design,
        sampled=sampled,
        fit_intercept=fit_intercept,
    )
    return rereading(open_table(table, options), read)


def _read(
    source: Source,
    *,
    target: Any,
    options: TableOptions,
    over: Over,
    n_jobs: int,
    progress: Progress | None,
    room: int | None,
    precision: Precision,
    design: Design | None,
    sampled: int,
    fit_intercept: bool,
) -> ReadTable:
    named = [name for name in (target, options.weights) if isinstance(name, str) and name in source.by_name]
    source = source.settled([name for name in named if source.by_name[name].kind == "text"])
    y = as_values(source, target, "the target")
    a = None if options.weights is None else as_values(source, options.weights, "weights")
    if options.split_key is not None:
        find_column(source, options.split_key, "the key of the split")
    if design is not None:
        source, key = match(source, _apart(design, y, a)), None
    else:
        source, design, key = _planned(source, y, a, options, fit_intercept)
    if options.split_key is not None and options.split_key not in {*design.columns, y.name, a.name if a else None}:
        source = source.read_as({options.split_key: "text"})  # so that no cell of it makes a row bad
    split = Split(options.test_size, options.split_key, options.random_state)
    counts = options.weight_type == "frequency"
    exact, most = precision == "exact", options.max_categories
    reader = Reader(source, design, y, a, options.missing, split, options.rows, counts, most, sampled, n_jobs, exact)
    log_weight = 0.0

    def blocks() -> Iterator[Block]:
        nonlocal log_weight
        for block in reader.blocks():
            if block.weights is not None:
                log_weight += float(np.log(block.weights).sum())
            if progress is not None:
                progress("rows", reader.tally.rows, reader.read, source.size)
            yield block

    try:
        data = collect_rows(blocks(), reader, over, n_jobs, room, precision, limits=choose.FILES)
    except InputError as error:
        if isinstance(error, TableError) or reader.tally.used or not reader.tally.rows:
            raise
        raise InputError(f"{source.label} has no row left to train on: {describe(reader.tally)}.") from None
    facts = reader.facts or Facts()
    facts = replace(facts, split_key=key, of_source=source.notes, alike=alike(reader.design))
    return ReadTable(replace(data, again=reader.blocks), reader, log_weight, facts)


def _apart(design: Design, y: Values, a: Values | None) -> Design:
    """Return a model's design, which must not use the target or the weights."""
    for role, values in (("the target", y), ("weights", a)):
        if values is not None and values.array is None and values.name in design.columns:
            raise InputError(f"{values.name!r} is a feature of the model, so it cannot be {role}. Name another column.")
    return design


def _planned(
    source: Source, y: Values, a: Values | None, options: TableOptions, fit_intercept: bool
) -> tuple[Source, Design, str | None]:
    """Return a table as it is read, its design, and the key of the split where that is left out of the features."""
    roles = [v for v in (y, a) if v is not None]
    others, drop, key = [v.name for v in roles if v.array is None], options.drop or (), options.split_key
    if options.features is not None or key in (*others, *drop):
        key = None
    source, design = plan(
        source,
        exclude=[*others, key],
        features=options.features,
        drop=drop,
        categorical=options.categorical or (),
        fit_intercept=fit_intercept,
    )
    for name in (v.name for v in roles if v.clash and v.name in design.columns):
        raise InputError(
            f"The values given for {name!r} differ from the feature {name!r} of {source.label}. "
            f"Leave that feature out with {setting('drop', [name])}, or pass values.to_numpy() if it is one."
        )
    return source, design, key
