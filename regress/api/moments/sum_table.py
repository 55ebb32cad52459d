"""Sum a table, or a part of one, into moments."""

from copy import copy
from dataclasses import replace
from typing import Any, Unpack

from regress.api.cluster.table import ClusterTable
from regress.api.formulas import with_formula
from regress.api.moments.table_moments import TableMoments, moments_of_sums
from regress.api.read import read_sums
from regress.api.sums import Reading
from regress.api.tables import Where, opened
from regress.errors import InputError, check_whole
from regress.keywords import TableKeywords, made, refuse_unknown, takes
from regress.messages import setting
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions
from regress.sources.base import Source
from regress.sources.batches import Part
from regress.sources.file_parts import FilePart
from regress.sources.paths import file_key
from regress.sources.table import Table


@takes(TableOptions, without=["rows"])
def moments(
    table: Any,
    target: Any = None,
    *,
    sample: int = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    cluster: Any = None,
    cluster_timeout: float = 300.0,
    **options: Unpack[TableKeywords],
) -> TableMoments:
    """Sum the rows of a table without rounding. The sums can be fitted without the rows, merged and saved.

    Parameters
    ----------
    table, target, n_jobs, progress, cluster, cluster_timeout
        As in `fit`.
    sample : int
        Training rows to keep, for plots of residuals. Without any, moments hold no row.
    **options

    Returns
    -------
    TableMoments
        Sums over training rows and over rows held out, counts of levels, and the account of all rows.

    Raises
    ------
    InputError
        If an argument or the table cannot be used; the message names the remedy.

    Notes
    -----
    Rows are held out by hashes of their keys, as in a table of several files. A key is the record number and the name
    of the file, or the value in the column `split_key`.

    Examples
    --------
    >>> import regress
    >>> day = regress.moments({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y")
    >>> regress.fit(day).w.tolist(), day.n_rows
    ([2.0], 3)
    """
    refuse_unknown(moments, options)
    check_whole("sample", sample, 0)
    target, given = with_formula(target, options)
    of_table = made(TableOptions, given)
    if of_table.missing == "mean":
        raise InputError(
            f"{setting('missing', 'mean')} takes a mean over all parts of a table. Use {setting('missing', 'drop')}."
        )
    if of_table.ref:
        raise InputError(f"Moments hold sums for every level. Remove {setting('ref')}, and give it to the fit of them.")
    with one_blas_thread(), opened(table, target, of_table, Where(cluster, cluster_timeout)) as found:
        if isinstance(found, TableMoments):
            raise InputError(f"{found.label} holds moments already. Name the table that they were made of.")
        reading = Reading("moments", resolve_jobs(n_jobs), "exact", sampled=sample, summed=True)
        if isinstance(found, ClusterTable):
            on = replace(found, table=with_keys(found.table))
            reader, sums = read_sums(None, target, of_table, reading, progress, cluster=on)
        else:
            reader, sums = read_sums(with_keys(found), target, of_table, reading, progress)
    return moments_of_sums(reader, sums, of_table)


def with_keys(source: Source) -> Source:
    """Return a table whose records are known by their file too: even a single file may be one of many."""
    parts = source.partitions()
    if not isinstance(source, Table) or not all(isinstance(part, FilePart) for part in parts):
        return source
    return source.in_parts([keyed(part) for part in source.partitions()])


def keyed(part: Part) -> Part:
    """Return a file whose records are known by its name."""
    part = copy(part)
    part.key = file_key(part.name)
    return part
