"""The option `optimizer`: fits by optimizers of Keras, what they are combined with, and runs that go on."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

import regress
from regress import InputError

pytestmark = [
    pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
opt = keras.optimizers
random = np.random.default_rng(3)
X = random.normal(size=(90, 3)) * [1.0, 2.0, 0.5] + [1.0, 0.0, -2.0]
Y = X @ [1.0, -2.0, 3.0] + 4.0 + random.normal(size=90)
A = random.uniform(0.5, 2.0, 90)
IN_ORDER = {"gradient": "autodiff", "batch_size": 32, "shuffle": False, "standardize": False}


def by_keras(optimizer, epochs, weights=None, alpha=0.0):
    """w and b after some epochs of a loop of Keras over the same batches; the last of each epoch is smaller."""
    a = np.ones(90) if weights is None else weights / weights.mean()
    dense = keras.layers.Dense(1, kernel_initializer="zeros", dtype="float64")
    dense.build((None, 3))
    for _ in range(epochs):
        for rows in (slice(0, 32), slice(32, 64), slice(64, 90)):
            with tf.GradientTape() as tape:
                error = dense(X[rows])[:, 0] - Y[rows]
                penalty = tf.reduce_sum(dense.kernel**2) * alpha / (90 if weights is None else weights.sum())
                loss = tf.reduce_mean(a[rows] * error**2) + penalty
            optimizer.apply(tape.gradient(loss, dense.trainable_variables), dense.trainable_variables)
    kernel, bias = dense.get_weights()
    return kernel[:, 0], bias[0]


@pytest.mark.parametrize("options", [{}, {"weights": A}, {"alpha": 20.0}, {"weights": A, "alpha": 20.0}], ids="+".join)
def test_a_fit_takes_the_steps_of_a_loop_of_keras(options):
    given = opt.Adam(0.1, clipnorm=2.0)
    fit = regress.fit(X, Y, optimizer=given, epochs=8, **IN_ORDER, **options)
    w, b = by_keras(opt.Adam(0.1, clipnorm=2.0), 8, **options)
    assert fit.w == pytest.approx(w, rel=1e-12)
    assert fit.b == pytest.approx(b, rel=1e-12)
    assert (fit.solver, fit.status) == ("Adam", "epochs")
    assert not given.built  # a copy took the steps


def test_rows_may_be_read_again_from_a_file(tmp_path):
    np.savetxt(tmp_path / "t.csv", np.c_[X, Y], delimiter=",", header="a,b,c,y", comments="", fmt="%.17g")
    fit = regress.fit(tmp_path / "t.csv", "y", optimizer=opt.Adam(0.1), epochs=4, over="blocks", **IN_ORDER)
    assert fit.w == pytest.approx(by_keras(opt.Adam(0.1), 4)[0], rel=1e-12)


def test_an_estimator_takes_an_optimizer():
    model = regress.LinearRegressor(optimizer=opt.SGD(0.01, momentum=0.5), epochs=4, **IN_ORDER)
    got = clone(model).fit(X, Y)
    w, b = by_keras(opt.SGD(0.01, momentum=0.5), 4)
    assert got.coef_ == pytest.approx(w, rel=1e-12)
    assert got.intercept_ == pytest.approx(b, rel=1e-12)


def test_it_converges_in_standardized_coordinates():
    far = X * [1.0, 1e4, 1e-3] + [1e6, 0.0, 5.0]
    rate = keras.optimizers.schedules.CosineDecay(0.3, 3 * 150)
    fit = regress.fit(far, Y, optimizer=opt.Adam(rate), gradient="autodiff", batch_size=32, epochs=150)
    exact = regress.fit(far, Y)
    assert fit.predict(far) == pytest.approx(exact.predict(far), abs=0.05)
    assert fit.loss == pytest.approx(exact.loss, rel=1e-3)


def test_the_history_has_the_optimizers_rate():
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([3, 6], [2.0**-6, 2.0**-7, 2.0**-8])
    history = regress.fit(X, Y, optimizer=opt.SGD(rate), epochs=4, **IN_ORDER).history
    assert history.learning_rate.tolist() == [2.0**-k for k in (6, 6, 7, 8, 8)]


@pytest.mark.parametrize("make", [lambda: opt.Nadam(0.05), lambda: opt.Lion(0.01), lambda: opt.Adafactor(0.1)])
def test_a_stopped_run_goes_on_with_the_same_bits(make, tmp_path):
    options = {"gradient": "autodiff", "batch_size": 32, "random_state": 5}
    straight = regress.fit(X, Y, optimizer=make(), epochs=5, **options)
    file = {"checkpoint": tmp_path / "c.json"}
    regress.fit(X, Y, optimizer=make(), epochs=2, **options, **file)
    went_on = regress.fit(X, Y, optimizer=make(), epochs=5, **options, **file, resume=True)
    assert (went_on.w.tobytes(), went_on.b) == (straight.w.tobytes(), straight.b)
    with pytest.raises(InputError, match=r"checkpoint of another run: .*optimizer"):
        regress.fit(X, Y, optimizer=opt.Nadam(0.07), epochs=5, **options, **file, resume=True)


def test_a_model_stores_the_optimizer_as_text(tmp_path):
    fit = regress.fit(X, Y, optimizer=opt.Adam(0.5, name="mine"), epochs=2, **IN_ORDER)
    fit.save(tmp_path / "m.json")
    text = regress.load(tmp_path / "m.json").model.options["optimizer"]
    assert re.fullmatch(r"Adam\(learning_rate=0\.5, .*beta_1=0\.9, .*\)", text)
    assert "mine" not in (tmp_path / "m.json").read_text()
    assert json.loads((tmp_path / "m.json").read_text())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gradient": "derived"}, r"optimizer needs gradient='autodiff'\."),
        ({"solver": "adam"}, r"optimizer and solver are both given\. Remove one\."),
        ({"solver": "newton"}, r"optimizer and solver are both given\. Remove one\."),
        ({"schedule": "cosine"}, r"optimizer and schedule are both given\. Remove one\."),
        ({"momentum": 0.9}, "momentum needs"),
        ({"learning_rate": 0.1}, "optimizer sets its step itself"),
        ({"optimizer": "adam"}, r"must be a tf\.keras\.optimizers\.Optimizer; got 'adam'\."),
        ({"precision": "exact"}, "precision='exact' is not possible"),
    ],
    ids=str,
)
def test_what_an_optimizer_cannot_be_combined_with_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        regress.fit(X, Y, **{"optimizer": opt.Adam(), "gradient": "autodiff"} | options)


@pytest.mark.usefixtures("without_tensorflow")
def test_without_tensorflow_the_install_line_is_shown():
    with pytest.raises(regress.MissingDependencyError, match="Install it with: pip install"):
        regress.fit(X, Y, optimizer="adam", gradient="autodiff")
