"""Keyword arguments of the public functions: their types for editors, their text for docstrings, and what is unknown.

The TypedDicts repeat names and types of `regress.options`, for ``**options: Unpack[FitKeywords]`` (PEP 692), which
editors and type checkers read; a test compares the two.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from textwrap import fill, indent
from typing import Any, Literal, TypedDict, TypeVar, get_args, get_origin, get_type_hints

from regress.errors import UnknownOptionError
from regress.options import (
    Collinear,
    Decimal,
    Gradient,
    Header,
    LossName,
    Missing,
    OnBadLines,
    Over,
    Precision,
    Rate,
    Schedule,
    Solver,
    WeightType,
)

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_BY_ORIGIN: dict[Any, str] = {Callable: "callable", Mapping: "mapping"}
_ORDER = ("Data", "Model", "Training", "Mini-batches", "Process", "Files")  # of the groups in a docstring

KNOWN_AS = {  # how other tools, and earlier versions, call an option
    "learning_rate": "lr eta eta0 step step_size",
    "max_iter": "n_iter iterations maxiter",
    "epochs": "max_epochs n_epochs",
    "early_stopping": "patience",
    "validation": "validation_data",
    "init": "start start_params params_init",
    "momentum": "beta beta1",
    "n_jobs": "threads n_threads num_threads jobs workers",
    "random_state": "seed",
    "cov_type": "se cov robust vcov errors",
    "test_size": "test test_fraction validation_split holdout",
    "quotechar": "quote",
    "delimiter": "sep separator",
    "on_bad_lines": "on_bad_row on_bad_rows error_bad_lines",
    "max_bad_lines": "max_bad",
    "max_categories": "max_levels",
    "handle_unknown": "unseen",
    "weights": "sample_weight sample_weights wts",
    "weight_type": "freq_weights",
    "alpha": "l2 ridge lambda lambda_ lam reg",
    "fit_intercept": "intercept add_constant hasconst constant",
    "epsilon": "delta threshold",
    "standardize": "normalize scale",
    "features": "columns usecols exog predictors",
    "categorical": "categorical_features cat_features factors",
    "skip_lines": "skiprows skip_rows skip",
    "solver": "method algorithm",
    "tol": "tolerance eps ftol gtol",
    "missing": "na_action dropna",
    "ref": "reference base reference_levels",
    "as_written": "decimals exact_decimals",
    "target": "y endog response label",
    "digits": "min_digits",
    "estimators": "models tools",
    "metrics": "scoring scorer scorers metric",
    "cv": "folds n_folds n_splits kfold",
    "split_time": "time time_column",
}


class FileKeywords(TypedDict, total=False):
    """Of `FileOptions`."""

    delimiter: str | None
    decimal: Decimal | None
    encoding: str | None
    quotechar: str | None
    header: Header
    skip_lines: int
    comment: str | None
    escapechar: str | None
    on_bad_lines: OnBadLines
    rejects: str | Path | None
    max_bad_lines: int
    thousands: str | None
    na_values: Sequence[str]
    keep_na: bool
    date_format: Mapping[str, str] | str | None


class TableKeywords(FileKeywords, total=False):
    """Of `TableOptions`, without `rows`."""

    formula: str | None
    features: Sequence[str] | None
    drop: Sequence[str] | None
    weights: Any
    weight_type: WeightType
    categorical: Sequence[str] | None
    ref: Mapping[str, Any] | None
    max_categories: int
    as_written: bool
    missing: Missing
    test_size: float
    split_key: str | None
    random_state: int


class BatchKeywords(TypedDict, total=False):
    """Of `BatchOptions`."""

    batch_size: int
    epochs: int
    schedule: Schedule
    momentum: float
    nesterov: bool
    shuffle: bool
    shuffle_rows: int
    optimizer: Any


class ProcessKeywords(TypedDict, total=False):
    """Of `ProcessOptions`."""

    init: Any
    validation: Any
    early_stopping: int | Mapping[str, float] | None
    max_seconds: float | None
    monitor_every: int
    callbacks: Sequence[Callable[[Any, Any], Any]]
    verbose: int
    checkpoint: str | Path | None
    checkpoint_every: int | None
    checkpoint_seconds: float
    resume: bool


class TrainKeywords(BatchKeywords, total=False):
    """Of `TrainOptions`."""

    fit_intercept: bool
    alpha: float
    collinear: Collinear
    loss: LossName | Any
    epsilon: float
    huber_scale: float | None
    penalty: Any
    solver: Solver | Any
    gradient: Gradient
    over: Over
    standardize: bool
    learning_rate: Rate
    max_iter: int | None
    tol: float
    precision: Precision


class FitKeywords(TableKeywords, TrainKeywords, ProcessKeywords, total=False):
    """Of `TableOptions`, `TrainOptions` and `ProcessOptions`."""


class CheckKeywords(TableKeywords, total=False):
    """What decides the gradient that is checked."""

    fit_intercept: bool


class CompareKeywords(CheckKeywords, total=False):
    """What all tools of a comparison are asked."""

    tol: float


class CertifyKeywords(CheckKeywords, total=False):
    """What a claim minimized."""

    alpha: float
    collinear: Collinear
    rows: int | None


def made(options: type[T], given: Mapping[str, Any]) -> T:
    """Return options made from the keyword arguments that are theirs, checked."""
    names = names_of(options)
    return options(**{name: value for name, value in given.items() if name in names})


def refuse_unknown(function: Callable[..., Any], given: Iterable[str]) -> None:
    """Refuse the first keyword argument that a function does not have, and name the nearest that it has.

    Raises
    ------
    UnknownOptionError
        If there is one; it is a `TypeError` too.
    """
    known = tuple(inspect.signature(function).parameters)
    for name in given:
        if name not in known:
            near = meant(name, known)
            raise UnknownOptionError(f"{function.__name__} has no option {name!r}." + (f" Use {near}." if near else ""))


def meant(name: str, known: Sequence[str]) -> str | None:
    """Return the option that is meant by an unknown one; None where nothing is near."""
    option = next((option for option, others in KNOWN_AS.items() if name in others.split()), None)
    if option is not None:
        return option if option in known else None
    return next(iter(get_close_matches(name, known, 1, cutoff=0.65)), None)


def names_of(*options: type) -> tuple[str, ...]:
    """Return the names of the options of some classes."""
    return tuple(f.name for group in options for f in fields(group))


@cache
def hints_of(group: type) -> dict[str, Any]:
    """Return the types of the options of a class, which take a while to find."""
    return get_type_hints(group)


def takes(*groups: type, only: Sequence[str] = (), without: Sequence[str] = (), **defaults: Any) -> Callable[[F], F]:
    """Show the options that a function takes as ``**options`` in its signature and docstring.

    The docstring has a line ``**options`` where their entries go. `defaults` are those that differ.
    """
    taken = [(f, hints_of(group)[f.name]) for group in groups for f in fields(group)]
    taken = [(f, hint) for f, hint in taken if f.name not in without and (not only or f.name in only)]
    taken.sort(key=lambda pair: _ORDER.index(pair[0].metadata["group"]))

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        added = [
            inspect.Parameter(
                f.name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(f.name, f.default), annotation=hint
            )
            for f, hint in taken
            if f.name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]  # inspect reads it
        entries = "\n".join(_entry(f, hint) for f, hint in taken if f.name not in signature.parameters)
        text = function.__doc__ or ""
        if place := re.search(r"^( *)\*\*options$", text, re.MULTILINE):
            function.__doc__ = text[: place.start()] + indent(entries, place[1]) + text[place.end() :]
        return function

    return decorate


def _entry(f: "Field[Any]", hint: Any) -> str:
    """Return the entry of an option in a docstring."""
    return f"{f.name} : {type_name(hint)}\n" + indent(fill(f.metadata["help"], 108, break_on_hyphens=False), "    ")


def type_name(hint: Any) -> str:
    """Return a type as docstrings have it: {"a", "b"} for a choice, "optional" where it may be None."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    if get_origin(hint) is Literal:
        return "{" + ", ".join(f'"{part}"' for part in parts) + "}"
    if get_origin(hint) is Sequence:
        return f"sequence of {type_name(*get_args(hint))}"
    if get_origin(hint) in _BY_ORIGIN:
        return _BY_ORIGIN[get_origin(hint)]
    if not parts:
        return "object" if hint is Any else str(hint.__name__)
    return " or ".join(map(type_name, parts)) + (", optional" if type(None) in get_args(hint) else "")
