"""A design with another reference level, and each column of X as a sum of columns of another design's X."""

from collections.abc import Iterable
from typing import NamedTuple

from regress.design.references import compared
from regress.design.terms import Design, XColumn
from regress.design.variables import Variable
from regress.errors import InputError
from regress.messages import by_interface
from regress.sources.cell_types import level_of

CONSTANT = -1  # in place of a column: what the intercept multiplies

Sums = list[dict[int, int]]
"""Of which columns each of some columns is the sum, with integer factors."""


def releveled(design: Design, column: str, level: str) -> Design:
    """Return a design whose text column has another reference level.

    Raises
    ------
    InputError
        If the column has no reference level, or not this level.
    """
    variable = next((variable for variable in design.variables if variable.name == column), None)
    if variable is None or variable.kind != "text":
        texts = ", ".join(repr(text.name) for text in design.texts[:8]) or "none"
        what = "no column" if variable is None else "no levels of the column"
        raise InputError(f"The fit has {what} {column!r}. Its text columns: {texts}.")
    if not compared(design, column):
        why = "compares the levels with their mean" if variable.coding == "sum" else "has a coefficient for each level"
        raise InputError(f"In column {column!r} the fit {why}, so there is no reference level. {again()}")
    named = [known for known in (level, level_of(level)) if known in variable.levels]
    if not named:
        shown = ", ".join(map(repr, variable.levels[:8])) + (", …" if len(variable.levels) > 8 else "")
        raise InputError(f"Column {column!r} has no level {level!r}. It has: {shown}.")
    return design.referred_to(column, named[0])


def again() -> str:
    """Return the remedy where only the rows help."""
    return f"Fit the table again with {by_interface('ref={column: level}', '--ref COLUMN=LEVEL')}."


class _Product(NamedTuple):
    """A column of X: powers of numbers, and indicators of levels, some of them less that of the last level."""

    powers: frozenset[tuple[str, int]]
    levels: frozenset[tuple[str, str]]
    less_last: frozenset[tuple[str, str]] = frozenset()


def sums_of_columns(design: Design, others: Design, fit_intercept: bool) -> Sums:
    """Return of which columns of another design each column of this one is the sum.

    Raises
    ------
    InputError
        If a column is not a sum of those.

    Examples
    --------
    >>> from regress.design.terms import Variable
    >>> north = Design.of([Variable("zone", "text", ("north", "south", "west"))])
    >>> south = north.referred_to("zone", "south")
    >>> north.names, south.names
    (('zone=south', 'zone=west'), ('zone=north', 'zone=west'))
    >>> sums_of_columns(north, south, True)  # zone=south is 1 − zone=north − zone=west
    [{-1: 1, 0: -1, 1: -1}, {1: 1}]
    """
    known = {_product(others, column): j for j, column in enumerate(others.x_columns())}
    if fit_intercept:
        known[_Product(frozenset(), frozenset())] = CONSTANT
    search = _Search(others, known)
    sums = [search.sum_of(_product(design, column), frozenset()) for column in design.x_columns()]
    if any(found is None for found in sums):
        raise InputError(f"The other reference level cannot be computed from the columns of the fit. {again()}")
    return [found for found in sums if found is not None]


def _product(design: Design, column: XColumn) -> _Product:
    summed = {v.name for v in design.texts if v.coding == "sum"}
    parts = [(part.variable in summed and not part.all_levels, part.variable) for part in column.term.texts]
    levels = [
        frozenset((name, column.levels[name]) for less, name in parts if less is wanted) for wanted in (False, True)
    ]
    return _Product(frozenset(column.term.powers.items()), *levels)


class _Search(NamedTuple):
    """Looks for a product among the columns of a design, or for several that add up to it."""

    design: Design
    known: dict[_Product, int]

    def sum_of(self, wanted: _Product, outer: frozenset[_Product]) -> dict[int, int] | None:
        """Return which columns, with their factors, add up to a product; None if none do.

        The indicator of a reference level is 1 less those of the others. 1 is the sum of the indicators of all levels.
        """
        if wanted in self.known:
            return {self.known[wanted]: 1}
        if wanted in outer:
            return None
        for variable in self.design.texts:
            reference = (variable.name, variable.levels[0])
            if reference in wanted.levels:
                rest = wanted._replace(levels=wanted.levels - {reference})
                others = [(-1, product) for product in self._at_levels(rest, variable)[1:]]
                found = self._added([(1, rest), *others], outer | {wanted})
            elif variable.all_levels and variable.name not in {name for name, _ in wanted.levels | wanted.less_last}:
                found = self._added([(1, p) for p in self._at_levels(wanted, variable)], outer | {wanted})
            else:
                continue
            if found is not None:
                return found
        return None

    @staticmethod
    def _at_levels(rest: _Product, variable: Variable) -> list[_Product]:
        return [rest._replace(levels=rest.levels | {(variable.name, level)}) for level in variable.levels]

    def _added(self, parts: Iterable[tuple[int, _Product]], outer: frozenset[_Product]) -> dict[int, int] | None:
        total: dict[int, int] = {}
        for factor, part in parts:
            found = self.sum_of(part, outer)
            if found is None:
                return None
            for j, count in found.items():
                total[j] = total.get(j, 0) + factor * count
        return {j: count for j, count in total.items() if count}
