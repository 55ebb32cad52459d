"""Every way out of a descent: its status, its result, and the best weights where validation watches."""

import re
import time
import warnings
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.aggregates.collect import collect_rows
from regress.aggregates.held_out import HeldOut
from regress.blocks import Block, blocks_of
from regress.errors import ConvergenceWarning
from regress.objective import batches
from regress.options import TrainOptions
from regress.solvers.batch_steps import Sgd
from regress.solvers.loop import StopRule, Watch, descend
from regress.solvers.running import Running
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import GradientDescent
from regress.solvers.train import Regression
from tests.command import run
from tests.examples import examples

random = np.random.default_rng(41)
M = 64
X = random.normal(size=(M, 3))
y = X @ [1.0, -2.0, 0.5] + 1.0 + 0.5 * random.normal(size=M)
V = random.normal(size=(20, 3))
v = V @ [1.0, -2.0, 0.5] + 1.0 + 0.5 * random.normal(size=20)


def objective():
    data = collect_rows(blocks_of(X, y[:, None]), "rows")
    return Regression(data, TrainOptions(), ["a", "b", "c"]).objective()


def stopping(losses, min_delta=0.0, patience=3, **options):
    """Descend while the loss on validation rows takes these values, whatever the state."""
    coming, seen = iter(losses), []
    watch = Watch(validation=lambda w, b: next(coming), callbacks=[lambda state, row: seen.append((state, row))])
    state = State(np.zeros(3), 0.0, {"rate": 1e-4})
    stop = StopRule(tol=1e-300, max_iter=len(losses) - 1, patience=patience, min_delta=min_delta, **options)
    return descend(objective(), GradientDescent(), state, stop, watch=watch), seen


def reference(losses, patience, min_delta):
    """Return the number of the last evaluation and of the best one: Keras's rule, from the first evaluation on."""
    best, at, waited = inf, 0, 0
    for k, loss in enumerate(losses):
        waited += 1
        if k == 0 or loss < best - min_delta:
            best, at, waited = loss, k, 0
        if waited >= patience:
            return k, at, True
    return len(losses) - 1, at, False


@settings(deadline=None, max_examples=examples(80), derandomize=True)
@given(
    st.lists(st.integers(0, 6).map(float), min_size=2, max_size=15),
    st.integers(1, 4),
    st.sampled_from([0.0, 1.0, 2.5]),
)
def test_patience_and_min_delta_are_those_of_the_rule_written_out(losses, patience, min_delta):
    last, best, stopped = reference(losses, patience, min_delta)
    ended, seen = stopping(losses, min_delta, patience)
    assert ended.status is (Status.EARLY_STOPPING if stopped else Status.MAX_ITER)
    assert [row.iteration for _, row in seen] == list(range(last + 1))
    assert [row.val_loss for row in ended.history] == losses[: last + 1]
    assert ended.state is seen[best][0]
    assert ended.evaluation.value == objective()(ended.state.w, ended.state.b).value


@pytest.mark.parametrize("bad", [np.nan, inf])
def test_a_loss_that_is_no_number_is_never_the_best(bad):
    ended, seen = stopping([3.0, 2.0, bad, bad, 2.5, 2.0])
    assert ended.status is Status.EARLY_STOPPING
    assert ended.state is seen[1][0]
    ended, seen = stopping([bad, bad, bad, bad, bad], patience=9)
    assert ended.status is Status.MAX_ITER
    assert ended.state is seen[-1][0]


def training(callbacks=(), patience=None, held=None, min_delta=0.0, max_seconds=inf, weights=None, **options):
    data = collect_rows(blocks_of(X, y[:, None], weights), "rows", precision="exact")
    early = None if patience is None else {"patience": patience, "min_delta": min_delta}
    running = Running(
        descends=True, held_out=held, callbacks=callbacks, early_stopping=early, max_seconds=max_seconds, seed=1
    )
    return Regression(data, TrainOptions(**options), ["a", "b", "c"], running=running).train()


def held_out():
    return HeldOut(len(v), rows=(Block(V, v[:, None]),))


FAST = {"solver": "sgd", "learning_rate": 0.3, "batch_size": 4, "epochs": 40}


def losses_of(history):
    return [row.val_loss for row in history]


def is_best(got):
    """Tell whether the result has the lowest loss on the validation rows that its history shows."""
    error = V @ got.w + got.b - v
    return float(error @ error) == pytest.approx(min(losses_of(got.history)), rel=1e-12)


class Counting:
    """Does something at the evaluation of a number."""

    def __init__(self, at, act):
        self.at, self.act, self.seen = at, act, 0

    def __call__(self, state, row):
        self.seen += 1
        return self.act() if self.seen == self.at else None


def interrupt():
    raise KeyboardInterrupt


def fail():
    raise ZeroDivisionError("at once")


WAYS = {
    "patience": ({}, {"patience": 3}, Status.EARLY_STOPPING),
    "epochs": ({}, {"epochs": 4}, Status.EPOCHS),
    "stop": ({"callbacks": [Counting(5, lambda: "stop")]}, {}, Status.CALLBACK),
    "error": ({"callbacks": [Counting(5, fail)]}, {}, Status.CALLBACK_ERROR),
    "Ctrl-C": ({"callbacks": [Counting(5, interrupt)]}, {}, Status.INTERRUPTED),
    "no time": ({"max_seconds": 1e-9}, {}, Status.MAX_SECONDS),
}


@pytest.mark.parametrize("solver", ["sgd", "averaged-sgd", "gd"])
@pytest.mark.parametrize("way", WAYS)
def test_the_best_weights_come_back_on_every_way_out(way, solver):
    running, options, status = WAYS[way]
    for callback in running.get("callbacks", ()):
        callback.seen = 0
    given = {"patience": 50, "held": held_out(), **FAST, "solver": solver, **running, **options}
    if solver == "gd":
        given = {k: n for k, n in given.items() if k not in ("batch_size", "epochs")} | {"learning_rate": 0.001}
        if way == "epochs":
            given["max_iter"], status = 4, Status.MAX_ITER
        if way == "patience":
            given["learning_rate"], status = 0.3, None
    got = training(**given)
    assert status is None or got.status is status
    assert is_best(got)
    if status is Status.CALLBACK_ERROR:
        assert isinstance(got.error, ZeroDivisionError)
    else:
        assert got.error is None
    if status in (Status.CALLBACK, Status.CALLBACK_ERROR, Status.INTERRUPTED):
        assert len(got.history) == 5


@pytest.mark.parametrize("way", ["stop", "error", "Ctrl-C", "epochs"])
def test_without_early_stopping_the_last_weights_come_back(way):
    running, options, status = WAYS[way]
    for callback in running.get("callbacks", ()):
        callback.seen = 0
    got = training(**{"held": held_out(), **FAST, **running, **options})
    assert got.status is status
    error = V @ got.w + got.b - v
    assert float(error @ error) == pytest.approx(got.history[-1].val_loss, rel=1e-12)


class Interrupted(Sgd):
    """Ctrl-C at an update in the middle of a chunk."""

    seen = 0

    def update(self, point, slope, rate, memory):
        type(self).seen += 1
        if type(self).seen == 53:
            raise KeyboardInterrupt
        super().update(point, slope, rate, memory)


def test_an_interrupt_within_a_chunk_gives_back_what_was_complete():
    Interrupted.seen = 0
    solver = Interrupted(0.3)
    got = training(solver=solver, batch_size=4, epochs=40)
    want = training(solver="sgd", learning_rate=0.3, batch_size=4, epochs=3)
    assert got.status is Status.INTERRUPTED
    assert [row.epoch for row in got.history] == [0, 1, 2, 3]
    assert (got.w.tolist(), got.b) == (want.w.tolist(), want.b)
    Interrupted.seen = 0
    best = training(solver=solver, batch_size=4, epochs=40, patience=30, held=held_out())
    assert is_best(best)


def test_an_interrupt_between_two_chunks_of_an_epoch_gives_back_where_it_was(monkeypatch):
    monkeypatch.setattr(batches, "_CHUNK", 3 * 4 * 2)  # two batches of four rows
    Interrupted.seen = 0
    got = training(solver=Interrupted(0.3), batch_size=4, epochs=40)
    assert got.status is Status.INTERRUPTED
    assert [(row.epoch, row.iteration) for row in got.history] == [(0, 0), (1, 16), (2, 32), (3, 48), (3, 52)]
    error = X @ got.w + got.b - y
    assert got.loss == pytest.approx(float(error @ error), rel=1e-12)
    assert got.loss == pytest.approx(got.history[-1].loss, rel=1e-12)


def test_a_time_limit_ends_within_an_epoch(monkeypatch):
    monkeypatch.setattr(batches, "_CHUNK", 3 * 4)
    now, ticks = time.perf_counter(), iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: now + next(ticks))  # each look at the clock takes a second
    got = training(solver="sgd", batch_size=4, epochs=40, max_seconds=40.0)
    assert got.status is Status.MAX_SECONDS
    assert got.history[-1].iteration % 16
    assert got.loss == pytest.approx(got.history[-1].loss, rel=1e-12)


def test_a_callback_that_stops_at_once_gives_back_the_start():
    got = training(callbacks=[lambda state, row: "stop"], **FAST)
    assert (got.status, got.w.tolist(), len(got.history)) == (Status.CALLBACK, [0.0] * 3, 1)


def test_every_callback_is_called_though_one_stops():
    seen = []
    got = training(callbacks=[lambda state, row: "stop", lambda state, row: seen.append(row)], **FAST)
    assert got.status is Status.CALLBACK
    assert len(seen) == 1


@pytest.mark.parametrize("returned", [None, True, 0, "Stop", "go on"])
def test_only_the_word_stops(returned):
    assert training(callbacks=[lambda state, row: returned], **{**FAST, "epochs": 2}).status is Status.EPOCHS


HUGE = {
    "columns of 1e150": (X * 1e150, y),
    "a column of 1e160": (X * [1.0, 1e150, 1.0], y * 1e3),
    "columns of 1e-140": (X * 1e-140, y),
    "a target of 1e150": (X, y * 1e150),
    "a target of 1e-140": (X, y * 1e-140),
}


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("rate", ["auto", lambda t: 1e3, lambda t: 1e250])
@pytest.mark.parametrize("solver", ["sgd", "averaged-sgd", "adam"])
@pytest.mark.parametrize("size", HUGE)
def test_no_size_of_the_columns_gives_coefficients_that_are_no_numbers(size, solver, rate, standardize):
    table, target = HUGE[size]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = dict(solver=solver, learning_rate=rate, epochs=5, batch_size=8, standardize=standardize)
        fit = regress.fit(table, target, **options)
    assert np.isfinite([*fit.w, fit.b]).all()
    assert fit.status in ("epochs", "diverged", "non_finite", "converged")
    if rate != "auto" and solver != "adam" and standardize:
        assert fit.status in ("diverged", "non_finite")
        assert fit.loss <= fit.record.outcome.history[0].loss * (1 + 1e-12)
    if rate == "auto" and standardize:
        assert fit.status == "epochs"


def test_a_step_that_is_too_far_for_a_square_ends_the_descent():
    """Its loss is finite, and its gradient 1e290 times that at zero."""
    with pytest.warns(ConvergenceWarning):
        fit = regress.fit(X, y * 1e-140, solver="sgd", batch_size=M, learning_rate=lambda t: 1e290)
    assert (fit.status, fit.n_iter) == ("diverged", 1)
    assert fit.w.tolist() == [0.0] * 3


FRAME = {"x": X[:, 0].tolist(), "z": X[:, 1].tolist(), "y": y.tolist()}


@pytest.mark.parametrize("size", [0.2, 0.4])
@pytest.mark.parametrize("solver", ["gd", "cg", "newton", "sgd"])
def test_rows_that_are_held_out_are_watched(size, solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = regress.fit(FRAME, "y", test_size=size, early_stopping=3, solver=solver)
    assert fit.tally.held_out == round(size * M)
    at_zero = fit.record.outcome.history[0].val_loss / fit.tally.held_out
    assert 0.2 < at_zero / np.var(y) < 5.0  # at w = 0 the loss is that of the mean of the training rows
    assert losses_of(fit.record.outcome.history).count(None) == 0


def warned(**options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = regress.fit(FRAME, "y", **options)
    return fit, [w for w in said if w.category is ConvergenceWarning]


ENDS = {
    "converged": ({"solver": "cg"}, False),
    "early_stopping": (
        {"solver": "sgd", "early_stopping": 2, "test_size": 0.3, "learning_rate": 0.3, "batch_size": 4},
        False,
    ),
    "epochs": ({"solver": "sgd", "epochs": 2}, True),
    "max_iter": ({"solver": "gd", "max_iter": 2}, True),
    "max_seconds": ({"solver": "sgd", "max_seconds": 1e-9}, True),
    "callback": ({"solver": "sgd", "callbacks": lambda state, row: "stop"}, True),
    "callback_error": ({"solver": "sgd", "callbacks": lambda state, row: 1 / 0}, True),
    "interrupted": ({"solver": "sgd", "callbacks": lambda state, row: interrupt()}, True),
    "diverged": ({"solver": "sgd", "learning_rate": lambda t: 50.0}, True),
    "non_finite": ({"solver": "sgd", "learning_rate": lambda t: 1e200}, True),
}


@pytest.mark.parametrize("status", ENDS)
def test_the_summary_says_how_it_ended(status):
    options, warns = ENDS[status]
    fit, said = warned(**options)
    assert fit.status == status
    assert bool(said) == warns
    assert (Status(status).message in fit.summary()) == (not Status(status).as_asked)
    assert ("stopped early" in fit.summary()) == (status == "early_stopping")
    assert np.isfinite([*fit.w, fit.b]).all()


def test_the_warning_names_the_error_of_a_callback():
    _, said = warned(solver="sgd", callbacks=lambda state, row: 1 / 0)
    assert re.search(
        r"The callback raised ZeroDivisionError in \S+, line \d+: division by zero\. ", str(said[0].message)
    )


@pytest.fixture
def path(write):
    lines = [f"{a!r},{b!r},{c!r}" for a, b, c in zip(*FRAME.values(), strict=True)]
    return write("\n".join(["x,z,y", *lines]) + "\n")


SGD = ["--solver", "sgd", "--batch-size", 4]
CODES = {
    "converged": (["--solver", "cg"], 0),
    "early_stopping": (["--early-stopping", 2, "--test-size", 0.3, *SGD, "--learning-rate", 0.3], 0),
    "epochs": ([*SGD, "--epochs", 2], 3),
    "max_iter": (["--solver", "gd", "--max-iter", 2], 3),
    "max_seconds": ([*SGD, "--max-seconds", 1e-9], 3),
}


@pytest.mark.parametrize("status", CODES)
def test_the_command_line_exits_with_its_code(path, status):
    flags, code = CODES[status]
    ended, out, err = run("fit", path, "--target", "y", *flags)
    assert ended == code, err
    assert (Status(status).message in out) == (not Status(status).as_asked)
    assert ("stopped early" in out) == (status == "early_stopping")


def test_ctrl_c_exits_with_130(path, monkeypatch):
    def interrupted(self, objective, state):
        raise KeyboardInterrupt

    monkeypatch.setattr(Sgd, "step", interrupted)
    code, out, _ = run("fit", path, "--target", "y", "--solver", "sgd")
    assert code == 130
    assert Status.INTERRUPTED.message in out
