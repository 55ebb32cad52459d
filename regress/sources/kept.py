"""Temporary files that hold what can only be read from its start, or where it lies only at a cost."""

import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

from regress.numerics.atomic_write import in_temporary_folder
from regress.sources.file_parts import LocalFile


class KeptFile(LocalFile):
    """A temporary file under the name of what it was filled from; it goes when this does."""

    @property
    def kept(self) -> bool:
        """Yes."""
        return True

    @property
    def version(self) -> None:
        """None: the temporary file is another in every run."""


def keep(name: str, fill: Callable[[IO[bytes]], None]) -> KeptFile:
    """Return a temporary file that `fill` wrote."""
    with in_temporary_folder():
        file, path = temporary_file()
        try:
            fill(file)
            file.flush()
        except BaseException:
            file.close()
            raise
    kept = KeptFile.seen(path, name)
    weakref.finalize(kept, file.close)
    return kept


def temporary_file() -> tuple[IO[bytes], Path]:
    """Return a temporary file that goes when it is closed, and a path that opens it."""
    named = sys.platform != "linux"  # elsewhere a descriptor has one position for all who open it
    file: IO[bytes] = tempfile.NamedTemporaryFile() if named else tempfile.TemporaryFile()
    return file, Path(file.name if named else f"/proc/self/fd/{file.fileno()}")
