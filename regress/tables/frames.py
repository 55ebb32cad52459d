"""pandas, for people: frames in, tables out. Owner of pandas; its columns are read without pyarrow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from regress.errors import TableError
from regress.tables.files import PolarsSource
from regress.tables.parts import Frame
from regress.tables.source import MISSING, Column, Kind, Source

_SLICE = 2**16


@dataclass(frozen=True, slots=True)
class PandasPart:
    """A pandas frame, handed to Polars a slice at a time."""

    frame: pd.DataFrame
    name: str = ""
    dialect: str = ""

    @property
    def size(self) -> int:
        """Rows."""
        return len(self.frame)

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return {name: _column(name, self.frame[name]) for name in self.frame.columns}

    def frames(self, kinds: Mapping[str, Kind]) -> Iterator[Frame]:
        """Yield slices of the named columns."""
        for i in range(0, len(self.frame), _SLICE):
            part = self.frame.iloc[i : i + _SLICE]
            frame = pl.DataFrame([_series(name, part[name], kind) for name, kind in kinds.items()])
            yield Frame(frame, i + len(part))

    def place(self, record: int) -> str:
        """Name the row by its index label, as pandas shows it."""
        return f"row {self.frame.index[record]!r}"


def is_frame(table: object) -> bool:
    """Tell whether a table is a pandas DataFrame."""
    return isinstance(table, pd.DataFrame)


def open_pandas(frame: pd.DataFrame) -> PolarsSource:
    """Return a pandas frame as a source.

    Raises
    ------
    TableError
        If a column name stands twice or is no text.
    """
    for name in frame.columns:
        if not isinstance(name, str):
            raise TableError(f"The frame's column {name!r} is named by a {type(name).__name__}; names must be text.")
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise TableError(f"The frame has more than one column named {doubled[0]!r}. Rename one.")
    return PolarsSource("the frame", [PandasPart(frame)])


def _column(name: str, column: "pd.Series[Any]") -> Column:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(name, "text", tuple(str(level) for level in dtype.categories))
    if pd.api.types.is_bool_dtype(dtype):
        return Column(name, "boolean")
    if pd.api.types.is_complex_dtype(dtype):
        return Column(name, "unusable", dtype=str(dtype))
    if pd.api.types.is_numeric_dtype(dtype):
        return Column(name, "number")
    if pd.api.types.is_string_dtype(dtype) or dtype.kind == "O":
        return _object_column(name, column.dropna())
    return Column(name, "unusable", dtype=str(dtype))


def _object_column(name: str, values: "pd.Series[Any]") -> Column:
    if not len(values):
        return Column(name, "number")
    first = values.iloc[0]
    if isinstance(first, bool | np.bool_):
        return Column(name, "boolean")
    if isinstance(first, int | float | np.number) or type(first).__name__ == "Decimal":
        return Column(name, "number")
    return Column(name, "text") if isinstance(first, str) else Column(name, "unusable", dtype=type(first).__name__)


def _series(name: str, column: "pd.Series[Any]", kind: Kind) -> pl.Series:
    if kind in ("number", "boolean"):
        try:
            values = pl.Series(name, column.to_numpy(dtype=np.float64, na_value=np.nan))
            return values if kind == "number" else values.fill_nan(None).cast(pl.Boolean)
        except (TypeError, ValueError):
            value = next(v for v in column.dropna() if not isinstance(v, int | float | np.number))
            raise TableError(
                f"Column {name!r} of the frame holds {value!r}, which is not a number, as its first value is. "
                f"Mend the cell, or read the column as text with --categorical {name}."
            ) from None
    return pl.Series(name, [None if pd.isna(v) else str(v) for v in column], dtype=pl.String)


def frame_of(source: Source) -> pd.DataFrame:
    """Return the usable columns and rows of a table as a frame: numbers, and text with None where it is missing."""
    columns = [c for c in source.columns if c.kind != "unusable"]
    parts: dict[str, list[Any]] = {c.name: [] for c in columns}
    for batch in source.batches(list(parts)):
        sound = slice(None) if batch.bad is None else ~batch.bad
        for c in columns:
            texts = (None if t in MISSING else t for t in batch.texts(c.name)) if c.kind == "text" else ()
            cells = np.array(list(texts), dtype=object) if c.kind == "text" else batch.numbers(c.name)
            parts[c.name].append(cells[sound])
    return pd.DataFrame({name: np.concatenate(values) for name, values in parts.items()})


def to_frame(rows: Iterable[Sequence[Any]], columns: Sequence[str], index: str | None = None) -> pd.DataFrame:
    """Return plain rows as a frame, indexed by one of its columns if asked."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.set_index(index) if index is not None else frame


def of_columns(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return plain columns as a frame."""
    return pd.DataFrame(dict(columns))
