"""Estimators that a user adds to a comparison: checked, fitted to the same rows, and seen by what they predict."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeGuard

import numpy as np

from regress.api.other_tools import Predictor, Tool, ToolFit, first_line
from regress.blocks import Array, Block
from regress.errors import InputError
from regress.messages import setting, shortened

_METHODS = ("fit", "predict", "get_params", "set_params")
_SAME = 1e-6  # of its size: how far a prediction may be from that of the coefficients, for these to be the model


def added(estimators: Mapping[str, Any] | None, taken: Sequence[str]) -> Iterator[Tool]:
    """Yield a tool for each estimator, whose name must be none of those `taken`.

    Raises
    ------
    InputError
        If one is not a regressor of scikit-learn's kind.
    """
    if estimators is None:
        return
    if not isinstance(estimators, Mapping):
        raise InputError(
            f"{setting('estimators')} must be a dict of estimators by name; got {type(estimators).__name__}."
        )
    for name, estimator in estimators.items():
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"Each of the {setting('estimators')} needs a name, a text; got {name!r}.")
        if name in taken:
            raise InputError(f"{name!r} is compared already. Give this estimator another name.")
        _check(name, estimator)
        asked = shortened(" ".join(repr(estimator).split()), 200)
        yield Tool(name, f"{asked}.fit(X, y), cloned.", partial(_fit, estimator), added=True)


def is_regressor_class(kind: Any) -> TypeGuard[type]:
    """Tell whether a class has the methods of a scikit-learn estimator that predicts."""
    return isinstance(kind, type) and all(callable(getattr(kind, name, None)) for name in _METHODS)


def _check(name: str, estimator: Any) -> None:
    from sklearn.base import clone, is_classifier

    if isinstance(estimator, type):
        raise InputError(f"Estimator {name!r} is a class. Pass an instance, such as {estimator.__name__}().")
    lacking = [method for method in _METHODS if not callable(getattr(estimator, method, None))]
    if lacking:
        kind = type(estimator).__name__
        raise InputError(f"Estimator {name!r} ({kind}) has no {lacking[0]}, so it is not a regressor of scikit-learn.")
    try:
        clone(estimator)
        classifier = is_classifier(estimator)
    except Exception as error:  # whatever its own code raises
        raise InputError(f"Estimator {name!r} cannot be cloned: {first_line(error)}") from error
    if classifier:
        raise InputError(f"Estimator {name!r} is a classifier. A comparison needs regressors.")


def _fit(estimator: Any, block: Block) -> Predictor:
    from sklearn.base import clone

    model = clone(estimator)
    X, y, a = block.X, block.Y[:, 0], block.weights
    model.fit(X, y, **({} if a is None else dict.fromkeys(_weight_parameters(model), a)))
    iterations = getattr(model, "n_iter_", None)
    return Predictor(model, int(iterations) if isinstance(iterations, int | np.integer) else None)


def _weight_parameters(model: Any) -> list[str]:
    """Return the arguments of `fit` that take the weights of the rows: of a pipeline, one for each step that has any.

    Raises
    ------
    ValueError
        If the model does not take weights, or the last step of a pipeline does not.
    """
    steps = _steps(model)
    taking = [name for name, step in steps if "sample_weight" in inspect.signature(step.fit).parameters]
    if not steps or steps[-1][0] not in taking:
        raise ValueError("The rows have weights, and its fit takes no sample_weight.")
    return ["sample_weight"] if steps[-1][1] is model else [f"{name}__sample_weight" for name in taking]


def _steps(model: Any) -> list[tuple[str, Any]]:
    """Return the steps of a pipeline that do something, by name; any other model is its own only step."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        return [("", model)]
    return [(name, step) for name, step in model.steps if step not in (None, "passthrough")]


def coefficients(fit: Predictor, X: Array) -> ToolFit | None:
    """Return the coefficients of a linear model of the rows; None where it predicts anything else than these say."""
    steps = _steps(fit.model)
    last = steps[-1][1] if len(steps) == 1 else None
    coef, b_of = getattr(last, "coef_", None), np.ravel(getattr(last, "intercept_", ()))
    if not isinstance(coef, np.ndarray) or coef.size != X.shape[1] or len(b_of) != 1:
        return None
    w, b, n = coef.astype(np.float64).reshape(-1), float(b_of[0]), X.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(X) @ np.abs(w) + abs(b)
        same = bool((np.abs(X @ w + b - fit.predict(X)) <= _SAME * size).all())  # not with a link, or steps before
    rank = getattr(last, "rank_", None)
    return ToolFit(w, np.zeros(n), b, b, fit.n_iter, rank if isinstance(rank, int) else None) if same else None
