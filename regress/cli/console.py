"""What the command line shows: tables for people on standard output, progress and notes on standard error."""

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from regress.messages import aligned, paragraph
from regress.numerics.atomic_write import strict
from regress.options import Progress


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people; nothing for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def print_json(value: dict[str, Any]) -> None:
    """Print one strict JSON object, in ASCII: whatever the encoding of standard output is, it stays JSON."""
    sys.stdout.write(json.dumps({"schema": 1, **strict(value)}, allow_nan=False) + "\n")


def show(*lines: str) -> None:
    """Print lines of text on standard output: what a table said stays on its line, and commands no terminal."""
    sys.stdout.write(paragraph(lines) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: names, types and values to the left, numbers to the right."""
    return aligned(columns, rows, left=("type", "values"))


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what had been done until then."""


@contextmanager
def progress_line(outcome: str = "Nothing was written.") -> Iterator[Progress]:
    """Give a callback that remembers how far work is, for Ctrl-C, and on a terminal shows what takes over a second.

    Raises
    ------
    Interrupted
        On Ctrl-C; the text says what was done, and the `outcome`.
    """
    state = "before the first row"
    with _Bar() as bar:

        def show(what: str, count: int, read: int, size: int) -> None:
            nonlocal state
            state = f"after {count:,} {what}" + (f", {read / size:.0%} of the table" if size else "")
            bar.show(what, count, read, size)

        try:
            yield show
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted {state}. {outcome}") from None


class _Bar:
    """Rows or iterations done, rate, bytes and time left, in one line of standard error that goes away at the end."""

    def __enter__(self) -> "_Bar":
        self._began = time.monotonic()
        self._bar: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, what: str, count: int, read: int, size: int) -> None:
        seconds = time.monotonic() - self._began
        if self._bar is None and (seconds < 1.0 or not sys.stderr.isatty()):
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                BarColumn(30), TextColumn("{task.description}"), console=Console(stderr=True), transient=True
            )
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        text = f"{count:,} {what}, {count / seconds:,.0f} a second"
        if size:
            left = seconds * (size - read) / max(read, 1)
            text += f", {read / 1e6:,.0f} of {size / 1e6:,.0f} MB, {left:,.0f} s left"
        self._bar.update(self._task, description=text, completed=read, total=size or None)


def watched(parts: Iterable[Any], size: int, progress: Progress) -> Iterator[Any]:
    """Yield parts of predictions, and show how far they are."""
    rows = 0
    for batch, values in parts:
        yield batch, values
        rows += batch.rows
        progress("rows", rows, batch.read, size)


def print_comparison(comparison: Any) -> None:
    """Print a comparison: a row a tool, then the verdict."""
    read_as = [f"Read as {comparison.read_as}"] if comparison.read_as else []
    columns = ["", "digits", "moves ŷ by", "loss above min", "‖∇L‖", "R² test", "seconds", "iterations", "rank"]
    rows = []
    for f in comparison.fits:
        digits = "" if f.w is None else f"{f.digits:.1f}"
        cells = [digits, number(f.moved, 2), number(f.excess_loss, 2), number(f.gradient_norm, 2)]
        r2 = "" if f.r2_test is None or math.isnan(f.r2_test) else f"{f.r2_test:.6f}"
        rows.append([f.name, *cells, r2, number(f.seconds, 2), number(f.n_iter), number(f.rank)])
    legend = (
        "Digits right in the worst coefficient, the intercept apart, and the most that the error changes a fitted "
        "value, in spreads of y."
    )
    notes = [f"{f.name}: {f.note}" for f in comparison.fits if f.note]
    show(comparison.rows, *read_as, "", *table(columns, rows), "", legend, "", *comparison.verdict, *notes)


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
    verdict = "All ways agree" if check.passed else "The ways disagree"
    show(
        "The gradient at a random point, and how far the other ways are from it,",
        "relative to its natural scale 2Σ|x||ŷ − y|:",
        "",
        *table(["", "derived rows", "scale", *ways], rows),
        "",
        f"{verdict}: largest difference {check.worst:.1e}, tolerance {check.tolerance:.0e}.",
    )


def print_inspection(seen: Any) -> None:
    """Print an inspection: a row a column, what to look at, and the command to run next."""
    bad = f" and {seen.bad:,} bad ones left out" if seen.bad else ""
    read_as = [f"Read as {seen.read_as}"] if seen.read_as else []
    size = f"{seen.label}: {seen.rows:,} rows{bad}, {len(seen.columns):,} columns"
    rows = []
    for c in seen.columns:
        values = (
            ", ".join(c.levels[:4]) + (f", … ({c.n_levels:,})" if c.n_levels > 4 else "") if c.kind == "text" else ""
        )
        numbers = [number(v, 4) for v in (c.mean, c.spread, c.low, c.high)]
        rows.append([c.name, c.kind, number(c.missing), *numbers, values])
    columns = table(["", "type", "missing", "mean", "sd", "min", "max", "values"], rows)
    remarks = ["", *seen.remarks] if seen.remarks else []
    show(size, *read_as, "", *columns, *remarks, "", f"Next: {seen.command}")


def write_page(result: Any, path: str | None, command: str = "", descent: list[str] | None = None) -> None:
    """Write the page of a result, if one is asked for."""
    if path is not None:
        from regress.api.report import write_report

        write_report(result, path, descent=descent, command=command)
