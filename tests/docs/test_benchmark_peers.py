"""The benchmark's peers compute what they are compared by; floors, rates and memory are what they say."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from bench import data, files, floor, inside, kinds, machine, measure, report
from bench.measure import Figure, Limit, Report, Result, Table, Tool

ROWS, COLUMNS = 300, 3


@pytest.fixture
def expected():
    """Return the coefficients that numpy.linalg.lstsq computes."""
    return lstsq(*data.table(ROWS, COLUMNS))


@pytest.fixture
def csv(tmp_path):
    """Write the table with all digits of a float64."""
    import polars as pl

    X, y = data.table(ROWS, COLUMNS)
    pl.DataFrame({f"x{j}": X[:, j] for j in range(COLUMNS)} | {"y": y}).write_csv(tmp_path / "t.csv")
    return str(tmp_path / "t.csv")


def lstsq(X, y):
    return np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]


# Peers


@pytest.mark.parametrize(
    ("tool", "package"), [("glum", "glum"), ("polars_ols", "polars_ols"), ("pyfixest", "pyfixest")]
)
@pytest.mark.filterwarnings("default")  # of packages that are not this project's
def test_peers_in_memory_fit_the_intercept_and_every_column(tool, package, expected):
    pytest.importorskip(package)
    assert inside.memory(ROWS, COLUMNS, tool)()() == pytest.approx(expected, rel=1e-9)


def test_duckdb_fits_a_line(csv):
    pytest.importorskip("duckdb")
    X, y = data.table(ROWS, COLUMNS)
    assert files.duckdb_fit(csv, "y", "x1") == pytest.approx(lstsq(X[:, 1:2], y), rel=1e-9)


def test_duckdb_parses_every_cell(csv, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    files.duckdb_parse(csv)
    bad = tmp_path / "bad.csv"
    lines = [f"{k},{k}\n" for k in range(50_000)]  # more rows than it takes types from
    bad.write_text("x,y\n" + "".join(lines) + "1,word\n", encoding="utf-8")
    with pytest.raises(duckdb.Error):
        files.duckdb_parse(str(bad))


def test_polars_ols_fits_a_file(csv, expected):
    pytest.importorskip("polars_ols")
    assert files.polars_ols_fit(csv, "y") == pytest.approx(expected, rel=1e-9)


@pytest.mark.skipif(not shutil.which("Rscript"), reason="Rscript is not installed")
@pytest.mark.parametrize("tool", ["lm", "biglm"])
def test_r_fits_a_file(tool, csv, expected):
    command = ["Rscript", str(measure.SCRIPTS / "bench" / "lm.R"), tool, csv, "y"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.stderr.startswith("biglm is not installed"):
        pytest.skip("biglm is not installed")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == pytest.approx(expected, rel=1e-9)


def test_a_program_that_is_not_installed_is_a_row():
    result = measure.measure(Tool("R lm", ["no-such-Rscript", "lm.R"]), [1.0], 1)
    assert result.problem == "no-such-Rscript is not installed"


def test_a_tool_that_takes_long_is_timed_fewer_times(tmp_path):
    code = f"open({str(tmp_path / 'seen')!r}, 'a').write('x'); print('[1.0]')"
    tool = Tool("slow", [sys.executable, "-c", code], measure.printed_json, runs=2)
    assert len(measure.measure(tool, [1.0], 7).seconds) == 2
    assert len((tmp_path / "seen").read_text()) == 3  # one of them is not counted


# Kinds of input


@pytest.mark.parametrize("kind", [*kinds.ARRAYS, *kinds.FRAMES])
@pytest.mark.parametrize("call", ["LinearRegressor", "regress.fit"])
def test_every_kind_of_input_holds_the_same_rows(call, kind):
    if kind == "Arrow table":
        pytest.importorskip("pyarrow")
    rows = [part.astype(np.float32).astype(np.float64) for part in data.table(ROWS, COLUMNS)]
    run, size = kinds.ready(call, kind, ROWS, COLUMNS)
    assert run() == pytest.approx(lstsq(*rows), rel=1e-6 if "float32" in kind else 1e-9)
    assert size == ROWS * (COLUMNS + 1) * (4 if "float32" in kind else 8)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux restarts the peak")
def test_the_peak_since_a_restart_forgets_what_was_held_before():
    code = """
from bench.kinds import peak_since, restart_peak
held = b"x" * 200_000_000
del held
assert restart_peak()
before = peak_since()
held = b"x" * 50_000_000
print(before, peak_since() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=measure.SCRIPTS, capture_output=True, text=True, check=True)
    before, grown = map(int, done.stdout.split())
    assert before < 150e6
    assert 45e6 < grown < 80e6


# Floors


@pytest.mark.parametrize("task", floor.TASKS)
def test_what_the_machine_is_measured_by_has_the_right_result(task):
    work = floor.TASKS[task](1e-4)
    seconds, error = floor.timed(work, 2, 3)
    assert len(seconds) == 3
    assert error == 0
    assert work.amount > 0


def test_amounts_of_work_are_counted():
    read, product, symmetric = (floor.TASKS[task](1e-4) for task in ("read", "dgemm", "ssyrk"))
    size = len(product.parts[0])
    assert read.amount == 8 * sum(map(len, read.parts))
    assert product.amount == 2 * size**3 * len(product.parts)
    assert symmetric.amount == size**2 * (size + 1) * len(symmetric.parts)


def result(name, seconds, **options):
    figures, wrong = options.pop("figures", {}), options.pop("wrong", False)
    return Result(Tool(name, (), **options), [seconds], 100, wrong=wrong, figures=figures)


def reported(*results, floor=None):
    return Report("one", Table("a table", results[0].tool.name, [r.tool for r in results], floor=floor), results)


def test_the_floor_is_computed_or_that_of_the_fastest_reader_that_counts():
    slow, fast, wrong = (
        result(name, seconds, floor=True, wrong=seconds == 1.0)
        for name, seconds in (("slow", 4.0), ("fast", 2.0), ("wrong", 1.0))
    )
    ours = result("ours", 5.0)
    table = reported(slow, fast, wrong, ours)
    assert (table.floor, table.distance(ours), table.distance(wrong)) == (2.0, 2.5, None)
    text = report.markdown(table)
    assert "**one: a table**, floor 2.00 s\n" in text
    assert "| ours | 5.00 s | 1.25× slow | 2.50× | 0 MB | – |  |" in text
    assert reported(ours, floor=0.5).distance(ours) == 10.0
    without = reported(ours)
    assert (without.floor, without.distance(ours)) == (None, None)
    assert "distance" not in report.markdown(without)
    assert [record["distance"] for record in report.records(table)] == [2.0, 1.0, None, 2.5]


def test_a_limit_may_be_on_a_multiple_and_is_not_judged_where_it_is_not_measured():
    limit = Limit(1.2, what="memory", unit="×")
    held, missed, unknown = (
        result(name, 1.0, limits=(limit,), figures=figures)
        for name, figures in (
            ("held", {"memory": Figure(1.1, "×")}),
            ("missed", {"memory": Figure(1.3, "×")}),
            ("unknown", {}),
        )
    )
    table = reported(held, missed, unknown)
    assert [table.verdicts(r)[0].held for r in table.results] == [True, False, None]
    text = report.markdown(table)
    assert "| memory 1.10× | – | memory ≤ 1.20×: holds, 1.10× |" in text
    assert "memory ≤ 1.20×: **missed**, 1.30×" in text
    assert "memory ≤ 1.20×: not judged" in text


# The machine


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"flags": "sse2 avx avx2 avx512f avx512bw"}, "AVX-512"),
        ({"flags": "sse2 avx avx2"}, "AVX2"),
        ({"Features": "fp asimd"}, "NEON"),
        ({"flags": "sse2"}, "unknown vector instructions"),
    ],
)
def test_the_widest_vector_instructions_are_named(told, name, monkeypatch):
    monkeypatch.setattr(machine, "_described", lambda key: told.get(key, ""))
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    assert machine._vectors() == name


def test_the_heading_names_instructions_and_blas():
    from threadpoolctl import threadpool_info

    here = machine.machine()
    assert f"{here['cpu']}, {here['vectors']}, {here['usable_cpus']} CPUs, BLAS {here['blas']}; " in machine.heading()
    for library in threadpool_info():
        if library["user_api"] == "blas" and "numpy" in library["filepath"]:
            assert library["architecture"] in here["blas"]
