"""Results on a terminal: colors and bars there, plain text elsewhere, and nothing that a name could command."""

import io
import os
import re
import threading
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest

import regress
from regress.cli.console import show_comparison
from regress.cli.main import main
from regress.messages import visible
from regress.records import ComparisonRecord
from regress.report.terminal import BARS, Span, far_below, fit_lines, judged
from tests.command import run
from tests.report.situations import DATA, SITUATIONS, fitted, with_outcome

PENGUINS = str(DATA / "penguins.csv")
FIT = ["fit", PENGUINS, "--target", "body_mass_g", "--missing", "drop"]
STYLE = re.compile(r"\x1b\[(?:0|1|2|31|32|33)m")
EVIL = "\x1b]0;x\x07\x1b[31m\u202e\n"


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that runs a command on a pseudo-terminal, and returns what that receives."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def on_terminal(arguments, width=120, encoding="utf-8", **environment):
        for name, value in {"COLUMNS": str(width), **environment}.items():
            monkeypatch.setenv(name, value)
        ours, theirs = os.openpty()
        received = []

        def read():
            with os.fdopen(ours, "rb", 0) as file:
                while True:
                    try:
                        received.append(file.read(65536) or b"")
                    except OSError:  # the other end is closed
                        return

        reader = threading.Thread(target=read)
        reader.start()
        with io.TextIOWrapper(os.fdopen(theirs, "wb", 0), encoding, "backslashreplace") as out, redirect_stdout(out):
            with pytest.raises(SystemExit):
                main([str(a) for a in arguments])
            assert os.isatty(out.fileno())
        reader.join()
        return b"".join(received).decode(encoding).replace("\r\n", "\n")

    return on_terminal


def without_styles(text):
    return STYLE.sub("", text)


def without_bars(text):
    lines = [re.sub(rf" *[{''.join(BARS)}][ {''.join(BARS)}]*$", "", line) for line in text.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("Bars: ")) + "\n"


@pytest.fixture(scope="module")
def piped():
    """What a pipe gets: the text that Python returns."""
    return f"{regress.fit(PENGUINS, 'body_mass_g', missing='drop').summary()}\n"


def test_a_pipe_gets_plain_text(piped, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert run(*FIT) == (0, piped, "")
    assert "\x1b" not in piped
    assert not set(BARS) & set(piped)


def test_a_pipe_gets_colors_if_they_are_forced(piped, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, text, _ = run(*FIT)
    assert STYLE.search(text)
    assert without_styles(text) == piped  # a pipe has no width for bars


def test_a_terminal_gets_styles_and_bars(terminal, piped):
    text = terminal(FIT)
    assert text.startswith("\x1b[1mLinear regression of body_mass_g on 9 columns (penguins.csv)\x1b[0m\n")
    assert "\x1b[1mR² 0.8768, adjusted R² 0.8734\x1b[0m\n" in text
    assert without_bars(without_styles(text)) == piped
    assert "\x1b" not in without_styles(text)
    assert "●" in text


@pytest.mark.parametrize(("room", "bars"), [(100, True), (19, True), (18, False), (0, False), (-40, False)])
def test_no_line_of_the_table_is_wider_than_the_terminal_because_of_bars(terminal, piped, room, bars):
    width = room + max(len(line) for line in piped.splitlines() if "std_err" in line)
    text = without_styles(terminal(FIT, width))
    assert ("●" in text) == bars
    assert without_bars(text) == piped
    assert all(len(line) < width for line in text.splitlines() if set(line) & set(BARS))


def test_letters_of_two_cells_leave_less_room_for_bars():
    X = np.random.default_rng(0).normal(size=(40, 2))
    rows = {"身長と体重": X[:, 0], "y": X.sum(axis=1)}
    record = regress.fit(rows, "y").record

    def text(width):
        return ["".join(span.text for span in line) for line in fit_lines(record, False, width)]

    wide = max(len(line) for line in text(0) if "std_err" in line)
    assert {room for room in range(15, 35) if "●" in "".join(text(wide + room))} == set(range(19 + 5, 35))


def test_no_color_leaves_the_bars(terminal, piped):
    text = terminal(FIT, NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b" not in text
    assert "●" in text
    assert without_bars(text) == piped
    assert "\x1b" in terminal(FIT, NO_COLOR="", FORCE_COLOR="")  # empty is as good as not set


def test_without_their_characters_there_are_no_bars(terminal, piped):
    text = terminal(FIT, encoding="ascii")
    assert STYLE.search(text)
    assert without_styles(text) == piped.encode("ascii", "backslashreplace").decode()


def test_a_dumb_terminal_gets_plain_text(terminal, piped):
    assert terminal(FIT, TERM="dumb") == piped


def test_names_command_nothing(terminal, tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{EVIL}": random.normal(size=40), f"k{EVIL}": [f"{EVIL}{k % 2}" for k in range(40)]})
    frame[f"y{EVIL}"] = frame[f"x{EVIL}"] + random.normal(size=40)
    frame.to_parquet(tmp_path / "t.parquet")
    regress.fit(frame, f"y{EVIL}").save(tmp_path / "m.json")
    commands = [
        ["fit", tmp_path / "t.parquet", "--target", f"y{EVIL}"],
        ["relevel", tmp_path / "m.json", f"k{EVIL}={EVIL}1"],
        ["certify", tmp_path / "m.json", tmp_path / "t.parquet"],
        ["verify", tmp_path / "m.json", tmp_path / "t.parquet"],
    ]
    for command in commands:
        text = terminal(command, width=300)
        rest = without_styles(text)
        assert rest != text, command
        assert all(c == "\n" or c.isprintable() for c in rest), command
    assert visible(f"x{EVIL}") in terminal(commands[0], width=300)


GOOD, BAD = "\x1b[32m\x1b[1m", "\x1b[31m\x1b[1m"


def test_verdicts_have_their_color(terminal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=40), "z": random.normal(size=40)})
    frame["y"] = frame.x + random.normal(size=40)
    frame.to_csv("t.csv", index=False)
    frame[1:].to_csv("other.csv", index=False)
    regress.fit("t.csv", "y").save("m.json")
    (tmp_path / "wrong.json").write_text('{"coef": {"x": 2.0, "z": 1.0}, "intercept": 0.0}')
    assert f"\n{GOOD}Certified: " in terminal(["certify", "m.json", "t.csv"])
    assert f"\n{BAD}Not certified: " in terminal(["certify", "wrong.json", "t.csv", "--target", "y"])
    assert terminal(["verify", "m.json", "t.csv"]).startswith(f"{GOOD}The model was fitted")
    assert terminal(["verify", "m.json", "other.csv"]).startswith(f"{BAD}The model was not fitted")


@pytest.mark.parametrize(("agree", "color"), [(True, GOOD), (False, BAD)])
def test_the_verdict_of_a_comparison_has_its_color(capsys, monkeypatch, agree, color):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    known = {"source": "t", "read_as": "", "target": "y", "rows": "9 rows", "names": ("x",), "fit_intercept": True}
    show_comparison(
        ComparisonRecord(
            **known,
            digits_asked=6.0,
            metrics=(),
            folds="",
            agree=agree,
            disagree=(),
            verdict=("Tool is", "Other"),
            fits=(),
        )
    )
    assert capsys.readouterr().out.endswith(f"\n{color}Tool is\x1b[0m\nOther\n")


def styles(fit, width=0):
    """Return the style of each text of a fit."""
    return {span.text: span.style for line in fit_lines(fit.record, False, width) for span in line}


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("width", [0, 200])
def test_the_text_is_that_of_the_summary(name, width):
    lines = fit_lines(fitted(name).record, True, width)
    text = "\n".join("".join(span.text for span in line) for line in lines)
    assert without_bars(text) == f"{fitted(name).summary(vif=True)}\n"
    assert width or not set(BARS) & set(text)


def test_what_to_look_at_is_in_the_color_of_warnings():
    stopped = styles(fitted("not converged"))
    assert stopped["No standard errors: Training did not converge."] == "warning"
    assert stopped["not converged"] == stopped["Note:"] == "warning"
    assert next(style for text, style in stopped.items() if text.startswith("Stopped before")) == "warning"
    assert next(style for text, style in stopped.items() if text.startswith("Not verified")) == "warning"
    assert "warning" not in styles(fitted("plain")).values()
    early = styles(with_outcome(fitted("gd"), trained={"status": "early_stopping"}))
    assert next(style for text, style in early.items() if text.startswith("Stopped early")) == "dim"


@pytest.mark.parametrize(
    ("r2", "r2_test", "warned"),
    [(0.9, 0.85, False), (0.9, 0.79, True), (0.05, -0.01, True), (None, 0.5, False), (0.9, None, False)],
)
def test_a_low_r2_on_held_out_rows_is_a_warning(r2, r2_test, warned):
    fit = with_outcome(fitted("held out"), r2=r2, r2_test=r2_test)
    assert far_below(fit.record.outcome) == warned
    shown = [style for text, style in styles(fit).items() if text.startswith(", R² on held-out rows")]
    assert shown == ["warning" if warned else "strong"]


def bars(fit, width=200):
    """Return the bar of each coefficient as the cells of its ends, its middle and zero."""
    axis = {}
    for line in fit_lines(fit.record, False, width):
        text = "".join(span.text for span in line)
        if not text.startswith("Bars: ") and set(text) & set(BARS):
            axis[text.split()[0]] = text
    zero = axis["(intercept)"].index("│")
    return {n: (t.find("├"), t.index("●"), t.find("┤"), zero) for n, t in axis.items() if "●" in t}


def test_bars_are_to_scale():
    """Cells are linear in w·sd(x)/sd(y), computed here from the rows, and intervals of t."""
    (X, y), _ = SITUATIONS["plain"]
    fit = fitted("plain")
    unit = X.std(axis=0) / y.std()
    ends = fit.conf_int().to_numpy()[1:] * unit[:, None]
    low, high = min(0.0, ends.min()), max(0.0, ends.max())
    for (left, dot, right, zero), (start, end), w, of in zip(bars(fit).values(), ends, fit.w, unit, strict=True):
        for cell, value in ((left, start), (dot, w * of), (right, end)):
            if cell >= 0:
                assert abs((cell - zero) / 39.0 - value / (high - low)) < 1.01 / 39.0
    lines = ["".join(span.text for span in line) for line in fit_lines(fit.record, False, 200)]
    scale = next(line for line in lines if line.startswith("Bars: "))
    assert scale == f"Bars: standardized coefficients, 95 % intervals, {low:.2g} to {high:.2g}; │ is 0."


def test_an_interval_without_zero_does_not_touch_it():
    fit = regress.fit(PENGUINS, "body_mass_g", missing="drop")
    line = fit.record.coefficients[-1]
    end = line.ci_high * line.standardized / line.coef
    assert -0.01 < end < 0.0  # less than half a cell
    left, dot, right, zero = bars(fit)["year"]
    assert left < dot < right == zero - 1


def test_a_verdict_is_one_line():
    lines = judged(["a", "b"], -1, good=False)
    assert lines == [[Span("a")], [Span("b", "bad")]]
