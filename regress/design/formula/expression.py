"""Expressions of a formula: what is computed from columns of the table, as plain data. Nothing here is executed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

ARITHMETIC = ("+", "-", "*", "/", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CONSTANTS = {"True": True, "False": False}
SIGN = 4  # how strongly a minus in front of an expression binds: more than *, less than **
BINDING = {**dict.fromkeys(COMPARISONS, 1), "+": 2, "-": 2, "*": 3, "/": 3, "**": 5}


@dataclass(frozen=True, slots=True)
class Named:
    """A column of the table."""

    name: str

    def __str__(self) -> str:
        if self.name.isidentifier() and self.name not in CONSTANTS:
            return self.name
        return f"`{self.name.replace('`', '``')}`"


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true or false, or a list of these; `text` is a number as it is written."""

    value: "float | int | bool | str | tuple[Literal, ...]"
    text: str = ""

    def __str__(self) -> str:
        if isinstance(self.value, tuple):
            return f"[{', '.join(map(str, self.value))}]"
        return self.text or repr(self.value)


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions and what stands between them: one of `ARITHMETIC` or `COMPARISONS`."""

    operator: str
    left: "Expression"
    right: "Expression"

    def __str__(self) -> str:
        binding = BINDING[self.operator]
        # A chain is read from the left, but a power from the right, where a minus may stand too: a ** -b ** c.
        left = _within(self.left, binding + (self.operator in (*COMPARISONS, "**")))
        right = _within(self.right, SIGN if self.operator == "**" else binding + 1)
        return f"{left} {self.operator} {right}"


@dataclass(frozen=True, slots=True)
class Negative:
    """An expression with the other sign."""

    operand: "Expression"

    def __str__(self) -> str:
        return f"-{_within(self.operand, SIGN)}"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of expressions, and its options, which are literals; one of the list in `functions`."""

    function: str
    arguments: "tuple[Expression, ...]"
    options: tuple[tuple[str, Literal], ...] = ()

    def __str__(self) -> str:
        options = [f"{name}={value}" for name, value in self.options]
        return f"{self.function}({', '.join([*map(str, self.arguments), *options])})"

    @property
    def given(self) -> dict[str, Literal]:
        """The options by name."""
        return dict(self.options)


Expression: TypeAlias = Named | Literal | Operation | Negative | Call


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions that an expression is made of, one level down."""
    match expression:
        case Operation(_, left, right):
            return left, right
        case Negative(operand):
            return (operand,)
        case Call(_, arguments, _):
            return arguments
    return ()


def without_inner_i(expression: Expression) -> Expression:
    """Return an expression without I() inside of others, where arithmetic needs none.

    Examples
    --------
    >>> x = Named("x")
    >>> str(without_inner_i(Call("log", (Call("I", (x,)),)))), str(without_inner_i(Call("I", (x,))))
    ('log(x)', 'I(x)')
    """

    def inner(part: Expression) -> Expression:
        part = without_inner_i(part)
        return (
            part.arguments[0] if isinstance(part, Call) and part.function == "I" and len(part.arguments) == 1 else part
        )

    match expression:
        case Operation(operator, left, right):
            return Operation(operator, inner(left), inner(right))
        case Negative(operand):
            return Negative(inner(operand))
        case Call(function, arguments, options):
            return Call(function, tuple(map(inner, arguments)), options)
    return expression


def names_in(expression: Expression) -> Iterator[str]:
    """Yield the columns that an expression reads, in order, each as often as it stands there."""
    if isinstance(expression, Named):
        yield expression.name
    for part in parts_of(expression):
        yield from names_in(part)


def _binding(expression: Expression) -> int:
    match expression:
        case Operation(operator, _, _):
            return BINDING[operator]
        case Negative():
            return SIGN
        case Literal() if str(expression)[0] == "-":
            return SIGN
    return SIGN + 2


def _within(expression: Expression, least: int) -> str:
    """Return an expression as text, in parentheses if it binds less than what stands around it."""
    return str(expression) if _binding(expression) >= least else f"({expression})"
