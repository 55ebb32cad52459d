"""The scripts that users copy and the ones that print figures run, and say what the library says."""

import ast
import fcntl
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import compare_all
import page_facts
import picture
import regress
from tests.examples import first, in_turn

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


def call(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", env=os.environ | {"PYTHONPATH": str(ROOT)}
    )


def run(*arguments: object) -> str:
    result = call(*arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_the_training_script_descends_to_the_least_squares_loss():
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    X, y = load_diabetes(scaled=False, return_X_y=True)
    least = float(((LinearRegression().fit(X, y).predict(X) - y) ** 2).sum())
    losses = [
        float(loss) for loss in re.findall(r"loss (\S+)", run(SCRIPTS / "train.py", "data/diabetes.csv", "progression"))
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < least * 1.01
    assert least <= losses[-1] * (1 + 1e-9)  # printed in ten digits


def test_the_training_script_names_the_coefficients(table):
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import StandardScaler

    frame = pd.read_csv(table).dropna()
    y = frame.pop("monthly rent")
    X = pd.get_dummies(frame, drop_first=True, dtype=float)
    fitted = LinearRegression().fit(StandardScaler().fit_transform(X), y)
    lines = run("-W", "ignore", SCRIPTS / "train.py", table, "monthly rent").splitlines()[-1 - X.shape[1] :]
    assert f"b {fitted.intercept_:.6g}, " in lines[0]
    found = {line.rpartition(" ")[0].rstrip(): float(line.rpartition(" ")[2]) for line in lines[1:]}
    assert found == pytest.approx(dict(zip(X.columns, fitted.coef_, strict=True)), abs=1e-5)


COPIED = {"train.py": 33, "train_minibatch.py": 40, "train_tensorflow.py": 40, "resume.py": 45}


@pytest.mark.parametrize("name", COPIED)
def test_scripts_to_copy_are_short_and_take_public_names_only(name):
    text = (SCRIPTS / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= COPIED[name]
    tree = ast.parse(text)
    imported = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    imported += [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
    assert [name for name in imported if name.startswith("regress")] == ["regress"]
    assert set(re.findall(r"\bregress\.(\w+)", text)) <= set(regress.__all__)


@pytest.fixture
def table(tmp_path):
    """Return a table of text and numbers that a person may have: quoted, with a missing cell and a constant column."""
    path = tmp_path / "rooms, 2024.csv"
    random = np.random.default_rng(3)
    size, floor = random.integers(9, 40, size=120), random.choice(["ground", "first", "attic, west"], size=120)
    rent = 8.5 * size + 40.0 * (floor == "first") - 25.0 * (floor == "attic, west") + random.normal(0, 12.0, 120)
    rows = [f'{s},"{f}",1,{r:.2f}' for s, f, r in zip(size, floor, rent, strict=True)]
    path.write_text("\n".join(["size,floor,baths,monthly rent", *rows, "17,,1,190.00"]) + "\n", encoding="utf-8")
    return path


def least(path, target):
    """Return the loss of scikit-learn's fit of the complete rows."""
    from sklearn.linear_model import LinearRegression

    frame = pd.read_csv(path).dropna()
    y = frame.pop(target)
    X = pd.get_dummies(frame, drop_first=True, dtype=float)
    return float(((LinearRegression(tol=0).fit(X, y).predict(X) - y) ** 2).sum())


def test_the_training_script_descends_on_a_table_of_text_and_numbers(table):
    text = run("-W", "ignore", SCRIPTS / "train.py", table, "monthly rent")
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", text)]
    assert losses[-1] == pytest.approx(least(table, "monthly rent"), rel=1e-9)
    assert float(re.search(r"minimum +(\S+)", text)[1]) == pytest.approx(least(table, "monthly rent"), rel=1e-9)


# A table of visits to doctors, with a few very large values: mini-batches of it have very different curvatures
VISITS = Path(find_spec("statsmodels").submodule_search_locations[0]) / "datasets" / "randhie" / "src" / "randhie.csv"


@pytest.mark.parametrize("given", first([(ROOT / "data" / "penguins.csv", "body_mass_g")], [(VISITS, "mdvis"), None]))
def test_the_script_of_mini_batches_watches_and_stops_early(given, table):
    path, target = given or (table, "monthly rent")
    text = run("-W", "ignore", SCRIPTS / "train_minibatch.py", path, target)
    losses = [float(loss) for loss in re.findall(r"loss (\S+)  held out", text)]
    gaps = [float(gap) for gap in re.findall(r"gap (\S+)", text)]
    assert len(losses) >= 2
    assert losses[0] > 1.5 * losses[-1]
    differences = [loss - gap for loss, gap in zip(losses, gaps, strict=True)]
    assert differences == pytest.approx([differences[0]] * len(gaps), rel=1e-4)  # the minimum does not move
    assert f"Linear regression of {target}" in text


@pytest.mark.slow
@pytest.mark.parametrize("given", [("diabetes.csv", "progression"), None])
def test_the_script_of_tensorflow_hands_the_model_back(given, table):
    path, target = (ROOT / "data" / given[0], given[1]) if given else (table, "monthly rent")
    done = call("-W", "ignore", SCRIPTS / "train_tensorflow.py", path, target)
    assert done.returncode == 0, done.stderr  # TensorFlow writes to it
    loss = float(re.search(r"Σ\(ŷ − y\)² = (\S+)", done.stdout)[1])
    assert least(path, target) <= loss * (1 + 1e-6)
    assert loss < 1.5 * least(path, target)
    assert float(re.search(r"the same, to (\S+)\.\n", done.stdout)[1]) < 1e-9


WITH_ERRORS = ["train.py", "train_minibatch.py", "resume.py"]


def checkpoint_of(name, folder):
    """Return the arguments that a script takes after the target."""
    return [folder / "run.ckpt"] if name == "resume.py" else []


MISTAKEN = [("none.csv", "y"), ("data/iris.csv", "width"), ("data/iris.csv", "species")]


@pytest.mark.parametrize(("name", "given"), in_turn(WITH_ERRORS, MISTAKEN))
def test_scripts_to_copy_explain_what_is_wrong(name, given, tmp_path):
    path, target = given
    done = call(SCRIPTS / name, path, target, *checkpoint_of(name, tmp_path))
    assert done.returncode == 1
    assert (target if "iris" in path else path) in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("name", "text"), in_turn(WITH_ERRORS, ["", "y\n1\n2\n", "x,y\n", "x,y\n1,\n,2\n"]))
def test_scripts_to_copy_refuse_tables_without_anything_to_learn(name, text, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    done = call(SCRIPTS / name, path, "y", *checkpoint_of(name, tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", WITH_ERRORS)
def test_scripts_to_copy_ask_for_their_arguments(name):
    more = " [CHECKPOINT]" if name == "resume.py" else ""
    for given in (["data/iris.csv"], ["data/iris.csv", "petal_width", "run.ckpt", "more"]):
        done = call(SCRIPTS / name, *given)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"Usage: python scripts/{name} TABLE TARGET{more}\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [([], "Usage: python scripts/page_facts.py PAGE...\n"), (["no.html"], "no.html is not a file.\n")],
)
def test_the_facts_of_pages_need_pages(given, says):
    done = call(SCRIPTS / "page_facts.py", *given)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", says)


def test_every_set_that_is_compared_is_there_and_none_is_forgotten():
    bundled = {"torn.csv"} ^ {str(path.relative_to(ROOT / "data")) for path in (ROOT / "data").rglob("*.csv")}
    assert set(compare_all.SETS) == bundled
    cells = compare_all.line("income_rate.csv").split("|")
    assert cells[1].strip() == "income_rate"
    assert cells[-2].strip() == "**no**"


def test_pictures_are_what_their_script_draws(tmp_path):
    run(SCRIPTS / "picture.py", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in (ROOT / "docs" / "assets").glob("*.svg")
    }
    for path in tmp_path.iterdir():
        kept, drawn = (each.read_text(encoding="utf-8") for each in (ROOT / "docs" / "assets" / path.name, path))
        number = r"-?\d+\.\d"
        assert re.sub(number, "#", kept) == re.sub(number, "#", drawn)
        pairs = zip(re.findall(number, kept), re.findall(number, drawn), strict=True)
        room = 20.0 if path.name == "digits.svg" else 0.11  # last digits differ among machines, and so do their counts
        assert all(abs(float(a) - float(b)) <= room for a, b in pairs)


def test_the_page_of_the_readme_is_pictured_light_and_dark():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"<picture>.*?</picture>", text, re.DOTALL)
    assert re.findall(r'(?:src|srcset)="(.*?)"', shown) == ["docs/assets/page-dark.png", "docs/assets/page-light.png"]
    files = [ROOT / "docs" / "assets" / f"page-{scheme}.png" for scheme in ("light", "dark")]
    pictures = [Image.open(file) for file in files]
    assert [each.format for each in pictures] == ["PNG", "PNG"]
    assert pictures[0].size == pictures[1].size
    light, dark = (each.convert("L").getpixel((0, 0)) for each in pictures)
    assert light > 240 > 40 > dark
    assert sum(file.stat().st_size for file in files) < 300_000


@pytest.mark.parametrize("given", [["no/such/folder"], ["docs", "docs"], ["--page", "README.md"]])
def test_pictures_need_one_folder(given):
    with pytest.raises(SystemExit, match=r"^Usage: python scripts/picture.py \[--page\] \[FOLDER\], a folder"):
        picture.main(given)


def test_the_page_is_not_pictured_without_a_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(page_facts, "_NAMES", ())
    with pytest.raises(SystemExit, match=r"^The page was not opened: no Chromium or Chrome is installed\. Install "):
        picture.main(["--page", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_script_that_can_be_killed_goes_on_to_the_same_result(tmp_path):
    arguments = [sys.executable, SCRIPTS / "resume.py", "data/diabetes.csv", "progression"]
    whole = run(*arguments[1:], tmp_path / "whole.ckpt").splitlines()
    assert len(whole) > 200
    with subprocess.Popen([*arguments, tmp_path / "run.ckpt"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        if sys.platform == "linux":
            fcntl.fcntl(killed.stdout, fcntl.F_SETPIPE_SZ, 4096)  # it waits for its reader after some eighty lines
        lines = [killed.stdout.readline().rstrip("\n") for _ in range(40)]
        killed.kill()
    assert lines == whole[:40]
    rest = run(*arguments[1:], tmp_path / "run.ckpt").splitlines()
    assert rest == whole[-len(rest) :]
    assert 0 < len(rest) < len(whole)
    assert run(*arguments[1:], tmp_path / "run.ckpt").splitlines() == rest_of(whole)


@pytest.mark.slow
def test_the_script_that_can_be_killed_trains_a_large_table_for_many_epochs_and_skips_missing_cells(tmp_path):
    random = np.random.default_rng(6)
    x = random.normal(size=(50_000, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x @ [1.0, 2.0] + random.normal(size=50_000)})
    frame.loc[7, "a"] = np.nan
    frame.to_csv(tmp_path / "large.csv", index=False)
    lines = run(SCRIPTS / "resume.py", tmp_path / "large.csv", "y", tmp_path / "run.ckpt").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == [str(k) for k in range(301)]
    a, b = (float(line.split()[1]) for line in lines[-2:])
    assert (a, b) == pytest.approx((1.0, 2.0), abs=0.02)


def test_the_script_that_can_be_killed_refuses_the_checkpoint_of_another_table(tmp_path):
    run(SCRIPTS / "resume.py", "data/penguins.csv", "body_mass_g", tmp_path / "run.ckpt")
    done = call(SCRIPTS / "resume.py", "data/diabetes.csv", "progression", tmp_path / "run.ckpt")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "checkpoint of another run" in done.stderr


def rest_of(lines):
    """Return the lines after the last one of an epoch."""
    return lines[next(k for k, line in reversed([*enumerate(lines, 1)]) if line.startswith("epoch")) :]
