"""A checkpoint: where a descent was, in a file that is written completely or not at all, and what it may go on with.

The file is JSON. It holds no rows: the order of rows follows from seed and epoch, and rows are read again.
"""

import hashlib
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regress.api.read import ReadTable
from regress.errors import InputError
from regress.fit_record import FitOptions
from regress.messages import setting
from regress.numerics.atomic_write import write_text
from regress.numerics.threads import blas_kernels
from regress.options import ProcessOptions, TrainOptions
from regress.records import environment
from regress.solvers.course import Course
from regress.solvers.state import State
from regress.sources.file_parts import FilePart

FORMAT, VERSION = "regress-checkpoint", 1
_LIMITS = ("max_iter", "epochs", "cov_type", "level")  # a run may go on with others; cosine alone depends on epochs
_LONGEST = 2**30  # bytes of a file


class Checkpoint:
    """The file of one run.

    Parameters
    ----------
    process : ProcessOptions
        Its path, and when it is written.
    run : mapping
        What must be the same for the run to go on, from `identity`.
    """

    def __init__(self, process: ProcessOptions, run: Mapping[str, Any]) -> None:
        assert process.checkpoint is not None
        self._path, self._run = Path(process.checkpoint), run
        self._every, self._seconds = process.checkpoint_every, process.checkpoint_seconds
        self._last = (0, time.perf_counter())

    def __call__(self, state: State, course: Course, seconds: float, ended: bool) -> None:
        """Write the file if that is due."""
        steps, then = self._last
        now = time.perf_counter()
        due = (
            now - then >= self._seconds
            if self._every is None
            else state.iteration // self._every > steps // self._every
        )
        if due or ended:
            self._last = state.iteration, now
            course = replace(course, seconds=seconds)
            body = {"run": self._run, "state": state.to_dict(), "course": course.to_dict()}
            text = _text(body)
            head = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            write_text(self._path, f'{_text(head)[:-1]},"body":{text}}}\n')

    def read(self, n: int) -> tuple[State, Course]:
        """Return where the run was.

        Raises
        ------
        InputError
            If there is no such file, it is damaged, or the run was another one; the message says what differs.
        """
        body = self._body()
        differs = _differences(body["run"], json.loads(_text(self._run)))
        if differs:
            raise InputError(
                f"{self._path} is a checkpoint of another run: {'; '.join(differs[:4])}. Start anew without "
                f"{setting('resume', True)}, or give what it was made with."
            )
        try:
            state, course = State.from_dict(body["state"]), Course.from_dict(body["course"])
            states = [s for s in (state, course.good, course.lowest, course.best) if s is not None]
            sound = all(s.w.shape == (n,) and np.isfinite([*s.w, s.b]).all() for s in states)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error
        if not sound:
            raise self._damaged()
        return state, course

    def _body(self) -> dict[str, Any]:
        path = self._path
        if not path.is_file():
            raise InputError(f"There is no checkpoint {path}. Remove {setting('resume', True)} to start anew.")
        try:
            with path.open("rb") as file:
                held = json.loads(file.read(_LONGEST))
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged() from error
        if not isinstance(held, dict) or held.get("format") != FORMAT:
            raise InputError(f"{path} is not a checkpoint of regress.")
        if held.get("version") != VERSION:
            raise InputError(f"{path} is a checkpoint of another version of regress. Start anew.")
        body = held.get("body")
        if not isinstance(body, dict) or set(body) != {"run", "state", "course"}:
            raise self._damaged()
        if hashlib.sha256(_text(body).encode()).hexdigest() != held.get("sha256"):
            raise self._damaged()
        return body

    def _damaged(self) -> InputError:
        return InputError(f"{self._path} is damaged: it is not what regress wrote. Start anew.")


def identity(
    prepared: ReadTable, options: FitOptions, training: TrainOptions, process: ProcessOptions
) -> dict[str, Any]:
    """Return what a run depends on: the data, the options, and the machine."""
    kept = {f: getattr(options, f) for f in FitOptions.__dataclass_fields__}
    limits = [name for name in _LIMITS if name != "epochs" or options.schedule != "cosine"]
    machine = {"processor": _processor(), "BLAS": blas_kernels(), "threads": prepared.n_jobs}
    versions = environment()
    if training.gradient == "autodiff":
        from regress.objective.autodiff import version

        versions |= {"tensorflow": version()}
    watched = {"early_stopping": process.early_stopping, "monitor_every": process.monitor_every}
    return {
        "data": _data(prepared),
        "options": {name: value for name, value in kept.items() if name not in limits} | watched,
        "versions": versions,
        "machine": machine,
    }


def _data(prepared: ReadTable) -> dict[str, Any]:
    """Return what tells the rows from others: size and time of files, or a hash of values in memory; and the names."""
    reader, data = prepared.reader, prepared.data
    names = {"columns": list(prepared.names), "target": reader.target.name, "rows": prepared.tally.used}
    parts = reader.source.partitions()
    files = {part.name: [part.file.size, part.file.modified] for part in parts if isinstance(part, FilePart)}
    values = [v for v in (reader.target, reader.weights) if v is not None and v.array is not None]
    if len(files) == len(parts) and not values:
        return {**names, "files": files}
    digest = hashlib.blake2b(digest_size=16)
    assert data.again is not None
    for X, Y, weights, _ in data.rows if data.rows is not None else data.again():
        for array in (X, Y, weights):
            digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return {**names, "values": digest.hexdigest()}


def _processor() -> str:
    """Return the kind of CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def _differences(then: Any, now: dict[str, Any]) -> list[str]:
    """Say in which points two runs differ."""
    if not isinstance(then, dict):
        return ["its description is missing"]
    said = []
    for part, values in now.items():
        old = then.get(part)
        old = old if isinstance(old, dict) else {}
        for name in dict.fromkeys([*values, *old]):
            if old.get(name) != values.get(name):
                shown = f": was {old.get(name)!r}, is {values.get(name)!r}"
                said.append(f"{name}{shown}" if len(shown) < 120 else f"{name} differs")
    return said


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
