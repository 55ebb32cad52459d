"""A table, its options checked, read once into what training needs."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from regress.aggregates.account import describe
from regress.aggregates.collect import collect_rows
from regress.aggregates.limits import Limits
from regress.aggregates.part_sums import PartSums
from regress.api.sums import (
    Reading,
    ReadTable,
    assembled,
    data_of,
    design_of,
    folded,
    refuse_missing,
    sums_of,
    watched,
)
from regress.design.plan import match, plan, taken_out
from regress.design.preparation import prepared
from regress.design.roles import Values, as_values
from regress.design.row_facts import Counts
from regress.design.rows import Reader
from regress.design.split import Split, TimeSplit
from regress.design.terms import Design
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import Progress, TableOptions
from regress.solvers import choose
from regress.sources.base import Source
from regress.sources.find import find_column
from regress.sources.open import open_table
from regress.sources.rereading import rereading

if TYPE_CHECKING:
    from regress.api.cluster.table import ClusterTable


def read_table(
    table: Any,
    target: Any,
    options: TableOptions,
    reading: Reading,
    progress: Progress | None = None,
    *,
    cluster: "ClusterTable | None" = None,
) -> ReadTable:
    """Open, plan and read a table, by a cluster if one is given."""
    target, options = _roles(target, options, cluster)

    def read(source: Source) -> ReadTable:
        reader, key = _planned(source, target, options, reading)
        if cluster is None:
            found = _read(prepared(reader), choose.limits_of(source), reading, progress)
        else:
            found = _read_on(cluster, cluster.filled(reader), options, reading, progress)
        facts = replace(found.facts, split_key=key, of_source=reader.source.notes)
        return replace(found, facts=facts)

    return rereading(_opened(table, options, cluster), read)


def read_sums(
    table: Any,
    target: Any,
    options: TableOptions,
    reading: Reading,
    progress: Progress | None = None,
    *,
    cluster: "ClusterTable | None" = None,
) -> tuple[Reader, PartSums]:
    """Open, plan and read a table into sums over its rows.

    Unless the reading has a design, columns are settled and rows checked: that there are no missing cells in them. With
    a design, rows are held out as where it was fitted.
    """
    target, options = _roles(target, options, cluster)

    def read(source: Source) -> tuple[Reader, PartSums]:
        reader, _ = _planned(source, target, options, reading)
        _refuse_first_pass(reader.design)
        if cluster is None:
            sums = sums_of(reader if reading.design is None else prepared(reader), reading, progress)
        else:
            sums = cluster.sums(reader, options, reading, progress)
        if reading.design is None:
            design_of(replace(reader, design=_any_reference(reader.design)), sums)
            refuse_missing(reader, sums.tally)
        return reader, sums

    return rereading(_opened(table, options, cluster), read)


def _any_reference(design: Design) -> Design:
    """Return a design without the reference levels that were asked for: a part of a table may lack them."""
    return replace(design, variables=tuple(replace(v, wanted=None) for v in design.variables))


def _refuse_first_pass(design: Design) -> None:
    if design.computed:
        from regress.design.formula.first_pass import refuse_first_pass

        refuse_first_pass(design)


def _roles(target: Any, options: TableOptions, cluster: "ClusterTable | None") -> tuple[Any, TableOptions]:
    """Return target and options, with the values that the partitions of a cluster's table bring along."""
    return (target, options) if cluster is None else (cluster.target, replace(options, weights=cluster.weights))


def _opened(table: Any, options: TableOptions, cluster: "ClusterTable | None") -> Source:
    return open_table(table, options) if cluster is None else cluster.source


def _read_on(
    cluster: "ClusterTable", reader: Reader, options: TableOptions, reading: Reading, progress: Progress | None
) -> ReadTable:
    """Read a table by a cluster."""
    sums = cluster.sums(reader, options, reading, progress)
    design = design_of(reader, sums)
    data = data_of(reader, sums, design)
    found = assembled(reader, sums, design, data, reading.n_jobs)
    return replace(found, data=replace(data, elsewhere=cluster.folding(found.reader)))


def _read(reader: Reader, limits: Limits, reading: Reading, progress: Progress | None) -> ReadTable:
    fold = folded(reader, reading)

    @cache
    def design() -> Design:
        refuse_missing(reader, fold.tally)  # after the last row
        return design_of(reader, fold.sums())

    try:
        data = collect_rows(
            watched(fold, reader, reading.n_jobs, progress),
            reading.over,
            reading.n_jobs,
            room=reading.room,
            precision=reading.precision,
            selection=lambda: design().selection,
            width=_width(reader.design, fold.counts),
            limits=limits,
        )
    except InputError as error:
        if isinstance(error, TableError) or fold.tally.used or not fold.tally.rows:
            raise
        refuse_missing(reader, fold.tally)
        raise InputError(f"{reader.source.label} has no row left to train on: {describe(fold.tally)}.") from None
    index = () if fold.index is None else fold.index.finish()
    found = assembled(reader, fold.sums(), design(), data, reading.n_jobs)
    return replace(found, data=replace(data, again=found.reader.blocks), index=index)


def _width(design: Design, counts: Counts) -> Callable[[], int]:
    """Return what knows how many columns X has, if text columns have the levels counted so far and no more."""
    of_levels = dict[int, int]()

    def width() -> int:
        levels = counts.finish().levels()
        found = sum(map(len, levels.values()))  # more and more of them, so that their number tells which
        if found not in of_levels:
            known = (v.with_levels(levels[v.name]) if v.open else v for v in _any_reference(design).variables)
            of_levels[found] = len(replace(design, variables=tuple(known)).names)
        return of_levels[found]

    return width if any(v.open for v in design.variables) else partial(len, design.names)


def _planned(source: Source, target: Any, options: TableOptions, reading: Reading) -> tuple[Reader, str | None]:
    """Return what reads a table, and the key of the split where it is excluded from the features."""
    if target is None:
        raise InputError(f"Name the column to predict with {setting('target')}, or in a formula.")
    source, formula = _computed(source, options, reading)
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
        source, design, key = _designed(source, y, a, options, reading=reading, formula=formula)
    used = {*design.columns, y.name, a.name if a else None}
    timed = "" if reading.time is None else source.by_name[reading.time].kind
    read_as_text = [
        name
        for name in (*keys, *reading.along)
        if name not in used and not (timed in ("number", "date") and name == reading.time)
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
        else TimeSplit(options.test_size, reading.time, numbers=timed == "number"),
        limit=options.rows,
        counts=options.weight_type == "frequency",
        max_categories=options.max_categories,
        handle_unknown=reading.handle_unknown,
        as_written=options.as_written and reading.precision == "exact",
    )
    return reader, key


def _computed(source: Source, options: TableOptions, reading: Reading) -> tuple[Source, Any]:
    """Return a table with the columns that a design or a formula computes, as far as these are known; the formula."""
    if reading.design is not None and reading.design.computed:
        from regress.design.formula.computed import ComputedSource

        return ComputedSource(source, reading.design.computed), None
    if reading.design is not None or options.formula is None:
        return source, None
    from regress.design.formula.parser import parse_formula

    return with_target(source, options.formula), parse_formula(options.formula)


def with_target(source: Source, formula: str | None) -> Source:
    """Return a table with the target of a formula as a column."""
    if formula is None:
        return source
    from regress.design.formula.parser import parse_formula
    from regress.design.formula.plan import target_of

    target = parse_formula(formula).target
    return source if target is None else target_of(source, target)


def _apart(design: Design, y: Values, a: Values | None) -> Design:
    """Return a model's design, which must not use the target or the weights."""
    for role, values in (("the target", y), ("weights", a)):
        if values is not None and values.array is None and values.name in design.columns:
            raise InputError(f"{values.name!r} is a feature of the model, so it cannot be {role}. Name another column.")
    return design


def _designed(
    source: Source, y: Values, a: Values | None, options: TableOptions, *, reading: Reading, formula: Any
) -> tuple[Source, Design, str | None]:
    """Return a table as it is read, its design, and the key of the split where it is excluded from the features."""
    roles = [v for v in (y, a) if v is not None]
    others, drop, key = (
        [v.name for v in roles if v.array is None],
        options.drop or (),
        options.split_key or reading.time,
    )
    named = options.features is not None or (formula is not None and not formula.dot)
    if named or key in (*others, *drop):
        key = None
    exclude = [*others, key, *(reading.along if options.features is None else ())]
    if formula is not None:
        from regress.design.formula.plan import formula_plan

        source = taken_out(source, drop=drop, categorical=options.categorical or ())
        source, design = formula_plan(
            source,
            formula,
            exclude=[*exclude, *drop],
            wanted=options.ref,
            fit_intercept=reading.fit_intercept,
        )
        for name in (name for name in design.inputs if name in drop):
            raise InputError(f"{name!r} is in the formula and among the columns to drop. Name it once.")
    else:
        source, design = plan(
            source,
            exclude=exclude,
            features=options.features,
            drop=drop,
            categorical=options.categorical or (),
            fit_intercept=reading.fit_intercept,
            wanted=options.ref,
        )
    for name in (v.name for v in roles if v.clash and v.name in design.columns):
        raise InputError(
            f"The values given for {name!r} differ from the feature {name!r} of {source.label}. "
            f"Exclude that feature with {setting('drop', [name])}, or pass values.to_numpy() if it is one."
        )
    return source, design, key
