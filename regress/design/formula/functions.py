"""The functions of formulas: what each takes, its columns, whether it must see the table first, and how it computes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from sys import float_info
from typing import Any, TypeAlias
from typing import Literal as OneOf

import numpy as np

from regress.blocks import Array
from regress.design.formula.calendar import PARTS, part_of, waves
from regress.design.formula.expression import Call, Expression, Literal, Named, Negative, Operation, names_in
from regress.design.formula.parameters import Parameter, Settings, ascending, number, settings_of, switch, whole
from regress.design.formula.splines import b_splines, knots_fault, natural_splines, padded
from regress.errors import InputError
from regress.numerics.elementary import exp, log, log1p, log2, log10

Learned: TypeAlias = tuple[float, ...]
Kind: TypeAlias = OneOf["number", "text"]

_OUTERMOST = {  # of what stands around a factor, and nowhere else
    "I": "Remove this I(): inside a function, arithmetic needs none.",
    "C": "C() makes categories, so it stands around a factor on the right of ~.",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one column, which it takes first.

    `compute(x, settings, learned)` returns an array (rows,), or (k, rows) if the labels are not just one empty text.
    Of kind "text", a row's value is the number of its level, from 0. `fault` returns what is wrong with settings that
    are possible one by one.
    """

    compute: Callable[[Array, Settings, Learned], Array]
    parameters: tuple[Parameter, ...] = ()
    kind: Kind = "number"
    labels: Callable[[Settings], tuple[str, ...]] = lambda given: ("",)
    learns: Callable[[Settings], bool] = lambda given: False
    fault: Callable[[Settings], str | None] = lambda given: None


def check(expression: Expression) -> None:
    """Raise `InputError` unless an expression can be computed, if its columns exist and have the right types."""
    _check(expression, inside=None)
    if not any(names_in(expression)):
        raise InputError(f"{expression} reads no column.")


def settings(call: Call) -> dict[str, Any]:
    """Return what a call gives besides its column, by name, as Python's values; defaults where it gives none."""
    return settings_of(call, function_of(call).parameters)


def kind(expression: Expression) -> Kind:
    """Return whether an expression gives numbers or levels."""
    return function_of(expression).kind if isinstance(expression, Call) else "number"


def labels(expression: Expression) -> tuple[str, ...]:
    """Return the suffixes of an expression's columns: ("",), or such as ("[1]", "[2]")."""
    return function_of(expression).labels(settings(expression)) if isinstance(expression, Call) else ("",)


def width(expression: Expression) -> int:
    """Return an expression's number of columns."""
    return len(labels(expression))


def levels(call: Call) -> tuple[str, ...]:
    """Return the levels of a call of kind "text": R's names of intervals, with three digits, or more if needed."""
    given = settings(call)
    texts = ([f"{value + 0.0:.{digits}g}" for value in given["breaks"]] for digits in range(3, 18))
    names = next(names for names in texts if all(a != b for a, b in pairwise(names)))
    return tuple(f"({a},{b}]" if given["right"] else f"[{a},{b})" for a, b in pairwise(names))


def needs(expression: Expression) -> bool:
    """Tell whether an expression is a call that must see the table first."""
    return isinstance(expression, Call) and function_of(expression).learns(settings(expression))


def calls_that_learn(expression: Expression) -> Iterator[Call]:
    """Yield the calls in an expression that must see the table first."""
    match expression:
        case Call(_, arguments, _):
            if needs(expression):
                yield expression
            yield from calls_that_learn(arguments[0])
        case Operation(_, left, right):
            yield from calls_that_learn(left)
            yield from calls_that_learn(right)
        case Negative(operand):
            yield from calls_that_learn(operand)
        case _:
            pass


def compared_text(operation: Operation) -> tuple[str, str] | None:
    """Return the column and the text that an operation compares; None if it compares no text."""
    match operation.left, operation.right:
        case (Named(name), Literal(str() as text)) | (Literal(str() as text), Named(name)):
            return name, text
    return None


def function_of(call: Call) -> Function:
    """Return the function of a call.

    Raises
    ------
    InputError
        If there is none of its name.
    """
    if call.function in _OUTERMOST:
        raise InputError(f"{call} cannot be computed. {_OUTERMOST[call.function]}")
    if call.function not in FUNCTIONS:
        near = get_close_matches(call.function.lower(), FUNCTIONS, 1)
        raise InputError(f"There is no function {call.function!r}." + (f" Use {near[0]}." if near else ""))
    return FUNCTIONS[call.function]


def inner_knots(given: Settings) -> int:
    """Return the number of knots between the boundaries of a spline, of `bs` or `ns`."""
    if given["df"] is None:
        return len(given["knots"] or ())
    return int(given["df"] - given.get("degree", 1) - given["intercept"])


def _check(expression: Expression, inside: Expression | None) -> None:
    """Raise `InputError` unless a part of an expression can be computed; `inside` is what it stands in."""
    match expression:
        case Literal(str() | tuple()):
            raise InputError(f"{expression} is not a number. A text can be compared with a column, by == or !=.")
        case Literal(int() | float() as number) if not abs(number) <= float_info.max:
            raise InputError(f"{expression} is not a number of float64.")
        case Negative(operand):
            _check(operand, expression)
        case Operation(operator, left, right):
            if compared_text(expression) and operator in ("==", "!="):
                return
            _check(left, expression)
            _check(right, expression)
        case Call():
            _check_call(expression, inside)
        case _:
            pass


def _check_call(call: Call, inside: Expression | None) -> None:
    function, given = function_of(call), settings(call)
    fault = function.fault(given)
    if fault is not None:
        raise InputError(f"{call} is not possible: {fault}.")
    if inside is not None and function.kind == "text":
        raise InputError(f"{call} has levels, so it cannot be a part of {inside}.")
    if inside is not None and function.labels(given) != ("",):
        raise InputError(f"{call} gives numbered columns, so it cannot be a part of {inside}.")
    if function.learns(given):
        inner = next(calls_that_learn(call.arguments[0]), None)
        if inner is not None:
            raise InputError(f"{inner} cannot be a part of {call}. Write {call.function}() of the column itself.")
        if not any(names_in(call)):
            raise InputError(f"{call} reads no column.")
    _check(call.arguments[0], call)


def _plain(function: Callable[[Array], Array]) -> Function:
    return Function(lambda x, given, learned: function(x))


def _part(name: str) -> Function:
    return Function(lambda x, given, learned: part_of(name, x))


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"[{j}]" for j in range(1, count + 1))


def _intervals(x: Array, given: Settings, learned: Learned) -> Array:
    breaks = np.array(given["breaks"], dtype=np.float64)
    at = np.searchsorted(breaks, x, side="left" if given["right"] else "right") - 1.0
    return np.where((at >= 0) & (at < len(breaks) - 1), at, np.nan)  # NaN is beyond the last


def _orthogonal(x: Array, given: Settings, learned: Learned) -> Array:
    """Return polynomials by their recurrence; learned: R's alpha (k), and its norm2 (k + 1) from that of 1."""
    if not given["orthogonal"]:
        raise ValueError("powers are exact products, which an expression has not")
    k = given["degree"]
    alpha, norms = learned[:k], learned[k:]
    columns = [np.ones(len(x)), x - alpha[0]]
    for j in range(1, k):
        columns.append((x - alpha[j]) * columns[j] - norms[j] / norms[j - 1] * columns[j - 1])
    return np.array([column / np.sqrt(norm) for column, norm in zip(columns[1:], norms[1:], strict=True)])


def _knots(given: Settings, learned: Learned) -> Array:
    lower, upper, *inner = learned or (given["lower"], given["upper"], *(given["knots"] or ()))
    return padded(lower, inner, upper, given.get("degree", 3))


def _b_splines(x: Array, given: Settings, learned: Learned) -> Array:
    return b_splines(x, _knots(given, learned), given["degree"])[0 if given["intercept"] else 1 :]


def _natural_splines(x: Array, given: Settings, learned: Learned) -> Array:
    return natural_splines(x, _knots(given, learned), given["intercept"])


def _spline_fault(given: Settings) -> str | None:
    least = given.get("degree", 1) + given["intercept"]
    if given["df"] is not None and given["knots"] is not None:
        return "give df or knots, not both"
    if given["df"] is not None and given["df"] < least:
        return f"df must be at least {least}"
    if given["lower"] is not None and given["upper"] is not None:
        return knots_fault(given["lower"], given["knots"] or (), given["upper"], given.get("degree", 3))
    return None


def _spline_learns(given: Settings) -> bool:
    quantiles = given["df"] is not None and inner_knots(given) > 0
    return quantiles or given["lower"] is None or given["upper"] is None


def _spline_labels(given: Settings) -> tuple[str, ...]:
    return _numbered(inner_knots(given) + given.get("degree", 1) + given["intercept"])


def _spline(compute: Callable[[Array, Settings, Learned], Array], *parameters: Parameter) -> Function:
    """Return a spline, with its parameters in R's order."""
    df, knots = whole("df", 1000), ascending("knots", least=0, repeated=True)
    more = (df, knots, *parameters, switch("intercept", False), number("lower"), number("upper"))
    return Function(compute, more, labels=_spline_labels, learns=_spline_learns, fault=_spline_fault)


FUNCTIONS: Mapping[str, Function] = {
    **{f.__name__: _plain(f) for f in (log, log2, log10, log1p, exp)},
    "sqrt": _plain(np.sqrt),
    "abs": _plain(np.abs),
    "sign": _plain(np.sign),
    **{name: _part(name) for name in PARTS},
    "missing": _plain(lambda x: np.isnan(x).astype(np.float64)),
    "center": Function(lambda x, given, learned: x - learned[0], learns=lambda given: True),
    "scale": Function(lambda x, given, learned: (x - learned[0]) / learned[1], learns=lambda given: True),
    "cut": Function(
        _intervals, (ascending("breaks", least=2, repeated=False, required=True), switch("right", True)), kind="text"
    ),
    "poly": Function(
        _orthogonal,
        (whole("degree", 20, required=True), switch("orthogonal", False)),
        labels=lambda given: _numbered(given["degree"]),
        learns=lambda given: bool(given["orthogonal"]),
    ),
    "fourier": Function(
        lambda x, given, learned: waves(x, given["period"], given["k"]),
        (number("period", above=0, required=True), whole("k", 1000, required=True)),
        labels=lambda given: tuple(f"[{wave}{j}]" for j in range(1, given["k"] + 1) for wave in ("sin", "cos")),
    ),
    "bs": _spline(_b_splines, whole("degree", 20, default=3)),
    "ns": _spline(_natural_splines),
}
