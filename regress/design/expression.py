"""Expressions of a formula: what is computed from columns of the table, as plain data. Nothing here is executed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

ARITHMETIC = ("+", "-", "*", "/", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Named:
    """A column of the table."""

    name: str

    def __str__(self) -> str:
        return self.name if self.name.isidentifier() else f"`{self.name}`"


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
        return f"{_inner(self.left)} {self.operator} {_inner(self.right)}"


@dataclass(frozen=True, slots=True)
class Negative:
    """An expression with the other sign."""

    operand: "Expression"

    def __str__(self) -> str:
        return f"-{_inner(self.operand)}"


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


def names_in(expression: Expression) -> Iterator[str]:
    """Yield the columns that an expression reads, in order, each as often as it stands there."""
    match expression:
        case Named(name):
            yield name
        case Operation(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Negative(operand):
            yield from names_in(operand)
        case Call(_, arguments, _):
            for argument in arguments:
                yield from names_in(argument)
        case Literal():
            pass


def _inner(expression: Expression) -> str:
    return f"({expression})" if isinstance(expression, Operation | Negative) else str(expression)
