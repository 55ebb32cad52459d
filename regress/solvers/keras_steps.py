"""An optimizer of Keras as an update rule. What it remembers travels in the state of the descent."""

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.objective.autodiff import keras as load_keras
from regress.objective.autodiff import tensorflow
from regress.objective.objective import Objective
from regress.solvers.batch_steps import BatchSolver
from regress.solvers.state import State

_WRAPPERS = ("LossScaleOptimizer", "MultiOptimizer")  # their variables are not all that they are made of


class KerasSteps(BatchSolver):
    """The steps of a `keras.optimizers.Optimizer` on a kernel (n, 1) and a bias (1,) in float64, as Dense has them.

    The optimizer is not changed: a copy, made from its config, takes the steps. Its `variables` are set from the memory
    before each of them, and read after it, so that nothing else is remembered. Keras keeps rates in float32.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Its learning rate, or its schedule, is used.
    fit_intercept : bool
        Whether there is a bias.

    Raises
    ------
    InputError
        If it is another object, or one whose state is not in its variables.
    MissingDependencyError
        If TensorFlow is not installed.
    """

    def __init__(self, optimizer: Any, fit_intercept: bool = True) -> None:
        check_optimizer(optimizer)
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a function as learning rate, which is refused below
            self._config = optimizer.get_config()
        self._kind, self._fit_intercept = type(optimizer), fit_intercept
        pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)  # absent unless names were excluded
        self._undecayed = None if pattern is None else pattern.pattern
        self._copy: _Copy | None = None

    def __str__(self) -> str:
        return self._kind.__name__

    def init(self, objective: Objective, w: Array, b: float) -> State:
        """Return the state before the first epoch. What some optimizers remember depends on the point."""
        return State(w, b, {"batch_loss": 0.0, **self._begin(np.append(w, b))}, position=0)

    def begin(self, n: int) -> dict[str, Any]:
        """Return the optimizer's variables and its rate before the first update, at zeros."""
        return self._begin(np.zeros(n + 1))

    def _begin(self, point: Array) -> dict[str, Any]:
        self._copy = self._built(point)
        return self._copy.memory()

    def rate(self, memory: dict[str, Any], t: int, epoch: float, epochs: int) -> float:
        """Return the optimizer's own learning rate."""
        return float(memory["rate"])

    def update(self, point: Array, slope: Array, rate: float, memory: dict[str, Any]) -> None:
        """Take a step from `point` along `slope` in place."""
        if self._copy is None or self._copy.size != len(point):
            self._copy = self._built(point)
        self._copy.step(point, slope, memory)

    def _built(self, point: Array) -> "_Copy":
        try:
            optimizer = self._kind.from_config(dict(self._config))
        except Exception as error:  # code from outside may raise anything
            raise InputError(
                f"{self} cannot be copied by its get_config and from_config. Register your own classes with "
                "@keras.saving.register_keras_serializable(). In place of a function, use a LearningRateSchedule."
            ) from error
        if self._undecayed is not None:
            optimizer.exclude_from_weight_decay(var_names=[self._undecayed])
        return _Copy(optimizer, point, self._fit_intercept)


class _Copy:
    """An optimizer, built for a kernel and a bias at a point, and its step as a compiled function of all values."""

    def __init__(self, optimizer: Any, point: Array, fit_intercept: bool) -> None:
        keras = load_keras(setting("optimizer"))
        self.size, self._count, self._optimizer = len(point), 1 + fit_intercept, optimizer
        named = zip(("kernel", "bias"), self._parts(point), strict=False)
        trained = [keras.Variable(part, dtype="float64", name=name) for name, part in named]
        optimizer.build(trained)
        self._variables = [*trained, *optimizer.variables]

    def memory(self) -> dict[str, Any]:
        """Return the optimizer's variables, by their positions: some get another name in each process."""
        held = {_name(i): np.asarray(variable) for i, variable in enumerate(self._optimizer.variables)}
        return {"rate": float(np.asarray(self._optimizer.learning_rate)), **held}

    def step(self, point: Array, slope: Array, memory: dict[str, Any]) -> None:
        """Take a step from a point and a memory, in place."""
        rate, *new = self._compiled(self._values(point, memory), self._tensors(slope))
        for value, part in zip(new, self._parts(point), strict=False):
            part[...] = value
        memory["rate"] = float(rate)
        memory.update((_name(i), np.asarray(value)) for i, value in enumerate(new[self._count :]))

    def _parts(self, vector: Array) -> list[Array]:
        """Return views of w and b as a kernel and a bias."""
        return [vector[:-1, None], vector[-1:]][: self._count]

    def _tensors(self, vector: Array) -> list[Any]:
        return [tensorflow().constant(part, dtype="float64") for part in self._parts(vector)]

    def _values(self, point: Array, memory: Mapping[str, Any]) -> list[Any]:
        tf, held = tensorflow(), self._optimizer.variables
        kept = [tf.constant(memory[_name(i)], v.dtype, v.shape) for i, v in enumerate(held)]
        return [*self._tensors(point), *kept]

    @cached_property
    def _compiled(self) -> Any:
        tf = tensorflow()
        specs = [tf.TensorSpec(v.shape, v.dtype) for v in self._variables]
        function = tf.function(self._apply, autograph=False)
        try:
            return function.get_concrete_function(specs, specs[: self._count])
        except Exception as error:  # code from outside may raise anything
            raise InputError(f"{type(self._optimizer).__name__} cannot take steps in float64.") from error

    def _apply(self, values: list[Any], slopes: list[Any]) -> list[Any]:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        scale = self._optimizer.scale_loss(1.0)  # the optimizer divides by it
        self._optimizer.apply([slope * scale for slope in slopes])
        tf = tensorflow()
        return [tf.identity(self._optimizer.learning_rate), *(tf.identity(v.value) for v in self._variables)]


def _name(i: int) -> str:
    return f"optimizer_{i}"


def check_optimizer(optimizer: Any) -> None:
    """Raise `InputError` unless an object is an optimizer of Keras whose variables are all that it remembers."""
    keras = load_keras(setting("optimizer"))
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise InputError(f"{setting('optimizer')} must be a tf.keras.optimizers.Optimizer; got {optimizer!r}.")
    kind = type(optimizer).__name__
    if kind in _WRAPPERS:
        raise InputError(f"{kind} holds other optimizers. Pass one of them.")
    if optimizer.use_ema and not optimizer.ema_overwrite_frequency:
        raise InputError(
            f"{kind}(use_ema=True) replaces the weights by their average after training only. Set its "
            "ema_overwrite_frequency too."
        )
    if getattr(optimizer, "_exclude_from_weight_decay", None):  # absent unless something was excluded
        raise InputError(f"{kind} excludes variables of another model from weight decay. Name them by var_names.")
    if keras.config.backend() != "tensorflow":
        raise InputError(f"{setting('optimizer')} needs KERAS_BACKEND=tensorflow; it is {keras.config.backend()}.")
