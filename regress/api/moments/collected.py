"""The columns of X that sums over rows may have, while the levels of a design are open."""

from collections.abc import Mapping
from math import prod

from regress.design.columns import LOWER
from regress.design.terms import Design, Levels, Monomial, Term

_MARK = 24  # bytes of the name of a lower part, beyond that of its column


class Collected:
    """The columns that the terms of a design have, for levels that rows were counted of; lower parts too.

    Parameters
    ----------
    design : Design
        Its levels may be open.
    counted : mapping
        Rows of each level, by variable: one or more of these.
    """

    def __init__(self, design: Design, *counted: Mapping[str, Mapping[str, float]]) -> None:
        self._levels: dict[str, set[str]] = {
            variable.name: {level for counts in counted for level, n in counts.get(variable.name, {}).items() if n}
            for variable in design.texts
        }
        self._lengths = {name: {len(level) for level in levels} for name, levels in self._levels.items()}
        self._terms = design.terms
        self._alone = {
            f"{part.variable}={level}": term
            for term in design.terms
            for part in term.texts
            if len(term.parts) == 1
            for level in self._levels[part.variable]
        }
        self._fixed = {term.name({}): term for term in design.terms if not term.texts} | self._alone
        self._products = [term for term in design.terms if term.texts and len(term.parts) > 1]

    @property
    def most(self) -> int:
        """The number of columns, if all levels of a term turn up together."""
        return sum(map(self._count, self._terms))

    @property
    def bytes(self) -> int:
        """What their names take at most."""
        return sum(self._count(term) * (_MARK + sum(map(self._longest, term.parts))) for term in self._terms)

    @property
    def alone(self) -> set[str]:
        """Those that are one level each: rows of a level have its column."""
        return set(self._alone)

    def __contains__(self, name: str) -> bool:
        if self._terms_of(name):
            return True
        upper, _, k = name.rpartition(LOWER)
        return any(k in map(str, range(1, term.lower_parts + 1)) for term in self._terms_of(upper))

    def _terms_of(self, name: str) -> list[Term]:
        """Return the terms that have a column of this name."""
        if name in self._fixed:
            return [self._fixed[name]]
        return [term for term in self._products if self._spells(term, name)]

    def _spells(self, term: Term, name: str) -> bool:
        """Tell whether the parts of a term, with some levels, one after the other are a name."""
        ends = {-1}
        for k, part in enumerate(term.parts):
            starts = {end + 1 for end in ends if not k or name.startswith(":", end)}
            if isinstance(part, Monomial):
                ends = {at + len(part.name) for at in starts if name.startswith(part.name, at)}
                continue
            mark, levels = f"{part.variable}=", self._levels[part.variable]
            starts = {at + len(mark) for at in starts if name.startswith(mark, at)}
            lengths = self._lengths[part.variable]
            ends = {at + length for at in starts for length in lengths if name[at : at + length] in levels}
        return len(name) in ends

    def _count(self, term: Term) -> int:
        return prod(len(self._levels[part.variable]) for part in term.texts) * (1 + term.lower_parts)

    def _longest(self, part: Monomial | Levels) -> int:
        """Return the bytes of a part of a name at most."""
        if isinstance(part, Monomial):
            return 1 + len(part.name.encode())
        levels = (len(level.encode()) for level in self._levels[part.variable])
        return 2 + len(part.variable.encode()) + max(levels, default=0)
