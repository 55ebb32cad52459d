"""Files and Polars frames as sources."""

import os
from typing import Any

import polars as pl

from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import FileOptions
from regress.sources.batches import PolarsSource
from regress.sources.cell_values import AS_IS, Reading, reading_of_frames
from regress.sources.csv.reader import CsvPart
from regress.sources.parquet import ParquetPart
from regress.sources.parts import FramePart, Part
from regress.sources.paths import check_outputs, is_parquet, paths_of, shown, what_is
from regress.sources.pipes import is_pipe, spool
from regress.sources.rejects import Rejects


def is_polars(table: object) -> bool:
    """Tell whether a table is a Polars DataFrame."""
    return isinstance(table, pl.DataFrame)


def open_polars(frame: pl.DataFrame, reading: Reading = AS_IS) -> PolarsSource:
    """Return a Polars frame as a source."""
    return PolarsSource("the frame", [FramePart(frame, reading)])


def open_arrow(table: Any, reading: Reading = AS_IS) -> PolarsSource:
    """Return whatever speaks the Arrow stream protocol (a PyArrow table, a DuckDB relation) as a source.

    Raises
    ------
    TableError
        If it is no table, or two of its columns have one name.
    """
    try:
        frame = pl.DataFrame(table)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise TableError(f"This {type(table).__name__} cannot be read as a table: {said}.") from None
    return open_polars(frame, reading)


def open_files(path: str | os.PathLike[str], options: FileOptions | None = None) -> PolarsSource:
    """Open a file, every file that a glob matches, or every file of a folder, in the order of their names.

    Raises
    ------
    TableError
        If there is no such file, its header cannot be used, or two files have different columns.
    InputError
        If an option that only CSV files have is given for others.
    """
    options = options or FileOptions()
    text = os.fspath(path)
    paths = paths_of(text)
    check_outputs(path, {setting("rejects"): options.rejects})
    plain = len({one.name for one in paths}) == len(paths)
    rejects = Rejects(options.on_bad_lines == "skip", options.rejects, options.max_bad_lines)
    parts: list[Part] = []
    for found in paths:
        one = spool(found) if is_pipe(found) else found
        if not one.is_file():
            raise TableError(
                f"{found} {what_is(found)}. Name a CSV or Parquet file, a folder of them, or a glob such as "
                "'data/*.csv'."
            )
        name = shown(one.name if plain else str(found))
        parts.append(
            ParquetPart(one, name, reading_of_frames(options))
            if is_parquet(one)
            else CsvPart(one, name, options, rejects)
        )
    if (given := options.of_csv()) and not any(isinstance(part, CsvPart) for part in parts):
        raise InputError(f"{setting(given[0])} is for CSV files; {text} is Parquet.")
    return PolarsSource(parts[0].name if len(parts) == 1 else shown(text), parts, rejects)
