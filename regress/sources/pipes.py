"""Tables that come through a pipe: kept in a temporary file, since a table may be read more than once."""

import os
import shutil
import stat
import sys
import tempfile
import weakref
from pathlib import Path
from typing import IO, NoReturn

from regress.errors import InputError, TableError
from regress.numerics.atomic_write import in_temporary_folder
from regress.sources.file_parts import LocalFile
from regress.sources.paths import shown

_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


class Spool(LocalFile):
    """A temporary file under the name of the pipe that it was filled from; it goes when this does."""

    @property
    def kept(self) -> bool:
        """Yes."""
        return True

    @property
    def version(self) -> None:
        """None: a pipe is read once."""

    def __reduce__(self) -> NoReturn:
        raise InputError(
            f"{self.name} is a pipe, kept in a temporary file of this process. Write it to a file, and name that."
        )


def is_pipe(path: Path) -> bool:
    """Tell whether a path is standard input (also as -), a pipe or a socket."""
    if str(path) == "-":
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (str(path) in _STANDARD_INPUT and stat.S_ISCHR(mode))


def spool(path: Path) -> Spool:
    """Read a pipe to its end into a temporary file.

    Raises
    ------
    TableError
        If nothing comes, or standard input is closed or a terminal.
    """
    standard = str(path) in _STANDARD_INPUT
    if standard and sys.stdin is None:
        raise TableError("Standard input is closed. Pipe a table into it, or name a file.")
    if standard and os.isatty(0):
        raise TableError("Standard input is a terminal. Pipe a table into it, or name a file.")
    label = "standard input" if standard else str(path)
    named = sys.platform != "linux"  # elsewhere a descriptor has one position for all who open it
    file: IO[bytes]
    with open(0 if standard else path, "rb", closefd=not standard) as pipe, in_temporary_folder():
        file = tempfile.NamedTemporaryFile() if named else tempfile.TemporaryFile()
        shutil.copyfileobj(pipe, file, 2**20)
        file.flush()
    if not file.tell():
        raise TableError(f"{label[0].upper()}{label[1:]} is empty: nothing came, or it was read before.")
    kept = Spool.seen(Path(file.name if named else f"/proc/self/fd/{file.fileno()}"), shown(label))
    weakref.finalize(kept, file.close)
    return kept
