"""Rows of a table, encoded, checked and split: where each row goes, and the blocks that training sees."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from regress.blocks import Array, Block, Mask
from regress.design.columns import selected
from regress.design.encode import Encoded, Encoder
from regress.design.matrix import Layout, Rebuffer
from regress.design.roles import Values, column_of
from regress.design.split import Split
from regress.design.terms import Design
from regress.design.written import WrittenNumbers
from regress.errors import InputError, TableError
from regress.options import HandleUnknown, Missing
from regress.sources.arrays import ArrayBatch
from regress.sources.base import Batch, Source


@dataclass(frozen=True, slots=True, eq=False)
class PlacedRows:
    """A batch, encoded, and where its rows go.

    Attributes
    ----------
    batch, encoded : Batch, Encoded
        The rows.
    y, a : array, array or None
        Target and weights.
    used, held_out : array of bool, or None
        Rows to train on (None: all), and rows held out (None: none).
    zero_weight, missing : int
        Rows that are neither, by the reason; the others of them are bad.
    missing_cells : mapping
        Missing cells of rows that miss one, by column.
    """

    batch: Batch
    encoded: Encoded
    y: Array
    a: Array | None = None
    used: Mask | None = None
    held_out: Mask | None = None
    zero_weight: int = 0
    missing: int = 0
    missing_cells: Mapping[str, int] = field(default_factory=dict)


class TrainingBlock(NamedTuple):
    """A block of rows to train on."""

    block: Block


class HeldOutBlock(NamedTuple):
    """A block of rows held out."""

    block: Block


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reader:
    """Reads a table in blocks on a fixed grid, as often as asked.

    Parameters
    ----------
    source, design : Source, Design
        The table, and what becomes of its columns.
    target, weights : Values, Values or None
        From `as_values`.
    missing : {"raise", "drop", "mean"}
        What to do with missing cells. "mean" fills numbers and refuses elsewhere.
    split : Split
        Which rows to hold out.
    limit : int, optional
        Read this many rows at most.
    counts : bool
        Whether weights count repeated rows, and must be integers.
    max_categories : int
        Maximum number of categories in a text column.
    along : tuple of str
        Other columns that batches hold.
    handle_unknown : {"error", "reference"}
        What becomes of a level that a given design does not have.
    as_written : bool
        Whether training blocks hold number columns as decimals; blocks that are read once more do not.
    """

    source: Source
    design: Design
    target: Values
    weights: Values | None = None
    missing: Missing = "raise"
    split: Split
    limit: int | None = None
    counts: bool = False
    max_categories: int = 100
    along: tuple[str, ...] = ()
    handle_unknown: HandleUnknown = "error"
    as_written: bool = False

    def encoder(self) -> Encoder:
        """Return what encodes the rows of a pass, and finds levels that the design does not know."""
        return Encoder(self.design, self.source, self.max_categories, self.handle_unknown)

    def blocks(self) -> Iterator[Block]:
        """Yield the training rows alone, with the columns of X of a design whose levels are known."""
        for piece in self.pieces(self.encoder(), once_more=True):
            if isinstance(piece, TrainingBlock):
                yield selected(piece.block, self.design.selection)

    def pieces(
        self, encoder: Encoder, *, once_more: bool = False
    ) -> Iterator[PlacedRows | TrainingBlock | HeldOutBlock]:
        """Yield the rows of each batch, and the blocks that they complete.

        Where levels turn up on the way, a block names the columns that are known by then, those of reference levels
        too. Blocks hold lower parts of products, unless rows are read `once_more`: then rows held out are in none.

        Raises
        ------
        TableError
            If a weight is negative, or a level cannot be used.
        """
        design = self.design
        written = (
            None if once_more or not self.as_written else WrittenNumbers(self.source, design, self.target, self.weights)
        )
        train = Rebuffer(
            Layout(design, encoder.levels, lower=not once_more), design, None if written is None else written.block
        )
        holding = self.split.fraction and not once_more
        test = Rebuffer(Layout(design, encoder.levels, lower=True), design) if holding else None
        plain = not self.split.fraction and not design.texts and written is None
        for batch, y, a in self.batches():
            if plain and a is None and batch.bad is None and not isinstance(batch, ArrayBatch):
                numbers = batch.columns(design.numbers)
                full = train.take(numbers, y) if encoder.in_range(numbers) else None
                if full is not None:
                    yield PlacedRows(batch, Encoded(numbers, (), None), y)
                    yield from map(TrainingBlock, full)
                    continue
            rows = self.placed(encoder, batch, y, a)
            yield rows
            if written is not None:
                written.add(batch, rows.encoded.numbers, y, a, used=rows.used)
            if written is None and rows.used is None and train.empty and design.plain and isinstance(batch, ArrayBatch):
                yield TrainingBlock(Block(batch.chosen(design.columns), y[:, None], a, design.names))  # a view
            else:
                yield from map(TrainingBlock, train.push(rows.encoded, y, a, rows.used))
            if test is not None and rows.held_out is not None:
                yield from map(HeldOutBlock, test.push(rows.encoded, y, a, rows.held_out))
        yield from map(TrainingBlock, train.rest())
        if test is not None:
            yield from map(HeldOutBlock, test.rest())

    def placed(self, encoder: Encoder, batch: Batch, y: Array, a: Array | None) -> PlacedRows:
        """Return a batch encoded, and where its rows go.

        Rows held out may hold levels that a design with levels does not have.
        """
        out = self.split.held_out(batch) if self.split.fraction else None
        weighty, bad = self.weighty(batch, a), batch.bad
        sound = all_of(weighty, None if bad is None else ~bad)
        given = all_of(finite(y), None if a is None else finite(a))
        known = out is not None and not any(variable.open for variable in self.design.texts)
        encoded = encoder.encode(batch, all_of(sound, given, ~out if known and out is not None else None))
        used = all_of(encoded.whole, given, sound)
        zero_weight = 0 if weighty is None else int((~weighty if bad is None else ~weighty & ~bad).sum())
        whole = all_of(encoded.whole, given)
        lost = None if whole is None else ~whole if sound is None else ~whole & sound
        missing, cells = 0, dict[str, int]()
        if lost is not None and lost.any():
            missing, cells = int(lost.sum()), self._missing_cells(encoder, encoded, lost, y, a)
        if out is not None:
            out, used = (out, ~out) if used is None else (out & used, used & ~out)
        return PlacedRows(
            batch=batch,
            encoded=encoded,
            y=y,
            a=a,
            used=used,
            held_out=out,
            zero_weight=zero_weight,
            missing=missing,
            missing_cells=cells,
        )

    def _missing_cells(
        self, encoder: Encoder, encoded: Encoded, lost: Mask, y: Array, a: Array | None
    ) -> dict[str, int]:
        cells = Counter(encoder.missing_cells(encoded, lost))
        for values, column in ((self.target, y), (self.weights, a)):
            if values is not None and column is not None and (absent := int((~np.isfinite(column[lost])).sum())):
                cells[values.name] += absent
        return dict(cells)

    def columns(self, names: Sequence[str]) -> list[str]:
        """Return these columns, and those that the other roles need."""
        roles = [v.name for v in (self.target, self.weights) if v is not None and v.array is None]
        key = [self.split.key] if self.split.key is not None else []
        return list(dict.fromkeys([*names, *roles, *self.along, *key]))

    def batches(self, names: Sequence[str] | None = None) -> Iterator[tuple[Batch, Array, Array | None]]:
        """Read the columns of the design, or these, and those of the other roles: with target and weights, by batch."""
        start = 0
        for batch in self.source.batches(self.columns(self.design.columns if names is None else names), self.limit):
            yield batch, *self.roles(batch, start)
            start += batch.rows
        if start == self.limit:
            return
        for values in (self.target, self.weights):
            if values is not None and values.array is not None and len(values.array) != start:
                raise InputError(
                    f"{values.name} has {len(values.array):,} values for a table of {start:,} rows. Pass one per row."
                )

    def roles(self, batch: Batch, start: int) -> tuple[Array, Array | None]:
        """Return target and weights of a batch, whose first row is the row `start` of the table."""
        stop = start + batch.rows
        a = None if self.weights is None else column_of(self.weights, batch, start, stop)
        return column_of(self.target, batch, start, stop), a

    def weighty(self, batch: Batch, a: Array | None) -> Mask | None:
        """Tell which rows do not have weight zero (None: all); refuse negative and infinite weights."""
        if a is None:
            return None
        wrong = (a < 0) | np.isinf(a) | (self.counts & (a != np.rint(a)) & ~np.isnan(a))
        at = np.flatnonzero(wrong if batch.bad is None else wrong & ~batch.bad)
        if at.size:
            row = int(at[0])
            place = self.source.place(batch.part, batch.first + row)
            whole = a[row] >= 0 and np.isfinite(a[row])
            kind = "an integer; frequency weights are" if whole else "a finite number of at least 0"
            raise TableError(f"{place}: the weight {a[row]:g} is not {kind}.")
        counted = np.asarray(a != 0)
        return None if counted.all() else counted


def all_of(*masks: Mask | None) -> Mask | None:
    """Return what all masks allow; None allows everything."""
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def finite(column: Array) -> Mask | None:
    """Tell which cells are finite; None where all are."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(column.sum()):
            return None
    finite = np.isfinite(column)
    return None if finite.all() else finite
