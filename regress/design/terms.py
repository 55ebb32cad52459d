"""The design: what becomes of a table's columns in X. Kept in the model; levels of text are found with the rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from regress.errors import TableError
from regress.messages import setting
from regress.sources.arrays import ArraySource
from regress.sources.base import EMPTY, Column, ColumnKind, Source
from regress.sources.find import find_column

_HOLDS: Mapping[ColumnKind, str] = {"number": "numbers", "boolean": "true and false", "date": "dates"}


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the table. Text becomes one 0/1 column a level, but for the first, which is the reference.

    `open` says that its levels are not known until the rows have been read; `order` is the one that a Categorical or
    Enum brings along. With `all_levels` the first has a column too, so that there is no reference.
    """

    name: str
    kind: ColumnKind
    levels: tuple[str, ...] = ()
    open: bool = False
    order: tuple[str, ...] | None = None
    all_levels: bool = False

    @property
    def coded(self) -> tuple[str, ...]:
        """The levels that have a column of X."""
        return self.levels if self.all_levels else self.levels[1:]

    @property
    def reference(self) -> str | None:
        """The level that has none, with which the others are compared."""
        return self.levels[0] if self.levels and not self.all_levels else None

    @property
    def names(self) -> list[str]:
        """The columns of X that it becomes."""
        return [f"{self.name}={level}" for level in self.coded] if self.kind == "text" else [self.name]


@dataclass(frozen=True, slots=True)
class Design:
    """The terms in order, and the training means that fill missing numbers where that was asked for.

    Attributes
    ----------
    names : tuple of str
        The columns of X.
    columns, numbers : tuple of str
        The columns of the table that are read, and those of them that are numbers, or true and false.
    texts : tuple of Term
        The terms that are text.
    """

    terms: tuple[Term, ...]
    fills: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    columns: tuple[str, ...] = field(init=False, repr=False, compare=False)
    numbers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    texts: tuple[Term, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = partial(object.__setattr__, self)
        put("names", tuple(name for term in self.terms for name in term.names))
        put("columns", tuple(term.name for term in self.terms))
        put("numbers", tuple(term.name for term in self.terms if term.kind != "text"))
        put("texts", tuple(term for term in self.terms if term.kind == "text"))

    @property
    def origins(self) -> list[tuple[str, str, str | None]]:
        """Of each column of X its name, the column of the table that it comes from, and the level, if any."""
        levels = [(term, term.coded if term.kind == "text" else [None]) for term in self.terms]
        made = [(term.name, level) for term, of_term in levels for level in of_term]
        return [(name, *origin) for name, origin in zip(self.names, made, strict=True)]

    @property
    def references(self) -> dict[str, str]:
        """The level of each text column with which its others are compared."""
        return {term.name: term.reference for term in self.terms if term.reference is not None}

    def with_fills(self, fills: Mapping[str, float]) -> "Design":
        """Return the design with missing numbers filled."""
        return replace(self, fills=dict(fills))

    def with_levels(self, levels: Mapping[str, Sequence[str]]) -> "Design":
        """Return the design with the levels that were found, sorted by code point or in the order of the column's type.

        Raises
        ------
        TableError
            If no column is left, or one has the name that a level gets.
        """
        terms = []
        for term in self.terms:
            if term.open:
                known = levels[term.name]
                order = list(dict.fromkeys(level for level in term.order or () if level in known))
                order += sorted(set(known) - set(order))
                term = replace(term, levels=tuple(order), open=False, order=None)
            terms.append(term)
        return checked(replace(self, terms=tuple(terms)))


def checked(design: Design) -> Design:
    """Return a design, but for one without columns, or with two of one name.

    Raises
    ------
    TableError
        If it is such a one.
    """
    if not design.names:
        raise TableError("The table has no column left to use as a feature: each text column has a single level.")
    if "(intercept)" in design.names:
        raise TableError("A column of X would be named '(intercept)', as the intercept is. Rename it.")
    doubled = [name for name, count in Counter(design.names).items() if count > 1]
    if doubled:
        raise same_name(doubled[0])
    return design


def same_name(name: str) -> TableError:
    """Return the error for two columns of X with one name."""
    return TableError(f"Two columns of X would be named {name!r}, as a column and the level of another. Rename one.")


def coded(terms: Sequence[Term], fit_intercept: bool) -> tuple[Term, ...]:
    """Return terms of which, without an intercept, the first text column keeps all its levels, as in R and patsy.

    Else its first level would be forced to have the mean 0.
    """
    first = None if fit_intercept else next((term for term in terms if term.kind == "text"), None)
    return tuple(replace(term, all_levels=True) if term is first else term for term in terms)


def match(source: Source, design: Design) -> Source:
    """Return a table as a design wants it: its text columns read as text, an array's columns named by position.

    Raises
    ------
    TableError
        If a column is missing, or of another kind than training saw.
    """
    if isinstance(source, ArraySource):
        source = source.named(design.columns)
    kinds: dict[str, ColumnKind] = {}
    for term in design.terms:
        column = find_column(source, term.name, "a feature of the model")
        if term.kind != "text" and column.kind == "unusable":
            raise TableError(f"Column {term.name!r} of {source.label} is {column.dtype}; training saw {term.kind}.")
        as_trained = "text" in (term.kind, column.kind) or column.dtype == EMPTY
        if not as_trained and "date" in (term.kind, column.kind) and term.kind != column.kind:
            raise TableError(
                f"Column {term.name!r} of {source.label} holds {_HOLDS[column.kind]}; training saw "
                f"{_HOLDS[term.kind]}. Pass it as {_HOLDS[term.kind]}."
            )
        kinds[term.name] = term.kind if as_trained else column.kind
    return source.read_as(kinds)


def plan(
    source: Source,
    *,
    exclude: Sequence[str | None] = (),
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    fit_intercept: bool = True,
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
        Whether one is fitted; see `coded`.

    Returns
    -------
    source, design
        The source, with the categorical columns read as text, and the design, whose levels are not known yet.

    Raises
    ------
    TableError
        If a column is unknown, or of a type that cannot be used.
    """
    for name in drop:
        if features is not None and name in features:
            raise TableError(f"{name!r} is among the features and among the columns to drop. Name it once.")
        find_column(source, name, "a column to drop")
    for name in categorical:
        find_column(source, name, "categorical")
    source = source.read_as(dict.fromkeys(categorical, "text")) if categorical else source
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
    terms = [_term(source, source.by_name[name]) for name in chosen]
    design = Design(coded(terms, fit_intercept))
    return source, design if design.texts else checked(design)


def _term(source: Source, column: Column) -> Term:
    if column.hint:
        as_text = f" To use the column as text, pass {setting('categorical', [column.name])}."
        raise TableError(f"Column {column.name!r} of {source.label} cannot be used as it is. {column.hint}{as_text}")
    if column.kind == "unusable":
        raise TableError(
            f"Column {column.name!r} of {source.label} is of type {column.dtype}, which is neither number nor text. "
            f"Exclude it with {setting('drop', [column.name])}, or convert it to a number first."
        )
    return Term(column.name, column.kind, (), column.kind == "text", column.levels)
