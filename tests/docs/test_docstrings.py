"""The docstring of every public name has examples, and they run."""

import contextlib
import doctest
import inspect
import io
from functools import cached_property
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

import regress
from regress import plot

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = "\nExamples\n--------\n>>> "


def public():
    """Return every public function and class by its name, and the methods that the package gives the classes."""
    found = {name: getattr(regress, name) for name in regress.__all__}
    found |= {f"plot.{name}": getattr(plot, name) for name in plot.__all__}
    found = {name: value for name, value in found.items() if callable(value)}
    methods = {
        f"{name}.{key}": method
        for name, value in found.items()
        if inspect.isclass(value) and not shows_a_subclass(name, value)
        for key, method in methods_of(value)
    }
    return found | methods


def shows_a_subclass(name, value):
    """Return whether the examples of a class define its methods."""
    return f"(regress.{name}):" in inspect.getdoc(value)


def methods_of(value):
    for key in dir(value):
        static = inspect.getattr_static(value, key)
        method = getattr(value, key) if key[0] != "_" and not isinstance(static, property | cached_property) else None
        if inspect.isroutine(method) and (getattr(method, "__module__", None) or "").partition(".")[0] == "regress":
            yield key, method


PUBLIC = public()


def test_public_names_are_collected():
    assert {"fit", "Fit", "Fit.predict", "Fit.conf_int", "LinearRegressor.partial_fit", "plot.residuals"} <= {*PUBLIC}
    assert not {"Loss.value", "Solver.step", "LinearRegressor.score"} & {*PUBLIC}  # scikit-learn documents the last


def test_every_public_name_has_examples():
    assert not [name for name, value in PUBLIC.items() if EXAMPLES not in inspect.getdoc(value)]


@pytest.mark.parametrize("name", PUBLIC)
def test_examples_run(name, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    text = inspect.getdoc(PUBLIC[name]).partition(EXAMPLES)[2]
    test = doctest.DocTestParser().get_doctest(f">>> {text}", {}, name, None, 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = runner.run(test)
    pyplot.close("all")
    assert result.attempted
    assert not result.failed, printed.getvalue()


def test_a_wrong_example_is_reported(monkeypatch, tmp_path):
    def wrong():
        """Do a thing.

        Examples
        --------
        >>> 1 + 1
        3
        """

    monkeypatch.setitem(PUBLIC, "wrong", wrong)
    with pytest.raises(AssertionError, match=r"Expected:\s+3\s+Got:\s+2"):
        test_examples_run("wrong", tmp_path, monkeypatch)
