"""The compiled sums of products: exact against fractions, the same bits on every CPU, the same sums as NumPy's."""

import os
import platform
import runpy
import shutil
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.moment_sums import accumulate
from regress.aggregates.totals_bytes import to_bytes
from regress.blocks import Block, blocks_of
from regress.errors import InputError
from regress.numerics import kernel
from tests.examples import examples

ROOT = Path(__file__).resolve().parents[2]
BUILT = (platform.system(), platform.machine()) in {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
CODES = [pytest.param(code, id=kind) for kind in kernel._kinds() if (code := kernel.library(kind)) is not None]
KINDS = {
    "normal": lambda r, m, n: r.normal(size=(m, n)),
    "decimals": lambda r, m, n: r.normal(size=(m, n)).round(2),
    "integers": lambda r, m, n: r.integers(-9, 10, (m, n)).astype(float),
    "far from zero": lambda r, m, n: 1.7e9 + r.uniform(size=(m, n)),
    "12 decades": lambda r, m, n: 10 ** r.uniform(-12, 0, (m, n)),
    "mostly zeros": lambda r, m, n: r.normal(size=(m, n)) * (r.uniform(size=(m, n)) < 0.05),
    "columns of other sizes": lambda r, m, n: r.normal(size=(m, n)) * 2.0 ** r.integers(-200, 200, n),
    "integers beyond 2^53": lambda r, m, n: np.rint(r.normal(size=(m, n)) * 2.0**60),
    "one cell far off": lambda r, m, n: np.where(r.uniform(size=(m, n)) < 1 / m, 1e30, r.normal(size=(m, n))),
    "out of range": lambda r, m, n: r.normal(size=(m, n)) * 2.0 ** r.choice([-1060, 0, 500], n),
}
rows_of = st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 700), st.integers(1, 19), st.integers(0, 2**32 - 1))


def table(given):
    kind, m, n, seed = given
    return KINDS[kind](np.random.default_rng(seed), m, n)


@pytest.mark.skipif(not BUILT, reason="the compiled code is not built for this kind of machine")
@pytest.mark.skipif(os.environ.get("REGRESS_KERNEL") == "numpy", reason="it was turned off")
def test_it_is_there_where_it_is_built_for_the_machine():
    assert kernel.compiled() is not None or not kernel._kinds()


def test_the_environment_turns_it_off():
    code = "from regress.numerics import kernel; print(kernel.compiled())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"REGRESS_KERNEL": "numpy"}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "None"


def test_the_environment_may_not_ask_for_something_else(monkeypatch):
    monkeypatch.setenv("REGRESS_KERNEL", "fast")
    with pytest.raises(InputError, match=r"REGRESS_KERNEL may be numpy, or not set; it is 'fast'\.$"):
        kernel.compiled.__wrapped__()


def test_a_fit_tells_what_summed_its_products(monkeypatch):
    table = {"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]}
    used = "NumPy" if kernel.compiled() is None else "compiled code"
    assert regress.fit(table, "y").model.versions["products"] == used
    monkeypatch.setattr(kernel, "compiled", lambda: None)
    assert regress.fit(table, "y").model.versions["products"] == "NumPy"


def test_a_library_that_cannot_be_loaded_is_as_none(tmp_path, monkeypatch):
    (tmp_path / "kernel.c").write_bytes(b"int one;")
    (tmp_path / f"kernel_v3.{crc32(b'int one;'):08x}.so").write_bytes(b"not a library")
    monkeypatch.setattr(kernel, "__file__", str(tmp_path / "kernel.py"))
    assert kernel.library("v3") is None


@pytest.mark.skipif(not CODES, reason="there is none")
def test_a_library_of_another_source_is_not_loaded(tmp_path, monkeypatch):
    kind, folder = CODES[0].id, Path(kernel.__file__).parent
    for path in folder.glob("kernel*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(kernel, "__file__", str(tmp_path / "kernel.py"))
    assert kernel.library(kind) is not None
    with (tmp_path / "kernel.c").open("a") as source:
        source.write("/* changed */")
    assert kernel.library(kind) is None


def test_a_library_that_runs_is_not_written_over(tmp_path, monkeypatch):
    for name in ("hatchling", "hatchling.builders", "hatchling.builders.hooks", "hatchling.builders.hooks.plugin"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    interface = types.ModuleType("interface")
    interface.BuildHookInterface = object
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", interface)
    build = runpy.run_path(str(ROOT / "scripts" / "lib" / "build_kernel.py"))
    monkeypatch.setattr(subprocess, "run", lambda words, **_: Path(words[-1]).write_bytes(b"new"))
    folder = tmp_path / build["NUMERICS"]
    folder.mkdir(parents=True)
    (folder / "kernel.c").write_bytes(b"int one;")
    made, other = (folder / f"kernel_v3.{crc32(of):08x}.so" for of in (b"int one;", b"int another;"))
    made.write_bytes(b"old")
    other.write_bytes(b"older")
    with made.open("rb") as running:
        assert build["compile_all"](tmp_path, build["Target"]("any", {"v3": "any"}, "any")) == [made]
        assert (running.read(), made.read_bytes()) == (b"old", b"new")
    assert {path.name for path in folder.iterdir()} == {"kernel.c", made.name}


@pytest.mark.parametrize("missing", ["abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"])
def test_a_cpu_without_all_of_a_level_runs_no_code_for_it(missing, tmp_path, monkeypatch):
    flags = set("abm avx2 avx512bw avx512cd avx512dq avx512f avx512vl bmi1 bmi2 f16c fma movbe".split())
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(kernel.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(kernel, "open", lambda path, **how: info.open(**how), raising=False)
    info.write_text(f"flags : {' '.join(sorted(flags))}\n")
    assert kernel._kinds() == ["v4", "v3"]
    info.write_text(f"flags : {' '.join(sorted(flags - {missing}))}\n")
    assert kernel._kinds() == []


@pytest.mark.parametrize("code", CODES)
def test_square_roots_of_weights_may_be_float32(code):
    X, root = np.arange(6.0)[:, None], np.arange(1, 7, dtype=np.float32)
    found = kernel.products(code, [X], np.zeros(1), root)
    assert found.tolist() == kernel.products(code, [X], np.zeros(1), root.astype(np.float64)).tolist()


@pytest.mark.parametrize("code", CODES)
@given(rows_of, st.sampled_from("CF"))
def test_exact_products_are_those_of_fractions(code, given, order):
    X = np.asarray(table(given), order=order)
    largest = np.abs(X).max(0)
    unit = np.clip(np.frexp(largest)[1].astype(np.int64) - 21, -800, 800)
    found = kernel.exact_products(code, [X], np.ldexp(1.0, -unit))
    kept = np.delete(X, found.aside, axis=0)[:40]
    few = kernel.exact_products(code, [kept], np.ldexp(1.0, -unit))
    assert not len(few.aside)
    exact = [[Fraction(cell) for cell in row] for row in kept.tolist()]
    for i in range(X.shape[1]):
        for j in range(i, X.shape[1]):
            sums = enumerate(few.products[:, i, j].tolist())
            unit_ij = Fraction(2) ** int(unit[i] + unit[j])
            assert sum(s * unit_ij / 2 ** (23 * k) for k, s in sums) == sum(row[i] * row[j] for row in exact)
        powers = [Fraction(2) ** int(np.frexp(abs(cell))[1] - 1) for cell in kept[:, i].tolist() if cell]
        squares = enumerate(few.squares[:, i].tolist())
        assert sum(Fraction(s) * Fraction(4) ** (int(unit[i]) - 23 * k) for k, s in squares) == sum(
            power**2 for power in powers
        )
        assert few.inexact[i] == sum(cell.denominator > 1 or abs(cell) >= 2**53 for cell in (row[i] for row in exact))


@pytest.mark.parametrize("code", CODES)
def test_wide_tables_have_exact_products(code):
    X = np.random.default_rng(0).integers(-9, 10, (300, 250)).astype(float)
    found = kernel.exact_products(code, [X], np.ones(250))
    assert not len(found.aside)
    assert (np.triu(found.products[0]) == np.triu(X.T @ X)).all()


@pytest.mark.parametrize("code", CODES)
def test_only_rows_that_do_not_fit_are_set_aside(code):
    X = np.ones((300, 3))
    X[[5, 131, 299], [0, 1, 2]] = 2.0**23, 2.0**-60, np.nan
    assert kernel.exact_products(code, [X], np.ones(3)).aside.tolist() == [5, 131, 299]


@given(rows_of, st.integers(1, 300), st.booleans())
@settings(max_examples=examples(60))
def test_exact_sums_have_the_bits_of_those_in_numpy(given, step, by_columns):
    X = np.asarray(table(given), order="F" if by_columns else "C")
    y = X[:, :1] * 3.0 + 0.1
    found = []
    for compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not compiled:
                patch.setattr(kernel, "compiled", lambda: None)
            sums = ExactSums()
            for i in range(0, len(X), step):
                sums.add(Block(X[i : i + step], y[i : i + step]))
            found.append(to_bytes(sums))
    assert found[0] == found[1]


def test_cells_that_grow_stay_with_the_compiled_code():
    if not CODES:
        pytest.skip("there is none")
    X = np.arange(1.0, 200_000.0)[:, None]
    sums = ExactSums()
    for block in blocks_of(X, X):
        sums.add(block)
    assert sums._sum._shallow
    assert sums.finish().fraction(0, 1) == 199_999 * 200_000 // 2


def test_a_few_rows_do_not_decide_for_all_others():
    if kernel.compiled() is None:
        pytest.skip("there is none")
    X, sums = np.arange(1.0, 1000.0)[:, None], ExactSums()
    X[:2, 0] = 2.0**60, 1.0 + 2.0**-52
    for block in (Block(X[:2], X[:2]), Block(X[2:], X[2:])):
        sums.add(block)
    assert sums._sum._shallow


def test_cells_with_more_digits_are_tried_once(monkeypatch):
    if kernel.compiled() is None:
        pytest.skip("there is none")
    tried, products = [], kernel.exact_products
    monkeypatch.setattr(kernel, "exact_products", lambda *given: tried.append(given) or products(*given))
    X = 10.0 ** np.random.default_rng(0).uniform(-12, 0, (5000, 3))
    sums = ExactSums()
    for block in (Block(X, X[:, :1]), Block(X, X[:, :1])):
        sums.add(block)
    assert len(tried) == 1
    assert not sums._sum._shallow


@pytest.mark.parametrize("code", CODES)
@given(rows_of, st.sampled_from(["C", "F", "every other", "not aligned"]), st.booleans())
def test_sums_in_float64_are_near_those_of_fractions(code, given, layout, weighted):
    X = np.asarray(table(given)[:60], order="F" if layout == "F" else "C")
    X = X / np.maximum(np.abs(X).max(0), 1e-300)
    if layout == "every other":
        X = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
    elif layout == "not aligned":
        raw = np.zeros(X.nbytes + 1, dtype=np.uint8)
        moved = raw[1:].view(np.float64).reshape(X.shape)
        moved[:] = X
        X = moved
    shift, root = np.linspace(0.0, 1.0, X.shape[1]), np.linspace(0.5, 2.0, len(X)) if weighted else None
    found = kernel.products(code, [X], shift, root)
    z = (X - shift) * (1.0 if root is None else root[:, None])
    exact = [[Fraction(cell) for cell in row] for row in z.tolist()]
    for i in range(X.shape[1]):
        for j in range(X.shape[1]):
            size = float(np.abs(z[:, i]) @ np.abs(z[:, j]))
            assert abs(found[i, j] - float(sum(row[i] * row[j] for row in exact))) <= 1e-14 * size


@pytest.mark.skipif(len(CODES) < 2, reason="this CPU is of one kind")
@given(rows_of, st.booleans())
def test_every_kind_of_cpu_computes_the_same_bits(given, weighted):
    X = table(given)
    shift, root = X[0], np.linspace(0.5, 2.0, len(X)) if weighted else None
    with np.errstate(all="ignore"):
        found = [kernel.products(code.values[0], [X], shift, root).tobytes() for code in CODES]
    assert len(set(found)) == 1


def test_moments_by_threads_have_the_same_bits():
    X = np.random.default_rng(0).normal(size=(200_000, 3))
    one, four = (accumulate(blocks_of(X, X[:, :1]), n_jobs) for n_jobs in (1, 4))
    assert one.xx.tobytes() == four.xx.tobytes()
    assert one.mean_x.tobytes() == four.mean_x.tobytes()
