"""to_keras predicts what a model predicts; certify judges a Keras model by its own weights, or refuses it."""

from fractions import Fraction

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
import tensorflow as tf

import regress
from regress import InputError, MissingDependencyError, certify
from regress.errors import INSTALL_TENSORFLOW
from tests.examples import in_turn

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:keras")
layers, regularizers = keras.layers, keras.regularizers
random = np.random.default_rng(5)
X = random.normal(size=(80, 3)) * [1.0, 5.0, 0.2] + [3.0, 0.0, 9.0]
Y = X @ [1.0, -2.0, 3.0] + 4.0 + random.normal(size=80)
MEAN, VARIANCE = X.mean(0), X.var(0)


def least_squares(A, fit_intercept=True, alpha=0.0):
    """The weights of a Dense layer that minimizes Σ(ŷ − y)² + α‖w‖², by another package."""
    tool = sklearn.linear_model.Ridge(alpha, fit_intercept=fit_intercept, solver="svd", tol=0.0).fit(A, Y)
    return [tool.coef_[:, None], np.array([tool.intercept_])][: 1 + fit_intercept]


def model(*before, weights=None, dtype="float64", width=3, functional=False, **dense):
    last = layers.Dense(1, dtype=dtype, **dense)
    start = keras.Input((width,), dtype=dtype)
    if functional:
        end = start
        for layer in (*before, last):
            end = layer(end)
        made = keras.Model(start, end)
    else:
        made = keras.Sequential([start, *before, last])
    if weights is not None:
        last.set_weights(weights)
    return made


BARE = model()  # made while TensorFlow is there

# to_keras


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_layer_predicts_what_the_model_predicts(fit_intercept, tmp_path):
    fit = regress.fit(X, Y, fit_intercept=fit_intercept)
    fit.save(tmp_path / "m.json")
    for source in (fit, fit.model, regress.load(tmp_path / "m.json")):
        made = regress.to_keras(source)
        (dense,) = made.layers
        assert (type(dense), dense.units, dense.use_bias) == (layers.Dense, 1, fit_intercept)
        assert np.asarray(made(X))[:, 0] == pytest.approx(fit.predict(X), rel=1e-13)
        assert np.asarray(dense.kernel)[:, 0].tolist() == fit.w.tolist()
    made.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert np.array_equal(again(X), made(X))
    assert certify(made, X, Y, digits=12).passed


def test_text_is_encoded_by_the_first_step_of_the_pipeline():
    frame = pd.DataFrame(X, columns=list("abc")).assign(kind=["u", "v, w", "x", "u"] * 20, y=Y)
    fit = regress.fit(frame, "y")
    encoded = regress.to_sklearn(fit)[0].transform(frame)
    assert encoded.shape == (80, len(fit.names))
    assert np.asarray(regress.to_keras(fit)(encoded))[:, 0] == pytest.approx(fit.predict(frame), rel=1e-12)


def test_far_columns_lose_what_the_documentation_says():
    far = np.c_[1.7e9 + random.normal(size=80) * 1e5, X]
    fit = regress.fit(far, Y + (far[:, 0] - 1.7e9) / 1e4)
    terms = [[Fraction(x) * Fraction(w) for x, w in zip(row, fit.w.tolist(), strict=True)] for row in far.tolist()]
    exact = [float(sum(row) + Fraction(fit.b)) for row in terms]
    size = np.array([float(sum(map(abs, row))) for row in terms])
    assert size.min() > 1e5  # predictions are of about 10
    off = np.abs(np.asarray(regress.to_keras(fit)(far))[:, 0] - exact)
    assert off.max() > 1e-12
    assert (off <= 4 * 2.0**-52 * size).all()


def test_another_object_is_refused():
    with pytest.raises(InputError, match="takes a Fit or a LinearModel"):
        regress.to_keras(sklearn.linear_model.LinearRegression())


@pytest.mark.usefixtures("without_tensorflow")
def test_without_tensorflow_the_install_line_is_shown():
    fit = regress.fit(X, Y)
    for call in (lambda: regress.to_keras(fit), lambda: certify(BARE, X, Y)):
        with pytest.raises(MissingDependencyError) as caught:
            call()
        assert INSTALL_TENSORFLOW in str(caught.value)


# certify


@pytest.mark.parametrize(
    ("dtype", "fit_intercept", "functional"), in_turn(["float32", "float64"], [True, False], [False, True])
)
def test_a_dense_layer_is_judged_as_its_own_weights_are(dtype, fit_intercept, functional):
    weights = [v.astype(dtype) for v in least_squares(X, fit_intercept)]
    made = model(weights=weights, dtype=dtype, functional=functional, use_bias=fit_intercept)
    b = float(weights[1][0]) if fit_intercept else 0.0
    got, same = certify(made, X, Y), certify((weights[0][:, 0], b), X, Y, fit_intercept=fit_intercept)
    assert (got.to_dict(), got.passed) == (same.to_dict(), True)
    assert got.worst > 12 if dtype == "float64" else 5 < got.worst < 9
    assert (got.intercept_digits is None) == (not fit_intercept)
    assert not certify(made, X, Y * np.linspace(0.9, 1.1, 80)).passed


def test_columns_are_taken_by_position():
    frame = pd.DataFrame(np.c_[Y, X], columns=list("ycba"))
    assert certify(model(weights=least_squares(X)), frame, "y", digits=10).names == ("c", "b", "a")
    got = certify(model(weights=least_squares(X[:, ::-1])), frame, "y", features=["a", "b", "c"], digits=10)
    assert got.passed


NORMALIZATIONS = {
    "adapted": lambda dtype: layers.Normalization(dtype=dtype),
    "given": lambda dtype: layers.Normalization(mean=MEAN, variance=VARIANCE, dtype=dtype),
    "one for all": lambda dtype: layers.Normalization(axis=None, mean=2.5, variance=4.0, dtype=dtype),
    "tiny": lambda dtype: layers.Normalization(mean=MEAN, variance=[1e-20, 1.0, 1.0], dtype=dtype),
}


@pytest.mark.parametrize(
    ("kind", "dtype", "functional"), in_turn(NORMALIZATIONS, ["float32", "float64"], [False, True])
)
def test_a_normalization_before_the_layer_is_taken_into_account(kind, dtype, functional):
    layer = NORMALIZATIONS[kind](dtype)
    if kind == "adapted":
        layer.adapt(X)
    made = model(layer, dtype=dtype, functional=functional)
    points = np.r_[np.zeros((1, 3)), np.eye(3)]  # what the layer makes of these gives its line
    at = np.asarray(layer(points.astype(dtype)), dtype=np.float64)
    scale, zero = 1.0 / (at[1:] - at[0]).diagonal(), at[0]
    kernel, bias = least_squares((X / scale) + zero)
    made.layers[-1].set_weights([kernel.astype(dtype), bias.astype(dtype)])
    got = certify(made, X, Y, digits=10 if dtype == "float64" else 3)
    assert got.passed
    claimed = got.table["claimed"].to_numpy()
    rough = 1e-12 if dtype == "float64" else 1e-5  # of the line that was read from the layer
    assert claimed[1:] == pytest.approx(kernel[:, 0] / scale, rel=rough)
    assert claimed[0] == pytest.approx(bias[0] + zero @ kernel[:, 0], rel=rough * 100)


def test_what_a_normalization_claims_is_not_rounded_to_float32_again():
    layer = layers.Normalization(mean=MEAN, variance=VARIANCE)
    made = model(layer, dtype="float32", weights=least_squares((X - MEAN) / np.sqrt(VARIANCE)))
    kernel, bias = (np.asarray(v, dtype=np.float64) for v in made.layers[-1].get_weights())
    mean, scale = np.asarray(layer.mean)[0], np.sqrt(np.asarray(layer.variance)[0])
    assert mean.dtype == np.float32
    w = [Fraction(k) / Fraction(float(s)) for k, s in zip(kernel[:, 0], scale, strict=True)]
    b = Fraction(bias[0]) - sum(v * Fraction(float(m)) for v, m in zip(w, mean, strict=True))
    claimed = certify(made, X, Y).table["claimed"].to_numpy()
    assert claimed == pytest.approx([float(b), *map(float, w)], rel=1e-14)


def test_a_normalized_column_far_from_zero_keeps_its_digits():
    far = X[:, :1] + 1e12  # b at zero has a rounding error of 1e-4
    layer = layers.Normalization(mean=far.mean(0), variance=far.var(0), dtype="float64")
    weights = least_squares((far - far.mean(0)) / far.std(0))
    got = certify(model(layer, weights=weights, width=1), far, Y, digits=9)
    assert got.passed
    assert got.excess_loss < 1e-20


def test_a_penalty_of_the_layer_is_that_of_the_mean_loss():
    penalty = regularizers.L2(0.03)
    made = model(kernel_regularizer=penalty, weights=least_squares(X, alpha=0.03 * len(X)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((made(X)[:, 0] - Y) ** 2) + tf.add_n(made.losses)
    for slope in tape.gradient(loss, made.trainable_variables):  # Keras agrees that this is the minimum
        assert np.abs(slope).max() < 1e-8
    assert certify(made, X, Y, digits=9).passed
    assert not certify(model(weights=made.get_weights()), X, Y).passed


def compiled(loss, **dense):
    made = model(weights=least_squares(X), **dense)
    made.compile("sgd", loss=loss)
    return made


@pytest.mark.parametrize(
    "loss", ["mse", "MeanSquaredError", keras.losses.MeanSquaredError("sum")], ids=["name", "class", "object"]
)
def test_every_form_of_the_squared_error_is_accepted(loss):
    assert certify(compiled(loss), X, Y, digits=9).passed


class Own(keras.Model):
    def call(self, x):
        return x


def twice():
    dense, start = layers.Dense(1), keras.Input((1,))
    return keras.Model(start, dense(dense(start)))


def added():
    dense, start = layers.Dense(1), keras.Input((3,))
    return keras.Model(start, dense(start) + start)


def quantized():
    made = model(dtype="float32")
    made.layers[0].quantize("int8")
    return made


def forked():
    start = keras.Input((3,))
    return keras.Model(start, [layers.Dense(1)(start), layers.Dense(1)(start)])


REFUSED = {
    "two layers": (lambda: model(layers.Dense(2)), r"has Dense\(2\), Dense\(1\)\."),
    "two outputs": (lambda: keras.Sequential([keras.Input((3,)), layers.Dense(2)]), r"has Dense\(2\)\."),
    "no layer": (lambda: keras.Sequential([]), "has no layer"),
    "another layer": (lambda: model(layers.Rescaling(2.0)), r"has Rescaling, Dense\(1\)\."),
    "normalized twice": (lambda: model(layers.Normalization(), layers.Normalization()), "Normalization, Normalization"),
    "an activation": (lambda: model(activation="relu"), "activation relu"),
    "quantized": (quantized, "quantized to int8"),
    "used twice": (twice, "uses a layer twice"),
    "a sum": (added, r"has Dense\(1\), Add\."),
    "a fork": (forked, r"has Dense\(1\), Dense\(1\)\."),
    "a subclass": (Own, "A Own is not a Sequential"),
    "a layer": (lambda: layers.Dense(1), "A Dense is not a Sequential"),
    "an optimizer": (lambda: keras.optimizers.SGD(), "A SGD is not a Sequential"),
    "not built": (lambda: keras.Sequential([layers.Dense(1)]), "Train it first"),
    "sequences": (lambda: keras.Sequential([keras.Input((4, 3)), layers.Dense(1)]), r"of shape \(columns,\)"),
    "L1": (lambda: model(kernel_regularizer="l1"), "penalty L1"),
    "L1 and L2": (lambda: model(kernel_regularizer=regularizers.L1L2(0.1, 0.1)), "penalty L1L2"),
    "penalty of b": (lambda: model(bias_regularizer="l2"), "has bias_regularizer"),
    "constraint": (lambda: model(kernel_constraint="non_neg"), "has kernel_constraint"),
    "another loss": (lambda: compiled("mae"), "minimizes mean_absolute_error"),
    "another loss object": (lambda: compiled(keras.losses.Huber()), "minimizes Huber"),
    "a sum and a penalty": (
        lambda: compiled(keras.losses.MeanSquaredError("sum"), kernel_regularizer="l2"),
        "reduced by sum",
    ),
    "inverted": (lambda: model(layers.Normalization(mean=0.0, variance=1.0, invert=True)), "invert=True"),
    "penalty after": (
        lambda: model(layers.Normalization(mean=0.0, variance=1.0), kernel_regularizer="l2"),
        "penalizes the coefficients of normalized columns",
    ),
    "no bias after": (lambda: model(layers.Normalization(mean=0.0, variance=1.0), use_bias=False), "use_bias=True"),
    "other width": (lambda: model(width=2), "has 2 coefficients"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_one_linear_layer_is_refused_by_name(name):
    make, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        certify(make(), X, Y)
