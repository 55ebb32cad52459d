"""Optimizers of Keras take the steps that they take in a loop of Keras, from any state that was stored."""

import json

import numpy as np
import pytest

from regress.errors import INSTALL_TENSORFLOW, InputError, MissingDependencyError
from regress.solvers.keras_steps import KerasSteps
from regress.solvers.state import State
from tests.examples import first

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
opt, schedules = keras.optimizers, keras.optimizers.schedules

random = np.random.default_rng(7)
X = random.normal(size=(96, 3)) * [1.0, 2.0, 0.5]
Y = X @ [1.0, -2.0, 3.0] + 4.0 + random.normal(size=96)
BATCHES = [slice(i, i + 32) for i in (0, 32, 64)]


def excluded(optimizer, **which):
    optimizer.exclude_from_weight_decay(**which)
    return optimizer


OPTIMIZERS = {
    "SGD": lambda: opt.SGD(0.05),
    "momentum": lambda: opt.SGD(0.02, momentum=0.9),
    "Nesterov": lambda: opt.SGD(0.02, momentum=0.9, nesterov=True),
    "Adam": lambda: opt.Adam(0.1),
    "amsgrad": lambda: opt.Adam(0.1, amsgrad=True),
    "AdamW but for the bias": lambda: excluded(opt.AdamW(0.1, weight_decay=0.02), var_names=["bias"]),
    "RMSprop": lambda: opt.RMSprop(0.05),
    "RMSprop centered": lambda: opt.RMSprop(0.05, momentum=0.5, centered=True),
    "Adagrad": lambda: opt.Adagrad(0.5),
    "Adadelta": lambda: opt.Adadelta(1.0),
    "Adamax": lambda: opt.Adamax(0.1),
    "Nadam": lambda: opt.Nadam(0.1),
    "Ftrl": lambda: opt.Ftrl(0.5, l1_regularization_strength=0.01, l2_regularization_strength=0.01),
    "Lion": lambda: opt.Lion(0.02),
    "Lamb": lambda: opt.Lamb(0.1),
    "Adafactor": lambda: opt.Adafactor(0.1),
    "ScheduleFreeAdamW": lambda: opt.ScheduleFreeAdamW(0.1),
    "clipnorm": lambda: opt.SGD(0.1, clipnorm=0.7),
    "global_clipnorm": lambda: opt.SGD(0.1, global_clipnorm=0.7),
    "clipvalue": lambda: opt.Adam(0.1, clipvalue=0.3),
    "accumulated": lambda: opt.Adam(0.1, gradient_accumulation_steps=3),
    "averaged": lambda: opt.SGD(0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=7),
    "scaled loss": lambda: opt.SGD(0.05, loss_scale_factor=1024.0),
}


@keras.saving.register_keras_serializable()
class Slower(schedules.LearningRateSchedule):
    """A schedule in float64."""

    def __call__(self, step):
        return 0.1 / (1.0 + tf.cast(step, "float64") / 10.0)

    def get_config(self):
        return {}


SCHEDULES = {
    "own": Slower(),
    "exponential": schedules.ExponentialDecay(0.1, 10, 0.7),
    "cosine": schedules.CosineDecay(0.1, 50),
    "steps": schedules.PiecewiseConstantDecay([20, 40], [0.1, 0.05, 0.01]),
}


def in_keras(optimizer, steps, fit_intercept=True, start=None):
    """The points of a plain loop of Keras: a Dense layer, the tape over the mean squared error, and the optimizer."""
    dense = keras.layers.Dense(1, use_bias=fit_intercept, kernel_initializer="zeros", dtype="float64")
    dense.build((None, 3))
    if start is not None:
        dense.set_weights([start[:3, None], start[3:]][: 1 + fit_intercept])
    points = []
    for i in range(steps):
        batch = BATCHES[i % 3]
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(tf.reduce_mean((dense(X[batch])[:, 0] - Y[batch]) ** 2))
        optimizer.apply(tape.gradient(loss, dense.trainable_variables), dense.trainable_variables)
        points.append(np.concatenate([np.ravel(v) for v in dense.get_weights()] + [[0.0]] * (not fit_intercept)))
    return np.array(points)


def by_steps(rule, steps, fit_intercept=True, start=None, held=None):
    """The points of the same loop with `KerasSteps`, whose gradient is derived; `held` is where it goes on."""
    if held is None:
        start = np.zeros(4) if start is None else start.copy()
        held = start, dict(rule.init(None, start[:-1], start[-1]).memory), 0
    point, memory, first = held
    points = []
    for i in range(first, steps):
        batch = BATCHES[i % 3]
        error = X[batch] @ point[:-1] + point[-1] - Y[batch]
        slope = 2.0 * np.append(X[batch].T @ error, error.sum() * fit_intercept) / len(error)
        rule.update(point, slope, np.nan, memory)
        points.append(point.copy())
    return np.array(points), memory


@pytest.mark.parametrize("name", first(["momentum", "Adam", "averaged"], OPTIMIZERS))
def test_the_path_is_that_of_a_loop_of_keras(name):
    expected = in_keras(OPTIMIZERS[name](), 40)
    got, _ = by_steps(KerasSteps(OPTIMIZERS[name]()), 40)
    assert np.abs(expected[-1] - expected[20]).max() > 1e-6  # it does descend
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", first(["exponential"], SCHEDULES))
def test_schedules_of_keras_are_followed(name):
    expected = in_keras(opt.SGD(SCHEDULES[name]), 60)
    constant, _ = by_steps(KerasSteps(opt.SGD(0.1)), 60)
    got, _ = by_steps(KerasSteps(opt.SGD(SCHEDULES[name])), 60)
    assert np.abs(got - constant).max() > 1e-3
    rough = 1e-12 if name in ("steps", "own") else 1e-6  # in float32, the last bit depends on how it is compiled
    assert got == pytest.approx(expected, rel=rough, abs=rough)


@pytest.mark.parametrize("name", first(["Nadam"], ["Lamb", "global_clipnorm"]))
def test_without_an_intercept_there_is_a_kernel_alone(name):
    got, _ = by_steps(KerasSteps(OPTIMIZERS[name](), fit_intercept=False), 30, fit_intercept=False)
    assert got == pytest.approx(in_keras(OPTIMIZERS[name](), 30, fit_intercept=False), rel=1e-12, abs=1e-12)
    assert not got[:, -1].any()


@pytest.mark.parametrize("name", first(["Adam"], ["momentum", "averaged", "ScheduleFreeAdamW"]))
def test_a_descent_may_begin_anywhere(name):
    start = np.array([2.0, -1.0, 0.5, 3.0])
    got, _ = by_steps(KerasSteps(OPTIMIZERS[name]()), 30, start=start)
    assert got == pytest.approx(in_keras(OPTIMIZERS[name](), 30, start=start), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", first(["Adam"], OPTIMIZERS))
def test_a_descent_goes_on_with_the_same_bits_from_what_json_holds(name):
    rule = KerasSteps(OPTIMIZERS[name]())
    first, held = by_steps(rule, 5)
    stored = json.loads(json.dumps(State(first[-1, :-1], first[-1, -1], held, 5).to_dict()))
    expected, memory = by_steps(rule, 12, held=(first[-1].copy(), dict(held), 5))  # not stopped
    state = State.from_dict(stored)
    other = KerasSteps(OPTIMIZERS[name]())  # as in another process
    by_steps(other, 2)
    again, last = by_steps(other, 12, held=(np.append(state.w, state.b), dict(state.memory), 5))
    assert again.tobytes() == expected.tobytes()
    assert State(again[-1, :-1], 0.0, last) == State(expected[-1, :-1], 0.0, memory)


def test_the_memory_is_the_optimizers_variables():
    _, memory = by_steps(KerasSteps(opt.Adam(0.1)), 3)
    shapes = {name: np.shape(value) for name, value in memory.items() if name.startswith("optimizer")}
    assert shapes == dict(zip([f"optimizer_{i}" for i in range(6)], [(), (), (3, 1), (3, 1), (1,), (1,)], strict=True))
    assert memory.keys() - shapes == {"rate", "batch_loss"}
    assert (memory["optimizer_0"], memory["optimizer_1"], memory["rate"]) == (3, np.float32(0.1), np.float32(0.1))
    assert KerasSteps(opt.Adam(0.1)).begin(3).keys() == memory.keys() - {"batch_loss"}


def test_the_optimizer_that_was_given_is_not_changed():
    given = opt.Adam(0.1)
    dense = keras.layers.Dense(1)
    dense.build((None, 2))
    given.apply([tf.ones((2, 1)), tf.ones(1)], dense.trainable_variables)  # it trains another model already
    before = [np.asarray(v).copy() for v in given.variables]
    got, _ = by_steps(KerasSteps(given), 4)
    assert all(map(np.array_equal, before, given.variables))
    assert got == pytest.approx(in_keras(opt.Adam(0.1), 4), rel=1e-12)


class Own(opt.SGD):
    """A class from outside, which Keras cannot make again."""

    def __init__(self, power):
        super().__init__(0.1)


class Broken(opt.SGD):
    def update_step(self, gradient, variable, learning_rate):
        variable.assign_sub(tf.cast(gradient, "float32"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("adam", "must be a tf.keras.optimizers.Optimizer; got 'adam'"),
        (opt.SGD, "must be a tf.keras.optimizers.Optimizer; got <class"),
        (tf.compat.v1.train.AdamOptimizer(), "must be a tf.keras.optimizers.Optimizer; got <tensorflow"),
        (keras.layers.Dense(1), "must be a tf.keras.optimizers.Optimizer; got <Dense"),
        (opt.LossScaleOptimizer(opt.SGD()), "LossScaleOptimizer holds other optimizers"),
        (opt.SGD(use_ema=True), "Set its ema_overwrite_frequency"),
        (excluded(opt.AdamW(), var_list=[keras.Variable(1.0)]), "Name them by var_names"),
        (opt.SGD(lambda: 0.1), "use a LearningRateSchedule"),
        (Own(2), "Own cannot be copied"),
        (Broken(0.1), "Broken cannot take steps in float64"),
    ],
    ids=lambda value: value[:9] if isinstance(value, str) else "",
)
def test_what_cannot_take_the_steps_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        by_steps(KerasSteps(given), 1)


def test_another_backend_of_keras_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(InputError, match="needs KERAS_BACKEND=tensorflow; it is jax"):
        KerasSteps(opt.SGD())


@pytest.mark.usefixtures("without_tensorflow")
def test_without_tensorflow_the_install_line_is_shown():
    with pytest.raises(MissingDependencyError) as caught:
        KerasSteps("adam")
    assert "optimizer needs TensorFlow" in str(caught.value)
    assert INSTALL_TENSORFLOW in str(caught.value)
