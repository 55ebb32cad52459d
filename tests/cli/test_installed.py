"""--with: classes of installed packages alone, literals alone, and nothing from the current folder."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.linear_model import HuberRegressor

from regress.cli import installed
from regress.errors import InputError
from tests.command import run

ROOT = Path(__file__).parents[2]
DIABETES = ROOT / "data" / "diabetes.csv"
EVIL = "open('was_here', 'w')\nfrom sklearn.linear_model import LinearRegression as E\n"


def test_a_class_is_made_with_its_options():
    found = installed.estimators(
        ["sklearn.linear_model.HuberRegressor", "sklearn.linear_model.HuberRegressor(epsilon = 1.5, max_iter=-3)"]
    )
    assert list(found) == ["HuberRegressor()", "HuberRegressor(epsilon=1.5, max_iter=-3)"]
    assert [type(each) for each in found.values()] == [HuberRegressor, HuberRegressor]
    assert [each.epsilon for each in found.values()] == [HuberRegressor().epsilon, 1.5]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("HuberRegressor", "is not the path of a class"),
        ("sklearn.linear_model.HuberRegressor(", "is not the path of a class"),
        ("sklearn.linear_model.HuberRegressor(1.5)", "is not the path of a class"),
        ("sklearn.linear_model.HuberRegressor(**{})", "is not the path of a class"),
        ("sklearn.linear_model.HuberRegressor(epsilon=open('was_here', 'w'))", "is not a plain value, such as"),
        ("sklearn.linear_model.X(estimator=Ridge())", r"the argument estimator=Ridge\(\) is not a plain value"),
        ("sklearn.linear_model.X(**Ridge())", r"the argument \*\*Ridge\(\) is not a plain value"),
        ("sklearn.linear_model.X(a={[]: 1})", "is not a plain value"),
        ("sklearn.linear_model.HuberRegressor().fit", "is not the path of a class"),
        ("sklearn['linear_model'].HuberRegressor", "is not the path of a class"),
        ("sklearn. .HuberRegressor", "is not the path of a class"),
        ("(" * 500, "is not the path of a class"),
        ("sklearn.linear_model.Hubr", "The installed package sklearn has no sklearn.linear_model.Hubr"),
        ("sklearn.nothing.HuberRegressor", "has no sklearn.nothing.HuberRegressor"),
        ("sklearn.linear_model.HuberRegressor(eps=1)", "cannot be made: .*unexpected keyword argument 'eps'"),
        ("subprocess.Popen(args='touch was_here')", "is not a class with the methods of a scikit-learn estimator"),
        ("sklearn.preprocessing.StandardScaler", "is not a class with the methods of a scikit-learn estimator"),
        ("sklearn.metrics.r2_score", "is not a class with the methods of a scikit-learn estimator"),
        ("no_such_package.E", "no installed package 'no_such_package'. The current folder is not searched"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_evaluated(tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        installed.estimators([text])
    assert list(tmp_path.iterdir()) == []


def test_one_estimator_twice_is_refused():
    with pytest.raises(InputError, match=r"names HuberRegressor\(\) twice"):
        installed.estimators(["sklearn.linear_model.HuberRegressor", "sklearn.linear_model.HuberRegressor()"])


@pytest.mark.parametrize("path", ["", "{link}"])
def test_the_command_imports_nothing_from_the_current_folder(tmp_path, path):
    (tmp_path / "evil.py").write_text(EVIL)
    (link := tmp_path.parent / f"{tmp_path.name}-link").symlink_to(tmp_path)
    told = {**os.environ, "PYTHONPATH": f"{ROOT}:{path.format(link=link)}", "PYTHONSAFEPATH": ""}
    command = [sys.executable, "-m", "regress", "compare", str(DIABETES), "--target", "progression", "--with", "evil.E"]
    done = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: There is no installed package 'evil'. The current folder is not searched.\n"
    assert not (tmp_path / "was_here").exists()


def test_the_current_folder_is_not_searched_while_estimators_are_fitted(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(EVIL)
    (link := tmp_path.parent / f"{tmp_path.name}-link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = ["", ".", str(tmp_path), f"{tmp_path}/", str(link), *sys.path]
    monkeypatch.setattr(sys, "path", list(before))
    assert find_spec("evil") is not None
    with installed.installed_only():
        assert find_spec("evil") is None
        assert find_spec("sklearn") is not None
    assert sys.path == before


def test_a_module_elsewhere_on_the_path_is_refused(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=f"'evil' is in {tmp_path}, where no installed package is"):
        installed.estimators(["evil.E"])
    (tmp_path / "wicked").mkdir()
    with pytest.raises(InputError, match=f"'wicked' is in {tmp_path}, where no installed package is"):
        installed.estimators(["wicked.evil.E"])  # a folder without __init__.py is a package too
    assert "evil" not in sys.modules


@pytest.mark.slow
@pytest.mark.usefixtures("without_tensorflow")
def test_the_command_compares_and_shows_what_was_asked_for():
    words = ["--with", "sklearn.linear_model.Lasso(alpha=0.5)", "--with", "regress.LinearRegressor"]
    code, out, _ = run("compare", DIABETES, "--target", "progression", *words, "--metrics", "r2,mae", "--cv", "2")
    assert code == 0
    assert "2 folds by the hash of each row" in out
    assert out.count("\nLasso(alpha=0.5)") == out.count("\nLinearRegressor()") == 2
    code, out, _ = run("compare", DIABETES, "--target", "progression", *words, "--metrics", "r2", "--json")
    held = json.loads(out)
    assert [fit["name"] for fit in held["fits"]][-2:] == ["Lasso(alpha=0.5)", "LinearRegressor()"]
    assert held["metrics"] == ["r2"]
    assert held["fits"][-1]["digits"] > 10
    code, _, err = run(
        "compare", DIABETES, "--target", "progression", "--split-time", "age", "--cv", "2", "--test-size", ".2"
    )
    assert code == 2
    assert "In --cv 2, each fold is held out once. Remove --test-size." in err
