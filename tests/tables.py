"""Tables as tests look at them: every cell as what its column turns out to be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from regress.errors import TableError
from regress.options import FileOptions
from regress.sources.base import Batch, Source
from regress.sources.files import open_files
from regress.sources.rereading import rereading

Columns = dict[str, list[Any]]


def texts(batch: Batch, name: str) -> list[str | None]:
    """The level of each cell of a text column, None where it is missing."""
    cells = batch.distinct(name, np.ones(batch.rows, dtype=bool))
    codes = batch.codes(name, {cell: k for k, cell in enumerate(cells)})
    return [batch.level(cells[code]) if code >= 0 else None for code in codes]


def cells(source: Source, names: Iterable[str] | None = None) -> tuple[Columns, list[bool], Source]:
    """Columns by name, which rows are bad, and the source that the cells decided on."""

    def read(source: Source) -> tuple[Columns, list[bool], Source]:
        source = source.settled(
            [c.name for c in source.columns if c.kind == "text" and (names is None or c.name in names)]
        )
        kinds = {c.name: c.kind for c in source.columns if c.kind != "unusable" and (names is None or c.name in names)}
        for name in kinds:
            if source.by_name[name].hint:
                raise TableError(
                    f"Column {name!r} of {source.label} cannot be used as it is. {source.by_name[name].hint}"
                )
        columns: Columns = {name: [] for name in kinds}
        bad: list[bool] = []
        for batch in source.batches(list(kinds)):
            for name, kind in kinds.items():
                columns[name] += texts(batch, name) if kind == "text" else batch.numbers(name).tolist()
            bad += [False] * batch.rows if batch.bad is None else batch.bad.tolist()
        return columns, bad, source

    return rereading(source, read)


def columns_of(path: str | Path, names: Iterable[str] | None = None, **options: Any) -> Columns:
    """Columns of a file by name."""
    return cells(open_files(path, FileOptions(**options)), names)[0]
