"""What `fit` takes as a table: rows that are read here or by a cluster, or sums over them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from regress.api.cluster import Cluster, cluster_of, dask_collection
from regress.api.engine import EngineOptions
from regress.api.from_moments import read_moments
from regress.api.moments import TableMoments, load_moments
from regress.api.read import read_table
from regress.api.sums import Reading, ReadTable
from regress.errors import InputError
from regress.messages import setting
from regress.options import ProcessOptions, Progress, TableOptions
from regress.sources.base import Source
from regress.sources.open import open_table
from regress.sources.paths import check_outputs

_MAGIC = b"regress moments "

Opened: TypeAlias = Source | TableMoments | Cluster


class Where(NamedTuple):
    """The cluster that reads a table, if one does, and how long in seconds it is waited for."""

    cluster: Any = None
    timeout: float = 300.0


@contextmanager
def opened(
    table: Any,
    target: Any,
    options: TableOptions,
    where: Where | None = None,
    process: ProcessOptions | None = None,
) -> Iterator[Opened]:
    """Yield a table as it is read: moments, those of a file too, as they are. A cluster of this machine ends after it.

    Raises
    ------
    InputError
        If it cannot be read so.
    """
    where = where or Where()
    if where.cluster is None and not dask_collection(table):
        yield open_any(table, options)
        return
    if where.cluster is None:
        raise InputError(f"A collection of Dask needs a cluster. Pass {setting('cluster')}, such as your client.")
    from regress.api.dask_client import client_of, quiet

    checkpoint = None
    if process is not None and process.checkpoint is not None:
        from regress.api.parts_checkpoint import PartsKeeper

        checkpoint = PartsKeeper(process)
    engine = EngineOptions(timeout=where.timeout)
    with quiet(), client_of(where.cluster, engine) as client:
        yield cluster_of(client, table, target, options, engine=engine, checkpoint=checkpoint)


def open_any(
    table: Any, options: TableOptions, *, outputs: Mapping[str, str | Path | None] | None = None
) -> Source | TableMoments:
    """Return a table that is read here; moments, those of a file too, as they are.

    Raises
    ------
    InputError
        If it cannot be read, or an output cannot be written.
    """
    if isinstance(table, str | os.PathLike):
        path = Path(table)
        if path.is_file() and _begins_so(path):
            check_outputs(outputs or {}, {path: "the moments"})
            table = load_moments(path)
    if isinstance(table, TableMoments):
        if given := options.of_csv():
            raise InputError(f"{setting(given[0])} is for CSV files; {table.label} holds sums over rows.")
        return table
    if outputs is not None:
        from regress.sources.files import open_files

        return open_files(table, options, outputs=outputs)
    return open_table(table, options)


def _begins_so(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False  # whoever opens it as a table says why


def source_of(table: Opened) -> Source:
    """Return the columns of a table, and its partitions if it has some here."""
    return table if isinstance(table, Source) else table.source


def options_of(table: Opened, options: TableOptions) -> TableOptions:
    """Return the options that a table was read with, where it has been."""
    if not isinstance(table, TableMoments):
        return options
    names = ("missing", "test_size", "split_key", "random_state", "weight_type")
    return replace(options, **{name: getattr(table.read, name) for name in names})


def read_any(
    table: Opened, target: Any, options: TableOptions, reading: Reading, progress: Progress | None = None
) -> ReadTable:
    """Return what training needs of a table."""
    if isinstance(table, TableMoments):
        return read_moments(table, target, options, reading)
    if target is None:
        raise InputError(f"Name the column to predict with {setting('target')}.")
    if isinstance(table, Cluster):
        options = replace(options, weights=table.weights)
        return read_table(None, table.target, options, reading, progress, cluster=table)
    return read_table(table, target, options, reading, progress)
