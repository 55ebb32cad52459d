"""The claims that models and results of any tool make."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regress.api.claim import Claim, Held
from regress.api.json_schema import Malformed, mapping, number, numbers, optional, read_json, record, whole
from regress.api.keras_models import claim_of_keras
from regress.api.load import fit_of
from regress.api.model import LinearModel
from regress.api.result import Fit
from regress.errors import InputError
from regress.records import SQUARED

# the options of a saved model that determine its objective
_KNOWN = (
    "fit_intercept alpha collinear missing as_written weights weighted weight_type test_size split_key random_state"
).split()

_JSON = record(
    coef=lambda value, at: (mapping(number()) if isinstance(value, dict) else numbers)(value, at),
    intercept=optional(number()),
    n_rows=optional(whole(at_least=1)),
)


def claim_of(other: Any) -> Claim:
    """Read a claim from a fit, a model or its file, (w, b), JSON, or an object of scikit-learn, statsmodels or Keras.

    Raises
    ------
    InputError
        If it is another object, or minimizes another loss than squares with or without a ridge penalty.
    """
    if isinstance(other, Fit | LinearModel):
        return _of_model(other._bare if isinstance(other, Fit) else other)
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
    if "keras" in packages:
        return claim_of_keras(other)
    raise InputError(
        f"An object of type {type(other).__name__} cannot be certified. Pass a fit, a model or its file, (w, b), or "
        '{"coef": {…}, "intercept": …}. Linear models of scikit-learn and Keras can be certified too, and results of '
        "statsmodels' OLS or WLS."
    )


def _of_model(model: LinearModel) -> Claim:
    loss = model.options["loss"]
    if given := ("" if loss == SQUARED else loss) or model.options["penalty"]:
        raise InputError(f"The model minimizes {given}. Only the squared error with a ridge penalty can be certified.")
    options = {name: model.options[name] for name in _KNOWN if model.options.get(name) is not None}
    return Claim(
        model.w,
        model.b,
        model.names,
        options=options,
        target=model.target,
        center=model.center,
        b_center=model.b_center,
        design=model.design,
        trained_rows=model.n_rows,
    )


def _of_file(path: Path) -> Claim:
    held = read_json(path)
    if not isinstance(held, dict) or "coef" not in held:
        return _of_model(fit_of(held, path)._bare)
    try:
        held = _JSON({"intercept": None, "n_rows": None, **held}, "")
    except Malformed as error:
        raise InputError(f"{path} is not a claim: {error}.") from None
    return _of_json(held, str(path))


def _of_json(held: Mapping[str, Any], label: str) -> Claim:
    coef, intercept = held.get("coef"), held.get("intercept", 0.0)
    if not isinstance(coef, Mapping) and not isinstance(coef, list | tuple | np.ndarray):
        raise InputError(f'{label} has no "coef": {{name: value}} or list of values.')
    rows = held.get("n_rows")
    claim = _of_pair(coef, 0.0 if intercept is None else intercept)
    return replace(claim, trained_rows=rows if type(rows) is int else None)


def _of_pair(w: Any, b: Any) -> Claim:
    if type(w).__module__.startswith("pandas") and all(isinstance(label, str) for label in w.index):
        w = w.to_dict()
    names = tuple(w) if isinstance(w, Mapping) else None
    values = list(w.values()) if isinstance(w, Mapping) else w
    try:
        cells = [np.ravel(np.asarray(v, dtype=object)) for v in (values, b)]
        if any(isinstance(v, bool | np.bool_ | str | bytes) for part in cells for v in part):
            raise TypeError  # NumPy would take them for numbers
        array, intercept = np.asarray(values, dtype=np.float64), float(b)
    except (TypeError, ValueError, OverflowError):
        raise InputError("Coefficients and intercept must be numbers.") from None
    if array.ndim != 1:
        raise InputError(f"Coefficients must have one dimension, (n,); their shape is {array.shape}.")
    return Claim(array, intercept, names)


def _of_statsmodels(result: Any) -> Claim:
    from statsmodels.genmod.generalized_linear_model import GLM, GLMResults, GLMResultsWrapper
    from statsmodels.regression.linear_model import OLS, WLS, RegressionResults, RegressionResultsWrapper

    model = getattr(result, "model", result)
    kind, weights = type(model).__name__, None
    if isinstance(result, GLMResults | GLMResultsWrapper) and type(model) is GLM:
        family, link = type(model.family).__name__, type(model.family.link).__name__
        if (family, link) != ("Gaussian", "Identity") or np.any(model._offset_exposure):
            raise InputError(f"A GLM with family {family}, link {link} or an offset minimizes {_NOT}.")
        weights = model.iweights if np.ptp(model.iweights) else None
    elif isinstance(result, RegressionResults | RegressionResultsWrapper) and type(model) in (OLS, WLS):
        weights = model.weights if type(model) is WLS else None
    else:
        raise InputError(f"A {type(result).__name__} of {kind} minimizes {_NOT}; plain results of OLS and WLS can.")
    if model.exog is None:
        raise InputError("The result holds no data, as remove_data() was called. Pass its coefficients as (w, b).")
    X, params = np.asarray(model.exog, dtype=np.float64), np.asarray(result.params, dtype=np.float64)
    where, b, kept = model.data.const_idx, 0.0, list(range(len(params)))
    if where is not None:
        kept.remove(where)
        b = float(params[where] * X[0, where])
    of_arrays = [isinstance(part, np.ndarray) for part in (model.data.orig_exog, model.data.orig_endog)]
    held = Held(
        X[:, kept],
        np.asarray(model.endog, dtype=np.float64),
        weights=None if weights is None else np.asarray(weights, dtype=np.float64),
        names=None if of_arrays[0] else tuple(model.exog_names[j] for j in kept),
        target=None if of_arrays[1] else model.endog_names,
        left_out=tuple(getattr(model.data, "missing_row_idx", None) or ()),
        kind=kind,
    )
    return Claim(params[kept], b, options={"fit_intercept": where is not None}, held=held)


def _of_scikit_learn(estimator: Any) -> Claim:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression, Ridge, RidgeCV, SGDRegressor
    from sklearn.pipeline import Pipeline

    from regress.api.estimator import LinearRegressor

    estimator = _refitted(estimator)
    if isinstance(estimator, Pipeline):
        while isinstance(last := _refitted(estimator[-1]), Pipeline):
            estimator = Pipeline([*estimator.steps[:-1], *last.steps])
        if isinstance(estimator[-1], str):
            raise InputError("The Pipeline does not end in a linear estimator, so it has no coefficients.")
        claim = _of_scikit_learn(estimator[-1])
        if len(estimator) == 1:
            return claim
        columns = tuple(getattr(estimator[0], "feature_names_in_", ()))
        return replace(claim, names=None, steps=estimator[:-1], columns=columns)
    _check_fitted(estimator)
    alpha, per_row = 0.0, 0.0
    if isinstance(estimator, Ridge | RidgeCV | LinearRegressor):
        alpha = estimator.alpha_ if isinstance(estimator, RidgeCV) else estimator.alpha
    elif isinstance(estimator, SGDRegressor):
        if estimator.loss != "squared_error" or estimator.penalty not in (None, "l2"):
            raise InputError(f"SGDRegressor(loss={estimator.loss!r}, penalty={estimator.penalty!r}) minimizes {_NOT}.")
        per_row = float(estimator.alpha) if estimator.penalty else 0.0  # it takes the mean over rows, and halves both
    elif isinstance(estimator, TransformedTargetRegressor):
        raise InputError(
            "A TransformedTargetRegressor is fitted to a transformed target. Certify its regressor_ on that target."
        )
    elif not isinstance(estimator, LinearRegression):
        raise InputError(f"{type(estimator).__name__} minimizes {_NOT}.")
    if getattr(estimator, "positive", False):
        raise InputError(f"{type(estimator).__name__}(positive=True) minimizes {_NOT}.")
    coef = np.asarray(estimator.coef_, dtype=np.float64)
    if (coef.ndim == 2 and len(coef) != 1) or np.size(alpha) != 1:
        raise InputError(f"{type(estimator).__name__} has several targets. Certify each by its (w, b).")
    names = tuple(getattr(estimator, "feature_names_in_", ())) or None
    options = {"fit_intercept": estimator.fit_intercept, "alpha": float(np.squeeze(alpha))}
    claim = Claim(coef.reshape(-1), float(np.squeeze(estimator.intercept_)), names, options, alpha_per_row=per_row)
    if isinstance(estimator, LinearRegressor):
        claim = replace(claim, center=estimator._center, b_center=float(np.squeeze(estimator._at_center)))
    return claim


def _refitted(estimator: Any) -> Any:
    """Return the best estimator of a search, refitted to all rows; any other object unchanged."""
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    if not isinstance(estimator, GridSearchCV | RandomizedSearchCV):
        return estimator
    if not estimator.refit:
        raise InputError(f"{type(estimator).__name__}(refit=False) holds no fit. Use refit=True.")
    _check_fitted(estimator)
    return _refitted(estimator.best_estimator_)


def _check_fitted(estimator: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise InputError(f"The {type(estimator).__name__} is not fitted. Call its fit first.") from None


_NOT = "something else than squares with a ridge penalty, so its coefficients cannot be certified"
