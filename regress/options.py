"""Every option once: its type, default, help text, group and check. Signatures, docstrings and flags are made of these.

A class holds the options that belong together, and checks their values where one is made.
"""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args

from regress.errors import (
    InputError,
    check_character,
    check_choice,
    check_names,
    check_number,
    check_switch,
    check_text,
    check_whole,
)
from regress.messages import setting

Decimal = Literal[".", ","]
Header = Literal["auto", "yes", "no"]
OnBadLines = Literal["error", "skip"]
WeightType = Literal["analytic", "frequency"]
Missing = Literal["raise", "drop", "mean"]
HandleUnknown = Literal["error", "reference"]
Solver = Literal["auto", "gd", "accelerated", "cg", "newton"]
Gradient = Literal["derived", "autodiff"]
Over = Literal["auto", "rows", "moments"]
Precision = Literal["auto", "float64", "exact"]
Collinear = Literal["min-norm", "drop", "error"]
CovType = Literal["nonrobust", "HC0", "HC1"]
Progress = Callable[[str, int, int, int], None]
"""progress(stage, done, position, size): `stage` is "rows" or "iterations", and `done` is their number.

`position` of `size` bytes or rows of the table have been read."""

_MAX_ITER = {"gd": 100_000, "newton": 100}


def option(default: Any, help: str, group: str, metavar: str = "", **flag: str) -> Any:
    """Declare an option: its default, what it does, where a help page has it, and the name of its value there.

    A flag may have a `short` form, and says what it turns `off` where the option is on by default.
    """
    return field(default=default, metadata={"help": help, "group": group, "metavar": metavar, "flag": flag})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How to read files. Options that are None or "auto" are detected from the start of each file, and printed."""

    delimiter: str | None = option(
        None, "Delimiter between cells, such as ';' or tab. Detected unless given.", "Files", "C"
    )
    decimal: Decimal | None = option(None, "Decimal mark. Detected unless given.", "Files")
    encoding: str | None = option(
        None, "Encoding, such as cp1252 or utf-16. Detected unless given; else UTF-8.", "Files", "NAME"
    )
    quotechar: str | None = option(None, "Quote character, or none. Detected unless given.", "Files", "C")
    header: Header = option(
        "auto", "Whether the first line names the columns. Without a header they are x0, x1, ….", "Files"
    )
    skip_lines: int = option(0, "Number of lines above the table to skip, such as a title.", "Files", "N")
    comment: str | None = option(None, "Skip lines that begin with this character, such as '#'.", "Files", "C")
    escapechar: str | None = option(
        None, "Character before a quote within quotes, such as a backslash. Detected unless given.", "Files", "C"
    )
    on_bad_lines: OnBadLines = option(
        "error", "Rows with a wrong number of cells or an invalid cell: stop, or skip and count them.", "Files"
    )
    rejects: str | Path | None = option(
        None, "File for the skipped rows: source file, line, reason, text.", "Files", "FILE"
    )
    max_bad_lines: int = option(1000, "Stop after this many skipped rows.", "Files", "N")
    thousands: str | None = option(
        None,
        "Separator of groups of three digits, as in 1,200: one of , . ' _ or a blank. A blank also stands for no-break "
        "blanks.",
        "Files",
        "C",
    )
    na_values: Sequence[str] = option(
        (), "Cells to read as missing, besides empty cells, NA, N/A, NaN, nan, NULL, null and None.", "Files", "TEXTS"
    )
    keep_na: bool = option(
        False, "Read NA, NULL and None in text columns as categories. Empty cells remain missing.", "Files"
    )

    def __post_init__(self) -> None:
        quotechar = None if self.quotechar == "none" else self.quotechar or '"'
        characters = {n: getattr(self, n) for n in ("delimiter", "comment", "escapechar")} | {"quotechar": quotechar}
        given = {name: character for name, character in characters.items() if character is not None}
        if isinstance(self.na_values, str) or not all(isinstance(value, str) for value in self.na_values):
            raise InputError(f"{setting('na_values')} must be a list of texts; got {self.na_values!r}.")
        for name, character in given.items():
            check_character(name, character)
        for (name, one), (other, two) in combinations(given.items(), 2):
            if one == two:
                raise InputError(f"{setting(name)} and {setting(other)} are both {one!r}.")
        if self.quotechar == "none" and self.escapechar is not None:
            raise InputError(f"{setting('escapechar')} needs quotes: remove {setting('quotechar', 'none')}.")
        check_choice("decimal", self.decimal or ".", get_args(Decimal))
        check_choice("header", self.header, get_args(Header))
        check_choice("on_bad_lines", self.on_bad_lines, get_args(OnBadLines))
        if self.thousands not in (None, ",", ".", "'", " ", "_"):
            raise InputError(f"{setting('thousands')} must be one of , . ' _ or a blank; got {self.thousands!r}.")
        if self.thousands is not None and self.thousands == self.decimal:
            raise InputError(f"{setting('thousands')} and {setting('decimal')} are both {self.thousands!r}.")
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)().decode("a".encode(self.encoding), final=True)
            except (LookupError, UnicodeError):
                raise InputError(
                    f"Python has no encoding {self.encoding!r}. Common ones: utf-8, utf-16, cp1252, latin-1."
                ) from None
        for name in ("max_bad_lines", "skip_lines"):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), 0))
        object.__setattr__(self, "keep_na", check_switch("keep_na", self.keep_na))
        if self.rejects is not None and self.on_bad_lines != "skip":
            raise InputError(f"{setting('rejects')} needs {setting('on_bad_lines', 'skip')}: else no row is skipped.")

    def given(self) -> list[str]:
        """Return the names of the given options."""
        return [f.name for f in fields(FileOptions) if getattr(self, f.name) != f.default]

    def of_csv(self) -> list[str]:
        """Return the given options that only CSV files have."""
        return [name for name in self.given() if name not in ("thousands", "na_values")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(FileOptions):
    """Which columns and rows of a table are used, and how."""

    features: Sequence[str] | None = option(
        None, "Columns to use, comma-separated as a flag. Default: all others.", "Data", "COLS"
    )
    drop: Sequence[str] | None = option((), "Columns to exclude.", "Data", "COLS")
    weights: Any = option(
        None, "Column of row weights a ≥ 0 in Σ a (ŷ − y)². Rows of weight 0 are not used.", "Data", "COL"
    )
    weight_type: WeightType = option(
        "analytic", "For standard errors: weights are 1/variance, as in R's lm, or counts of equal rows.", "Data"
    )
    categorical: Sequence[str] | None = option((), "Columns to read as text, whatever they contain.", "Data", "COLS")
    max_categories: int = option(100, "Maximum number of categories in a text column.", "Data", "N")
    missing: Missing = option(
        "raise", "Rows with missing cells: stop, drop them, or fill numbers with the training mean.", "Data"
    )
    test_size: float = option(
        0.0, "Fraction of the rows to hold out: exact in memory, approximate for files and split keys.", "Data", "F"
    )
    split_key: str | None = option(
        None,
        "Hold out rows by their value in this column. It is a feature only if the features name it.",
        "Data",
        "COL",
    )
    random_state: int = option(0, "Seed of the split.", "Data", "N")
    rows: int | None = option(None, "Read only the first rows.", "Data", "N")

    def __post_init__(self) -> None:
        FileOptions.__post_init__(self)
        for name in ("features", "drop", "categorical"):
            names = None if getattr(self, name) is None else check_names(name, getattr(self, name))
            object.__setattr__(self, name, () if names is None and name != "features" else names)
        if self.split_key is not None:
            check_text("split_key", self.split_key, "a column's name")
        check_choice("missing", self.missing, get_args(Missing))
        check_choice("weight_type", self.weight_type, get_args(WeightType))
        check_whole("max_categories", self.max_categories, 1)
        object.__setattr__(self, "test_size", check_number("test_size", self.test_size, at_least=0.0, below=1.0))
        object.__setattr__(self, "random_state", check_whole("random_state", self.random_state, 0))
        if self.rows is not None:
            check_whole("rows", self.rows, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """How to train."""

    fit_intercept: bool = option(
        True, "Whether to fit the intercept b; otherwise b is 0.", "Model", off="Fit without an intercept: b is 0."
    )
    alpha: float = option(0.0, "Ridge penalty α‖w‖², in the user's units. The intercept is not penalized.", "Model")
    collinear: Collinear = option(
        "min-norm", "Columns that depend on others: take the solution of minimum norm, drop them, or stop.", "Model"
    )
    loss: Any = option(None, "Loss, an object of a subclass of `regress.Loss`. Default: the squared error.", "Model")
    penalty: Any = option(
        None, "Penalty, an object of a subclass of `regress.Penalty`. Default: the ridge penalty of alpha.", "Model"
    )
    solver: Solver | Any = option(
        "auto",
        "Update rule, in Python also an object of a subclass of `regress.Solver`. auto is newton, or cg where an n × n "
        "matrix is too large.",
        "Training",
    )
    gradient: Gradient = option("derived", "Gradient by the formulas derived by hand, or by TensorFlow.", "Training")
    over: Over = option(
        "auto",
        "Compute the gradient from the rows, or from sums over the rows (moments). auto is moments, or rows with more "
        "columns than rows.",
        "Training",
    )
    standardize: bool = option(
        True,
        "Descend in standardized coordinates. Results are in the user's units either way.",
        "Training",
        off="Descend in raw units.",
    )
    learning_rate: float | Literal["auto"] = option(
        "auto",
        "Step size on ∇L/Σa of gd and accelerated. auto is half the stability limit of gd. The limit of accelerated is "
        "two thirds of that of gd.",
        "Training",
        "RATE",
    )
    max_iter: int | None = option(
        None,
        "Maximum number of iterations. Default: 100,000 (gd), 10·n (cg), 100 (newton), 10,000 (others).",
        "Training",
        "N",
    )
    tol: float = option(1e-10, "Stop when the relative gradient |xⱼᵀr|/(‖xⱼ‖‖y − ȳ‖) falls below this.", "Training")
    precision: Precision = option(
        "auto",
        "Sums over rows in float64, or without rounding (exact). auto is exact if that is fast, or if float64 would "
        "leave fewer than ten digits. Solvers other than newton always descend in float64.",
        "Training",
    )

    def __post_init__(self) -> None:
        if isinstance(self.solver, str):
            check_choice("solver", self.solver, get_args(Solver))
        check_choice("gradient", self.gradient, get_args(Gradient))
        check_choice("over", self.over, get_args(Over))
        check_choice("precision", self.precision, get_args(Precision))
        check_choice("collinear", self.collinear, get_args(Collinear))
        for name, value in (("precision", "exact"), ("collinear", "drop")):
            if getattr(self, name) == value and self.solver not in ("auto", "newton"):
                raise InputError(
                    f"{setting(name, value)} needs {setting('solver', 'newton')} or auto; got {self.solver!r}."
                )
        object.__setattr__(self, "alpha", check_number("alpha", self.alpha, at_least=0.0))
        object.__setattr__(self, "tol", check_number("tol", self.tol, above=0.0))
        for name in ("fit_intercept", "standardize"):
            object.__setattr__(self, name, check_switch(name, getattr(self, name)))
        if self.max_iter is not None:
            object.__setattr__(self, "max_iter", check_whole("max_iter", self.max_iter, 1))
        if self.learning_rate != "auto":
            rate = check_number("learning_rate", self.learning_rate, above=0.0)
            object.__setattr__(self, "learning_rate", rate)
            if self.solver not in ("gd", "accelerated"):
                raise InputError(
                    f"{setting('learning_rate')} needs {setting('solver', 'gd')} or accelerated; {self.solver!r} sets "
                    "its step itself."
                )

    def plain(self) -> dict[str, Any]:
        """Return the options as plain values, objects by their text: "" for a loss or penalty that is not given."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return given | {name: str(given[name] or "") for name in ("loss", "penalty", "solver")}

    def iteration_limit(self, solver: str, n: int) -> int:
        """Return `max_iter`, or the default of `solver` for `n` columns."""
        return self.max_iter or (10 * (n + 1) if solver == "cg" else _MAX_ITER.get(solver, 10_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Options of single functions and commands: each takes some of these."""

    target: Any = option(None, "Column to predict.", "Data", "COL")
    cov_type: CovType = option("nonrobust", "Standard errors: classical, or White's HC0 or HC1 (robust).", "Model")
    level: float = option(0.95, "Coverage of confidence intervals.", "Model", "P")
    sample: int = option(20_000, "Training rows to keep for plots of residuals; 0 for none.", "Model", "N")
    digits: float = option(6.0, "Correct digits required of every coefficient.", "Output", "D")
    handle_unknown: HandleUnknown = option(
        "error", "Categories that training did not see: stop, or predict as the reference level.", "Data"
    )
    keep: Sequence[str] = option((), "Columns of TABLE to write besides the predictions.", "Data", "COLS")
    interval: float | None = option(None, "Add a prediction interval with coverage P, such as 0.95.", "Output", "P")
    n_jobs: int | None = option(None, "Number of threads. Default: one for each CPU.", "Training", "N")
    vif: bool = option(False, "Show variance inflation factors.", "Output")
    json: bool = option(False, "Print one JSON object and nothing else.", "Output")
    save: str | None = option(None, "Write the model.", "Output", "M.json")
    report: str | None = option(None, "Write the result as one HTML page.", "Output", "PAGE.html")
    descent: Sequence[str] | None = option(
        None, "Two coefficients over which the page draws the descent.", "Output", "A,B"
    )
    output: str | None = option(None, "File to write.", "Output", "FILE", short="-o")
