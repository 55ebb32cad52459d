"""Names of files: which a table is made of, and which may be written."""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path

from regress.errors import InputError, TableError

STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(text: str) -> bool:
    """Tell an address, such as https://host/x.csv, from the path of a file."""
    return _ADDRESS.match(text) is not None


def user_of(address: str) -> str:
    """Return the user and password in an address; "" where there is none. A container of Azure is no user."""
    scheme, _, rest = address.partition("://")
    user = rest.partition("/")[0].rpartition("@")[0]
    return "" if scheme in ("abfs", "abfss") and ":" not in user else user


def masked(address: str) -> str:
    """Return an address without what may be secret: users, passwords, and queries on the web."""
    scheme, _, rest = address.partition("://")
    rest = rest[len(user) + 1 :] if (user := user_of(address)) else rest
    if scheme in ("http", "https"):
        rest, question, _ = rest.partition("?")
        rest += f"{question}…" if question else ""
    return f"{scheme}://{rest}"


def is_pipe(path: Path) -> bool:
    """Tell whether a path is standard input (also as -), a pipe or a socket."""
    if str(path) == "-":
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (str(path) in STANDARD_INPUT and stat.S_ISCHR(mode))


def paths_of(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob names, without hidden ones (and _SUCCESS) of a folder.

    Raises
    ------
    TableError
        If there is none, or a folder holds anything but files.
    """
    if not text:
        raise TableError("The name of the table is empty. Is a variable of the command line not set?")
    path = Path(text)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if not p.name.startswith((".", "_")))
        if not found:
            raise TableError(f"The folder {text} holds no file.")
        for one in found:
            if not one.is_file():
                raise TableError(
                    f"The folder {text} holds {one.name}, which {what_is(one)}. Move it, or name the files by a glob "
                    f"such as '{path / '*.csv'}'."
                )
        return found
    if path.exists() or not has_magic(text):
        return [path]
    matched = [Path(p) for p in sorted(glob(text))]
    if not matched:
        raise TableError(f"No file matches {text}.")
    return matched


def what_is(path: Path) -> str:
    """Say what a path is that is no file."""
    if path.is_dir():
        return "is a folder"
    if os.path.exists(path):
        return "is not a file"
    return "is a link that leads nowhere" if path.is_symlink() else "does not exist"


def shown(name: str) -> str:
    """Return a name as text that can be written anywhere: bytes that are not UTF-8 are shown as codes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def check_outputs(outputs: Mapping[str, str | Path | None], inputs: Mapping[Path, str]) -> None:
    """Refuse to write a file over one that is read, or over another that is written; all are named for people.

    Raises
    ------
    InputError
        If an output is an input, or two are one, or there is no such folder.
    """
    taken = {os.path.realpath(path): what for path, what in inputs.items()}
    for name, output in outputs.items():
        if output is None:
            continue
        if output in ("", "-"):
            raise InputError(f"{name} takes the name of a file; got {output!r}.")
        try:
            os.stat(output)  # as the system follows links: in no circle, and not another user's in a shared folder
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InputError(f"{name} {output} cannot be written: {error.strerror}. Name another file.") from None
        path = Path(os.path.realpath(output))
        if path.is_dir():
            raise InputError(f"{name} {output} is a folder. Name a file.")
        if path.exists() and not path.is_file():
            continue  # a device
        if str(path) in taken:
            raise InputError(f"{name} would overwrite {output}, which is {taken[str(path)]}. Name another file.")
        if not path.parent.is_dir():
            raise InputError(f"{name} {output} cannot be written: there is no folder {path.parent}.")
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"{name} {output} cannot be written: its folder is read-only.")
        taken[str(path)] = name


PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc", ".arrows")
JSON_LINES = (".jsonl", ".ndjson")
_COMPRESSIONS = (".gz", ".zst", ".zstd")
_FORMATS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", *JSON_LINES, *ARROW, *PARQUET)


def file_key(name: str) -> str:
    """Return a file's name without its endings of compression and format."""
    return _without(_without(name, _COMPRESSIONS), _FORMATS)


def format_ending(name: str) -> str:
    """Return the ending of a file's name that names its format, in lower case; "" where it has none."""
    plain = _without(name, _COMPRESSIONS)
    return plain[len(_without(plain, _FORMATS)) :].lower()


def _without(name: str, endings: Sequence[str]) -> str:
    ending = next((e for e in endings if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)]
