"""A checkpoint: where a descent was, in a file that is written completely or not at all.

The file has two lines of JSON, in which floats may be NaN or Infinity. The first says what it is, with the SHA-256 of
the second, which is the run, its state and its course. It holds no rows: their order follows from seed and epoch, and
they are read again.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regress.api.json_schema import Check, fail, is_double, items, mapping, optional, record, row, whole
from regress.blocks import Array
from regress.errors import InputError
from regress.messages import setting
from regress.numerics.atomic_write import write_text
from regress.options import ProcessOptions
from regress.solvers.course import Course, Iteration
from regress.solvers.state import State
from regress.sources.base import Source
from regress.sources.file_parts import FilePart, LocalFile
from regress.sources.paths import check_outputs, is_address, paths_of

FORMAT, VERSION = "regress-checkpoint", 1
_HEAD, _LONGEST = 1000, 2**30  # bytes of the first line, and of the file
_WAITS = 49  # times as long as the last writing took: so writing takes at most 2 % of the time
_SHOWN, _MOST = 32, 3  # letters of a value, and differences, in a message


def opened(process: ProcessOptions, table: Source) -> "Checkpoint":
    """Return the checkpoint of a run on a table that is not read yet.

    Raises
    ------
    InputError
        If the file cannot be written, or is another that the run reads, or cannot be gone on from.
    """
    files = [part.file for part in table.partitions() if isinstance(part, FilePart)]
    read = {file.path: "the table" for file in files if isinstance(file, LocalFile)}
    for given, what in ((process.init, "the model"), (process.validation, "the validation rows")):
        if isinstance(given, str | os.PathLike) and not is_address(text := os.fspath(given)):
            read |= dict.fromkeys(paths_of(text), what)
    check_outputs({setting("checkpoint"): process.checkpoint}, read)
    if (path := Path(process.checkpoint or "")).is_file() and path.stat().st_size:
        try:
            with path.open("rb") as file:
                head = _json(file.readline(_HEAD))
        except OSError as error:
            raise InputError(f"The checkpoint {path} cannot be read: {error.strerror}.") from None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise InputError(f"{path} exists and is not a checkpoint of regress. Name another file.")
    return Checkpoint(process)


class Checkpoint:
    """The file of one run.

    Parameters
    ----------
    process : ProcessOptions
        Its path, when it is written, and whether the run goes on from it. Then it is read at once.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged.
    """

    def __init__(self, process: ProcessOptions) -> None:
        assert process.checkpoint is not None
        self._path, self._run = Path(process.checkpoint), dict[str, Any]()
        self._every, self._seconds = process.checkpoint_every, process.checkpoint_seconds
        self._last: tuple[int, float, float] | None = None  # steps, when it was written, and how long that took
        self._held = self._body() if process.resume else None

    def of(self, run: Mapping[str, Any]) -> "Checkpoint":
        """Set what must be the same for a run to go on.

        Raises
        ------
        InputError
            If the file is of another run; the message says what differs.
        """
        self._run = dict(run)
        if self._held is not None and (differs := _differences(self._held["run"], json.loads(_text(run)))):
            raise InputError(
                f"{self._path} is a checkpoint of another run: {'; '.join(differs[:_MOST])}. Start again without "
                f"{setting('resume', True)}, or give what it was made with."
            )
        return self

    def __call__(self, state: State, course: Course, seconds: float, ended: bool) -> None:
        """Write the file if that is due: before the first step, at the intervals asked for, and at the end.

        Raises
        ------
        InputError
            If it cannot be written. The one before is still there.
        """
        if not ended and not self._due(state.iteration):
            return
        began = time.perf_counter()
        course = replace(course, seconds=seconds)
        text = _text({"run": self._run, "state": state.to_dict(), "course": course.to_dict()})
        head = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        try:
            write_text(self._path, f"{_text(head)}\n{text}\n")
        except InputError as error:
            if self._last is None:
                raise
            remedy = "The checkpoint before it is intact. Free some disk space, and continue "
            remedy += f"with {setting('resume', True)}."
            raise InputError(f"{error} {remedy}") from None
        ended_at = time.perf_counter()
        self._last = state.iteration, ended_at, ended_at - began

    def _due(self, steps: int) -> bool:
        if self._last is None:
            return True
        before, then, took = self._last
        if self._every is not None:
            return steps // self._every > before // self._every
        return time.perf_counter() - then >= max(self._seconds, _WAITS * took)

    @property
    def resumes(self) -> bool:
        """Whether the run goes on from the file."""
        return self._held is not None

    def resumed(self, start: State, step: Callable[[State], State]) -> tuple[State, Course]:
        """Return where the run was.

        Parameters
        ----------
        start : State
            Where it began.
        step : callable
            The solver's step. What a state remembers has the form that it has after a step.

        Raises
        ------
        InputError
            If the file holds anything but a state of this run.
        """
        assert self._held is not None
        try:
            state, course = _read(self._held, len(start.w))
            like = start if not state.iteration else step(start)
            if _forms(state) != _forms(like):
                raise ValueError
            step(state)  # whatever it holds, a step can be taken from it
        except Exception as error:
            raise self._damaged() from error
        return state, course

    def _body(self) -> dict[str, Any]:
        path = self._path
        if not path.is_file():
            raise InputError(f"There is no checkpoint {path}. Remove {setting('resume', True)} to start again.")
        try:
            with path.open("rb") as file:
                head = _json(file.readline(_HEAD))
                second = file.read() if path.stat().st_size <= _LONGEST else b""
        except OSError as error:
            raise InputError(f"The checkpoint {path} cannot be read: {error.strerror}.") from None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise InputError(f"{path} is not a checkpoint of regress. Name another file, or start again.")
        if head.get("version") != VERSION:
            raise InputError(f"{path} is a checkpoint of another version of regress. Start again.")
        if hashlib.sha256(second.removesuffix(b"\n")).hexdigest() != head.get("sha256"):
            raise self._damaged()
        body = _json(second)
        if not isinstance(body, dict) or not {"run", "state", "course"} <= set(body):
            raise self._damaged()
        return body

    def _damaged(self) -> InputError:
        return InputError(f"{self._path} is damaged: it is not what regress wrote. Start again.")


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _json(line: bytes) -> Any:
    """Return what a line of JSON holds; None if it is something else."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError):
        return None


def _differences(then: Any, now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say in which points two runs differ."""
    said = []
    for part, values in now.items():
        old = then.get(part) if isinstance(then, dict) else None
        for name, value in values.items():
            was = old.get(name) if isinstance(old, dict) else None
            if was != value:
                plain = all(v is None or isinstance(v, str | int | float) for v in (was, value))
                shown = [repr(v) if plain else "" for v in (was, value)]
                short = plain and max(map(len, shown)) <= _SHOWN
                said.append(f"{name} was {shown[0]} and is {shown[1]}" if short else f"other {name}")
    return said


def _read(body: Mapping[str, Any], n: int) -> tuple[State, Course]:
    """Return the state and the course that a file holds; anything else in it is an error."""
    state = State.from_dict(_STATE(body["state"], "state"))
    course = Course.from_dict(_COURSE(body["course"], "course"))
    history, past = course.history, [s for s in (course.good, course.lowest, course.best) if s is not None]
    sound = all(s.w.shape == (n,) for s in (state, *past)) and all(np.isfinite([*s.w, s.b]).all() for s in past)
    complete = len(history.rows) == -(-history.count // history.stride) and (history.last is None) == (not history.rows)
    if not sound or not complete or (course.good is None) != (history.last is None):
        raise ValueError
    return state, course


def _forms(state: State) -> dict[str, Any]:
    """Return what kind of thing each entry of a memory is, and the dimensions of arrays."""
    kinds = {name: isinstance(v, int | float | np.ndarray) for name, v in state.memory.items()}
    return {name: (number, np.ndim(state.memory[name])) for name, number in kinds.items()} | {
        "position": state.position is None
    }


def _real(value: Any, at: str) -> float:
    """Take a float64, NaN and infinities included."""
    if type(value) is not float and not is_double(value):
        raise fail(at, "a number", value)
    return float(value)


def _array(value: Any, at: str) -> Array:
    """Take nested lists of numbers, all of one length."""
    array = np.array(value)
    if array.dtype.kind not in "bif":
        raise fail(at, "a list of numbers", value)
    return array


def _remembered(value: Any, at: str) -> Any:
    """Take what a state can remember."""
    if isinstance(value, list):
        return _array(value, at)
    if type(value) is int:
        return whole()(value, at)
    return value if value is None or isinstance(value, bool | str) else _real(value, at)


def _generator(value: Any, at: str) -> Any:
    """Take the state of a NumPy generator."""
    if not isinstance(value, dict):
        raise fail(at, "an object", value)
    return value


_STATE: Check = record(
    w=_array,
    b=_real,
    memory=mapping(_remembered),
    iteration=whole(0),
    rng=optional(_generator),
    position=optional(whole(0)),
)
_ROW: Check = row(whole(0), whole(0), *[_real] * (len(Iteration._fields) - 2))
_COURSE: Check = record(
    history=record(rows=items(_ROW), last=optional(_ROW), count=whole(0), stride=whole(1)),
    good=optional(_STATE),
    lowest=optional(_STATE),
    lowest_loss=_real,
    best=optional(_STATE),
    best_val=_real,
    waited=whole(0),
    before=_real,
    stationarity=_real,
    seconds=_real,
)
