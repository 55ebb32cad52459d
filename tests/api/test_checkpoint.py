"""Checkpoint files: what a run may go on from, what is refused in one sentence, and what no file can do."""

import copy
import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import regress
from regress.api import checkpoint, run_identity
from regress.numerics import kernel
from regress.objective import batches
from regress.solvers import loop
from tests.examples import examples, first

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of runs that did not converge
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of hostile numbers
]

_x = np.random.default_rng(3).normal(size=(30, 2))
TABLE = {"a": _x[:, 0], "b": _x[:, 1], "y": _x @ [2.0, -1.0] + 1 + 0.1 * np.sin(np.arange(30)), "g": np.arange(30) % 4}
RUN = {"solver": "sgd", "epochs": 2, "batch_size": 16, "drop": ["g"]}
SOLVERS = {
    "gd": {"solver": "gd", "max_iter": 4},
    "accelerated": {"solver": "accelerated", "max_iter": 4},
    "cg": {"solver": "cg", "max_iter": 2},
    "newton": {"solver": "newton", "over": "rows", "max_iter": 2},
    "sgd": {"solver": "sgd", "momentum": 0.9, "epochs": 3, "batch_size": 8},
    "averaged-sgd": {"solver": "averaged-sgd", "epochs": 3, "batch_size": 8, "test_size": 0.3, "early_stopping": 2},
    "adam": {"solver": "adam", "epochs": 3, "batch_size": 8},
}


def fit(path, table=TABLE, target="y", **options):
    return regress.fit(table, target, checkpoint=path, **{**RUN, **options})


def refusal(path, *args, **options):
    """Return what is said of a checkpoint that is refused: one line for people."""
    with pytest.raises(regress.InputError) as refused:
        fit(path, *args, **options, resume=True)
    said = str(refused.value)
    assert said.isprintable()
    assert said.endswith(".")
    assert all(len(sentence.split()) <= 25 for sentence in re.split(r"\. ", said)), said
    return said


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Let a step be one batch, so that what it does not read is read by the next."""
    monkeypatch.setattr(batches, "_CHUNK", 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


OTHER = {
    "batch_size": ({"batch_size": 8}, "batch_size was 16 and is 8"),
    "solver": ({"solver": "adam"}, "solver was 'sgd' and is 'adam'"),
    "alpha": ({"alpha": 1.0}, "alpha was 0.0 and is 1.0"),
    "seed": ({"random_state": 1}, "random_state was 0 and is 1"),
    "momentum": ({"momentum": 0.5}, "momentum was 0.0 and is 0.5"),
    "columns": ({"drop": None}, "other columns"),
    "held out": ({"test_size": 0.3}, "rows was 30 and is"),
    "weights": ({"weights": "g"}, "weights was None and is 'g'"),
    "early stopping": ({"test_size": 0.3, "early_stopping": 2}, "other early_stopping"),
    "threads": ({"n_jobs": 7}, "threads was"),
    "init": ({"init": ([1.0, 2.0], 3.0)}, "other init"),
    "monitor_every": ({"monitor_every": 2}, "monitor_every was 1 and is 2"),
    "validation": ({"validation": TABLE, "drop": ["g"]}, "other validation"),
    "gradient": ({"schedule": "cosine"}, "schedule was 'constant' and is 'cosine'"),
    "epochs of cosine": ({"schedule": "cosine", "epochs": 3}, "epochs was None and is 3"),
}


@pytest.mark.parametrize(("options", "words"), OTHER.values(), ids=OTHER)
def test_another_run_is_refused_and_what_differs_is_said(path, options, words):
    fit(path)
    before = path.read_bytes()
    said = refusal(path, **options)
    assert said.startswith(f"{path} is a checkpoint of another run: ")
    assert words in said
    assert path.read_bytes() == before


def test_other_rows_are_refused(path):
    fit(path)
    assert "other values of the rows" in refusal(path, {**TABLE, "a": TABLE["a"][::-1].copy()})
    assert "other means of the columns" in refusal(path, {**TABLE, "y": TABLE["y"] + 1})
    assert "rows was 30 and is 29" in refusal(path, {name: v[1:] for name, v in TABLE.items()})
    assert "target was 'y' and is 'b'" in refusal(path, target="b")
    reordered = {name: v[::-1].copy() for name, v in TABLE.items()}
    assert "other values of the rows" in refusal(path, reordered)


def test_the_validation_rows_must_be_the_same(path):
    held = {name: v[:9] for name, v in TABLE.items()}
    fit(path, validation=held)
    assert fit(path, validation=held, resume=True).status == "epochs"
    assert "other validation" in refusal(path, validation={**held, "y": held["y"] + 1})


def test_a_loss_object_is_compared_with_its_parameters(path):
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Huber(regress.Loss):
        delta: float = 1.0
        curvature_bound = 2.0

        def value(self, prediction, target, weights, xp):
            size = xp.abs(prediction - target)
            return xp.sum(weights * xp.where(size <= self.delta, size**2, self.delta * (2 * size - self.delta)))

        def gradient(self, prediction, target, weights):
            return 2 * weights * np.clip(prediction - target, -self.delta, self.delta)

    fit(path, loss=Huber(1.0))
    assert fit(path, loss=Huber(1.0), resume=True).status == "epochs"
    assert "loss" in refusal(path, loss=Huber(2.0))


@pytest.mark.parametrize("over", ["rows", "blocks"])
def test_a_file_that_changed_is_refused(path, write, over):
    table = write(pl.DataFrame(TABLE).write_csv())
    seen = table.stat()
    fit(path, table, over=over)
    assert fit(path, table, over=over, resume=True).status == "epochs"
    os.utime(table, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))
    assert "other files (size, time)" in refusal(path, table, over=over)
    text = table.read_text()
    for other in (text + "1,2,3,4\n", text.replace("a,b,", "c,b,", 1), text.replace("1", "2")):
        table.write_text(other)
        os.utime(table, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert "is a checkpoint of another run" in refusal(path, table, over=over)


def test_another_machine_is_refused(path, monkeypatch):
    fit(path)
    for name, value, words in (
        ("_processor", "Z80", "and is 'Z80'"),
        ("blas_kernels", ["a BLAS"], "other BLAS"),
        ("environment", {"numpy": "0.1"}, "and is '0.1'"),
    ):
        with monkeypatch.context() as other:
            other.setattr(run_identity, name, lambda value=value: value)
            assert words in refusal(path)
    if kernel.compiled() is not None:
        monkeypatch.setattr(kernel, "compiled", lambda: None)
        assert "NumPy" in refusal(path)


def test_what_may_differ(path):
    fit(path, epochs=1)
    seen = []
    more = {"epochs": 4, "tol": 1e-13, "max_seconds": 60.0, "level": 0.9, "cov_type": "HC1", "checkpoint_every": 1}
    result = fit(path, resume=True, **more, callbacks=[lambda state, record: seen.append(record.epoch)])
    assert seen == [2, 3, 4]
    assert result.w.tobytes() == fit(path.with_suffix(".whole"), epochs=4).w.tobytes()


def rewritten(path, change=lambda body: body, head=lambda head: head):
    """Write a checkpoint with another body, and the digest of that."""
    first, second = path.read_text().splitlines()
    body = json.dumps(change(json.loads(second)), separators=(",", ":"))
    said = {**json.loads(first), "sha256": hashlib.sha256(body.encode()).hexdigest()}
    path.write_text(f"{json.dumps(head(said))}\n{body}\n")


NOT_ONE = "is not a checkpoint of regress"
DAMAGED = "is damaged"


def test_files_that_are_no_checkpoint(path, tmp_path):
    assert refusal(path).startswith("There is no checkpoint")
    for data in (
        b"",
        b"\n\n",
        b"{}",
        b"[]\n",
        b"null\nnull\n",
        b"\xff\xfe",
        b"a,b\n1,2\n",
        b"[" * 5000,
        b"\x00" * 5000,
    ):
        path.write_bytes(data)
        assert NOT_ONE in refusal(path)
    path.unlink()
    path.mkdir()
    assert "is a folder" in refusal(path)
    assert "There is no checkpoint /dev/null" in refusal("/dev/null")


def test_a_file_cut_off_or_edited_anywhere_is_damaged(path):
    fit(path)
    data = path.read_bytes()
    for at in (*range(0, len(data) - 1, 97), len(data) - 2):
        path.write_bytes(data[:at])
        assert re.search(f"{NOT_ONE}|{DAMAGED}", refusal(path))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert re.search(f"{NOT_ONE}|{DAMAGED}|another version", refusal(path))


def test_versions_of_the_format(path):
    fit(path)
    rewritten(path, head=lambda head: head | {"version": 2})
    assert "another version of regress" in refusal(path)
    rewritten(path, head=lambda head: head | {"version": 1, "format": "other"})
    assert NOT_ONE in refusal(path)


def test_a_file_of_two_gibibytes_is_not_read(path):
    fit(path)
    os.truncate(path, 2**31)
    assert DAMAGED in refusal(path)


def test_a_file_that_cannot_be_read_is_said(path, monkeypatch):
    fit(path)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == f"The checkpoint {path} cannot be read: Permission denied."


def places(value, place=()):
    """Return the place of everything in a JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, part in inside for found in places(part, (*place, key)))]


HOSTILE = [
    None, True, "x", "\x1b[31m", "", -1, -3, 0, 1, 2**62, 2**63, 10**400, -(10**30), 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), -float("inf"), [], {}, [[]], [1.0], [1.0] * 4, ["x"], [None], [[1.0, 2.0], [3.0]],
    [10**400], {"w": 1}, {"__class__": "os.system"}, [[[[[[]]]]]],
]  # fmt: skip


BODIES = {}


@pytest.fixture(scope="module", autouse=True)
def bodies(tmp_path_factory):
    """Keep what each solver writes inside its run."""
    folder = tmp_path_factory.mktemp("bodies")
    for name, options in SOLVERS.items():
        path = folder / f"{name}.ckpt"

        def stop(state, record):
            return "stop" if record.iteration else None

        fit(
            path,
            **{
                **options,
                "drop": ["g"],
                "batch_size": options.get("batch_size", 256),
                "epochs": options.get("epochs", 100),
            },
            callbacks=[stop],
        )
        BODIES[name] = path.read_text().splitlines()


def goes_on_or_is_refused(path, name, head, body):
    """Go on from a file whose digest is right: to a fit or a sentence, whatever the file holds."""
    text = json.dumps(body, separators=(",", ":"))
    said = json.loads(head) | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    path.write_text(f"{json.dumps(said)}\n{text}\n")
    options = {"batch_size": 256, "epochs": 100, **SOLVERS[name], "drop": ["g"], "max_seconds": 5.0}
    try:
        fit(path, **options, resume=True)
    except regress.InputError as error:
        said = str(error)
    else:
        return True
    assert said.isprintable()
    return False


@pytest.mark.parametrize("name", SOLVERS)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_hostile_file_with_the_right_digest_gives_a_fit_or_a_sentence(name, path, data):
    head, body = BODIES[name][0], json.loads(BODIES[name][1])
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from([p for p in places(body) if p and p[0] != "run"]))
        value = data.draw(st.sampled_from([*HOSTILE, "delete"]))
        inside = body
        for key in where[:-1]:
            inside = inside[key]
        if value == "delete":
            del inside[where[-1]]
        else:
            inside[where[-1]] = copy.deepcopy(value)
    goes_on_or_is_refused(path, name, head, body)


@pytest.mark.parametrize("name", first(["averaged-sgd"], SOLVERS))
def test_each_hostile_value_in_each_place_of_a_memory(name, path):
    head, text = BODIES[name]
    state = json.loads(text)["state"]
    for where in [("memory", key) for key in state["memory"]] + [(key,) for key in state]:
        for value in HOSTILE[:: 1 if len(where) == 2 else 3]:
            body = json.loads(text)
            inside = body["state"]
            for key in where[:-1]:
                inside = inside[key]
            inside[where[-1]] = value
            goes_on_or_is_refused(path, name, head, body)


def test_depth_and_other_parts_of_a_file(path):
    head, text = BODIES["sgd"]
    body = json.loads(text)
    deep = []
    for _ in range(300):
        deep = [deep]
    for part in ("run", "state", "course"):
        for value in (deep, "x", None, [], {}):
            assert not goes_on_or_is_refused(path, "sgd", head, {**body, part: value})
    for part in body["run"]:
        for value in (
            "x",
            None,
            {"\x1b[31m": 1},
            dict.fromkeys(body["run"][part], deep),
            dict.fromkeys(body["run"][part], "\x1b[31m"),
        ):
            assert not goes_on_or_is_refused(path, "sgd", head, {**body, "run": {**body["run"], part: value}})
    text = "[" * 100_000
    path.write_text(f"{json.dumps(json.loads(head) | {'sha256': hashlib.sha256(text.encode()).hexdigest()})}\n{text}\n")
    assert DAMAGED in refusal(path)


def unread(*_, **__):
    raise AssertionError("the table was read")


def test_what_cannot_be_written_is_said_before_the_table_is_read(tmp_path, write, monkeypatch):
    table, model, held = write(pl.DataFrame(TABLE).write_csv()), tmp_path / "m.json", tmp_path / "v.csv"
    regress.fit(TABLE, "y").save(model)
    pl.DataFrame(TABLE).write_csv(held)
    monkeypatch.setattr("regress.api.fit.read_any", unread)
    for path, words in (
        (tmp_path / "no" / "run.ckpt", "there is no folder"),
        (tmp_path, "is a folder. Name a file."),
        (table, f"checkpoint would overwrite {table}, which is the table. Name another file."),
        (model, f"checkpoint would overwrite {model}, which is the model. Name another file."),
        (held, f"checkpoint would overwrite {held}, which is the validation rows. Name another file."),
        ("", "checkpoint takes the name of a file"),
    ):
        with pytest.raises(regress.InputError) as refused:
            fit(path, table, init=model, validation=str(held))
        assert words in str(refused.value)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(regress.InputError, match="its folder is read-only"):
        fit(tmp_path / "run.ckpt", table)


def test_a_file_that_cannot_be_gone_on_from_is_said_before_the_table_is_read(path, monkeypatch):
    monkeypatch.setattr("regress.api.fit.read_any", unread)
    assert "There is no checkpoint" in refusal(path)
    path.write_text("{}")
    assert NOT_ONE in refusal(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
def test_a_full_disk_is_found_before_the_first_step(monkeypatch):
    def step(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr("regress.solvers.loop._next", step)
    with pytest.raises(regress.InputError) as refused:
        fit("/dev/full")
    assert str(refused.value) == "/dev/full cannot be written: No space left on device."


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(path, monkeypatch):
    fit(path)
    whole = path.with_suffix(".whole")
    replace, calls = os.replace, []

    def full(*given):
        calls.append(given)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        replace(*given)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(regress.InputError) as refused:
        fit(path, checkpoint_every=1, epochs=20)
    assert str(refused.value) == (
        f"{path} cannot be written: No space left on device. The checkpoint before it is intact. Free some disk "
        "space, and continue with resume=True."
    )
    assert os.listdir(path.parent) == [path.name]
    assert fit(path, resume=True, epochs=20).w.tobytes() == fit(whole, epochs=20).w.tobytes()


def test_when_it_is_written(path, monkeypatch):
    """The clock is the test's own: a step takes a second, and so does a writing."""
    now, at = [0.0], []
    steps, write = [0], checkpoint.write_text

    def slow(*given):
        at.append(steps[0])
        now[0] += 1.0
        write(*given)

    def step(*given, step=loop._next):
        steps[0] += 1
        now[0] += 1.0
        return step(*given)

    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(checkpoint, "write_text", slow)
    monkeypatch.setattr(loop, "_next", step)
    for options, wanted in (
        ({"checkpoint_seconds": 60.0}, [0, 60, 120, 180, 200]),
        (
            {"checkpoint_seconds": 1.0},
            [0, 49, 98, 147, 196, 200],
        ),  # a writing waits 49 times as long as the last one took
        ({"checkpoint_every": 90}, [0, 90, 180, 200]),
    ):
        steps[0], at[:] = 0, []
        fit(path, epochs=100, batch_size=15, tol=1e-300, **options)
        assert at == wanted


def test_the_size_does_not_grow_with_the_length_of_a_run(path):
    fit(path, solver="gd", max_iter=2500, batch_size=256, epochs=100, learning_rate=1e-5)
    rows = json.loads(path.read_text().splitlines()[1])["course"]["history"]
    assert (rows["count"], rows["stride"], len(rows["rows"])) == (2501, 2, 1251)
    assert path.stat().st_size < 500_000
