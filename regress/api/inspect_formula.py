"""What a formula makes of the columns of a table, seen before any fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from math import prod

from regress.api.inspect_columns import Levels, Numbers
from regress.api.read import with_target
from regress.design.formula.computed import ComputedSource
from regress.design.formula.expression import Named, names_in
from regress.design.formula.functions import calls_that_learn
from regress.design.terms import Computed, Design, Monomial, Term
from regress.records import NO_DATES, FormulaRecord, known
from regress.sources.base import Source

Summaries = Mapping[str, Levels | Numbers]


@dataclass(frozen=True, slots=True)
class PlannedFormula:
    """A formula, the table with the columns that it computes, and its design, whose levels are not known."""

    target: str | None
    source: Source
    design: Design

    @classmethod
    def of(cls, source: Source, target: str | None, text: str) -> "PlannedFormula":
        """Plan a formula.

        Raises
        ------
        InputError
            If it cannot be read, or the table does not have its columns.
        """
        from regress.design.formula.parser import parse_formula
        from regress.design.formula.plan import formula_plan

        source, design = formula_plan(with_target(source, text), parse_formula(text), exclude=[target])
        return cls(target, source, design)

    @property
    def base(self) -> Source:
        """The table itself, read as the formula needs it."""
        return self.source.base if isinstance(self.source, ComputedSource) else self.source

    @property
    def readable(self) -> tuple[str, ...]:
        """The computed columns that need no first pass."""
        return tuple(c.name for c in self.design.computed if not any(calls_that_learn(c.expression)))

    @property
    def used(self) -> set[str]:
        """The columns of the table that are read."""
        computed = {c.name: c for c in self.design.computed}
        names = {*self.design.columns, *([] if self.target is None else [self.target])}
        return set(chain(*(names_in(computed[n].expression) if n in computed else (n,) for n in names)))

    def records(self, seen: Summaries) -> tuple[FormulaRecord, ...]:
        """Return what the terms become, given what the columns hold."""
        found = {name: levels.found for name, levels in seen.items() if isinstance(levels, Levels)}
        design = self.design
        if all(found.get(v.name) for v in design.texts):
            design = design.with_levels({v.name: dict.fromkeys(found[v.name], 1.0) for v in design.texts})
        computed = {c.name: c for c in design.computed}
        return tuple(_record(term, design, computed, seen) for term in design.terms)

    def undefined(self, seen: Summaries) -> bool:
        """Tell whether an expression has no value in some rows, as the logarithm of 0."""
        return any(seen[c.name].finish().missing for c in self.design.computed if c.name in seen)


def _record(term: Term, design: Design, computed: Mapping[str, Computed], seen: Summaries) -> FormulaRecord:
    """Return what one term becomes."""
    variables = {variable.name: variable for variable in design.variables}
    numbers = Monomial("", tuple(term.powers.items()))
    texts = [variables[part.variable] for part in term.texts]
    levels = prod(len(variables[part.variable].coded_levels(part.all_levels)) for part in term.texts)
    names = [*(name for name, power in numbers.powers for _ in range(power)), *(v.name for v in texts)]
    report = seen[names[0]].finish() if len(names) == 1 and names[0] in seen else None
    return FormulaRecord(
        name=term.name({variable.name: "…" for variable in texts}),
        term=term.label,
        kind="number" if not texts else "levels" if not numbers.powers else "number × levels",
        columns=levels,
        computed=" × ".join([*_factors(numbers, computed), *(f"levels of {v.name}" for v in texts)]),
        references=tuple(v.reference for v in texts if v.reference is not None),
        missing=None if report is None else report.missing,
        low=None if report is None else known(report.low),
        high=None if report is None else known(report.high),
        dates=NO_DATES if report is None else report.dates,
    )


def _factors(numbers: Monomial, computed: Mapping[str, Computed]) -> Iterator[str]:
    """Yield the factors of a product of powers, as a formula writes them."""
    for name, power in numbers.powers:
        text = str(computed[name].expression if name in computed else Named(name))
        if name in computed and any(calls_that_learn(computed[name].expression)):
            text += " after a first pass"
        yield text if power == 1 else f"{text} ** {power}"
