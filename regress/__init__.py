"""Linear regression by gradients derived by hand.

``fit`` trains w and b on a CSV or Parquet file, a frame or arrays; ``compare`` puts scikit-learn beside it;
``certify`` says how many digits of anyone's coefficients are right;
``check_gradients`` proves the gradient four ways; ``LinearRegressor`` is a scikit-learn estimator; ``load`` reads a
saved model and ``to_sklearn`` turns it into a Pipeline; ``write_report`` makes a page of a result, and ``plot`` draws
it. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regress import plot
    from regress.adapters import to_sklearn
    from regress.certification import certify
    from regress.checking import check_gradients
    from regress.comparison import Comparison, compare
    from regress.errors import ConvergenceWarning, DataWarning, InputError, RegressError
    from regress.estimator import LinearRegressor
    from regress.evidence.certificate import Certificate
    from regress.evidence.gradcheck import GradientCheck
    from regress.fitting import fit
    from regress.model import LinearModel, load
    from regress.report.page import write_report
    from regress.result import Fit

__version__ = "0.1.0"

_HOME = {
    "Certificate": "evidence.certificate",
    "Comparison": "comparison",
    "ConvergenceWarning": "errors",
    "DataWarning": "errors",
    "Fit": "result",
    "GradientCheck": "evidence.gradcheck",
    "InputError": "errors",
    "LinearModel": "model",
    "LinearRegressor": "estimator",
    "RegressError": "errors",
    "certify": "certification",
    "check_gradients": "checking",
    "compare": "comparison",
    "fit": "fitting",
    "load": "model",
    "plot": "plot",
    "to_sklearn": "adapters",
    "write_report": "report.page",
}

__all__ = [
    "Certificate",
    "Comparison",
    "ConvergenceWarning",
    "DataWarning",
    "Fit",
    "GradientCheck",
    "InputError",
    "LinearModel",
    "LinearRegressor",
    "RegressError",
    "__version__",
    "certify",
    "check_gradients",
    "compare",
    "fit",
    "load",
    "plot",
    "to_sklearn",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        module = import_module(f"regress.{_HOME[name]}")
        return module if name == "plot" else getattr(module, name)
    raise AttributeError(f"module 'regress' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
