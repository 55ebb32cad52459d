"""Files as partitions of a table: each is known by what it was when the table was opened."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from regress.errors import TableError
from regress.sources.batches import Part


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when its table was opened.

    Attributes
    ----------
    path : Path
        Its absolute path.
    name : str
        What messages call it.
    size, modified, inode : int
        Bytes, nanoseconds since 1970, and its number on the disk.
    """

    path: Path
    name: str
    size: int
    modified: int
    inode: int

    @classmethod
    def seen(cls, path: Path, name: str) -> Self:
        """Return a file as it is now."""
        found = path.stat()
        return cls(path.absolute(), name, found.st_size, found.st_mtime_ns, found.st_ino)

    def check(self) -> None:
        """Refuse a file that has changed.

        Raises
        ------
        TableError
            If it has.
        """
        try:
            same = File.seen(self.path, self.name) == self
        except OSError:
            same = False
        if not same:
            raise TableError(f"{self.name} changed while it was read. Read it again when no program writes to it.")


@dataclass(eq=False, kw_only=True)
class FilePart(Part):
    """A file, and where it stands in the table."""

    file: File
    key: str = ""
    before: int = 0
    name: str = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.size = self.file.name, self.file.size
