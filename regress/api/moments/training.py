"""From moments to what training needs: a part of their columns, and no row."""

from dataclasses import replace
from typing import Any

import numpy as np

from regress.api.moments.how_read import HowRead
from regress.api.moments.table_moments import TableMoments
from regress.api.sums import Reading, ReadTable, assembled, data_of, design_of
from regress.design.plan import match, plan
from regress.design.roles import Values
from regress.design.rows import Reader
from regress.design.split import Split
from regress.design.terms import Design, Monomial, Term
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import TableOptions, TrainOptions

_OPEN = ("features", "drop", "ref", "max_categories")  # the options of a table that moments leave open


def read_moments(moments: TableMoments, target: Any, options: TableOptions, reading: Reading) -> ReadTable:
    """Return what training needs of moments: of the features that the options name.

    Raises
    ------
    InputError
        If the options contradict how the rows were read, or need the rows.
    """
    how = moments.read
    if target is not None and (not isinstance(target, str) or target != how.target):
        raise InputError(f"{moments.label} holds sums for the target {how.target!r}. Remove the target, or sum again.")
    _check(moments, options)
    roles = [how.target, *([] if how.weights is None else [how.weights])]
    source = moments.source
    if reading.design is not None:
        match(source, reading.design)
        design = reading.design
        _check_terms(moments, design)
        _check_levels(moments, design)
    elif how.formula:
        design = how.design(wanted=options.ref)
    else:
        _, design = plan(
            source,
            exclude=roles,
            features=options.features,
            drop=options.drop or (),
            fit_intercept=reading.fit_intercept,
            wanted=options.ref,
        )
    _check_dropped(moments, design.columns)
    weights = Values(how.weights or "weights", None if how.weights else np.empty(0)) if how.weighted else None
    reader = Reader(
        source=source,
        design=design,
        target=Values(how.target, None),
        weights=weights,
        missing=how.missing,
        split=Split(how.test_size, how.split_key, how.random_state),
        counts=how.weight_type == "frequency",
        max_categories=options.max_categories
        if options.max_categories != TableOptions().max_categories
        else how.max_categories,
    )
    sums = replace(moments.sums, counted=moments.sums.counted.only(design.columns))
    design = design_of(reader, sums)
    data = data_of(reader, sums, design)
    if reading.precision == "float64":
        data = replace(data, totals=None, exact=False)
    return assembled(reader, sums, design, data, reading.n_jobs)  # equations are not confirmed by the rows


def fitted_as(moments: TableMoments, options: TrainOptions) -> TrainOptions:
    """Return how moments are fitted: without an intercept if their formula has none."""
    return options if moments.read.intercept else replace(options, fit_intercept=False)


def _check(moments: TableMoments, options: TableOptions) -> None:
    """Refuse options that say another thing than how the rows were read."""
    default = TableOptions()
    if options.formula is not None:
        from regress.design.formula.parser import parse_formula
        from regress.design.formula.plan import written_out

        formula = parse_formula(options.formula)
        if formula.dot and moments.read.formula:
            summed = moments.read.formula
            raise InputError(f"{moments.label} knows its formula, without a dot: {summed!r}. Pass it, or no formula.")
        options = replace(options, formula=written_out(formula, moments.names, target=moments.target))
    for name in (name for name in ("features", "drop") if moments.read.formula and getattr(options, name)):
        raise InputError(
            f"{moments.label} was summed by a formula, which {setting(name)} cannot change. Sum the table again."
        )
    for name in TableOptions.__dataclass_fields__:
        given = getattr(options, name)
        if name in _OPEN or given == getattr(default, name):
            continue
        if (name, given, moments.read.missing) == ("missing", "drop", "raise"):
            continue  # no row that is used misses a cell
        if name in HowRead.__dataclass_fields__:
            if given != (here := getattr(moments.read, name)):
                absent = here is None or here is False or here == ""
                was = f"with {setting(name, here)}" if not absent else f"without {setting(name)}"
                was = f"{moments.label} was summed {was}, not with {setting(name, given)}"
                raise InputError(f"{was}. Use the same, or sum the table again.")
        else:
            raise InputError(
                f"{setting(name)} decides which rows are summed, and {moments.label} is summed already. "
                f"Give it where the moments are made."
            )


def _check_terms(moments: TableMoments, design: Design) -> None:
    """Refuse products of a design that were not summed."""
    summed = {_parts(term) for term in moments.read.design().terms}
    if odd := [term.label for term in design.terms if _parts(term) not in summed]:
        raise InputError(f"{moments.label} holds no sums of {odd[0]}. Sum the table again by the model's formula.")


def _parts(term: Term) -> tuple[object, ...]:
    """Return what names the columns of a term, whatever its levels."""
    return tuple(part if isinstance(part, Monomial) else part.variable for part in term.parts)


def _check_levels(moments: TableMoments, design: Design) -> None:
    """Refuse levels that a design does not have."""
    found = moments.sums.counted.levels()
    for variable in design.texts:
        if odd := sorted({*found[variable.name]} - {*variable.levels}):
            raise TableError(f"Column {variable.name!r} of {moments.label} has {odd[0]!r}, which training did not see.")


def _check_dropped(moments: TableMoments, columns: tuple[str, ...]) -> None:
    """Refuse a part of the columns where rows were dropped for a cell of the others."""
    others = [name for name in moments.names if name not in columns]
    if lost := [name for name in others if moments.sums.tally.missing_cells[name]]:
        raise InputError(
            f"{moments.label} excludes rows that miss a cell of {lost[0]!r}, which is not a feature now. "
            f"Sum the table again with {setting('features')}."
        )
    if others and moments.sums.tally.bad:
        raise InputError(
            f"{moments.label} excludes bad rows, perhaps for a cell of {others[0]!r}, which is not a feature now. "
            f"Sum the table again with {setting('features')}."
        )
