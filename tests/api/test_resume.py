"""A run that was stopped anywhere and goes on from its checkpoint ends as one that nobody stopped, bit for bit."""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import regress
from regress.design.block_index import BlockReader
from regress.numerics import atomic_write
from regress.objective import batches
from regress.solvers import loop
from regress.solvers.batch_steps import Adam, AveragedSgd, Sgd
from tests.examples import first

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of runs that did not converge

ROWS = 24
_x = np.random.default_rng(1).normal(size=(ROWS, 3))
TABLE = {"a": _x[:, 0], "b": _x[:, 1] + 3 * _x[:, 0], "y": _x @ [1.0, -2.0, 0.5] + 4, "v": 0.5 + np.arange(ROWS) % 3}
FULL = {"max_iter": 4}
BATCHES = {"epochs": 2, "batch_size": 8}
RUNS = {
    "gd": {"solver": "gd", **FULL},
    "accelerated": {"solver": "accelerated", **FULL},
    "cg": {"solver": "cg", **FULL},
    "newton": {"solver": "newton", "over": "rows", **FULL},
    "sgd": {"solver": "sgd", **BATCHES},
    "momentum": {"solver": "sgd", "momentum": 0.9, **BATCHES},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "nesterov": True, **BATCHES},
    "averaged-sgd": {"solver": "averaged-sgd", **BATCHES},
    "adam": {"solver": "adam", **BATCHES},
    "early stopping": {"solver": "adam", "test_size": 0.3, "early_stopping": 1, **BATCHES, "epochs": 4},
    "gd, validated": {"solver": "gd", "test_size": 0.3, "early_stopping": 2, **FULL},
    "weights": {"solver": "adam", "weights": "v", **BATCHES},
    "ridge": {"solver": "sgd", "alpha": 1.0, "schedule": "cosine", **BATCHES},
    "not standardized": {"solver": "averaged-sgd", "standardize": False, "fit_intercept": False, **BATCHES},
    "Huber": {"solver": "newton", "loss": "huber", "over": "rows", "tol": 1e-300, **FULL},
    "Huber in batches": {"solver": "sgd", "loss": "huber", "learning_rate": 0.01, **BATCHES},
    "in order": {"solver": "adam", "shuffle": False, "learning_rate": lambda t: 0.1 / (t + 1), **BATCHES},
}
FILES = {
    "blocks": {"solver": "sgd", "over": "blocks", "shuffle_rows": 8, "momentum": 0.5, **BATCHES},
    "averaged blocks": {"solver": "averaged-sgd", "over": "blocks", "shuffle_rows": 8, "test_size": 0.2, **BATCHES},
    "rows of a file": {"solver": "adam", "over": "rows", **BATCHES},
    "moments of a file": {"solver": "cg", "over": "moments", **FULL},
}


def prepare(monkeypatch):
    """Let a step be one batch, so that checkpoints lie inside an epoch; and wait for no disk."""
    monkeypatch.setattr(batches, "_CHUNK", 1)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    """Prepare every test."""
    prepare(monkeypatch)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write the table in three files, so that it has three blocks."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for k in range(3):
        pl.DataFrame(TABLE).slice(8 * k, 8).write_csv(folder / f"{k}.csv")
    return folder


def fit(table, checkpoint, **options):
    options = {"checkpoint_every": 2, "drop": ["v"] if "weights" not in options else None, **options}
    return regress.fit(table, "y", checkpoint=checkpoint, **options)


def ended(result):
    """Return all that must be the same: everything but the seconds."""
    history = [row._replace(seconds=0.0) for row in result.record.outcome.history]
    return result.w.tobytes(), result.b, result.status, result.n_iter, repr(history)  # so that NaN equals NaN


def gone_on(table, path, **options):
    """Go on from a checkpoint, or begin if there is none yet."""
    return fit(table, path, **options, resume=path.exists())


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"gradient": "autodiff", "solver": "gd", **FULL},
        {"gradient": "autodiff", "solver": "averaged-sgd", **BATCHES},
        {"gradient": "autodiff", "optimizer": "Adam", **BATCHES},
        {"gradient": "autodiff", "optimizer": "Nadam", "over": "blocks", "shuffle_rows": 8, **BATCHES},
    ],
    ids=lambda options: options.get("optimizer") or options["solver"],
)
def test_so_does_a_run_of_tensorflow_stopped_by_a_callback(options, file, tmp_path):
    import keras

    def made():
        name = options.get("optimizer")
        return options | ({} if name is None else {"optimizer": getattr(keras.optimizers, name)(0.01)})

    whole = ended(fit(file, tmp_path / "whole.ckpt", **made()))
    path, steps = tmp_path / "c.ckpt", []
    while not steps or steps[-1].status == "callback":
        steps.append(fit(file, path, **made(), callbacks=[lambda *_: "stop"], resume=path.exists()))
    assert len(steps) > 2
    assert ended(fit(file, path, **made(), resume=True)) == whole
    if "optimizer" in options:
        other = getattr(keras.optimizers, options["optimizer"])(0.02)
        with pytest.raises(regress.InputError, match="other optimizer"):
            fit(file, path, **made() | {"optimizer": other}, resume=True)


class Killed(BaseException):
    """Ends a run where nothing catches it."""


@dataclass
class Faults:
    """Raises an error at one of the events of a run."""

    at: int = -1
    error: type[BaseException] = Killed
    seen: int = 0

    def event(self):
        self.seen += 1
        if self.seen == self.at:
            raise self.error

    def around(self, function):
        """Have an event before and after each call."""

        def called(*given, **named):
            self.event()
            result = function(*given, **named)
            self.event()
            return result

        return called

    def between(self, function):
        """Have an event before each item."""

        def called(*given, **named):
            for item in function(*given, **named):
                self.event()
                yield item

        return called


class Torn(io.BytesIO):
    """A file to which half of a text is written before the event, and the rest after it."""

    def __init__(self, file, event):
        super().__init__()
        self._file, self._event = file, event

    def __exit__(self, *error):
        self._file.__exit__(*error)

    def write(self, data):
        self._file.write(data[: len(data) // 2])
        self._event()
        return self._file.write(data[len(data) // 2 :])

    def flush(self):
        if not self.closed:
            self._file.flush()

    def fileno(self):
        return self._file.fileno()


@pytest.fixture
def faulty(monkeypatch):
    """Return a function that sets the event at which the next run ends."""

    def set_to(at, error=Killed):
        faults = Faults(at, error)
        monkeypatch.undo()
        prepare(monkeypatch)
        temporary = atomic_write._temporary

        def opened(*given):
            faults.event()
            file, name = temporary(*given)
            return Torn(file, faults.event), name

        monkeypatch.setattr(atomic_write, "_temporary", opened)
        monkeypatch.setattr(atomic_write.os, "replace", faults.around(os.replace))
        monkeypatch.setattr(loop, "_next", faults.around(loop._next))
        monkeypatch.setattr(BlockReader, "blocks", faults.between(BlockReader.blocks))
        for solver in (Sgd, AveragedSgd, Adam):
            monkeypatch.setattr(solver, "update", faults.around(solver.update))
        return faults

    return set_to


def killed_everywhere(table, tmp_path, faulty, options, error=Killed):
    """Kill a run at every event, go on, and compare; return the number of events and of checkpoints gone on from."""
    faults = faulty(-1)
    whole = ended(fit(table, tmp_path / "whole.ckpt", **options))
    events, resumed = faults.seen, 0
    for at in range(1, events + 1):
        path = tmp_path / f"{at}.ckpt"
        faulty(at, error)
        try:
            fit(table, path, **options)
        except error:
            pass
        faulty(-1)
        resumed += path.exists()
        assert ended(gone_on(table, path, **options)) == whole, at
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    return events, resumed


@pytest.mark.parametrize("name", first(["gd", "early stopping"], RUNS))
def test_a_run_killed_at_any_event_ends_as_one_that_was_not(name, tmp_path, faulty):
    events, resumed = killed_everywhere(TABLE, tmp_path, faulty, RUNS[name])
    assert events >= 10
    assert resumed > events / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", first(["averaged blocks"], FILES))
def test_so_does_a_run_over_files(name, file, tmp_path, faulty):
    events, resumed = killed_everywhere(file, tmp_path, faulty, FILES[name])
    assert resumed > events / 2


@pytest.mark.parametrize("name", first(["averaged-sgd"], ["newton", "early stopping"]))
def test_so_does_one_interrupted_by_ctrl_c_at_any_event(name, tmp_path, faulty):
    killed_everywhere(TABLE, tmp_path, faulty, RUNS[name], KeyboardInterrupt)


WATCHED = ("loop.py", "course.py")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gd, validated", "early stopping"])
def test_so_does_one_interrupted_by_ctrl_c_at_any_line(name, tmp_path):
    """Ctrl-C strikes between two lines of the loop as well, when half of an evaluation is noted."""
    whole = ended(fit(TABLE, tmp_path / "whole.ckpt", **RUNS[name]))

    def interrupted(at, path):
        faults = Faults(at, KeyboardInterrupt)

        def trace(frame, event, _):
            if os.path.basename(frame.f_code.co_filename) not in WATCHED:
                return None
            if event == "line":
                faults.event()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            fit(TABLE, path, **RUNS[name])
        except KeyboardInterrupt:
            pass  # outside the descent
        finally:
            sys.settrace(before)
        return faults.seen

    lines = interrupted(-1, tmp_path / "0.ckpt")
    for at in range(lines // 2, lines // 2 + 100):  # an evaluation and a step in all
        path = Path(tmp_path / f"{at}.ckpt")
        interrupted(at, path)
        assert ended(gone_on(TABLE, path, **RUNS[name])) == whole, at


@pytest.mark.parametrize("name", RUNS)
def test_a_run_stopped_by_a_callback_or_by_time_goes_on(name, tmp_path):
    whole = ended(fit(TABLE, tmp_path / "whole.ckpt", **RUNS[name]))
    path = tmp_path / "c.ckpt"
    for _ in range(3):
        stopped = fit(TABLE, path, **RUNS[name], callbacks=[lambda *_: "stop"], resume=path.exists())
        assert stopped.status in ("callback", whole[2])
    for _ in range(3):
        stopped = fit(TABLE, path, **RUNS[name], max_seconds=1e-9, resume=True)
        assert stopped.status in ("max_seconds", whole[2])
    assert ended(fit(TABLE, path, **RUNS[name], resume=True)) == whole


@pytest.mark.parametrize("name", [name for name in RUNS if "Huber" not in name])  # its scale is fitted anew
def test_a_run_that_has_ended_returns_the_same_at_once(name, tmp_path, monkeypatch):
    path = tmp_path / "c.ckpt"
    whole = ended(fit(TABLE, path, **RUNS[name]))
    monkeypatch.setattr(loop, "_next", None)  # no step is taken
    assert ended(fit(TABLE, path, **RUNS[name], resume=True)) == whole
    assert ended(fit(TABLE, path, **RUNS[name], resume=True)) == whole


@pytest.mark.parametrize("name", [name for name in RUNS if name not in ("ridge", "cg", "newton")])
def test_a_run_that_goes_on_for_longer_ends_as_the_longer_run(name, tmp_path):
    path, limit = tmp_path / "c.ckpt", "epochs" if "epochs" in RUNS[name] else "max_iter"
    longer = RUNS[name] | {limit: RUNS[name][limit] + 3, "tol": 1e-12}
    fit(TABLE, path, **RUNS[name] | {limit: 2})
    assert ended(fit(TABLE, path, **longer, resume=True)) == ended(fit(TABLE, tmp_path / "whole.ckpt", **longer))
