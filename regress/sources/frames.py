"""pandas, for people: frames in, tables out. Owner of pandas; its columns are read without pyarrow."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from regress.errors import InputError, TableError
from regress.messages import setting
from regress.sources.base import MISSING_CODE, Batch, Bookmark, Column, ColumnKind, Source
from regress.sources.batches import typed
from regress.sources.cell_types import NUMBERS, column_of_kind, level_of
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.date_columns import of_objects
from regress.sources.dates import DATES, of_cell
from regress.sources.pandas_batch import PandasBatch
from regress.sources.polars_frames import Rows, SlicedPart
from regress.sources.rereading import rereading
from regress.sources.table import Table

_LOOK = 200  # cells with a value that tell what a column of objects seems to be


@dataclass(eq=False)
class PandasPartition(SlicedPart):
    """A pandas frame, read a slice at a time."""

    frame: pd.DataFrame
    reading: Reading = AS_IS
    name: str = ""
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.frame)

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return {name: _column(name, self.frame[name], self.reading) for name in self.frame.columns}

    def rows(self, kinds: Mapping[str, ColumnKind]) -> Rows:
        """Return what gives some rows of the named columns."""
        return lambda start, stop: pl.DataFrame(
            [_series(name, self.frame[name].iloc[start:stop], kind, self.reading) for name, kind in kinds.items()]
        )

    def batches(self, kinds: Mapping[str, ColumnKind]) -> Iterator[PandasBatch]:
        """Yield slices of the named columns."""
        read = self._reader(kinds)
        for start, stop in self.slices():
            yield read(start, stop)

    def batch_at(self, kinds: Mapping[str, ColumnKind], bookmark: Bookmark) -> PandasBatch:
        """Return a slice: its first row, and the row behind it."""
        return self._reader(kinds)(*bookmark)

    def _reader(self, kinds: Mapping[str, ColumnKind]) -> Callable[[int, int], PandasBatch]:
        """Return what gives batches: views of columns that NumPy holds as such, unless numbers mean a missing cell."""
        plain = {} if self.reading.codes else {n: k for n, k in kinds.items() if _is_plain(self.frame[n].dtype, k)}
        arrays = {name: self.frame[name].to_numpy() for name in plain}
        others = {name: kind for name, kind in kinds.items() if name not in arrays}
        rows = self.rows(others)

        def read(start: int, stop: int) -> PandasBatch:
            return PandasBatch(
                self.name,
                start,
                typed(rows(start, stop), others, self, start),
                read=stop,
                reading=self.reading,
                bookmark=(start, stop),
                arrays={name: values[start:stop] for name, values in arrays.items()},
                height=stop - start,
            )

        return read

    def place(self, record: int) -> str:
        """Name the row by its index label, as pandas shows it."""
        label = self.frame.index[record : record + 1].tolist()[0]
        return f"row {(label.item() if isinstance(label, np.generic) else label)!r}"


def is_pandas(table: object) -> bool:
    """Tell whether a table is a pandas DataFrame."""
    return isinstance(table, pd.DataFrame)


def open_pandas(frame: pd.DataFrame, reading: Reading = AS_IS) -> Table:
    """Return a pandas frame as a source; columns named by integers become '0', '1', ….

    Raises
    ------
    TableError
        If a column name occurs twice, or is neither text nor an integer.
    """
    for name in frame.columns:
        if not isinstance(name, str | int | np.integer) or isinstance(name, bool):
            raise TableError(
                f"The frame's column {name!r} is named by a {type(name).__name__}; names must be text. "
                "Rename it, for example by frame.columns = frame.columns.map(str)."
            )
    frame = frame.copy(deep=False)
    frame.columns = pd.Index([str(name) for name in frame.columns])
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise TableError(f"The frame has more than one column named {doubled[0]!r}. Rename one.")
    return Table("the frame", [PandasPartition(frame, reading)], index=frame.index)


def open_plain(table: Any, reading: Reading = AS_IS) -> Table:
    """Return a dict of columns, a list of dicts or a structured array as a source.

    Raises
    ------
    TableError
        If columns differ in length, or are single values.
    """
    try:
        frame = pd.DataFrame(table)
    except ValueError as error:
        single = isinstance(table, Mapping) and all(np.ndim(cells) == 0 for cells in table.values())
        raise TableError(
            f"This {type(table).__name__} cannot be read as a table: "
            f"{'its values are single ones' if single else str(error).rstrip('.')}. "
            "Pass a dict of columns of one length, or a list of dicts, one per row."
        ) from None
    return open_pandas(frame, reading)


def values_beside(given: Any, index: Any, role: str) -> tuple[str | None, Any]:
    """Return the name and the values of a Series, or of a frame with one column, in the order of a frame's `index`.

    Raises
    ------
    InputError
        If its labels are not those of the frame, or do not say which row is which.
    """
    if isinstance(given, pd.DataFrame):
        if given.shape[1] != 1:
            return None, given
        given = given.iloc[:, 0]
    if not isinstance(given, pd.Series):
        given = pd.Series(given)
    elif index is not None and not given.index.equals(index):
        given = _aligned(given, index, role)
    name = str(given.name) if isinstance(given.name, str | int) else None
    try:
        return name, given.to_numpy() if _holds_text(given) else given.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return name, given.to_numpy()


def _holds_text(column: "pd.Series[Any]") -> bool:
    """Tell whether some cells are text or times, which would else be turned into numbers without a word."""
    kind = column.dtype.kind
    return kind not in "biufO" or (kind == "O" and any(isinstance(value, str) for value in column))


def _aligned(column: "pd.Series[Any]", index: "pd.Index[Any]", role: str) -> "pd.Series[Any]":
    """Return a column in the order of an index of the same labels, each of which stands once."""
    if len(column) != len(index):
        raise InputError(f"{role} has {len(column):,} values for a table of {len(index):,} rows. Pass one per row.")
    if column.index.is_unique and index.is_unique and len(column.index.difference(index)) == 0:
        return column.reindex(index)
    raise InputError(
        f"{role} has other row labels than the frame, or labels occur twice. Give both the same index, "
        "or pass values.to_numpy() to pair rows by position."
    )


def _is_plain(dtype: Any, kind: ColumnKind) -> bool:
    """Tell whether NumPy holds a column as numbers of up to 64 bits, or as true and false, if that is its kind."""
    wanted = {"number": "fiu", "boolean": "b"}.get(kind, "")
    return isinstance(dtype, np.dtype) and dtype.kind in wanted and dtype.itemsize <= 8


def _column(name: str, column: "pd.Series[Any]", reading: Reading) -> Column | None:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(name, "text", levels=tuple(level_of(str(level)) for level in dtype.categories), settled=True)
    if pd.api.types.is_bool_dtype(dtype):
        return Column(name, "boolean", settled=True)
    if pd.api.types.is_complex_dtype(dtype):
        return Column(name, "unusable", dtype=str(dtype), settled=True)
    if pd.api.types.is_numeric_dtype(dtype):
        return Column(name, "number", settled=True)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return Column(name, "date", zoned=_zone(dtype) is not None, settled=True)
    if pd.api.types.is_string_dtype(dtype) or dtype.kind == "O":
        return _object_column(name, column.dropna().head(_LOOK), reading)
    return Column(name, "unusable", dtype=str(dtype), settled=True)


def _object_column(name: str, values: "pd.Series[Any]", reading: Reading) -> Column | None:
    dates = [found.kind for value in values if isinstance(value, DATES) and (found := of_cell(value))]
    if dates and all(isinstance(value, DATES | str) for value in values):
        return column_of_kind(name, dates[0], settled=True)
    for value in values:
        if not isinstance(value, str | NUMBERS):
            return Column(name, "unusable", dtype=type(value).__name__, settled=True)
    column = reading.column(name, map(str, values))
    text = any(isinstance(value, str) for value in values)
    return replace(column, dtype="text") if column is not None and text else column


def _series(name: str, column: "pd.Series[Any]", kind: ColumnKind, reading: Reading) -> pl.Series:
    """Return a column as numbers or dates where it is of such, else as text."""
    if kind in ("date", "moment"):
        return _dates(name, column, kind, reading)
    if kind in ("number", "boolean") and column.dtype.kind != "O" and not pd.api.types.is_string_dtype(column.dtype):
        values = pl.Series(name, column.to_numpy(dtype=np.float64, na_value=np.nan))
        return values if kind == "number" else values.fill_nan(None).cast(pl.Boolean)
    taken = str | NUMBERS | date if kind == "text" else str | NUMBERS  # a split in time reads dates as text
    for value in column:
        if not isinstance(value, taken) and value is not None and value is not pd.NA and value is not pd.NaT:
            raise TableError(
                f"Column {name!r} of the frame holds {value!r}, which is neither number nor text. "
                f"Exclude it with {setting('drop', [name])}, or convert it to a number first."
            )
    if kind == "number" and (numbers := _numbers(column)) is not None:
        return pl.Series(name, numbers)
    return pl.Series(name, [None if pd.isna(v) else str(v) for v in column], dtype=pl.String)


def _zone(dtype: Any) -> Any:
    """Return the time zone of a type of dates, of pandas or Arrow; None without one."""
    return getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)


def _dates(name: str, column: "pd.Series[Any]", kind: ColumnKind, reading: Reading) -> pl.Series:
    """Return a column of dates as such, one of numbers or text as it is.

    Raises
    ------
    TableError
        If a cell is no date.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = column if _zone(column.dtype) is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
        values = column.to_numpy(dtype=f"datetime64[{'ns' if 'ns' in str(column.dtype) else 'us'}]")
        dates = pl.Series(name, values)
        return dates.dt.replace_time_zone("UTC") if kind == "moment" else dates
    if pd.api.types.is_integer_dtype(column.dtype):
        return pl.Series(name, [None if pd.isna(v) else int(v) for v in column], dtype=pl.Int64)
    if not any(isinstance(value, DATES) for value in column):
        return _series(name, column, "text", reading)
    cells = column.tolist()
    dates, row = of_objects(name, cells, reading.forms(name), kind, reading.missing)
    if row is not None:
        cell = str(cells[row])
        raise TableError(f"row {column.index[row]!r}, column {name!r}: {cell!r} {reading.why_not(cell, kind, name)}.")
    return dates


def _numbers(column: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    """Return an object column of numbers; None where some are text, or true and false."""
    if any(isinstance(value, str | bool | np.bool_) for value in column):
        return None
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:
        raise TableError(f"Column {column.name!r} of the frame holds a number beyond the range of float64.") from None


def frame_of(source: Source) -> pd.DataFrame:
    """Return the usable columns and rows of a table as a frame: numbers, and text with None where it is missing."""
    return rereading(source, _frame_of)


def _frame_of(source: Source) -> pd.DataFrame:
    columns = [c for c in source.columns if c.kind != "unusable"]
    parts: dict[str, list[Any]] = {c.name: [] for c in columns}
    for batch in source.batches(list(parts)):
        sound = slice(None) if batch.bad is None else ~batch.bad
        for c in columns:
            cells = _texts(batch, c.name) if c.kind == "text" else batch.numbers(c.name)
            parts[c.name].append(cells[sound])
    return pd.DataFrame({name: np.concatenate(values) for name, values in parts.items()})


def _texts(batch: Batch, name: str) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """Return a text column, None where a cell is missing."""
    absent = batch.codes(name, {}) == MISSING_CODE
    cells = zip(batch.texts(name), absent.tolist(), strict=True)
    return np.array([None if null or batch.level(text) is None else text for text, null in cells], dtype=object)


def to_frame(rows: Iterable[Sequence[Any]], columns: Sequence[str], index: str | None = None) -> pd.DataFrame:
    """Return plain rows as a frame, indexed by one of its columns if asked."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.set_index(index) if index is not None else frame


def of_columns(columns: Mapping[Any, Any], index: Any = None) -> pd.DataFrame:
    """Return plain columns as a frame, with row labels if they are given."""
    return pd.DataFrame(dict(columns), index=index)
