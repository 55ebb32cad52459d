"""Toy units for a cluster: numbers to add, with faults that a test asks for. Workers import this module."""

import ast
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.cluster.dask_engine import reduce
from regress.api.cluster.engine import Job, Unit
from regress.errors import InputError, TableError
from regress.options import Progress


@dataclass
class Sum:
    """Numbers added, and which."""

    total: int
    parts: set[str] = field(default_factory=set)

    def merge(self, other: "Sum") -> None:
        if self.parts & other.parts:
            raise InputError("A part is counted twice.")
        self.total += other.total
        self.parts |= other.parts


@dataclass
class Dropping(Sum):
    """A result whose merge forgets one part."""

    def merge(self, other: "Sum") -> None:
        super().merge(other)
        self.parts.discard("u7")


def units(count: int, **faults: Any) -> list[Unit]:
    """Return units whose work is (number, what goes wrong)."""
    return [
        Unit(f"u{i}", f"parts/{i:02}.csv", 1000, (i, faults.get(f"at{i}"), faults.get("log"))) for i in range(count)
    ]


def add(work: tuple[int, Any, str | None], progress: Progress) -> Sum:
    """Return the partial result of one unit; do what its fault says."""
    number, fault, log = work
    if log is not None:
        note(log, f"u{number}")
    if isinstance(fault, float):
        time.sleep(fault)
    elif fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "table":
        raise TableError(f"parts/{number:02}.csv:3: 'x' is not a number.")
    elif fault == "memory":
        raise MemoryError
    elif fault == "hang":
        time.sleep(4)
    elif isinstance(fault, tuple):  # the storage fails so many times
        kind, times, folder = fault
        tried = len(list(Path(folder).iterdir()))
        if tried < times:
            (Path(folder) / str(tried)).touch()
            raise kind(f"try {tried}")
    progress("rows", 10, 1000, 1000)
    return Sum(number**2, {f"u{number}"})


def drop(work: tuple[int, Any, str | None], progress: Progress) -> Sum:
    """Return a partial result whose merge forgets a part."""
    one = add(work, progress)
    return Dropping(one.total, one.parts)


def smaller(work: tuple[int, Any, str | None]) -> tuple[int, Any, str | None]:
    """Return the work without a fault, as less memory would."""
    number, _, log = work
    return number, None, log


def note(log: str, line: str) -> None:
    """Add a line to a file that several processes write to."""
    number = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(number, f"{line}\n".encode())
    os.close(number)


def to_bytes(total: Sum) -> bytes:
    return repr((total.total, sorted(total.parts))).encode()


def from_bytes(data: bytes) -> Sum:
    number, parts = ast.literal_eval(data.decode())
    return Sum(number, set(parts))


def main(path: str) -> None:
    """Run slow units on a cluster of two processes, with a checkpoint; print when half of them are finished."""
    said: list[int] = []

    def show(stage: str, done: int, position: int, size: int) -> None:
        if position >= size // 2 and not said:
            said.append(position)
            print("half", flush=True)

    kept = PartsCheckpoint(path=Path(path), to_bytes=to_bytes, from_bytes=from_bytes, run="run")
    slow = units(100, **{f"at{i}": 0.1 for i in range(100)})
    try:
        reduce(slow, Job(fold=add), "local:2", checkpoint=kept, progress=show)
    except KeyboardInterrupt:
        print("interrupted", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
