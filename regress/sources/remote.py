"""Tables at addresses: on the web, and in buckets."""

import io
import threading
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import PurePosixPath
from shutil import copyfileobj
from typing import IO, Any, BinaryIO
from urllib.parse import unquote

from regress.errors import InputError, TableError
from regress.sources import buckets, web
from regress.sources.file_parts import File, LocalFile, changed
from regress.sources.kept import KeptFile, keep
from regress.sources.paths import masked, shown, user_of
from regress.sources.transfer import PIECE, Entry, Pieces, ReadAhead, resumed

_SCHEMES = (*web.SCHEMES, *buckets.SCHEMES)


def remote_files(address: str) -> list["RemoteFile"]:
    """Return the file at an address; of a bucket also those of a folder, or that match a pattern.

    Raises
    ------
    TableError
        If there is none, it cannot be reached, or the address holds a password.
    MissingDependencyError
        If a package that reads it is not installed.
    """
    scheme = address.partition("://")[0].lower()
    address = scheme + address[len(scheme) :]
    if scheme not in _SCHEMES:
        raise TableError(
            f"{masked(address)} is an address that regress does not read. It reads "
            f"{', '.join(f'{name}://' for name in _SCHEMES)}. Download it, and name the file."
        )
    if user_of(address):
        raise TableError(
            f"The address {masked(address)} holds a user or password, which could be shown or saved. Remove it: "
            "credentials come from the environment."
        )
    found = (web if scheme in web.SCHEMES else buckets).entries(address)
    paths = [one.label.partition("://")[2].removesuffix("?…") for one in found]
    names = [PurePosixPath(path).name for path in paths]
    names = names if len(set(names)) == len(names) else paths
    return [_file(entry, shown(unquote(name))) for entry, name in zip(found, names, strict=True)]


def _file(entry: Entry, name: str) -> "RemoteFile":
    """Return a file; where its size is not known, or it cannot be read in ranges, it is downloaded at once."""
    file = RemoteFile(name, entry.size, entry)
    if entry.ranged:
        return file
    copy = file.local()
    known = RemoteFile(name, copy.size, entry._replace(size=copy.size))
    known.__dict__["_copy"] = copy
    return known


@dataclass(frozen=True)
class RemoteFile(File):
    """A file at an address. It holds no credentials: wherever it is used, those of the environment are."""

    entry: Entry

    def open(self) -> BinaryIO:
        """Open it: a thread fetches bytes while those before them are used."""
        if not self.entry.ranged:
            return self.local().open()
        return io.BufferedReader(ReadAhead(self.size, partial(_read, self.entry, self.size)), 2**16)

    def at(self, start: int, length: int) -> bytes | bytearray:
        """Fetch bytes behind a place."""
        if not self.entry.ranged:
            return super().at(start, length)
        return b"".join(_read(self.entry, min(start + length, self.size), start))

    def check(self) -> None:
        """Do nothing: each answer was checked as it came."""

    def local(self) -> LocalFile:
        """Return it as a temporary file, downloaded once."""
        return self._copy

    @cached_property
    def _copy(self) -> KeptFile:
        copy = keep(self.name, self._download)
        if copy.size != self.size >= 0:
            raise changed(self.name)
        return copy

    def _download(self, file: IO[bytes]) -> None:
        if self.entry.ranged:
            with self.open() as remote:
                copyfileobj(remote, file, PIECE)
        else:
            web.download(self.entry, file)

    @property
    def kept(self) -> bool:
        """Whether it was downloaded, since it cannot be read in ranges."""
        return not self.entry.ranged

    @property
    def version(self) -> str:
        """Its ETag, or its time where it has none."""
        return self.entry.version

    def __getstate__(self) -> dict[str, Any]:
        if "?" in self.entry.address and self.entry.address.startswith("http"):
            raise InputError(
                f"{self.name} has an address with a query, which may hold a secret, so it is not sent to another "
                "process. Download it, and name the file."
            )
        return {name: value for name, value in self.__dict__.items() if name != "_copy"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _read(entry: Entry, stop: int, start: int, ended: threading.Event | None = None) -> Pieces:
    store = web if entry.address.startswith("http") else buckets
    return resumed(entry, lambda at: store.pieces(entry, at, stop), start, stop, ended)
