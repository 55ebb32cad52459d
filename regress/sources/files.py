"""Files and Polars frames as sources."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from regress.errors import InputError, TableError
from regress.messages import setting
from regress.options import FileOptions
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.file_parts import File, FilePart, LocalFile
from regress.sources.paths import (
    check_outputs,
    file_key,
    is_address,
    is_pipe,
    masked,
    paths_of,
    shown,
    what_is,
)
from regress.sources.rejects import Rejects
from regress.sources.table import Table
from regress.sources.unopened import UnopenedPart, open_file

_FEW = 32  # files that are opened at once in any case: for so many, a cluster is no faster


def is_polars(table: object) -> bool:
    """Tell whether a table is a Polars DataFrame."""
    return isinstance(table, pl.DataFrame)


def open_polars(frame: pl.DataFrame, reading: Reading = AS_IS) -> Table:
    """Return a Polars frame as a source."""
    from regress.sources.polars_frames import PolarsPartition

    return Table("the frame", [PolarsPartition(frame, reading)])


def open_arrow(table: Any, reading: Reading = AS_IS) -> Table:
    """Return whatever speaks the Arrow stream protocol (a PyArrow table, a DuckDB relation) as a source."""
    from regress.sources.arrow import ArrowPart

    return Table("the table", [ArrowPart(table, reading)])


def open_files(
    path: str | os.PathLike[str],
    options: FileOptions | None = None,
    *,
    outputs: Mapping[str, str | Path | None] | None = None,
    model: str | None = None,
    first_only: bool = False,
) -> Table:
    """Open a file, every file that a glob matches, or every file of a folder, in the order of their names.

    `outputs`, named for people, and a file of rejects must be neither the table nor the `model`. With `first_only`,
    whoever reads the other files of many opens them.

    Raises
    ------
    TableError
        If there is no such file, its header cannot be used, or two files have different columns.
    InputError
        If an option that only CSV files have is given for others, or an output cannot be written.
    """
    options, text = options or FileOptions(), os.fspath(path)
    remote = is_address(text)
    paths, address = ([], masked(text)) if remote else (paths_of(text), text)
    inputs = dict.fromkeys(paths, "the table") | ({} if model is None else {Path(model): "the model"})
    written = {} if options.rejects is None else {setting("rejects"): options.rejects}
    check_outputs({**(outputs or {}), **written}, inputs)
    rejects = Rejects(options.on_bad_lines == "skip", options.rejects, options.max_bad_lines)
    parts: list[FilePart] = []
    files = _remote_files(text) if remote else _files(paths)
    for file in files:
        if parts and first_only and len(files) > _FEW:
            part: FilePart = UnopenedPart(file=file, options=options, rejects=rejects)
        else:
            part = open_file(file, options, rejects)
        part.key = file_key(file.name) if len(files) > 1 else ""
        part.before = sum(other.size for other in parts)
        parts.append(part)
    if not any(part.of_text for part in parts) and (given := options.of_csv()):
        raise InputError(f"{setting(given[0])} is for CSV files; {address} is {parts[0].form}.")
    label = parts[0].name if len(parts) == 1 else shown(address)
    return Table(label, parts, rejects=rejects, address=address, options=options)


def _remote_files(address: str) -> Sequence[File]:
    from regress.sources.remote import remote_files

    return remote_files(address)


def _files(paths: Sequence[Path]) -> Sequence[File]:
    """Return what is at paths; messages call a file by its name alone where that tells it from the others."""
    plain = len({path.name for path in paths}) == len(paths)
    return [_file(path, plain) for path in paths]


def _file(path: Path, plain: bool) -> File:
    if is_pipe(path):
        from regress.sources.pipes import spool

        return spool(path)
    if not path.is_file():
        first = " The table comes first, then the formula." * (" ~ " in str(path))
        raise TableError(
            f"{path} {what_is(path)}.{first} "
            "Name a CSV or Parquet file, a folder of them, or a glob such as 'data/*.csv'."
        )
    return LocalFile.seen(path, shown(path.name if plain else str(path)))
