"""The checkpoint of a table that a cluster reads: the sums of the partitions that are finished."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from regress.aggregates.part_sums import PartSums
from regress.api.cluster.checkpoint import PartsCheckpoint
from regress.api.json_schema import of, strict_json
from regress.api.moments.file import moments_of, written
from regress.api.moments.table_moments import how_read, moments_of_sums
from regress.design.rows import Reader
from regress.errors import InputError
from regress.messages import setting
from regress.options import FileOptions, ProcessOptions, TableOptions
from regress.sources.paths import check_outputs
from regress.sources.rejects import Skipped, SkippedRow

_FREE = ("rejects", "max_bad_lines")  # options that decide what becomes of bad rows, and not which they are


class PartsKeeper:
    """Makes the checkpoint of a run, once it is known how its rows are read."""

    def __init__(self, process: ProcessOptions) -> None:
        assert process.checkpoint is not None
        self._path, self._resume = Path(process.checkpoint), process.resume
        check_outputs({setting("checkpoint"): self._path}, {})

    def __call__(self, reader: Reader, options: TableOptions) -> PartsCheckpoint[PartSums]:
        """Return the checkpoint."""
        how = how_read(reader, options)

        def to_bytes(sums: PartSums) -> bytes:
            skipped = [[*row] for row in sums.skipped.rows], sums.skipped.good, sums.skipped.read, sorted(sums.parts)
            return (
                json.dumps(skipped).encode() + b"\n" + written(sums, how, moments_of_sums(reader, sums, options).parts)
            )

        def from_bytes(data: bytes) -> PartSums:
            first, _, rest = data.partition(b"\n")
            try:
                rows, good, read, parts = strict_json(first.decode())
                sums = moments_of(rest)[0]
                sums.skipped = Skipped()
                sums.skipped.rows = [of(SkippedRow)(row, "skipped") for row in rows]
                counts = of(Mapping[str, int])
                sums.skipped.good.update(counts(good, "good"))
                sums.skipped.read.update(counts(read, "read"))
                sums.parts = frozenset(map(str, parts))
            except (TypeError, ValueError) as error:
                raise InputError(f"{self._path} is damaged: {error}. Start again.") from None
            return sums

        found = sorted(reader.design.fills.items()), reader.design.computed  # by first passes
        read = {f.name: getattr(options, f.name) for f in fields(FileOptions) if f.name not in _FREE}
        kept = f"{reader.source.address} {read!r} {how!r} {found!r} {reader.source.columns!r}"
        return PartsCheckpoint(
            path=self._path,
            to_bytes=to_bytes,
            from_bytes=from_bytes,
            run=hashlib.sha256(kept.encode("utf-8", "surrogatepass")).hexdigest(),
            resume=self._resume,
        )
