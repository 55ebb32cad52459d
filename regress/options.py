"""What a user may choose about training, checked once for Python, the command line and the model file alike."""

import codecs
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from math import isfinite, nan
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, get_args

from regress.errors import InputError

Solver = Literal["auto", "gd", "accelerated", "cg", "newton"]
Gradient = Literal["derived", "autodiff"]
Over = Literal["auto", "rows", "moments"]
Precision = Literal["auto", "double", "exact"]
Collinear = Literal["min-norm", "drop", "error"]
WeightType = Literal["analytic", "frequency"]
Errors = Literal["classical", "HC0", "HC1"]
Unseen = Literal["error", "reference"]
Missing = Literal["error", "drop", "mean"]

_MAX_ITER = {"gd": 100_000, "accelerated": 10_000, "newton": 100}


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def check_number(name: str, value: object, *, above: float | None = None, at_least: float | None = None) -> None:
    """Raise `InputError` unless `value` is a finite number within its bound."""
    bound = f"above {above:g}" if above is not None else f"of at least {at_least:g}"
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    within = number > above if above is not None else number >= (at_least or 0.0)
    if not (isfinite(number) and within):
        raise InputError(f"{name} must be a finite number {bound}; got {value!r}.")


def check_whole(name: str, value: object, at_least: int | None = None) -> int:
    """Return a whole number of 64 bits as Python's own, or raise `InputError`."""
    bound = "" if at_least is None else f" of at least {at_least}"
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or abs(number) >= 2**63 or (at_least is not None and number < at_least):
        raise InputError(f"{name} must be a whole number{bound}; got {value!r}.")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """How to train.

    Attributes
    ----------
    fit_intercept : bool
        Whether b is trained; otherwise it is 0.
    alpha : float
        Ridge penalty α‖w‖² in the user's units; b is free.
    solver : {"auto", "gd", "accelerated", "cg", "newton"}
        The update rule. "auto" is "newton", or "cg" where no matrix of the size of the columns fits in memory.
    gradient : {"derived", "autodiff"}
        Who computes the gradient: the formulas derived by hand, or TensorFlow.
    over : {"auto", "rows", "moments"}
        What it is computed from. "auto" is "moments", or "rows" where there are more columns than rows.
    standardize : bool
        Whether the descent runs in standardised coordinates. The result is in the user's units either way.
    learning_rate : float or "auto"
        Step on ∇L/Σa, in the coordinates of the descent; for "gd" and "accelerated". "auto" is half the stability
        limit of "gd". The limit of "accelerated" is two thirds of that of "gd".
    max_iter : int or None
        Limit on iterations; None is 100,000 (gd), 10,000 (accelerated), 10·n (cg), 100 (newton).
    precision : {"auto", "double", "exact"}
        Whether the sums over rows are exact, which gives every coefficient as the nearest double. "auto" is "exact" for
        tables small enough that nobody notices, and where double precision would leave fewer than ten digits or lose
        the residuals. The solvers other than "newton" descend in double in any case.
    collinear : {"min-norm", "drop", "error"}
        What to do with columns that depend on others before them: of all minimisers take the one of least ‖w‖ in the
        user's units, drop those columns (coefficient 0), or refuse.
    tol : float
        Largest |xⱼᵀr|/(‖xⱼ‖‖y − ȳ‖) of a converged fit.
    """

    fit_intercept: bool = True
    alpha: float = 0.0
    solver: Solver = "auto"
    gradient: Gradient = "derived"
    over: Over = "auto"
    standardize: bool = True
    learning_rate: float | Literal["auto"] = "auto"
    max_iter: int | None = None
    tol: float = 1e-10
    precision: Precision = "auto"
    collinear: Collinear = "min-norm"

    def __post_init__(self) -> None:
        check_choice("solver", self.solver, get_args(Solver))
        check_choice("gradient", self.gradient, get_args(Gradient))
        check_choice("over", self.over, get_args(Over))
        check_choice("precision", self.precision, get_args(Precision))
        check_choice("collinear", self.collinear, get_args(Collinear))
        if self.precision == "exact" and self.solver not in ("auto", "newton"):
            raise InputError(f'precision="exact" goes with solver="newton" or "auto", not {self.solver!r}.')
        if self.collinear == "drop" and self.solver not in ("auto", "newton"):
            raise InputError(f'collinear="drop" goes with solver="newton" or "auto", not {self.solver!r}.')
        check_number("alpha", self.alpha, at_least=0.0)
        check_number("tol", self.tol, above=0.0)
        for name in ("alpha", "tol"):  # numbers of other libraries would bring their own precision along
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("fit_intercept", "standardize"):
            if type(value := getattr(self, name)).__name__ not in ("bool", "bool_"):  # Python's own or NumPy's
                raise InputError(f"{name} must be True or False; got {value!r}.")
            object.__setattr__(self, name, bool(value))
        if self.max_iter is not None:
            object.__setattr__(self, "max_iter", check_whole("max_iter", self.max_iter, 1))
        if self.learning_rate != "auto":
            check_number("learning_rate", self.learning_rate, above=0.0)
            object.__setattr__(self, "learning_rate", float(self.learning_rate))
            if self.solver not in ("gd", "accelerated"):
                raise InputError(
                    f'learning_rate goes with solver="gd" or "accelerated"; "{self.solver}" takes its step from the '
                    "curvature."
                )

    def iteration_limit(self, solver: str, n: int) -> int:
        """Return `max_iter`, or the default of `solver` for `n` columns."""
        return self.max_iter or _MAX_ITER.get(solver) or 10 * (n + 1)


Decimal = Literal[".", ","]


Header = Literal["auto", "yes", "no"]


OnBadRow = Literal["error", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How to read CSV files; what is None or "auto" is read off each file's start, and shown.

    Attributes
    ----------
    delimiter, quote : str, optional
        One character each; the quote may be "none".
    decimal : {".", ","}, optional
        What stands before a fraction.
    encoding : str, optional
        One that Python knows, such as "cp1252".
    header : {"auto", "yes", "no"}
        Whether the first line names the columns; without one they are x0, x1, ….
    skip_lines : int
        Lines above the table that are no part of it.
    comment : str, optional
        One character: lines that begin with it are no rows.
    escapechar : str, optional
        One character, such as a backslash: a quote or delimiter behind it is an ordinary one.
    on_bad_row : {"error", "skip"}
        What to do with a row that has another number of cells than the header, or a cell that cannot be read.
    rejects : str or Path, optional
        Where to write the rows that were skipped: file, line, reason, text.
    max_bad : int
        Rows to skip at most.
    thousands : {",", ".", "'", " ", "_"}, optional
        What stands between groups of three digits; a blank stands for no-break blanks too.
    na_values : sequence of str
        Cells that are missing besides the empty ones and NA, N/A, NaN, nan, NULL, null, None.
    keep_na : bool
        Whether NA, NULL, None and the like are levels of text columns. Empty cells are missing all the same.
    """

    delimiter: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    quote: str | None = None
    header: Header = "auto"
    skip_lines: int = 0
    comment: str | None = None
    escapechar: str | None = None
    on_bad_row: OnBadRow = "error"
    rejects: str | Path | None = None
    max_bad: int = 1000
    thousands: str | None = None
    na_values: Sequence[str] = ()
    keep_na: bool = False

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        InputError
            If an option has no such value.
        """
        quote = None if self.quote == "none" else self.quote or '"'
        characters = {
            "delimiter": self.delimiter,
            "quote": quote,
            "comment": self.comment,
            "escapechar": self.escapechar,
        }
        given = {name: character for name, character in characters.items() if character is not None}
        for name, character in given.items():
            if len(character) != 1 or not character.isascii() or character in "\r\n\0":
                raise InputError(f"{name} must be one character of ASCII; got {character!r}.")
        for (name, one), (other, two) in combinations(given.items(), 2):
            if one == two:
                raise InputError(f"{name} and {other} are both {one!r}.")
        if self.quote == "none" and self.escapechar is not None:
            raise InputError('escapechar needs quotes: leave out quote="none" (--quote none).')
        choices = (("decimal", (None, ".", ",")), ("header", ("auto", "yes", "no")), ("on_bad_row", ("error", "skip")))
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                shown = ", ".join(repr(a) for a in allowed if a is not None)
                raise InputError(f"{name} must be one of {shown}; got {getattr(self, name)!r}.")
        if self.thousands not in (None, ",", ".", "'", " ", "_"):
            raise InputError(f"thousands must be one of , . ' _ or a blank; got {self.thousands!r}.")
        if self.thousands is not None and self.thousands == self.decimal:
            raise InputError(f"thousands and decimal are both {self.thousands!r}.")
        if isinstance(self.na_values, str) or not all(isinstance(value, str) for value in self.na_values):
            raise InputError(f"na_values must be a list of texts; got {self.na_values!r}.")
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)().decode("a".encode(self.encoding), final=True)
            except (LookupError, UnicodeError):
                raise InputError(
                    f"Python knows no encoding {self.encoding!r}. Common ones: utf-8, utf-16, cp1252, latin-1."
                ) from None
        for name, number in (("max_bad", self.max_bad), ("skip_lines", self.skip_lines)):
            if not isinstance(number, int) or number < 0:
                raise InputError(f"{name} must be a whole number of at least 0; got {number!r}.")
        if self.rejects is not None and self.on_bad_row != "skip":
            raise InputError('rejects needs on_bad_row="skip" (--on-bad-row skip): else no row is skipped.')

    def of_csv(self) -> list[str]:
        """Return the options given that only a CSV file has."""
        return [name for name in self.given() if name not in ("thousands", "na_values")]

    def given(self) -> list[str]:
        """Return the options given."""
        return [f.name for f in fields(FileOptions) if getattr(self, f.name) != f.default]


Progress = Callable[[str, int, int, int], None]
"""Called with what is being done, how many rows or iterations of it are, and how much of the table was read, of what:
bytes of files, rows of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(FileOptions):
    """How a table is read, and what becomes of its columns and rows; `fit` says what each means."""

    features: Sequence[str] | None = None
    drop: Sequence[str] | None = ()
    weights: Any = None
    weight_type: WeightType = "analytic"
    categorical: Sequence[str] | None = ()
    max_levels: int = 100
    missing: Missing = "error"
    test: float = 0.0
    split_key: str | None = None
    random_state: int = 0
    rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("features", "drop", "categorical"):
            names = None if getattr(self, name) is None else _checked_names(name, getattr(self, name))
            object.__setattr__(self, name, () if names is None and name != "features" else names)
        if self.split_key is not None and not isinstance(self.split_key, str):
            raise InputError(f"split_key must be a column's name, as text; got {self.split_key!r}.")
        check_choice("missing", self.missing, ("error", "drop", "mean"))
        check_choice("weight_type", self.weight_type, get_args(WeightType))
        check_number("max_levels", self.max_levels, at_least=1)
        check_number("test", self.test, at_least=0.0)
        object.__setattr__(self, "test", float(self.test))
        object.__setattr__(self, "random_state", check_whole("random_state", self.random_state))
        if self.rows is not None:
            check_number("rows", self.rows, at_least=1)
        if self.test >= 1.0:
            raise InputError(f"test must be a fraction below 1; got {self.test!r}.")


def _checked_names(option: str, given: Any) -> tuple[str, ...]:
    """Return names of columns as a tuple."""
    if isinstance(given, str):
        raise InputError(f"{option} must be a list of column names, not one text; use [{given!r}].")
    if not isinstance(given, Iterable):
        raise InputError(f"{option} must be a list of column names; got {given!r}.")
    names = tuple(given)
    for name in names:
        if not isinstance(name, str):
            raise InputError(
                f"{option} must hold column names as text; got {name!r}. "
                "The columns of an array are named 'x0', 'x1', …; whole numbers of a frame become '0', '1', …."
            )
    return names


def file_options(options: Mapping[str, Any]) -> FileOptions:
    """Return those options that say how files are read."""
    return FileOptions(**{f.name: options[f.name] for f in fields(FileOptions) if f.name in options})


def split_options(options: dict[str, Any]) -> tuple[TableOptions, TrainOptions]:
    """Return the options of a table and those of training, checked.

    Raises
    ------
    TypeError
        If an option belongs to neither.
    """
    of_table = {f.name for f in fields(TableOptions)}
    of_training = {f.name for f in fields(TrainOptions)}
    for name in options:
        if name not in of_table | of_training:
            raise TypeError(f"unexpected option {name!r}")
    return (
        TableOptions(**{k: v for k, v in options.items() if k in of_table}),
        TrainOptions(**{k: v for k, v in options.items() if k in of_training}),
    )
