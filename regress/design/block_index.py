"""Blocks of a table in any order: where each batch of a pass stands, and its training rows, read again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Block
from regress.design.matrix import Layout
from regress.design.rows import PlacedRows, Reader
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.numerics.threads import ordered_map
from regress.sources.base import Batch, Bookmark, Source

_AHEAD = 2  # blocks that are read while one is used


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where a batch of a table stands.

    Attributes
    ----------
    partition : int
        Number of its partition, from 0.
    bookmark : tuple of int, or None
        What the partition finds it by; None where the partition can only be read in order.
    start, rows : int
        Its first row in the table, from 0, and how many rows it has.
    used : int
        How many of them are training rows.
    target_mean : float or None
        The plain mean of the target over its training rows; None where it has none.
    """

    partition: int
    bookmark: Bookmark | None
    start: int
    rows: int
    used: int
    target_mean: float | None


class BlockIndex:
    """Notes where the batches of a table stand, in the pass that reads them first."""

    def __init__(self, source: Source) -> None:
        self._numbers = {partition.name: k for k, partition in enumerate(source.partitions())}
        self._places: list[BlockPlace] = []
        self._start = 0

    def add(self, piece: PlacedRows) -> None:
        """Add the next batch."""
        batch, y = piece.batch, piece.y if piece.used is None else piece.y[piece.used]
        with np.errstate(over="ignore"):
            mean = float(y.mean()) if len(y) else None
        self._places.append(
            BlockPlace(self._numbers[batch.part], batch.bookmark, self._start, batch.rows, len(y), mean)
        )
        self._start += batch.rows

    def finish(self) -> tuple[BlockPlace, ...]:
        """Return the places so far, in the order of the rows."""
        return tuple(self._places)


class _Rows(NamedTuple):
    """A batch, and the target and weights of its rows."""

    place: BlockPlace
    batch: Batch
    y: Array
    a: Array | None


class BlockReader:
    """Reads the training rows of a table again, a batch at a time, in any order of batches.

    Parameters
    ----------
    reader : Reader
        What read the table, with a design whose levels are known.
    places : sequence of BlockPlace
        Where its batches stand.

    Attributes
    ----------
    used : list of int
        Training rows by block.
    random : bool
        Whether blocks can be read in any order; else only in increasing order.
    """

    def __init__(self, reader: Reader, places: Sequence[BlockPlace]) -> None:
        self._reader, self._places = reader, places
        self.used = [place.used for place in places]
        self.random = all(place.bookmark is not None for place in places)

    def blocks(self, order: Sequence[int]) -> Iterator[Block]:
        """Yield the training rows of the blocks of these numbers, in this order; a block without any is skipped.

        Two blocks are read while one is used.

        Raises
        ------
        InputError
            If the table can only be read in order, and the numbers do not increase.
        TableError
            If the table has changed.
        """
        chosen = [k for k in order if self.used[k]]
        if not self.random and any(after <= before for before, after in pairwise(chosen)):
            raise InputError(
                f"{self._reader.source.label} can only be read in order, so its blocks cannot be shuffled. "
                "Save it as Parquet or as plain CSV in UTF-8, without compression, "
                f"or pass {setting('shuffle', False)}."
            )
        reader, design = self._reader, self._reader.design
        encoder = reader.encoder()
        layout = Layout(design, encoder.levels)
        for place, batch, y, a in self._anywhere(chosen) if self.random else self._in_order(chosen):
            rows = reader.placed(encoder, batch, y, a)
            block = layout.block(rows.encoded, y, a, rows.used)
            if len(block.X) != place.used:
                raise self._changed()
            yield block

    def _anywhere(self, chosen: Sequence[int]) -> Iterator[_Rows]:
        reader = self._reader
        kinds = reader.source.kinds(reader.columns(reader.design.columns))
        partitions = reader.source.partitions()

        def read(k: int) -> _Rows:
            place = self._places[k]
            assert place.bookmark is not None
            batch = partitions[place.partition].batch_at(kinds, place.bookmark).head(place.rows)
            return _Rows(place, batch, *reader.roles(batch, place.start))

        return ordered_map(read, chosen, _AHEAD)

    def _in_order(self, chosen: Sequence[int]) -> Iterator[_Rows]:
        batches = enumerate(self._reader.batches())
        for k in chosen:
            found = next((rows for at, rows in batches if at == k), None)
            if found is None:
                raise self._changed()
            yield _Rows(self._places[k], *found)

    def _changed(self) -> TableError:
        return TableError(
            f"{self._reader.source.label} gives other rows when it is read again. "
            "Pass a table that does not change while it is used."
        )
