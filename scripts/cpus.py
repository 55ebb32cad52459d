"""Run the tests that rest on rounding as other CPUs compute: other kernels of OpenBLAS, fewer instructions in NumPy.

The package's own compiled code is turned off, as where it is not built: it computes the same bits on every CPU.

python scripts/cpus.py           # all kinds of CPU that this one can stand in for
python scripts/cpus.py Haswell   # one of them
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# The tests of arithmetic. What files, pages, commands and documents hold does not depend on rounding, and TensorFlow
# has kernels of its own. Of tests/api those are run that hold a figure of a fit against another method.
NUMERIC = (
    *("aggregates", "inference", "numerics", "objective", "oracles", "solvers"),
    *(f"api/test_{name}.py" for name in ("compare", "degenerate", "estimator", "huber", "init", "invariance", "nist")),
    *(f"api/test_{name}.py" for name in ("order", "partial_fit", "predict_one", "predictions", "random_fits")),
    "api/test_sklearn_suite.py",
)
CPUS = {  # core type of OpenBLAS: what NumPy calls the instructions that it needs, and those that such a CPU lacks
    "SkylakeX": (("AVX512", "X86_V4"), ()),
    "Haswell": (("AVX2", "X86_V3"), ("AVX512", "X86_V4")),
}


def instructions() -> list[str]:
    """Return the sets of instructions beyond the least for which NumPy has code, and this CPU too."""
    config = np.show_config("dicts")
    return list(config["SIMD Extensions"].get("found", [])) if config else []


def as_cpu(core: str, lacks: tuple[str, ...]) -> dict[str, str]:
    """Return the environment in which NumPy and SciPy compute as on a CPU."""
    off = " ".join(name for name in instructions() if name.startswith(lacks))
    kinds = {"OPENBLAS_CORETYPE": core, "NPY_DISABLE_CPU_FEATURES": off, "REGRESS_KERNEL": "numpy"}
    return os.environ | kinds


def kernels(environment: dict[str, str]) -> set[str]:
    """Return which kernels of OpenBLAS NumPy and SciPy take."""
    code = (
        "import numpy, scipy.linalg\nfrom threadpoolctl import threadpool_info\n"
        "print(*(lib['architecture'] for lib in threadpool_info() if lib['internal_api'] == 'openblas'))"
    )
    return set(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split())


def reason_to_skip(core: str, needs: tuple[str, ...], own: set[str]) -> str | None:
    """Return why the tests need not or cannot be run as on a CPU."""
    if not own:
        return "NumPy and SciPy do not use OpenBLAS"
    if not any(name.startswith(needs) for name in instructions()):
        return f"this CPU has no {needs[0]}"
    return "this CPU takes these kernels itself, and the suite runs on them" if own == {core} else None


def main(*asked: str) -> None:
    """Run the tests as on each CPU; exit 1 after the first that fails."""
    if platform.machine() not in ("x86_64", "AMD64"):
        print(f"skipped: this machine is {platform.machine()}, and only the kernels of x86-64 are compared")
        return
    if unknown := set(asked) - set(CPUS):
        sys.exit(f"There is no {', '.join(unknown)}; there are {', '.join(CPUS)}.")
    own, tests = kernels(dict(os.environ)), [str(ROOT / "tests" / name) for name in NUMERIC]
    for core in asked or CPUS:
        needs, lacks = CPUS[core]
        if reason := reason_to_skip(core, needs, own):
            print(f"{core}: skipped, {reason}", flush=True)
            continue
        environment = as_cpu(core, lacks)
        if kernels(environment) != {core}:
            sys.exit(f"{core}: OpenBLAS takes the kernels of {kernels(environment)} instead.")
        print(f"{core}, NumPy without: {environment['NPY_DISABLE_CPU_FEATURES'] or '–'}", flush=True)
        words = ["pytest", "-q", "-n", "2", "--dist", "worksteal", "-m", "not slow and not tensorflow", *tests]
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment).returncode:
            sys.exit(f"The numeric tests failed as on {core}; run python {sys.argv[0]} {core}")


if __name__ == "__main__":
    main(*sys.argv[1:])
