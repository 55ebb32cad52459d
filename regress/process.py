"""The process of the command line: what makes it start and read sooner."""

import gc
import os
import sys
from collections.abc import Sequence

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of malloc.h


def begin(arguments: Sequence[str]) -> None:
    """Set up what has to be set before anything large is imported."""
    sys.unraisablehook = _show_unraisable
    gc.set_threshold(100_000)  # what is imported stays: looking for garbage among it takes a tenth
    if "compare" not in arguments:  # where scikit-learn is to have its threads
        for blas in ("OPENBLAS", "MKL"):  # ours come first; threads of BLAS would start, and spin
            os.environ.setdefault(f"{blas}_NUM_THREADS", "1")


def keep_memory() -> None:
    """Have glibc keep what is freed: each block of a table needs as much, and new pages cost as much as reading."""
    import ctypes
    import platform

    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 2**27)
        libc.mallopt(_TRIM_THRESHOLD, 2**30)


def _show_unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    """Show what went wrong where nothing can be raised; but Polars and Python may both tell of one Ctrl-C."""
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
