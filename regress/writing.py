"""Files written whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from regress.errors import InputError


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all; see `write_lines`."""
    write_lines(path, [text])


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write a file whole or not at all: beside `path` first, then renamed.

    A file that is replaced passes its permissions on. A device or pipe is written to as it is.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "w", encoding="utf-8") as device:  # such as /dev/stdout: nothing may take its place
                device.writelines(lines)
            return
        path = Path(path).resolve()  # a link stays, and the file that it names is replaced
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        file = tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        )
        try:
            with file:
                file.writelines(lines)
            os.chmod(file.name, mode)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
