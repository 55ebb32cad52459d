"""The documentation builds without a warning, needs no network, and every block of code in it runs."""

import contextlib
import importlib.util
import io
import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import markdown
import pytest

import readme
import regress
from regress import errors
from regress.cli.main import cli
from tests.command import run as run_here

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
SET_UP = ("pip install", "python -m venv", ". .venv/bin/activate", "git clone", "./scripts/")
MEASURED = "benchmarks.md"  # its commands take minutes, and need what only benchmarks need
SLOW_GUIDES = (
    "tensorflow",
    "badly-scaled",
    "report",
    "compare",
    "cluster",
    "formulas",
    "bigger-than-memory",
    "watch",
    "tables",
    "train-from-a-script",
    "scale-recipes",
    "mini-batches",
)
SLOW = {f"how-to/{name}.md" for name in SLOW_GUIDES} | {
    "index.md",
    "gallery.md",
}  # TensorFlow, processes of Dask
PYTHON_ONLY = {"penalty", "optimizer", "callbacks", "verbose"}  # options that no flag gives
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)


def environment():
    # Material prints a notice about MkDocs 2 unless this is set.
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1", "COLUMNS": "80"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the site, and return its folder and what the build had to say."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    return site, done


@pytest.fixture(scope="module")
def html(built):
    """Return the built pages by the name of their source."""
    site, _ = built
    return {page: (site / page).with_suffix(".html").read_text(encoding="utf-8") for page in PAGES}


class Page(HTMLParser):
    """What a browser would load for a page, and the text of its article outside code."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.text, self.formulas, self._inside = [], "", 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "link" or tag in ("script", "img", "iframe", "source", "video", "audio", "embed", "object", "use"):
            self.loads += [given[name] for name in ("src", "href", "data", "srcset") if given.get(name)]
        self.formulas += tag == "math"
        if tag in ("article", "pre", "code", "script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data):
        if "article" in self._inside and self._inside[-1] == "article":
            self.text += data


def without_code(text):
    return re.sub(r"`[^`]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def test_the_site_builds_without_a_warning(built):
    _, done = built
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert all(line.startswith("INFO ") for line in done.stderr.splitlines()), done.stderr


def remote(address):
    return re.match(r"(?:[a-z]+:)?//", address.strip()) is not None


def test_the_pages_load_nothing_from_the_network(built, html):
    site, _ = built
    for page, text in html.items():
        loads = Page(text).loads
        assert len(loads) >= 4, page  # style sheets, icon and script of the theme are seen
        assert not [address for address in loads if remote(address)], page
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        addresses = re.findall(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""", text)
        assert not [address for address in addresses if remote(address)], sheet.name


def test_what_the_network_check_looks_for_is_found():
    text = '<link rel="preconnect" href="https://a.b"><script src="//c.d/e.js"></script><img src="assets/f.png">'
    assert [remote(address) for address in Page(text).loads] == [True, True, False]


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_became_mathml(html, page):
    seen = Page(html[page])
    assert seen.formulas == len(FORMULA.findall(without_code(PAGES[page])))
    assert "$" not in seen.text
    assert "<mi>&</mi>" not in html[page], "an environment that the converter does not know"
    assert "\\" not in re.sub(r"<(pre|code).*?</\1>", "", html[page].partition("<article")[2], flags=re.DOTALL)


def test_the_pages_that_explain_have_formulas():
    for page in PAGES:
        if page.startswith("explanation/"):
            assert len(FORMULA.findall(without_code(PAGES[page]))) >= 5, page


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("documentation_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so $x^2$ is", "<p>so <math"),
        ("$$\nx^2\n$$", '<div class="formula"><math'),
        (r"$\{1\}$", "&#x0007B;"),
        ("| a |\n|---|\n| $x_1$ and $x_2$ |", "<td><math"),
        (r"$\kappa \ln 10$", '<mo lspace="0.17em" rspace="0.17em">ln</mo>'),
        ("$|r|/2$", '<mo stretchy="false" lspace="0" rspace="0">&#x0002F;</mo>'),
    ],
)
def test_dollars_around_latex_make_a_formula(hooks, text, expected):
    made = markdown.markdown(text, extensions=["tables", "pymdownx.superfences", hooks.Formulas()])
    assert expected in made
    assert "$" not in made


@pytest.mark.parametrize("text", ["`$x$` and `a $b`", "```\n$x^2$\n```", "    $$x$$", "it costs $5, not more"])
def test_other_dollars_stay(hooks, text):
    made = markdown.markdown(text, extensions=["pymdownx.superfences", hooks.Formulas()])
    assert "<math" not in made
    assert made.count("$") == text.count("$")


@pytest.mark.parametrize("name", ["", *sorted(cli.commands)])
def test_the_help_page_of_every_command_is_shown(html, name):
    command = [sys.executable, "-m", "regress", *name.split(), "--help"]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout
    assert told.strip() in unescape(re.sub(r"<[^>]+>", "", html["reference/command-line.md"]))


def test_the_reference_shows_every_public_name(html):
    for name in regress.__all__:
        heading = "<code>regress.__version__</code>" if name == "__version__" else f'id="regress.{name}"'
        assert heading in html["reference/python.md"], name


def test_every_public_name_is_in_the_table_of_a_task():
    groups = re.split(r"^## ", PAGES["reference/python.md"], flags=re.MULTILINE)
    for name in set(regress.__all__) - {"__version__"}:
        (own,) = [group for group in groups if f"\n::: regress.{name}\n" in group]
        assert f"| [`{name}`](#regress.{name}) |" in own, name
    for name in set(regress.plot.__all__) - {"Display"}:
        assert f"| [`plot.{name}`](#regress.plot.{name}) |" in PAGES["reference/python.md"], name


def test_the_reference_groups_options_as_the_help_pages_do(html):
    entry = html["reference/python.md"].partition('id="regress.fit"')[2].partition('id="regress.LinearRegressor"')[0]
    told = subprocess.run(
        [sys.executable, "-m", "regress", "fit", "--help"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sections = dict(re.findall(r"^(\S[^\n]*):\n(.*?)(?:\n\n|\Z)", told, re.MULTILINE | re.DOTALL))
    shown = re.split(r'<span class="doc-section-title">Options: (.*?)</span>', entry)
    assert len(shown[1::2]) == 6
    assert {*shown[1::2]} < {*sections}
    for group, options in zip(shown[1::2], shown[2::2], strict=True):
        for name in re.findall(r"<b><code>(\w+)</code></b>", options):
            flags = {f"--{name.replace('_', '-')} ", f"--no-{name.removeprefix('fit_').replace('_', '-')} "}
            assert name in PYTHON_ONLY or any(flag in sections[group].replace("\n", " ") for flag in flags), name
    signature = unescape(re.sub(r"<[^>]+>", "", entry.partition("</pre>")[0]))
    assert "**options" in signature
    assert signature.count("\n") < 30


def test_choices_are_shown_as_written(html):
    text = unescape(re.sub(r"<[^>]+>", "", html["reference/python.md"]))
    assert re.search(r'collinear\s*\(\{"min-norm", "drop", "error"\},\s*default:\s*"min-norm"\s*\)', text)
    assert re.search(r'retransform\s*\(\{"smearing", "normal", "naive"\},\s*default:\s*None\s*\)', text)


@pytest.mark.parametrize("page", PAGES)
def test_every_dotted_name_exists(page):
    for name in re.findall(r"`(regress(?:\.\w+)+)(?:\([^`]*\))?`", PAGES[page]):
        if not name.endswith(".py"):
            pkgutil.resolve_name(name)


def test_install_lines_are_those_of_the_errors():
    known = {value for name, value in vars(errors).items() if name.startswith("INSTALL_")}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for page, text in PAGES.items():
        for line in re.findall(r"pip install '[^']*'", text):
            assert line in known or page == MEASURED, page
            assert set(re.search(r"\[(.*)\]", line)[1].split(",")) <= set(extras), page


def keys_shown(kind):
    """Return the keys of one of the tables in the reference of files."""
    table = PAGES["reference/files.md"].partition(f"<!-- keys: {kind} -->\n")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


COMMANDS = {
    "fit": "fit data/diabetes.csv --target progression --save model.json",
    "certify": "certify model.json data/diabetes.csv",
    "verify": "verify model.json data/diabetes.csv",
    "inspect": "inspect data/diabetes.csv",
    "predict": "predict model.json data/diabetes.csv --interval 0.9",
    "rejects": "fit data/torn.csv --target y --on-bad-lines skip --missing drop --rejects rejects.csv",
}


@pytest.fixture
def folder(tmp_path):
    """Return a folder in which the commands of a page find what a checkout has, and run this checkout's code."""
    for name in ("data", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    for name, call in {"regress": "-m regress", "python": ""}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
        program.chmod(0o755)
    return tmp_path


@dataclass(frozen=True)
class Done:
    """What a command left behind, as `subprocess` says it."""

    returncode: int
    stdout: str
    stderr: str


def plain_call(line):
    """Tell whether a line is a call of regress that needs no shell."""
    return line.startswith("regress ") and not re.search(r"[|<>&;$*`~()]", line)


def shell(folder, line):
    """Run a line as a shell does. A plain call of regress runs in this process, which has all libraries loaded."""
    if plain_call(line):
        with contextlib.chdir(folder):
            return Done(*run_here(*shlex.split(line)[1:]))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    told = {**environment(), "PATH": path}
    return subprocess.run(["bash", "-c", line], cwd=folder, env=told, capture_output=True, text=True)


def test_the_reference_of_files_lists_every_key_and_column(folder):
    told = {}
    for name, command in COMMANDS.items():
        done = shell(folder, f"regress {command}" + " --json" * (name in ("fit", "certify", "verify", "inspect")))
        assert done.returncode == 0, done.stderr
        told[name] = done.stdout
    for name in ("fit", "certify", "verify", "inspect"):
        assert keys_shown(name) == set(json.loads(told[name])), name
    assert keys_shown("inspected") == set(json.loads(told["inspect"])["columns"][0])
    held = json.loads((folder / "model.json").read_text())
    record = held["record"]
    assert keys_shown("model") == set(held)
    assert keys_shown("record") == set(record)
    assert keys_shown("coefficient") == set(record["coefficients"][0])
    assert keys_shown("outcome") == set(record["outcome"])
    assert keys_shown("predictions") == set(told["predict"].partition("\n")[0].split(","))
    assert keys_shown("rejects") == set((folder / "rejects.csv").read_text().partition("\n")[0].split(","))


@pytest.mark.slow
def test_the_reference_of_files_lists_the_keys_of_what_loads_tensorflow():
    for name, function in {"compare": regress.compare, "check": regress.check_gradients}.items():
        table = ROOT / "data" / "diabetes.csv"
        assert keys_shown(name) == {*function(table, "progression").to_dict()}, name


def lines_of(block):
    """Return the commands of a block of bash that are no set-up, each with the exit code that its comment expects."""
    return [(command, code) for command, code in readme.lines(block) if not command.startswith(SET_UP)]


ELSEWHERE = re.compile(rf"{MEASURED}|cookbook/(?!index)")  # not run, or run by test_cookbook.py
WITH_CODE = [page for page, text in PAGES.items() if BLOCK.search(text) and not ELSEWHERE.match(page)]


@pytest.mark.parametrize("page", [pytest.param(p, marks=[pytest.mark.slow] * (p in SLOW)) for p in WITH_CODE])
def test_every_block_of_code_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)  # blocks of Python run here, one after another, with names in common
    names = {"__name__": "__main__"}
    for language, block in BLOCK.findall(PAGES[page]):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, page, "exec"), names)
            continue
        for command, code in lines_of(block):
            done = shell(folder, command)
            assert done.returncode == code, f"{command}\n{done.stderr}"


def test_the_pages_with_code_are_found():
    assert {"index.md", "how-to/collinear.md", "explanation/exact-sums.md", "how-to/report.md"} <= set(WITH_CODE)
    assert lines_of("pip install .\nregress fit a \\\n  b  # exit 2\nls # x\n") == [
        ("regress fit a    b", 2),
        ("ls # x", 0),
    ]
    for page in WITH_CODE:
        assert all(
            line.endswith(("bash", "python", "text", "```")) for line in re.findall("^```.*$", PAGES[page], re.M)
        )
