"""Some rows of a Polars frame as a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.sources.arrays import written
from regress.sources.base import MISSING_CODE, UNSEEN_CODE, Bookmark, Codes
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.date_columns import days_of

_INTEGERS = (pl.Int64, pl.Int32, pl.Int16, pl.Int8, pl.UInt64, pl.UInt32, pl.UInt16, pl.UInt8)
_PLAIN = frozenset({pl.Boolean, pl.Float64, pl.Float32, *_INTEGERS})


@dataclass(frozen=True, slots=True)
class PolarsBatch:
    """Some rows of a Polars frame. Missing cells are null or NaN."""

    part: str
    first: int
    frame: pl.DataFrame
    _: KW_ONLY
    read: int
    bad: Mask | None = None
    reading: Reading = AS_IS
    key: str = ""
    bookmark: Bookmark | None = None

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        return self.frame.height

    def head(self, rows: int) -> "PolarsBatch":
        """Return the first rows of the batch."""
        bad = None if self.bad is None else self.bad[:rows]
        return replace(self, frame=self.frame.head(rows), bad=bad)

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column, or days since 1970 of a date (rows,), NaN where missing."""
        column = self.frame[name]
        if column.dtype.is_temporal():
            return days_of(column)
        if self._plain(column):
            return column.to_numpy().astype(np.float64, copy=False)  # some times as fast as a cast in Polars
        if column.dtype != pl.Float64:  # a cast costs, even to the same type
            column = column.cast(pl.Float64)
        if self.reading.codes:
            column = column.set(column.is_in(self.reading.codes), None)
        return (column.fill_null(np.nan) if column.null_count() else column).to_numpy()

    def columns(self, names: Sequence[str]) -> list[NDArray[Any]]:
        """Return such columns, of their own type where they miss no cell: whoever copies them converts them."""
        columns = [self.frame[name] for name in names]
        return [column.to_numpy() if self._plain(column) else self.numbers(column.name) for column in columns]

    def _plain(self, column: pl.Series) -> bool:
        """Tell whether NumPy can hold the cells of a column as they are."""
        return column.dtype in _PLAIN and not (column.null_count() or self.reading.codes)

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""
        text = _text(self.frame[name])
        found = text.replace_strict(list(codes), list(codes.values()), default=UNSEEN_CODE, return_dtype=pl.Int32)
        return found.set(text.is_null(), MISSING_CODE).to_numpy()

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""
        return self.reading.level(cell)

    def texts(self, name: str) -> list[str]:
        """Return a column as text; numbers in one form, whatever the file's."""
        column = self.frame[name]
        if column.dtype.is_numeric():
            values = self.numbers(name)
            return [text if known else "" for text, known in zip(written(values), np.isfinite(values), strict=True)]
        return _text(column).fill_null("").to_list()

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, in order, without null ones."""
        return _text(self.frame[name].filter(pl.Series(rows))).drop_nulls().unique(maintain_order=True).to_list()

    def counts(self, name: str, rows: Mask) -> dict[str, int]:
        """Return how often each cell of a text column occurs in some rows, without null ones."""
        found = _text(self.frame[name].filter(pl.Series(rows))).drop_nulls().alias("cell").value_counts()
        return dict(zip(found["cell"].to_list(), found["count"].to_list(), strict=True))


def _text(column: pl.Series) -> pl.Series:
    """Return a column as text; what is no finite number of numbers is missing."""
    if column.dtype.is_float():
        column = column.set(~column.is_finite(), None)
    return column.cast(pl.String)
