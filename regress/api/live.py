"""A descent that is shown on standard error while it runs."""

import os
import shutil
import sys
from math import inf

from regress.report.live import Place, Totals, line, time_left
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State

_QUIET = 1.0  # seconds before the first line of a terminal, and between two lines of anything else
_EVERY = 0.1  # seconds between two lines of a terminal


class Live:
    """Shows a descent: on a terminal in one line that goes away at the end, elsewhere in a line an evaluation.

    It is called as the loop saves: after every step, and once more at the end. Elsewhere there is at most a line a
    second, and one for the last evaluation.

    Parameters
    ----------
    totals : Totals
        When the descent ends.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._terminal = sys.stderr.isatty()
        self._start: Place | None = None  # of this run: an earlier one may have been on another day
        self._due = 0.0
        self._shown: Iteration | None = None

    def __call__(self, state: State, course: Course, seconds: float, ended: bool) -> None:
        """Show where the descent is, if that is due."""
        if self._start is None:
            self._start, self._due = self._place(state, seconds), seconds + _QUIET
        if seconds < self._due and not ended:
            return
        record = course.history.last
        if self._terminal:
            self._due = seconds + _EVERY
            if record is not None and not ended:
                self._shown = record  # before it is: Ctrl-C may come in between, and the line must go away
                self._write("\r" + self._line(record, state, course, seconds) + "\x1b[K")
        elif record is not None and record is not self._shown:
            self._due, self._shown = seconds + _QUIET, record
            self._write(self._line(record, state, course, seconds, ended) + "\n")

    def close(self) -> None:
        """Take the line off the terminal."""
        if self._terminal and self._shown is not None:
            self._write("\r\x1b[K")

    def _line(self, record: Iteration, state: State, course: Course, seconds: float, ended: bool = False) -> str:
        now, rows, start = self._place(state, seconds), course.history.kept, self._start
        left = inf
        if start is not None and not ended:
            left = time_left(self._totals, start, now, course.stationarity, rows)
        return line(record, self._totals, left, _columns() - 1 if self._terminal else None)

    def _place(self, state: State, seconds: float) -> Place:
        return Place(state.iteration if self._totals.epochs is None else state.position or 0, seconds)

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody reads, or it is closed: the fit goes on
            pass


def _columns() -> int:
    """Return the width of the terminal of standard error; standard output may be elsewhere."""
    try:
        wide = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        wide = 0
    return wide or shutil.get_terminal_size().columns
