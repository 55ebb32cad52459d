"""What becomes of the terms of a formula: variables, some of them computed, and products of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

from regress.design.formula.coding import codings
from regress.design.formula.column_use import (
    check_columns,
    check_numbers,
    exact_powers,
    read_as_numbers,
    used_as_numbers,
)
from regress.design.formula.computed import ComputedSource
from regress.design.formula.expression import Call, Expression, Named, names_in
from regress.design.formula.functions import calls_that_learn, check, kind, labels
from regress.design.formula.parser import Formula
from regress.design.plan import variable_of
from regress.design.references import with_references
from regress.design.terms import Computed, Design, Levels, Monomial, Term, checked
from regress.design.variables import Coding, Variable
from regress.errors import InputError, TableError
from regress.sources.base import Source
from regress.sources.find import find_column


class _Factor(NamedTuple):
    """A factor of a term: its columns, each a number, or the levels of a variable."""

    label: str
    parts: tuple[Monomial | Levels, ...]

    @property
    def text(self) -> str | None:
        """The variable whose levels it is."""
        first = self.parts[0]
        return first.variable if isinstance(first, Levels) else None


def target_of(source: Source, expression: Expression) -> Source:
    """Return the table with the target of a formula as a column.

    Raises
    ------
    InputError
        If it cannot be computed.
    """
    if isinstance(expression, Named):
        return source
    check_columns(source, expression)
    inner = _inner(expression)
    check(inner)
    if kind(inner) == "text" or len(labels(inner)) > 1:
        raise InputError(f"The target {expression} is not one column of numbers.")
    if any(calls_that_learn(inner)):
        raise InputError(f"The target {expression} depends on other rows too. Write it without center() and scale().")
    check_numbers(source, inner)
    return ComputedSource(source, [Computed(str(expression), inner)])


def formula_plan(
    source: Source,
    formula: Formula,
    *,
    exclude: Sequence[str | None] = (),
    wanted: Mapping[str, str] | Sequence[str] | None = None,
    fit_intercept: bool = True,
) -> tuple[Source, Design]:
    """Decide what becomes of the terms of a formula.

    Parameters
    ----------
    source : Source
        The table.
    formula : Formula
        Its target is a column of the table, or computed in it.
    exclude : sequence of str or None
        Columns that `.` does not stand for: the target, the weights.
    wanted : mapping or sequence of str, optional
        Reference levels; see `with_references`.
    fit_intercept : bool
        Whether the model has an intercept, if the formula has one.

    Returns
    -------
    source, design
        The table with columns that are computed, and the design, whose levels are not known yet.

    Raises
    ------
    InputError, TableError
        If a column is unknown, or a term cannot be computed from its columns.
    """
    computed = source.computed if isinstance(source, ComputedSource) else ()
    base = source.base if isinstance(source, ComputedSource) else source
    read = {name for c in computed for name in names_in(c.expression)}
    others = [c.name for c in base.columns if not (c.index or c.name in exclude or c.name in read)]
    products = formula.terms(others)
    for factor in (factor for of_term in products for factor in of_term):
        if str(factor) == str(formula.target) and formula.target is not None:
            raise InputError(f"The formula has its target {factor} on the right too. Remove it there.")
    plan = _Plan(base, used_as_numbers(base, products), {c.name: c for c in computed})
    factors = [tuple({f.label: f for f in map(plan.factor, of_term)}.values()) for of_term in products]  # zone:C(zone)
    names = [
        (frozenset(f.label for f in of_term if f.text is None), tuple(f.text for f in of_term if f.text is not None))
        for of_term in factors
    ]
    terms = tuple(
        term
        for of_term, several in zip(factors, codings(names, formula.intercept and fit_intercept), strict=True)
        for coded in several
        for term in _terms(of_term, dict(coded))
    )
    text = written_out(formula, others) if formula.dot else formula.text
    complete = {part.variable for term in terms for part in term.texts if part.all_levels}
    variables = tuple(replace(v, all_levels=v.name in complete) for v in plan.variables.values())
    design = Design(variables, terms, computed=plan.all_computed(), formula=text)
    design = with_references(base, design, wanted or {})
    if not terms:
        raise InputError("The formula has no term on the right: name a column there, as in 'price ~ area'.")
    source = ComputedSource(plan.source, design.computed) if design.computed else plan.source
    return source, design if design.texts else checked(design)


def written_out(formula: Formula, others: Sequence[str] = (), target: str | None = None) -> str:
    """Return a formula as a sum of products of factors: one text for all ways to write it, and without a dot.

    A target that the formula does not have may be named.
    """
    left = formula.target if target is None else formula.target or Named(target)
    terms = " + ".join(":".join(map(str, term)) for term in formula.terms(others))
    return f"{left or ''} ~ {'' if formula.intercept else '0 + '}{terms}".lstrip()


def _terms(factors: Sequence[_Factor], coded: Mapping[str, bool]) -> Iterator[Term]:
    """Yield the terms that a product of factors becomes, where levels of some text variables take part."""
    taking = [f for f in factors if f.text is None or f.text in coded]
    label = ":".join(f.label for f in taking)
    for parts in product(*(f.parts for f in reversed(taking))):
        made = (p if isinstance(p, Monomial) else Levels(p.variable, coded[p.variable]) for p in reversed(parts))
        yield Term(label, tuple(made))


@dataclass(slots=True)
class _Plan:
    """The variables of a formula, as its factors are looked at one after the other."""

    source: Source
    numeric: set[str]
    computed: dict[str, Computed]
    variables: dict[str, Variable] = field(default_factory=dict)
    given: dict[str, Call] = field(default_factory=dict)

    def factor(self, expression: Expression) -> _Factor:
        """Return what becomes of one factor."""
        if isinstance(expression, Call) and expression.function == "C":
            _one_argument(expression)  # before its columns: in C(a, Sum), Sum is none
        check_columns(self.source, expression)
        if isinstance(expression, Named):
            name = self._variable(expression.name)
            if self.variables[name].coding == "sum":
                raise InputError(
                    f"The formula has {name} with a reference level, and {self.given[name]}. Use one of them."
                )
            return _Factor(name, (Levels(name) if self.variables[name].kind == "text" else _single(name),))
        if isinstance(expression, Call) and expression.function == "C":
            return self._categories(expression)
        label = str(expression)
        if isinstance(expression, Call) and expression.function == "poly" and not _is_true(expression, "orthogonal"):
            check(expression)
            name = self._number(expression.arguments[0])
            return _Factor(
                label, tuple(Monomial(f"{label}{of}", ((name, k),)) for k, of in enumerate(labels(expression), start=1))
            )
        inner: Expression = expression
        if isinstance(expression, Call) and expression.function == "I":
            (inner,) = _one_argument(expression)
            powers = self._powers(inner)
            if powers is not None:
                return _Factor(label, (Monomial(label, tuple(powers.items())),))
        check(inner)
        self._check_numbers(inner)
        if kind(inner) == "text":
            return _Factor(label, (Levels(self._text(label, inner)),))
        for place, of in enumerate(labels(inner)):
            self._add(Computed(f"{label}{of}", inner, place), Variable(f"{label}{of}", "number"))
        return _Factor(label, tuple(_single(f"{label}{of}") for of in labels(inner)))

    def all_computed(self) -> tuple[Computed, ...]:
        """Return what is computed, and what the columns are that it reads."""
        kinds = {column.name: column.kind for column in self.source.columns}
        return tuple(
            replace(c, reads=tuple((name, kinds[name]) for name in dict.fromkeys(names_in(c.expression))))
            for c in self.computed.values()
        )

    def _categories(self, call: Call) -> _Factor:
        (inner,) = _one_argument(call)
        options = {name: option.value for name, option in call.options}
        if odd := sorted(set(options) - {"ref", "coding"}):
            raise InputError(f"{call}: C() has no option {odd[0]!r}; it has ref and coding.")
        coding, reference = options.get("coding", "treatment"), options.get("ref")
        if coding not in ("treatment", "sum"):
            raise InputError(f"{call}: coding must be 'treatment' or 'sum'.")
        if reference is not None and coding == "sum":
            raise InputError(f"{call}: with coding='sum' there is no reference level. Remove ref.")
        before = {*self.variables}
        if isinstance(inner, Named) and inner.name not in self.numeric:
            find_column(self.source, inner.name, "a variable of the formula")
            self.source = self.source.read_as({inner.name: "text"})
            name = self._variable(inner.name)
        elif isinstance(inner, Named):
            name = self._text(f"C({inner})", inner)
        else:
            check(inner)
            self._check_numbers(inner)
            name = self._text(str(inner) if str(inner) not in self.numeric else f"C({inner})", inner)
        if name in before and name not in self.given and coding == "sum":
            raise InputError(f"The formula has {name} with a reference level, and {call}. Use one of them.")
        if self.given.setdefault(name, call) != call:
            raise InputError(f"{self.given[name]} and {call} code one column in two ways. Use one of them.")
        chosen: Coding = "sum" if coding == "sum" else "treatment"
        variable = replace(self.variables[name], coding=chosen)
        if reference is not None:
            variable = replace(variable, wanted=str(call.given["ref"].value))
        self.variables[name] = variable
        return _Factor(name, (Levels(name),))

    def _variable(self, name: str) -> str:
        """Take a column of the table as it is."""
        if name in self.variables:
            return name
        column = find_column(self.source, name, "a variable of the formula")
        if column.doubtful:
            self.source = self.source.settled([name])
        variable = variable_of(self.source, self.source.by_name[name])
        self.variables[name] = variable
        return name

    def _number(self, expression: Expression) -> str:
        """Take an expression as a variable that is a number."""
        if isinstance(expression, Named):
            name = self._variable(expression.name)
            self._check_numbers(expression)
            return name
        check(expression)
        self._check_numbers(expression)
        if kind(expression) == "text" or len(labels(expression)) > 1:
            raise InputError(f"{expression} is not one column of numbers.")
        self._add(Computed(str(expression), expression), Variable(str(expression), "number"))
        return str(expression)

    def _text(self, name: str, expression: Expression) -> str:
        """Take an expression as a variable whose values are levels."""
        column = ComputedSource(self.source, [Computed(name, expression, text=True)]).by_name[name]
        self._add(Computed(name, expression, text=True), Variable(name, "text", (), True, column.levels))
        return name

    def _add(self, computed: Computed, variable: Variable) -> None:
        if computed.name in self.source.by_name:
            raise TableError(f"The formula computes {computed.name!r}, which is a column of the table too. Rename it.")
        self.computed.setdefault(computed.name, computed)
        self.variables.setdefault(variable.name, variable)

    def _powers(self, expression: Expression) -> dict[str, int] | None:
        """Return an expression as a product of powers of number columns, if it is one that need not be rounded."""
        if (powers := exact_powers(expression)) is None:
            return None
        self._check_numbers(expression)
        for name in powers:
            self._variable(name)
        return powers

    def _check_numbers(self, expression: Expression) -> None:
        """Refuse columns of text where numbers are computed."""
        doubtful = [n for n in read_as_numbers(expression) if self.source.by_name[n].doubtful]
        self.source = self.source.settled(doubtful) if doubtful else self.source
        check_numbers(self.source, expression)


def _single(name: str) -> Monomial:
    return Monomial(name, ((name, 1),))


def _one_argument(call: Call) -> tuple[Expression]:
    if len(call.arguments) != 1:
        remedy = " Write C(a, ref='red') or C(a, coding='sum')." * (call.function == "C")
        raise InputError(f"{call.function}() takes one column or expression; {call} has {len(call.arguments)}.{remedy}")
    return (call.arguments[0],)


def _inner(expression: Expression) -> Expression:
    """Return what stands in I(), or the expression itself."""
    return _one_argument(expression)[0] if isinstance(expression, Call) and expression.function == "I" else expression


def _is_true(call: Call, option: str) -> bool:
    return option in call.given and call.given[option].value is True
