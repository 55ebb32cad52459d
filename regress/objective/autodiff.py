"""The same value and gradient by TensorFlow's automatic differentiation. Owner of TensorFlow and Keras.

Each function is compiled once, in float64, and gives the numbers only: the update rule is the shared one. The import
takes seconds, so it happens on first use.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.errors import INSTALL_TENSORFLOW, InputError, MissingDependencyError
from regress.messages import setting
from regress.objective.gradient import Evaluation, Rows
from regress.objective.losses import Loss, MomentForm

_COMPILE_ABOVE = 2**20  # cells: XLA fuses the passes over the rows, but takes half a second a shape to compile


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep what TensorFlow's C++ side says while it starts (devices, CPU features) off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@cache
def _tensorflow() -> Any:
    with _silent_stderr():
        import tensorflow as tf
        import tensorflow.experimental.numpy

        tf.constant(0.0)
    return tf


def tensorflow(needed_by: str = "") -> Any:
    """Return TensorFlow, imported on first use. An error names what it is needed by: the option, unless given.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return _tensorflow()
    except ImportError as error:
        raise MissingDependencyError(
            f"{needed_by or setting('gradient', 'autodiff')} needs TensorFlow, which is not installed. Install it "
            f"with: {INSTALL_TENSORFLOW}"
        ) from error


def keras(needed_by: str) -> Any:
    """Return the Keras of TensorFlow, likewise."""
    tensorflow(needed_by)
    with _silent_stderr():
        import keras
    return keras


def version() -> str:
    """Return TensorFlow's version."""
    return str(tensorflow().__version__)


def _matrix(*shape: int | None) -> Any:
    return tensorflow().TensorSpec(shape, "float64")


@cache
def rows_tape(loss: Loss, compiled: bool) -> Any:
    """Return L, ∇_w L and ∂L/∂b as a function of (X, y, weights, w, b): a tape over `Loss.value` of ŷ = Xw + b."""
    tf = tensorflow()

    def differentiate(X: Any, y: Any, weights: Any, w: Any, b: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((w, b))
            value = _value(loss, tf.linalg.matvec(X, w) + b, y, weights)
        grad_w, grad_b = tape.gradient(value, (w, b))
        if grad_w is None or grad_b is None:  # the value does not come from tensors
            raise _not_differentiable(loss)
        return value, grad_w, grad_b

    scalar, vector = _matrix(), _matrix(None)
    signature = [_matrix(None, None), vector, vector, vector, scalar]
    return tf.function(differentiate, input_signature=signature, autograph=False, jit_compile=compiled or None)


def _value(loss: Loss, prediction: Any, target: Any, weights: Any) -> Any:
    """Return L(ŷ) as a tensor; called once, when the function is compiled."""
    tf = tensorflow()
    try:
        value = tf.convert_to_tensor(loss.value(prediction, target, weights, tf.experimental.numpy))
    except Exception as error:  # code from outside may raise anything where it gets a tensor
        raise _not_differentiable(loss) from error
    if value.shape.rank != 0 or not value.dtype.is_floating:
        raise InputError(
            f"{type(loss).__name__}.value must return one number; it returned a tensor of {value.dtype.name} and shape "
            f"{value.shape}."
        )
    return value


def _not_differentiable(loss: Loss) -> InputError:
    return InputError(
        f"{setting('gradient', 'autodiff')} cannot differentiate {type(loss).__name__}.value; write value with the "
        "functions of xp."
    )


@cache
def moments_tape() -> Any:
    """Return the same as a function of a `MomentForm`'s fields, w and b: a tape over `MomentForm.value`."""
    tf = tensorflow()

    def differentiate(held: Any, w: Any, b: Any) -> Any:
        form, xp = MomentForm(*held), tf.experimental.numpy
        with tf.GradientTape() as tape:
            tape.watch((w, b))
            value = form.value(w, b, xp.dot(form.gram, w), xp)
        return value, *tape.gradient(value, (w, b))

    scalar, vector = _matrix(), _matrix(None)
    of_form = (scalar, vector, _matrix(None, None), vector, scalar, scalar)
    return tf.function(differentiate, input_signature=[of_form, vector, scalar], autograph=False)


def prepare(array: Array | float) -> Any:
    """Return `array` as a float64 tensor, copied once however often it is used."""
    return tensorflow().constant(array, dtype="float64")


def prepare_rows(parts: Sequence[Rows], separable: bool = True) -> list[Rows]:
    """Return the rows as tensors, in one piece: a call costs more than a block is worth."""
    tf = tensorflow()
    columns = zip(*((X, y, np.broadcast_to(a, y.shape)) for X, y, a in parts), strict=True)
    return [Rows(*(tf.concat([prepare(piece) for piece in column], 0) for column in columns))]


def rows(loss: Loss, part: Rows, w: Array, b: float) -> Evaluation:
    """Evaluate a loss over rows: those that `prepare_rows` gave, or a batch as arrays.

    Raises
    ------
    InputError
        If the loss cannot be a key, under which its compiled function is kept.
    """
    try:
        function = rows_tape(loss, part.X.shape[0] * part.X.shape[1] >= _COMPILE_ABOVE)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        raise InputError(
            f"{setting('gradient', 'autodiff')} needs a loss that can be hashed. Declare {type(loss).__name__} with "
            "@dataclass(frozen=True)."
        ) from None
    (part,) = prepare_rows([part]) if isinstance(part.y, np.ndarray) else (part,)
    return _evaluation(function(*part, prepare(w), prepare(b)))


def moments(form: MomentForm, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error from moments."""
    held = tuple(prepare(getattr(form, f.name)) for f in fields(form))
    return _evaluation(moments_tape()(held, prepare(w), prepare(b)))


def _evaluation(result: Any) -> Evaluation:
    value, grad_w, grad_b = result
    return Evaluation(float(value), np.asarray(grad_w), float(grad_b))
