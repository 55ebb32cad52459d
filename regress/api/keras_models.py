"""Keras models of one Dense layer: made from a model, and read as claims."""

from typing import Any

import numpy as np

from regress.api.claim import Claim
from regress.api.model import LinearModel
from regress.api.model_names import bare_model
from regress.api.result import Fit
from regress.blocks import Array
from regress.errors import InputError
from regress.numerics.integers import rounded
from regress.numerics.whole_sum import implied_intercept
from regress.objective.autodiff import keras as load_keras


def to_keras(model: LinearModel | Fit) -> Any:
    """Return a Keras model of one Dense layer that predicts the same, in float64.

    It takes the columns of X in the order of `names`. Encode text first: the step ``to_sklearn(model)[0]`` does so.
    Of a target such as log(y) it predicts log(y).

    Call it as ``made(X)``. Keras's ``made.predict(X)`` first rounds an array to float32, unless
    ``keras.config.set_floatx("float64")`` was called. The layer computes xᵀw + b, but regress (x − x̄)ᵀw + ȳ. So where
    terms xⱼwⱼ are far larger than the prediction, as with timestamps, the last digits differ: by about 1e-16·Σ|xⱼwⱼ|.

    Parameters
    ----------
    model : LinearModel or Fit
        The model to convert.

    Raises
    ------
    InputError
        If `model` is another object, or predicts a transformed target such as log(y) in units of y.
    MissingDependencyError
        If TensorFlow is not installed.

    Returns
    -------
    keras.Sequential
        A row with a missing value gets the prediction NaN.

    Examples
    --------
    >>> import numpy as np, regress
    >>> fit = regress.fit({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y")
    >>> made = regress.to_keras(fit)
    >>> made(np.array([[4.0]])).numpy().tolist()
    [[9.0]]
    """
    model = bare_model(model, "to_keras")
    if (how := model.trained.retransform) is not None:
        raise InputError(f"to_keras cannot export {model.target}: its predictions are in units of {how.column}.")
    keras = load_keras("to_keras")
    with_b = model.options["fit_intercept"]
    dense = keras.layers.Dense(1, use_bias=with_b, dtype="float64", name="linear")
    made = keras.Sequential([keras.Input((len(model.w),), dtype="float64"), dense], name="regress")
    dense.set_weights([model.w[:, None], np.array([model.b])] if with_b else [model.w[:, None]])
    return made


def claim_of_keras(model: Any) -> Claim:
    """Read the claim of a Keras model: one Dense(1) without activation, perhaps after Normalization.

    Raises
    ------
    InputError
        If it is another object, or minimizes another loss than squares with or without a ridge penalty.
    """
    keras = load_keras("A Keras model")
    normalization, dense = _layers(model, keras)
    per_row = _penalty(model, dense, keras)
    w = np.asarray(dense.kernel, dtype=np.float64)[:, 0]
    b = float(np.asarray(dense.bias)[0]) if dense.use_bias else 0.0
    options = {"fit_intercept": bool(dense.use_bias)}
    if normalization is None:
        return Claim(w, b, options=options, alpha_per_row=per_row)
    if per_row:
        raise InputError(
            f"The Keras model penalizes the coefficients of normalized columns. {_REMEDY} of such columns."
        )
    if not dense.use_bias:
        raise InputError("A Keras model with a Normalization layer can be certified only with use_bias=True.")
    center, scale = _normalized(normalization, len(w), keras)
    w = w / scale
    return Claim(w, rounded(implied_intercept(w, center, b)), options=options, center=center, b_center=b)


def _layers(model: Any, keras: Any) -> tuple[Any, Any]:
    """Return the Normalization layer, if any, and the Dense layer of a model that has nothing else."""
    own = type(model).__module__.startswith("keras.")
    if own and isinstance(model, keras.Sequential):
        layers = list(model.layers)
    elif own and isinstance(model, keras.Model) and isinstance(model, keras.Function):
        layers = _chain(model)
    else:
        raise InputError(
            f"A {type(model).__name__} is not a Sequential or functional model of Keras, so its coefficients are "
            f"unknown. {_REMEDY}."
        )
    layers = [layer for layer in layers if type(layer) is not keras.layers.InputLayer]
    dense = layers[-1] if layers and type(layers[-1]) is keras.layers.Dense else None
    kinds = [type(layer) for layer in layers[:-1]]
    if dense is None or kinds not in ([], [keras.layers.Normalization]) or dense.units != 1:
        found = ", ".join(map(_shown, layers)) or "no layer"
        raise InputError(
            f"The Keras model has {found}. Only one Dense(1) can be certified, alone or after one Normalization."
        )
    if dense.activation is not keras.activations.linear:
        raise InputError(f"The Dense layer has the activation {_name(dense.activation)}, so the model is not linear.")
    if dense.quantization_mode is not None:
        raise InputError(f"The Dense layer is quantized to {dense.quantization_mode}. Certify it before that.")
    if not model.built or len(model.input_shape) != 2:
        raise InputError("The Keras model is not built for rows of an input of shape (columns,). Train it first.")
    return (layers[0] if kinds else None), dense


def _chain(model: Any) -> list[Any]:
    """Return the operations of a functional model in order; more than its layers where it is not a chain."""
    held = model.get_config()["layers"]
    if any(len(layer["inbound_nodes"]) > 1 for layer in held):
        raise InputError("The Keras model uses a layer twice, so it is not one Dense layer.")
    return list(model.operations)


def _shown(layer: Any) -> str:
    return f"{type(layer).__name__}({layer.units})" if type(layer).__name__ == "Dense" else type(layer).__name__


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def _penalty(model: Any, dense: Any, keras: Any) -> float:
    """Return α per row of the ridge penalty that a model minimizes with the mean of the squared errors."""
    for name in ("bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"):
        if getattr(dense, name) is not None:
            raise InputError(f"The Dense layer has {name}, which the loss of a linear regression does not have.")
    loss: Any = "mean_squared_error" if model.loss is None else model.loss
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    if not isinstance(loss, keras.losses.MeanSquaredError) and loss is not keras.losses.mean_squared_error:
        raise InputError(f"The Keras model minimizes {_name(loss)}. Only the mean squared error can be certified.")
    penalty = dense.kernel_regularizer
    if penalty is None:
        return 0.0
    if not isinstance(penalty, keras.regularizers.L2):
        raise InputError(f"The Dense layer has the penalty {_name(penalty)}. Only L2 can be certified.")
    if getattr(loss, "reduction", "sum_over_batch_size") != "sum_over_batch_size":
        raise InputError(f"The loss is reduced by {loss.reduction}, so the penalty depends on the batches. {_REMEDY}.")
    return float(penalty.l2)


def _normalized(layer: Any, n: int, keras: Any) -> tuple[Array, Array]:
    """Return what a Normalization layer subtracts from each of n columns, and what it divides by, in its arithmetic."""
    if layer.invert:
        raise InputError("The Normalization layer has invert=True. Only one that subtracts means can be certified.")
    mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
    scale = np.maximum(np.sqrt(variance), np.asarray(keras.backend.epsilon(), dtype=variance.dtype))
    parts = [np.broadcast_to(np.ravel(part).astype(np.float64), (n,)) for part in (mean, scale)]
    return parts[0], parts[1]


_REMEDY = "Certify its coefficients as (w, b)"
