"""What a run of a descent depends on, to the last bit: the rows, the options and the machine."""

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regress.api.sums import ReadTable
from regress.fit_record import FitOptions
from regress.numerics import kernel
from regress.numerics.threads import blas_kernels
from regress.options import ProcessOptions, TrainOptions
from regress.records import environment
from regress.solvers.running import Start
from regress.sources.file_parts import FilePart

_LIMITS = (
    "max_iter",
    "tol",
    "cov_type",
    "level",
)  # these end a descent, or concern its result: it may go on with others


def identity(
    prepared: ReadTable, options: FitOptions, training: TrainOptions, process: ProcessOptions, start: Start | None
) -> dict[str, dict[str, Any]]:
    """Return what must be the same for a run to go on, in plain values.

    Of a function, or of an object that is not a dataclass, only the name is known.
    """
    limits = list(_LIMITS)
    if options.schedule != "cosine" and process.monitor_every == 1:
        limits.append("epochs")  # on which else the learning rate depends, or which epochs are evaluated
    kept = {f.name: getattr(options, f.name) for f in fields(FitOptions) if f.name not in limits}
    given = {name: getattr(training, name) for name in ("loss", "penalty", "solver")}
    kept |= {name: repr(value) for name, value in given.items() if is_dataclass(value)}
    if training.optimizer is not None:
        config = {name: value for name, value in training.optimizer.get_config().items() if name != "name"}
        kept["optimizer"] = f"{kept['optimizer']} {config}"
    versions = environment()
    if training.gradient == "autodiff":
        from regress.objective.autodiff import version

        versions |= {"tensorflow": version()}
    watched = {"early_stopping": process.early_stopping, "monitor_every": process.monitor_every}
    beginnings = {
        "init": _digest(start),
        "validation": None if process.validation is None else _digest(prepared.held_out),
    }
    return {
        "options": kept | watched | beginnings,
        "data": _data(prepared),
        "versions": versions,
        "machine": {
            "processor": _processor(),
            "BLAS": blas_kernels(),
            "products": kernel.described(),
            "threads": prepared.n_jobs,
        },
    }


def _data(prepared: ReadTable) -> dict[str, Any]:
    """Return what tells the rows from others: their means, and sizes and times of files, or a hash of the values."""
    reader, data = prepared.reader, prepared.data
    known = {"columns": list(prepared.names), "target": reader.target.name, "rows": prepared.tally.used}
    parts = reader.source.partitions()
    stored = [part.file for part in parts if isinstance(part, FilePart)]
    files = {file.name: [file.size, file.version] for file in stored if file.version is not None}
    known |= {"files (size, time)": files} if files else {}
    values = [v for v in (reader.target, reader.weights) if v is not None and v.array is not None]
    if len(files) < len(parts) or values:
        assert data.again is not None
        known["values of the rows"] = _digest(data.rows if data.rows is not None else data.again())
    return {**known, "means of the columns": _digest(data.summary)}


def _digest(value: Any) -> str:
    """Return a hash of arrays, of numbers, and of objects made of these."""
    digest = hashlib.blake2b(digest_size=16)
    for array in _arrays(value):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if is_dataclass(value):
        value = [getattr(value, f.name) for f in fields(value)]
    if value is None or isinstance(value, str | int | float):
        value = np.array(repr(value), dtype=object)
    if isinstance(value, np.ndarray):
        yield value
        return
    for part in value:
        yield from _arrays(part)


def _processor() -> str:
    """Return the kind of CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()
