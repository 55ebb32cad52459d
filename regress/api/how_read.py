"""How the rows of moments were read, and of which parts they are: what decides whether they may be merged."""

from dataclasses import dataclass, fields

from regress.errors import InputError
from regress.messages import setting
from regress.options import Missing, WeightType
from regress.records import Count, Name, NotNegative
from regress.sources.base import ColumnKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TermKind:
    """A column of the table, what it is, and the order of its levels where the table gives one."""

    name: Name
    kind: ColumnKind
    order: tuple[Name, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HowRead:
    """How rows were read: what must be the same where sums merge."""

    target: Name
    weights: Name | None
    weighted: bool
    weight_type: WeightType
    missing: Missing
    test_size: NotNegative
    split_key: Name | None
    random_state: int
    max_categories: Count
    terms: tuple[TermKind, ...]


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


def check_alike(one: HowRead, other: HowRead, labels: tuple[str, str]) -> None:
    """Refuse to merge moments that were made in different ways.

    Raises
    ------
    InputError
        If something differs; the message says what.
    """
    mine, theirs = labels
    for name in (f.name for f in fields(HowRead) if f.name != "terms"):
        here, there = getattr(one, name), getattr(other, name)
        if here != there and name != "max_categories":
            raise InputError(
                f"{mine} and {theirs} differ in {name}: {here!r} and {there!r}. Make both in the same way."
            )
    kinds, others = ({term.name: term for term in how.terms} for how in (one, other))
    if odd := sorted(set(kinds) ^ set(others)):
        raise InputError(
            f"{mine} and {theirs} have different columns ({odd[0]!r} is in only one of them). "
            f"Make both with the same {setting('features')}."
        )
    for name, term in kinds.items():
        if term.kind != others[name].kind:
            raise InputError(
                f"Column {name!r} is {term.kind} in {mine} and {others[name].kind} in {theirs}. "
                f"Make both with {setting('categorical', [name])}."
            )
        if term.order != others[name].order:
            raise InputError(f"The categories of {name!r} have another order in {theirs} than in {mine}.")
