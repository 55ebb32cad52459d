"""Files written whole or not at all, and what JSON can say."""

import math
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from regress.errors import InputError


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all; see `whole_file`."""
    with whole_file(path) as file:
        file.write(text.encode())


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes its name at the end of the block, or none if that is not reached.

    A file that is replaced passes its permissions on. A device or pipe is written to as it is. On Linux the file has no
    name until then, so that nothing is left of it even where the process is killed.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as device:  # such as /dev/stdout: nothing may take its place
                yield device
            return
        path = Path(path).resolve()  # a link stays, and the file that it names is replaced
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        file, name = _temporary(path)
        try:
            with file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                if name is None:
                    name = path.parent / f".{path.name}.{os.getpid()}"
                    number = file.fileno()  # as src_dir_fd it means nothing, but makes Python follow the link in /proc
                    os.link(f"/proc/self/fd/{number}", name, src_dir_fd=number, follow_symlinks=True)
            os.replace(name, path)
        except BaseException:
            if name is not None:
                name.unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        named = Path(str(error.filename or path))
        if named.name.removeprefix(".").split(".")[0] != Path(path).name.split(".")[0] and "/proc/" not in str(named):
            raise  # what was to be written needed another file
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None


def _temporary(path: Path) -> tuple[BinaryIO, Path | None]:
    """Return a new file in the folder of `path`, and its name: none on Linux, where the file system allows it."""
    if sys.platform == "linux":
        try:
            return os.fdopen(os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b"), None
        except OSError:
            pass  # the file system has no such files, or the folder is not there: then the next line says so
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    return os.fdopen(number, "w+b"), Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def strict(value: Any) -> Any:
    """Replace what JSON cannot say (NaN, infinities) by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    return [strict(v) for v in value] if isinstance(value, list | tuple) else value
