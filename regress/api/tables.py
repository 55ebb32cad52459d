"""What `fit` takes as a table: rows that are read here or by a cluster, or sums over them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from regress.api.read import read_table
from regress.api.sums import Reading, ReadTable
from regress.errors import INSTALL_DASK, InputError, MissingDependencyError, check_number
from regress.messages import setting
from regress.options import FileOptions, ProcessOptions, Progress, TableOptions, TrainOptions
from regress.solvers.choose import batched, objective_of
from regress.sources.base import Source
from regress.sources.open import of_package, open_table
from regress.sources.paths import check_outputs

if TYPE_CHECKING:
    from regress.api.cluster.table import ClusterTable
    from regress.api.moments.table_moments import TableMoments

Opened: TypeAlias = "Source | TableMoments | ClusterTable"


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
    MissingDependencyError
        If Dask is not installed.
    """
    where = where or Where()
    if where.cluster is None and where.timeout != Where().timeout and not of_package(table, "dask"):
        raise InputError(f"{setting('cluster_timeout')} needs {setting('cluster')}.")
    if where.cluster is not None and (summed := moments_in(table)) is not None:
        raise InputError(
            f"{summed.label} is summed already, so there is no work for a cluster. Remove {setting('cluster')}."
        )
    if where.cluster is None and not of_package(table, "dask"):
        yield open_any(table, options)
        return
    if options.rows is not None:
        raise InputError(
            f"A cluster reads the parts of a table in any order, all rows of each. Remove {setting('rows')}."
        )
    from regress.api.cluster.engine import EngineOptions
    from regress.api.cluster.files import cluster_of

    try:
        from regress.api.cluster.dask_client import client_of, current, quiet
    except ImportError:
        raise MissingDependencyError(
            f"{setting('cluster')} needs Dask, which is not installed. Install it with: {INSTALL_DASK}"
        ) from None

    checkpoint = None
    if process is not None and process.checkpoint is not None:
        from regress.api.cluster.kept_sums import PartsKeeper

        checkpoint = PartsKeeper(process)
    engine = EngineOptions(timeout=check_number("cluster_timeout", where.timeout, above=0.0))
    with quiet(), client_of(current() if where.cluster is None else where.cluster, engine) as client:
        yield cluster_of(client, table, target, options, engine=engine, checkpoint=checkpoint)


def open_any(
    table: Any,
    options: FileOptions,
    *,
    outputs: Mapping[str, str | Path | None] | None = None,
    model: str | None = None,
) -> "Source | TableMoments":
    """Return a table that is read here; moments, those of a file too, as they are.

    Raises
    ------
    InputError
        If it cannot be read, or an output cannot be written.
    """
    if (summed := moments_in(table)) is not None:
        inputs = {} if summed is table else {Path(table): "the moments"}
        check_outputs(outputs or {}, inputs | ({} if model is None else {Path(model): "the model"}))
        if given := options.of_csv():
            raise InputError(f"{setting(given[0])} is for CSV files; {summed.label} holds sums over rows.")
        return summed
    if outputs is not None:
        from regress.sources.files import open_files

        return open_files(table, options, outputs=outputs, model=model)
    return open_table(table, options)


def moments_in(table: Any) -> "TableMoments | None":
    """Return what moments something is, or is the file of; None for anything else."""
    path = Path(table) if isinstance(table, str | os.PathLike) else None
    of_moments = path is not None and path.suffix == ".moments" and path.is_file()
    if not (of_moments or of_package(table, "regress")) or isinstance(table, Source):
        return None
    from regress.api.moments.table_moments import TableMoments, load_moments

    if path is not None:
        return load_moments(path)
    return table if isinstance(table, TableMoments) else None


def on_cluster(table: Opened) -> "ClusterTable | None":
    """Return a table that a cluster reads; None for one that is read or summed here."""
    return None if isinstance(table, Source) or moments_in(table) is not None else cast("ClusterTable", table)


def source_of(table: Opened) -> Source:
    """Return the columns of a table, and its partitions if it has some here."""
    return table if isinstance(table, Source) else table.source


def options_of(table: Opened, options: TableOptions) -> TableOptions:
    """Return the options that a table was read with, where it has been."""
    if (summed := moments_in(table)) is None:
        return options
    names = ("missing", "as_written", "test_size", "split_key", "random_state", "weight_type")
    return replace(options, **{name: getattr(summed.read, name) for name in names})


def exactly(options: TrainOptions) -> TrainOptions:
    """Return options for numbers as they are written, whose sums are exact.

    Raises
    ------
    InputError
        If other sums are asked for.
    """
    if options.precision == "float64" or options.over != "auto":
        name = "over" if options.over != "auto" else "precision"
        raise InputError(f"{setting('as_written')} needs exact arithmetic. Remove {setting(name)}.")
    return replace(options, precision="exact")


def check_rows(table: Opened, options: TrainOptions, cov_type: object, checkpoint: object) -> None:
    """Refuse the first option that needs the rows, where a table is summed here or elsewhere.

    Raises
    ------
    InputError
        If there is one.
    """
    if isinstance(table, Source):
        return
    loss, _ = objective_of(options)
    needing: dict[str, object] = {"loss": options.loss} if not loss.quadratic else {}
    needing |= {"cov_type": cov_type} if not isinstance(cov_type, str) else {}
    needing |= {"solver": options.solver} if batched(options) else {}
    needing |= {"over": options.over} if options.over in ("rows", "blocks") else {}
    if (summed := moments_in(table)) is not None:
        needing |= {"cov_type": cov_type} if cov_type != "nonrobust" else {}
        needing |= {"checkpoint": checkpoint} if checkpoint is not None else {}
        needing |= {"penalty": options.penalty} if options.penalty is not None else {}
    for name, value in needing.items():
        shown = setting(name, value) if isinstance(value, str) else setting(name)
        if summed is not None:
            raise InputError(
                f"{shown} needs the rows, and {summed.label} holds only sums over them. Remove it, or pass the table."
            )
        raise InputError(
            f"{shown} needs the rows here, and a cluster sums them where they are. Remove it, or {setting('cluster')}."
        )


def read_any(
    table: Opened, target: Any, options: TableOptions, reading: Reading, progress: Progress | None = None
) -> ReadTable:
    """Return what training needs of a table."""
    if isinstance(table, Source):
        return read_table(table, target, options, reading, progress)
    if (summed := moments_in(table)) is not None:
        from regress.api.moments.training import read_moments

        return read_moments(summed, target, options, reading)
    return read_table(None, target, options, reading, progress, cluster=on_cluster(table))
