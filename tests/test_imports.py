"""What is not needed is not imported: the difference between a start at once and one that takes seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import regress

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["tensorflow", "polars", "pandas", "sklearn", "scipy", "numpy", "click", "rich", "matplotlib", "jinja2"]

FORMULA = [
    f"regress.design.formula.{name}" for name in ("parser", "factors", "functions", "evaluate", "learned", "plan")
]

# What a plain fit of a CSV file does without, by what it is for.
ELSEWHERE = {
    "clusters": ["regress.api.cluster", "dask", "distributed"],
    "files of moments": ["regress.api.moments"],
    "other sources": [
        *(
            f"regress.sources.{name}"
            for name in ("arrow", "frames", "polars_frames", "parquet", "json_lines", "json_rows")
        ),
        *(f"regress.sources.{name}" for name in ("pipes", "kept", "transfer", "remote", "web", "buckets", "read_once")),
    ],
    "other solvers": [f"regress.solvers.{name}" for name in ("batch_steps", "keras_steps", "huber")],
    "other reference levels": ["regress.api.releveled_record", "regress.design.relevel"],
    "saved models": ["regress.api.load", "regress.design.one_row"],
    "pages": [f"regress.report.{name}" for name in ("live", "page", "charts", "fit_charts", "effect_charts", "svg")],
}

ARRAYS = "import numpy as np, regress; regress.fit(np.eye(4)[:, :2], np.arange(4.0))"
CALL = "import sys; from regress.cli.main import main\ntry: main({})\nexcept SystemExit as end: assert not end.code"
CSV = str(ROOT / "data" / "diabetes.csv")
CASES = {
    "import regress": ("import regress; regress.__version__", HEAVY),
    "regress --help": (CALL.format(["--help"]), [m for m in HEAVY if m != "click"]),
    "regress fit --help": (CALL.format(["fit", "--help"]), [m for m in HEAVY if m != "click"]),
    "regress fit": (
        CALL.format(["fit", CSV, "--target", "progression"]),
        ["tensorflow", "pandas", "sklearn", *FORMULA, *(name for group in ELSEWHERE.values() for name in group)],
    ),
    "regress --version": (CALL.format(["--version"]), [m for m in HEAVY if m != "click"]),
    "a usage error": (
        CALL.format(["fit"]).replace("not end.code", "end.code == 2"),
        [m for m in HEAVY if m != "click"],
    ),
    "regress predict": (
        CALL.format(["predict", "m.json", CSV]),
        ["tensorflow", "pandas", "sklearn", "scipy", *FORMULA],
    ),
    "regress table": (CALL.format(["table", "m.json"]), ["tensorflow", "polars", "pandas", "sklearn", "scipy", "rich"]),
    "regress inspect": (CALL.format(["inspect", CSV]), ["tensorflow", "pandas", "sklearn", "scipy"]),
    "a fit of arrays": (ARRAYS, ["tensorflow", "polars", "pandas", "sklearn", "click", "rich"]),
    "the autodiff module": ("import regress.objective.autodiff", ["tensorflow"]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_needed_is_not_imported(case, tmp_path):
    code, absent = CASES[case]
    regress.fit(CSV, "progression").save(tmp_path / "m.json")
    code += f"\nimport sys; print('loaded:', [m for m in {absent} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_what_a_plain_fit_does_without_exists():
    ours = [name for group in ELSEWHERE.values() for name in group if name.startswith("regress.")]
    for name in [*ours, *FORMULA]:
        assert (ROOT / name.replace(".", "/")).is_dir() or (ROOT / f"{name.replace('.', '/')}.py").is_file(), name
