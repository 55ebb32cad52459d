"""What the figures come from: the processor, its instructions, BLAS, and the versions of packages."""

import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from bench.measure import Failed, printed_json, run, usable_cpus

SHOWN = (
    *("numpy", "polars", "pandas", "scikit-learn", "scikit-learn-intelex", "statsmodels", "tensorflow"),
    *("duckdb", "glum", "polars-ols", "pyfixest", "R"),
)
WIDEST = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}  # the widest first
ASK_BLAS = """
import json, numpy, threadpoolctl
blas = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
shown = "internal_api", "version", "architecture"
print(json.dumps([" ".join(filter(None, map(library.get, shown))) for library in blas]))
"""


@cache
def machine() -> dict[str, Any]:
    """Return what the figures come from."""
    return {
        "cpu": _described("model name") or platform.processor() or platform.machine(),
        "vectors": _vectors(),
        "blas": _blas(),
        "cpus": os.cpu_count(),
        "usable_cpus": usable_cpus(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def _described(key: str) -> str:
    """Return what Linux tells of the first processor under a key; empty where it tells nothing."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{key}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _vectors() -> str:
    """Return the name of the widest vector instructions."""
    flags = {*_described("flags").split(), *_described("Features").split()}
    if platform.machine() == "arm64":  # macOS, which has no such file
        return "NEON"
    return next((name for flag, name in WIDEST.items() if flag in flags), "unknown vector instructions")


def _blas() -> str:
    """Return NumPy's BLAS with its version and kernel, asked of a child: this process imports no NumPy."""
    try:
        told = printed_json(run([sys.executable, "-c", ASK_BLAS]).printed)
    except Failed:
        told = []
    return ", ".join(told) or "unknown"


@cache
def packages() -> dict[str, str]:
    """Return the version of every package that is installed, and of R."""
    installed = {package.name: package.version for package in distributions()}
    return dict(sorted({**installed, **_r()}.items()))


def _r() -> dict[str, str]:
    if not shutil.which("Rscript"):
        return {}
    told = subprocess.run(["Rscript", "--version"], capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\.\d+", told.stdout + told.stderr)
    return {"R": found[0]} if found else {}


def heading() -> str:
    """Return machine and versions in one line."""
    here, installed = machine(), packages()
    versions = ", ".join(f"{name} {installed[name]}" for name in SHOWN if name in installed)
    cpu = f"{here['cpu']}, {here['vectors']}, {here['usable_cpus']} CPUs, BLAS {here['blas']}"
    return f"{cpu}; {sys.platform}, Python {here['python']}. Packages: {versions}\n"
