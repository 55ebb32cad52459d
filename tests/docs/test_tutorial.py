"""The tutorial's figures are the mathematics' own: each is computed again here, in another way."""

import re
import subprocess
import sys
from fractions import Fraction
from math import log10
from pathlib import Path

import numpy as np
import pytest

import tutorial
from regress.errors import MissingDependencyError
from regress.objective import autodiff

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "tutorial.py"
INTERCEPT = "(intercept)"


def run(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def walk(capsys, monkeypatch):
    """Return what the tutorial prints of a table, step by step, where TensorFlow is not installed."""

    def missing(_):
        raise MissingDependencyError("There is no TensorFlow here.")

    def walk(*arguments):
        monkeypatch.setattr(autodiff, "prepare_rows", missing)
        assert tutorial.main([str(a) for a in arguments]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return steps(printed.out)

    return walk


def steps(text):
    """Return the text of each step by its number; 0 is what comes before the first."""
    parts = re.split(r"^(\d)\. ", text, flags=re.MULTILINE)
    return {0: parts[0]} | {int(n): part for n, part in zip(parts[1::2], parts[2::2], strict=True)}


def table(text, head):
    """Return the numbers of the table whose head begins with a word, by the first cell of each row."""
    lines = iter(text.splitlines())
    next(line for line in lines if line.strip().startswith(head + " "))
    rows = {}
    for line in lines:
        if not line.strip() or line.strip().startswith("…"):
            break
        name, *cells = re.split(r" {2,}", line.replace("#", "").strip())
        rows[name] = [float(c) for cell in cells for c in cell.split()]
    return rows


def number(text, after):
    return float(re.search(re.escape(after) + r"\s*([-+.\de]+\d)", text)[1])


def numeric(path):
    rows = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    return rows[:, :-1], rows[:, -1]


def check_figures(walked, X, y):
    """Check every step against the table: X1 = [X 1] and the printed point p are all that is taken over."""
    m, X1 = len(y), np.column_stack([X, np.ones(len(y))])
    p = np.array([row[0] for row in table(walked[3], "parameter").values()])  # ten digits
    r = X1 @ p - y
    terms = 2 * np.abs(X1).T @ np.abs(r)
    size = (np.abs(X1) @ np.abs(p)).max() + np.abs(y).max()
    best, *_ = np.linalg.lstsq(X1, y)
    least = float(((X1 @ best - y) ** 2).sum())

    for j, row in enumerate(table(walked[1], "parameter").values()):
        assert row[1] == pytest.approx(X1[0, j], rel=1e-9)
        assert row[2] == pytest.approx(X1[0, j], rel=1e-9)
    assert number(walked[1], "relative to its column:") < 1e-13

    for i, row in table(walked[2], "row").items():
        assert row == pytest.approx([y[int(i) - 1], (X1 @ p)[int(i) - 1], 2 * r[int(i) - 1]], abs=1e-8 * size)
    assert number(walked[2], "L(ŷ + d) − L(ŷ)  =") == pytest.approx(number(walked[2], "2(ŷ − y)ᵀd + dᵀd ="), rel=1e-12)

    exact = [Fraction(v) for v in p.tolist()]
    residual = [
        sum((Fraction(v) * w for v, w in zip(row.tolist(), exact, strict=True)), -Fraction(t))
        for row, t in zip(X1, y.tolist(), strict=True)
    ]
    slopes = [float(2 * sum(Fraction(v) * e for v, e in zip(c.tolist(), residual, strict=True))) for c in X1.T]
    tolerance = 1e-8 * terms + 1e-8 * np.abs(X1).sum(axis=0) * size
    for j, row in enumerate(table(walked[3], "parameter").values()):
        assert row[1] == pytest.approx(slopes[j], abs=tolerance[j])
    for j, row in enumerate(table(walked[5], "parameter").values()):
        h = 3.0 / np.abs(X1[:, j]).max()  # any step will do
        up, down = (((r + s * h * X1[:, j]) ** 2).sum() for s in (1, -1))
        for found in row:
            assert found == pytest.approx((up - down) / (2 * h), abs=tolerance[j])
    assert number(walked[5], "Largest difference") < 1e-13
    off = [row[0] for row in table(walked[5], "h/hⱼ").values()]
    assert off[2] == min(off)
    assert max(off) < 1e-5  # and truncation at 1e8 times the step would be off by far more

    steepest = np.linalg.eigvalsh(X1.T @ X1)[-1]
    g, eta = 2 * X1.T @ r, m / steepest / 2
    moved = p - eta / m * g
    change = ((X1 @ moved - y) ** 2).sum() - (r**2).sum()
    assert number(walked[6], "limit = m/λmax([X 1]ᵀ[X 1]) =") == pytest.approx(m / steepest, rel=1e-8)
    assert number(walked[6], "L changes by") == pytest.approx(change, rel=1e-6)
    assert number(walked[6], "Foretold:") == pytest.approx(change, rel=1e-6)
    assert number(walked[6], "relative difference") < 1e-12
    for rate, losses in table(walked[6], "η/limit").items():
        assert losses == pytest.approx(descent(X1, y, p, float(rate) * m / steepest, [0, 1, 10, 100], best), rel=2e-3)

    norm = X.std(axis=0)
    Z1 = np.column_stack([(X - X.mean(axis=0)) / np.where(norm > 0, norm, 1), np.ones(m)])
    best_there, *_ = np.linalg.lstsq(Z1, y)
    kept = [int(k) for k in table(walked[7], "step")]
    assert kept == [0, 1, 2, 5, 10, 20, 50, 100]
    shown = np.array(list(table(walked[7], "step").values()))
    floor = 1e-20 * shown.max()  # rounding
    for column, (A, p_best) in zip((0, 2), ((X1, best), (Z1, best_there)), strict=True):
        eta = m / np.linalg.eigvalsh(A.T @ A)[-1] / 2
        losses = descent(A, y, np.zeros(A.shape[1]), eta, kept, p_best)
        assert shown[:, column] == pytest.approx(losses, rel=2e-3, abs=floor)
        for value, written in zip(losses, shown[:, column + 1], strict=True):
            assert written == pytest.approx(log10(value), abs=0.06) or value < floor
    raw, standardized = re.search(r"κ is (\S+) raw, (\S+) standardized", walked[7]).groups()
    assert float(raw) == pytest.approx(np.linalg.cond(X1) ** 2, rel=1e-2)
    assert float(standardized) == pytest.approx(np.linalg.cond(Z1) ** 2, rel=1e-2)

    for before, above, after, above_after in table(walked[8], "from").values():
        assert after < 1e-9 * before
        assert above_after < 1e-18 * above
    assert number(walked[8], "regress.fit: ‖∇L‖") < 1e-9 * np.linalg.norm(Z1.T @ y)
    assert float(re.search(r"(\S+) correct digits", walked[8])[1]) > 15.5

    from sklearn.linear_model import LinearRegression

    theirs = LinearRegression().fit(X, y)
    for row, ours, other in zip(
        table(walked[9], "parameter").values(), best, [*theirs.coef_, theirs.intercept_], strict=True
    ):
        assert row[0] == pytest.approx(ours, rel=1e-8)
        assert row[1] == pytest.approx(other, rel=1e-9)
        assert 8 < row[2] < 16
    assert number(walked[9], " above") == pytest.approx(least, rel=1e-8)


def descent(A, y, p, eta, kept, best):
    """Return the loss above its minimum after some numbers of steps, by the textbook loop."""
    p, out = np.array(p), []
    for k in range(max(kept) + 1):
        if k in kept:
            out.append(float(((A @ (p - best)) ** 2).sum()))
        p = p - eta / len(y) * 2 * A.T @ (A @ p - y)
    return out


def bars(text):
    return np.array([[len(bar) for bar in re.findall("#+", line)] for line in text.splitlines() if "#" in line])


@pytest.mark.slow
def test_every_figure_of_the_bundled_table_is_what_mathematics_says():
    result = run()
    assert result.returncode == 0
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    walked = steps(result.stdout)
    assert list(walked) == list(range(10))
    check_figures(walked, *numeric(ROOT / "data" / "diabetes.csv"))
    X, y = numeric(ROOT / "data" / "diabetes.csv")
    p = np.array([row[0] for row in table(walked[3], "parameter").values()])
    assert number(walked[4], "L by tape") == pytest.approx(((X @ p[:-1] + p[-1] - y) ** 2).sum(), rel=1e-7)
    assert number(walked[4], "The gradients differ by") < 1e-13
    assert len(next(iter(table(walked[5], "parameter").values()))) == 3  # by hand, by tape, by a difference


def test_every_figure_of_another_table_without_tensorflow(walk):
    path = ROOT / "data" / "nist" / "norris.csv"
    X, y = numeric(path)
    walked = walk(path, "y")
    assert "Left out: There is no TensorFlow here." in walked[4]
    assert len(next(iter(table(walked[5], "parameter").values()))) == 2
    assert list(table(walked[3], "parameter")) == ["x", INTERCEPT]
    check_figures(walked, X[:, :1], y)


def test_bars_are_as_long_as_the_logarithms_are_large(walk):
    walked = walk(ROOT / "data" / "diabetes.csv", "progression")
    lengths = bars(walked[7]).ravel()
    logs = np.array(list(table(walked[7], "step").values()))[:, [1, 3]].ravel()
    assert (lengths.min(), lengths.max()) == (1, 15)
    expected = 1 + 14 * (logs - logs.min()) / np.ptp(logs)
    assert np.abs(lengths - expected).max() < 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n1,2\n2,3.9\n3,6.2\n4,7.7\n", "4 rows = 4 used; X is 4 × 1"),
        ("x,y\n1,0\n2,0\n3,0\n", "X is 3 × 1"),  # a target that does not vary: nothing to explain
        ("x,y\n1,2\n,3\n2,3.9\n3,6.2\n", "4 rows = 3 used + 1 missing"),
        ("x,y\n1e120,2\n2e121,3.9\n3e120,6.2\n", "X is 3 × 1"),
    ],
)
def test_small_and_odd_tables(walk, tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    walked = walk(tmp_path / "t.csv", "y")
    assert said in walked[0]
    assert number(walked[6], "relative difference") < 1e-12
    assert number(walked[5], "Largest difference") < 1e-13
    for before, _, after, above_after in table(walked[8], "from").values():
        assert after <= 1e-9 * before
        assert above_after < 1e-18


@pytest.mark.slow
def test_dependent_columns_are_named_and_newton_still_lands(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,twice,still,y\n1,2,0.1,2\n2,4,0.1,3.9\n3,6,0.1,6.2\n4,8,0.1,7.7\n")
    result = run(str(path), "y")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Note: Columns depend on each other (rank 1 of 3): twice = 2·x." in result.stdout
    assert result.stdout.index("Note: ") < result.stdout.index("\n1. ")
    walked = steps(result.stdout)
    for before, above, after, above_after in table(walked[8], "from").values():
        assert after < 1e-12 * before
        assert above_after < 1e-24 * above
    fitted = {name: row[0] for name, row in table(walked[9], "parameter").items()}
    # 1.94 a unit of x, shared as (1, 2)/5 by least ‖w‖
    assert fitted == pytest.approx({"x": 1.94 / 5, "twice": 2 * 1.94 / 5, "still": 0, INTERCEPT: 0.1}, rel=1e-9)


def test_a_long_table_shows_its_first_columns(walk, tmp_path):
    random = np.random.default_rng(3)
    rows = random.normal(size=(40, 16))
    names = [f"a_very_long_name_of_a_column_{j}" for j in range(15)]
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header=",".join([*names, "y"]), comments="")
    walked = walk(tmp_path / "t.csv", "y")
    assert "… and 4 more" in walked[3]
    assert max(len(line) for text in list(walked.values())[1:] for line in text.splitlines()) <= 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv", "y"], "nowhere.csv does not exist"),
        (["data/diabetes.csv", "nothing"], "no column 'nothing'"),
        (["data/iris.csv", "species"], "text, not numbers"),
        (["data/diabetes.csv"], "Name a table and its target"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_on_standard_error(arguments, said, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert tutorial.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_an_error_is_the_exit_code_of_the_script():
    result = run("data/diabetes.csv")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_a_reader_who_stops_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline().startswith("diabetes.csv")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
