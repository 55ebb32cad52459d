"""How expressions of a formula use the columns of a table: as numbers, as powers of numbers, or as text."""

from collections.abc import Iterator, Sequence

from regress.design.formula.calendar import PARTS
from regress.design.formula.expression import (
    COMPARISONS,
    Call,
    Expression,
    Literal,
    Named,
    Operation,
    names_in,
    parts_of,
)
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.numerics.expansions import LONGEST
from regress.sources.base import Source
from regress.sources.find import find_column


def exact_powers(expression: Expression) -> dict[str, int] | None:
    """Return an expression as a product of powers of columns, if it is one that need not be rounded.

    Examples
    --------
    >>> from regress.design.formula.factors import parse_expression
    >>> exact_powers(parse_expression("x * y ** 2")), exact_powers(parse_expression("x + y"))
    ({'x': 1, 'y': 2}, None)
    """
    powers = _powers(expression)
    return None if not powers or sum(powers.values()) > LONGEST else powers


def _powers(expression: Expression) -> dict[str, int] | None:
    match expression:
        case Named(name):
            return {name: 1}
        case Operation("*", left, right):
            one, other = _powers(left), _powers(right)
            return (
                None if one is None or other is None else {n: one.get(n, 0) + other.get(n, 0) for n in {**one, **other}}
            )
        case Operation("**", left, Literal(int() as power)) if 1 <= power <= LONGEST:
            of_left = _powers(left)
            return None if of_left is None else {name: power * of_one for name, of_one in of_left.items()}
    return None


def used_as_numbers(source: Source, products: Sequence[Sequence[Expression]]) -> set[str]:
    """Return the columns, and expressions as text, that terms use as numbers."""
    found = set[str]()
    for factor in (factor for of_term in products for factor in of_term):
        if isinstance(factor, Call) and factor.function == "C":
            found |= {name for a in factor.arguments if not isinstance(a, Named) for name in read_as_numbers(a)}
        elif not isinstance(factor, Named):
            found |= {*read_as_numbers(factor), str(factor)}
        elif factor.name in source.by_name and source.by_name[factor.name].kind != "text":
            found.add(factor.name)
    return found


def read_as_numbers(expression: Expression) -> Iterator[str]:
    """Yield the columns of an expression whose numbers it needs."""
    match expression:
        case Named(name):
            yield name
        case Operation(operator, Named(), Literal(str())) | Operation(operator, Literal(str()), Named()):
            if operator not in COMPARISONS:
                raise InputError(f"{expression} is not arithmetic of numbers.")
        case Call("missing", (Named(),), _):
            pass
        case _:
            for part in parts_of(expression):
                yield from read_as_numbers(part)


def check_columns(source: Source, expression: Expression) -> None:
    """Refuse an expression of columns that a table does not have."""
    for name in names_in(expression):
        find_column(source, name, "a variable of the formula")


def check_numbers(source: Source, expression: Expression) -> None:
    """Refuse columns of text where numbers are computed.

    Raises
    ------
    TableError
        The first of them, or one that the table does not have.
    """
    for name in read_as_numbers(expression):
        column = find_column(source, name, "a variable of the formula")
        if column.kind in ("text", "unusable"):
            why = "is text, not numbers" if column.kind == "text" else "cannot be used as it is"
            so = "" if isinstance(expression, Named) else f", so {expression} cannot be computed"
            raise TableError(f"Column {name!r} of {source.label} {why}{so}.{' ' * bool(column.hint)}{column.hint}")
    for call in _date_parts(expression):
        for name in names_in(call):
            if source.by_name[name].kind not in ("date", "moment"):
                remedy = setting("date_format", {name: "%Y%m%d"})
                raise TableError(
                    f"Column {name!r} of {source.label} holds no dates, so {call} cannot be computed. "
                    f"If it holds dates such as 20240301, pass {remedy}."
                )


def _date_parts(expression: Expression) -> Iterator[Call]:
    """Yield the calls that take a part of a column of dates."""
    if isinstance(expression, Call) and expression.function in PARTS and isinstance(expression.arguments[0], Named):
        yield expression
    for part in parts_of(expression):
        yield from _date_parts(part)
