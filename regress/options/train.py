"""How to train."""

from dataclasses import dataclass, fields
from typing import Any, get_args

from regress.errors import InputError, check_choice, check_number, check_switch, check_whole
from regress.messages import setting
from regress.options.batches import BATCH_SOLVERS, BatchOptions
from regress.options.declare import Collinear, Gradient, LossName, Over, Precision, Rate, Solver, option

_EPSILON = 1.35  # 95 % of the efficiency of least squares where errors are normal
_MAX_ITER = {"gd": 100_000, "newton": 100, "cg": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions(BatchOptions):
    """How to train."""

    fit_intercept: bool = option(
        True, "Whether to fit the intercept b; otherwise b is 0.", "Model", off="Fit without an intercept: b is 0."
    )
    alpha: float = option(0.0, "Ridge penalty α‖w‖², in the user's units. The intercept is not penalized.", "Model")
    collinear: Collinear = option(
        "min-norm", "Columns that depend on others: minimum-norm solution, drop them, or stop (error).", "Model"
    )
    loss: LossName | Any = option(
        "squared_error",
        "Squared error, or Huber's loss, which is robust to outliers. Or an object of a subclass of `regress.Loss`.",
        "Model",
        text="Squared error, or Huber's loss, which is robust to outliers.",
    )
    epsilon: float = option(
        _EPSILON,
        "Residuals beyond E times the scale count as outliers in Huber's loss. At least 1.",
        "Model",
        "E",
    )
    huber_scale: float | None = option(
        None,
        "Scale of the residuals in Huber's loss, in units of y. Default: median |y − ŷ| of least squares, divided by "
        "0.6745.",
        "Model",
        "S",
    )
    penalty: Any = option(
        None, "Penalty, an object of a subclass of `regress.Penalty`. Default: the ridge penalty of alpha.", "Model"
    )
    solver: Solver | Any = option(
        "auto",
        "Update rule, or an object of a subclass of `regress.Solver`. auto is newton, or cg if an n × n matrix is too "
        "large. sgd, averaged-sgd and adam train by mini-batches.",
        "Training",
        text="Update rule. auto is newton, or cg if an n × n matrix is too large. gd is gradient descent. sgd, "
        "averaged-sgd and adam train by mini-batches.",
    )
    gradient: Gradient = option(
        "derived", "Compute the gradient by the formulas derived by hand, or by TensorFlow (autodiff).", "Training"
    )
    over: Over = option(
        "auto",
        "Compute the gradient from the rows in memory, from sums over the rows (moments), or from rows read again in "
        "every epoch (blocks). auto is moments, or rows if there are more columns than rows. For mini-batches auto is "
        "rows, or blocks for files of more than 256 MB.",
        "Training",
    )
    standardize: bool = option(
        True,
        "Descend in standardized coordinates. Results are in the user's units either way.",
        "Training",
        off="Do not standardize the columns while training.",
    )
    learning_rate: Rate = option(
        "auto",
        "Step size on ∇L/Σa of gd, accelerated and mini-batches; for mini-batches also a function of the update's "
        "number. auto is half the stability limit; for adam 1 % of sd(y). The limit of accelerated is two thirds of "
        "that of gd.",
        "Training",
        "RATE",
        text="Step size on ∇L/Σa of gd, accelerated and mini-batches. auto is half the stability limit; for adam 1 % "
        "of sd(y).",
    )
    max_iter: int | None = option(
        None,
        "Maximum number of iterations. Default: 100,000 (gd), 10·n (cg), 100 (newton; with Huber's loss 10·n more), "
        "10,000 (others).",
        "Training",
        "N",
    )
    tol: float = option(1e-10, "Stop when the relative gradient |xⱼᵀr|/(‖xⱼ‖‖y − ȳ‖) falls below this.", "Training")
    precision: Precision = option(
        "auto",
        "Sum the rows in float64, or without rounding (exact). auto is exact for text files of up to 40 columns, for "
        "small tables, and if float64 would leave fewer than ten digits. Solvers other than newton descend in float64.",
        "Training",
    )

    def __post_init__(self) -> None:
        BatchOptions.__post_init__(self)
        if isinstance(self.loss, str):
            check_choice("loss", self.loss, get_args(LossName))
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
        object.__setattr__(self, "epsilon", check_number("epsilon", self.epsilon, at_least=1.0))
        if self.huber_scale is not None:
            object.__setattr__(self, "huber_scale", check_number("huber_scale", self.huber_scale, above=0.0))
        if not (isinstance(self.loss, str) and self.loss == "huber") and (
            self.epsilon != _EPSILON or self.huber_scale is not None
        ):
            name = "epsilon" if self.huber_scale is None else "huber_scale"
            raise InputError(f"{setting(name)} needs {setting('loss', 'huber')}.")
        object.__setattr__(self, "tol", check_number("tol", self.tol, above=0.0))
        for name in ("fit_intercept", "standardize"):
            object.__setattr__(self, name, check_switch(name, getattr(self, name)))
        if self.max_iter is not None:
            object.__setattr__(self, "max_iter", check_whole("max_iter", self.max_iter, 1))
        if not (isinstance(self.learning_rate, str) and self.learning_rate == "auto"):
            if not callable(self.learning_rate):
                rate = check_number("learning_rate", self.learning_rate, above=0.0)
                object.__setattr__(self, "learning_rate", rate)
            if self.solver not in ("gd", "accelerated", *BATCH_SOLVERS):
                own = repr(self.solver) if self.optimizer is None else setting("optimizer")
                raise InputError(
                    f"{setting('learning_rate')} needs {setting('solver', 'gd')}, accelerated, sgd, averaged-sgd or "
                    f"adam; {own} sets its step itself."
                )

    def plain(self) -> dict[str, Any]:
        """Return the options as plain values, objects by their text: "" for a penalty that is not given."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        texts = {name: str(given[name] or "") for name in ("loss", "penalty", "solver")}
        texts["optimizer"] = "" if self.optimizer is None else _config(self.optimizer)
        return given | texts | ({"learning_rate": "function"} if callable(self.learning_rate) else {})

    def iteration_limit(self, solver: str, n: int) -> int:
        """Return `max_iter`, or the default of `solver` for `n` columns."""
        of_columns = 10 * (n + 1) if solver == "cg" or (solver == "newton" and self.loss == "huber") else 0
        return self.max_iter or of_columns + _MAX_ITER.get(solver, 10_000)


def _config(optimizer: Any) -> str:
    """Return an optimizer of Keras as text, without its name, which counts the objects of a process."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name" and value is not None}
    return f"{type(optimizer).__name__}({', '.join(f'{name}={value!r}' for name, value in config.items())})"
