"""A file as UTF-8 bytes, whatever its compression and encoding, and whole records of it, a block at a time."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from backports import zstd

from regress.errors import TableError
from regress.tables.records import LONGEST, NO_QUOTES, Format, has_quotes, last_end

BLOCK = 2**24  # bytes read at a time: below this, what Polars does once a block shows; above, memory is not reused
_LOOK = 2**16  # bytes searched for the end of a line, so that a block need not be cut
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Records(NamedTuple):
    """Whole records: their bytes, how many bytes of the file were read up to here, and whether quotes are in."""

    data: bytes
    read: int
    quoted: bool


class Stream:
    """A file opened for reading as UTF-8 bytes; `encoding` is what it was found to have, unless one is given.

    Raises
    ------
    TableError
        If it is no text, is damaged, or is not in the encoding; the message names line and byte.
    """

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path, self.name = path, path.name
        self._raw: BinaryIO = path.open("rb")
        try:
            self._begin(encoding)
        except BaseException:
            self._raw.close()
            raise

    def _begin(self, encoding: str | None) -> None:
        head = self._raw.read(8)
        for magic, what in _NO_TEXT.items():
            if head.startswith(magic):
                raise TableError(
                    f"{self.name} is {what}, not text. Save it as CSV, plain or compressed by gzip or zstd."
                )
        self._raw.seek(0)
        self._plain = False
        self._file: BinaryIO
        if head.startswith(_GZIP):
            self.compression, self._file = "gzip", gzip.GzipFile(fileobj=self._raw)  # type: ignore[assignment]  # reads as one
        elif head.startswith(_ZSTD):
            self.compression, self._file = "zstd", zstd.ZstdFile(self._raw)  # type: ignore[assignment]  # reads as one
        else:
            self.compression, self._file, self._plain = "", self._raw, True
        self._start = self._bytes(4)
        mark, found = next(((m, e) for m, e in _MARKS if self._start.startswith(m)), (b"", _guess(self._start)))
        self.encoding = codecs.lookup(encoding).name if encoding else found
        if self.encoding == "utf-16" and not found.startswith("utf-16"):
            found = "utf-16-le"
        if self.encoding in (found, "utf-16", "utf-8-sig"):
            self.encoding, self._start = found, self._start[len(mark) :]
        self._decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)("strict")
        self._lines = 0

    @property
    def read_bytes(self) -> int:
        """Bytes of the file on disk that were read."""
        return self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _bytes(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
            raise TableError(
                f"{self.name} is damaged or cut short: it cannot be decompressed ({error}). Fetch it anew."
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
                raise TableError(f"{self.name} cannot be read as {self.encoding}: {error}. Pass --encoding.") from None

    def _refuse(self, error: UnicodeDecodeError) -> NoReturn:
        before = error.object[: error.start].decode(self.encoding, "replace")
        raise TableError(
            f"{self.name}, line {self._lines + before.count(chr(10)) + 1}: byte {error.object[error.start]:#04x} is "
            f"not {self.encoding}. Pass the encoding that the file has with --encoding."
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

    def records(self, form: Format) -> Iterator[Records]:
        """Yield whole records, some block of them at a time."""
        rest = b""
        while part := self.read(self._suited(BLOCK)):
            data = rest + part if rest else part
            quoted = has_quotes(data, form)
            stop = last_end(data, form) if quoted else data.rfind(b"\n") + 1
            if stop:
                yield Records(data if stop == len(data) else data[:stop], self.read_bytes, quoted)
            rest = data[stop:]
            if len(rest) > LONGEST:
                raise TableError(
                    f"{self.name}: a record of over {LONGEST / 1e6:.0f} MB stands {self.read_bytes / 1e6:,.0f} MB "
                    f"into the file: a quote in it never ends. {NO_QUOTES}."
                )
        if rest:
            yield Records(rest, self.read_bytes, has_quotes(rest, form))


def _guess(start: bytes) -> str:
    """Tell UTF-16 without a mark by the zeros beside its Latin letters."""
    if len(start) == 4 and start[1] == start[3] == 0 != start[0]:
        return "utf-16-le"
    return "utf-16-be" if len(start) == 4 and start[0] == start[2] == 0 != start[1] else "utf-8"


@contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[Stream]:
    """Open a file as a stream, and close it at the end."""
    try:
        stream = Stream(path, encoding)
        try:
            yield stream
        finally:
            stream.close()
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror or error}.") from None
