"""The model and its file: exact, small, safe, and without a row of the data."""

import json
import os
import stat

import numpy as np
import polars as pl
import pytest

import regress
from regress.errors import InputError, TableError
from regress.model import write_lines

random = np.random.default_rng(4)
TIME = 1.7e9 + random.uniform(0, 10, size=50)
FRAME = pl.DataFrame(
    {
        "time": TIME,
        "kind": ["é", 'a "quoted", level', "b"] * 16 + ["b", "b"],
        "flag": [True, False] * 25,
        "y": 2.0 * (TIME - 1.7e9) + random.normal(size=50),
    }
)
FIT = regress.fit(FRAME, "y", missing="mean")


@pytest.fixture
def path(tmp_path):
    FIT.save(tmp_path / "m.json")
    return tmp_path / "m.json"


def test_a_saved_model_comes_back_to_the_bit(path):
    model = regress.load(path)
    assert np.array_equal(model.w, FIT.w)
    assert (model.b, model.names, model.loss, model.status) == (FIT.b, FIT.names, FIT.loss, "converged")
    assert np.array_equal(model.predict(FRAME), FIT.predict(FRAME))
    assert model.to_dict() == FIT.model.to_dict()


def test_predictions_on_a_far_column_keep_the_digits_that_xw_plus_b_loses():
    from fractions import Fraction

    model = FIT.model
    exact = []
    for row in FRAME.iter_rows(named=True):
        x = [row["time"], row["kind"] == "b", row["kind"] == "é", row["flag"]]
        parts = zip(x, model.center.tolist(), model.w.tolist(), strict=True)
        exact.append(
            float(Fraction(model.b_center) + sum((Fraction(v) - Fraction(c)) * Fraction(w) for v, c, w in parts))
        )
    assert model.names == ("time", "kind=b", "kind=é", "flag")
    assert model.predict(FRAME) == pytest.approx(exact, rel=1e-13)


def test_the_file_holds_what_it_promises_and_no_row(path):
    held = json.loads(path.read_text())
    assert (held["format"], held["version"], held["n_rows"]) == ("regress-model", 1, 50)
    assert {"w", "b", "names", "terms", "training_means", "options", "loss", "status", "versions"} <= set(held)
    assert held["training_means"]["time"] == pytest.approx(TIME.mean(), rel=1e-15)
    text = path.read_text()
    assert not any(repr(v) in text for v in FRAME["y"].to_list())
    assert len(text) < 4000


def test_blocks_that_a_reader_does_not_know_are_ignored(path):
    held = json.loads(path.read_text())
    path.write_text(json.dumps({**held, "inference": {"covariance": [[1.0]]}, "report": {}}))
    assert regress.load(path).b == FIT.b


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "version 2"),
        ({"format": "other"}, "not a model"),
        ({"w": [1.0]}, "1 coefficients for 4 names"),
        ({"w": "rm -rf"}, "not a complete model"),
        ({"terms": None}, "not a complete model"),
    ],
)
def test_a_file_that_is_no_such_model_is_refused(path, change, words):
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=words) as refused:
        regress.load(path)
    assert "\n" not in str(refused.value)


def test_what_is_no_json_or_not_there_is_refused(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\x80\x04pickle")
    for name in ("x.json", "nowhere.json"):
        with pytest.raises(InputError, match=name):
            regress.load(tmp_path / name)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("before")

    def lines():
        yield "half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lines(path, lines())
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.txt"]
    write_lines(path, ["whole"])
    assert path.read_text() == "whole"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_prediction_finds_columns_by_name_and_says_what_is_missing():
    shuffled = FRAME.select("flag", "y", pl.lit(7).alias("extra"), "kind", "time")
    assert np.array_equal(FIT.predict(shuffled), FIT.predict(FRAME))
    with pytest.raises(TableError, match="'flag'"):
        FIT.predict(FRAME.drop("flag"))
    with pytest.raises(TableError, match="text; training saw number"):
        FIT.predict(FRAME.with_columns(time=pl.lit("soon")))


def test_an_array_is_predicted_by_position():
    X = random.normal(size=(20, 2))
    fit = regress.fit(X, X @ [1.0, 2.0] + 3.0)
    assert fit.predict(X[:5]) == pytest.approx(X[:5] @ [1.0, 2.0] + 3.0, rel=1e-12)
    assert fit.predict(np.empty((0, 2))).shape == (0,)


def test_the_summary_names_every_coefficient_and_reference():
    text = FIT.summary()
    for word in ("(intercept)", *FIT.names, "'a \"quoted\", level'", "converged"):
        assert word in text
