"""Estimators of the flag --with: classes of installed packages, found without looking into the current folder."""

import ast
import os
import pkgutil
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from regress.api.added_tools import is_regressor_class
from regress.api.other_tools import first_line
from regress.errors import InputError

_EXAMPLE = (
    "Write sklearn.linear_model.HuberRegressor or, with options, sklearn.linear_model.HuberRegressor(epsilon=1.5)."
)


@contextmanager
def installed_only() -> Iterator[None]:
    """Import nothing from the current folder inside a ``with`` block."""
    before, here = list(sys.path), os.path.realpath(os.curdir)
    sys.path[:] = [path for path in before if path and os.path.realpath(path) != here]
    try:
        yield
    finally:
        sys.path[:] = before


def estimators(texts: Sequence[str]) -> dict[str, Any]:
    """Return estimators by name from texts such as ``sklearn.linear_model.HuberRegressor(epsilon=1.5)``.

    Arguments are literals, and nothing is evaluated. A class is imported only from an installed package, and called
    only if it has the methods of an estimator.

    Raises
    ------
    InputError
        If a text is no such path, or its class is not installed or is no estimator.
    """
    found: dict[str, Any] = {}
    with installed_only():
        for text in texts:
            path, options, shown = _parsed(text)
            kind = _class(path)
            name = f"{path.rpartition('.')[2]}({shown})"
            if name in found:
                raise InputError(f"--with names {name} twice.")
            try:
                found[name] = kind(**options)
            except Exception as error:  # whatever its own code raises
                raise InputError(f"{name} cannot be made: {first_line(error)}") from error
    return found


def _parsed(text: str) -> tuple[str, dict[str, Any], str]:
    """Return the path of a class, its options, and these as they were written."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        given = node.keywords if isinstance(node, ast.Call) and not node.args else []
        options = {each.arg: _value(text, each) for each in given}
        path = ast.unparse(node.func if isinstance(node, ast.Call) and not node.args else node)
    except (SyntaxError, MemoryError, RecursionError):
        path, options, given = "", {}, []
    parts = path.split(".")
    if len(parts) < 2 or not all(map(str.isidentifier, parts)) or None in options:
        raise InputError(f"--with {text!r} is not the path of a class. {_EXAMPLE}")
    return path, {str(name): value for name, value in options.items()}, ", ".join(map(ast.unparse, given))


def _value(text: str, given: ast.keyword) -> Any:
    """Return the value of an argument, if that is plain."""
    try:
        return ast.literal_eval(given.value)
    except (ValueError, TypeError):
        raise InputError(
            f"In --with {text!r}, the argument {ast.unparse(given)} is not a plain value, such as 1.5 or 'auto'. "
            "Use regress.compare in Python for such an estimator."
        ) from None


def _class(path: str) -> type:
    package = path.partition(".")[0]
    _check_installed(package)
    module, _, name = path.rpartition(".")
    try:
        kind = pkgutil.resolve_name(f"{module}:{name}")
    except (ImportError, AttributeError):
        raise InputError(f"The installed package {package} has no {path}.") from None
    except Exception as error:  # whatever the package does where it is imported
        raise InputError(f"{path} cannot be imported: {first_line(error)}") from error
    if not is_regressor_class(kind):
        raise InputError(
            f"{path} is not a class with the methods of a scikit-learn estimator (fit, predict, get_params)."
        )
    return kind


def _check_installed(package: str) -> None:
    """Refuse a package that is not among those that are installed for this Python."""
    if package == __package__.partition(".")[0]:
        return
    spec = PathFinder.find_spec(package, sys.path)
    if spec is None:
        raise InputError(f"There is no installed package {package!r}. The current folder is not searched.")
    for place in _places(spec):
        if not any(place.is_relative_to(folder) for folder in _folders()):
            raise InputError(f"{package!r} is in {place.parent}, where no installed package is, so it is not imported.")


def _places(spec: ModuleSpec) -> list[Path]:
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.has_location and spec.origin else ())]
    return [Path(place).resolve() for place in places]


def _folders() -> list[Path]:
    """Return the folders of installed packages and of the standard library."""
    known = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    known += site.getsitepackages() + ([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])
    return [Path(folder).resolve() for folder in known]
