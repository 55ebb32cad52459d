"""Linear regression by gradients derived by hand.

- ``inspect`` shows what is in a table before any fit.
- ``fit`` trains w and b on a CSV or Parquet file, a frame or arrays.
- ``moments`` sums a table, or a part of it; sums merge, and ``fit`` takes them. ``load_moments`` reads saved ones.
- ``compare`` fits the same rows with scikit-learn.
- ``certify`` counts the correct digits of any tool's coefficients; ``verify`` tells a model's table from others.
- ``check_gradients`` checks the gradient in five ways.
- ``LinearRegressor`` is a scikit-learn estimator.
- ``load`` reads a saved model, ``to_sklearn`` turns it into a Pipeline, ``to_keras`` into a Keras model.
- ``write_report`` makes a page of a result, ``table`` puts models side by side, and ``plot`` draws charts.

Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regress import plot
    from regress.api.certify import certify
    from regress.api.check import check_gradients
    from regress.api.compare import compare
    from regress.api.comparison import Comparison
    from regress.api.estimator import LinearRegressor
    from regress.api.fit import fit
    from regress.api.inspect import Inspection, inspect
    from regress.api.keras_models import to_keras
    from regress.api.load import load
    from regress.api.model import LinearModel
    from regress.api.moments.sum_table import moments
    from regress.api.moments.table_moments import TableMoments, load_moments
    from regress.api.pipeline import to_sklearn
    from regress.api.report import write_report
    from regress.api.result import Fit
    from regress.api.table import ModelTable, table
    from regress.api.verify import Verification, verify
    from regress.errors import (
        ConvergenceWarning,
        DataWarning,
        InputError,
        MissingDependencyError,
        RegressError,
        TableError,
        UnknownOptionError,
    )
    from regress.inference.certified import Certificate
    from regress.inference.gradient_check import GradientCheck
    from regress.inference.robust_covariance import Covariance
    from regress.objective.losses import Loss, SquaredError
    from regress.objective.penalties import Penalty
    from regress.solvers.batch_steps import BatchSolver
    from regress.solvers.state import State
    from regress.solvers.steps import Solver

__version__ = "0.1.0"

_HOME = {
    "BatchSolver": "solvers.batch_steps",
    "Certificate": "inference.certified",
    "Comparison": "api.comparison",
    "ConvergenceWarning": "errors",
    "Covariance": "inference.robust_covariance",
    "DataWarning": "errors",
    "Fit": "api.result",
    "GradientCheck": "inference.gradient_check",
    "InputError": "errors",
    "Inspection": "api.inspect",
    "LinearModel": "api.model",
    "LinearRegressor": "api.estimator",
    "Loss": "objective.losses",
    "MissingDependencyError": "errors",
    "ModelTable": "api.table",
    "Penalty": "objective.penalties",
    "RegressError": "errors",
    "Solver": "solvers.steps",
    "SquaredError": "objective.losses",
    "State": "solvers.state",
    "TableError": "errors",
    "TableMoments": "api.moments.table_moments",
    "UnknownOptionError": "errors",
    "Verification": "api.verify",
    "certify": "api.certify",
    "check_gradients": "api.check",
    "compare": "api.compare",
    "fit": "api.fit",
    "inspect": "api.inspect",
    "load": "api.load",
    "load_moments": "api.moments.table_moments",
    "moments": "api.moments.sum_table",
    "plot": "plot",
    "table": "api.table",
    "to_keras": "api.keras_models",
    "to_sklearn": "api.pipeline",
    "verify": "api.verify",
    "write_report": "api.report",
}

__all__ = [
    "BatchSolver",
    "Certificate",
    "Comparison",
    "ConvergenceWarning",
    "Covariance",
    "DataWarning",
    "Fit",
    "GradientCheck",
    "InputError",
    "Inspection",
    "LinearModel",
    "LinearRegressor",
    "Loss",
    "MissingDependencyError",
    "ModelTable",
    "Penalty",
    "RegressError",
    "Solver",
    "SquaredError",
    "State",
    "TableError",
    "TableMoments",
    "UnknownOptionError",
    "Verification",
    "__version__",
    "certify",
    "check_gradients",
    "compare",
    "fit",
    "inspect",
    "load",
    "load_moments",
    "moments",
    "plot",
    "table",
    "to_keras",
    "to_sklearn",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        module = import_module(f"regress.{_HOME[name]}")
        return module if name == "plot" else getattr(module, name)
    raise AttributeError(f"module 'regress' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
