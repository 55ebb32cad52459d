"""Exceptions, warnings, and checks of the values that users give. Each message names the problem and the remedy.

Input errors are ``ValueError`` too, so that code written for scikit-learn catches them.
"""

from collections.abc import Iterable
from math import isfinite, nan
from numbers import Integral, Real
from typing import Any

from regress.messages import setting

INSTALL_TENSORFLOW = "pip install '.[tensorflow]'"
INSTALL_PLOT = "pip install '.[plot]'"
INSTALL_CLOUD = "pip install '.[cloud]'"
INSTALL_DASK = "pip install '.[dask]'"


class RegressError(Exception):
    """Base of every exception that the package raises on purpose.

    Examples
    --------
    >>> import regress
    >>> try:
    ...     regress.fit("no_such_file.csv", "y")
    ... except regress.RegressError as error:
    ...     print(error)
    no_such_file.csv does not exist. Name a CSV or Parquet file, a folder of them, or a glob such as 'data/*.csv'.
    """


class InputError(RegressError, ValueError):
    """An argument or a table that cannot be used. It is a `ValueError` too.

    Examples
    --------
    >>> import regress
    >>> regress.fit({"x": [1.0, 2.0], "y": [3.0, 5.0]}, "y", test_size=2.0)
    Traceback (most recent call last):
        ...
    regress.errors.InputError: test_size must be a finite number of at least 0 and below 1; got 2.0.
    """


class UnavailableError(InputError, AttributeError):
    """A result does not have what was asked for; so `hasattr` is false."""


class TableError(InputError):
    """A table that cannot be read. The message names file, line and column if they are known.

    Examples
    --------
    >>> import regress
    >>> regress.fit({"x": [1.0, 2.0], "y": [3.0, 5.0]}, "z")
    Traceback (most recent call last):
        ...
    regress.errors.TableError: the frame has no column 'z' to use as the target. It has: 'x', 'y'.
    """


class TransientError(TableError):
    """A table that cannot be read now, for a reason that may pass, such as a broken connection."""


class UnknownOptionError(InputError, TypeError):
    """A keyword argument that a function does not have. It is a `TypeError` too.

    Examples
    --------
    >>> import regress
    >>> regress.fit({"x": [1.0, 2.0], "y": [3.0, 5.0]}, "y", lr=0.1)
    Traceback (most recent call last):
        ...
    regress.errors.UnknownOptionError: fit has no option 'lr'. Use learning_rate.
    """


class LearningRateError(InputError):
    """A learning rate above the stability limit, refused before the first step."""


class MissingDependencyError(RegressError, ImportError):
    """An optional package that is needed and not installed. The message has the line that installs it.

    Examples
    --------
    >>> import regress
    >>> issubclass(regress.MissingDependencyError, ImportError)
    True
    """


class ConvergenceWarning(UserWarning):
    """Training stopped before the gradient reached its tolerance. The parameters are the last valid ones.

    Examples
    --------
    >>> import regress
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fit = regress.fit("data/diabetes.csv", "progression", solver="gd", max_iter=3)
    >>> caught[0].category.__name__, str(fit.status)
    ('ConvergenceWarning', 'max_iter')
    """


class DataWarning(UserWarning):
    """The result may differ from what you expect, for example because columns are constant or depend on each other.

    Examples
    --------
    >>> import regress
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fit = regress.fit({"x": [1.0, 2.0, 4.0], "constant": [5.0, 5.0, 5.0], "y": [1.0, 2.0, 5.0]}, "y")
    >>> print(caught[0].message)
    Constant in the training rows, so the coefficient is 0: constant.
    """


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{setting(name)} must be one of {', '.join(map(str, choices))}; got {value!r}.")


def check_number(
    name: str, value: object, *, above: float | None = None, at_least: float | None = None, below: float | None = None
) -> float:
    """Return a finite number within its bounds as a Python float, or raise `InputError`."""
    limits = {"above": above, "of at least": at_least, "below": below}
    bounds = [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:  # an integer beyond float64
        number = nan
    low = (above is None or number > above) and (at_least is None or number >= at_least)
    if not (isfinite(number) and low and (below is None or number < below)):
        raise InputError(f"{setting(name)} must be a finite number {' and '.join(bounds)}; got {value!r}.")
    return number


def check_whole(name: str, value: object, at_least: int | None = None) -> int:
    """Return a 64-bit integer as a Python int, or raise `InputError`."""
    bound = "" if at_least is None else f" of at least {at_least}"
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or abs(number) >= 2**63 or (at_least is not None and number < at_least):
        raise InputError(f"{setting(name)} must be an integer{bound}; got {value!r}.")
    return number


def check_switch(name: str, value: object) -> bool:
    """Return a Python bool, or raise `InputError`."""
    if type(value).__name__ not in ("bool", "bool_"):  # Python's or NumPy's
        raise InputError(f"{setting(name)} must be True or False; got {value!r}.")
    return bool(value)


def check_character(name: str, value: object) -> None:
    """Raise `InputError` unless `value` is one ASCII character other than a line end."""
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\r\n\0":
        raise InputError(f"{setting(name)} must be one ASCII character; got {value!r}.")


def check_text(name: str, value: object, what: str) -> None:
    """Raise `InputError` unless `value` is text."""
    if not isinstance(value, str):
        raise InputError(f"{setting(name)} must be {what}, a text; got {value!r}.")


def check_names(name: str, values: Any) -> tuple[str, ...]:
    """Return names of columns as a tuple, or raise `InputError`."""
    if isinstance(values, str):
        raise InputError(f"{setting(name)} must be a list of column names, not one text; use [{values!r}].")
    if not isinstance(values, Iterable):
        raise InputError(f"{setting(name)} must be a list of column names; got {values!r}.")
    names = tuple(values)
    for each in names:
        if not isinstance(each, str):
            raise InputError(
                f"{setting(name)} must hold column names as text; got {each!r}. "
                "The columns of an array are named 'x0', 'x1', …; integers of a frame become '0', '1', …."
            )
    return names
