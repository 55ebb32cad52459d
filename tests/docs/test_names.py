"""The documentation names only what exists: functions, tests and files."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BESIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md")]
PAGES = [*BESIDE, *sorted((ROOT / "docs").glob("*.md"))]


def resolve(name: str) -> object:
    """Import the longest module in a dotted name, and look the rest up in it."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_dotted_name_exists(page):
    for name in re.findall(r"`(regress(?:\.\w+)+)`", page.read_text(encoding="utf-8")):
        if not name.endswith(".py"):
            resolve(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests|scripts|docs|data|regress)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w/.]+)\)", text):
        assert (page.parent / name).exists(), name


def test_every_section_of_the_derivation_names_a_function_and_a_test():
    text = (ROOT / "docs" / "derivation.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    proved = [s for s in sections if not s.startswith(("1. ", "13. "))]  # the model itself, and others' conventions
    assert len(proved) >= 6
    for section in proved:
        assert re.search(r"- Functions?: `regress\.", section), section[:40]
        assert re.search(r"- Tests?: `tests/", section), section[:40]


def test_the_counter_example_to_the_common_formula_is_right():
    import numpy as np

    from regress.objective.losses import QuadraticForm

    A, prediction, zero = np.array([[1.0, 4.0], [0.0, 1.0]]), np.array([1.0, 2.0]), np.zeros(2)
    form = QuadraticForm(A)
    steps = np.eye(2)
    slopes = [(form.value(prediction + h, zero) - form.value(prediction - h, zero)) / 2 for h in steps]
    assert slopes == [10.0, 8.0]
    assert form.gradient(prediction, zero).tolist() == slopes
    assert (2 * A.T @ prediction).tolist() == [2.0, 12.0]
    assert (2 * A @ prediction).tolist() == [18.0, 4.0]
