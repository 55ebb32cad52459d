"""What an expression of a formula amounts to in some rows. A row has the same bits in any block and on any CPU."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from regress.blocks import Array
from regress.design.formula.expression import ARITHMETIC, Call, Expression, Literal, Named, Negative, Operation
from regress.design.formula.functions import Learned, compared_text, function_of, settings
from regress.numerics.elementary import power


def _power(base: Array, exponent: Array) -> Array:
    base, exponent = np.broadcast_arrays(base, exponent)
    return np.where(exponent == 2.0, base * base, power(base, exponent))


_OPERATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": _power,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


class Values(Protocol):
    """The columns of some rows."""

    def numbers(self, name: str) -> Array:
        """Return a column as numbers, NaN where missing: booleans as 1 and 0, dates as days since 1970-01-01."""
        ...

    def equals(self, name: str, text: str) -> Array:
        """Return 1 where a column of text has this text, 0 where it has another, NaN where missing."""
        ...

    def missing(self, name: str) -> Array:
        """Return 1 where a column of any type is missing, else 0."""
        ...


def evaluate(expression: Expression, values: Values, learned: Mapping[str, Learned]) -> Array:
    """Return what an expression that `check` accepts amounts to: (rows,), or (k, rows) if it has several columns.

    A result that is infinite or undefined, and any that needs a missing number, is NaN. `learned` has what a learner
    found, by the text of the call.
    """
    with np.errstate(all="ignore"):
        return _value(expression, values, learned)


def _value(expression: Expression, values: Values, learned: Mapping[str, Learned]) -> Array:
    """Return an expression's value; that of a literal has one row."""
    match expression:
        case Named(name):
            return _defined(np.asarray(values.numbers(name), np.float64))
        case Literal(int() | float() as number):
            return np.array([number], dtype=np.float64)
        case Negative(operand):
            return _defined(-_value(operand, values, learned))
        case Operation():
            return _operation(expression, values, learned)
        case Call("missing", (Named(name),), _):
            return values.missing(name)
        case Call(_, arguments, _):
            x = _value(arguments[0], values, learned)
            return _defined(function_of(expression).compute(x, settings(expression), learned.get(str(expression), ())))
    raise ValueError(f"{expression} is not a number")


def _operation(operation: Operation, values: Values, learned: Mapping[str, Learned]) -> Array:
    text = compared_text(operation)
    if text is not None:
        equal = values.equals(*text)
        return equal if operation.operator == "==" else 1.0 - equal
    left, right = (_value(side, values, learned) for side in (operation.left, operation.right))
    result = _OPERATIONS[operation.operator](left, right)
    if operation.operator in ARITHMETIC:
        return _defined(result)
    return np.where(np.isnan(left) | np.isnan(right), np.nan, result)


def _defined(result: Array) -> Array:
    finite = np.isfinite(result)
    return result if finite.all() else np.where(finite, result, np.nan)
