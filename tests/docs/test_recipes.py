"""The recipes for many machines work as they are printed: each gives the fit of all rows, bit for bit."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import regress

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "scale-recipes.md").read_text(encoding="utf-8")
XARGS = re.search(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
RECIPES = dict(re.findall(r"<!-- recipe: (\w+) -->\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SBATCH = """#!/bin/bash
# Stands for SLURM: runs an array job by job, and what depends on it afterwards.
set -euo pipefail
case "$1" in
--parsable)
    echo "$2" > array.txt
    last=${2##*-}
    for number in $(seq "$last"); do SLURM_ARRAY_TASK_ID=$number SLURM_CPUS_PER_TASK=1 bash "$3" > /dev/null; done
    echo 7 ;;
--dependency=afterok:7) bash -c "$3" ;;
esac
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with the parts of the first recipe, in which `regress` is a command, and the fit of all."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    (folder / "bin").mkdir()
    programs = {"regress": f'exec "{sys.executable}" -m regress "$@"', "python": f'exec "{sys.executable}" "$@"'}
    for name, line in {**programs, "sbatch": SBATCH}.items():
        (folder / "bin" / name).write_text(line if line.startswith("#!") else f"#!/bin/sh\n{line}\n")
        (folder / "bin" / name).chmod(0o755)
    for line in XARGS.splitlines():
        if line.startswith(("mkdir", "python")):
            bash(folder, line)
    return folder, regress.fit(str(folder / "parts"), "y", precision="exact", over="moments")


def bash(folder, text):
    """Run a script of bash that must succeed, and return what it prints."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    told = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    done = subprocess.run(["bash", "-e", "-c", text], cwd=folder, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def merged(place):
    """Return a function that checks that the merged file is that of all rows; then it and its parts are removed."""
    folder, whole = place

    def check():
        fit = regress.fit(folder / "all.moments")
        assert (fit.b, *fit.w) == (whole.b, *whole.w)
        assert fit.summary().splitlines()[1] == "6,000 rows"

    yield check
    for path in [folder / "all.moments", *(folder / "parts").glob("*.moments")]:
        path.unlink()


def test_the_recipes_are_found():
    assert RECIPES.keys() == {"job", "submit", "dask", "spark"}
    assert "xargs -P 2" in XARGS


def test_xargs_over_parts(place, merged):
    told = bash(place[0], "\n".join(line for line in XARGS.splitlines() if not line.startswith(("mkdir", "python"))))
    assert "6,000 rows = 6,000 used, of 3 parts" in told
    merged()


@pytest.mark.slow
def test_a_slurm_array(place, merged):
    folder, _ = place
    (folder / "moments.sbatch").write_text(RECIPES["job"])
    (folder / "submit.sh").write_text(RECIPES["submit"])
    for name in ("moments.sbatch", "submit.sh"):
        bash(folder, f"bash -n {name}")
    assert "Linear regression of y on 10 columns" in bash(folder, "bash submit.sh")
    assert (folder / "array.txt").read_text() == "--array=1-3\n"
    merged()


class Rows:
    """Stands for a frame of Spark: each partition is some batches of Arrow."""

    def __init__(self, partitions):
        self.partitions = partitions

    def mapInArrow(self, function, schema):
        assert schema == "moments binary"
        return Rows([list(function(iter(batches))) for batches in self.partitions])

    def toLocalIterator(self):
        return (row for batches in self.partitions for batch in batches for row in batch.to_pylist())


def test_the_function_for_spark(place):
    pa = pytest.importorskip("pyarrow")
    csv = pytest.importorskip("pyarrow.csv")
    ast.parse(RECIPES["spark"])
    names = {}
    exec(compile(RECIPES["spark"], "spark", "exec"), names)
    folder, whole = place
    tables = [csv.read_csv(path) for path in sorted((folder / "parts").glob("*.csv"))]
    empty = pa.RecordBatch.from_pylist([], schema=tables[0].schema)
    partitions = [[empty, *table.to_batches(max_chunksize=700)] for table in tables]
    total = names["total"](Rows([*partitions, [empty], []]))
    fit = regress.fit(total)
    assert (fit.b, *fit.w) == (whole.b, *whole.w)
    assert len(total.parts) == 3


@pytest.mark.slow
def test_a_dask_cluster(place):
    pytest.importorskip("distributed")
    folder, whole = place
    (folder / "job.py").write_text(RECIPES["dask"])
    told = bash(folder, "python job.py")
    assert told.splitlines()[1] == "6,000 rows"
    table = re.search(r"\n\n(.*?)\n\n", told, re.DOTALL)[1]
    assert table == re.search(r"\n\n(.*?)\n\n", whole.summary(), re.DOTALL)[1]
