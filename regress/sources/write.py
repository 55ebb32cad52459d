"""Predictions as a file: a row for each row of the table, in batches, as CSV or Parquet."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.records import PREDICTIONS
from regress.sources.base import Batch
from regress.sources.polars_batch import PolarsBatch


def writes_parquet(path: str | None) -> bool:
    """Tell by a file's name whether it is to be Parquet.

    Raises
    ------
    InputError
        If the name asks for a format that is neither CSV nor Parquet.
    """
    suffix = "" if path is None else Path(path).suffix.lower()
    if suffix in (".gz", ".zst", ".xlsx", ".json", ".feather", ".arrow"):
        raise InputError(f"Predictions are written as CSV or Parquet, not {suffix}. Name a .csv or .parquet file.")
    return suffix in (".parquet", ".pq")


def write_predictions(
    file: IO[bytes],
    parts: Iterable[tuple[Batch, Array]],
    keep: Sequence[str],
    *,
    as_text: bool,
    interval: bool,
    parquet: bool,
) -> int:
    """Write row number, kept columns and predictions (rows,) or (rows, 3); return how many rows have none.

    Missing cells are empty in CSV, and null in Parquet. Kept columns stay what they are, or become text if `as_text`,
    as files need that differ in types.

    Raises
    ------
    InputError
        If a kept column has the name of one that is written, or cannot be written.
    """
    missing, names = 0, PREDICTIONS[: 3 if interval else 1]
    if taken := {"row", *names} & set(keep):
        raise InputError(
            f"{setting('keep', sorted(taken))}: predictions have columns of these names. Rename the table's."
        )

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal missing
        row = 1
        for batch, values in parts:
            columns = values.reshape(len(values), -1).T
            missing += int(np.isnan(columns[0]).sum())
            rows = pl.int_range(row, row + batch.rows, eager=True).alias("row")
            predicted = [pl.Series(name, c).fill_nan(None) for name, c in zip(names, columns, strict=True)]
            yield pl.DataFrame([rows, *(_kept(batch, name, as_text) for name in keep), *predicted])
            row += batch.rows

    stream = frames()
    empty = {"row": pl.Int64, **dict.fromkeys(keep, pl.String), **dict.fromkeys(names, pl.Float64)}
    first = next(stream, pl.DataFrame(schema=empty))
    try:
        if parquet:
            batches = chain([first], stream)
            register_io_source(lambda *_: batches, schema=first.schema, is_pure=False).sink_parquet(file)
        else:
            for number, frame in enumerate(chain([first], stream)):
                frame.write_csv(file, include_header=number == 0)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"The predictions cannot be written: {str(error).splitlines()[0]}.") from None
    return missing


def _kept(batch: Batch, name: str, as_text: bool) -> pl.Series:
    assert isinstance(batch, PolarsBatch)  # arrays are not predicted into files
    column = batch.frame[name]
    if column.dtype == pl.Float64:
        column = column.fill_nan(None)
    column = column.cast(pl.String) if as_text else column
    return (
        column.set(column.str.strip_chars().is_in(batch.reading.absent), None) if column.dtype == pl.String else column
    )
