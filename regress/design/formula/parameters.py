"""What calls in formulas give besides a column: literals by position or by name, checked one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from sys import float_info
from typing import Any, TypeAlias

from regress.design.formula.expression import Call, Expression, Literal, Negative
from regress.errors import InputError

Settings: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting of a function: `accepts` tells whether a Python value is a `meaning`."""

    name: str
    meaning: str
    accepts: Callable[[Any], bool]
    required: bool = False
    default: Any = None


def whole(name: str, at_most: int, *, required: bool = False, default: int | None = None) -> Parameter:
    """Return a parameter that takes integers from 1."""

    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= at_most

    return Parameter(name, f"an integer from 1 to {at_most}", accepts, required, default)


def number(name: str, *, above: float | None = None, required: bool = False) -> Parameter:
    """Return a parameter that takes finite numbers."""

    def accepts(value: Any) -> bool:
        return _finite(value) and (above is None or value > above)

    return Parameter(name, "a number" if above is None else f"a number above {above:g}", accepts, required)


def ascending(name: str, *, least: int, repeated: bool, required: bool = False) -> Parameter:
    """Return a parameter that takes a list of ascending numbers, of some length at least."""

    def accepts(value: Any) -> bool:
        known = isinstance(value, tuple) and len(value) >= least and all(map(_finite, value))
        return known and all(a < b or (repeated and a == b) for a, b in pairwise(value))

    size = f"{least} or more ascending numbers" if least > 1 else "ascending numbers"
    return Parameter(name, f"a list of {size}, such as [10, 20]", accepts, required)


def switch(name: str, default: bool) -> Parameter:
    """Return a parameter that is True or False."""
    return Parameter(name, "True or False", lambda value: isinstance(value, bool), default=default)


def settings_of(call: Call, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return what a call gives besides its column, by name, as Python's values; defaults where it gives none.

    Raises
    ------
    InputError
        If there are too many arguments, or an option is unknown, missing or has an impossible value.
    """
    names = [parameter.name for parameter in parameters]
    if not call.arguments:
        raise InputError(f"{call.function}() needs a column, as in {call.function}(x).")
    if len(call.arguments) > 1 + len(names):
        most = f"{1 + len(names)} argument{'s' if names else ''}"
        raise InputError(f"{call.function}() takes {most}; {call} has {len(call.arguments)}.")
    given: dict[str, Expression] = dict(zip(names, call.arguments[1:], strict=False))
    for name, value in call.options:
        if name not in names:
            raise InputError(_unknown(call.function, name, names))
        if name in given:
            raise InputError(f"{call} gives {name} twice.")
        given[name] = value
    return {parameter.name: _setting(call, parameter, given.get(parameter.name)) for parameter in parameters}


def _unknown(function: str, name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, 1)
    hint = f" Use {near[0]}." if near else f" It has {', '.join(names)}." if names else ""
    return f"{function}() has no option {name!r}.{hint}"


def _setting(call: Call, parameter: Parameter, given: Expression | None) -> Any:
    if given is None and not parameter.required:
        return parameter.default
    if given is None:
        raise InputError(f"{call} needs {parameter.name}, {parameter.meaning}.")
    value = _literal(given)
    if not parameter.accepts(value):
        raise InputError(f"{parameter.name} of {call} must be {parameter.meaning}; got {given}.")
    return value


def _literal(expression: Expression) -> Any:
    """Return the Python value of a literal or of its negative; None of anything else."""
    match expression:
        case Literal(tuple() as values):
            return tuple(map(_literal, values))
        case Literal(value):
            return value
        case Negative(Literal(int() | float() as value)) if not isinstance(value, bool):
            return -value
    return None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max
