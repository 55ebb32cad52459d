"""Arguments of a training that are wrong or unusual: refused in one sentence, or served as any other."""

import numpy as np
import pandas as pd
import pytest

import regress
from regress import LinearRegressor

pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 2))
Y = X @ [1.0, -2.0] + 3.0 + 0.1 * RNG.normal(size=40)
TABLE = pd.DataFrame({"a": X[:, 0], "t": ["p", "q"] * 20, "y": Y})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callbacks", 5),
        ("callbacks", None),
        ("callbacks", True),
        ("verbose", None),
        ("verbose", "x"),
        ("verbose", np.nan),
        ("verbose", [1]),
        ("verbose", "2"),
        ("checkpoint", 1),
        ("checkpoint", True),
        ("checkpoint", b"name"),
        ("checkpoint", "a\0b"),
        ("max_seconds", 10**400),
        ("learning_rate", np.array([0.1, 0.2])),
        ("loss", np.array([1, 2])),
        ("optimizer", np.array([1, 2])),
        ("optimizer", pd.DataFrame({"a": [1]})),
    ],
)
def test_wrong_values_are_refused_with_the_name_of_the_option(name, value):
    with pytest.raises(regress.InputError, match=name):
        regress.fit(TABLE, "y", **{name: value})


def test_a_model_whose_learning_rate_was_a_function_is_read_again(tmp_path):
    fit = regress.fit(TABLE, "y", solver="sgd", epochs=2, learning_rate=lambda t: 0.1 / (t + 1))
    fit.save(tmp_path / "model.json")
    assert (regress.load(tmp_path / "model.json").w == fit.w).all()


def test_validation_rows_with_other_levels_count_as_the_reference_level_like_held_out_rows():
    unseen = TABLE.head(9)
    fit, same = (
        regress.fit(TABLE, "y", solver="gd", validation=unseen.assign(t=level)).history["val_loss"]
        for level in ("new", "p")
    )
    assert list(fit) == list(same)


def test_errors_of_validation_rows_name_the_option():
    with pytest.raises(regress.InputError, match=r"validation: .* missing cells"):
        regress.fit(TABLE, "y", validation=TABLE.assign(a=[np.nan] + [1.0] * 39))


def test_a_warm_start_without_an_intercept_does_not_keep_that_of_the_last_fit():
    estimator = LinearRegressor(solver="gd", warm_start=True).fit(X, Y)
    estimator.set_params(fit_intercept=False).fit(X, Y)
    np.testing.assert_allclose(estimator.coef_, np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-8)
    np.testing.assert_allclose(estimator.predict(X), X @ estimator.coef_, rtol=1e-12)


def test_an_estimator_refuses_blocks_of_files():
    with pytest.raises(regress.InputError, match="over='blocks'"):
        LinearRegressor(solver="sgd", over="blocks").fit(X, Y)


def test_an_estimator_refuses_a_negative_seed():
    with pytest.raises(regress.InputError, match="random_state"):
        LinearRegressor(solver="sgd", random_state=-1).fit(X, Y)


def test_a_row_is_named_by_its_label_as_plain_python():
    frame = TABLE.assign(a=["x"] + ["y"] * 39).set_index(np.r_[7, 3:42])
    fit = regress.fit(frame.iloc[1:], "y")
    with pytest.raises(regress.InputError, match=r"^row 7, column"):
        fit.predict(frame)


def test_a_gradient_whose_square_is_beyond_float64_ends_a_descent_with_its_status():
    table = {"x": 1e-150 * X[:, 0], "y": Y}  # in the coordinates of the descent the penalty is 1e300 times as steep
    fit = regress.fit(table, "y", solver="sgd", learning_rate=lambda t: 0.01 / (t + 1), alpha=1e3, batch_size=1000)
    assert fit.status in ("diverged", "non_finite")
