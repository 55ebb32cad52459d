"""The design: what becomes of a table's columns in X. Frozen before the rows are read, kept in the model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from regress.errors import TableError
from regress.numerics.twofold import Array, Mask
from regress.tables.source import MISSING_CODE, UNSEEN_CODE, ArraySource, Batch, Column, Kind, Source, find_column


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the table. Text becomes one 0/1 column a level, but for the first, which is the reference."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns of X that it becomes."""
        return [f"{self.name}={level}" for level in self.levels[1:]] if self.kind == "text" else [self.name]


@dataclass(frozen=True, slots=True)
class Design:
    """The terms in order, and the training means that fill missing numbers where that was asked for."""

    terms: tuple[Term, ...]
    fills: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return tuple(name for term in self.terms for name in term.names)

    @property
    def columns(self) -> list[str]:
        """Names of the table's columns that are read."""
        return [term.name for term in self.terms]

    def encode(self, batch: Batch, source: Source, counted: Mask | None = None) -> tuple[Array, Mask]:
        """Return X (rows, n) of a batch, and which rows (rows,) miss no cell that nothing fills.

        Rows that are not `counted` may hold anything.

        Raises
        ------
        TableError
            If a text column holds a level that is not in the design.
        """
        if all(term.kind != "text" for term in self.terms):
            X, whole = batch.matrix(self.columns), np.ones(batch.rows, dtype=bool)
        else:
            X, whole = np.empty((batch.rows, len(self.names))), np.ones(batch.rows, dtype=bool)
            j = 0
            for term in self.terms:
                width = len(term.names)
                whole &= self._encode_term(term, batch, source, X[:, j : j + width], counted)
                j += width
        X = self._filled(X) if self.fills else X
        with np.errstate(over="ignore", invalid="ignore"):
            clean = np.isfinite(X.sum())  # else look closer: a cell is missing, or the sum overflows
        return X, whole if clean else whole & np.isfinite(X).all(1)

    def _encode_term(self, term: Term, batch: Batch, source: Source, out: Array, counted: Mask | None) -> Mask | bool:
        """Write the columns of a term, and tell which rows have a text; a single level has no column to show it."""
        if term.kind != "text":
            out[:, 0] = batch.numbers(term.name)
            return True
        codes = batch.codes(term.name, term.levels)
        unseen = np.flatnonzero((codes == UNSEEN_CODE) & (True if counted is None else counted))
        if unseen.size:
            row = int(unseen[0])
            shown = ", ".join(map(repr, term.levels[:5])) + (", …" if len(term.levels) > 5 else "")
            raise TableError(
                f"{source.place(batch.part, batch.first + row)}, column {term.name!r}: the level "
                f"{batch.texts(term.name)[row]!r} was not seen in training, which saw {shown}. "
                "Leave such rows out, or train on data that has it."
            )
        out[:] = codes[:, None] == np.arange(1, len(term.levels))
        return np.asarray(codes != MISSING_CODE)

    def _filled(self, X: Array) -> Array:
        X = X.copy()
        for j, name in enumerate(self.names):
            if name in self.fills:
                X[~np.isfinite(X[:, j]), j] = self.fills[name]
        return X

    def missing_cells(self, batch: Batch, rows: Mask) -> dict[str, int]:
        """Count the missing cells of each column that nothing fills, in some rows of a batch."""
        counts: dict[str, int] = {}
        for term in self.terms:
            if term.kind == "text":
                counts[term.name] = int((batch.codes(term.name, term.levels)[rows] == MISSING_CODE).sum())
            elif term.name not in self.fills:
                counts[term.name] = int((~np.isfinite(batch.numbers(term.name)[rows])).sum())
        return {name: count for name, count in counts.items() if count}

    def with_fills(self, fills: Mapping[str, float]) -> "Design":
        """Return the design with missing numbers filled."""
        return replace(self, fills=dict(fills))


def match(source: Source, design: Design) -> Source:
    """Return a table as a design wants it: its text columns read as text, an array's columns named by position.

    Raises
    ------
    TableError
        If a column is missing, or of another kind than training saw.
    """
    if isinstance(source, ArraySource):
        source = source.named(design.columns)
    for term in design.terms:
        column = find_column(source, term.name, "a feature of the model")
        if column.kind == "unusable" or (term.kind != "text" and column.kind == "text"):
            raise TableError(
                f"Column {term.name!r} of {source.label} is {column.dtype or 'text'}; training saw {term.kind}."
            )
    return source.as_text([term.name for term in design.terms if term.kind == "text"])


def plan(
    source: Source,
    *,
    exclude: Sequence[str | None] = (),
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
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

    Returns
    -------
    source, design
        The source, with the categorical columns read as text, and the design.

    Raises
    ------
    TableError
        If a column is unknown, of a type that cannot be used, or its name clashes with a level's.
    """
    for name in drop:
        find_column(source, name, "a column to drop")
    for name in categorical:
        find_column(source, name, "categorical")
    source = source.as_text(categorical) if categorical else source
    chosen = [c.name for c in source.columns] if features is None else list(features)
    if features is not None:
        for name in chosen:
            if name in exclude:
                raise TableError(f"{name!r} is among the features and has another role too. Name it once.")
    chosen = [name for name in dict.fromkeys(chosen) if name not in drop and name not in exclude]
    terms = tuple(_term(source, find_column(source, name, "a feature")) for name in chosen)
    design = Design(terms)
    if not design.names:
        raise TableError(f"{source.label} has no column left to use as a feature.")
    doubled = [name for name, count in Counter(design.names).items() if count > 1]
    if doubled:
        raise TableError(
            f"The column {doubled[0]!r} has the name that a level of {doubled[0].split('=')[0]!r} gets. Rename it."
        )
    return source, design


def check_levels(source: Source, design: Design, max_levels: int) -> None:
    """Refuse text columns of more than `max_levels` different values.

    Raises
    ------
    TableError
        If there is one.
    """
    for name, levels in ((term.name, term.levels) for term in design.terms if len(term.levels) > max_levels):
        raise TableError(
            f"Column {name!r} of {source.label} is text with {len(levels):,} different values, such as "
            f"{', '.join(map(repr, levels[:3]))}: more than --max-levels {max_levels}. "
            f"Leave it out with --drop {name}, or raise --max-levels."
        )


def _term(source: Source, column: Column) -> Term:
    if column.kind == "unusable":
        raise TableError(
            f"Column {column.name!r} of {source.label} is of type {column.dtype}, which is neither number nor text. "
            f"Leave it out with --drop {column.name}, or turn it into a number first."
        )
    if column.kind != "text":
        return Term(column.name, column.kind)
    present = source.levels(column.name)
    known = set(present)
    ordered = present if column.levels is None else [level for level in column.levels if level in known]
    return Term(column.name, "text", tuple(ordered))
