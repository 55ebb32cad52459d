"""Commands that make files of moments: moments, merge."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regress.cli.options import CLUSTER, Command, flags, options_of, target_of
from regress.keywords import made
from regress.options import CallOptions, FileOptions, TableOptions

if TYPE_CHECKING:
    from regress.api.moments.table_moments import TableMoments


@click.command(cls=Command)
@click.argument("table")
@flags(CallOptions, only=["target"])
@flags(TableOptions, without=["rows", "ref"])
@flags(
    CallOptions,
    only=["sample", "n_jobs", *CLUSTER],
    sample="Keep N training rows in the file, for plots of residuals. Default: the file holds no row.",
)
@flags(CallOptions, only=["output"], output="File of moments to write, such as day1.moments.")
def moments(table: str, target: str | None, output: str | None, **given: Any) -> int:
    """Sum the rows of TABLE without rounding into a file, which merges with others and can be fitted.

    `regress merge` merges such files, and `regress fit` takes them in place of a table.
    """
    from regress.api.moments import sum_table
    from regress.api.tables import open_any
    from regress.cli import console

    options, path = options_of(given), _named(output)
    opened = open_any(table, made(FileOptions, options), outputs={"--output": path})
    with console.progress_line() as progress:
        result = sum_table.moments(opened, target_of(opened, target, options), progress=progress, **options)
    result.save(path)
    console.show(*_written(result, path))
    return 0


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@flags(CallOptions, only=["subtract", "allow_equal"])
@flags(CallOptions, only=["output"], output="File of moments to write, such as week.moments.")
def merge(files: tuple[str, ...], output: str | None, **given: Any) -> int:
    """Merge FILES of moments into one. The result is that of one table with the rows of all."""
    from regress.api.moments.table_moments import load_moments, merged
    from regress.cli import console
    from regress.sources.paths import check_outputs

    options, path = options_of(given), _named(output)
    gone = options.get("subtract", [])
    check_outputs({"--output": path}, {Path(name): "one of the files to merge" for name in (*files, *gone)})
    with console.progress_line() as progress:

        def coming() -> "Iterator[TableMoments]":
            for count, name in enumerate(files, 1):
                yield load_moments(name)
                progress("files", count, 0, 0)

        result = merged(coming(), allow_equal=options.get("allow_equal", False))
        for name in gone:
            result -= load_moments(name)
    result.save(path)
    console.show(*_written(result, path))
    return 0


def _named(output: str | None) -> str:
    if output is None:
        raise click.UsageError("Name the file to write with --output, such as -o day1.moments.")
    if not output.endswith(".moments"):
        raise click.UsageError(f"A file of moments is known by its name: end the name {output} in .moments.")
    return output


def _written(result: "TableMoments", path: str) -> list[str]:
    """Return what was written, in lines."""
    from regress.aggregates.account import describe

    parts, names, size = len(result.parts), len(result.names), os.path.getsize(path)
    sampled = result.sampled
    return [
        f"{describe(result.sums.tally)}, of {parts:,} part{'s' * (parts != 1)}",
        f"Target {result.target}, {names:,} other column{'s' * (names != 1)}",
        f"Fingerprint {result.fingerprint}",
        f"{path}: {size:,} bytes, with {f'{sampled:,} of the training rows' if sampled else 'no row of the table'}",
    ]
