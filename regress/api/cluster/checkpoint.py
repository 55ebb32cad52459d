"""A checkpoint of partial results: a file that holds what is merged so far, and the keys of its parts.

The first line is JSON: what the file is, of which run, with the SHA-256 of the remainder. The second line is the keys.
Then follow the bytes of the result, in a form that reading does not execute.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from regress.api.cluster.engine import A, Unit
from regress.errors import InputError
from regress.messages import setting, shortened
from regress.numerics.atomic_write import whole_file

FORMAT, VERSION = "regress-parts", 1
_HEAD, _LONGEST = 10_000, 2**33  # bytes of the first line, and of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsCheckpoint(Generic[A]):
    """Where merged results are kept, and how they are written.

    Attributes
    ----------
    path : Path
        The file.
    to_bytes, from_bytes : callable
        The form of a result. Reading it executes nothing, and refuses what is damaged by an ``InputError``.
    run : str
        What must be the same for a run to go on: table and options, as a text or its hash.
    resume : bool
        Whether to go on from the file.
    """

    path: Path
    to_bytes: Callable[[A], bytes]
    from_bytes: Callable[[bytes], A]
    run: str
    resume: bool = False

    def load(self, units: Collection[Unit]) -> A | None:
        """Return what the file holds; None for a run from the start.

        Raises
        ------
        InputError
            If the file is another, damaged, or of another run.
        """
        if not self.resume:
            if self.path.exists() and self.path.stat().st_size:
                self._head(self._read()[0])
            return None
        if not self.path.is_file():
            raise InputError(f"There is no checkpoint {self.path}. Remove {setting('resume', True)} to start again.")
        first, rest = self._read()
        head = self._head(first)
        keys, _, body = rest.partition(b"\n")
        if head.get("version") != VERSION:
            raise InputError(f"{self.path} is a checkpoint of another version of regress. Start again.")
        if head.get("sha256") != hashlib.sha256(rest).hexdigest():
            raise self._damaged()
        if head.get("run") != self.run:
            raise InputError(
                f"{self.path} is a checkpoint of another table or of other options. Start again without "
                f"{setting('resume', True)}, or give what it was made with."
            )
        total, named = self.from_bytes(body), _json(keys)
        if not isinstance(named, list) or sorted(total.parts) != named:
            raise self._damaged()
        other = set(named) - {unit.key for unit in units}
        if other:
            raise InputError(
                f"{self.path} holds {len(other):,} parts that the table does not have, or that changed, such as "
                f"{shortened(min(other), 60)!r}. Start again without {setting('resume', True)}."
            )
        return total

    def save(self, total: A) -> None:
        """Write the file, completely or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        rest = _text(sorted(total.parts)) + b"\n" + self.to_bytes(total)
        digest = hashlib.sha256(rest).hexdigest()
        head = {"format": FORMAT, "version": VERSION, "run": self.run, "sha256": digest}
        with whole_file(self.path) as file:
            file.write(_text(head) + b"\n" + rest)

    def _read(self) -> tuple[bytes, bytes]:
        try:
            with self.path.open("rb") as file:
                return file.readline(_HEAD), file.read(_LONGEST)
        except OSError as error:
            raise InputError(f"The checkpoint {self.path} cannot be read: {error.strerror}.") from None

    def _head(self, line: bytes) -> dict[str, Any]:
        head = _json(line)
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise InputError(f"{self.path} exists and is not a checkpoint of parts. Name another file.")
        return head

    def _damaged(self) -> InputError:
        return InputError(f"{self.path} is damaged: it is not what regress wrote. Start again.")


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _json(line: bytes) -> Any:
    """Return what a line of JSON holds; None if it is something else."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError):
        return None
