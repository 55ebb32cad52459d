"""Anyone's fitted coefficients as a claim: w and b by name or position, and the objective that they minimise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from regress.errors import InputError
from regress.model import LinearModel, load
from regress.numerics.twofold import Array
from regress.result import Fit
from regress.tables.design import Design

# of what a model keeps of its training: what decides the objective
_KNOWN = "fit_intercept alpha collinear missing weights weighted weight_type test split_key random_state".split()


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """That ŷ = (x − center)ᵀw + b_center minimises an objective.

    Attributes
    ----------
    w, b : array of shape (n,), float
        Coefficients and intercept.
    names : tuple of str or None
        The columns of w; None where they are those of the table, in order.
    options : mapping
        What is known of the objective: keyword arguments of `fit`.
    target : str or None
        The column that was predicted, if known.
    center, b_center : array of shape (n,), float, optional
        Where predictions are computed; x = 0 and b unless given.
    design : Design, optional
        What became of a table's columns.
    alpha_per_row : float
        A penalty that grows with the rows.
    constant : (str, int, float) or None
        Name, position and coefficient of a constant column that a table may hold itself, and which makes b.
    steps, columns : object, tuple of str
        What transforms a table into the columns of w, and the table's columns that it takes; all if empty.
    """

    w: Array
    b: float
    names: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    center: Array | None = None
    b_center: float | None = None
    design: Design | None = None
    alpha_per_row: float = 0.0
    constant: tuple[str, int, float] | None = None
    steps: Any = None
    columns: tuple[str, ...] = ()


def claim_of(other: Any) -> Claim:
    """Read a claim from a fit, a model or its file, (w, b), JSON, a scikit-learn estimator or a statsmodels result.

    Raises
    ------
    InputError
        If it is none of these, or minimises something else than squares, perhaps with a ridge penalty.
    """
    if isinstance(other, Fit | LinearModel):
        return _of_model(other.fitted if isinstance(other, Fit) else other)
    if isinstance(other, str | Path):
        return _of_file(Path(other))
    if isinstance(other, Mapping):
        return _of_json(other, "The claim")
    if isinstance(other, tuple) and len(other) == 2:
        return _of_pair(*other)
    packages = {kind.__module__.split(".")[0] for kind in type(other).__mro__}
    if "statsmodels" in packages:
        return _of_statsmodels(other)
    if "sklearn" in packages:
        return _of_scikit_learn(other)
    raise InputError(
        f"An object of type {type(other).__name__} cannot be certified. Pass a fit, a model or its file, (w, b), "
        '{"coef": {…}, "intercept": …}, a linear estimator of scikit-learn, or a result of statsmodels\' OLS or WLS.'
    )


def _of_model(model: LinearModel) -> Claim:
    options = {name: model.options[name] for name in _KNOWN if model.options.get(name) is not None}
    return Claim(
        model.w, model.b, model.names, options, model.target, model.center, model.b_center, design=model.design
    )


def _of_file(path: Path) -> Claim:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        held = None
    if isinstance(held, dict) and "coef" in held:
        return _of_json(held, str(path))
    return _of_model(load(path))


def _of_json(held: Mapping[str, Any], label: str) -> Claim:
    coef, intercept = held.get("coef"), held.get("intercept", 0.0)
    if not isinstance(coef, Mapping) and not isinstance(coef, list | tuple | np.ndarray):
        raise InputError(f'{label} has no "coef": {{name: value}} or list of values.')
    return _of_pair(coef, 0.0 if intercept is None else intercept)


def _of_pair(w: Any, b: Any) -> Claim:
    if type(w).__module__.startswith("pandas") and all(isinstance(label, str) for label in w.index):
        w = w.to_dict()
    names = tuple(w) if isinstance(w, Mapping) else None
    values = list(w.values()) if isinstance(w, Mapping) else w
    try:
        array, intercept = np.asarray(values, dtype=np.float64), float(b)
    except (TypeError, ValueError, OverflowError):
        raise InputError("Coefficients and intercept must be numbers.") from None
    if array.ndim != 1:
        raise InputError(f"Coefficients must have one dimension, (n,); their shape is {array.shape}.")
    return Claim(array, intercept, names)


def _of_statsmodels(result: Any) -> Claim:
    from statsmodels.regression.linear_model import OLS, WLS, RegressionResults, RegressionResultsWrapper

    if not isinstance(result, RegressionResults | RegressionResultsWrapper) or type(result.model) not in (OLS, WLS):
        kind = type(getattr(result, "model", result)).__name__
        raise InputError(f"A {type(result).__name__} of {kind} minimises {_NOT}; plain results of OLS and WLS can.")
    model = result.model
    params, names, where = np.asarray(result.params, dtype=np.float64), list(model.exog_names), model.data.const_idx
    named = not isinstance(model.data.orig_exog, np.ndarray)
    options: dict[str, Any] = {"fit_intercept": where is not None}
    if getattr(model.data, "missing_row_idx", None):  # rows that it left out
        options["missing"] = "drop"
    if type(model) is WLS:
        options["weights"] = np.asarray(model.weights)
    if where is None:
        return Claim(params, 0.0, tuple(names) if named else None, options)
    kept = [j for j in range(len(params)) if j != where]
    shown = tuple(names[j] for j in kept) if named else None
    coefficient = float(params[where])
    b = coefficient * float(np.asarray(model.exog)[0, where])
    return Claim(params[kept], b, shown, options, constant=(names[where], where, coefficient))


def _of_scikit_learn(estimator: Any) -> Claim:
    from sklearn.exceptions import NotFittedError
    from sklearn.linear_model import LinearRegression, Ridge, RidgeCV, SGDRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    from regress.estimator import LinearRegressor

    if isinstance(estimator, Pipeline):
        while isinstance(estimator[-1], Pipeline):
            estimator = Pipeline([*estimator.steps[:-1], *estimator[-1].steps])
        if isinstance(estimator[-1], str):
            raise InputError("The Pipeline does not end in a linear estimator, so it has no coefficients.")
        claim = _of_scikit_learn(estimator[-1])
        if len(estimator) == 1:
            return claim
        columns = tuple(getattr(estimator[0], "feature_names_in_", ()))
        return replace(claim, names=None, steps=estimator[:-1], columns=columns)
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise InputError(f"The {type(estimator).__name__} is not fitted. Call its fit first.") from None
    alpha, per_row = 0.0, 0.0
    if isinstance(estimator, Ridge | RidgeCV | LinearRegressor):
        alpha = estimator.alpha_ if isinstance(estimator, RidgeCV) else estimator.alpha
    elif isinstance(estimator, SGDRegressor):
        if estimator.loss != "squared_error" or estimator.penalty not in (None, "l2"):
            raise InputError(f"SGDRegressor(loss={estimator.loss!r}, penalty={estimator.penalty!r}) minimises {_NOT}.")
        per_row = float(estimator.alpha) if estimator.penalty else 0.0  # it takes the mean over rows, and halves both
    elif not isinstance(estimator, LinearRegression):
        raise InputError(f"{type(estimator).__name__} minimises {_NOT}.")
    if getattr(estimator, "positive", False):
        raise InputError(f"{type(estimator).__name__}(positive=True) minimises {_NOT}.")
    coef = np.asarray(estimator.coef_, dtype=np.float64)
    if (coef.ndim == 2 and len(coef) != 1) or np.ndim(alpha):
        raise InputError(f"{type(estimator).__name__} has several targets. Certify each by its (w, b).")
    names = tuple(getattr(estimator, "feature_names_in_", ())) or None
    options = {"fit_intercept": estimator.fit_intercept, "alpha": float(alpha)}
    claim = Claim(coef.reshape(-1), float(np.squeeze(estimator.intercept_)), names, options, alpha_per_row=per_row)
    if isinstance(estimator, LinearRegressor):
        claim = replace(claim, center=estimator._center, b_center=float(np.squeeze(estimator._at_center)))
    return claim


_NOT = "something else than squares with a ridge penalty, so its coefficients cannot be certified"
