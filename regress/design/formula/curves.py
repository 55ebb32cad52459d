"""Columns of a table that enter X by curves, such as poly, bs or log, and X over a grid of their values."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from regress.blocks import Array
from regress.design.formula.column_use import read_as_numbers
from regress.design.formula.computed_batch import cells_of, column_of, values_of
from regress.design.formula.expression import Call, Expression, Named, names_in
from regress.design.matrix import Layout
from regress.design.terms import Computed, Design, Term
from regress.design.variables import Variable
from regress.sources.base import ColumnKind

_LINES = ("center", "scale")  # calls that are straight lines


class Grid(NamedTuple):
    """Columns of X over values of one column of the table: those of the terms that read it.

    Attributes
    ----------
    terms : tuple of str
        The terms.
    names, X : tuple of str, array of shape (rows, n)
        The columns; NaN in rows whose value has none, such as log of a negative number.
    numbers, levels : tuple of str, mapping
        Other number columns that they read, and the level at which each text column is held: None where it is compared.
    """

    terms: tuple[str, ...]
    names: tuple[str, ...]
    X: Array
    numbers: tuple[str, ...]
    levels: dict[str, str | None]


def curved(design: Design) -> dict[str, ColumnKind]:
    """Return the number and date columns that enter otherwise than by a straight line."""
    computed, reads, found = _computed(design), _reads(design), dict[str, ColumnKind]()
    for term in design.terms:
        for name, power in term.powers.items():
            if power > 1 or (name in computed and not _line(computed[name].expression)):
                found |= {column: kind for column, kind in reads[name].items() if kind in ("number", "date")}
    return found


def read_beside(design: Design) -> tuple[str, ...]:
    """Return the columns that enter by curves, and the other number columns of their terms."""
    every, reads = curved(design), _reads(design)
    found = (
        column
        for term in design.terms
        if every.keys() & _columns(term, reads)
        for name in term.powers
        for column in reads[name]
    )
    return tuple(dict.fromkeys(found)) if every else ()


def grid(design: Design, column: str, values: Array, held: Mapping[str, float]) -> Grid:
    """Return X over values of a column; numbers are held at values given, text at its reference level."""
    computed, reads = _computed(design), _reads(design)
    labels = {term.label for term in design.terms if column in _columns(term, reads)}
    terms = tuple(term for term in design.terms if term.label in labels)
    used = {name for term in terms for name in (*term.powers, *(part.variable for part in term.texts))}
    part = replace(design, terms=terms, variables=tuple(v for v in design.variables if v.name in used))
    rows, levels = _Rows(column, values, held), dict[str, str | None]()
    numbers, codes = np.empty((len(values), len(part.numbers))), np.zeros((len(values), len(part.texts)), np.int32)
    for j, name in enumerate(part.numbers):
        of_one = computed.get(name)
        numbers[:, j] = rows.numbers(name) if of_one is None else column_of(of_one, values_of(of_one, rows))
        compared = set() if of_one is None else {*names_in(of_one.expression)} - {*reads[name]}
        levels |= dict.fromkeys(sorted(compared))
    for j, variable in enumerate(part.texts):
        if column in reads[variable.name]:
            codes[:, j] = _codes(computed[variable.name], variable, rows)
        else:
            levels[variable.name] = variable.levels[0]
    sound = np.isfinite(numbers).all(1) & (codes >= 0).all(1)
    X = np.full((len(values), len(part.names)), np.nan)
    X[sound] = Layout(part, {v.name: v.levels for v in part.texts}).final(numbers[sound], codes[sound])
    others = dict.fromkeys(c for name in part.numbers for c in reads[name] if c != column)
    return Grid(tuple(dict.fromkeys(term.label for term in terms)), part.names, X, tuple(others), levels)


class _Rows:
    """Rows in which one column varies. Texts are unlike any that they are compared with, and nothing is missing."""

    def __init__(self, column: str, values: Array, held: Mapping[str, float]) -> None:
        self._column, self._values, self._held = column, values, held

    def numbers(self, name: str) -> Array:
        """Return a column as numbers."""
        return self._values if name == self._column else np.full(len(self._values), self._held[name])

    def equals(self, name: str, text: str) -> Array:
        """Return zeros."""
        return np.zeros(len(self._values))

    def missing(self, name: str) -> Array:
        """Return zeros."""
        return np.zeros(len(self._values))


def _computed(design: Design) -> dict[str, Computed]:
    return {computed.name: computed for computed in design.computed}


def _reads(design: Design) -> dict[str, dict[str, ColumnKind]]:
    """Return the columns of the table whose numbers each variable needs, or which it is, and their kinds."""
    computed = _computed(design)
    return {
        v.name: dict(_numbers_of(computed[v.name])) if v.name in computed else {v.name: v.kind}
        for v in design.variables
    }


def _numbers_of(computed: Computed) -> Iterator[tuple[str, ColumnKind]]:
    kinds = dict(computed.reads)
    return ((name, kinds[name]) for name in read_as_numbers(computed.expression))


def _columns(term: Term, reads: Mapping[str, Mapping[str, ColumnKind]]) -> set[str]:
    """Return the columns of the table that a term reads."""
    names = (*term.powers, *(part.variable for part in term.texts))
    return {column for name in names for column in reads[name]}


def _line(expression: Expression) -> bool:
    return isinstance(expression, Call) and expression.function in _LINES and isinstance(expression.arguments[0], Named)


def _codes(computed: Computed, variable: Variable, rows: _Rows) -> Array:
    """Return the level of each row, −1 where it is none that training saw."""
    cells, at = cells_of(computed, column_of(computed, values_of(computed, rows)))
    known = [variable.levels.index(cell) if cell in variable.levels else -1 for cell in cells]
    return np.array([*known, -1])[at]
