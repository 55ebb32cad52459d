"""A model's file, changed in one place to something odd: refused in one sentence, or what is loaded was in it."""

import json
import os
import subprocess
import sys
import threading
import zlib
from contextlib import nullcontext, suppress

import numpy as np
import polars as pl
import pytest

import regress
from regress import InputError
from regress.api import json_schema
from regress.api.report import page
from regress.api.result import Fit
from regress.options import TrainOptions
from regress.solvers.status import Status
from tests.examples import first

random = np.random.default_rng(12)
N = 60
TABLE = pl.DataFrame(
    {
        "x": random.normal(size=N),
        "z": random.normal(size=N) + 1e3,
        "k": ["é", 'a "q", l', "b"] * (N // 3),
        "f": [True, False] * (N // 2),
        "a": random.uniform(0.5, 2.0, size=N),
    }
).with_columns(y=pl.col("x") * 2 - pl.col("z") + random.normal(size=N), u=pl.col("x") + 1.0)
OPTIONS = {
    "text": {"drop": ["u"], "weights": "a", "missing": "mean", "test_size": 0.2},
    "numbers": {"features": ["x", "z"], "solver": "gd", "max_iter": 3, "cov_type": "HC1"},
    "none": {"features": ["x", "z"], "fit_intercept": False, "alpha": 0.5},
    "transformed": {"formula": "sqrt(a) ~ x * k", "loss": "huber"},
    "dependent": {"features": ["x", "u", "z"], "split_key": "k", "test_size": 0.3},
}
FITS: dict[str, Fit] = {}
ODD = [None, True, False, 0, 1, -1, -1.5, 1e300, -1.7e308, 5e-324, 2**53 + 1, 2**63, 10**400, "", "x", "3.0", "number"]
ODD += ["\x1b[2J\n", "\ud800", "x" * 300, [], {}, [[]], [1.0], ["a"], {"a": 1}, {"name": "a"}]


def saved(name, tmp_path):
    if name not in FITS:
        with pytest.warns() if name in ("numbers", "dependent") else nullcontext():
            target = None if "formula" in OPTIONS[name] else "y"
            FITS[name] = regress.fit(TABLE, target, **OPTIONS[name])
    FITS[name].save(tmp_path / "m.json")
    return json.loads((tmp_path / "m.json").read_text())


def opened(path):
    """Return a model, or what is said of it."""
    try:
        return regress.load(path), ""
    except InputError as error:
        return None, str(error)


def places(value, at=()):
    """Every node of a document; of a list its first and last entries, as the others are alike."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for j in sorted({0, 1, len(value) - 1} & set(range(len(value)))):
            yield from places(value[j], (*at, j))


def changed(held, at, value):
    if not at:
        return value
    head, *rest = at
    copy = held.copy()
    copy[head] = changed(held[head], rest, value)
    return copy


def alike(a, b):
    """Tell whether two documents are equal, where 1 and 1.0 are, and true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def used(model: Fit, path):
    """Use a fit in every way; each may be refused."""
    ways = (
        lambda: model.predict(TABLE),
        lambda: model.predict_interval(TABLE, 0.9),
        lambda: page(model),
        lambda: regress.certify(path, TABLE).summary(),
        lambda: model.summary(),
        lambda: model.to_dict(),
        lambda: model.conf_int(),
        lambda: model.cov_params(),
        lambda: model._repr_html_(),
    )
    for way in ways:
        with suppress(InputError):
            way()


def mutants(name, held, every):
    for at in places(held):
        for j, value in enumerate(ODD):
            if (zlib.crc32(repr((name, at)).encode()) + j) % every == 0 and at != ("version",):
                yield at, value


@pytest.mark.parametrize("name", first(["text", "transformed"], OPTIONS))
def test_what_is_loaded_is_what_could_have_been_saved(name, tmp_path):
    held, path, loaded = saved(name, tmp_path), tmp_path / "x.json", 0
    for at, value in mutants(name, held, int(os.environ.get("EVERY", "37"))):
        document = changed(held, at, value)
        path.write_text(json.dumps(document))
        model, refused = opened(path)
        if model is None:
            assert refused.startswith(str(path)), (at, value)
            assert refused.isprintable(), (at, value)
            continue
        model.save(tmp_path / "again.json")
        assert alike(json.loads((tmp_path / "again.json").read_text()), document), (at, value)
        loaded += 1
        try:
            used(model, path)
        except BaseException as error:
            raise AssertionError((at, value)) from error
    assert loaded > 5


@pytest.mark.parametrize("name", OPTIONS)
def test_every_key_is_needed(name, tmp_path):
    held, path = saved(name, tmp_path), tmp_path / "x.json"
    for at in places(held):
        if (
            at
            and isinstance(at[-1], str)
            and "missing_cells" not in at
            and "versions" not in at[:-1]
            and "references" not in at[:-1]
        ):
            document = json.loads(json.dumps(held))
            inside = document
            for step in at[:-1]:
                inside = inside[step]
            del inside[at[-1]]
            path.write_text(json.dumps(document))
            with pytest.raises(InputError, match=r"x\.json is (not|a model of)"):
                regress.load(path)


@pytest.fixture
def edit(tmp_path):
    """Write the model of text columns with some blocks changed; return where."""
    held = saved("text", tmp_path)

    def write(change):
        document = json.loads(json.dumps(held))
        change(document)
        (tmp_path / "x.json").write_text(json.dumps(document))
        return tmp_path / "x.json"

    return write


def set_to(*at):
    *way, key, value = at

    def change(held):
        for step in way:
            held = held[step]
        held[key] = value

    return change


def swapped_names(held):
    held["names"][0], held["names"][1] = held["names"][1], held["names"][0]


def swapped_order(held):
    """Another order of the coefficients than that of the terms, everywhere."""
    for values in (held["names"], held["w"], held["center"]):
        values[0], values[1] = values[1], values[0]


def far_level(held):
    """A level beyond what predictions can be, that b agrees with."""
    held["b"] = held["b_center"] = 1e300


def huge(held):
    held["w"][0], held["center"][0], held["b"], held["b_center"] = 1e308, 0.0, 0.0, 0.0
    held["w"][1:], held["center"][1:] = [0.0] * (len(held["w"]) - 1), [0.0] * (len(held["w"]) - 1)


CHANGES = {
    "degrees null": (set_to("uncertainty", "df_resid", None), "'uncertainty.df_resid' must be a finite number above 0"),
    "degrees text": (set_to("uncertainty", "df_resid", "9"), "uncertainty.df_resid"),
    "variance of another type": (set_to("uncertainty", "variance", [1.0]), "uncertainty.variance"),
    "variance negative": (
        set_to("uncertainty", "variance", -1.0),
        "'uncertainty.variance' must be a finite number above 0",
    ),
    "of_center of another type": (set_to("uncertainty", "of_center", {}), "uncertainty.of_center"),
    "short row": (set_to("uncertainty", "covariance", 2, [0.1]), "not half a matrix"),
    "text in a row": (set_to("uncertainty", "covariance", 2, 1, "0.1"), r"uncertainty\.covariance\[2\]\[1\]"),
    "negative variance": (set_to("uncertainty", "covariance", 1, 1, -0.1), "are not covariances"),
    "not semi-definite": (set_to("uncertainty", "covariance", 1, 0, 10.0), "are not covariances"),
    "center of length 1": (set_to("uncertainty", "center", [0.0]), "'uncertainty.center' must have 5 entries"),
    "across of length 1": (set_to("uncertainty", "across", [0.0]), "'uncertainty.across' must have 5 entries"),
    "equal levels": (set_to("design", "variables", 2, "levels", ["a", "b", "b"]), "levels of 'k'"),
    "an order of other levels": (set_to("design", "variables", 2, "order", ["a"]), "the order of 'k'"),
    "levels of a number": (set_to("design", "variables", 0, "levels", ["a"]), "levels of 'x'"),
    "half a character": (
        set_to("design", "variables", 2, "levels", 0, "\ud800"),
        "must be text of complete characters",
    ),
    "a term twice": (lambda held: held["design"]["variables"].append(held["design"]["variables"][0]), "one name"),
    "the intercept's name": (set_to("design", "variables", 0, "name", "(intercept)"), "one name"),
    "an unknown kind": (
        set_to("design", "variables", 0, "kind", "unusable"),
        r"design.variables.0..kind' must be one of",
    ),
    "split_key": (set_to("options", "split_key", 1), "options.split_key"),
    "false in w": (set_to("w", 0, False), "must be a finite number; it is false"),
    "text in w": (set_to("w", 0, "3.0"), 'must be a finite number; it is "3.0"'),
    "names in another order": (swapped_names, "'names' are not those"),
    "all in another order": (swapped_order, "'names' are not those"),
    "no names": (lambda held: held.pop("names"), "'names' is missing"),
    "a mean of no column": (set_to("design", "training_means", "other", 1.0), "training_means"),
    "whole number beyond doubles": (set_to("b", 10**400), "'b' must be a finite number"),
    "residuals without groups": (set_to("record", "residuals", "groups", []), "no group of rows"),
    "a row that is of none": (set_to("record", "outcome", "rows", "bad", 3), "does not add up"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_could_not_have_been_saved_is_refused(case, edit):
    change, words = CHANGES[case]
    with pytest.raises(InputError, match=words):
        regress.load(edit(change))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": "regress-model", "version": 3, "b": NaN}', "it holds NaN, which JSON does not have"),
        ('{"format": "regress-model", "version": 3, "b": -Infinity}', "it holds -Infinity"),
        ('{"format": "regress-model", "version": 3, "version": 3}', "the key 'version' occurs in it twice"),
        ("[" * 200_000, "is not JSON"),
        ('{"coef": ' + '{"a":' * 200_000, "is not JSON"),
        ('{"format": "regress-model", "version": 3, "b": ' + "9" * 5000 + "}", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused_as_a_model_and_as_a_claim(text, words, tmp_path):
    (tmp_path / "x.json").write_text(text)
    for use in (regress.load, lambda path: regress.certify(path, TABLE, "y")):
        with pytest.raises(InputError, match=words):
            use(tmp_path / "x.json")


def test_a_device_is_not_read_and_a_file_has_a_limit(tmp_path, monkeypatch):
    for path in ("/dev/zero", "/dev/null", tmp_path):
        for use in (regress.load, lambda path: regress.certify(path, TABLE, "y")):
            with pytest.raises(InputError, match="cannot be read: it is neither a file nor a pipe"):
                use(path)
    held = saved("numbers", tmp_path)
    monkeypatch.setattr(json_schema, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="larger than"):
        regress.load(tmp_path / "m.json")
    (tmp_path / "m.json").write_text("x")
    assert len(json.dumps(held)) > 1000


def test_a_pipe_is_read_once(tmp_path):
    saved("numbers", tmp_path)
    expected = (tmp_path / "m.json").read_text()
    for use in (regress.load, lambda path: regress.certify(path, TABLE)):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=(expected,), daemon=True)
        writer.start()
        use(pipe)
        writer.join(timeout=30)
        pipe.unlink()


def test_the_command_line_refuses_a_device_at_once(tmp_path):
    TABLE.write_csv(tmp_path / "d.csv")
    for command in (
        ["predict", "/dev/zero", "d.csv"],
        ["certify", "/dev/zero", "d.csv"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "regress", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 2
        assert done.stderr.startswith("Error: The model /dev/zero cannot be read")


@pytest.mark.parametrize("change", [far_level, huge])
def test_a_model_beyond_the_range_of_doubles_is_blamed_and_not_the_table(change, edit):
    def without(held):
        held["uncertainty"] = None
        change(held)
        lines = held["record"]["coefficients"]
        for line, coef in zip(lines, [held["b"], *held["w"]], strict=True):
            line["coef"] = coef

    path = edit(without)
    assert not regress.certify(path, TABLE).passed
    if change is huge:
        with pytest.raises(InputError, match="This model predicts numbers beyond the range of float64"):
            regress.load(path).predict(TABLE)


def test_the_words_of_the_file_are_those_of_the_code(edit):
    for status in Status:
        assert regress.load(edit(set_to("status", str(status)))).status == status
    saved_options = regress.load(edit(lambda held: None)).options
    assert set(TrainOptions.__dataclass_fields__) <= set(saved_options)


CLAIMS = [
    ({"coef": {"x": True}}, "'coef.x' must be a finite number; it is true"),
    ({"coef": {"x": "2.0"}}, "coef.x"),
    ({"coef": ["2.0"]}, "coef"),
    ({"coef": [[2.0]]}, "coef"),
    ({"coef": None}, "'coef' must be a list of numbers; it is null"),
    ({"coef": {"\ud800": 1.0}}, "text of complete characters"),
    ({"coef": {"x": 10**400}}, "coef.x"),
    ({"coef": {"x": 1.0}, "intercept": "1"}, "'intercept' must be a finite number"),
    ({"coef": {"x": 1.0}, "intercept": [1]}, "intercept"),
    ({"coef": {"x": 1.0}, "intercept": True}, "intercept"),
    ({"coef": {"x": 1.0}, "n_rows": "many"}, "n_rows"),
]


@pytest.mark.parametrize(("claim", "words"), CLAIMS)
def test_a_claim_that_holds_no_numbers_is_refused(claim, words, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(claim))
    with pytest.raises(InputError, match=words):
        regress.certify(tmp_path / "c.json", TABLE, "y", features=["x"])


@pytest.mark.parametrize("w", [{"x": True}, {"x": "2.0"}, ["2.0"], [True], [b"2"], np.array([True]), np.array(["2"])])
def test_true_and_text_are_no_coefficients(w):
    for claim in ((w, 0.5), {"coef": w}, ([2.0], "0.5"), ([2.0], False)):
        with pytest.raises(InputError, match="must be numbers"):
            regress.certify(claim, TABLE, "y", features=["x"])


OPTIONS_REFUSED = [
    ("fit_intercept", 1), ("fit_intercept", "no"), ("standardize", None), ("max_iter", True), ("max_iter", 2.0),
    ("random_state", "a"), ("random_state", 0.5), ("random_state", True), ("random_state", 2**63),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OPTIONS_REFUSED)
def test_options_that_a_file_could_not_hold_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be"):
        regress.fit(TABLE, "y", **{name: value})
