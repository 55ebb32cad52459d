"""Where records end in a byte range of a CSV file: two answers, since it may begin within a quoted cell or not.

One bit stands for one byte, 64 of them in a word. The exclusive or of all quotes up to a byte tells whether it is
quoted; it costs six shifts a word. So the time does not depend on how many quotes there are.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regress.sources.csv.record_ends import Format
from regress.sources.csv.stream import readable
from regress.sources.file_parts import File

Bits = NDArray[np.uint64]

_WORD = 64
_WORDS = np.dtype(np.uint64).newbyteorder("<")  # the first byte is the lowest bit
_PIECE = 2**19  # bytes looked at together: they stay in the processor's cache


class Range(NamedTuple):
    """Bytes of a file, from `start` to `stop`; its first record begins at the byte `body`."""

    file: File
    form: Format
    body: int
    start: int
    stop: int


@dataclass(slots=True)
class Ends:
    """The ends of records in a range, if it begins in a known state.

    Attributes
    ----------
    records : int
        Records that end in the range, without blank lines.
    first, last : int
        The bytes behind the first record that ends, and behind the last one; 0 where none ends.
    longest : int
        Bytes of the longest record between them, if it is longer than a piece.
    lines : int
        Lines of the range up to `last`.
    proper : bool
        Whether all quotes open at the start of a cell and close at its end.
    """

    records: int = 0
    first: int = 0
    last: int = 0
    longest: int = 0
    lines: int = 0
    proper: bool = True


@dataclass(slots=True)
class RangeCount:
    """What was counted in a range.

    Attributes
    ----------
    start, stop : int
        The bytes of the range.
    lines : int
        Lines that end in it. The last one of a file needs no newline.
    odd : bool
        Whether the number of quotes is odd.
    outside, inside : Ends
        The ends of records if the range begins outside or inside a quoted cell.
    """

    start: int
    stop: int
    lines: int = 0
    odd: bool = False
    outside: Ends = field(default_factory=Ends)
    inside: Ends = field(default_factory=Ends)

    def add(self, piece: "_Piece", at: int) -> None:
        """Count a piece whose first byte is the byte `at` of the file."""
        quoted = piece.quoted(self.odd)
        for ends, state in ((self.outside, quoted), (self.inside, ~quoted)):
            ends.proper = ends.proper and piece.proper(state)
            piece.find_ends(ends, state, at, self.lines)
        self.lines += _total(piece.newlines[1:])
        self.odd = bool(quoted[-1] >> 63)


def count(part: Range) -> RangeCount:
    """Count quotes, lines and records of a range; it is read once.

    Raises
    ------
    TableError
        If the file cannot be read, or has changed.
    """
    found, at = RangeCount(part.start, part.stop), part.start
    buffer = bytearray(b"\n" * _WORD + bytes(_PIECE + _WORD))
    with readable(part.file), part.file.open() as raw:
        near = max(part.start - _WORD, part.body)
        raw.seek(near)
        buffer[_WORD - (part.start - near) : _WORD] = raw.read(part.start - near)
        while at < part.stop:
            data = raw.read(min(_PIECE, part.stop - at))
            if not data:
                break  # the file is shorter than it was
            begin, size = at, len(data)
            buffer[_WORD : _WORD + size], at = data, at + size
            if at == part.file.size and buffer[_WORD + size - 1] != ord("\n"):
                buffer[_WORD + size], size = ord("\n"), size + 1
            found.add(_Piece(buffer, _WORD + size, part.form), begin)
            buffer[:_WORD] = buffer[size : _WORD + size]
    part.file.check()
    return found


class _Piece:
    """Bytes as bits: a word of what stands before a piece, in which nothing is counted, the piece, and some zeros."""

    def __init__(self, buffer: bytearray, size: int, form: Format) -> None:
        self._more = -size % _WORD
        buffer[size : size + self._more] = bytes(self._more)
        self._buffer, self._size, self._form = buffer, size + self._more, form
        self.newlines, self._returns = self._bits("\n"), self._bits("\r")
        self._quotes = None if form.quote is None or not self._has(form.quote) else self._bits(form.quote)

    def _has(self, character: str) -> bool:
        return self._buffer.find(character.encode(), 0, self._size) >= 0

    def _bits(self, character: str) -> Bits:
        if not self._has(character):  # the usual case for some, and ten times as fast
            return np.zeros(self._size // _WORD, np.uint64)
        text = np.frombuffer(self._buffer, np.uint8, self._size)
        return np.packbits(text == ord(character), bitorder="little").view(_WORDS)

    def quoted(self, odd: bool) -> Bits:
        """Return which bytes are quoted, an opening quote included, where the piece begins quoted or not."""
        if self._quotes is None:
            return np.full_like(self.newlines, -int(odd) & 2**64 - 1)
        quoted = self._quotes.copy()
        for shift in (1, 2, 4, 8, 16, 32):
            quoted ^= quoted << shift
        carried = np.bitwise_xor.accumulate(quoted >> 63)
        quoted[1:] ^= -carried[:-1]
        return ~quoted if bool(quoted[0] >> 63) != odd else quoted

    def proper(self, quoted: Bits) -> bool:
        """Tell whether quotes open at the start of a cell and close at its end."""
        if self._quotes is None:
            return True
        edges = self.newlines | self._quotes | self._bits(self._form.delimiter)
        behind = _next(self._quotes & ~quoted)
        wrong = self._quotes & quoted & ~_next(edges)
        wrong |= behind & ~(edges | self._returns)
        wrong |= _next(behind & self._returns) & ~self.newlines
        wrong[-1] <<= self._more
        return not wrong[1:].any()

    def find_ends(self, found: Ends, quoted: Bits, at: int, lines: int) -> None:
        """Add the ends of records of a piece that begins at a byte of the file, behind some lines of the range."""
        ends = self.newlines & ~quoted
        where = np.flatnonzero(ends[1:]) + 1
        if not where.size:
            return
        behind = _next(ends)
        blank = ends & (behind | _next(self._returns & behind))
        (i, first), (j, last) = ((int(k), int(ends[k])) for k in (where[0], where[-1]))
        start, stop = at + (i - 1) * _WORD + (first & -first).bit_length(), at + (j - 1) * _WORD + last.bit_length()
        found.records += _total(ends[1:]) - _total(blank[1:])
        found.longest = max(found.longest, start - found.last) if found.last else 0
        found.first, found.last = found.first or start, stop
        upto = int(self.newlines[j]) & (1 << last.bit_length()) - 1
        found.lines = lines + _total(self.newlines[1:j]) + upto.bit_count()


def _next(bits: Bits) -> Bits:
    """Return the bits of the bytes behind those given."""
    moved = bits.copy()
    moved <<= 1
    moved[1:] |= bits[:-1] >> 63
    return moved


def _total(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum())
