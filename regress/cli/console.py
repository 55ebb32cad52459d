"""What the command line shows: tables for people on standard output, progress and notes on standard error."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from regress.cli.process import say
from regress.messages import paragraph, visible
from regress.options import Progress

if TYPE_CHECKING:
    from regress.report.terminal import Line, Span

_STYLES: dict[str, dict[str, Any]] = {
    "strong": {"bold": True},
    "dim": {"dim": True},
    "warning": {"fg": "yellow"},
    "good": {"fg": "green", "bold": True},
    "bad": {"fg": "red", "bold": True},
}


def print_json(value: dict[str, Any]) -> None:
    """Print one strict JSON object, in ASCII: whatever the encoding of standard output is, it stays JSON."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def show(*lines: str) -> None:
    """Print lines of text on standard output: what a table said stays on its line, and commands no terminal."""
    sys.stdout.write(paragraph(lines) + "\n")


def show_fit(result: Any, vif: bool = False) -> None:
    """Print a fit; on a terminal in styles, with bars for confidence intervals."""

    def styled(width: int) -> "Sequence[Line]":
        from regress.report.terminal import fit_lines

        return fit_lines(result.record, vif, width)

    _show(lambda: result.summary(vif=vif).split("\n"), styled)


def show_comparison(record: Any) -> None:
    """Print a comparison; on a terminal its verdict in its color."""
    from regress.report.text import comparison_lines

    lines = comparison_lines(record)
    show_judged(lines, lines.index(record.verdict[0]), good=record.agree)


def show_judged(lines: "Sequence[str]", verdict: int, *, good: bool) -> None:
    """Print lines, one of which is a verdict; on a terminal that in its color."""

    def styled(_: int) -> "Sequence[Line]":
        from regress.report.terminal import judged

        return judged(lines, verdict, good)

    _show(lambda: lines, styled)


def _show(plain: "Callable[[], Iterable[str]]", styled: "Callable[[int], Sequence[Line]]") -> None:
    """Print lines or, on a terminal, the same in styles: `styled` gets the width of the terminal, 0 for no bars."""
    color, width = _colored(), _width_for_bars()
    if not color and not width:
        show(*plain())
        return
    lines = ["".join(_ansi(span, color) for span in line) for line in styled(width)]
    sys.stdout.write("\n".join(lines) + "\n")


def _ansi(span: "Span", color: bool) -> str:
    """Return a part of a line for the terminal: what a table said commands nothing, then comes its style."""
    text = visible(span.text)
    return click.style(text, **_STYLES[span.style]) if color and span.style and text else text


def _on_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def _colored() -> bool:
    """Tell whether to write colors: on a terminal, or with FORCE_COLOR, but never with NO_COLOR."""
    forced = bool(os.environ.get("FORCE_COLOR"))
    return not os.environ.get("NO_COLOR") and (forced or _on_terminal())


def _width_for_bars() -> int:
    """Return the width of the terminal; 0 where it cannot show bars."""
    if not _on_terminal():
        return 0
    from regress.report.terminal import BARS

    try:
        "".join(BARS).encode(sys.stdout.encoding)
    except UnicodeError:
        return 0
    return shutil.get_terminal_size().columns


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
