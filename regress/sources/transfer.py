"""Bytes that come over a network: fetched ahead by a thread, and asked for again where a failure may pass."""

import errno
import io
import os
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple, TypeVar

from regress.errors import TransientError
from regress.sources.paths import masked

T = TypeVar("T")
Pieces = Iterator[bytes]

PIECE = 2**20  # bytes handed on at a time
CONNECT, SILENT, DEADLINE = 10.0, 30.0, 120.0  # seconds: to connect, without a byte, and for a piece
_START, _AHEAD = 5, 18  # pieces that wait: of the start of a file, which tells how it is written, and later
_BEHIND = 18  # pieces kept: a block of a CSV file, whose end is looked at before it is read
_DELAYS = (0.2, 0.6, 1.8, 5.0)  # seconds between tries


class Entry(NamedTuple):
    """An object at an address, as it was seen.

    `version` is its ETag, or its time where it has none. `ranged` tells whether it can be read from any byte on. The
    size is negative where it is not known.
    """

    address: str
    size: int
    version: str
    ranged: bool = True

    @property
    def label(self) -> str:
        """What messages call it."""
        return masked(self.address)


class PassingError(Exception):
    """A failure that may pass, in words for people."""


def retried(label: str, call: Callable[[], T]) -> T:
    """Return what a call returns; make it again where it fails in a way that may pass.

    Raises
    ------
    TableError
        If all tries fail.
    """
    tries = _Tries(label)
    while True:
        try:
            return call()
        except PassingError as error:
            tries.wait(error)


def resumed(
    entry: Entry, read: Callable[[int], Pieces], start: int, stop: int, ended: threading.Event | None = None
) -> Pieces:
    """Yield the bytes from one place to another; where `read` breaks off, read on from there, until `ended` is set.

    Raises
    ------
    TableError
        If all tries fail without a byte between them.
    """
    at, tries = start, _Tries(entry.label, ended)
    while at < stop:
        try:
            with closing(read(at)) as pieces:  # type: ignore[type-var]  # a generator
                for piece in pieces:
                    at += len(piece)
                    tries.failed = 0
                    yield piece
            if at < stop:
                raise PassingError("the connection broke off")
        except PassingError as error:
            tries.wait(error)


class _Tries:
    """How often something failed in a row, and the wait for the next try."""

    def __init__(self, label: str, ended: threading.Event | None = None) -> None:
        self.failed, self._label, self._ended = 0, label, ended or threading.Event()

    def wait(self, error: PassingError) -> None:
        if self.failed == len(_DELAYS) or self._ended.wait(_DELAYS[self.failed]):
            raise TransientError(
                f"{self._label} cannot be read: {error}, in {self.failed + 1} tries. Try again later."
            ) from None
        self.failed += 1


class Seekable(io.RawIOBase):
    """Bytes that can be read from any place; a subclass reads them, and knows how many there are."""

    _at = 0

    @abstractmethod
    def size(self) -> int:
        """Return how many bytes there are."""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can seek."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = self._at if whence == io.SEEK_CUR else self.size() if whence == io.SEEK_END else 0
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._at = start + offset
        return self._at


class ReadAhead(Seekable):
    """A file that a thread fetches while what it fetched before is used. Far from there, it is asked for anew.

    Parameters
    ----------
    size : int
        Its bytes.
    read : callable
        Called with a place in the file and an event; returns the bytes from there on, unless the event is set.
    """

    def __init__(self, size: int, read: Callable[[int, threading.Event], Pieces]) -> None:
        self._size, self._read = size, read
        self._begin = self._end = 0
        self._pieces: deque[bytes] = deque()  # from begin to end
        self._fetcher: _Fetcher | None = None

    def size(self) -> int:
        """Return how many bytes the file has."""
        return self._size

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; none at the end."""
        if self._at >= self._size:
            return 0
        if self._fetcher is None or not self._begin <= self._at < self._end + _AHEAD * PIECE:
            self._stop()
            self._fetcher, self._begin, self._end = _Fetcher(self._read, self._at), self._at, self._at
        while self._at >= self._end:
            self._pieces.append(self._fetcher.next())
            self._end += len(self._pieces[-1])
            if len(self._pieces) > _BEHIND:
                self._begin += len(self._pieces.popleft())
        start = self._at - self._begin
        for piece in self._pieces:
            if start < len(piece):
                break
            start -= len(piece)
        count = min(len(buffer), len(piece) - start)
        buffer[:count] = memoryview(piece)[start : start + count]
        self._at += count
        return count

    def close(self) -> None:
        """Let the thread end."""
        self._stop()
        super().close()

    def _stop(self) -> None:
        if self._fetcher is not None:
            self._fetcher.ended.set()
        self._fetcher = None
        self._pieces.clear()


class _Fetcher:
    """A thread that fetches pieces, and those that wait."""

    def __init__(self, read: Callable[[int, threading.Event], Pieces], start: int) -> None:
        self.ended = threading.Event()
        self._waiting: deque[bytes] = deque()
        self._room, self._taken = threading.Semaphore(_START), 0
        self._filled = threading.Semaphore(0)
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(read, start), daemon=True).start()

    def _run(self, read: Callable[[int, threading.Event], Pieces], start: int) -> None:
        try:
            with closing(read(start, self.ended)) as pieces:  # type: ignore[type-var]  # a generator
                for piece in pieces:
                    self._waiting.append(piece)
                    self._filled.release()
                    while not self._room.acquire(timeout=0.2):
                        if self.ended.is_set():
                            return
        except BaseException as error:  # raised where the piece is asked for
            self._error = error
        self._filled.release()

    def next(self) -> bytes:
        """Return the next piece, and make room for others: for many once the start is used up."""
        self._filled.acquire()
        if not self._waiting:
            assert self._error is not None
            raise self._error
        self._taken += 1
        self._room.release(1 if self._taken != _START else 1 + _AHEAD - _START)
        return self._waiting.popleft()
