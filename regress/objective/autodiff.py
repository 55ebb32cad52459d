"""The same value and gradient by TensorFlow's automatic differentiation. Owner of TensorFlow.

Each function is compiled once, in float64, and gives the numbers only: the update rule is the shared one. The import
takes seconds, so it happens on first use.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from regress.blocks import Array, Block
from regress.errors import INSTALL_TENSORFLOW, MissingDependencyError
from regress.messages import setting
from regress.objective.gradient import Evaluation
from regress.objective.losses import MomentForm

_COMPILE_ABOVE = 2**20  # cells: XLA fuses the passes over the rows, but takes half a second a shape to compile


class _Functions(NamedTuple):
    tf: Any
    rows: Any
    rows_compiled: Any
    moments: Any


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
def _functions() -> _Functions:
    try:
        with _silent_stderr():
            import tensorflow as tf

            tf.constant(0.0)
    except ImportError as error:
        raise MissingDependencyError(
            f"{setting('gradient', 'autodiff')} needs TensorFlow, which is not installed. Install it with: "
            f"{INSTALL_TENSORFLOW}"
        ) from error

    def matrix(*shape: int | None) -> Any:
        return tf.TensorSpec(shape, tf.float64)

    def rows_tape(X: Any, y: Any, a: Any, w: Any, b: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((w, b))
            residual = tf.linalg.matvec(X, w) + b - y
            value = tf.reduce_sum(a * residual * residual)
        return value, *tape.gradient(value, (w, b))

    def moments_tape(W: Any, mean: Any, gram: Any, cross: Any, square: Any, target_mean: Any, w: Any, b: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((w, b))
            level = b + tf.tensordot(mean, w, 1) - target_mean
            quadratic = tf.tensordot(w, tf.linalg.matvec(gram, w), 1)
            value = square - 2.0 * tf.tensordot(cross, w, 1) + quadratic + W * level * level
        return value, *tape.gradient(value, (w, b))

    scalar, vector = matrix(), matrix(None)
    rows_signature = [matrix(None, None), vector, vector, vector, scalar]
    moments_signature = [scalar, vector, matrix(None, None), vector, scalar, scalar, vector, scalar]
    return _Functions(
        tf,
        tf.function(rows_tape, input_signature=rows_signature, autograph=False),
        tf.function(rows_tape, input_signature=rows_signature, autograph=False, jit_compile=True),
        tf.function(moments_tape, input_signature=moments_signature, autograph=False),
    )


def prepare(array: Array) -> Any:
    """Return `array` as a float64 tensor, copied once however often it is used."""
    return _functions().tf.constant(array, dtype="float64")


def prepare_rows(blocks: Sequence[Block]) -> list[tuple[Any, ...]]:
    """Return (X, y, weights) as tensors, in one piece: a call costs more than a block is worth."""
    tf = _functions().tf
    columns = zip(*(block[:3] for block in blocks), strict=True)
    return [tuple(None if parts[0] is None else tf.concat([prepare(p) for p in parts], 0) for parts in columns)]


def rows(X: Any, y: Any, weights: Any | None, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error over rows, the gradient by a tape over ŷ = Xw + b.

    `X`, `y` and `weights` come from `prepare_rows`.
    """
    functions = _functions()
    tf = functions.tf
    function = functions.rows if X.shape[0] * X.shape[1] < _COMPILE_ABOVE else functions.rows_compiled
    a = tf.ones((), tf.float64) if weights is None else weights
    return _evaluation(function(X, y, tf.broadcast_to(a, y.shape), tf.constant(w), tf.constant(b, tf.float64)))


def moments(form: MomentForm, w: Array, b: float) -> Evaluation:
    """Evaluate the squared error from moments, the gradient by a tape over the quadratic in w and b."""
    functions = _functions()
    constant = functions.tf.constant
    arguments = (form.weight, form.mean, form.gram, form.cross, form.square, form.target_mean, w, b)
    return _evaluation(functions.moments(*(constant(v, dtype="float64") for v in arguments)))


def _evaluation(result: Any) -> Evaluation:
    value, grad_w, grad_b = result
    return Evaluation(float(value), np.asarray(grad_w), float(grad_b))
