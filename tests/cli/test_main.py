"""The command line as a user meets it: what it prints, where, and with which exit code."""

import csv
import fcntl
import json
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.aggregates.limits import NEVER
from regress.cli.main import cli, main
from regress.cli.options import GROUPS

DATA = Path(__file__).resolve().parents[2] / "data"
DIABETES = str(DATA / "diabetes.csv")
COMMAND = [sys.executable, "-m", "regress"]
BUFFERED = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # output that waits for the last flush


@pytest.fixture
def run(capfd):
    """Run the command line in this process; return exit code, standard output and standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return call


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    x = np.arange(60.0)
    frame = pl.DataFrame(
        {"x": x, "a,b": x**2, "kind": ["u", "v", "v"] * 20, "w": [1.0, 1.0, 2.0, 3.0] * 15, "y": 2 * x + 1}
    )
    frame.write_csv(path)
    return path


def test_formats_of_dates_are_given_for_all_columns_or_by_column(run, tmp_path):
    path = tmp_path / "t.csv"
    rows = [f'{k:02}/03/2024,"Mar {k * k % 13 + 1}, 2024",{k % 5}\n' for k in range(1, 20)]
    path.write_text("".join(["a,b,y\n", *rows]))
    fit = ("fit", path, "--target", "y")
    code, _, err = run(*fit, "--drop", "b")
    assert (code, "Pass --date-format %d/%m/%Y, or --drop a." in err) == (2, True)
    code, out, _ = run(*fit, "--drop", "b", "--date-format", "%d/%m/%Y")
    assert (code, "Column 'a' holds dates, read as days since 1970-01-01." in out) == (0, True)
    code, out, _ = run(*fit, "--date-format", "a=%d/%m/%Y", "--date-format", "b=%b %d, %Y", "--json")
    assert (code, list(json.loads(out)["coef"])) == (0, ["a", "b"])
    code, _, err = run(*fit, "--date-format", "%d/%m/%Y")
    assert (code, "Pass --date-format 'b=%b %d, %Y', or --drop b." in err) == (2, True)
    code, _, err = run(*fit, "--date-format", "%d/%m/%Y", "--date-format", "b=%b %d, %Y")
    assert (code, "takes one FORMAT" in err) == (2, True)
    code, _, err = run(*fit, "--date-format", "%d/%m")
    assert (code, "--date-format %d/%m cannot be used: it has no year" in err) == (2, True)


def test_fit_prints_coefficients_for_people(run):
    code, out, err = run("fit", DIABETES, "--target", "progression")
    assert (code, err) == (0, "")
    assert out.startswith("Linear regression of progression on 10 columns (diabetes.csv)\n442 rows\n")
    (bmi,) = re.findall(r"^bmi\s+(.*)$", out, re.MULTILINE)
    shown = dict(
        zip(("coef", "std_err", "t", "p_value", "ci_low", "ci_high"), bmi.replace("<", "").split(), strict=True)
    )
    expected = regress.fit(DIABETES, "progression").coefficients.loc["bmi"]
    for name, value in shown.items():
        assert float(value) == pytest.approx(expected[name], abs=0.005 if name == "t" else expected["std_err"] / 100.0)
    assert "R² 0.5177, adjusted R² 0.5066" in out
    assert "on 431 degrees of freedom" in out
    assert "Solved directly (exact)." in out
    assert "Verified: every coefficient is correct to full double precision." in out


def test_fit_prints_one_strict_json_object(run):
    code, out, err = run("fit", DIABETES, "--target", "progression", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    fit = regress.fit(DIABETES, "progression")
    assert told["version"] == 1
    assert told["coef"] == dict(zip(fit.names, fit.w.tolist(), strict=True))
    assert (told["intercept"], told["loss"], told["n_rows"]) == (fit.b, fit.loss, 442)
    assert (told["status"], told["r2_test"]) == ("converged", None)
    assert told["digits"] == {"coef": fit.digits, "intercept": fit.intercept_digits}
    assert (told["precision"], told["precision_reason"]) == ("exact", "by default")
    assert told["statistics"]["p_value"]["bmi"] == fit.coefficients["p_value"]["bmi"]


FLAGS = {
    "features": (["--features", "x"], {"features": ["x"]}),
    "a name with a comma": (["--features", '"a,b",x'], {"features": ["a,b", "x"]}),
    "a list repeated": (["--features", "x", "--features", '"a,b"'], {"features": ["x", "a,b"]}),
    "drop": (["--drop", "kind,w"], {"drop": ["kind", "w"]}),
    "weights": (["--weights", "w"], {"weights": "w"}),
    "categorical": (["--categorical", "w"], {"categorical": ["w"]}),
    "test and seed": (["--test-size", "0.3", "--random-state", "5"], {"test_size": 0.3, "random_state": 5}),
    "split key": (
        ["--test-size", "0.3", "--split-key", "x", "--features", "x"],
        {"test_size": 0.3, "split_key": "x", "features": ["x"]},
    ),
    "no intercept": (["--no-intercept"], {"fit_intercept": False}),
    "alpha": (["--alpha", "2.5"], {"alpha": 2.5}),
    "solver": (["--solver", "cg", "--tol", "1e-6"], {"solver": "cg", "tol": 1e-6}),
    "precision": (["--precision", "exact"], {"precision": "exact"}),
    "over": (["--over", "rows"], {"over": "rows"}),
    "gradient": (["--gradient", "autodiff"], {"gradient": "autodiff"}),
    "rate": (
        ["--solver", "gd", "--learning-rate", "0.1", "--tol", "1e-3", "--drop", "kind,w"],
        {"solver": "gd", "learning_rate": 0.1, "tol": 1e-3, "drop": ["kind", "w"]},
    ),
    "raw units": (
        ["--no-standardize", "--solver", "cg", "--features", "x"],
        {"standardize": False, "solver": "cg", "features": ["x"]},
    ),
    "threads": (["--n-jobs", "1"], {"n_jobs": 1}),
    "missing": (["--missing", "drop"], {"missing": "drop"}),
    "weight type": (["--weights", "w", "--weight-type", "frequency"], {"weights": "w", "weight_type": "frequency"}),
    "collinear": (["--collinear", "drop"], {"collinear": "drop"}),
    "standard errors": (["--cov-type", "HC1"], {"cov_type": "HC1"}),
    "loss": (
        ["--loss", "huber", "--epsilon", "1.5", "--huber-scale", "0.3"],
        {"loss": "huber", "epsilon": 1.5, "huber_scale": 0.3},
    ),
    "levels": (["--max-categories", "2"], {"max_categories": 2}),
}


def test_every_flag_of_fit_is_there_under_its_name():
    expected = """
        target formula features drop weights weight-type categorical ref max-categories as-written missing test-size
        split-key random-state no-intercept alpha collinear loss epsilon huber-scale cov-type level retransform
        solver gradient over no-standardize learning-rate max-iter tol precision n-jobs
        batch-size epochs schedule momentum nesterov no-shuffle shuffle-rows
        init validation early-stopping max-seconds monitor-every checkpoint checkpoint-every checkpoint-seconds resume
        cluster cluster-timeout
        delimiter decimal encoding quotechar header skip-lines comment escapechar on-bad-lines rejects max-bad-lines
        thousands na-values keep-na date-format
        save report descent points vif json
    """.split()
    flags = {flag for parameter in cli.commands["fit"].params for flag in parameter.opts if flag.startswith("-")}
    assert flags == {f"--{name}" for name in expected}


@pytest.mark.parametrize("case", FLAGS)
def test_each_flag_is_the_argument_of_its_name(run, table, case):
    flags, options = FLAGS[case]
    code, out, _ = run("fit", table, "--target", "y", *flags, "--json")
    fit = regress.fit(table, "y", **options)
    told = json.loads(out)
    assert code == 0
    assert told["coef"] == dict(zip(fit.names, fit.w.tolist(), strict=True))
    assert told["rows"]["held_out"] == fit.tally.held_out
    assert told["n_iter"] == fit.n_iter


UNUSABLE = {
    "no target": (["fit", "{t}"], "--target"),
    "wrong target": (["fit", "{t}", "--target", "Y"], "Nearest: 'y'"),
    "no table": (["fit"], "TABLE"),
    "no file": (["fit", "nowhere.csv", "--target", "y"], "nowhere.csv"),
    "unknown command": (["train"], "train"),
    "unknown flag": (["fit", "{t}", "--target", "y", "--fast"], "--fast"),
    "unknown solver": (["fit", "{t}", "--target", "y", "--solver", "lbfgs"], "lbfgs"),
    "text target": (["fit", "{t}", "--target", "kind"], "text"),
    "rate without its solver": (
        ["fit", "{t}", "--target", "y", "--learning-rate", "1"],
        "--learning-rate needs --solver gd",
    ),
    "rate that is no number": (["fit", "{t}", "--target", "y", "--solver", "gd", "--learning-rate", "big"], "big"),
    "rate too high": (["fit", "{t}", "--target", "y", "--solver", "gd", "--learning-rate", "9"], "stability limit"),
    "model that is none": (["predict", "{t}", "{t}"], "not a model"),
    "compare without target": (["compare", "{t}"], "--target"),
    "folder that is not there": (["fit", "{t}", "--target", "y", "--save", "nowhere/m.json"], "nowhere"),
    "no convergence, and nowhere to save": (
        ["fit", "{t}", "--target", "y", "--solver", "gd", "--max-iter", "1", "--save", "nowhere/m.json"],
        "nowhere",
    ),
    "no command": ([], "Missing command"),
    "flag without value": (["fit", "{t}", "--target"], "--target"),
    "wrong feature": (["fit", "{t}", "--target", "y", "--features", "x,kinds"], "Nearest: 'kind'"),
    "wrong column to drop": (["fit", "{t}", "--target", "y", "--drop", "X"], "Nearest: 'x'"),
    "wrong weights": (["compare", "{t}", "--target", "y", "--weights", "W"], "Nearest: 'w'"),
    "wrong key": (["fit", "{t}", "--target", "y", "--test-size", "0.2", "--split-key", "kin"], "Nearest: 'kind'"),
    "empty list": (["fit", "{t}", "--target", "y", "--features", ""], "--features"),
    "list with a gap": (["fit", "{t}", "--target", "y", "--features", "x,,w"], "--features"),
    "quote that stays open": (["fit", "{t}", "--target", "y", "--drop", '"a,b'], "--drop"),
    "two records": (["fit", "{t}", "--target", "y", "--drop", "kind\nw"], "--drop"),
    "too many levels": (["fit", "{t}", "--target", "y", "--max-categories", "1"], "--max-categories"),
    "penalty below 0": (["fit", "{t}", "--target", "y", "--alpha", "-1"], "alpha"),
    "all rows held out": (["fit", "{t}", "--target", "y", "--test-size", "1"], "test"),
    "seed that is no number": (["check", "{t}", "--target", "y", "--random-state", "x"], "--random-state"),
    "model that is not there": (["predict", "nowhere.json", "{t}"], "nowhere.json"),
    "wrong column to inspect": (["inspect", "{t}", "--target", "Y"], "Nearest: 'y'"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_be_used_exits_2_with_a_sentence_and_nothing_else(run, table, case):
    arguments, word = UNUSABLE[case]
    code, out, err = run(*(a.format(t=table) for a in arguments))
    assert (code, out) == (2, "")
    assert word in err
    assert re.fullmatch(r"(Note: [^\n]*\n)*Error: [^\n]*\n", err)


def test_a_fit_that_does_not_converge_is_printed_and_saved_and_exits_3(run, tmp_path):
    model = tmp_path / "m.json"
    code, out, _ = run("fit", DIABETES, "--target", "progression", "--solver", "gd", "--max-iter", "5", "--save", model)
    assert code == 3
    assert "Stopped before convergence, after 5 iterations (gradient descent, float64)." in out
    assert "not converged" in out
    assert "raise --max-iter" in out
    assert regress.load(model).status == "max_iter"


def test_what_json_cannot_say_is_null(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,5\n2,5\n3,5\n")  # R² of a constant is 0/0
    code, out, _ = run("fit", path, "--target", "y", "--json")
    told = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (code, told["r2"], told["coef"], told["intercept"]) == (0, None, {"x": 0.0}, 5.0)


def test_names_are_shown_as_they_are(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a:smile:b,[red]x,é\\[b],y\n1,2,1,3\n2,2,4,4\n3,9,1,1\n4,1,1,1\n5,5,3,2\n", encoding="utf-8")
    _, out, _ = run("fit", path, "--target", "y")
    assert {"a:smile:b", "[red]x", "é\\[b]"} <= {line.split(" ")[0] for line in out.splitlines()}
    _, out, _ = run("fit", path, "--target", "y", "--json")
    assert list(json.loads(out)["coef"]) == ["a:smile:b", "[red]x", "é\\[b]"]


def test_an_encoding_without_our_letters_is_enough():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    arguments = [*COMMAND, "fit", DIABETES, "--target", "progression"]
    done = subprocess.run(arguments, env=environment, capture_output=True, encoding="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "R\\xb2 0.5177" in done.stdout


def test_notes_go_to_standard_error(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n1,2,3\n2,4,5\n3,6,6\n4,8,9\n")
    code, out, err = run("fit", path, "--target", "y", "--json")
    assert code == 0
    json.loads(out)
    assert "rank 1 of 2" in err


def test_compare_exits_1_where_scikit_learn_disagrees(run):
    code, out, err = run("compare", DATA / "income_rate.csv", "--target", "spend")
    assert code == 1
    assert "'rate'" in out
    assert err == ""
    code, out, _ = run("compare", DIABETES, "--target", "progression", "--json")
    told = json.loads(out)
    assert (code, told["agree"], told["version"]) == (0, True, 2)
    needed = {"name", "coef", "intercept", "loss", "gradient_norm", "digits", "metrics", "seconds"}
    assert all(needed <= set(fit) for fit in told["fits"])
    code, _, _ = run("compare", DIABETES, "--target", "progression", "--digits", "15.9")
    assert code == 0  # fewer, but no fitted value moves by 1e-6 of the spread of y


def test_check_shows_every_way_and_agrees(run):
    code, out, _ = run("check", DIABETES, "--target", "progression")
    assert code == 0
    assert "central difference" in out
    assert "All ways agree" in out
    code, out, _ = run("check", DIABETES, "--target", "progression", "--json")
    assert json.loads(out)["passed"] is True


def test_predictions_match_by_name_and_keep_every_row(run, table, tmp_path):
    model = tmp_path / "m.json"
    run("fit", table, "--target", "y", "--save", model)
    frame = pl.read_csv(table)
    mixed = frame.select("y", "w", "kind", pl.lit(1).alias("extra"), "a,b", "x")
    holes = mixed.with_columns(x=pl.when(pl.int_range(pl.len()).is_in([0, 7])).then(None).otherwise("x"))
    holes.write_csv(tmp_path / "new.csv")
    code, out, err = run("predict", model, tmp_path / "new.csv")
    assert code == 0
    assert "2 rows" in err
    cells = list(csv.reader(out.splitlines()))
    assert cells[0] == ["row", "prediction"]
    assert [int(row) for row, _ in cells[1:]] == list(range(1, 61))
    assert [int(row) for row, cell in cells[1:] if not cell] == [1, 8]
    expected = regress.load(model).predict(holes)
    assert [float(c) if c else None for _, c in cells[1:]] == [None if np.isnan(v) else v for v in expected]
    code, out, _ = run("predict", model, tmp_path / "new.csv", "-o", tmp_path / "p.csv")
    assert (code, out) == (0, "")
    for back in (pd.read_csv(tmp_path / "p.csv"), pl.read_csv(tmp_path / "p.csv")):
        assert back["prediction"].to_numpy() == pytest.approx(expected, nan_ok=True)
    code, out, err = run("predict", model, DIABETES)
    assert code == 2
    assert "has no column 'x'" in err


def test_a_prediction_that_fails_midway_leaves_no_file(run, table, tmp_path):
    model, new = tmp_path / "m.json", tmp_path / "new.csv"
    run("fit", table, "--target", "y", "--save", model)
    text = table.read_text()
    new.write_text(text + "1,1,unheard,1,1\n")
    before = set(os.listdir(tmp_path))
    for output in (["-o", tmp_path / "p.csv"], []):
        code, out, err = run("predict", model, new, *output)
        assert (code, out) == (2, "")
        assert "line 62" in err
        assert "'unheard'" in err
        assert set(os.listdir(tmp_path)) == before


def test_a_late_row_that_cannot_be_used_leaves_standard_output_empty(run, table, tmp_path):
    model, new = tmp_path / "m.json", tmp_path / "new.csv"
    run("fit", table, "--target", "y", "--features", "x,w", "--save", model)
    new.write_text("x,w\n" + "1,1\n" * 300_000 + "one,1\n")  # several batches are predicted before the last line
    code, out, err = run("predict", model, new)
    assert (code, out) == (2, "")
    assert "line 300002" in err


def test_version_and_help(run):
    code, out, _ = run("--version")
    assert (code, out) == (0, f"regress, version {regress.__version__}\n")
    _, out, _ = run("fit", "--help")
    assert re.findall(r"^(\S.*):$", out, re.MULTILINE) == [*GROUPS.values(), "Examples"]
    _, out, _ = run("--help")
    assert all(command in out for command in ("fit", "compare", "check", "inspect", "predict"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "m.json"
    regress.fit(DIABETES, "progression").save(path)
    return path


@pytest.mark.parametrize("command", ["fit", "--help", "predict"])
def test_a_closed_pipe_is_silent(command, saved):
    arguments = {"fit": [DIABETES, "--target", "progression"], "predict": [saved, DIABETES]}
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, command, *arguments.get(command, [])],
            env=BUFFERED,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_full_disk_is_a_sentence(flags):
    with open("/dev/full", "w") as full:
        arguments = [*COMMAND, "fit", DIABETES, "--target", "progression", *flags]
        done = subprocess.run(arguments, env=BUFFERED, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "Error: standard output cannot be used: No space left on device.\n"


def test_an_interrupt_keeps_the_last_parameters_and_exits_130(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=300)
    rows = np.c_[x, x + 1e-6 * random.normal(size=300), random.normal(size=300)]  # descent takes ages along a − b
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,y", comments="")
    arguments = ["fit", "t.csv", "--target", "y", "--solver", "gd", "--max-iter", "1000000000", "--tol", "1e-15"]
    terminal, other = os.openpty()  # progress shows on a terminal, and tells when the descent is under way
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))  # of 50 columns
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--json", "--save", "m.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(DATA.parent), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=other,
        text=True,
    )
    os.close(other)
    shown = b""
    while b"iteration " not in shown:
        shown += os.read(terminal, 4096)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    try:
        while more := os.read(terminal, 4096):
            shown += more
    except OSError:
        pass  # how Linux tells the end of a terminal
    os.close(terminal)
    assert process.returncode == 130
    assert b"Traceback" not in shown
    *drawn, said = re.split(r"\x1b\[K", shown.decode())  # the line of the descent is gone
    assert all(re.fullmatch(r"\riteration [\d,]+(, .*)?|\r", line) and len(line) <= 50 for line in drawn)
    assert drawn[-1] == "\r"
    said = said.splitlines()[-1]
    assert re.fullmatch(
        r"Interrupted after [\d,]+ iterations\. The result so far is printed and saved to m\.json\.", said
    )
    assert json.loads(out)["status"] == "interrupted"
    assert regress.load(tmp_path / "m.json").status == "interrupted"


def test_progress_is_quiet_where_there_is_no_terminal(run):
    assert run("fit", DIABETES, "--target", "progression", "--solver", "gd")[2] == ""


def test_compare_exits_3_where_our_own_fit_does_not_converge(run, tmp_path, monkeypatch):
    monkeypatch.setattr("regress.solvers.choose.TEXT", NEVER)  # in float64: exact sums always arrive
    monkeypatch.setattr("regress.options.TrainOptions.iteration_limit", lambda *_: 0)  # no step: w = 0, b = 0
    x = np.random.default_rng(0).normal(size=60)
    pl.DataFrame({"a": x, "b": x + 1, "y": x**3}).write_csv(tmp_path / "t.csv")
    assert run("compare", tmp_path / "t.csv", "--target", "y")[0] == 3


def test_compare_without_a_number_of_digits_exits_2(run):
    for digits in ("nan", "-1"):
        code, out, err = run("compare", DIABETES, "--target", "progression", "--digits", digits)
        assert (code, out) == (2, "")
        assert "digits" in err


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_fault(closed):
    words = shlex.join([*COMMAND, "fit", str(DIABETES), "--target", "progression", "--json"])
    done = subprocess.run(f"{words} {closed}", shell=True, env=BUFFERED, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "code"), [("fit t.csv --target y --json", 0), ("fit no.csv", 2), ("fit --target", 2)]
)
def test_a_note_or_an_error_that_nobody_can_read_keeps_the_exit_code(run, tmp_path, monkeypatch, words, code):
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,1\n2,4,3\n3,6,5\n4,8,8\n", encoding="utf-8")  # b = 2a, which is said
    monkeypatch.chdir(tmp_path)
    ended, _, said = run(*words.split())
    assert said
    command = f"{shlex.join(COMMAND)} {words} >/dev/null 2>&-"
    assert subprocess.run(command, shell=True).returncode == ended == code
