"""The README is short, its commands and its Python run, and the pages show what commands print and scripts measured."""

import re
import shlex
from pathlib import Path

import pytest

import marked
import readme

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = readme.CODE.findall(README)
COOKBOOK = ROOT / "docs" / "cookbook"  # test_cookbook.py compares each figure of these pages
PAGES = [path for path in readme.PAGES if path.parent != COOKBOOK]
SHOWN = [(path, shown) for path in PAGES for shown in readme.OUTPUT.finditer(path.read_text(encoding="utf-8"))]
TRIED = [pytest.param(*each, marks=[pytest.mark.slow] * (each[0].name != "README.md")) for each in SHOWN]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return readme.Place.make(tmp_path_factory.mktemp("readme"))


def test_every_command_runs_in_order(place):
    code = "".join(code for language, code in BLOCKS if language == "bash")
    calls = list(readme.commands(code))
    others = [line for line in code.splitlines() if not line.startswith(("regress ", "./scripts/", ". .venv/"))]
    assert others == []
    assert len(calls) >= 4
    for call in calls:
        done = place.run("-m", "regress", *shlex.split(call)[1:])
        assert done.returncode == 0, f"{call}\n{done.stderr}"


def test_both_set_up_commands_are_named():
    text = "".join(code for language, code in BLOCKS if language == "bash")
    assert "./scripts/demo" in text
    assert "./scripts/test" in text


@pytest.mark.parametrize("code", [code for language, code in BLOCKS if language == "python"])
def test_every_block_of_python_runs(place, code):
    done = place.run("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_readme_is_short_and_begins_without_a_formula():
    assert len(README.splitlines()) <= 150
    first = README.split("\n\n")[1]
    assert not re.search(r"[=$ᵀ∇ŷ]", first)


def skeleton(text):
    """Return the first word of each line, without figures: they differ among machines and among runs."""
    return [re.sub(r"[\d.,e+-]+", "#", line).split(" ")[0] for line in text.splitlines()]


@pytest.mark.parametrize(("path", "shown"), TRIED, ids=lambda value: getattr(value, "stem", ""))
def test_the_output_shown_is_what_the_command_prints(tmp_path, path, shown):
    page = path.read_text(encoding="utf-8")
    assert skeleton(shown[3]) == skeleton(readme.output(page, shown, readme.Place.make(tmp_path)))


def test_no_mark_of_output_is_overlooked():
    assert len(SHOWN) == sum(path.read_text(encoding="utf-8").count("<!-- output: ") for path in PAGES)
    assert {path.name for path, _ in SHOWN} >= {"README.md", "badly-scaled.md"}


def test_the_tables_of_the_readme_are_rows_of_those_in_docs():
    shown = marked.split(README, "figures")[1]
    assert shown == readme.figures()
    for table in shown.split("\n\n")[1:]:
        assert len(readme.rows(table)) <= 6  # a head and five rows


PAGE = """Text.

```bash
regress inspect data/co2.csv  # a comment
regress inspect \\
  data/iris.csv --json
```

More text.

<!-- output: inspect -->
```text
old
```

```python
print(1 + 1)
```

<!-- output: python -->
```text
```
"""


def test_output_is_renewed_in_place(tmp_path):
    page = readme.renewed(PAGE, readme.Place.make(tmp_path))
    assert page.startswith(PAGE.partition("old\n")[0])
    assert page.endswith("```text\n2\n```\n")
    assert "co2.csv: 2,232 rows" in page
    assert "old" not in page


def test_an_error_that_is_expected_is_shown(tmp_path):
    page = "```bash\nregress fit data/iris.csv  # exit 2\n```\n\n<!-- output: fit -->\n```text\n```\n"
    assert "Error: " in readme.renewed(page, readme.Place.make(tmp_path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<!-- output: inspect -->\n```text", "<!-- output: inspect -->\n\n```text"),
        ("output: inspect", "output: fit"),
        ("# a comment", "# exit 2"),
        ("print(1 + 1)", "print(1 / 0)"),
    ],
)
def test_a_mark_that_cannot_be_filled_is_an_error(tmp_path, old, new):
    with pytest.raises(ValueError, match=r"mark|no command|exits with 0|ZeroDivisionError"):
        readme.renewed(PAGE.replace(old, new), readme.Place.make(tmp_path))


@pytest.mark.parametrize("text", ["no marks", "<!-- figures -->\nno end", "no start\n<!-- /figures -->"])
def test_a_page_without_both_marks_is_an_error(text):
    with pytest.raises(ValueError, match="lacks the marks <!-- figures --> and <!-- /figures -->"):
        marked.split(text, "figures")
