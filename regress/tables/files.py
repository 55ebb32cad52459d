"""Files and Polars frames as sources; outputs that would overwrite them."""

import os
import re
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
from regress.tables.pipes import is_pipe, spool

_PARQUET = b"PAR1"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


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
    for found in paths:
        one = spool(found) if is_pipe(found) else found
        if not one.is_file():
            raise TableError(
                f"{found} {_what(found)}. Name a CSV or Parquet file, a folder of them, or a glob such as 'data/*.csv'."
            )
        name = _shown(one.name if plain else str(found))
        parts.append(
            ParquetPart(one, name, reading_of_frames(options))
            if _is_parquet(one)
            else CsvPart(one, name, options, ledger)
        )
    if (given := options.of_csv()) and not any(isinstance(part, CsvPart) for part in parts):
        raise InputError(f"{given[0]} is for CSV files; {text} is Parquet.")
    return PolarsSource(parts[0].name if len(parts) == 1 else _shown(text), parts, ledger)


def check_outputs(
    table: str | Path | None, outputs: Mapping[str, str | Path | None], model: str | Path | None = None
) -> None:
    """Refuse to write a file over the table, the model, or another that is written; `outputs` are named for people.

    Raises
    ------
    InputError
        If an output is the table, or two are one, or there is no such folder.
    """
    taken = {} if table is None else {os.path.realpath(path): "the table" for path in _paths(str(table))}
    if model is not None:
        taken[os.path.realpath(model)] = "the model"
    for name, output in outputs.items():
        if output is None:
            continue
        if output in ("", "-"):
            raise InputError(f"{name} takes the name of a file; got {output!r}.")
        path = Path(os.path.realpath(output))
        if path.is_symlink():
            raise InputError(f"{name} {output} cannot be written: {_what(path)}. Name another file.")
        if path.is_dir():
            raise InputError(f"{name} {output} is a folder. Name a file.")
        if path.exists() and not path.is_file():
            continue  # a device
        if str(path) in taken:
            raise InputError(f"{name} would overwrite {output}, which is {taken[str(path)]}. Name another file.")
        if not path.parent.is_dir():
            raise InputError(f"{name} {output} cannot be written: there is no folder {path.parent}.")
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"{name} {output} cannot be written: its folder is read-only.")
        taken[str(path)] = name


def _paths(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob names, hidden ones (and _SUCCESS) of a folder left out."""
    if not text:
        raise TableError("The name of the table is empty. Is a variable of the command line not set?")
    if _ADDRESS.match(text):
        raise TableError(f"{text} is an address, and regress reads no network. Download it, and name the file.")
    path = Path(text)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if not p.name.startswith((".", "_")))
        if not found:
            raise TableError(f"The folder {text} holds no file.")
        for one in found:
            if not one.is_file():
                raise TableError(
                    f"The folder {text} holds {one.name}, which {_what(one)}. Move it, or name the files by a glob "
                    f"such as '{path / '*.csv'}'."
                )
        return found
    if path.exists() or not has_magic(text):
        return [path]
    matched = [Path(p) for p in sorted(glob(text))]
    if not matched:
        raise TableError(f"No file matches {text}.")
    return matched


def _what(path: Path) -> str:
    """Say what a path is that is no file."""
    if path.is_dir():
        return "is a folder"
    if os.path.exists(path):
        return "is not a file"
    return "is a link that leads nowhere" if path.is_symlink() else "does not exist"


def _shown(name: str) -> str:
    """Return a name as text that can be written anywhere: bytes that are not UTF-8 are shown as codes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_parquet(path: Path) -> bool:
    """Tell by its name, or by its first and last bytes; those of a CSV file may be the first ones."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return True
    try:
        with path.open("rb") as file:
            start = file.read(4096)
            if not start.startswith(_PARQUET) or b"\0" in start:  # no text has that byte
                return start.startswith(_PARQUET)
            file.seek(-4, os.SEEK_END)
            return file.read() == _PARQUET
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror}.") from None
