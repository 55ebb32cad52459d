"""What a JSON document must hold: small checks that compose to a table of a file's keys, and the file's reading.

A check takes a value and its place, and returns the value as it would have been saved, without unknown
keys. `of` makes the check of a type, so that a record is described once.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from regress.errors import InputError
from regress.messages import by_interface
from regress.records import Bound

Check = Callable[[Any, str], Any]
MOST_BYTES = 2**30  # of a file: a model of ten million columns
_WHOLE = 2**63
_SHOWN = 40  # letters of a value


class Malformed(ValueError):
    """What is wrong with a document, and where: a sentence without its full stop."""


def fail(at: str, expected: str, value: Any) -> Malformed:
    """Return the error that a value is not what it must be."""
    if isinstance(value, dict | list):
        shown = "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    else:
        shown = json.dumps(value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return Malformed(f"{at!r} must be {expected}; it is {shown}")


def number(*, above: float | None = None, at_least: float | None = None, most: float | None = None) -> Check:
    """Take a finite number that a float64 holds."""
    bound = f" above {above:g}" if above is not None else f" of at least {at_least:g}" if at_least is not None else ""
    bound = f" of size {most:g} at most" if most is not None else bound

    def check(value: Any, at: str) -> float:
        inside = (
            (above is None or value > above) and (at_least is None or value >= at_least) if is_double(value) else False
        )
        if not inside or (most is not None and abs(value) > most):
            raise fail(at, f"a finite number{bound}", value)
        return float(value)

    return check


def is_double(value: Any) -> bool:
    """Tell whether a value is a finite number that a float64 holds; true and false are none."""
    if type(value) is float:
        return isfinite(value)
    return type(value) is int and abs(value) < 2**1023 and int(float(value)) == value


def numbers(value: Any, at: str) -> list[float]:
    """Take a list of finite numbers."""
    if not isinstance(value, list):
        raise fail(at, "a list of numbers", value)
    for j, entry in enumerate(value):
        if not is_double(entry):
            raise fail(f"{at}[{j}]", "a finite number", entry)
    return [float(entry) for entry in value]


def whole(at_least: int | None = None) -> Check:
    """Take an integer of 64 bits."""
    bound = "" if at_least is None else f" of at least {at_least}"

    def check(value: Any, at: str) -> int:
        if type(value) is not int or abs(value) >= _WHOLE or (at_least is not None and value < at_least):
            raise fail(at, f"an integer{bound}", value)
        return value

    return check


def text(value: Any, at: str) -> str:
    """Take a text that UTF-8 can write, as every name in a table is."""
    if not isinstance(value, str):
        raise fail(at, "text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fail(at, "text of complete characters", value) from None
    return value


def words(value: Any, at: str) -> str:
    """Take any text: the name of a file may hold bytes that are no characters."""
    if not isinstance(value, str):
        raise fail(at, "text", value)
    return value


def boolean(value: Any, at: str) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise fail(at, "true or false", value)
    return value


def choice(*names: str) -> Check:
    """Take one of some words."""

    def check(value: Any, at: str) -> str:
        if not isinstance(value, str) or value not in names:
            raise fail(at, f"one of {', '.join(names)}", value)
        return value

    return check


def optional(check: Check) -> Check:
    """Take what a check takes, or null."""
    return lambda value, at: None if value is None else check(value, at)


def either(words: Sequence[str], check: Check) -> Check:
    """Take one of some words, or what a check takes."""
    return lambda value, at: value if value in words else check(value, at)


def items(check: Check) -> Check:
    """Take a list whose entries are all alike."""

    def check_all(value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise fail(at, "a list", value)
        return [check(entry, f"{at}[{j}]") for j, entry in enumerate(value)]

    return check_all


def row(*checks: Check) -> Check:
    """Take a list with an entry for each check."""

    def check_each(value: Any, at: str) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(checks):
            raise fail(at, f"a list of {len(checks)}", value)
        return [check(entry, f"{at}[{j}]") for j, (check, entry) in enumerate(zip(checks, value, strict=True))]

    return check_each


def mapping(check: Check) -> Check:
    """Take an object with any names, and values that are all alike."""

    def check_all(value: Any, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise fail(at, "an object", value)
        return {text(name, at): check(entry, f"{at}.{name}") for name, entry in value.items()}

    return check_all


def record(**checks: Check) -> Check:
    """Take an object with these keys; others are ignored."""

    def check_each(value: Any, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise fail(at, "an object", value)
        inside = f"{at}." if at else ""
        for name in checks:
            if name not in value:
                raise Malformed(f"{inside + name!r} is missing")
        return {name: check(value[name], inside + name) for name, check in checks.items()}

    return check_each


@cache
def of(kind: Any) -> Check:
    """Return the check of a type: of plain values, and of dataclasses and named tuples of them, which it makes."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        base, bound = parts
        if not isinstance(bound, Bound):
            return text
        return (
            whole(bound.at_least)
            if base is int
            else number(above=bound.above, at_least=bound.at_least, most=bound.most)
        )
    if origin is Literal:
        return choice(*parts)
    if origin in (Union, UnionType):
        if NoneType in parts:
            return optional(of(Union[tuple(part for part in parts if part is not NoneType)]))  # noqa: UP007  the parts are found at run time
        literal, other = parts
        return either(get_args(literal), of(other))
    if origin is Mapping:
        return mapping(of(parts[1]))
    if origin is tuple and parts[-1] is not Ellipsis:
        each = row(*map(of, parts))
        return lambda value, at: tuple(each(value, at))
    if origin is tuple:
        inner = items(of(parts[0]))
        return lambda value, at: tuple(inner(value, at))
    if is_dataclass(kind):
        made: Any = kind
        fields = record(**{name: of(hint) for name, hint in get_type_hints(kind, include_extras=True).items()})
        return lambda value, at: made(**fields(value, at))
    if isinstance(kind, type) and issubclass(kind, tuple):
        cells = row(*(of(hint) for hint in get_type_hints(kind, include_extras=True).values()))
        return lambda value, at: kind(*cells(value, at))
    plain: dict[Any, Check] = {str: words, bool: boolean, int: whole(), float: number()}
    return plain[kind]


def read_json(path: Path) -> Any:
    """Read a file or pipe that holds strict JSON.

    Raises
    ------
    InputError
        If it cannot be read, or is something else: the message says what.
    """
    try:
        with open(path, "rb", opener=_opened) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"The model {path} cannot be read: {error.strerror}.") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is not a model: it is larger than {MOST_BYTES / 1e9:.1f} GB.")
    try:
        return strict_json(data.decode())
    except Malformed as error:
        raise InputError(
            f"{path} is not a model: {error}. Write one with {by_interface('fit.save(path)', '--save')}."
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{path} is not a model: it is not JSON. Write one with {by_interface('fit.save(path)', '--save')}."
        ) from None


def strict_json(document: str) -> Any:
    """Return what strict JSON holds.

    Raises
    ------
    Malformed
        If a key stands there twice, or it holds NaN or an infinity.
    ValueError
        If it is not JSON.
    """
    return json.loads(document, object_pairs_hook=_once, parse_constant=_refused)


def _opened(path: str, flags: int) -> int:
    """Open a file or pipe; a device may never end."""
    kind = os.stat(path).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
        raise OSError(0, "it is neither a file nor a pipe")
    return os.open(path, flags)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, no key of which stands there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Malformed(f"the key {next(n for n in names if names.count(n) > 1)!r} occurs in it twice")
    return found


def _refused(literal: str) -> float:
    raise Malformed(f"it holds {literal}, which JSON does not have")
