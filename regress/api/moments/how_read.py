"""How the rows of moments were read, and of which parts they are: what decides whether they may be merged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from regress.aggregates.account import Tally
from regress.aggregates.part_sums import PartSums
from regress.aggregates.totals_bytes import to_bytes
from regress.design.terms import Design
from regress.design.variables import Variable
from regress.errors import InputError
from regress.messages import setting
from regress.options import Missing, WeightType
from regress.records import Count, Name, NotNegative
from regress.sources.base import Column, ColumnKind, Source
from regress.sources.summed import SummedSource

EMPTY = ""  # the identity of a part without rows
_KINDS = {"number": "numbers", "boolean": "true and false", "date": "dates", "text": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermKind:
    """A column of the table that is read, what it is, and the order of its levels where the table gives one."""

    name: Name
    kind: ColumnKind
    order: tuple[Name, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HowRead:
    """How rows were read: what must be the same where sums merge.

    A formula is a sum of products, which names its target.
    """

    target: Name
    weights: Name | None
    weighted: bool
    weight_type: WeightType
    missing: Missing
    test_size: NotNegative
    split_key: Name | None
    random_state: int
    max_categories: Count
    as_written: bool
    formula: str
    terms: tuple[TermKind, ...]

    def design(self, wanted: Mapping[str, str] | Sequence[str] | None = None) -> Design:
        """Return the design, whose levels are not known: that of the formula, or each column as a term.

        A formula may be given reference levels.

        Raises
        ------
        InputError
            If the formula cannot be one of these columns, or one with a reference level is not text.
        """
        return _planned(self.formula, self.terms, wanted) if wanted else _open(self.formula, self.terms)

    @property
    def intercept(self) -> bool:
        """Whether a formula has an intercept; true without one."""
        from regress.design.formula.parser import parse_formula

        return not self.formula or parse_formula(self.formula).intercept

    @property
    def texts(self) -> list[str]:
        """The variables that are text."""
        return [variable.name for variable in self.design().texts]

    @property
    def booleans(self) -> list[str]:
        """The variables that are true and false."""
        return [variable.name for variable in self.design().variables if variable.kind == "boolean"]


@lru_cache(maxsize=8)
def _open(formula: str, terms: tuple[TermKind, ...]) -> Design:
    """Return the design of a formula: the same for all parts that merge."""
    return _planned(formula, terms, None)


def _planned(formula: str, terms: tuple[TermKind, ...], wanted: Mapping[str, str] | Sequence[str] | None) -> Design:
    if not formula:
        return Design.of([Variable(t.name, t.kind, (), t.kind == "text", t.order) for t in terms])
    from regress.design.formula.parser import parse_formula
    from regress.design.formula.plan import formula_plan, target_of

    parsed = parse_formula(formula)
    columns = [Column(t.name, t.kind, levels=t.order, settled=True) for t in terms]
    source: Source = SummedSource("the table", columns)
    source = source if parsed.target is None else target_of(source, parsed.target)
    return formula_plan(source, parsed, wanted=wanted)[1]


class Account(NamedTuple):
    """What moments are called, how their rows were read, and where the rows went."""

    label: str
    read: HowRead
    tally: Tally

    def blank(self, name: str) -> bool:
        """Tell whether a column has no value, so that what it holds is not known."""
        return self.tally.missing_cells[name] == self.tally.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsPart:
    """One of the parts that moments were merged of: the hash of its totals, where it came from, and its rows.

    `sign` is −1 where it was subtracted.
    """

    identity: str
    source: str
    read_as: str
    rows: Count
    used: Count
    sign: int


def identity(sums: PartSums) -> str:
    """Return the hash of totals, which tells rows from others; "" where there are none."""
    return identity_of(to_bytes(sums.training), to_bytes(sums.held_out.exact()), sums.tally)


def identity_of(training: bytes, held_out: bytes, tally: Tally) -> str:
    """Return the same of totals as bytes."""
    return sha256(training + held_out).hexdigest() if tally.used + tally.held_out else EMPTY


class Parts:
    """Parts that were added and subtracted. One that was both is neither."""

    def __init__(self, parts: Iterable[MomentsPart]) -> None:
        self._held: dict[tuple[str, Count, int], list[MomentsPart]] = {}
        for part in parts:
            self.add(part)

    def add(self, part: MomentsPart) -> MomentsPart | None:
        """Add a part; return another that has the same rows, if there are rows."""
        opposite = self._held.get((part.identity, part.rows, -part.sign))
        if opposite:
            opposite.pop()
            return None
        twins = self._held.setdefault((part.identity, part.rows, part.sign), [])
        twins.append(part)
        return twins[0] if len(twins) > 1 and part.identity != EMPTY else None

    def holds(self, part: MomentsPart) -> bool:
        """Tell whether a part, or another with the same rows, is among them; one without rows always is."""
        return part.identity == EMPTY or bool(self._held.get((part.identity, part.rows, part.sign)))

    def all(self) -> tuple[MomentsPart, ...]:
        """Return the parts."""
        return tuple(part for twins in self._held.values() for part in twins)


def joined(one: Account, other: Account) -> HowRead:
    """Return how the rows of two moments were read, which must be the same way.

    A column without a value in one of them is what it is in the other.

    Raises
    ------
    InputError
        If something differs; the message names it.
    """
    mine, theirs = one.label, other.label
    if mine == theirs:
        mine, theirs = f"one part ({mine})", f"another ({theirs})"
    for name in (f.name for f in fields(HowRead) if f.name != "terms"):
        here, there = getattr(one.read, name), getattr(other.read, name)
        if here != there and name != "max_categories":
            raise InputError(
                f"{mine} and {theirs} differ in {name}: {here!r} and {there!r}. Make both in the same way."
            )
    kinds, others = ({term.name: term for term in how.terms} for how in (one.read, other.read))
    if odd := sorted(set(kinds) ^ set(others)):
        raise InputError(
            f"{mine} and {theirs} have different columns ({odd[0]!r} is in only one of them). "
            f"Make both with the same {setting('features')}."
        )
    terms = []
    for name, term in kinds.items():
        also = others[name]
        if one.blank(name) or other.blank(name):
            known = [t for t, account in ((term, one), (also, other)) if not account.blank(name)] or [term, also]
            terms.append(max(known, key=lambda t: (list(_KINDS).index(t.kind), t.order or ())))
            continue
        if term.kind != also.kind:
            remedy = "Write it in the same way in both"
            if "text" in (term.kind, also.kind):
                remedy = f"Make both with {setting('categorical', [name])}"
            raise InputError(
                f"Column {name!r} holds {_KINDS[term.kind]} in {mine}, and {_KINDS[also.kind]} in {theirs}. {remedy}."
            )
        if term.order != also.order:
            raise InputError(
                f"{mine} and {theirs} differ in the order of the categories of {name!r}. Use the same dtype in both."
            )
        terms.append(term)
    most = max(one.read.max_categories, other.read.max_categories)
    return replace(one.read, terms=tuple(terms), max_categories=most)
