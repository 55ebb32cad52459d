"""Steps of a scikit-learn Pipeline for variables: levels of text, numbers, and what expressions make of numbers.

A stored Pipeline must not need this package. So the steps apply functions of NumPy, and methods of arrays and frames.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import methodcaller
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.design.formula.evaluate import evaluate
from regress.design.formula.expression import (
    COMPARISONS,
    Call,
    Expression,
    Named,
    Negative,
    Operation,
    names_in,
    parts_of,
)
from regress.design.formula.functions import compared_text, settings
from regress.design.formula.splines import padded
from regress.design.terms import Computed
from regress.design.variables import Variable
from regress.errors import InputError

# How cells of a frame become levels: as text, no blanks around them, 1.0 is 1, True is true.
_SPELLINGS = {r"^\s+|\s+$": "", r"^([+-]?[0-9]+)\.0+$": r"\1", r"(?i)^true$": "true", r"(?i)^false$": "false"}
_SAME = ("log", "log2", "log10", "log1p", "exp", "sqrt", "abs", "sign")  # functions that NumPy has by this name
_OPERATIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "+": ("add", np.add.reduce),
    "-": ("sub", np.subtract.reduce),
    "*": ("mul", np.multiply.reduce),
    "/": ("truediv", np.divide.reduce),
    "**": ("pow", np.power.reduce),
}
_COMPARED = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__", "==": "__eq__", "!=": "__ne__"}
_REASONS = {
    "ns": "scikit-learn has no natural splines",
    "poly": "scikit-learn has no orthogonal polynomials",
    "fourier": "scikit-learn has no Fourier terms",
    "cut": "scikit-learn has no intervals with these levels",
    "missing": "a Pipeline refuses missing cells",
}


def refused(what: object, why: str) -> InputError:
    """Return the error of what a Pipeline cannot hold."""
    return InputError(f"to_sklearn cannot export {what}: {why}. Predict with the model itself.")


def levels_step(variable: Variable, drop: str | None) -> Any:
    """Return the step from cells of text to indicators of levels; with sum coding those of differences follow."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    as_text, as_levels = _method("astype", "str"), _function(methodcaller("replace", regex=_SPELLINGS))
    encoder = OneHotEncoder(categories=[list(variable.levels)], drop=drop, sparse_output=False)
    if variable.coding == "treatment":
        return make_pipeline(as_text, as_levels, encoder)
    n = len(variable.levels)
    differences = np.eye(n)[:, :-1] - np.eye(n)[:, -1:]
    coded = _function(np.dot, b=np.hstack([np.eye(n), differences]))
    return make_pipeline(as_text, as_levels, encoder, coded)


def column_of_levels(variable: Variable, computed: Computed | None) -> str:
    """Return the column of the table whose cells are the levels of a variable.

    Raises
    ------
    InputError
        If they are computed from numbers.
    """
    if computed is None:
        return variable.name
    if isinstance(computed.expression, Named):
        return computed.expression.name
    function = computed.expression.function if isinstance(computed.expression, Call) else ""
    raise refused(variable.name, _REASONS.get(function, "its levels are computed from numbers"))


def numbers_step(variable: Variable, computed: Computed | None, columns: Sequence[str], fill: float | None) -> Any:
    """Return the step from columns of a frame to a number variable; missing numbers are filled, or refused.

    Raises
    ------
    InputError
        If scikit-learn has nothing that computes it.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    steps = [_method("astype", "float64"), _function(np.asarray if fill is not None else np.asarray_chkfinite)]
    if computed is not None:
        if fill is not None and any(isinstance(part, Operation) for part in _all_parts(computed.expression)):
            raise refused(variable.name, "its missing values are filled after it is computed")
        steps.append(_Steps(columns, computed, finite=fill is None).of(computed.expression))
    if fill is not None:
        steps.append(SimpleImputer(strategy="constant", fill_value=fill))
    return make_pipeline(*steps)


def _all_parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for part in parts_of(expression):
        yield from _all_parts(part)


class _Steps:
    """Makes steps from an array of columns to what a computed variable is; values are `finite`, or refused."""

    def __init__(self, columns: Sequence[str], computed: Computed, *, finite: bool) -> None:
        self._columns, self._place, self._learned = list(columns), computed.place, dict(computed.learned)
        self._check = np.asarray_chkfinite if finite else np.asarray

    def of(self, expression: Expression) -> Any:
        """Return the step of an expression: one column."""
        match expression:
            case Named(name):
                return _function(np.take, indices=[self._columns.index(name)], axis=1)
            case Negative(operand):
                return self._after(operand, _function(np.negative))
            case Operation():
                return self._operation(expression)
            case Call("center", (argument,)):
                return self._after(argument, _method("__sub__", *self._learned[str(expression)]))
            case Call("scale", (argument,)):
                mean, spread = self._learned[str(expression)]
                return self._after(argument, _method("__sub__", mean), _method("__truediv__", spread))
            case Call("bs", (argument,)):
                return self._after(argument, *self._splines(expression))
            case Call(function, (argument,)) if function in _SAME:
                return self._after(argument, _function(getattr(np, function)))
            case Call(function):
                raise refused(expression, _REASONS.get(function, "scikit-learn has no parts of dates"))
        raise refused(expression, "it reads no column")

    def _after(self, inner: Expression, *steps: Any) -> Any:
        from sklearn.pipeline import make_pipeline

        return make_pipeline(self.of(inner), *steps, _function(self._check))

    def _operation(self, operation: Operation) -> Any:
        """Return the step of an operation, with a constant or between columns."""
        from sklearn.pipeline import make_pipeline, make_union

        operator, left, right = operation.operator, operation.left, operation.right
        if compared_text(operation):
            raise refused(operation, "scikit-learn has no comparison of text")
        if operator in COMPARISONS:
            return self._comparison(operator, left, right)
        name, reduce = _OPERATIONS[operator]
        if not any(names_in(right)):
            return self._after(left, _method(f"__{name}__", _value(right)))
        if not any(names_in(left)):
            return self._after(right, _method(f"__r{name}__", _value(left)))
        both = make_union(self.of(left), self.of(right))
        return make_pipeline(both, _function(reduce, axis=1, keepdims=True), _function(self._check))

    def _comparison(self, operator: str, left: Expression, right: Expression) -> Any:
        """Return the step of a comparison: that of a difference with 0, as only equal doubles have the difference 0."""
        from sklearn.pipeline import make_pipeline

        difference = self.of(Operation("-", left, right))
        return make_pipeline(difference, _method(_COMPARED[operator], 0.0), _method("astype", "float64"))

    def _splines(self, call: Call) -> list[Any]:
        """Return the steps of one B-spline. Knots with repeated ends are set here: scikit-learn takes no such."""
        from scipy.interpolate import BSpline
        from sklearn.frozen import FrozenEstimator
        from sklearn.preprocessing import SplineTransformer

        given = settings(call)
        lower, upper, *inner = self._learned.get(str(call)) or (given["lower"], given["upper"], *(given["knots"] or ()))
        degree = given["degree"]
        evenly, knots = np.linspace(lower, upper, len(inner) + 2)[:, None], padded(lower, inner, upper, degree)
        made = SplineTransformer(degree=degree, knots=evenly, extrapolation="continue").fit(evenly)
        made.bsplines_ = [BSpline(knots, np.eye(len(knots) - degree - 1), degree)]
        place = self._place + (not given["intercept"])
        return [FrozenEstimator(made), _function(np.take, indices=[place], axis=1)]


class _Nothing:
    """No column."""

    def numbers(self, name: str) -> Array:
        """Return nothing."""
        raise KeyError(name)

    def equals(self, name: str, text: str) -> Array:
        """Return nothing."""
        raise KeyError(name)

    missing = numbers


def _value(expression: Expression) -> float:
    """Return the value of an expression that reads no column."""
    return float(evaluate(expression, _Nothing(), {})[0])


def _method(name: str, *arguments: Any) -> Any:
    """Return the step that calls a method of an array or frame."""
    return _function(methodcaller(name, *arguments))


def _function(function: Callable[..., Any], **options: Any) -> Any:
    """Return the step that applies a function."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(function, kw_args=options or None)
