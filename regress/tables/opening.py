"""Anything that people call a table, as a source."""

import sys
from pathlib import Path
from typing import Any

from regress.errors import InputError
from regress.tables.arrays import ArraySource
from regress.tables.options import FileOptions
from regress.tables.source import Source


def of_package(table: object, package: str) -> bool:
    """Tell whether an object's class is a package's, without importing the package."""
    module = type(table).__module__.split(".")[0]
    return module == package and package in sys.modules


def open_table(table: Any, options: FileOptions | None = None) -> Source:
    """Return a path, a glob, a folder, a pandas or Polars frame, or an array as a source; `options` are for files.

    Raises
    ------
    TableError
        If there is no such file, or its header cannot be used.
    InputError
        If it is none of these, or an option cannot be meant.
    """
    if options is not None:
        options.check()
    if isinstance(table, str | Path):
        from regress.tables.files import open_files

        return open_files(table, options)
    if type(table).__module__.startswith("regress.tables."):
        source: Source = table  # opened already
        return source
    if options is not None and (given := options.of_csv()):
        raise InputError(f"{given[0]} is for CSV files; the table is in memory.")
    if of_package(table, "pandas"):
        from regress.tables.cells import reading_of_frames
        from regress.tables.frames import is_frame, open_pandas

        if is_frame(table):
            return open_pandas(table, reading_of_frames(options or FileOptions()))
    if of_package(table, "polars"):
        from regress.tables.cells import reading_of_frames
        from regress.tables.files import is_frame, open_polars

        if is_frame(table):
            return open_polars(table, reading_of_frames(options or FileOptions()))
        if type(table).__name__ == "LazyFrame":
            raise InputError("A LazyFrame has no rows yet. Pass its .collect(), or the file itself.")
    if of_package(table, "scipy"):
        raise InputError("Sparse matrices are not supported. Pass X.toarray() if it fits in memory.")
    return ArraySource(table)
