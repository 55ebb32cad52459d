"""Arrays as sources: views of their rows. Other types of number become float64 a batch at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask, block_rows
from regress.errors import InputError
from regress.sources.base import (
    MISSING_CODE,
    UNSEEN_CODE,
    Batch,
    Bookmark,
    Codes,
    Column,
    ColumnKind,
    Partition,
    Source,
)


def unmasked(values: object) -> object:
    """Return a masked array with NaN in its masked cells; anything else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    kind = values.dtype.kind
    cells = np.asarray(values.data).astype(values.dtype if kind == "f" else np.float64 if kind in "biu" else object)
    cells[np.ma.getmaskarray(values)] = np.nan
    return cells


def small_numbers(dtype: "np.dtype[Any]") -> bool:
    """Tell whether cells of a type are numbers of at most 64 bits."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def written(numbers: Array) -> list[str]:
    """Return numbers as text, integers without a point, whatever they look like in a file."""
    return [np.format_float_positional(v, trim="-") for v in np.nan_to_num(numbers).tolist()]


@dataclass(frozen=True, slots=True)
class ArrayBatch:
    """Some rows of an array."""

    part: str
    first: int
    rows: int
    block: Array
    names: Mapping[str, int]
    key: ClassVar[str] = ""
    bad: ClassVar[None] = None

    @property
    def read(self) -> int:
        """Rows up to here."""
        return self.first + self.rows

    @property
    def bookmark(self) -> Bookmark:
        """Its first row, and how many there are."""
        return self.first, self.rows

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

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the codes of a column's values, written out."""
        finite = np.isfinite(self.numbers(name))
        texts = self.texts(name)
        return np.array(
            [codes.get(t, UNSEEN_CODE) if ok else MISSING_CODE for t, ok in zip(texts, finite, strict=True)],
            dtype=np.int32,
        )

    def level(self, cell: str) -> str | None:
        """Return a number as it is written out."""
        return cell

    def texts(self, name: str) -> list[str]:
        """Return a column as text, integers without a point."""
        return written(self.numbers(name))

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different values, written out."""
        return list(self.counts(name, rows))

    def counts(self, name: str, rows: Mask) -> dict[str, int]:
        """Return how often each value occurs, written out."""
        chosen = replace(self, block=self.block[rows & np.isfinite(self.numbers(name))])
        return dict(Counter(chosen.texts(name)))


@dataclass(eq=False)
class ArrayPartition(Partition):
    """An array and the names of its columns."""

    array: NDArray[Any]
    names: tuple[str, ...]
    name: str = ""
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.array)

    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Batch]:
        """Yield the rows on the fixed grid."""
        step = block_rows(len(kinds))
        for first in range(0, self.size, step):
            yield self.batch_at(kinds, (first, min(step, self.size - first)))

    def batch_at(self, kinds: Mapping[str, ColumnKind], bookmark: Bookmark) -> ArrayBatch:
        """Return some rows: a view where they are float64."""
        first, rows = bookmark
        where = {name: j for j, name in enumerate(self.names)}
        block = self.array[first : first + rows].astype(np.float64, copy=False)
        return ArrayBatch("", first, rows, block, where)


class ArraySource(Source):
    """A numeric array X (m, n), its columns named x0, x1, … or by `names`."""

    def __init__(self, X: object, names: Sequence[str] | None = None) -> None:
        array = np.asarray(unmasked(X))
        if array.ndim != 2:
            raise InputError(
                f"X must have two dimensions, rows by columns; its shape is {array.shape}."
                + (" For a single column use X.reshape(-1, 1)." if array.ndim == 1 else "")
            )
        if array.dtype.kind == "c":
            raise InputError("X holds complex values, not real numbers. Pass X.real, or two columns.")
        if array.dtype.kind not in "biuf":
            if array.dtype.kind in "US" or any(isinstance(value, str | bytes) for value in array.flat):
                raise InputError("X holds text, not numbers. Pass a DataFrame to have text columns read and encoded.")
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError):
                raise InputError(
                    f"X holds {array.dtype} values, not numbers. Pass a DataFrame to have text columns encoded."
                ) from None
        self.array: NDArray[Any] = array if small_numbers(array.dtype) else array.astype(np.float64)
        n = array.shape[1]
        names = tuple(names) if names is not None else tuple(f"x{j}" for j in range(n))
        if len(names) != n:
            raise InputError(f"{len(names)} names were given for {n} columns.")
        self.columns = tuple(Column(name, "number", settled=True) for name in names)

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

    def partitions(self) -> tuple[Partition]:
        """Return the array."""
        return (ArrayPartition(self.array, tuple(column.name for column in self.columns)),)
