"""Some rows of a pandas frame as a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regress.blocks import Array
from regress.sources.polars_batch import PolarsBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PandasBatch(PolarsBatch):
    """Some rows of a pandas frame: its columns of plain numbers are views of it, and Polars has the others."""

    arrays: Mapping[str, NDArray[Any]]
    height: int

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        return self.height

    def head(self, rows: int) -> "PandasBatch":
        """Return the first rows of the batch."""
        arrays = {name: values[:rows] for name, values in self.arrays.items()}
        return replace(self, frame=self.frame.head(rows), arrays=arrays, height=rows)

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column, or days since 1970 of a date (rows,), NaN where missing."""
        if name in self.arrays:
            return self.arrays[name].astype(np.float64, copy=False)
        return PolarsBatch.numbers(self, name)

    def columns(self, names: Sequence[str]) -> list[NDArray[Any]]:
        """Return such columns, of their own type where they are views."""
        return [self.arrays[name] if name in self.arrays else self.numbers(name) for name in names]

    def texts(self, name: str) -> list[str]:
        """Return a column as text."""
        if name in self.arrays:
            frame = pl.DataFrame({name: self.arrays[name]})
            return PolarsBatch(self.part, self.first, frame, read=self.read).texts(name)
        return PolarsBatch.texts(self, name)
