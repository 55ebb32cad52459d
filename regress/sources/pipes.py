"""Tables that come through pipes: a thread copies one to a temporary file, which is read while it grows.

A table may be read more than once, and a pipe may not. Later readings find the file complete.
"""

import io
import os
import select
import stat
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from regress.errors import InputError, TableError
from regress.numerics.atomic_write import in_temporary_folder
from regress.sources.file_parts import File
from regress.sources.kept import KeptFile, temporary_file
from regress.sources.paths import STANDARD_INPUT, shown
from regress.sources.transfer import Seekable

_TICK = 0.2  # seconds until a wait looks whether there was Ctrl-C
_BLOCK = 2**20  # bytes that a pipe is asked to hold, and that are copied at a time
_LITTLE = 64  # bytes that a reader may wait for beyond those that it was asked for
_WAIT = 200  # milliseconds after which the thread of a pipe without data sees that nobody reads it any more


class _Copy:
    """A temporary file that a thread fills from a pipe, and how far it is."""

    def __init__(self, pipe: int, label: str) -> None:
        self._pipe, self._label = pipe, label
        self._size, self._wanted, self._ended, self._abandoned = 0, inf, False, False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        with in_temporary_folder():
            self._file, self.path = temporary_file()
        weakref.finalize(self, self._file.close)

    def run(self) -> None:
        """Copy the pipe to its end, or until nobody wants it; then whoever writes to it finds it closed."""
        ready = select.poll()
        ready.register(self._pipe, select.POLLIN)
        error = None
        try:
            move = self._way()
            while not self._abandoned:
                if ready.poll(_WAIT):
                    if not (size := move()):
                        break
                    with self._changed:
                        self._size += size
                        if self._size >= self._wanted:  # to wake a reader for each megabyte costs time
                            self._wanted = inf
                            self._changed.notify_all()
        except Exception as found:
            error = found
        os.close(self._pipe)
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say that nobody wants the pipe any more."""
        self._abandoned = True

    def wait(self, size: float) -> int:
        """Wait until so many bytes are there, or all that come; return how many are.

        Raises
        ------
        TableError, InputError
            If the pipe cannot be read, or the file cannot be written.
        """
        with self._changed:
            while self._size < size and not self._ended:
                self._wanted = min(self._wanted, size)
                self._changed.wait(_TICK)  # Polars has Ctrl-C not interrupt a wait without an end
        if self._error is not None:
            raise self._error
        return self._size

    def read_into(self, buffer: Any, start: int) -> int:
        """Fill a buffer with bytes from a place on; fewer only at the end."""
        self.wait(start + len(buffer))
        return os.preadv(self._file.fileno(), [buffer], start)

    def _way(self) -> Callable[[], int]:
        """Return what moves some bytes: inside the kernel, for a pipe on Linux."""
        if sys.platform == "linux" and stat.S_ISFIFO(os.fstat(self._pipe).st_mode):
            import fcntl

            try:
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _BLOCK)
            except OSError:
                pass  # a user may have only so many large pipes
            return self._spliced
        return self._written

    def _spliced(self) -> int:
        with in_temporary_folder():
            return os.splice(self._pipe, self._file.fileno(), _BLOCK)

    def _written(self) -> int:
        try:
            data = memoryview(os.read(self._pipe, _BLOCK))
        except OSError as error:
            raise TableError(f"{self._label} cannot be read: {error.strerror or error}.") from None
        size = len(data)
        with in_temporary_folder():
            while data:
                data = data[os.write(self._file.fileno(), data) :]
        return size


class _Reader(Seekable):
    """Reads a copy from its start, and waits for what is not there yet."""

    def __init__(self, copy: _Copy) -> None:
        self._copy = copy

    def size(self) -> int:
        return self._copy.wait(inf)

    def readinto(self, buffer: Any) -> int:
        size = self._copy.read_into(buffer, self._at)
        self._at += size
        return size


@dataclass(frozen=True, eq=False)
class Spool(File):
    """A pipe, kept in a temporary file that goes when this does. Its `size` is 0: it is not known at the start."""

    copy: _Copy

    def open(self) -> BinaryIO:
        """Read it from its start; what has not come yet is waited for."""
        return io.BufferedReader(_Reader(self.copy), _LITTLE)

    def check(self) -> None:
        """Raise the first error so far."""
        self.copy.wait(0)

    def local(self) -> KeptFile:
        """Return the temporary file, when it is complete."""
        self.copy.wait(inf)
        return KeptFile.seen(self.copy.path, self.name)

    def measured(self) -> int:
        """Return its size, when it is complete."""
        return self.copy.wait(inf)

    @property
    def kept(self) -> bool:
        """Yes."""
        return True

    def __reduce__(self) -> NoReturn:
        raise InputError(
            f"{self.name} is a pipe, kept in a temporary file of this process. Write it to a file, and name that."
        )


def spool(path: Path) -> Spool:
    """Begin to copy a pipe into a temporary file.

    Raises
    ------
    TableError
        If nothing comes, or standard input is closed or a terminal.
    """
    standard = str(path) in STANDARD_INPUT
    if standard and sys.stdin is None:
        raise TableError("Standard input is closed. Pipe a table into it, or name a file.")
    if standard and os.isatty(0):
        raise TableError("Standard input is a terminal. Pipe a table into it, or name a file.")
    label = "standard input" if standard else shown(str(path))
    title = f"{label[0].upper()}{label[1:]}"
    try:
        pipe = os.dup(0) if standard else os.open(path, os.O_RDONLY)
    except OSError as error:
        raise TableError(f"{title} cannot be read: {error.strerror or error}.") from None
    copy = _Copy(pipe, title)
    kept = Spool(label, 0, copy)
    weakref.finalize(kept, copy.abandon)
    threading.Thread(target=copy.run, daemon=True).start()
    if not copy.wait(1):
        raise TableError(f"{title} is empty, or was read before.")
    return kept
