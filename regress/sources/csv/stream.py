"""A file as UTF-8 bytes, whatever its compression and encoding, and complete records of it, a block at a time."""

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Literal, NamedTuple, NoReturn

from backports import zstd

from regress.errors import TableError
from regress.messages import setting
from regress.sources.csv.record_ends import Format
from regress.sources.csv.rewrite import has_marks, last_end
from regress.sources.file_parts import File

Form = Literal["text", "JSON lines", "Parquet", "Arrow", "Arrow stream"]
BLOCK = 2**24  # bytes read at a time: below this, what Polars does once a block shows; above, memory is not reused
_LOOK = 2**16  # bytes searched for the end of a line, so that a block need not be cut
LONGEST = 2**25  # bytes of one record
_PARQUET, _GZIP, _ZSTD = b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ARROW: Mapping[bytes, Form] = {b"ARROW1\0": "Arrow", b"\xff\xff\xff\xff": "Arrow stream"}
_MOMENTS = b"regress moments "
_NO_TEXT = {
    b"FEA1\0": "a Feather file of version 1",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16", "utf-32")  # their names alone leave the order of bytes to the file
_OBJECT = re.compile(rb'\s*\{\s*"')
_TAR = slice(257, 262)


class Records(NamedTuple):
    """Complete records: their bytes, how many bytes of the file were read so far, and whether quotes or escapes are in.

    `start` is the byte of the file at which they begin; None where the file cannot be read from there.
    """

    data: bytes
    read: int
    marked: bool
    start: int | None = None


class Stream:
    """A file opened for reading as UTF-8 bytes; `encoding` is what it was found to have, unless one is given.

    `form` is what its first bytes tell of it, `above` the bytes of a mark of its encoding. Parquet and Arrow are not
    read.

    Raises
    ------
    TableError
        If it is no text, is damaged, or is not in the encoding; the message names line and byte.
    """

    def __init__(self, file: File, encoding: str | None = None) -> None:
        self.name = file.name
        self._raw: BinaryIO = file.open()
        try:
            self._begin(encoding)
        except BaseException:
            self._raw.close()
            raise

    def _begin(self, encoding: str | None) -> None:
        head = self._raw.read(8)
        self.form = self._form(head)
        if self.form != "text":
            return
        for magic, what in _NO_TEXT.items():
            if head.startswith(magic):
                raise TableError(
                    f"{self.name} is {what}, not text. Save it as CSV, plain or compressed by gzip or zstd."
                )
        self._raw.seek(0)
        self._plain, self.above = False, 0
        self._stop: int | None = None
        self._file: BinaryIO
        if head.startswith(_GZIP):
            self.compression, self._file = "gzip", gzip.GzipFile(fileobj=self._raw)  # type: ignore[assignment]  # reads as one
        elif head.startswith(_ZSTD):
            self.compression, self._file = "zstd", zstd.ZstdFile(self._raw)  # type: ignore[assignment]  # reads as one
        else:
            self.compression, self._file, self._plain = "", self._raw, True
        self._start = self._bytes(512)
        if self._start[_TAR] == b"ustar":
            raise TableError(f"{self.name} is a tar archive, not text. Unpack it, and name a file or the folder.")
        if self._start.startswith(_MOMENTS):
            remedy = "Only fit, certify and verify take such a file, one at a time. Merge several first"
            if not self.name.endswith(".moments"):
                remedy = "Give it a name that ends in .moments, and fit it"
            raise TableError(f"{self.name} holds moments: sums over rows, not the rows. {remedy}.")
        mark, found = next(((m, e) for m, e in _MARKS if self._start.startswith(m)), (b"", _guess(self._start)))
        self.encoding = codecs.lookup(encoding).name if encoding else found
        if self.encoding in _WIDE and not found.startswith(self.encoding):
            found = f"{self.encoding}-le"
        if self.encoding in (found, *_WIDE, "utf-8-sig"):
            self.encoding, self._start, self.above = found, self._start[len(mark) :], len(mark)
        if _OBJECT.match(self._start):
            self.form = "JSON lines"
        self._decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)("strict")
        self._lines = 0

    def _form(self, head: bytes) -> Form:
        if head.startswith(_PARQUET) and self._ends_parquet():
            return "Parquet"
        return next((form for magic, form in _ARROW.items() if head.startswith(magic)), "text")

    def _ends_parquet(self) -> bool:
        """Tell a Parquet file by a byte that no text has, or by its end: a CSV file may begin as it does."""
        if b"\0" in self._raw.read(4096):
            return True
        self._raw.seek(-len(_PARQUET), os.SEEK_END)
        return self._raw.read() == _PARQUET

    @property
    def read_bytes(self) -> int:
        """Bytes of the file on disk that were read."""
        return self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _bytes(self, size: int) -> bytes:
        if self._stop is not None:
            size = min(size, self._stop - self._raw.tell())
        try:
            return self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
            if "too much memory" in str(error):
                raise TableError(
                    f"{self.name} was compressed with a window of more than 128 MB. Compress it without --long, or "
                    "decompress it first."
                ) from None
            raise TableError(
                f"{self.name} is damaged or cut short: it cannot be decompressed ({error}). Fetch it again."
            ) from None

    def read(self, size: int) -> bytes:
        """Return about `size` bytes of UTF-8; none at the end."""
        while True:
            start, self._start = self._start, b""
            part = start + self._bytes(size) if start else self._bytes(size)
            if self._decoder is None:
                return part
            try:
                text = self._decoder.decode(part, final=not part)
                self._lines += text.count("\n")
                if text or not part:
                    return text.encode()
            except UnicodeDecodeError as error:
                self._refuse(error)
            except UnicodeError as error:
                raise TableError(
                    f"{self.name} cannot be read as {self.encoding}: {error}. Pass {setting('encoding')}."
                ) from None

    def _refuse(self, error: UnicodeDecodeError) -> NoReturn:
        before = error.object[: error.start].decode(self.encoding, "replace")
        raise TableError(
            f"{self.name}, line {self._lines + before.count(chr(10)) + 1}: byte {error.object[error.start]:#04x} is "
            f"not {self.encoding}. Pass the encoding of the file with {setting('encoding')}."
        )

    def _suited(self, size: int) -> int:
        """Return a size near the one given that ends with a line, where that costs nothing to know."""
        if not self._plain or self._decoder is not None:
            return size
        at = self._raw.tell()
        self._raw.seek(at + max(size - _LOOK, 0))
        look = self._raw.read(min(_LOOK, size))
        self._raw.seek(at)
        newline = look.rfind(b"\n")
        return size - (len(look) - newline - 1) if newline >= 0 and len(look) == min(_LOOK, size) else size

    def records(self, form: Format, skip: int = 0, block: int = 0) -> Iterator[Records]:
        """Yield complete records, about `block` bytes of them at a time (0: 16 MB), behind the first `skip` bytes."""
        rest, at = b"", self.above + skip
        seekable = self._plain and self._decoder is None
        while part := self.read(self._suited(block or BLOCK)):
            part, skip = part[skip:], max(skip - len(part), 0)
            data = rest + (part.replace(b"\r", b"\n") if form.returns else part)
            while data:
                marked = has_marks(data, form)
                stop = last_end(data, form) if marked else data.rfind(b"\n") + 1
                if not stop and len(data) <= LONGEST:
                    break
                stop = stop or self._first_line(data)
                whole = data if stop == len(data) else data[:stop]
                yield Records(whole, self.read_bytes, marked, at if seekable else None)
                data, at = data[stop:], at + stop
            rest = data
        if rest:
            yield Records(rest, self.read_bytes, has_marks(rest, form), at if seekable else None)

    def records_of(self, form: Format, start: int, stop: int | None, block: int = 0) -> Iterator[Records]:
        """Yield the records of some bytes of a plain file in UTF-8, which begin and end with a record."""
        self._raw.seek(start)
        self._start, self.above, self._stop = b"", start, stop
        return self.records(form, block=block)

    def _first_line(self, data: bytes) -> int:
        """Return where the first line of a record that is too long ends."""
        end = data.find(b"\n") + 1
        if not end:
            raise TableError(
                f"{self.name}: a line of over {LONGEST / 1e6:.0f} MB stands {self.read_bytes / 1e6:,.0f} MB into the "
                "file. It is not a table of rows, or its lines end in another character."
            )
        return end


def _guess(start: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark by the zeros beside Latin letters."""
    zeros = [byte == 0 for byte in start[:4]]
    patterns = {
        "utf-16-le": [False, True, False, True],
        "utf-16-be": [True, False, True, False],
        "utf-32-le": [False, True, True, True],
        "utf-32-be": [True, True, True, False],
    }
    return next((name for name, pattern in patterns.items() if zeros == pattern), "utf-8")


def records_at(file: File, form: Format, start: int, length: int) -> Records:
    """Read the records again that began at a byte of a file, and had so many bytes.

    Raises
    ------
    TableError
        If the file cannot be read.
    """
    with readable(file):
        data = bytes(file.at(start, length))
    data = data.replace(b"\r", b"\n") if form.returns else data
    return Records(data, start + length, has_marks(data, form), start)


@contextmanager
def opened(file: File, encoding: str | None = None) -> Iterator[Stream]:
    """Open a file as a stream, and close it at the end."""
    with readable(file):
        stream = Stream(file, encoding)
        try:
            yield stream
        finally:
            stream.close()


@contextmanager
def readable(file: File) -> Iterator[None]:
    """Say which file cannot be read, where that is so."""
    try:
        yield
    except OSError as error:
        raise TableError(f"{file.name} cannot be read: {error.strerror or error}.") from None
