"""What a user may choose about training, checked once for Python, the command line and the model file alike."""

from dataclasses import dataclass
from math import isfinite, nan
from numbers import Integral, Real
from typing import Literal, get_args

from regress.errors import InputError

Solver = Literal["auto", "gd", "accelerated", "cg", "newton"]
Gradient = Literal["derived", "autodiff"]
Over = Literal["auto", "rows", "moments"]
Precision = Literal["auto", "double", "exact"]
Collinear = Literal["min-norm", "drop", "error"]

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
