"""What the command line shows: tables for people on standard output, progress and notes on standard error."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from regress.cli.process import say
from regress.messages import paragraph
from regress.options import Progress


def print_json(value: dict[str, Any]) -> None:
    """Print one strict JSON object, in ASCII: whatever the encoding of standard output is, it stays JSON."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def show(*lines: str) -> None:
    """Print lines of text on standard output: what a table said stays on its line, and commands no terminal."""
    sys.stdout.write(paragraph(lines) + "\n")


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
            part = f", {min(read / size, 1.0):.0%} of the table" if size and what != "parts" else ""
            state = f"after {count:,} {what}{part}"
            bar.show(what, count, read, size)

        try:
            yield show
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted {state}. {outcome}") from None


class _Bar:
    """Rows read, rate, bytes and time left, in one line of standard error that goes away when they have been read."""

    def __enter__(self) -> "_Bar":
        self._began = time.monotonic()
        self._bar: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        self._hide()

    def _hide(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, what: str, count: int, read: int, size: int) -> None:
        if what != "rows":  # a descent has a line of its own
            self._hide()
            return
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


def say_interrupted(result: Any, save: str | None, checkpoint: str | None) -> None:
    """Print on standard error what Ctrl-C left of a fit, below the result."""
    from regress.report.ending import reached
    from regress.solvers.status import saved

    known = result.record
    where = reached(known) if known.epochs is None else f"epoch {known.epochs:,} of {known.trained.options.epochs:,}"
    kept = f" and saved to {save}" if save is not None else ""
    further = f" {saved(checkpoint)}" if checkpoint is not None else ""
    sys.stdout.flush()
    say(f"Interrupted after {where}. The result so far is printed{kept}.{further}")


def watched(parts: Iterable[Any], size: int, progress: Progress) -> Iterator[Any]:
    """Yield parts of predictions, and show how far they are."""
    rows = 0
    for batch, values in parts:
        yield batch, values
        rows += batch.rows
        progress("rows", rows, batch.read, size)


def write_page(result: Any, path: str | None, command: str = "", descent: list[str] | None = None) -> None:
    """Write the page of a result, if one is asked for."""
    if path is not None:
        from regress.api.report import write_report

        write_report(result, path, descent=descent, command=command)
