"""Where rows come from: one contract for arrays, frames and files."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.errors import TableError

ColumnKind = Literal["number", "boolean", "text", "unusable"]
Codes = NDArray[np.int32]
T = TypeVar("T")

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")
"""Cells of a CSV file that hold no value, in numbers and text alike; infinities count as missing too."""

MISSING_CODE, UNSEEN_CODE = -1, -2
EMPTY = "empty"
"""The `dtype` of a column without a value so far."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column before anything is done with it.

    Attributes
    ----------
    name, kind : str
        `kind` is what its first cells look like, until it is `settled`.
    levels : tuple of str, optional
        The order that a Categorical or Enum brings along.
    dtype : str
        What a column is that is neither number nor text.
    hint : str
        Why text that holds numbers cannot be used as it is, and what to do.
    settled : bool
        Whether all cells, their type or the user have decided what it is.
    doubtful : bool
        Whether its first cells are text with a tenth of numbers or more.
    index : bool
        Whether it holds the names of rows: it is a feature only where it is named.
    """

    name: str
    kind: ColumnKind
    levels: tuple[str, ...] | None = None
    dtype: str = ""
    hint: str = ""
    settled: bool = False
    doubtful: bool = False
    index: bool = False


class Reread(Exception):
    """No error: asks whoever reads a table to begin anew, with a source that knows better what its columns are."""

    def __init__(self, source: "Source") -> None:
        super().__init__("the table is to be read again")
        self.source = source


def rereading(source: "Source", read: Callable[["Source"], T]) -> T:
    """Return what `read` makes of a source, called again as often as the source turns out to be another."""
    while True:
        try:
            return read(source)
        except Reread as found:
            source = found.source


class Batch(Protocol):
    """Some consecutive rows of one part of a table."""

    @property
    def part(self) -> str:
        """The file's name, or "" for a table in memory."""
        ...

    @property
    def key(self) -> str:
        """What tells its records from those of other parts, whatever their format; "" for a table of one part."""
        ...

    @property
    def first(self) -> int:
        """Record number of the first row within the part, from 0."""
        ...

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        ...

    @property
    def read(self) -> int:
        """How much of the table was read up to here, in the source's unit."""
        ...

    @property
    def bad(self) -> Mask | None:
        """Which rows cannot be used (rows,); None where all can."""
        ...

    def head(self, rows: int) -> "Batch":
        """Return the first rows of the batch."""
        ...

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column (rows,), NaN where missing."""
        ...

    def columns(self, names: Sequence[str]) -> Sequence[Array] | Array:
        """Return number and boolean columns (rows,) each, NaN where missing, perhaps as one array (columns, rows)."""
        ...

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""
        ...

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""
        ...

    def texts(self, name: str) -> list[str]:
        """Return any column as text, for messages and keys."""
        ...

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, in order; null ones left out."""
        ...


class Source(Protocol):
    """A table that can be read in batches, again and again.

    `size` is its bytes or rows, as `unit` says; `dialect` is how its files are written where that had to be found out;
    `index` is that of a pandas frame, else None.
    """

    label: str
    columns: tuple[Column, ...]
    by_name: dict[str, Column]
    size: int
    unit: str
    dialect: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of how it is read, in sentences."""
        ...

    index: Any

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns, in order, in batches of bounded size, up to a number of rows."""
        ...

    def place(self, part: str, record: int) -> str:
        """Say where a record is, in the words of whoever made the table: "houses.csv, line 17"."""
        ...

    def read_as(self, kinds: Mapping[str, ColumnKind]) -> "Source":
        """Return the source with columns read as the kinds given, whatever their cells look like."""
        ...

    def settled(self, names: Sequence[str]) -> "Source":
        """Return the source with the named columns decided by all of their cells: a pass of its own where need be."""
        ...


def unmasked(values: object) -> object:
    """Return a masked array with NaN in its masked cells; anything else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    kind = values.dtype.kind
    cells = np.asarray(values.data).astype(values.dtype if kind == "f" else np.float64 if kind in "biu" else object)
    cells[np.ma.getmaskarray(values)] = np.nan
    return cells


def written(numbers: Array) -> list[str]:
    """Return numbers as text, whole ones without a point, whatever they look like in a file."""
    return [np.format_float_positional(v, trim="-") for v in np.nan_to_num(numbers).tolist()]


def cut(batches: Iterable[Batch], limit: int | None) -> Iterator[Batch]:
    """Yield batches up to a number of rows."""
    left = limit
    for batch in batches:
        if left is not None and batch.rows >= left:
            yield batch.head(left)
            return
        yield batch
        left = None if left is None else left - batch.rows


def find_column(source: Source, name: str, role: str) -> Column:
    """Return a column by name.

    Raises
    ------
    TableError
        If there is none; the message lists the nearest names.
    """
    if name in source.by_name:
        return source.by_name[name]
    raise TableError(f"{source.label} has no column {name!r} to use as {role}. {nearest(name, list(source.by_name))}")


def nearest(name: str, names: Sequence[str]) -> str:
    """Say which names are nearest to one, or which there are."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    lower = [other for other in names if other.strip().lower() == name.strip().lower()]
    hint = list(dict.fromkeys(lower + near)) or names[:8]
    return (
        ("Nearest: " if lower or near else "It has: ")
        + ", ".join(repr(other) for other in hint)
        + ("." if lower or near or len(names) <= 8 else f", … ({len(names)} columns).")
    )
