"""Files as partitions of a table: each is known by what it was when the table was opened."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import BinaryIO, ClassVar, Self

from regress.errors import TableError
from regress.sources.base import Source
from regress.sources.batches import Part

_TEXT = ("CSV", "JSON lines")  # formats that are parsed
_BLOCK = 2**24  # bytes of a block, unless it is made smaller
_COPIES = 7  # of a block: its text, its cells as numbers, and those of the blocks that are read ahead


def changed(name: str) -> TableError:
    """Return the error of a file that has changed since its table was opened."""
    return TableError(f"{name} changed while it was read. Read it again when no program writes to it.")


@dataclass(frozen=True)
class File(ABC):
    """A file as it was when its table was opened, wherever it lies.

    Attributes
    ----------
    name : str
        What messages call it.
    size : int
        Its bytes; 0 where that is not known yet.
    """

    name: str
    size: int

    @abstractmethod
    def open(self) -> BinaryIO:
        """Open it at its start. What is returned can seek."""

    @abstractmethod
    def check(self) -> None:
        """Refuse a file that has changed.

        Raises
        ------
        TableError
            If it has.
        """

    @abstractmethod
    def local(self) -> "LocalFile":
        """Return it as a file of this machine, for readers that take nothing else."""

    def measured(self) -> int:
        """Return its bytes, when that is known."""
        return self.size

    def at(self, start: int, length: int) -> bytes | bytearray:
        """Return bytes behind a place; fewer at the end."""
        with self.open() as file:
            file.seek(start)
            return file.read(length)

    @property
    def suffix(self) -> str:
        """The last ending of its name, in lower case, such as ".csv"."""
        return PurePath(self.name).suffix.lower()

    @property
    def kept(self) -> bool:
        """Whether a temporary file holds its bytes."""
        return False

    @property
    def version(self) -> int | str | None:
        """What tells, with the size, that it is the same in another run; None where nothing does."""
        return None


@dataclass(frozen=True)
class LocalFile(File):
    """A file of this machine.

    Attributes
    ----------
    path : Path
        Its absolute path.
    modified, inode : int
        Nanoseconds since 1970, and its number on the disk.
    """

    path: Path
    modified: int
    inode: int

    @classmethod
    def seen(cls, path: Path, name: str) -> Self:
        """Return a file as it is now."""
        found = path.stat()
        return cls(name, found.st_size, path.absolute(), found.st_mtime_ns, found.st_ino)

    def open(self) -> BinaryIO:
        """Open it."""
        return self.path.open("rb")

    def check(self) -> None:
        """Compare size, time and inode."""
        try:
            found = self.path.stat()
        except OSError:
            raise changed(self.name) from None
        if (found.st_size, found.st_mtime_ns, found.st_ino) != (self.size, self.modified, self.inode):
            raise changed(self.name)

    def local(self) -> "LocalFile":
        """Return the file itself."""
        return self

    @property
    def version(self) -> int | str | None:
        """When it was modified."""
        return self.modified


@dataclass(eq=False, kw_only=True)
class FilePart(Part):
    """A file, and where it stands in the table.

    Attributes
    ----------
    form : str
        What people call its format.
    block : int
        Bytes that are worked on at a time; 0 for what suits its format.
    identity : str
        What tells its rows from those of others in another run too.
    """

    form: ClassVar[str] = "CSV"
    file: File
    key: str = ""
    before: int = 0
    block: int = 0
    name: str = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.size = self.file.name, self.file.size

    @property
    def identity(self) -> str:
        """Its name, size and version."""
        return f"{self.name}, {self.file.size} bytes, {self.file.version}"

    @property
    def memory(self) -> int:
        """Bytes in memory that reading it takes."""
        return _COPIES * min(self.block or _BLOCK, self.size)

    def smaller(self) -> Self:
        """Return the file read in smaller blocks."""
        return replace(self, block=(self.block or _BLOCK) // 16)


def is_text(source: Source) -> bool:
    """Tell whether all rows are parsed from text, as of CSV: that takes longer than to sum them."""
    parts = source.partitions()
    return bool(parts) and all(isinstance(part, FilePart) and part.form in _TEXT for part in parts)


def measured(source: Source) -> int:
    """Return the size of a source, when that is known: pipes are read to their end before."""
    return sum(part.file.measured() if isinstance(part, FilePart) else part.size for part in source.partitions())
