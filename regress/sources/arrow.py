"""Whatever speaks the Arrow stream protocol, read batch by batch.

The protocol is a C interface (arrow.apache.org/docs/format/CStreamInterface.html). It is called through ctypes, which
lets go of Python's lock: a producer may need that lock itself.
"""

import ctypes
import pickle
from collections.abc import Iterator, Mapping
from ctypes import c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from regress.errors import InputError, TableError
from regress.sources.base import Column, ColumnKind
from regress.sources.batches import Frame, Part
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.polars_frames import LOOK, SLICE, columns_of

_ONE = "Pass a table that can be read again, such as its collected rows, or a file."
_Release = ctypes.CFUNCTYPE(None, c_void_p)
_Get = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = c_void_p, [ctypes.py_object, c_char_p]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, [c_void_p, c_char_p, c_void_p]


class _Owned(ctypes.Structure):
    """A structure that whoever holds it last has to release."""

    release: int | None
    capsule: bytes

    def __del__(self) -> None:
        if self.release:
            _Release(self.release)(ctypes.addressof(self))


class _Schema(_Owned):
    capsule = b"arrow_schema"

    def __arrow_c_schema__(self) -> Any:
        return _held(self)

    _fields_ = (
        *((name, c_void_p) for name in ("format", "name", "metadata")),
        *((name, c_int64) for name in ("flags", "n_children")),
        *((name, c_void_p) for name in ("children", "dictionary", "release", "private_data")),
    )


class _Array(_Owned):
    capsule = b"arrow_array"
    _fields_ = (
        *((name, c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
        *((name, c_void_p) for name in ("buffers", "children", "dictionary", "release", "private_data")),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", _Get),
        ("get_next", _Get),
        ("get_last_error", ctypes.CFUNCTYPE(c_char_p, c_void_p)),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


def _held(one: _Owned) -> Any:
    """Return a structure as the protocol passes it on."""
    return _capsule(ctypes.addressof(one), one.capsule, None)


class _Rows:
    """Some rows, as Polars takes them: the array becomes its own, the schema does not."""

    def __init__(self, schema: _Schema, array: _Array) -> None:
        self._both = schema, array

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, ...]:
        return tuple(map(_held, self._both))


def stream(table: Any) -> Iterator[pl.DataFrame]:
    """Yield the batches of a table as it has them, first one without rows.

    Raises
    ------
    TableError
        If it gives no stream, or no table.
    """
    try:
        held = table.__arrow_c_stream__()  # releases the stream when it goes
        at = _pointer(held, b"arrow_array_stream")
        source, schema = _Stream.from_address(at), _Schema()
        _check(source, at, source.get_schema(at, ctypes.addressof(schema)))
        yield pl.DataFrame(schema=pl.Schema(schema))
        while True:
            array = _Array()
            _check(source, at, source.get_next(at, ctypes.addressof(array)))
            if not array.release:
                return
            yield pl.DataFrame(_Rows(schema, array))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, RuntimeError, TypeError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise TableError(f"This {type(table).__name__} cannot be read as a table: {said}. {_ONE}") from None


def _check(source: _Stream, at: int, code: int) -> None:
    """Raise what a stream says of a call that failed."""
    if code:
        raise ValueError((source.get_last_error(at) or b"it gives no reason").decode("utf-8", "replace"))


@dataclass(eq=False)
class ArrowPart(Part):
    """Whatever gives an Arrow stream, anew for each reading; how many rows it has is known when it was read."""

    table: Any
    reading: Reading = AS_IS
    name: str = ""
    size: int = 0
    _head: pl.DataFrame = field(init=False)
    _rows: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._head = next(grouped(stream(self.table), LOOK)).head(LOOK)

    def __getstate__(self) -> dict[str, Any]:
        try:
            self.table.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        except TypeError:
            raise InputError(
                f"{self._called} cannot be sent to another process. Write it to a file, and name that."
            ) from None
        return self.__dict__

    @property
    def _called(self) -> str:
        return f"This {type(self.table).__name__}"

    def columns(self) -> dict[str, Column | None]:
        """Return the columns in order."""
        return columns_of(self._head.schema, self._head.head, self.reading)

    def frames(self, kinds: Mapping[str, ColumnKind]) -> Iterator[Frame]:
        """Yield the rows in frames of one size, whatever the batches of the stream are."""
        rows, names = 0, list(kinds)
        for frame in grouped((some.select(names) for some in stream(self.table)), SLICE):
            if not rows:
                self._compare(frame.head(self._head.height).equals(self._head.select(names)))
            for part in frame.iter_slices(SLICE):
                rows += part.height
                yield Frame(part, rows)
        self._compare(self._rows in (None, rows))
        self._rows = rows

    def _compare(self, same: bool) -> None:
        if not same:
            raise TableError(f"{self._called} gives other rows when it is read again. {_ONE}")


def grouped(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Join frames to some of so many rows or more, the last one apart; at least one comes, perhaps without rows."""
    waiting, held = [next(frames)], 0
    for frame in frames:
        if held >= rows:
            yield pl.concat(waiting, how="vertical_relaxed")
            waiting, held = [], 0
        waiting.append(frame)
        held += frame.height
    yield pl.concat(waiting, how="vertical_relaxed")
