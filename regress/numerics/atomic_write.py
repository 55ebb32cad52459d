"""Files written completely or not at all, and values that JSON can hold."""

import math
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from regress.errors import InputError


def write_text(path: str | Path, text: str) -> None:
    """Write a file completely or not at all; see `whole_file`."""
    with whole_file(path) as file:
        file.write(text.encode())


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """Yield a file to write to. It gets its name at the end of the block, and no name after an error.

    The new file keeps the permissions of the one that it replaces, but not its owner or its hard links. A device or
    pipe is written to directly. On Linux the file has no name until the end, so it disappears if the process is
    killed. Its content is on the disk before its name is.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"A file to write is named by a text or a Path; got {path!r}.")
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as device:  # such as /dev/stdout: nothing may take its place
                yield device
            return
        with suppress(FileNotFoundError):
            os.stat(path)  # as the system follows links: in no circle, and not another user's in a shared folder
        path = Path(os.path.realpath(path))  # a link stays, and the file that it names is replaced
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        file, name = _temporary(path, 0o666 if mode is None else mode)
        try:
            with file:
                yield file
                file.flush()
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
                if name is None:
                    name = _hidden(path)
                    number = file.fileno()  # as src_dir_fd it means nothing, but makes Python follow the link in /proc
                    os.link(f"/proc/self/fd/{number}", name, src_dir_fd=number, follow_symlinks=True)
            os.replace(name, path)
        except BaseException:
            if name is not None:
                name.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except BrokenPipeError:
        raise
    except OSError as error:
        named = Path(str(error.filename or path))
        if named.name.removeprefix(".").split(".")[0] != Path(path).name.split(".")[0] and "/proc/" not in str(named):
            raise  # what was to be written needed another file
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None


@contextmanager
def in_temporary_folder() -> Iterator[None]:
    """Name the temporary folder in errors of writing to it.

    Raises
    ------
    InputError
        If the folder is full or missing.
    """
    try:
        yield
    except OSError as error:
        try:
            folder = f"The temporary folder {tempfile.gettempdir()}"
        except OSError:
            folder = "The temporary folder"
        if error.filename is not None:
            raise
        why = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{folder} cannot be used: {why}. Set TMPDIR to a folder with room.") from None


def _temporary(path: Path, mode: int) -> tuple[BinaryIO, Path | None]:
    """Return a new file in the folder of `path`, and its name: none on Linux, where the file system allows it.

    The system takes from `mode` what the user's mask forbids.
    """
    if sys.platform == "linux":
        try:
            return os.fdopen(os.open(path.parent, os.O_TMPFILE | os.O_RDWR, mode), "w+b"), None
        except OSError:
            pass  # the file system has no such files, or the folder is not there: then the next line says so
    name = _hidden(path)
    return os.fdopen(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode), "w+b"), name


def _hidden(path: Path) -> Path:
    """Return the temporary name of a file: a new one, since a process that was killed may leave its own behind."""
    return path.parent / f".{path.name}.{os.urandom(4).hex()}"


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk, if the file system can."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        pass  # some cannot, and need not: the file is complete in any case
    finally:
        os.close(number)


def strict(value: Any) -> Any:
    """Replace NaN and infinities, which JSON cannot hold, by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    return [strict(v) for v in value] if isinstance(value, list | tuple) else value
