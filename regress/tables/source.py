"""Where rows come from: one contract for arrays, frames and files."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from regress.errors import InputError, TableError
from regress.numerics.moments import block_rows
from regress.numerics.twofold import Array, Mask

Kind = Literal["number", "boolean", "text", "unusable"]
Codes = NDArray[np.int32]

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")
"""Cells that hold no value, in numbers and text alike; infinities count as missing too."""

MISSING_CODE, UNSEEN_CODE = -1, -2


@dataclass(frozen=True, slots=True)
class Column:
    """A column before anything is done with it.

    `levels` is the order that a Categorical or Enum brings along, else None; `dtype` and `hint` are for messages.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] | None = None
    dtype: str = ""
    hint: str = ""


class Batch(Protocol):
    """Some consecutive rows of one part of a table."""

    @property
    def part(self) -> str:
        """The file's name, or "" for a table in memory."""
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

    def codes(self, name: str, levels: Sequence[str]) -> Codes:
        """Return a text column as positions in `levels`; MISSING_CODE and UNSEEN_CODE are negative."""
        ...

    def texts(self, name: str) -> list[str]:
        """Return any column as text, for messages and keys."""
        ...

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different values of a text column in some rows, in order; missing ones left out."""
        ...


class Source(Protocol):
    """A table that can be read in batches, again and again.

    `size` is its bytes or rows, as `unit` says; `dialect` is how its files are written where that had to be found out.
    """

    label: str
    columns: tuple[Column, ...]
    by_name: dict[str, Column]
    size: int
    unit: str
    dialect: str

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns, in order, in batches of bounded size, up to a number of rows."""
        ...

    def place(self, part: str, record: int) -> str:
        """Say where a record is, in the words of whoever made the table: "houses.csv, line 17"."""
        ...

    def as_text(self, names: Sequence[str]) -> "Source":
        """Return the source with the named columns read as text."""
        ...


def written(numbers: Array) -> list[str]:
    """Return numbers as text, whole ones without a point, whatever they look like in a file."""
    return [f"{v:.0f}" if v == int(v) else repr(v) for v in np.nan_to_num(numbers).tolist()]


@dataclass(frozen=True, slots=True)
class ArrayBatch:
    """Some rows of an array."""

    part: str
    first: int
    rows: int
    block: Array
    names: Mapping[str, int]
    bad: None = None

    @property
    def read(self) -> int:
        """Rows up to here."""
        return self.first + self.rows

    def head(self, rows: int) -> "ArrayBatch":
        """Return the first rows of the batch."""
        return replace(self, rows=rows, block=self.block[:rows])

    def numbers(self, name: str) -> Array:
        """Return a column."""
        column: Array = self.block[:, self.names[name]]
        return column

    def chosen(self, names: Sequence[str]) -> Array:
        """Return columns side by side: a view where all of them are wanted."""
        return self.block if tuple(names) == tuple(self.names) else self.block[:, [self.names[n] for n in names]]

    def columns(self, names: Sequence[str]) -> Array:
        """Return columns as views."""
        return self.chosen(names).T

    def codes(self, name: str, levels: Sequence[str]) -> Codes:
        """Return a column's values, written out, as positions in `levels`."""
        where = {level: i for i, level in enumerate(levels)}
        finite = np.isfinite(self.numbers(name))
        texts = self.texts(name)
        return np.array(
            [where.get(t, UNSEEN_CODE) if ok else MISSING_CODE for t, ok in zip(texts, finite, strict=True)],
            dtype=np.int32,
        )

    def texts(self, name: str) -> list[str]:
        """Return a column as text, whole numbers without a point."""
        return written(self.numbers(name))

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different values, written out."""
        chosen = replace(self, block=self.block[rows & np.isfinite(self.numbers(name))])
        return list(dict.fromkeys(chosen.texts(name)))


class ArraySource:
    """A numeric array X (m, n), its columns named x0, x1, … or by `names`."""

    label, unit, dialect = "the table", "rows", ""

    def __init__(self, X: object, names: Sequence[str] | None = None, text: Sequence[str] = ()) -> None:
        array = np.asarray(X)
        if array.ndim != 2:
            raise InputError(
                f"X must have two dimensions, rows by columns; its shape is {array.shape}."
                + (" For a single column use X.reshape(-1, 1)." if array.ndim == 1 else "")
            )
        if array.dtype.kind not in "biuf":
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError):
                raise InputError(
                    f"X holds {array.dtype} values, not numbers. Pass a DataFrame to have text columns encoded."
                ) from None
        self.array: Array = array.astype(np.float64, copy=False)
        self.size = len(self.array)
        n = array.shape[1]
        self._names = tuple(names) if names is not None else tuple(f"x{j}" for j in range(n))
        if len(self._names) != n:
            raise InputError(f"{len(self._names)} names were given for {n} columns.")
        self.columns = tuple(Column(name, "text" if name in text else "number") for name in self._names)
        self.by_name = {column.name: column for column in self.columns}

    def named(self, names: Sequence[str]) -> "ArraySource":
        """Return the array with its columns named by position.

        Raises
        ------
        InputError
            If it has more or fewer columns.
        """
        if len(names) != self.array.shape[1]:
            raise InputError(f"X has {self.array.shape[1]} columns; the model takes {len(names)}, in its own order.")
        return ArraySource(self.array, names)

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Yield views of the rows on the fixed grid."""
        where = {name: j for j, name in enumerate(self._names)}
        step, X = block_rows(len(names)), self.array[:limit]
        for i in range(0, len(X), step):
            yield ArrayBatch("", i, len(X[i : i + step]), X[i : i + step], where)

    def place(self, part: str, record: int) -> str:
        """Say which row: arrays count from 0."""
        return f"row {record}"

    def as_text(self, names: Sequence[str]) -> "ArraySource":
        """Return the source with the named columns read as text."""
        return ArraySource(self.array, self._names, names)


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
