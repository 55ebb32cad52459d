"""Which columns of a table become variables of a design, and whether a table has those that a design needs."""

from collections.abc import Mapping, Sequence

from regress.design.formula.computed import ComputedSource
from regress.design.references import with_references
from regress.design.terms import Design, checked
from regress.design.variables import Variable
from regress.errors import TableError
from regress.messages import setting
from regress.sources.arrays import ArraySource
from regress.sources.base import EMPTY, Column, ColumnKind, Source
from regress.sources.find import find_column

_HOLDS: Mapping[ColumnKind, str] = {"number": "numbers", "boolean": "true and false", "date": "dates"}


def match(source: Source, design: Design) -> Source:
    """Return a table as a design wants it: its text columns read as text, an array's columns named by position.

    Raises
    ------
    TableError
        If a column is missing, or of another kind than training saw.
    """
    if isinstance(source, ArraySource) and not design.formula:
        source = source.named(design.columns)
    kinds: dict[str, ColumnKind] = {}
    computed = [c for c in design.computed if c.name in design.columns]
    read = {name: kind for c in computed for name, kind in c.reads}
    own = {v.name: v.kind for v in design.variables if v.name not in {c.name for c in computed}}
    for name, kind in {**own, **read}.items():
        column = find_column(source, name, "a variable of the formula" if design.formula else "a feature of the model")
        if kind != "text" and column.kind == "unusable":
            raise TableError(f"Column {name!r} of {source.label} is {column.dtype}; training saw {kind}.")
        as_trained = "text" in (kind, column.kind) or column.dtype == EMPTY
        if not as_trained and "date" in (kind, column.kind) and kind != column.kind:
            raise TableError(
                f"Column {name!r} of {source.label} holds {_HOLDS[column.kind]}; training saw {_HOLDS[kind]}. "
                f"Pass it as {_HOLDS[kind]}."
            )
        kinds[name] = kind if as_trained else column.kind
    source = source.read_as(kinds)
    return (
        ComputedSource(source, design.computed)
        if design.computed and not isinstance(source, ComputedSource)
        else source
    )


def plan(
    source: Source,
    *,
    exclude: Sequence[str | None] = (),
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    fit_intercept: bool = True,
    wanted: Mapping[str, str] | Sequence[str] | None = None,
) -> tuple[Source, Design]:
    """Decide what becomes of each column.

    Parameters
    ----------
    source : Source
        The table.
    exclude : sequence of str or None
        Columns with another role (target, weights).
    features : sequence of str, optional
        Columns to use, in this order; all of them unless given.
    drop : sequence of str
        Columns not to use.
    categorical : sequence of str
        Columns to read as text, whatever they look like.
    fit_intercept : bool
        Whether one is fitted; see `Design.of`.
    wanted : mapping or sequence of str, optional
        Reference levels; see `with_references`.

    Returns
    -------
    source, design
        The source, with the categorical columns read as text, and the design, whose levels are not known yet.

    Raises
    ------
    TableError
        If a column is unknown, or of a type that cannot be used.
    """
    if features is not None and (both := [name for name in drop if name in features]):
        raise TableError(f"{both[0]!r} is among the features and among the columns to drop. Name it once.")
    source = taken_out(source, drop=drop, categorical=categorical)
    chosen = [c.name for c in source.columns if not c.index] if features is None else list(features)
    if features is not None:
        for name in chosen:
            if name in exclude:
                raise TableError(f"{name!r} is among the features and has another role too. Name it once.")
    chosen = [name for name in dict.fromkeys(chosen) if name not in drop and name not in exclude]
    if not chosen:
        raise TableError(f"{source.label} has no column left to use as a feature.")
    columns = [find_column(source, name, "a feature") for name in chosen]
    doubtful = [column.name for column in columns if column.doubtful]
    source = source.settled(doubtful) if doubtful else source
    design = Design.of([variable_of(source, source.by_name[name]) for name in chosen], fit_intercept)
    design = with_references(source, design, wanted or {})
    return source, design if design.texts else checked(design)


def taken_out(source: Source, *, drop: Sequence[str], categorical: Sequence[str]) -> Source:
    """Return a table with the categorical columns read as text; refuse columns to drop that it does not have."""
    for name in drop:
        find_column(source, name, "a column to drop")
    for name in categorical:
        find_column(source, name, "categorical")
    return source.read_as(dict.fromkeys(categorical, "text")) if categorical else source


def variable_of(source: Source, column: Column) -> Variable:
    """Return a column as a variable.

    Raises
    ------
    TableError
        If it is neither number nor text.
    """
    if column.hint:
        as_text = f" To use the column as text, pass {setting('categorical', [column.name])}."
        raise TableError(f"Column {column.name!r} of {source.label} cannot be used as it is. {column.hint}{as_text}")
    if column.kind == "unusable":
        raise TableError(
            f"Column {column.name!r} of {source.label} is of type {column.dtype}, which is neither number nor text. "
            f"Exclude it with {setting('drop', [column.name])}, or convert it to a number first."
        )
    return Variable(column.name, column.kind, (), column.kind == "text", column.levels)
