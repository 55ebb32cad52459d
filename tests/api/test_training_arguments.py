"""Arguments of a training that are wrong or unusual: refused in one sentence, or served as any other."""

import numpy as np
import pandas as pd
import pytest

import regress
from regress import LinearRegressor
from regress.report.training_charts import training

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


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (TABLE.assign(a=[np.nan] + [1.0] * 39), {}, r"^The validation rows: .* missing cells"),
        (TABLE[["t", "y"]], {}, r"^The validation rows: the frame has no column 'a'"),
        ("absent.csv", {}, r"^The validation rows: absent\.csv does not exist"),
        (TABLE.assign(t="new"), {"fit_intercept": False}, r"^The validation rows: row 0, .* fit an intercept"),
        (0.2, {}, r"^validation must be rows; got 0\.2\. .* use test_size=0\.2\.$"),
        ("0.2", {}, r"^validation must be rows; got '0\.2'\. .* use test_size=0\.2\.$"),
    ],
)
def test_errors_of_validation_rows_are_about_these(given, options, words):
    with pytest.raises(regress.InputError, match=words) as error:
        regress.fit(TABLE, "y", validation=given, **options)
    assert "handle_unknown" not in str(error.value)


def test_early_stopping_names_a_test_size_that_holds_out_no_row():
    with pytest.raises(regress.InputError, match=r"test_size=1e-09 held out no row\. Raise it, or use validation"):
        regress.fit(TABLE, "y", solver="sgd", test_size=1e-9, early_stopping=3)


def test_early_stopping_without_a_reference_level_names_the_intercept():
    table = TABLE.assign(t=[f"level {k}" for k in range(40)])
    with pytest.raises(regress.InputError, match=r"levels that training did not see\. Fit an intercept"):
        regress.fit(table, "y", solver="sgd", test_size=0.3, early_stopping=3, fit_intercept=False)


def test_batches_are_shown_with_no_more_rows_than_there_are():
    for size, shown in ((5000, 40), (40, 40), (7, 7)):
        fit = regress.fit(TABLE, "y", solver="sgd", epochs=2, batch_size=size, tol=1e-300)
        assert f"batches of {shown})" in fit.summary()


def test_validation_rows_are_not_called_held_out():
    given = {"solver": "sgd", "epochs": 3, "tol": 1e-300, "early_stopping": 2}
    for options, name, other in (
        ({"validation": TABLE}, "validation", "held-out"),
        ({"test_size": 0.3}, "held-out", "validation"),
    ):
        fit = regress.fit(TABLE, "y", **given, **options)
        (loss, *_) = training(fit.record)
        assert name in [mark.label for mark in loss.marks]
        assert f"{name} rows" in loss.alt
        assert f"{name} rows" in loss.caption
        assert f"R² on {name} rows" in fit.summary()
        assert other not in f"{loss.alt} {loss.caption} {fit.summary()}"
    (loss, *_) = training(regress.fit(TABLE, "y", solver="sgd", epochs=3, tol=1e-300).record)
    assert loss.caption == "The loss on the training rows cannot fall below the dashed line."
    assert {mark.label for mark in loss.marks} == {"training", "", "exact minimum"}


def test_an_index_of_numpy_scalars_is_shown_in_plain_numbers():
    index = pd.Index(list(np.arange(40) + 1000), dtype=object)
    fit = regress.fit(TABLE, "y")
    with pytest.raises(regress.InputError, match=r"^row 1000, column 't'"):
        fit.predict(TABLE.assign(t="new").set_index(index))


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
