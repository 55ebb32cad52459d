"""What the command line shows: tables for people on standard output, progress and notes on standard error."""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regress.preparation import Progress


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people; nothing for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def strict(value: Any) -> Any:
    """Replace what JSON cannot say (NaN, infinities) by None, at any depth."""
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(value: dict[str, Any]) -> None:
    """Print one strict JSON object, in ASCII: whatever the encoding of standard output is, it stays JSON."""
    sys.stdout.write(json.dumps({"schema": 1, **strict(value)}, allow_nan=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, numbers to the right; cut to the width of a terminal only."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for j, column in enumerate(columns):
        left = j == 0 or column in ("note", "values", "type")
        table.add_column(
            column,
            justify="left" if left else "right",
            overflow="fold" if left else "ellipsis",
            no_wrap=not left,
        )
    for row in rows:
        table.add_row(*map(Text, row))  # a name is shown as it is: no markup, no emoji
    wide = None if sys.stdout.isatty() else 10_000
    Console(file=sys.stdout, width=wide, highlight=False, soft_wrap=wide is not None).print(table)


def say(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress_line() -> Iterator[Progress | None]:
    """Give a callback that shows work over a second on a terminal, and None where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    began = time.monotonic()
    columns = SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=False, auto_refresh=True) as bar:
        bar.stop()
        task = bar.add_task("rows", total=None)
        shown = False

        def show(what: str, count: int) -> None:
            nonlocal shown
            if not shown and time.monotonic() - began > 1.0:
                bar.start()
                shown = True
            if shown:
                bar.update(task, description=what, completed=count)

        yield show


def print_comparison(comparison: Any) -> None:
    """Print a comparison: a row a tool, then the verdict."""
    print(f"{comparison.rows}\n")
    columns = ["", "digits", "moves ŷ by", "loss above min", "‖∇L‖", "R² test", "seconds", "iterations", "rank"]
    rows = []
    for f in comparison.fits:
        digits = "" if f.w is None else f"{f.digits:.1f}"
        cells = [digits, number(f.moved, 2), number(f.excess_loss, 2), number(f.gradient_norm, 2)]
        r2 = "" if f.r2_test is None else f"{f.r2_test:.6f}"
        rows.append([f.name, *cells, r2, number(f.seconds, 2), number(f.n_iter), number(f.rank)])
    print_table(columns, rows)
    print("\nDigits right in the worst coefficient, and the most that it moves a fitted value, in sd(y).")
    notes = [f"{f.name}: {f.note}" for f in comparison.fits if f.note]
    print("\n" + "\n".join([*comparison.verdict, *notes]))


def print_check(check: Any) -> None:
    """Print a gradient check: a row a parameter, then the verdict."""
    ways = [way for way in check.gradients if way != "derived rows"]
    rows = []
    for j, name in enumerate(check.names):
        errors = [f"{check.errors[way][j]:.0e}" for way in ways]
        rows.append(
            [
                name,
                number(float(check.gradients["derived rows"][j])),
                number(float(check.scale[j]), 3),
                *errors,
            ]
        )
    print(
        "The gradient at a random point, and how far the other ways are from it,\n"
        "relative to its natural scale 2Σ|x||ŷ − y|:\n"
    )
    print_table(["", "derived rows", "scale", *ways], rows)
    verdict = "All ways agree" if check.passed else "The ways disagree"
    print(f"\n{verdict}: largest difference {check.worst:.1e}, tolerance {check.tolerance:.0e}.")


def print_inspection(seen: Any) -> None:
    """Print an inspection: a row a column, what to look at, and the command to run next."""
    print(f"{seen.label}: {seen.rows:,} rows, {len(seen.columns):,} columns\n")
    rows = []
    for c in seen.columns:
        values = (
            ", ".join(c.levels[:4]) + (f", … ({c.n_levels:,})" if c.n_levels > 4 else "") if c.kind == "text" else ""
        )
        numbers = [number(v, 4) for v in (c.mean, c.spread, c.low, c.high)]
        rows.append([c.name, c.kind, number(c.missing), *numbers, values])
    print_table(["", "type", "missing", "mean", "sd", "min", "max", "values"], rows)
    if seen.remarks:
        print("\n" + "\n".join(seen.remarks))
    print(f"\nNext: {seen.command}")
