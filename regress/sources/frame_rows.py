"""Arrays and frames of numbers as rows that become float64 where they are used, not all at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array
from regress.sources.arrays import small_numbers
from regress.sources.open import of_package

Rows = Any  # an array (m, n) of any type of number, or what NumPy makes one of: it has a shape, and slices are rows


class FrameRows:
    """Columns side by side, as rows. NumPy makes an array of them; a slice converts nothing yet.

    Examples
    --------
    >>> import numpy as np
    >>> rows = FrameRows([np.array([1, 2, 3]), np.array([True, False, True])])
    >>> rows.shape, np.asarray(rows[1:])
    ((3, 2), array([[2., 0.],
           [3., 1.]]))
    """

    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns = columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.columns)

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, rows: Any) -> "FrameRows":
        return FrameRows([column[rows] for column in self.columns])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        cells = np.empty(self.shape[::-1])
        for into, column in zip(cells, self.columns, strict=True):
            into[:] = column
        return cells.T


class KeptRows:
    """Some rows of others, by number. NumPy makes an array of them; a slice gathers nothing yet."""

    def __init__(self, rows: Rows, kept: NDArray[np.intp]) -> None:
        self._rows, self._kept = rows, kept

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), self._rows.shape[1]

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, rows: slice) -> "KeptRows":
        return KeptRows(self._rows, self._kept[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self._rows[self._kept], dtype=np.float64)


def parts_of(rows: Rows) -> list[NDArray[Any]]:
    """Return rows as arrays side by side, of any types of number: views where that is possible."""
    return (
        [np.asarray(column)[:, None] for column in rows.columns] if isinstance(rows, FrameRows) else [np.asarray(rows)]
    )


class _Nullable:
    """A column of pandas with a missing value of its own, which becomes NaN."""

    def __init__(self, cells: Any) -> None:
        self._cells = cells

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, rows: Any) -> "_Nullable":
        return _Nullable(self._cells[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        cells: Array = self._cells.to_numpy(dtype=np.float64, na_value=np.nan)
        return cells


class _Chunked:
    """A column of Polars in several pieces, or with null, which becomes NaN."""

    def __init__(self, cells: Any) -> None:
        self._cells = cells

    @staticmethod
    def of(cells: Any) -> Any:
        """Return a column as an array where that needs no copy."""
        return cells.to_numpy() if cells.n_chunks() == 1 and not cells.null_count() else _Chunked(cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, rows: Any) -> Any:
        return self.of(self._cells[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        cells: NDArray[Any] = self._cells.to_numpy()
        return cells


def rows_of(table: Any) -> tuple[Rows, Any] | None:
    """Return the rows of an array or a frame of numbers, and the table of the first, of the same types.

    None is for other tables, and for cells that one type of number does not hold, such as text.
    """
    if isinstance(table, np.ndarray):
        plain = type(table) in (np.ndarray, np.memmap) and table.ndim == 2 and small_numbers(table.dtype)
        return (np.asarray(table), table[:1]) if plain else None
    for package, of in (("pandas", _of_pandas), ("polars", _of_polars)):
        if of_package(table, package) and type(table).__name__ == "DataFrame" and all(table.shape):
            return of(table)
    return None


def _of_pandas(frame: Any) -> tuple[Rows, Any] | None:
    head = frame.iloc[:1]
    cells = head.to_numpy()
    if small_numbers(cells.dtype) and np.may_share_memory(cells, frame.iloc[:, 0].to_numpy()):
        return frame.to_numpy(), head  # columns of one type, stored as one array
    columns: list[Any] = []
    for _, column in frame.items():
        dtype = column.dtype
        if isinstance(dtype, np.dtype):
            columns.append(column.to_numpy())
            numbers = small_numbers(dtype)
        else:
            columns.append(_Nullable(column.array))
            numbers = dtype.kind in "biuf" and not dtype.name.startswith("Sparse")
        if not numbers:
            return None
    return FrameRows(columns), head


def _of_polars(frame: Any) -> tuple[Rows, Any] | None:
    import polars as pl

    columns: list[Any] = []
    for column in frame.iter_columns():
        cells = column.cast(pl.UInt8) if column.dtype == pl.Boolean else column
        if not (cells.dtype.is_integer() or cells.dtype.is_float()):
            return None
        columns.append(_Chunked.of(cells))
    return FrameRows(columns), frame[:1]
