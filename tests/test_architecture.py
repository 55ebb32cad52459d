"""The house of docs/architecture.md: which way imports go, who owns which library, and how large a room may be."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "regress"
MODULES = sorted(PACKAGE.rglob("*.py"))

# An import goes down, from a folder to one that stands before it; the files beside the folders are the ground.
ORDER = (
    "ground",
    "numerics",
    "sources",
    "design",
    "aggregates",
    "objective",
    "solvers",
    "inference",
    "report",
    "api",
    "cli",
)
APART = {"inference", "report"}  # records pass between them
FACES = ("__init__", "__main__", "plot")  # names of what the folders hold
GROUND = (
    "messages",
    "errors",
    "options",
    "keywords",
    "blocks",
    "records",
    "term_records",
    "fit_record",
)  # options is a folder
OWNERS = {
    "tensorflow": {"objective/autodiff.py"},
    "keras": {"objective/autodiff.py"},
    "polars": {"sources/"},
    "pandas": {"sources/frames.py"},
    "sklearn": {
        *("api/other_tools.py", "api/added_tools.py", "api/scoring.py"),
        *("api/estimator.py", "api/estimator_checks.py", "api/callbacks.py"),
        *("api/pipeline.py", "api/pipeline_steps.py", "api/foreign_models.py"),
    },
    "statsmodels": {"api/foreign_models.py"},
    "scipy.linalg": {"numerics/lazy_scipy.py", "numerics/threads.py"},
    "threadpoolctl": {"numerics/threads.py"},
    "backports": {"sources/csv/stream.py"},
    "dask": {
        "api/cluster/dask_engine.py",
        "api/cluster/dask_client.py",
        "api/cluster/dask_worker.py",
        "api/cluster/dask_collections.py",
    },
    "distributed": {
        "api/cluster/dask_engine.py",
        "api/cluster/dask_client.py",
        "api/cluster/dask_worker.py",
        "api/cluster/dask_collections.py",
    },
    "fsspec": {"sources/buckets.py"},
    "click": {"cli/"},
    "rich": {"cli/console.py"},
    "matplotlib": {"report/axes.py"},
    "jinja2": {"report/page.py"},
    "markupsafe": {"report/"},
}


def name_of(path: Path) -> str:
    """Return a module's name below the package: "sources.csv.reader"."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def folder(module: str) -> str:
    """Return the folder of a module of the package; its files beside the folders are the ground."""
    first = module.split(".")[0]
    return first if first in ORDER else "ground"


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


@cache
def imports(path: Path) -> list[str]:
    return imports_of(path.read_text(encoding="utf-8"))


def may_import(here: str, module: str) -> bool:
    """Tell whether a module of the package may import another module; both without the package's name."""
    if not module.startswith("regress.") or module == "regress.__version__":
        return True
    there = module.removeprefix("regress.")
    mine, other = folder(here), folder(there)
    if mine == other:
        one, two = here.split(".")[0], there.split(".")[0]
        return mine != "ground" or one == two or GROUND.index(two) < GROUND.index(one)
    return ORDER.index(other) < ORDER.index(mine) and {mine, other} != APART


def may_use(file: str, module: str) -> bool:
    """Tell whether a file may import a library."""
    owned = [OWNERS[name] for name in (module, module.split(".")[0]) if name in OWNERS]
    return all(
        any(file == owner or (owner[-1] == "/" and file.startswith(owner)) for owner in owners) for owners in owned
    )


def test_an_import_goes_down():
    found = [(name_of(path), module) for path in MODULES if name_of(path) not in FACES for module in imports(path)]
    assert len(found) > 1000
    assert not [f"{here} imports {module}" for here, module in found if not may_import(here, module)]


def test_each_heavy_library_has_its_owner():
    found = [(str(path.relative_to(PACKAGE)), module) for path in MODULES for module in imports(path)]
    assert not [f"{file} imports {module}" for file, module in found if not may_use(file, module)]


def test_no_import_hides_in_a_call():
    texts = {path: path.read_text(encoding="utf-8") for path in MODULES}
    own = texts.pop(PACKAGE / "__init__.py")
    assert own.count("import_module(") == 1  # of its own modules, on first use
    assert not [path for path, text in texts.items() if "import_module(" in text or "__import__(" in text]


def test_the_guards_see_what_they_guard_against():
    text = "def f():\n    import polars as pl\n    from regress.sources import files\n    from regress.api import fit\n"
    seen = imports_of(text)
    assert {"polars", "regress.sources.files", "regress.api.fit"} <= set(seen)
    assert not may_import("numerics.line", "regress.sources.files")  # up
    assert not may_import("report.page", "regress.inference.certificate")  # apart
    assert not may_import("inference.certificate", "regress.report.svg")
    assert not may_import("messages", "regress.errors")
    assert not may_import("design.rows", "regress.aggregates.moments")
    assert may_import("aggregates.fold", "regress.design.rows")
    assert may_import("cli.main", "regress.cli.console")
    assert may_import("sources.base", "regress.numerics.error_free")
    assert not may_use("api/fit.py", "pandas.core")
    assert not may_use("objective/gradient.py", "tensorflow")
    assert may_use("objective/autodiff.py", "tensorflow")
    assert may_use("sources/csv/reader.py", "polars")
    assert not may_use("cli/console.py", "matplotlib.pyplot")


def test_no_two_modules_need_each_other():
    names = {path: f"regress.{name_of(path)}" for path in MODULES}
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


def test_a_module_fits_in_three_hundred_lines():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in [*MODULES, *PACKAGE.rglob("*.c")]}
    assert max(lines.values()) > 200
    assert not {path: count for path, count in lines.items() if count > 300}


def test_the_top_level_of_the_package_is_its_folders_and_the_ground():
    here = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert {path.name for path in here if path.is_dir()} == {*ORDER[1:], "options"}
    files = {path.stem for path in here if path.suffix == ".py"}
    assert files == {*FACES, *GROUND} - {"options"}
    assert len(files) <= 10


def test_the_page_of_the_architecture_names_every_module():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in MODULES:
        if path.stem not in FACES:
            assert path.stem in page, path


_MOST_PARAMETERS, _MOST_ARGUMENTS = 5, 6  # by position


def functions_of(tree: ast.AST) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Return every function of a text with the number of its positional parameters, without self and cls."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    bound = {f for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body if isinstance(f, kinds)}
    static = {f for f in bound if any(ast.unparse(d) == "staticmethod" for d in f.decorator_list)}
    found = [f for f in ast.walk(tree) if isinstance(f, kinds)]
    return [(f, len(f.args.posonlyargs) + len(f.args.args) - (f in bound - static)) for f in found]


def long_signatures(text: str) -> list[str]:
    """Return the functions of a text with too many positional parameters."""
    return [f.name for f, count in functions_of(ast.parse(text)) if count > _MOST_PARAMETERS]


def long_calls(text: str) -> list[str]:
    """Return the calls in a text with too many positional arguments."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [ast.unparse(call.func) for call in calls if len(call.args) > _MOST_ARGUMENTS]


def test_functions_take_few_positional_arguments():
    for path in MODULES:
        if folder(name_of(path)) != "numerics":
            text = path.read_text(encoding="utf-8")
            assert not long_signatures(text), path
            assert not long_calls(text), path


def test_the_guard_sees_long_signatures_and_calls():
    assert long_signatures("def f(a, b, c, d, e, g): pass") == ["f"]
    assert not long_signatures("class A:\n    def f(self, a, b, c, d, e, *, g=1): pass")
    assert long_signatures("class A:\n    @staticmethod\n    def f(a, b, c, d, e, g): pass") == ["f"]
    assert long_calls("f(1, 2, 3, 4, 5, 6, 7)") == ["f"]
    assert not long_calls("f(1, 2, 3, 4, 5, 6, a=7)")
