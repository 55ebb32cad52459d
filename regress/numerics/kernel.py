"""Sums of products of columns by compiled code, where there is some for this CPU: see `kernel.c`.

The package computes the same in NumPy where it was built without, or where the environment sets REGRESS_KERNEL=numpy.
"""

import ctypes
import os
import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.errors import InputError

ROWS = 2**16  # that sums without rounding are taken of at a time
TILE = 128  # rows whose sums are integers below 2^53
LEVELS, SLICES, BITS = 5, 3, 23  # levels of products, of slices, and bits from one slice to the next
WITHIN = 900  # exponents up to which a unit is, and its reciprocal, far from the ends of a double's range

_TILE, _CELLS = 256, 2**19  # rows whose sums in float64 are added to the others; cells that are converted at a time
_PANEL = 8  # columns side by side in the compiled code
_NEEDS = {  # as /proc/cpuinfo names what x86-64-v3 and -v4 have; abm is lzcnt
    "v3": {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


class ExactProducts(NamedTuple):
    """Sums over rows of n columns, which are integers.

    Attributes
    ----------
    products : array of shape (LEVELS, n, n)
        By level, in units of 2^(−BITS · level), on and above the diagonal; below is nothing to rely on.
    squares : array of shape (SLICES, n)
        Σ of the square of the power of two below each cell, in units of 2^(−2 BITS · slice).
    inexact : array of shape (n,)
        Cells that are no integers below 2^53.
    aside : array of int
        Rows that are not in the sums, since a cell is too large, or has digits below the last slice.
    """

    products: NDArray[np.int64]
    squares: NDArray[np.int64]
    inexact: NDArray[np.int64]
    aside: NDArray[np.int64]


@cache
def compiled() -> Any | None:
    """Return the compiled code; None where there is none for this CPU, or the environment refuses it.

    Raises
    ------
    InputError
        If the environment asks for something else.
    """
    asked = os.environ.get("REGRESS_KERNEL", "")
    if asked not in ("", "numpy"):
        raise InputError(f"The environment variable REGRESS_KERNEL may be numpy, or not set; it is {asked!r}.")
    return None if asked else next(filter(None, map(library, _kinds())), None)


def described() -> str:
    """Return what sums products."""
    return "NumPy" if compiled() is None else "compiled code"


def library(kind: str) -> Any | None:
    """Return the compiled code for a kind of CPU; None where the package was built without, or it cannot be loaded.

    The name of a library has the checksum of its source, so that none is loaded that was made of another.
    """
    source = Path(__file__).with_suffix(".c")
    try:
        code = ctypes.CDLL(str(source.with_name(f"kernel_{kind}.{crc32(source.read_bytes()):08x}.so")))
    except OSError:  # there is none, or the disk is mounted without execution
        return None
    integer, pointer = ctypes.c_int64, ctypes.c_void_p
    code.products.argtypes = [pointer, pointer, integer, integer, pointer, pointer, pointer]
    code.exact_products.argtypes = [pointer, pointer, integer, integer, *[pointer] * 5]
    return code


def _kinds() -> list[str]:
    """Return the kinds of CPU that this one is of, the best first."""
    if platform.machine() in ("aarch64", "arm64"):
        return ["neon"]
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            has = set(next((line for line in lines if line.startswith("flags")), "").split())
    except OSError:
        return []
    kinds = ["v3", "v4"] if has >= _NEEDS["v3"] | _NEEDS["v4"] else ["v3"] if has >= _NEEDS["v3"] else []
    return kinds[::-1]


def products(code: Any, parts: Sequence[Array], shift: Array, root: Array | None = None) -> Array:
    """Return Σ zᵀz (n, n) over rows z = √a (x − c), symmetric, of columns x that stand in arrays side by side.

    Parameters
    ----------
    code : library
        From `compiled`.
    parts : sequence of arrays of shape (m, …)
        Columns, in any layout. Where they are of other types of number, some rows at a time become float64.
    shift : array of shape (n,)
        The number c of each column.
    root : array of shape (m,), optional
        √a of each row.
    """
    n, rows = len(shift), len(parts[0])
    sums = np.zeros((_padded(n), _padded(n)))
    step = rows if all(map(_in_steps, parts)) else max(_CELLS // n // _TILE, 1) * _TILE
    for i in range(0, rows, step):
        some = slice(i, i + step)
        table = _Table([part[some] for part in parts])
        of_rows = None if root is None else np.ascontiguousarray(root[some], dtype=np.float64)
        table.call(code.products, table.padded(shift), of_rows, sums)
    above = sums[:n, :n]
    return np.asarray(np.triu(above) + np.triu(above, 1).T)


def exact_products(code: Any, parts: Sequence[Array], scale: Array) -> ExactProducts:
    """Return sums without rounding over up to `ROWS` rows; `scale` has a power of two for each column."""
    table = _Table(parts)
    n, size = table.n, table.size
    sums = np.zeros((LEVELS, size, size), dtype=np.int64)
    squares, inexact = np.zeros((SLICES, size), dtype=np.int64), np.zeros(size, dtype=np.int64)
    aside = np.zeros(table.rows, dtype=np.uint8)
    table.call(code.exact_products, table.padded(scale), sums, squares, inexact, aside)
    return ExactProducts(sums[:, :n, :n], squares[:, :n], inexact[:n], np.flatnonzero(aside))


class _Table:
    """Columns as the compiled code takes them: where the first cell of each is, and how far it is to the next."""

    def __init__(self, parts: Sequence[Array]) -> None:
        self._parts = [part if _in_steps(part) else _converted(part) for part in parts]
        self.rows, self.n = len(parts[0]), sum(part.shape[1] for part in parts)
        self.size = _padded(self.n)
        first = [part.ctypes.data + part.strides[1] * np.arange(part.shape[1]) for part in self._parts]
        step = [np.full(part.shape[1], part.strides[0] // 8) for part in self._parts]
        self._first, self._step = (np.concatenate(part).astype(np.int64) for part in (first, step))

    def padded(self, values: Array) -> Array:
        """Return a number for each column of the panels."""
        return np.concatenate([values, np.zeros(self.size - self.n)])

    def call(self, function: Any, *arrays: NDArray[Any] | None) -> None:
        """Call a function of the compiled code; other threads go on meanwhile."""
        pointers = [None if array is None else array.ctypes.data for array in arrays]
        if function(self._first.ctypes.data, self._step.ctypes.data, self.rows, self.n, *pointers):
            raise MemoryError("there is too little memory for sums of products")


def _padded(n: int) -> int:
    """Return a number of columns as whole panels hold them."""
    return -(-n // _PANEL) * _PANEL


def _in_steps(part: Any) -> bool:
    """Tell whether cells are float64 numbers in steps of 8 bytes."""
    if not (isinstance(part, np.ndarray) and part.dtype == np.float64 and part.flags.aligned):
        return False
    return not any(step % 8 for step in part.strides)


def _converted(part: Any) -> Array:
    cells = np.asarray(part, dtype=np.float64)
    return cells if _in_steps(cells) else cells.copy()
