"""Expressions as the parser makes them, and columns as a source has them."""

from collections.abc import Iterable

import numpy as np

from regress.blocks import Array
from regress.design.formula.evaluate import evaluate
from regress.design.formula.expression import Call, Expression, Literal, Named
from regress.design.formula.functions import Learned, calls_that_learn, check
from regress.design.formula.learned import learner

X = Named("x")


def literal(value: object) -> Literal:
    if isinstance(value, list):
        return Literal(tuple(map(literal, value)))
    assert isinstance(value, int | float | str)
    return Literal(value)


def call(function: str, *arguments: object, **options: object) -> Call:
    """Return a call of column x, with more arguments and options as literals."""
    return Call(
        function, (X, *map(literal, arguments)), tuple((name, literal(value)) for name, value in options.items())
    )


class Columns:
    """Columns of numbers or text by name, None or NaN where missing."""

    def __init__(self, **columns: Iterable[object]) -> None:
        self._columns = {name: list(column) for name, column in columns.items()}
        self._numbers = {name: column for name, column in columns.items() if isinstance(column, np.ndarray)}

    def numbers(self, name: str) -> Array:
        return self._numbers[name] if name in self._numbers else np.array(self._columns[name], dtype=np.float64)

    def equals(self, name: str, text: str) -> Array:
        return np.array([np.nan if value is None else float(value == text) for value in self._columns[name]])

    def missing(self, name: str) -> Array:
        return np.array([float(value is None or value != value) for value in self._columns[name]])


def learned(expression: Expression, x: Array, weights: Array | None = None) -> dict[str, Learned]:
    """Return what the calls of an expression find in column x."""
    found = {}
    for each in calls_that_learn(expression):
        learns = learner(each)
        learns.add(evaluate(each.arguments[0], Columns(x=x), {}), weights)
        found[str(each)] = learns.finish()
    return found


def computed(expression: Expression, x: Array, train: Array | None = None) -> Array:
    """Return what an expression of column x amounts to, after its calls have seen the training rows."""
    check(expression)
    return evaluate(expression, Columns(x=x), learned(expression, x if train is None else train))
