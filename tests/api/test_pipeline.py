"""to_sklearn: a Pipeline of scikit-learn's own parts that predicts what the model predicts."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

import regress

pytestmark = pytest.mark.filterwarnings("ignore:A text column with a single level")


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(0)
    m = 90
    frame = pd.DataFrame({
        "size": random.normal(size=m) * 30 + 100,
        "seen": 1.7e9 + random.normal(size=m) * 1e5,
        "rooms": random.integers(1, 8, m),
        "garden": random.random(m) < 0.5,
        "maybe": pd.array(random.random(m) < 0.5, dtype="boolean"),
        "few": pd.array(random.integers(0, 9, m), dtype="Int8"),
        "color": random.choice(["red", "blue, dark", "green"], m),
        "grade": pd.Categorical(random.choice(["low", "high"], m), categories=["low", "mid", "high"]),
        "code": pd.Categorical(random.choice([3, 1, 2], m), categories=[3, 1, 2]),
        "year": random.integers(2000, 2004, m),
        "only": "same",
        "a__b": random.normal(size=m),
        "remainder": random.normal(size=m),
    })  # fmt: skip
    price = 2.0 * frame["size"] + (frame.seen - 1.7e9) / 1e4 + 5.0 * (frame.color == "red") + random.normal(size=m)
    return frame.assign(price=price)


COLUMNS = [
    ["size"],
    ["seen", "size"],
    ["garden"],
    ["garden", "maybe", "few"],
    ["color"],
    ["grade", "code"],
    ["year", "only"],
    ["a__b", "remainder"],
    ["size", "seen", "rooms", "garden", "maybe", "few", "color", "grade", "code", "year", "only", "a__b", "remainder"],
]


@pytest.mark.parametrize("columns", COLUMNS, ids=",".join)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("way", ["fit", "model", "file"])
def test_the_pipeline_predicts_what_the_model_predicts(frame, tmp_path, columns, fit_intercept, way):
    categorical = [name for name in ("year",) if name in columns]
    fit = regress.fit(frame, "price", features=columns, categorical=categorical, fit_intercept=fit_intercept)
    if way == "file":
        fit.save(tmp_path / "model.json")
    model = {"fit": fit, "model": fit.model, "file": regress.load(tmp_path / "model.json") if way == "file" else None}[
        way
    ]
    pipeline = regress.to_sklearn(model)
    assert isinstance(pipeline, Pipeline)
    np.testing.assert_allclose(pipeline.predict(frame), fit.predict(frame), rtol=1e-12)
    shuffled = frame[frame.columns[::-1]].sample(frac=1.0, random_state=0).assign(more="text")
    np.testing.assert_allclose(pipeline.predict(shuffled), fit.predict(shuffled), rtol=1e-12)
    np.testing.assert_allclose(pipeline.predict(frame.head(1)), pipeline.predict(frame)[:1], rtol=1e-12)


@pytest.mark.parametrize("cell", [np.nan, None], ids=str)
def test_missing_numbers_get_the_training_mean(frame, cell):
    holes = frame.copy()
    holes.loc[::7, "size"] = cell
    holes.loc[3::7, "seen"] = cell
    fit = regress.fit(holes, "price", features=["size", "seen", "color"], missing="mean")
    np.testing.assert_allclose(regress.to_sklearn(fit).predict(holes), fit.predict(holes), rtol=1e-12)
    np.testing.assert_allclose(
        regress.to_sklearn(fit).predict(holes.iloc[[0]]),
        fit.predict(holes.iloc[[0]].assign(size=holes["size"].mean())),
        rtol=1e-12,
    )


def test_a_missing_cell_is_refused_unless_training_filled_it(frame):
    fit = regress.fit(frame, "price", features=["size", "color"])
    with pytest.raises(ValueError, match="NaN"):
        regress.to_sklearn(fit).predict(frame.assign(size=np.nan))
    with pytest.raises(ValueError, match="unknown categories"):
        regress.to_sklearn(fit).predict(frame.assign(color=None))


def test_a_level_that_training_did_not_see_is_refused(frame):
    pipeline = regress.to_sklearn(regress.fit(frame, "price", features=["size", "color"]))
    with pytest.raises(ValueError, match=r"unknown categories \['mauve'\]"):
        pipeline.predict(frame.assign(color="mauve"))


def test_a_missing_column_is_named(frame):
    pipeline = regress.to_sklearn(regress.fit(frame, "price", features=["size", "color"]))
    with pytest.raises(ValueError, match="color"):
        pipeline.predict(frame[["size"]])


def parts_of(estimator):
    yield estimator
    held = [part for _, part, *_ in getattr(estimator, "transformers_", getattr(estimator, "steps", []))]
    for part in held:
        if isinstance(part, BaseEstimator):
            yield from parts_of(part)


def test_every_part_is_scikit_learns_own(frame):
    pipeline = regress.to_sklearn(regress.fit(frame, "price", categorical=["year"], missing="mean"))
    homes = {type(part).__module__.partition(".")[0] for part in parts_of(pipeline)}
    assert homes == {"sklearn"}


def test_a_stored_pipeline_predicts_where_this_package_is_not_installed(frame, tmp_path):
    fit = regress.fit(frame, "price", categorical=["year"])
    (tmp_path / "pipeline.pickle").write_bytes(pickle.dumps(regress.to_sklearn(fit)))
    frame.to_pickle(tmp_path / "frame.pickle")
    code = """
import pickle, sys
sys.modules["regress"] = None  # any import of it fails
frame, pipeline = (pickle.load(open(f"{name}.pickle", "rb")) for name in ("frame", "pipeline"))
print(*map(repr, pipeline.predict(frame).tolist()))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose([float(v) for v in done.stdout.split()], fit.predict(frame), rtol=1e-12)


def test_true_and_false_are_filled_with_their_mean_too():
    flag = [True, False, None, True, False, True]
    frame = pd.DataFrame({"flag": flag, "x": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "y": [3.0, 1.0, 2.0, 5.0, 8.0, 9.0]})
    fit = regress.fit(frame, "y", missing="mean")
    whole = frame.dropna().astype({"flag": bool})
    for rows in (frame, whole):
        assert regress.to_sklearn(fit).predict(rows) == pytest.approx(fit.predict(rows), rel=1e-12)
