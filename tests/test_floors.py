"""The floors of docs/architecture.md: who may import whom, and who owns which library."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "regress"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"errors", "escaping"},
    {"numerics", "writing", "aligned", "schema"},
    {"calculus", "tables"},
    {"training", "uncertainty", "modelfile", "model"},
    {"evidence", "preparation", "columns"},
    {"summary", "notes", "portrait", "checking", "inspection", "rivals"},
    {"result", "fitting", "comparison", "estimator"},
    {"adapters", "claims", "certification"},
    {"report", "plot"},
    {"flags", "console", "process", "cli", "startup"},
]
ABOVE = {
    ("cli", "console"),
    ("cli", "flags"),
    ("cli", "process"),
    ("startup", "cli"),
    ("startup", "process"),
    ("fitting", "result"),
    ("plot", "report"),
    ("model", "uncertainty"),
    ("model", "modelfile"),
    ("modelfile", "training"),
    ("modelfile", "uncertainty"),
    ("certification", "claims"),
}  # of one floor, the first may use the second
OWNERS = {
    "tensorflow": {"calculus/autodiff.py"},
    "polars": {
        f"tables/{name}.py"
        for name in ("files", "batches", "parts", "csvfile", "parquet", "frames", "output", "cells", "survey")
    },
    "pandas": {"tables/frames.py"},
    "sklearn": {"rivals.py", "estimator.py", "adapters.py", "claims.py"},
    "scipy.linalg": {"numerics/linalg.py", "numerics/threads.py"},
    "backports": {"tables/streams.py"},
    "statsmodels": {"claims.py"},
    "threadpoolctl": {"numerics/threads.py"},
    "click": {"cli.py", "flags.py"},
    "rich": {"console.py"},
    "matplotlib": {"plot.py"},
    "jinja2": {"report/page.py"},
    "markupsafe": {f"report/{name}.py" for name in ("page", "svg", "tables")},
}


def room(module: str) -> str:
    """Return the folder or file right below the package: "tables" of regress.tables.design."""
    return module.split(".")[1] if "." in module else ""


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


def imports_of(text: str) -> list[str]:
    """Return every module that a text imports, also inside functions, and whatever might be one."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full"
            if node.module != "regress":
                found.append(node.module)
            if node.module.split(".")[0] == "regress":
                found += [f"{node.module}.{alias.name}" for alias in node.names]  # a module, or a name in one
    return found


def imports(path: Path) -> list[str]:
    return imports_of(path.read_text(encoding="utf-8"))


def may_import(here: str, module: str) -> bool:
    """Tell whether a room may import a module."""
    if module.split(".")[0] != "regress":
        return True
    there = room(module)
    return there in ("__version__", "", here) or (here, there) in ABOVE or floor(there) < floor(here)


def may_use(file: str, module: str) -> bool:
    """Tell whether a file may import a library."""
    owned = [OWNERS[name] for name in (module, module.split(".")[0]) if name in OWNERS]
    return all(file in owners for owners in owned)


def home(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_floors_below(path):
    here = home(path)
    if here == "__init__":
        return  # names them all, and imports none before it is used
    for module in imports(path):
        assert may_import(here, module), f"{path.name} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_heavy_library_has_its_owner(path):
    for module in imports(path):
        assert may_use(str(path.relative_to(PACKAGE)), module), f"{path.name} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_hides_in_a_call(path):
    text = path.read_text(encoding="utf-8")
    if path == PACKAGE / "__init__.py":
        assert text.count("import_module(") == 1  # of its own modules, on first use
    else:
        assert "import_module(" not in text
        assert "__import__(" not in text


def test_the_guards_see_what_they_guard_against():
    text = "def f():\n    import polars as pl\n    from regress.tables import files\n    from regress import fitting\n"
    seen = imports_of(text)
    assert {"polars", "regress.tables.files", "regress.fitting"} <= set(seen)
    assert not may_import("numerics", "regress.tables.files")  # a higher floor
    assert not may_import("calculus", "regress.tables.files")  # the same floor
    assert not may_import("training", "regress.model")
    assert not may_import("console", "regress.cli")
    assert may_import("cli", "regress.console")
    assert may_import("tables", "regress.numerics.twofold")
    assert not may_use("fitting.py", "pandas.core")
    assert not may_use("calculus/derived.py", "tensorflow")
    assert may_use("calculus/autodiff.py", "tensorflow")
    assert not may_use("console.py", "matplotlib.pyplot")


def test_no_two_modules_of_a_folder_need_each_other():
    names = {path: ".".join(("regress", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in MODULES}
    edges = {names[path]: set(imports(path)) & set(names.values()) for path in MODULES}
    seen: dict[str, str] = {}

    def visit(module: str) -> None:
        assert seen.get(module) != "open", f"{module} is part of a circle of imports"
        if module not in seen:
            seen[module] = "open"
            for other in edges[module]:
                visit(other)
            seen[module] = "done"

    for module in edges:
        visit(module)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_fits_in_three_hundred_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_architecture_names_every_room_on_its_floor():
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    for number, rooms in enumerate(FLOORS):
        row = next((line for line in lines if line.startswith(f"| {number} |")), "")
        for name in rooms:
            assert f"`{name}.py`" in row or f"`{name}/`" in row, f"{name} on floor {number}"
    assert {home(path) for path in MODULES} - {"__init__"} == set().union(*FLOORS)
