"""A design as plain values, as files hold it. Expressions are text, parsed where a file is read, and never executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

from regress.design.formula.expression import Call, names_in
from regress.design.terms import Computed, Design, Levels, Monomial, Term
from regress.design.variables import Coding, Variable
from regress.errors import InputError
from regress.records import Count, Name, Some
from regress.sources.base import ColumnKind

Kind = Literal["number", "boolean", "date", "text"]
_DEGREE = 1000  # of a product at most


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainVariable:
    """A variable with its levels, the reference first, and their order without it where that is another."""

    name: Name
    kind: Kind
    levels: tuple[Name, ...]
    order: tuple[Name, ...] | None
    all_levels: bool
    coding: Coding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainPart:
    """A product of powers, or the levels of the variable that is named."""

    name: Name
    powers: Mapping[Name, Some] | None
    all_levels: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTerm:
    """A term of a formula."""

    label: Name
    parts: tuple[PlainPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainComputed:
    """A variable that is computed, with what a first pass found for calls in its expression."""

    name: Name
    expression: Name
    place: Count
    text: bool
    reads: Mapping[Name, Kind]
    learned: Mapping[Name, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDesign:
    """All of a design. Without a formula each variable is a term, and no term is stored."""

    formula: str
    variables: tuple[PlainVariable, ...]
    terms: tuple[PlainTerm, ...]
    computed: tuple[PlainComputed, ...]
    training_means: Mapping[Name, float]


def plain_of(design: Design) -> PlainDesign:
    """Return a design as plain values."""
    return PlainDesign(
        formula=design.formula,
        variables=tuple(
            PlainVariable(
                name=v.name,
                kind=_kind(v.kind),
                levels=v.levels,
                order=v.order,
                all_levels=v.all_levels,
                coding=v.coding,
            )
            for v in design.variables
        ),
        terms=tuple(
            PlainTerm(label=term.label, parts=tuple(_plain_part(part) for part in term.parts))
            for term in (design.terms if design.formula else ())
        ),
        computed=tuple(
            PlainComputed(
                name=c.name,
                expression=str(c.expression),
                place=c.place,
                text=c.text,
                reads={name: _kind(kind) for name, kind in c.reads},
                learned=dict(c.learned),
            )
            for c in design.computed
        ),
        training_means=dict(design.fills),
    )


def _kind(kind: ColumnKind) -> Kind:
    assert kind in ("number", "boolean", "date", "text")
    return kind


def _plain_part(part: Monomial | Levels) -> PlainPart:
    if isinstance(part, Levels):
        return PlainPart(name=part.variable, powers=None, all_levels=part.all_levels)
    return PlainPart(name=part.name, powers=dict(part.powers), all_levels=False)


def design_of(plain: PlainDesign, fit_intercept: bool, coefficients: int) -> Design:
    """Return the design that has these plain values, for a model of so many coefficients.

    Raises
    ------
    ValueError
        If there is none; the message says why.
    """
    variables = tuple(
        Variable(v.name, v.kind, v.levels, order=v.order, all_levels=v.all_levels, coding=v.coding)
        for v in plain.variables
    )
    names = [variable.name for variable in variables]
    if len(set(names)) < len(names):
        raise ValueError("'variables' gives two variables one name")
    for variable in variables:
        levels = variable.levels
        if (variable.kind == "text") != bool(levels) or len(set(levels)) < len(levels):
            raise ValueError(f"the levels of {variable.name!r} are not those of a {variable.kind} column")
        if variable.order is not None and sorted(variable.order) != sorted(levels):
            raise ValueError(f"the order of {variable.name!r} is not one of its levels")
    if not plain.formula:
        if plain.terms or plain.computed:
            raise ValueError("'terms' needs a formula")
        return _with_fills(Design.of(variables, fit_intercept), plain)
    from regress.design.formula.parser import MAX_FACTORS  # which models without a formula do not need

    by_name = {variable.name: variable for variable in variables}
    terms = tuple(Term(term.label, tuple(_part(part, by_name) for part in term.parts)) for term in plain.terms)
    if any(not 0 < len(term.parts) <= MAX_FACTORS or sum(term.powers.values()) > _DEGREE for term in terms):
        raise ValueError("'terms' has an empty term, one of too many factors, or one of too high a degree")
    # Few levels have very many products. So the columns are counted before they are made.
    if sum(prod(len(by_name[p.variable].coded_levels(p.all_levels)) for p in t.texts) for t in terms) > coefficients:
        raise ValueError("'terms' gives more columns than 'w' has coefficients")
    computed = tuple(_computed(c) for c in plain.computed)
    try:
        design = Design(variables, terms, computed=computed, formula=plain.formula)
    except KeyError:
        raise ValueError("'terms' lacks a product of its parts") from None
    return _with_fills(design, plain)


def _with_fills(design: Design, plain: PlainDesign) -> Design:
    return design.with_fills(plain.training_means)


def _part(part: PlainPart, variables: Mapping[str, Variable]) -> Monomial | Levels:
    powers = part.powers
    if powers is not None and (not powers or part.all_levels):
        raise ValueError(f"'terms' has {part.name!r}, a product without factors, or one of numbers with levels")
    for name in (part.name,) if powers is None else powers:
        if name not in variables or (variables[name].kind == "text") != (powers is None):
            raise ValueError(f"'terms' uses {name!r} as another kind of variable")
    return Levels(part.name, part.all_levels) if powers is None else Monomial(part.name, tuple(powers.items()))


def _computed(plain: PlainComputed) -> Computed:
    from regress.design.formula.factors import parse_expression  # which models without a formula do not need
    from regress.design.formula.functions import calls_that_learn, check, kind, needs, width
    from regress.design.formula.learned import length

    try:
        expression = parse_expression(plain.expression)
        check(expression)
    except InputError as error:
        raise ValueError(f"'computed' holds {plain.name!r}: {str(error).rstrip('.')}") from None
    if plain.place >= width(expression):
        raise ValueError(f"'computed' holds {plain.name!r}, which its expression does not have")
    if set(plain.reads) != set(names_in(expression)):
        raise ValueError(f"'computed' holds {plain.name!r}, which reads other columns than its expression")
    powers = isinstance(expression, Call) and expression.function == "poly" and not needs(expression)
    if powers or (kind(expression) == "text" and not plain.text):
        raise ValueError(f"'computed' holds {plain.name!r}, which is not computed so")
    if {name: len(values) for name, values in plain.learned.items()} != {
        str(call): length(call) for call in calls_that_learn(expression)
    }:
        raise ValueError(f"'computed' holds {plain.name!r} without what its calls have learned")
    return Computed(
        plain.name, expression, plain.place, plain.text, tuple(plain.learned.items()), tuple(plain.reads.items())
    )
