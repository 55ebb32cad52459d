"""The process of the command line: its start, its memory and its output."""

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from regress.errors import InputError
from regress.messages import flag, visible

TOO_LITTLE_MEMORY = f"there is too little memory. Allow more (ulimit -v), or use fewer columns or {flag('n_jobs', 1)}."
FAILED, UNUSABLE, UNCONVERGED, INTERRUPTED = 1, 2, 3, 130  # exit codes
_NO_MEMORY = ("cannot allocate memory", "failed to map segment", "can't start new thread", "code: 11")
_LEAST = 2 * 10**9  # bytes of address space: with less, the libraries abort where nobody can catch it
OUTPUT = "standard output"
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of malloc.h


def begin(arguments: Sequence[str]) -> None:
    """Set up the process before large packages are imported."""
    sys.unraisablehook = _show_unraisable
    _name_output()
    collect_rarely()
    if "compare" not in arguments:  # where scikit-learn is to have its threads
        one_thread_of_blas()


def collect_rarely() -> None:
    """Collect garbage less often: imported modules stay, and each collection looks at all of them."""
    gc.set_threshold(100_000)


def one_thread_of_blas() -> None:
    """Keep BLAS from starting threads: those of regress come first, and those of BLAS would only spin."""
    for blas in ("OPENBLAS", "MKL"):
        os.environ.setdefault(f"{blas}_NUM_THREADS", "1")


def check_memory() -> None:
    """Refuse a limit on the address space under which the libraries cannot even start their threads.

    Raises
    ------
    InputError
        If there is such a limit.
    """
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST:
        raise InputError(
            f"This process may use {limit / 1e6:,.0f} MB of address space (ulimit -v), but Polars and NumPy need "
            f"{_LEAST / 1e6:,.0f} MB. Raise the limit."
        )


def keep_memory() -> None:
    """Make glibc keep freed memory: each block of a table needs as much, and new pages take as long as reading."""
    import ctypes
    import platform

    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 2**27)
        libc.mallopt(_TRIM_THRESHOLD, 2**30)


def leave(code: int) -> None:
    """Exit without the shutdown of the interpreter. Standard output has been flushed."""
    os._exit(code)


class _Output(io.FileIO):
    """Standard output, named in the errors of writing to it."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = OUTPUT
            raise


def _name_output() -> None:
    """Make errors of writing to standard output name it; in encodings without ŷ, write a code instead."""
    if sys.stdout is not None:
        raw = _Output(sys.stdout.fileno(), "w", closefd=False)
        lines, encoding = bool(sys.stdout.line_buffering), sys.stdout.encoding
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=lines)


def say(text: str) -> None:
    """Print a line on standard error, safe for the terminal; continue if it cannot be written."""
    try:
        sys.stderr.write(visible(text) + "\n")
        sys.stderr.flush()
    except (AttributeError, OSError):  # closed from the beginning, or full
        sys.stderr = open(os.devnull, "w")


def say_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a note."""
    say(f"Note: {message}")


def discard_output() -> None:
    """Discard output that is not yet flushed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def cause(error: OSError) -> str:
    """Return a sentence that names the file, since the system reports only the reason."""
    why = error.strerror or str(error)
    if error.filename == OUTPUT:
        discard_output()
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)} cannot be used: {why}."
    try:
        os.getcwd()
    except OSError:
        return "the working folder no longer exists. Change to another folder."
    return f"a file cannot be used: {why}."


def unexpected(error: BaseException) -> str:
    """Return an unexpected error as a sentence: its type, its text, its place, and what to do."""
    said = (str(error).strip().splitlines() or ["no text"])[0].rstrip(".")
    if isinstance(error, MemoryError) or any(words in said.lower() for words in _NO_MEMORY):
        return TOO_LITTLE_MEMORY
    place, step = "", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        place = f", {os.path.basename(file)} line {step.tb_lineno}" if f"{os.sep}regress{os.sep}" in file else place
        step = step.tb_next
    return (
        f"regress failed unexpectedly ({type(error).__name__}: {said}{place}). "
        "Please report this with the command line and the first lines of the table."
    )


def _show_unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    """Show errors that cannot be raised, except KeyboardInterrupt: Polars and Python may both report one Ctrl-C."""
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
