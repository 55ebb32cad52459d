"""Files and Polars frames as sources; outputs that would overwrite them."""

import os
from collections.abc import Mapping
from glob import glob, has_magic
from pathlib import Path

import polars as pl

from regress.errors import InputError, TableError
from regress.tables.batches import PolarsSource
from regress.tables.cells import AS_IS, Reading, reading_of_frames
from regress.tables.csvfile import CsvPart
from regress.tables.ledger import Ledger
from regress.tables.options import FileOptions
from regress.tables.parquet import ParquetPart
from regress.tables.parts import FramePart, Part

_PARQUET = b"PAR1"


def is_frame(table: object) -> bool:
    """Tell whether a table is a Polars DataFrame."""
    return isinstance(table, pl.DataFrame)


def open_polars(frame: pl.DataFrame, reading: Reading = AS_IS) -> PolarsSource:
    """Return a Polars frame as a source."""
    return PolarsSource("the frame", [FramePart(frame, reading)])


def open_files(path: str | Path, options: FileOptions | None = None) -> PolarsSource:
    """Open a file, every file that a glob matches, or every file of a folder, in the order of their names.

    Raises
    ------
    TableError
        If there is no such file, its header cannot be used, or two files have different columns.
    InputError
        If an option that only CSV files have is given for others.
    """
    options = options or FileOptions()
    options.check()
    text = str(path)
    paths = _paths(text)
    check_outputs(path, {"rejects": options.rejects})
    plain = len({one.name for one in paths}) == len(paths)
    ledger = Ledger(options.on_bad_row == "skip", options.rejects, options.max_bad)
    parts: list[Part] = []
    for one in paths:
        if not one.is_file():
            what = "is not a file" if one.exists() else "does not exist"
            raise TableError(
                f"{one} {what}. Name a CSV or Parquet file, a folder of them, or a glob such as 'data/*.csv'."
            )
        name = one.name if plain else str(one)
        parts.append(
            ParquetPart(one, name, reading_of_frames(options))
            if _is_parquet(one)
            else CsvPart(one, name, options, ledger)
        )
    if (given := options.of_csv()) and not any(isinstance(part, CsvPart) for part in parts):
        raise InputError(f"{given[0]} is for CSV files; {text} is Parquet.")
    return PolarsSource(paths[0].name if len(paths) == 1 else text, parts, ledger)


def check_outputs(
    table: str | Path | None, outputs: Mapping[str, str | Path | None], model: str | Path | None = None
) -> None:
    """Refuse to write a file over the table, the model, or another that is written; `outputs` are named for people.

    Raises
    ------
    InputError
        If an output is the table, or two are one, or there is no such folder.
    """
    taken = {} if table is None else {path.resolve(): "the table" for path in _paths(str(table))}
    if model is not None:
        taken[Path(model).resolve()] = "the model"
    for name, output in outputs.items():
        if output is None:
            continue
        if output in ("", "-"):
            raise InputError(f"{name} takes the name of a file; got {output!r}.")
        path = Path(output).resolve()
        if path.is_dir():
            raise InputError(f"{name} {output} is a folder. Name a file.")
        if path.exists() and not path.is_file():
            continue  # a device
        if path in taken:
            raise InputError(f"{name} would overwrite {output}, which is {taken[path]}. Name another file.")
        if not path.parent.is_dir():
            raise InputError(f"{name} {output} cannot be written: there is no folder {path.parent}.")
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"{name} {output} cannot be written: its folder is read-only.")
        taken[path] = name


def _paths(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob names, hidden ones (and _SUCCESS) of a folder left out."""
    path = Path(text)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
        if not found:
            raise TableError(f"The folder {text} holds no file.")
        return found
    if path.exists() or not has_magic(text):
        return [path]
    matched = [Path(p) for p in sorted(glob(text))]
    if not matched:
        raise TableError(f"No file matches {text}.")
    return matched


def _is_parquet(path: Path) -> bool:
    if path.suffix.lower() in (".parquet", ".pq"):
        return True
    with path.open("rb") as file:
        starts = file.read(4) == _PARQUET
        file.seek(-min(4, path.stat().st_size), 2)
        return starts and file.read() == _PARQUET
