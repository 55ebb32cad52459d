"""The design: variables of a table, and the terms of X that they make. It is kept in the model."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, product
from math import prod
from typing import NamedTuple

from regress.design.columns import AS_READ, LOWER, Selection, lower_part
from regress.design.formula.expression import Expression
from regress.design.variables import Variable
from regress.errors import TableError
from regress.numerics.expansions import LONGEST
from regress.sources.base import ColumnKind


class Monomial(NamedTuple):
    """A product of powers of number variables, and what it is called: exact, in as many doubles as that takes."""

    name: str
    powers: tuple[tuple[str, int], ...]

    @property
    def degree(self) -> int:
        """The number of factors."""
        return sum(power for _, power in self.powers)

    @property
    def lower_parts(self) -> int:
        """The number of doubles beyond the first that it may take; 0 too where it is rounded for its length."""
        return self.degree - 1 if self.degree <= LONGEST else 0


class Levels(NamedTuple):
    """The levels of a text variable: all of them, or all but one."""

    variable: str
    all_levels: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A product of numbers and indicators of levels: one or more columns of X. `label` is what it was written as."""

    label: str
    parts: tuple[Monomial | Levels, ...]

    @property
    def monomials(self) -> tuple[Monomial, ...]:
        """The parts that are numbers."""
        return tuple(part for part in self.parts if isinstance(part, Monomial))

    @property
    def texts(self) -> tuple[Levels, ...]:
        """The parts that are levels."""
        return tuple(part for part in self.parts if isinstance(part, Levels))

    @property
    def powers(self) -> dict[str, int]:
        """The powers of number variables in its product."""
        found: Counter[str] = Counter()
        for monomial in self.monomials:
            found.update(dict(monomial.powers))
        return dict(found)

    @property
    def lower_parts(self) -> int:
        """The number of doubles beyond the first that its values may take."""
        return Monomial("", tuple(self.powers.items())).lower_parts if self.monomials else 0

    def name(self, levels: Mapping[str, str]) -> str:
        """Return the name of one of its columns, that of some levels."""
        return ":".join(
            part.name if isinstance(part, Monomial) else f"{part.variable}={levels[part.variable]}"
            for part in self.parts
        )

    def within(self, levels: Mapping[str, str]) -> str | None:
        """Return what tells one of its columns from the others, such as "[2]:south" in poly(x, 2):zone."""
        told = (
            levels[part.variable] if isinstance(part, Levels) else part.name[max(part.name.rfind("["), 0) :]
            for part in self.parts
            if isinstance(part, Levels) or part.name not in self.label
        )
        return ":".join(told) or None


class XColumn(NamedTuple):
    """A column of X: its name, its term, the levels that it is of, and of which collected columns it is the sum."""

    name: str
    term: Term
    levels: dict[str, str]
    sum: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """A variable that is computed: the expression, which of its columns, and what a first pass found for its calls.

    `text` says that its values are levels, and `reads` what the columns of the table are that it reads.
    """

    name: str
    expression: Expression
    place: int = 0
    text: bool = False
    learned: tuple[tuple[str, tuple[float, ...]], ...] = ()
    reads: tuple[tuple[str, ColumnKind], ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """Variables and terms, and the training means that fill missing numbers where that was asked for.

    Attributes
    ----------
    variables, terms : tuple
        In order.
    computed : tuple of Computed
        What the table does not hold: computed variables, and a computed target.
    formula : str
        What terms were written as; "" where each variable is a term.
    names : tuple of str
        The columns of X.
    columns, numbers : tuple of str
        The variables, and those of them that are numbers, or true and false.
    texts : tuple of Variable
        The variables that are text.
    selection : Selection
        The columns of X by those that blocks collect.
    plain : bool
        Whether X holds the number variables as they are.
    """

    variables: tuple[Variable, ...]
    terms: tuple[Term, ...]
    fills: Mapping[str, float] = field(default_factory=dict)
    computed: tuple[Computed, ...] = ()
    formula: str = ""
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    columns: tuple[str, ...] = field(init=False, repr=False, compare=False)
    numbers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    texts: tuple[Variable, ...] = field(init=False, repr=False, compare=False)
    selection: Selection = field(init=False, repr=False, compare=False)
    plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = partial(object.__setattr__, self)
        put("columns", tuple(variable.name for variable in self.variables))
        put("numbers", tuple(variable.name for variable in self.variables if variable.kind != "text"))
        put("texts", tuple(variable for variable in self.variables if variable.kind == "text"))
        selection = Selection(self.columns) if not self.formula and not self.texts else self._selection()
        put("names", selection.names)
        put("selection", selection)
        put("plain", self.names == self.numbers == self.columns and not selection.sums)

    def _selection(self) -> Selection:
        columns = list(self.x_columns())
        rounded = {c.name for c in self.computed}  # each by itself, so that this may hide what they are to each other
        pure = [term.powers for term in self.terms if len(term.powers) == 1 or rounded.isdisjoint(term.powers)]
        multiplied = {name for powers in pure if sum(powers.values()) > 1 for name in powers}
        products = frozenset(
            c.name for c in columns if not multiplied.isdisjoint(c.term.powers) and c.term.powers in pure
        )
        sums = {c.name: c.sum for c in columns if c.sum != ((c.name, 1),)}
        return Selection(tuple(column.name for column in columns), sums, products)

    @classmethod
    def of(cls, variables: Sequence[Variable], fit_intercept: bool = True) -> "Design":
        """Return the design in which each variable is a term.

        Without an intercept, the first text column keeps all its levels, as in R and patsy. Else its first level would
        be forced to have the mean 0.
        """
        first = None if fit_intercept else next((v.name for v in variables if v.kind == "text"), None)
        variables = tuple(replace(v, all_levels=True) if v.name == first else v for v in variables)
        return cls(variables, tuple(term_of(v) for v in variables))

    def x_columns(self) -> Iterator[XColumn]:
        """Yield the columns of X, in those of one label that of the first factor first; open variables have none."""
        variables = {variable.name: variable for variable in self.variables}
        for _, terms in groupby(self.terms, key=lambda term: (term.label, len(term.parts), term.texts)):
            alike = list(terms)
            choices: list[list[Monomial | tuple[str, str]]] = []
            for parts in zip(*(term.parts for term in alike), strict=True):
                part = parts[0]
                if isinstance(part, Levels):
                    coded = variables[part.variable].coded_levels(part.all_levels)
                    choices.append([(part.variable, level) for level in coded])
                else:
                    choices.append([*dict.fromkeys(part for part in parts if isinstance(part, Monomial))])
            by_monomials = {term.monomials: term for term in alike}
            for combination in product(*reversed(choices)):
                chosen = combination[::-1]
                term = by_monomials[tuple(part for part in chosen if isinstance(part, Monomial))]
                levels = dict(part for part in chosen if not isinstance(part, Monomial))
                yield XColumn(term.name(levels), term, levels, tuple(_collected(term, levels, variables)))

    @property
    def origins(self) -> list[tuple[str, str, str | None]]:
        """Of each column of X its name, its term, and what tells it from others there: levels and numbers, if any."""
        return [(c.name, c.term.label, c.term.within(c.levels)) for c in self.x_columns()]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the table that its variables are, or are computed from."""
        computed = {c.name: tuple(name for name, _ in c.reads) for c in self.computed}
        return tuple(dict.fromkeys(name for v in self.variables for name in computed.get(v.name, (v.name,))))

    @property
    def references(self) -> dict[str, str]:
        """The level of each text variable with which its others are compared."""
        return {variable.name: variable.reference for variable in self.texts if variable.reference is not None}

    @property
    def measured(self) -> frozenset[int]:
        """The columns of X that the table holds as they are, and those of levels: not what is computed from others."""
        own = {variable.name for variable in self.variables} - {c.name for c in self.computed}
        alone = ((j, c.term.powers, c.term.texts) for j, c in enumerate(self.x_columns()))
        return frozenset(
            j
            for j, powers, texts in alone
            if (sum(powers.values()), len(texts)) in ((1, 0), (0, 1)) and {*powers} <= own
        )

    def with_fills(self, fills: Mapping[str, float]) -> "Design":
        """Return the design with missing numbers filled."""
        return replace(self, fills=dict(fills))

    def with_levels(self, rows: Mapping[str, Mapping[str, float]]) -> "Design":
        """Return the design with the levels that were found, given the rows of each level.

        Raises
        ------
        TableError
            If no column is left, one has the name that a level gets, or a reference level is missing.
        """
        found = (v.with_levels(rows[v.name]) if v.open else v for v in self.variables)
        return checked(replace(self, variables=tuple(found)))

    def referred_to(self, column: str, level: str) -> "Design":
        """Return the design in which a text column has another of its levels as the reference."""
        return replace(self, variables=tuple(v.referred_to(level) if v.name == column else v for v in self.variables))

    def reopened(self) -> "Design":
        """Return the design whose levels are to be found again."""
        opened = (replace(v, levels=(), open=True, order=None) if v.kind == "text" else v for v in self.variables)
        return replace(self, variables=tuple(opened))


def term_of(variable: Variable) -> Term:
    """Return the term that is one variable alone."""
    if variable.kind == "text":
        return Term(variable.name, (Levels(variable.name, variable.all_levels),))
    return Term(variable.name, (Monomial(variable.name, ((variable.name, 1),)),))


def _collected(term: Term, levels: Mapping[str, str], variables: Mapping[str, Variable]) -> Iterator[tuple[str, int]]:
    """Yield the collected columns of which a column of X is the sum, with factors: lower parts, and last levels."""
    choices: list[list[tuple[str, str, int]]] = []
    for part in term.texts:
        variable = variables[part.variable]
        choices.append([(part.variable, levels[part.variable], 1)])
        if variable.coding == "sum" and not part.all_levels:
            choices[-1].append((part.variable, variable.levels[-1], -1))
    for combination in product(*choices):
        name = term.name({variable: level for variable, level, _ in combination})
        factor = prod(factor for *_, factor in combination)
        yield name, factor
        for k in range(1, term.lower_parts + 1):
            yield lower_part(name, k), factor


def checked(design: Design) -> Design:
    """Return a design, except for one without columns, or with two of one name.

    Raises
    ------
    TableError
        If it is such a one.
    """
    if not design.names:
        raise TableError("The table has no column left to use as a feature: each text column has a single level.")
    if "(intercept)" in design.names:
        raise TableError("A column of X would be named '(intercept)', as the intercept is. Rename it.")
    if unclear := [name for name in (*design.names, *design.inputs) if LOWER in name or name.startswith(AS_READ)]:
        raise TableError(f"The name {unclear[0]!r} has a control character with a meaning of its own. Rename it.")
    if doubled := [name for name, count in Counter(design.names).items() if count > 1]:
        raise same_name(doubled[0])
    return design


def same_name(name: str) -> TableError:
    """Return the error for two columns of X with one name."""
    return TableError(f"Two columns of X would be named {name!r}, as a column and the level of another. Rename one.")
