"""Rows of a table, encoded, checked, split and counted: the blocks that training sees."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Literal, NamedTuple

import numpy as np

from regress.errors import InputError, TableError
from regress.numerics.moments import Block, Moments, accumulate, block_rows
from regress.numerics.twofold import Array, Mask
from regress.tables.design import Design
from regress.tables.source import ArraySource, Batch, Source, find_column
from regress.tables.split import Split

Missing = Literal["error", "drop", "mean"]


@dataclass(slots=True)
class Tally:
    """Where every row went: rows = used + held_out + missing + zero_weight."""

    rows: int = 0
    used: int = 0
    held_out: int = 0
    missing: int = 0
    zero_weight: int = 0
    missing_cells: Counter[str] = field(default_factory=Counter)


class Values(NamedTuple):
    """A column of the table by name, or values of its own, one a row, and what to call them."""

    name: str
    array: Array | None


def as_values(source: Source, given: object, role: str) -> Values:
    """Take a target or weights as a column name or as values; a shape of (m, 1) is ravelled.

    Raises
    ------
    TableError
        If the column is unknown or not a number.
    InputError
        If the values are not numbers in one dimension.
    """
    if isinstance(given, str):
        column = find_column(source, given, role)
        if column.kind not in ("number", "boolean"):
            raise TableError(
                f"Column {given!r} of {source.label} is {'text' if column.kind == 'text' else column.dtype}, "
                f"not numbers, so it cannot be {role}."
            )
        return Values(given, None)
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{role} must be a column name or numbers; got {type(given).__name__}.") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array.ravel()
    if array.ndim != 1:
        raise InputError(f"{role} must have one value a row; its shape is {array.shape}.")
    name = getattr(given, "name", None)
    return Values(name if isinstance(name, str) else "y" if role == "the target" else role, array)


def column_of(values: Values, batch: Batch, start: int, stop: int) -> Array:
    """Return the values of a batch's rows, which are those from `start` to `stop` of the table."""
    if values.array is None:
        return batch.numbers(values.name)
    if stop > len(values.array):
        raise InputError(f"{values.name} has {len(values.array):,} values, fewer than the table's rows.")
    return values.array[start:stop]


def counted_levels(source: Source, design: Design, weights: Values) -> Design:
    """Leave out the levels that only rows of weight zero have: a pass of its own where there is text."""
    seen = {term.name: np.zeros(len(term.levels), dtype=bool) for term in design.terms if term.kind == "text"}
    if not seen:
        return design
    start = 0
    for batch in source.batches([*seen, *([] if weights.array is not None else [weights.name])]):
        counted = column_of(weights, batch, start, start + batch.rows) != 0
        for term in design.terms:
            if term.kind == "text":
                codes = batch.codes(term.name, term.levels)[counted]
                seen[term.name][codes[codes >= 0]] = True
        start += batch.rows
    terms = (replace(t, levels=tuple(np.array(t.levels, dtype=object)[seen.get(t.name, [])])) for t in design.terms)
    return replace(design, terms=tuple(terms))


class Reader:
    """Reads a table once, by blocks; afterwards `tally` and `held_out` are complete.

    Parameters
    ----------
    source, design : Source, Design
        The table, and what becomes of its columns.
    target, weights : Values, Values or None
        From `as_values`.
    missing : {"error", "drop", "mean"}
        What to do with missing cells. "mean" fills numbers and refuses elsewhere.
    split : Split
        Which rows to hold out.
    limit : int, optional
        Read this many rows at most.
    counts : bool
        Whether weights count repeated rows, and must be whole.
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
    ) -> None:
        self.source, self.target, self.weights, self.missing = source, target, weights, missing
        self.split, self.limit, self._counts = split, limit, counts
        self.tally = Tally()
        self.held_out: Moments | None = None
        fill = missing == "mean" and not design.fills
        self.design = design.with_fills(self._training_means(design)) if fill else design

    def blocks(self) -> Iterator[Block]:
        """Yield the training rows on the fixed grid.

        Raises
        ------
        TableError
            If cells are missing and the policy does not allow it, or a weight is negative.
        """
        self.tally = Tally()
        train, test = _Rebuffer(len(self.design.names)), _Rebuffer(len(self.design.names))
        held: list[Moments] = []
        for batch, X, whole, y, a in self._batches(self.design):
            whole = whole & np.isfinite(y)
            counted = self._weighty(batch, a)
            if a is not None:
                whole &= np.isfinite(a)
            self._count(batch, y, a, whole, counted)
            kept = whole & counted
            out = self.split.held_out(batch) & kept if self.split.fraction else np.zeros(batch.rows, dtype=bool)
            self.tally.held_out += int(out.sum())
            self.tally.used += int((kept & ~out).sum())
            if isinstance(self.source, ArraySource) and kept.all() and not out.any() and train.empty:
                yield Block(X, y[:, None], a)  # a view
                continue
            yield from train.push(X, y, a, kept & ~out)
            held.extend(accumulate([block]) for block in test.push(X, y, a, out))
        yield from train.rest()
        held.extend(accumulate([block]) for block in test.rest())
        self.held_out = reduce(Moments.merge, held) if held else None
        self._refuse_missing()

    def _batches(self, design: Design) -> Iterator[tuple[Batch, Array, Mask, Array, Array | None]]:
        columns = [v.name for v in (self.target, self.weights) if v is not None and v.array is None]
        key = [self.split.key] if self.split.key is not None else []
        start = 0
        for batch in self.source.batches(list(dict.fromkeys([*design.columns, *columns, *key]))):
            if self.limit is not None and start + batch.rows > self.limit:
                batch = batch.head(self.limit - start)
            stop = start + batch.rows
            y = column_of(self.target, batch, start, stop)
            a = None if self.weights is None else column_of(self.weights, batch, start, stop)
            X, whole = design.encode(batch, self.source, None if a is None else a != 0)
            yield batch, X, whole, y, a
            start = stop
            if start == self.limit:
                return
        for values in (self.target, self.weights):
            if values is not None and values.array is not None and len(values.array) != start:
                raise InputError(
                    f"{values.name} has {len(values.array):,} values for a table of {start:,} rows. Pass one a row."
                )

    def _weighty(self, batch: Batch, a: Array | None) -> Mask:
        """Tell which rows do not have weight zero; refuse negative and infinite weights."""
        if a is None:
            return np.ones(batch.rows, dtype=bool)
        wrong = np.flatnonzero((a < 0) | np.isinf(a) | (self._counts & (a != np.rint(a)) & ~np.isnan(a)))
        if wrong.size:
            row = int(wrong[0])
            place = self.source.place(batch.part, batch.first + row)
            kind = "whole number, as frequency weights are" if a[row] >= 0 else "finite number of at least 0"
            raise TableError(f"{place}: the weight {a[row]:g} is not a {kind}.")
        return np.asarray(a != 0)

    def _count(self, batch: Batch, y: Array, a: Array | None, whole: Mask, counted: Mask) -> None:
        tally = self.tally
        tally.rows += batch.rows
        tally.zero_weight += int((~counted).sum())
        lost = ~whole & counted
        if not lost.any():
            return
        tally.missing += int(lost.sum())
        tally.missing_cells.update(self.design.missing_cells(batch, lost))
        for values, column in ((self.target, y), (self.weights, a)):
            if values is not None and column is not None:
                absent = int((~np.isfinite(column[lost])).sum())
                tally.missing_cells.update({values.name: absent} if absent else {})

    def _refuse_missing(self) -> None:
        cells = self.tally.missing_cells
        if self.missing == "drop" or not cells:
            return
        shown = ", ".join(f"{name} {count:,}" for name, count in cells.most_common(8))
        more = f" and {len(cells) - 8} columns more" if len(cells) > 8 else ""
        remedy = "Leave those rows out with --missing drop"
        if self.missing == "error":
            remedy += ", or fill numbers with their training mean by --missing mean."
            raise TableError(f"{self.source.label} has missing cells ({shown}{more}). {remedy}")
        raise TableError(
            f"{self.source.label} has missing cells that a mean cannot fill, in text, target or weights "
            f"({shown}{more}). {remedy}."
        )

    def _training_means(self, design: Design) -> dict[str, float]:
        """Return the weighted means of the number columns over training rows: a pass of its own."""
        numbers = [name for term in design.terms if term.kind != "text" for name in term.names]
        at = [design.names.index(name) for name in numbers]
        weight, mean, rows = np.zeros(len(at)), np.zeros(len(at)), 0
        for batch, X, _, y, a in self._batches(design):
            rows += batch.rows
            used = self._weighty(batch, a) & np.isfinite(y)
            if self.split.fraction:
                used &= ~self.split.held_out(batch)
            cells = X[used][:, at]
            present = np.isfinite(cells) * (1.0 if a is None else a[used][:, None])
            part = present.sum(0)
            weight += part
            change = (np.where(present > 0, cells - mean, 0.0) * present).sum(0)
            mean += np.divide(change, weight, out=np.zeros_like(mean), where=weight > 0)
        empty = [name for name, w in zip(numbers, weight, strict=True) if w == 0]
        if empty and rows:
            raise TableError(
                f"Column {empty[0]!r} has no value in any training row. Leave it out with --drop {empty[0]}."
            )
        return dict(zip(numbers, mean.tolist(), strict=True))


class _Rebuffer:
    """Collects rows and gives them back in blocks on the fixed grid."""

    def __init__(self, n: int) -> None:
        self._n, self._size = n, block_rows(n)
        self._new()

    def _new(self) -> None:
        self._X, self._y = np.empty((self._size, self._n)), np.empty((self._size, 1))
        self._a: Array | None = None
        self._filled = 0

    @property
    def empty(self) -> bool:
        """Whether no row waits."""
        return self._filled == 0

    def push(self, X: Array, y: Array, a: Array | None, chosen: Mask) -> Iterator[Block]:
        """Add the chosen rows, and yield the blocks that they complete."""
        if not chosen.all():
            X, y, a = X[chosen], y[chosen], None if a is None else a[chosen]
        start = 0
        while start < len(X):
            count = min(self._size - self._filled, len(X) - start)
            here, there = slice(self._filled, self._filled + count), slice(start, start + count)
            self._X[here], self._y[here, 0] = X[there], y[there]
            if a is not None:
                self._a = np.empty(self._size) if self._a is None else self._a
                self._a[here] = a[there]
            self._filled += count
            start += count
            if self._filled == self._size:
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """Yield what is left, if anything."""
        if self._filled:
            k = self._filled
            yield Block(self._X[:k], self._y[:k], None if self._a is None else self._a[:k])
            self._new()
