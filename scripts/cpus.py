"""Run the numeric tests as other CPUs compute: on other kernels of OpenBLAS, with fewer instruction sets in NumPy.

python scripts/cpus.py           # all kinds of CPU that this one can stand in for
python scripts/cpus.py Haswell   # one of them
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).resolve().parents[1]
# Tests of files, pages and documentation, which do not depend on rounding. All others are numeric, new files too.
SAME = """
    benchmark browser csv data dialects docs documentation files floors imports inspect plot processes public_api
    reading readme report sample scripts sources torture tutorial
""".split()
AVX512 = ("AVX512", "X86_V4")  # as NumPy's versions name it
CPUS = {  # core type of OpenBLAS: the instruction set that it needs, and those that such a CPU lacks
    "SkylakeX": ("AVX512F", ()),
    "Haswell": ("AVX2", AVX512),
}


def as_cpu(core: str, lacks: tuple[str, ...]) -> dict[str, str]:
    """Return the environment in which NumPy and SciPy compute as on a CPU."""
    off = " ".join(name for name in __cpu_dispatch__ if name.startswith(lacks) and __cpu_features__[name])
    return os.environ | {"OPENBLAS_CORETYPE": core, "NPY_DISABLE_CPU_FEATURES": off}


def kernels(environment: dict[str, str]) -> set[str]:
    """Return which kernels of OpenBLAS NumPy and SciPy take."""
    code = (
        "import numpy, scipy.linalg\nfrom threadpoolctl import threadpool_info\n"
        "print(*(lib['architecture'] for lib in threadpool_info() if lib['internal_api'] == 'openblas'))"
    )
    return set(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split())


def reason_to_skip(core: str, needs: str, own: set[str]) -> str | None:
    """Return why the tests need not or cannot be run as on a CPU."""
    if not own:
        return "NumPy and SciPy do not use OpenBLAS"
    if not __cpu_features__[needs]:
        return f"this CPU has no {needs}"
    return "this CPU takes these kernels itself, and the suite runs on them" if own == {core} else None


def tests() -> list[str]:
    """Return the files of numeric tests."""
    files = {path.stem.removeprefix("test_"): str(path) for path in sorted((ROOT / "tests").rglob("test_*.py"))}
    if gone := [name for name in SAME if name not in files]:
        sys.exit(f"There is no test_{gone[0]}.py: take it out of SAME in {__file__}.")
    return [file for name, file in files.items() if name not in SAME]


def main(*asked: str) -> None:
    """Run the tests as on each CPU; exit 1 after the first that fails."""
    if platform.machine() not in ("x86_64", "AMD64"):
        print(f"skipped: this machine is {platform.machine()}, and only the kernels of x86-64 are compared")
        return
    if unknown := set(asked) - set(CPUS):
        sys.exit(f"There is no {', '.join(unknown)}; there are {', '.join(CPUS)}.")
    own, files = kernels(dict(os.environ)), tests()
    for core in asked or CPUS:
        needs, lacks = CPUS[core]
        if reason := reason_to_skip(core, needs, own):
            print(f"{core}: skipped, {reason}", flush=True)
            continue
        environment = as_cpu(core, lacks)
        if kernels(environment) != {core}:
            sys.exit(f"{core}: OpenBLAS takes the kernels of {kernels(environment)} instead.")
        print(f"{core}, NumPy without: {environment['NPY_DISABLE_CPU_FEATURES'] or '–'}", flush=True)
        words = ["pytest", "-q", "-n", "2", "--dist", "worksteal", "-m", "not slow", *files]
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment).returncode:
            sys.exit(f"The numeric tests failed as on {core}; run python {sys.argv[0]} {core}")


if __name__ == "__main__":
    main(*sys.argv[1:])
