"""How an option is declared, and the types of those that have a choice."""

from collections.abc import Callable
from dataclasses import field
from typing import Any, Literal

Decimal = Literal[".", ","]
Header = Literal["auto", "yes", "no"]
OnBadLines = Literal["error", "skip"]
WeightType = Literal["analytic", "frequency"]
Missing = Literal["raise", "drop", "mean"]
HandleUnknown = Literal["error", "reference"]
LossName = Literal["squared_error", "huber"]
Solver = Literal["auto", "gd", "accelerated", "cg", "newton", "sgd", "averaged-sgd", "adam"]
Schedule = Literal["constant", "invscaling", "cosine", "step"]
Rate = float | Literal["auto"] | Callable[[int], float]
Gradient = Literal["derived", "autodiff"]
Over = Literal["auto", "rows", "moments", "blocks"]
Precision = Literal["auto", "float64", "exact"]
Collinear = Literal["min-norm", "drop", "error"]
CovType = Literal["nonrobust", "HC0", "HC1"]
TableFormat = Literal["text", "md", "latex", "html", "csv"]
Correction = Literal["smearing", "normal", "naive"]
Progress = Callable[[str, int, int, int], None]
"""progress(stage, done, position, size): `stage` is "rows" or "iterations", and `done` is their number.

`position` of `size` bytes or rows of the table have been read."""


def option(default: Any, help: str, group: str, metavar: str = "", **flag: str) -> Any:
    """Declare an option: its default, what it does, where a help page has it, and the name of its value there.

    A flag may have a `short` form, and a `text` of its own where `help` describes what only Python can give. It says
    what it turns `off` if the option is on by default.
    """
    return field(default=default, metadata={"help": help, "group": group, "metavar": metavar, "flag": flag})
