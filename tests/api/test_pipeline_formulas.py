"""to_sklearn with a formula: the Pipeline predicts what the model predicts, and refuses what scikit-learn has not."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import regress
from regress.errors import InputError

RANDOM = np.random.default_rng(0)
M = 120
FRAME = pd.DataFrame(
    {
        "age": RANDOM.uniform(18.0, 80.0, M),
        "area": RANDOM.uniform(20.0, 200.0, M),
        "zone": RANDOM.choice(["north", "south", "west"], M),
        "kind": RANDOM.choice(["a", "b"], M),
        "x": RANDOM.normal(size=M),
        "flag": RANDOM.random(M) < 0.5,
        "k": RANDOM.integers(1, 5, M),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, M), unit="D"),
    }
)
FRAME["price"] = np.exp(2.0 + 0.01 * FRAME.area + 0.0008 * (FRAME.age - 45.0) ** 2 + 0.1 * RANDOM.normal(size=M))
EXPORTED = [
    "zone",
    "log(area) + sqrt(area) + exp(x) + log1p(area) + log2(age) + log10(age) + sign(x)",
    "poly(age, 3)",
    "zone * poly(age, 2) * kind",
    "C(zone, coding='sum') * area",
    "C(zone, coding='sum') : C(kind, coding='sum') + x",
    "zone * kind - 1",
    "I(area / age) + I(x * age) + I(2 - x) + I(-x) + I(2 ** x) + I(x ** 3) + I(area ** 0.5) + I((x + age) * 3)",
    "I(x > age / 50) + I(x <= 0.3) + I(1 > x) + I(k == 2) + I(2 != k)",
    "bs(age, df=5) + bs(area, df=6, degree=2):zone",
    "bs(age, knots=[30, 40, 40], lower=0, upper=100, intercept=True) - 1",
    "bs(log(area), df=4)",
    "center(age) * scale(area) + sqrt(abs(x))",
    "C(k) + flag:x + k:x",
    "I(x * log(2)) + area",
]


def close(pipeline, fit, frame):
    """Tell whether both predict the same but for some ulps of the terms that a prediction adds up."""
    model = fit.model
    terms = np.abs((pipeline[:-2].transform(frame) - model.center) * model.w).sum(1) + abs(model.b_center)
    return (np.abs(pipeline.predict(frame) - fit.predict(frame)) <= 8.0 * 2.0**-52 * terms).all()


@pytest.mark.parametrize("formula", EXPORTED)
@pytest.mark.filterwarnings("ignore:Columns depend")
def test_the_pipeline_predicts_what_the_model_predicts(formula):
    fit = regress.fit(FRAME, f"price ~ {formula}")
    pipeline = regress.to_sklearn(fit)
    assert close(pipeline, fit, FRAME)
    beyond = FRAME.assign(age=FRAME.age * 1.4 - 20.0, area=FRAME.area * 2.0)  # of the knots of splines
    beyond = beyond[beyond.age > 0]
    assert close(pipeline, fit, beyond)
    assert close(pipeline, fit, beyond[beyond.columns[::-1]].head(3).assign(more="text"))
    X = pipeline[:-2].transform(FRAME.head(2))
    assert X.shape == (2, len(fit.names))


REFUSED = {
    "ns(age, df=4)": r"to_sklearn cannot export ns\(age, df=4\): scikit-learn has no natural splines\.",
    "fourier(age, period=12, k=1)": r"cannot export fourier\(.*\): scikit-learn has no Fourier terms",
    "cut(age, [0, 50, 100])": r"cannot export cut\(age, \[0, 50, 100\]\): scikit-learn has no intervals",
    "poly(age, 2, orthogonal=True)": "scikit-learn has no orthogonal polynomials",
    "I(zone == 'north')": "cannot export zone == 'north': scikit-learn has no comparison of text",
    "missing(x) + x": r"cannot export missing\(x\): a Pipeline refuses missing cells",
    "month(day)": "Column 'day' holds dates",
}


@pytest.mark.parametrize("formula", REFUSED)
@pytest.mark.filterwarnings("ignore:Constant in the training rows")
def test_other_terms_are_refused_by_name(formula):
    with pytest.raises(InputError, match=REFUSED[formula]):
        regress.to_sklearn(regress.fit(FRAME, f"price ~ {formula}"))


@pytest.mark.parametrize("function", [regress.to_sklearn, regress.to_keras])
def test_a_transformed_target_is_refused_by_name(function):
    fit = regress.fit(FRAME, "log(price) ~ x")
    with pytest.raises(InputError, match=r"cannot export log\(price\): its predictions are in units of price"):
        function(fit)


def test_a_missing_number_is_refused_even_where_a_comparison_would_hide_it():
    pipeline = regress.to_sklearn(regress.fit(FRAME, "price ~ I(x > 0) + age"))
    with pytest.raises(ValueError, match="NaN"):
        pipeline.predict(FRAME.assign(x=np.nan))


def test_a_missing_number_that_training_filled_is_filled():
    holes = FRAME.copy()
    holes.loc[::7, "area"] = np.nan
    fit = regress.fit(holes, "price ~ log(area) + x + area", missing="mean")
    assert close(regress.to_sklearn(fit), fit, holes)
    fit = regress.fit(holes, "price ~ I(area > 50) + x", missing="mean")
    with pytest.raises(InputError, match="filled after it is computed"):
        regress.to_sklearn(fit)


def test_a_stored_pipeline_predicts_where_this_package_is_not_installed(tmp_path):
    fit = regress.fit(FRAME, "price ~ C(zone, coding='sum') * poly(age, 2) + bs(area, df=5) + I(x > 0.5) + scale(k)")
    (tmp_path / "pipeline.pickle").write_bytes(pickle.dumps(regress.to_sklearn(fit)))
    FRAME.to_pickle(tmp_path / "frame.pickle")
    code = """
import pickle, sys
sys.modules["regress"] = None  # any import of it fails
frame, pipeline = (pickle.load(open(f"{name}.pickle", "rb")) for name in ("frame", "pipeline"))
print(*map(repr, pipeline.predict(frame).tolist()))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    np.testing.assert_allclose([float(text) for text in ran.stdout.split()], fit.predict(FRAME), rtol=1e-12)


def test_keras_takes_the_columns_that_the_pipeline_makes():
    pytest.importorskip("tensorflow")
    fit = regress.fit(FRAME, "price ~ zone * x + poly(age, 2)")
    X = regress.to_sklearn(fit)[:-2].transform(FRAME)
    np.testing.assert_allclose(regress.to_keras(fit)(X).numpy()[:, 0], fit.predict(FRAME), rtol=1e-10)
