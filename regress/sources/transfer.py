"""Bytes that come over a network: in ranges, fetched ahead, and again where a failure may pass."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from regress.errors import TableError
from regress.sources.paths import masked

T = TypeVar("T")

RANGE = 2**24  # bytes fetched at a time
FIRST = 2**22 + 2**16  # bytes fetched first: the start of a file that a dialect is read from
CONNECT, SILENT, DEADLINE = 10.0, 30.0, 120.0  # seconds: to connect, without a byte, and for a range
_DELAYS = (0.2, 0.6, 1.8, 5.0)  # seconds between tries
_AHEAD = 2  # ranges fetched while one is used


class Entry(NamedTuple):
    """An object at an address, as it was seen.

    `version` is its ETag, or its time where it has none. `ranged` tells whether it can be read in ranges. The size is
    negative where it is not known.
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


def retried(label: str, call: Callable[[], T], ended: threading.Event | None = None) -> T:
    """Return what a call returns; make it again where it fails in a way that may pass.

    Raises
    ------
    TableError
        If all tries fail.
    """
    ended = ended or threading.Event()
    for delay in _DELAYS:
        try:
            return call()
        except PassingError:
            if ended.wait(delay):
                break
    try:
        return call()
    except PassingError as error:
        raise TableError(f"{label} cannot be read: {error}, in {len(_DELAYS) + 1} tries. Try again later.") from None


class ReadAhead(io.RawIOBase):
    """A file whose ranges are fetched by threads while those before them are used.

    Parameters
    ----------
    size : int
        Its bytes.
    fetch : callable
        Called with two places in the file, from any thread; returns the bytes between them.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes | bytearray]) -> None:
        self._size, self._fetch = size, fetch
        self._at = self._base = self._last = 0
        self._pool = ThreadPoolExecutor(_AHEAD)
        self._parts: dict[int, Future[bytes | bytearray]] = {}

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
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; none at the end."""
        if self._at >= self._size:
            return 0
        number = self._number(self._at)
        if self._at < self._base or not self._last - 1 <= number <= self._last + 2:  # far away: begin anew there
            self._drop(self._parts)
            self._base, number = self._at, 0
        data = self._part(number)
        start = self._at - self._span(number)[0]
        count = min(len(buffer), len(data) - start)
        buffer[:count] = memoryview(data)[start : start + count]
        self._at += count
        return count

    def close(self) -> None:
        """Let the threads end."""
        if not self.closed:
            self._drop(self._parts)
            self._pool.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _number(self, at: int) -> int:
        """Return the number of the range that a byte is in."""
        return max((at - self._base - FIRST) // RANGE + 1, 0)

    def _span(self, number: int) -> tuple[int, int]:
        """Return where a range begins and ends."""
        start = self._base + (FIRST + (number - 1) * RANGE if number else 0)
        return start, min(start + (RANGE if number else FIRST), self._size)

    def _part(self, number: int) -> bytes | bytearray:
        """Return a range; begin to fetch the next ones, unless it is the first: perhaps no more is wanted."""
        ahead = _AHEAD if number else 0
        for each in range(number, number + ahead + 1):
            start, stop = self._span(each)
            if each not in self._parts and start < stop:
                self._parts[each] = self._pool.submit(self._fetch, start, stop)
        self._drop([each for each in self._parts if not number - 1 <= each <= number + _AHEAD])
        self._last = number
        return self._parts[number].result()

    def _drop(self, numbers: Any) -> None:
        for number in list(numbers):
            self._parts.pop(number).cancel()
