"""Anything that people call a table, as a source."""

import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from regress.errors import InputError
from regress.messages import setting
from regress.options import FileOptions
from regress.sources.arrays import ArraySource, unmasked
from regress.sources.base import Source


def of_package(table: object, package: str) -> bool:
    """Tell whether an object's class is a package's, without importing the package."""
    module = type(table).__module__.split(".")[0]
    return module == package and package in sys.modules


def open_table(table: Any, options: FileOptions | None = None) -> Source:
    """Return a table as a source; `options` are for files.

    A table is one of these:

    - a path, a glob, a folder or a pipe ("-" is standard input),
    - a pandas or Polars frame, a PyArrow dataset, or an object with the Arrow stream protocol,
    - an iterator of batches of rows, or a DuckDB relation, which are kept in a temporary file while they are read,
    - a dict of columns, a list of dicts, an array or a structured array.

    Raises
    ------
    TableError
        If there is no such file, or its header cannot be used.
    InputError
        If it is none of these, or an option does not apply.
    """
    if isinstance(table, str | os.PathLike):
        from regress.sources.files import open_files

        return open_files(table, options)
    if isinstance(table, Source):
        late = [n for n in (options.given() if options else ()) if getattr(options, n) != getattr(table.options, n)]
        if late:
            raise InputError(f"The table is open already: pass {setting(late[0])} where it is opened.")
        return table
    if options is not None and (given := options.of_csv()):
        raise InputError(f"{setting(given[0])} is for CSV files; the table is in memory.")
    if of_package(table, "scipy"):
        raise InputError("Sparse matrices are not supported. Pass X.toarray() if it fits in memory.")
    if type(table).__name__ == "Series" and (of_package(table, "pandas") or of_package(table, "polars")):
        raise InputError("A Series is one column, not a table. Pass its .to_frame().")
    source = None if isinstance(table, io.IOBase) else _open_columns(table, options or FileOptions())
    if source is None:
        array = np.asarray(unmasked(table))
        if array.ndim == 0:
            remedy = "Pass a path, a DataFrame, a dict of columns, a list of dicts, or an array."
            raise InputError(f"{_what(table)} {remedy}")
        source = ArraySource(array)
    source.options = options or FileOptions()
    return source


def _open_columns(table: Any, options: FileOptions) -> Source | None:
    """Return what has columns of its own as a source: frames, Arrow streams, dicts; None for anything else."""
    pandas, polars, plain = of_package(table, "pandas"), of_package(table, "polars"), _is_plain(table)
    dataset = of_package(table, "pyarrow") and _is_dataset(table)
    once = isinstance(table, Iterator) or of_package(table, "duckdb")
    if not (once or dataset or pandas or polars or plain or hasattr(table, "__arrow_c_stream__")):
        return None
    from regress.sources.cell_values import reading_of_frames

    reading = reading_of_frames(options)
    if once:
        from regress.sources.read_once import open_once

        return open_once(table, reading)
    if dataset:
        from regress.sources.datasets import open_dataset

        return open_dataset(table, reading)
    if plain:
        from regress.sources.frames import open_plain

        return open_plain(table, reading)
    if pandas:
        from regress.sources.frames import is_pandas, open_pandas

        return open_pandas(table, reading) if is_pandas(table) else None
    from regress.sources import files

    if not polars:
        return files.open_arrow(table, reading)
    if type(table).__name__ == "LazyFrame":
        raise InputError("A LazyFrame has no rows yet. Pass its .collect(), or the file itself.")
    return files.open_polars(table, reading) if files.is_polars(table) else None


def _is_dataset(table: object) -> bool:
    """Tell whether a table is a dataset of PyArrow, whose module may not have been imported."""
    module = sys.modules.get("pyarrow.dataset")
    return module is not None and isinstance(table, module.Dataset)


def _is_plain(table: object) -> bool:
    """Tell whether a table is a dict of columns, a list of dicts, or a structured array."""
    if isinstance(table, np.ndarray):
        return table.dtype.names is not None
    if isinstance(table, list | tuple):
        return bool(table) and all(isinstance(row, dict) for row in table)
    return isinstance(table, dict)


def _what(table: object) -> str:
    """Say what something is that is no table."""
    if isinstance(table, io.IOBase):
        return "An open file is not a table: it cannot be read twice."
    return f"{table if table is None else f'An object of type {type(table).__name__}'} is not a table."
