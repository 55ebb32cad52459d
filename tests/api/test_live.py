"""The line of a descent on a terminal and elsewhere: when it is written, and that it goes away."""

import io
import re
import sys
import warnings
from contextlib import redirect_stderr
from dataclasses import replace

import numpy as np
import pytest

import regress
from regress.api.live import Live
from regress.report.live import Totals
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State

TOTALS = Totals(epochs=10, rows=100)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(params=[Terminal, io.StringIO], ids=["terminal", "pipe"])
def stream(request):
    return request.param()


def play(stream, seconds, per_epoch=1.0):
    """Show a descent whose steps are at the times of a fake clock, and its end."""
    with redirect_stderr(stream):
        _play(Live(TOTALS), seconds, per_epoch)


def _play(live, seconds, per_epoch):
    course = Course()
    for at in seconds:
        epoch = int(at / per_epoch)
        if course.history.last is None or epoch > course.history.last.epoch:
            row = Iteration(epoch, epoch, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, 0.25, at)
            course = replace(course, history=course.history.after(row))
        live(State(np.zeros(1), 0.0, position=int(100 * at / per_epoch), iteration=epoch), course, at, False)
    live(State(np.zeros(1), 0.0), course, seconds[-1], True)
    live.close()


def test_a_terminal_shows_one_line_that_goes_away(stream):
    play(stream, np.arange(0.0, 10.0, 1 / 64).tolist())
    text = stream.getvalue()
    if isinstance(stream, Terminal):
        shown = text.split("\r")
        assert "\n" not in text
        assert shown[0] == ""
        assert shown[-1] == "\x1b[K"
        assert all(line.endswith("\x1b[K") for line in shown[1:])
        assert 80 < len(shown) < 92  # ten a second, from the first second on
        lefts = [int(re.search(r"(\d+) s left", line)[1]) for line in shown[1:-1]]
        assert lefts[0] == 9
        assert sorted(lefts, reverse=True) == lefts
        assert "epoch 1 of 10" in shown[1]
    else:
        lines = text.splitlines()
        assert [line.split(",")[0] for line in lines] == [f"epoch {k} of 10" for k in range(1, 10)]
        assert "\x1b" not in text
        assert "\r" not in text


def test_lines_elsewhere_are_at_least_a_second_apart_and_the_last_is_shown(stream):
    if isinstance(stream, Terminal):
        return
    play(stream, np.arange(0.0, 3.5, 1 / 64).tolist(), per_epoch=0.25)
    epochs = [int(re.match(r"epoch (\d+)", line)[1]) for line in stream.getvalue().splitlines()]
    assert epochs == [4, 8, 12, 13]


def test_nothing_is_drawn_in_the_first_second_on_a_terminal(stream):
    play(stream, [0.0, 0.5, 0.99])
    assert stream.getvalue().count("\n") == (0 if isinstance(stream, Terminal) else 1)
    assert isinstance(stream, Terminal) == (stream.getvalue() == "")


def test_a_line_that_nobody_reads_does_not_stop_training(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        fit = regress.fit(np.eye(5)[:, :2], np.arange(5.0), solver="sgd", epochs=2, verbose=1)
    assert fit.status == "epochs"


def test_verbose_writes_a_line_and_changes_no_bit(capsys):
    X, y = np.random.default_rng(0).normal(size=(50, 2)), np.arange(50.0)
    quiet, watched = (
        regress.fit(X, y, solver="averaged-sgd", epochs=3, batch_size=8, tol=0.9, verbose=v) for v in (0, 1)
    )
    out, err = capsys.readouterr()
    assert quiet.w.tobytes() == watched.w.tobytes()
    assert out == ""
    assert re.fullmatch(r"epoch \d of 3, loss \S+, \S+ above the minimum, ‖∇L‖ \S+, learning rate \S+\n", err)
    assert regress.fit(X, y, verbose=1).solver == "direct"  # no descent, no line
    assert capsys.readouterr().err == ""


def test_an_error_takes_the_line_off_the_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("regress.api.live._QUIET", 0.0)

    def rate(t):
        return 0.01 if t < 3 else -1.0

    with pytest.raises(regress.InputError):
        regress.fit(np.eye(5)[:, :2], np.arange(5.0), solver="sgd", learning_rate=rate, epochs=9, verbose=1)
    assert stream.getvalue().startswith("\repoch 0 of 9")
    assert stream.getvalue().endswith("\r\x1b[K")
