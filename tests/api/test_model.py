"""The model and its file: exact, small, safe, and without a row of the data."""

import json
import os
import stat
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.result import Fit
from regress.errors import InputError, TableError
from regress.numerics.atomic_write import whole_file, write_text
from tests.examples import examples

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
    loaded = regress.load(path)
    assert np.array_equal(loaded.w, FIT.w)
    assert (loaded.b, loaded.names, loaded.loss, loaded.status) == (FIT.b, FIT.names, FIT.loss, "converged")
    assert np.array_equal(loaded.predict(FRAME), FIT.predict(FRAME))
    assert loaded.model.to_dict() == FIT.model.to_dict()
    assert loaded.record == FIT.record


@settings(deadline=None, max_examples=examples(50), derandomize=True)
@given(st.lists(st.floats(-1e150, 1e150), min_size=9, max_size=9))  # tables are refused above 1e150
def test_every_float_comes_back_to_the_bit(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "floats.json"
    w, center, level = np.array(values[:4]), np.array(values[4:8]), values[8]
    implied = Fraction(level) - sum(Fraction(c) * Fraction(v) for c, v in zip(values[4:8], values[:4], strict=True))
    model = replace(FIT.model, w=w, center=center, b_center=level, b=float(implied))
    lines = zip(FIT.record.coefficients, [model.b, *values[:4]], strict=True)
    record = replace(FIT.record, coefficients=tuple(replace(line, coef=v) for line, v in lines))
    Fit(_bare=model, _held=record).save(path)
    back = regress.load(path).model
    for name in ("w", "center", "b_center"):  # bytes, so that 0.0 is not -0.0
        assert np.array(getattr(back, name)).tobytes() == np.array(getattr(model, name)).tobytes()


def test_options_that_numpy_made_are_saved(tmp_path):
    X = random.normal(size=(20, 2))
    given = {"max_iter": np.int64(50), "tol": np.float64(1e-9), "alpha": np.int64(1), "fit_intercept": np.bool_(True)}
    regress.fit(X, X @ [1.0, 2.0], **given).save(tmp_path / "m.json")
    held = regress.load(tmp_path / "m.json").options
    assert {name: held[name] for name in given} == given


def test_predictions_on_a_far_column_keep_the_digits_that_xw_plus_b_loses():
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
    assert (held["format"], held["version"], held["n_rows"]) == ("regress-model", 7, 50)
    assert {"w", "b", "names", "design", "options", "loss", "status", "versions"} <= set(held)
    assert held["design"]["training_means"]["time"] == pytest.approx(TIME.mean(), rel=1e-15)
    text = path.read_text()
    assert not any(repr(v) in text for v in FRAME["y"].to_list())
    assert len(text) < 10_000


DESIGN = {"formula": "", "variables": [], "terms": [], "computed": [], "training_means": {}}


def variables(name, kind):
    return [{"name": name, "kind": kind, "levels": [], "order": None, "all_levels": False, "coding": "treatment"}]


def test_keys_that_a_reader_does_not_know_are_ignored(path):
    held = json.loads(path.read_text())
    for block in (
        held,
        held["uncertainty"],
        held["record"],
        held["record"]["outcome"]["rows"],
        held["design"]["variables"][0],
        held["options"],
    ):
        block["later"] = {"covariance": [[1.0]]}
    path.write_text(json.dumps(held))
    assert regress.load(path).record == FIT.record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 8}, r"version 8; .*Update the package"),
        ({"version": 1}, r"version 1; this release reads 7. Fit the table again"),
        ({"version": 2}, r"version 2; this release reads 7. Fit the table again"),
        ({"version": True}, "version True"),
        ({"format": "other"}, "not a model"),
        ({"w": [1.0]}, "'w' must have 4 entries"),
        ({"w": "rm -rf"}, "'w' must be a list"),
        ({"design": None}, "'design' must be an object"),
        ({"design": DESIGN | {"variables": [{"name": "time"}]}}, "kind' is missing"),
        ({"design": DESIGN | {"variables": variables("a", "matrix")}}, "variables.0..kind' must be one of"),
        ({"design": DESIGN | {"variables": variables(1, "number")}}, "name' must be text; it is 1"),
        ({"w": [float("nan")] * 4}, "holds NaN, which JSON does not have"),
        ({"w": [[1.0]] * 4}, "a finite number; it is a list of 1"),
        ({"w": 1.0}, "'w' must be a list"),
        ({"center": [1.0]}, "'center' must have 4 entries"),
        ({"b_center": float("inf")}, "holds Infinity"),
        ({"b_center": "0"}, "'b_center' must be a finite number; it is \"0\""),
        ({"b_center": True}, "'b_center' must be a finite number; it is true"),
        ({"design": DESIGN | {"training_means": {"time": "noon"}}}, "training_means.time' must be a finite number"),
        ({"design": DESIGN | {"training_means": None}}, "training_means' must be an object; it is null"),
        ({"options": {}}, "'options.fit_intercept' is missing"),
        ({"n_rows": "many"}, "'n_rows' must be an integer"),
        ({"loss": []}, "'loss' must be a finite number"),
        ({"status": 3}, "'status' must be one of"),
        ({"versions": []}, "'versions' must be an object"),
        ({"uncertainty": {"covariance": [[1.0]]}}, "'uncertainty.df_resid' is missing"),
        ({"record": {}}, "'record.outcome' is missing"),
        ({"record": None}, "'record' must be an object; it is null"),
    ],
)
def test_a_file_that_is_no_such_model_is_refused(path, change, words):
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=words) as refused:
        regress.load(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["target", "w", "center", "b_center", "design", "options", "status"])
def test_a_file_without_one_of_its_parts_is_refused(path, key):
    held = json.loads(path.read_text())
    del held[key]
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match=f"'{key}' is missing"):
        regress.load(path)


@pytest.mark.parametrize("text", [b"", b"[", b"[" * 100_000, b"null", b"[1]", b"\xff", b'{"format": NaN}'])
def test_what_is_no_model_at_all_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(InputError, match="is not a model"):
        regress.load(tmp_path / "x.json")


def test_what_is_no_json_or_not_there_is_refused(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\x80\x04pickle")
    for name in ("x.json", "nowhere.json"):
        with pytest.raises(InputError, match=name):
            regress.load(tmp_path / name)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_text("before")

    def half():
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    for named in (False, True):
        if named:  # as where the file system knows no files without a name
            monkeypatch.setattr("sys.platform", "other")
        with pytest.raises(KeyboardInterrupt):
            half()
        assert path.read_text() == "before"
        assert os.listdir(tmp_path) == ["out.txt"]
        write_text(path, "whole")
        assert path.read_text() == "whole"
        write_text(path, "before")


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_that_open_gives(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "ours", "x")
        (tmp_path / "opened").write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "opened").stat().st_mode


def test_a_file_that_is_replaced_keeps_permissions_and_links(tmp_path):
    path, link = tmp_path / "secret.json", tmp_path / "link.json"
    path.write_text("before")
    path.chmod(0o600)
    link.symlink_to(path)
    write_text(link, "after")
    assert link.is_symlink()
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    write_text(pipe, "row\n1\n")
    reader.join(timeout=30)
    assert got == ["row\n1\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        FIT.save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_missing_numbers_are_filled_with_the_mean_of_the_training_rows(tmp_path):
    x = [1.0, 2.0, None, 6.0, 3.0, None]
    fit = regress.fit(pl.DataFrame({"x": x, "z": [1.0, 0, 2, 5, 4, 9], "y": [1.0, 4, 2, 8, 5, 7]}), "y", missing="mean")
    fit.save(tmp_path / "m.json")
    model = regress.load(tmp_path / "m.json")
    new = pl.DataFrame({"x": [None, 100.0], "z": [1.0, 1.0]}, schema={"x": pl.Float64, "z": pl.Float64})
    filled = new.with_columns(x=pl.col("x").fill_null(3.0))  # (1 + 2 + 6 + 3)/4, not a mean of the new rows
    assert np.array_equal(model.predict(new), model.predict(filled))
    assert np.isfinite(model.predict(new)).all()


def test_prediction_finds_columns_by_name_and_says_what_is_missing():
    shuffled = FRAME.select("flag", "y", pl.lit(7).alias("extra"), "kind", "time")
    assert np.array_equal(FIT.predict(shuffled), FIT.predict(FRAME))
    with pytest.raises(TableError, match="'flag'"):
        FIT.predict(FRAME.drop("flag"))
    with pytest.raises(TableError, match="'time': 'soon' is not a number"):
        FIT.predict(FRAME.with_columns(time=pl.lit("soon")))


def test_an_array_is_predicted_by_position():
    X = random.normal(size=(20, 2))
    fit = regress.fit(X, X @ [1.0, 2.0] + 3.0)
    assert fit.predict(X[:5]) == pytest.approx(X[:5] @ [1.0, 2.0] + 3.0, rel=1e-12)
    assert fit.predict(np.empty((0, 2))).shape == (0,)
    with pytest.raises(InputError, match="3 columns; the model takes 2"):
        fit.predict(np.ones((4, 3)))
    named = regress.fit(pl.DataFrame({"b": X[:, 0], "a": X[:, 1], "y": X[:, 0] + 2.0 * X[:, 1]}), "y")
    assert named.predict(X[:5]) == pytest.approx(X[:5] @ [1.0, 2.0], rel=1e-9, abs=1e-12)


def test_the_summary_names_every_coefficient_and_reference():
    text = FIT.summary()
    names = [name.removeprefix("kind=") for name in FIT.names]
    for word in ("(intercept)", *names, 'kind (reference level: a "quoted", level)', "Solved directly"):
        assert word in text
