"""Rows of a table, encoded, checked, split and counted: the blocks that training sees."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from regress.aggregates.account import Tally
from regress.aggregates.held_out import HeldOut
from regress.aggregates.sample import Sample
from regress.blocks import Array, Block, Mask
from regress.design.encode import Encoded, Encoder
from regress.design.matrix import Layout, Rebuffer
from regress.design.roles import Values, column_of
from regress.design.row_facts import Counts, Facts
from regress.design.split import Split
from regress.design.terms import Design
from regress.errors import InputError, TableError
from regress.messages import setting
from regress.numerics.hashing import Bits
from regress.numerics.threads import Beside
from regress.numerics.whole_sum import WholeSum
from regress.options import Missing
from regress.sources.arrays import ArrayBatch
from regress.sources.base import Batch, Source


class Reader:
    """Reads a table once, by blocks; afterwards `design`, `order`, `tally`, `held_out` and `sample` are complete.

    `order` says which column of the blocks is which of the design's, where levels were found on the way.

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
        Whether weights count repeated rows, and must be whole.
    max_categories : int
        Maximum number of categories in a text column.
    sampled, n_jobs : int
        Training rows to keep as a sample, beside the reading where there are more jobs than one.
    exact : bool
        Whether sums of rows held out are exact, however many columns there are.
    """

    def __init__(
        self,
        source: Source,
        design: Design,
        target: Values,
        weights: Values | None,
        missing: Missing,
        split: Split,
        limit: int | None = None,
        counts: bool = False,
        max_categories: int = 100,
        sampled: int = 0,
        n_jobs: int = 1,
        exact: bool = False,
    ) -> None:
        self.source, self.target, self.weights, self.missing = source, target, weights, missing
        self.split, self.limit, self._counts, self._max_categories = split, limit, counts, max_categories
        self._sampled, self.n_jobs, self._exact = sampled, n_jobs, exact
        self.tally = Tally()
        self.read = 0
        self.held_out: HeldOut | None = None
        self.sample: Block | None = None
        self.order: list[int] | None = None
        self.facts: Facts | None = None
        if split.fraction and split.key is None and source.unit == "rows":
            self.split = split.over(self._used_bits(design))
        fill = missing == "mean" and not design.fills
        self.design = design.with_fills(self._training_means(design)) if fill else design
        self._layout = Layout(self.design)

    @property
    def width(self) -> int:
        """Columns of X, as far as the rows of the blocks so far tell."""
        return self._layout.known

    def blocks(self) -> Iterator[Block]:
        """Yield the training rows on the fixed grid.

        Raises
        ------
        TableError
            If cells are missing and the policy does not allow it, or a weight is negative.
        """
        self.tally = Tally()
        encoder = Encoder(self.design, self.source, self._max_categories)
        train, test = Rebuffer(self.design), Rebuffer(self.design)
        self._layout = train.layout
        counts = Counts(self.design, self._counts)
        sample = None
        if self._sampled and self.sample is None:
            sample = Sample(self._sampled, len(self.design.numbers), len(self.design.texts), self.split.seed)
        held = HeldOut(self._exact)
        plain = not self.split.fraction and not self.design.texts
        with Beside(self.n_jobs) as beside:
            for batch, y, a in self._batches(self.design):
                self.tally.rows += batch.rows
                self.read = batch.read
                if plain and a is None and batch.bad is None and not isinstance(batch, ArrayBatch):
                    numbers = batch.columns(self.design.numbers)
                    full = train.take(numbers, y)
                    if full is not None:
                        self.tally.used += batch.rows
                        counts.add(numbers, (), y, None, None)
                        yield from full
                        if sample is not None:
                            beside.call(sample.add, batch, numbers, (), y, a, None)
                        continue
                out = self.split.held_out(batch) if self.split.fraction else None
                encoded, kept = self._encode(encoder, batch, y, a, out)
                if out is not None:
                    out = out if kept is None else out & kept
                    kept = ~out if kept is None else kept & ~out
                    self.tally.held_out += int(out.sum())
                    counts.add_held_out(encoded.codes, out)
                counts.add(encoded.numbers, encoded.codes, y, a, kept)
                self.tally.used += batch.rows if kept is None else int(kept.sum())
                if kept is None and train.empty and not encoded.codes and isinstance(batch, ArrayBatch):
                    yield Block(batch.chosen(self.design.columns), y[:, None], a)  # a view
                else:
                    yield from train.push(encoded, y, a, kept)
                if out is not None and self.held_out is None:
                    for block in test.push(encoded, y, a, out):
                        beside.call(held.add, block)
                if sample is not None:
                    beside.call(sample.add, batch, encoded.numbers, encoded.codes, y, a, kept)
        yield from train.rest()
        for block in test.rest():
            held.add(block)
        self._refuse_missing()
        if not self.tally.used:
            return  # whoever gathers the blocks says so
        found = encoder.design(counts.levels(encoder.levels))
        if self.facts is None:
            self.facts = counts.facts(found, encoder.levels)
        self.order = train.layout.order(found, encoder.levels)
        if sample is not None:
            self.sample = self._block_of(sample)
        if held.count:
            held.arrange(test.layout.order(found, encoder.levels))
            self.held_out = None if self.facts.without_reference else held
        self.design = found

    def _block_of(self, sample: Sample) -> Block | None:
        """Return a sample as a block of X, in the design's order."""
        rows = sample.rows()
        if rows is None:
            return None
        X = self._layout.expand(*rows[:2])
        if self.order is not None:
            X = np.pad(X, ((0, 0), (0, 1)))[:, self.order]  # a level that no row had: zeros
        return Block(X, rows[2][:, None], rows[3] if self.weights is not None else None)

    def _encode(
        self, encoder: Encoder, batch: Batch, y: Array, a: Array | None, out: Mask | None
    ) -> tuple[Encoded, Mask | None]:
        """Return a batch encoded, and which of its rows are kept (None: all); count the others.

        Rows `out` are held out: they may hold levels that a design with levels does not have.
        """
        counted, tally = self._weighty(batch, a), self.tally
        sound = counted if batch.bad is None else ~batch.bad if counted is None else counted & ~batch.bad
        given = _and(_finite(y), None if a is None else _finite(a))
        known = out is not None and not any(term.open for term in self.design.texts)
        encoded = encoder.encode(batch, _and(sound, given, ~out if known and out is not None else None))
        whole = _and(encoded.whole, given)
        if batch.bad is not None:
            tally.bad += int(batch.bad.sum())
        if counted is not None:
            tally.zero_weight += int((~counted if batch.bad is None else ~counted & ~batch.bad).sum())
        lost = None if whole is None else ~whole if sound is None else ~whole & sound
        if lost is not None and lost.any():
            self._count_missing(encoder, encoded, lost, y, a)
        return encoded, _and(whole, sound)

    def _batches(self, design: Design) -> Iterator[tuple[Batch, Array, Array | None]]:
        columns = [v.name for v in (self.target, self.weights) if v is not None and v.array is None]
        key = [self.split.key] if self.split.key is not None else []
        start = 0
        for batch in self.source.batches(list(dict.fromkeys([*design.columns, *columns, *key])), self.limit):
            stop = start + batch.rows
            y = column_of(self.target, batch, start, stop)
            yield batch, y, None if self.weights is None else column_of(self.weights, batch, start, stop)
            start = stop
        if start == self.limit:
            return
        for values in (self.target, self.weights):
            if values is not None and values.array is not None and len(values.array) != start:
                raise InputError(
                    f"{values.name} has {len(values.array):,} values for a table of {start:,} rows. Pass one a row."
                )

    def _weighty(self, batch: Batch, a: Array | None) -> Mask | None:
        """Tell which rows do not have weight zero (None: none has); refuse negative and infinite weights."""
        if a is None:
            return None
        wrong = (a < 0) | np.isinf(a) | (self._counts & (a != np.rint(a)) & ~np.isnan(a))
        at = np.flatnonzero(wrong if batch.bad is None else wrong & ~batch.bad)
        if at.size:
            row = int(at[0])
            place = self.source.place(batch.part, batch.first + row)
            whole = a[row] >= 0 and np.isfinite(a[row])
            kind = "whole number, as frequency weights are" if whole else "finite number of at least 0"
            raise TableError(f"{place}: the weight {a[row]:g} is not a {kind}.")
        counted = np.asarray(a != 0)
        return None if counted.all() else counted

    def _count_missing(self, encoder: Encoder, encoded: Encoded, lost: Mask, y: Array, a: Array | None) -> None:
        self.tally.missing += int(lost.sum())
        self.tally.missing_cells.update(encoder.missing_cells(encoded, lost))
        for values, column in ((self.target, y), (self.weights, a)):
            if values is not None and column is not None:
                absent = int((~np.isfinite(column[lost])).sum())
                self.tally.missing_cells.update({values.name: absent} if absent else {})

    def _refuse_missing(self) -> None:
        cells = self.tally.missing_cells
        if self.missing == "drop" or not cells:
            return
        shown = ", ".join(f"{name} {count:,}" for name, count in cells.most_common(8))
        more = f" and {len(cells) - 8} columns more" if len(cells) > 8 else ""
        remedy = f"Drop those rows with {setting('missing', 'drop')}"
        if self.missing == "raise":
            remedy += f", or fill numbers with their training mean by {setting('missing', 'mean')}."
            raise TableError(f"{self.source.label} has missing cells ({shown}{more}). {remedy}")
        raise TableError(
            f"{self.source.label} has missing cells that a mean cannot fill, in text, target or weights "
            f"({shown}{more}). {remedy}."
        )

    def _used_bits(self, design: Design) -> Bits:
        """Return the hashes of the rows that will be used: a pass of its own.

        A missing cell is an error, or is filled, unless its row is dropped: then all columns are looked at, else one.
        """
        dropped, encoder = self.missing == "drop", Encoder(design, self.source, self._max_categories)
        one = next((term for term in design.terms if term.kind != "text"), design.terms[0])  # numbers are quick
        hashes = []
        for batch, y, a in self._batches(design if dropped else replace(design, terms=(one,))):
            used = self._encode(encoder, batch, y, a, None)[1] if dropped else self._weighty(batch, a)
            bits = self.split.bits(batch)
            hashes.append(bits if used is None else bits[used])
        return np.concatenate(hashes) if hashes else np.empty(0, np.uint64)

    def _training_means(self, design: Design) -> dict[str, float]:
        """Return the weighted means of the number columns over training rows, rounded once: a pass of its own."""
        sums = {name: (WholeSum(), WholeSum()) for name in design.numbers}  # of a and ax
        rows = 0
        for batch, y, a in self._batches(design):
            rows += batch.rows
            given = _and(_finite(y), None if a is None else _finite(a))
            used = _and(self._weighty(batch, a), given, None if batch.bad is None else ~batch.bad)
            if self.split.fraction:
                used = _and(used, ~self.split.held_out(batch))
            for (of_a, of_ax), column in zip(sums.values(), batch.columns(design.numbers), strict=True):
                chosen = np.isfinite(column) if used is None else np.isfinite(column) & used
                x, weight = column[chosen], np.ones(int(chosen.sum())) if a is None else a[chosen]
                of_a.add(weight)
                of_ax.add_products(weight, x)
        if rows:
            for name, (of_a, _) in sums.items():
                if not of_a.fraction:
                    raise TableError(
                        f"Column {name!r} has no value in any training row. Leave it out with "
                        f"{setting('drop', [name])}."
                    )
        return {name: float(of_ax.fraction / (of_a.fraction or 1)) for name, (of_a, of_ax) in sums.items()}


def _and(*masks: Mask | None) -> Mask | None:
    """Return what all masks allow; None allows everything."""
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def _finite(column: Array) -> Mask | None:
    """Tell which cells are finite; None where all are."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(column.sum()):
            return None
    finite = np.isfinite(column)
    return None if finite.all() else finite
