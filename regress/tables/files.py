"""Files and frames as sources: one or more parts that are read one after the other."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path

import polars as pl

from regress.errors import InputError, TableError
from regress.numerics.twofold import Array, Mask
from regress.tables.csvfile import CsvPart
from regress.tables.ledger import Ledger
from regress.tables.options import FileOptions
from regress.tables.parts import FramePart, ParquetPart, Part
from regress.tables.source import MISSING, MISSING_CODE, UNSEEN_CODE, Batch, Codes, Column, Kind, cut, written

_PARQUET = b"PAR1"
_KINDS = {"number": "numbers", "boolean": "true or false", "text": "text", "unusable": "what no fit can use"}


@dataclass(frozen=True, slots=True)
class PolarsBatch:
    """Some rows of a Polars frame. Missing cells are null or NaN."""

    part: str
    first: int
    frame: pl.DataFrame
    read: int
    bad: Mask | None = None

    @property
    def rows(self) -> int:
        """Rows in the batch."""
        return self.frame.height

    def head(self, rows: int) -> "PolarsBatch":
        """Return the first rows of the batch."""
        bad = None if self.bad is None else self.bad[:rows]
        return PolarsBatch(self.part, self.first, self.frame.head(rows), self.read, bad)

    def numbers(self, name: str) -> Array:
        """Return a number or boolean column (rows,), NaN where missing."""
        column = self.frame[name]
        if column.dtype != pl.Float64:  # a cast costs, even to the same type
            column = column.cast(pl.Float64)
        return column.to_numpy()  # nulls become NaN

    def columns(self, names: Sequence[str]) -> list[Array]:
        """Return number and boolean columns."""
        return [self.numbers(name) for name in names]

    def codes(self, name: str, levels: Sequence[str]) -> Codes:
        """Return a text column as positions in `levels`."""
        text = _text(self.frame[name])
        codes = text.replace_strict(list(levels), list(range(len(levels))), default=UNSEEN_CODE, return_dtype=pl.Int32)
        return codes.set(text.is_null(), MISSING_CODE).to_numpy()

    def texts(self, name: str) -> list[str]:
        """Return a column as text; numbers in one form, whatever the file's."""
        column = self.frame[name]
        if column.dtype.is_numeric():
            return written(self.numbers(name))
        return _text(column).fill_null("").to_list()

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different values of a text column in some rows, in order."""
        return _text(self.frame[name].filter(pl.Series(rows))).drop_nulls().unique(maintain_order=True).to_list()


def _text(column: pl.Series) -> pl.Series:
    """Return a column as text with the missing cells null."""
    try:
        text = column.cast(pl.String)
    except pl.exceptions.InvalidOperationError:
        raise TableError(f"Column {column.name!r} is of type {column.dtype}, which cannot be read as text.") from None
    return text.set(text.str.strip_chars().is_in(MISSING), None)


class PolarsSource:
    """One or more parts with the same columns, read one after the other."""

    def __init__(
        self,
        label: str,
        parts: Sequence[Part],
        ledger: Ledger | None = None,
        columns: tuple[Column, ...] | None = None,
    ) -> None:
        self.label, self._ledger = label, ledger or Ledger()
        self._parts = {part.name: part for part in parts}
        self.typed_alike = len(parts) == 1 or all(isinstance(part, CsvPart) for part in parts)
        self.unit = "bytes" if any(part.name for part in parts) else "rows"
        self.size = sum(part.size for part in parts)
        self.dialect = "; ".join(dict.fromkeys(part.dialect for part in parts if part.dialect))
        self.columns = columns if columns is not None else _common_columns(parts)
        self.by_name = {column.name: column for column in self.columns}

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[Batch]:
        """Read the named columns of every part in batches, up to a number of rows."""
        kinds: dict[str, Kind] = {name: self.by_name[name].kind for name in names}
        self._ledger.begin()
        try:
            yield from cut(self._batches(kinds), limit)
        except TableError:  # what was skipped is worth seeing, the more so where the rest is refused
            self._ledger.write()
            raise
        self._ledger.write()

    def _batches(self, kinds: Mapping[str, Kind]) -> Iterator[Batch]:
        before = 0
        for part in self._parts.values():
            first = 0
            for frame, read, bad in part.frames(kinds):
                yield PolarsBatch(part.name, first, frame, before + read, bad)
                first += frame.height
            before += part.size

    def place(self, part: str, record: int) -> str:
        """Say where a record is."""
        return self._parts[part].place(record)

    def as_text(self, names: Sequence[str]) -> "PolarsSource":
        """Return the source with the named columns read as text."""
        chosen = set(names)
        columns = tuple(Column(c.name, "text", c.levels) if c.name in chosen else c for c in self.columns)
        return PolarsSource(self.label, list(self._parts.values()), self._ledger, columns)


def _common_columns(parts: Sequence[Part]) -> tuple[Column, ...]:
    """Return the columns of all parts: text if any part's is, a number where no part has a value to tell by."""
    first = parts[0]
    found = first.columns()
    for part in parts[1:]:
        others = part.columns()
        if odd := sorted(set(found) ^ set(others)):
            raise TableError(
                f"{first.name} and {part.name} have different columns ({odd[0]!r} stands in one of them only). "
                "Fit them apart, or mend one."
            )
        for name, column in others.items():
            known = found[name]
            if known is None or (column is not None and column.kind == "text"):
                alike = known is not None and column is not None and known.levels == column.levels
                found[name] = column if alike or column is None else replace(column, levels=None)
            elif column is not None and column.kind != known.kind and known.kind != "text":
                raise TableError(
                    f"Column {name!r} holds {_KINDS[known.kind]} in {first.name} and {_KINDS[column.kind]} in "
                    f"{part.name}. Mend one, or read it as text with --categorical {name}."
                )
    return tuple(column or Column(name, "number") for name, column in found.items())


def is_frame(table: object) -> bool:
    """Tell whether a table is a Polars DataFrame."""
    return isinstance(table, pl.DataFrame)


def open_polars(frame: pl.DataFrame) -> PolarsSource:
    """Return a Polars frame as a source."""
    return PolarsSource("the frame", [FramePart(frame)])


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
        parts.append(ParquetPart(one, name) if _is_parquet(one) else CsvPart(one, name, options, ledger))
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
