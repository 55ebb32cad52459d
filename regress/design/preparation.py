"""Passes of their own before a table is read: which rows to hold out, and the means that fill missing cells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, Self

import numpy as np

from regress.blocks import Mask
from regress.design.rows import Reader, all_of, finite
from regress.design.split import Split, TimeSplit
from regress.errors import TableError
from regress.messages import setting
from regress.numerics.hashing import Bits
from regress.numerics.whole_sum import WholeSum


class FirstPass(Protocol):
    """What is found of the training rows before they are encoded."""

    def __init__(self, reader: Reader) -> None: ...

    @staticmethod
    def due(reader: Reader) -> bool:
        """Tell whether a reader needs it."""
        ...

    def read(self) -> None:
        """Add the rows of the table."""
        ...

    def merge(self, other: Self) -> None:
        """Add the rows of another part of the table."""
        ...

    def applied(self, reader: Reader) -> Reader:
        """Return a reader that knows what was found."""
        ...


def prepared(reader: Reader) -> Reader:
    """Return a reader that holds out the fraction to the nearest row, in memory, and fills cells where that is asked.

    Raises
    ------
    TableError
        If a column to be filled has no value in any training row.
    """
    split = reader.split
    if split.fraction and (isinstance(split, TimeSplit) or (split.key is None and reader.source.unit == "rows")):
        bits = used_bits(_without_learning(reader), exactly=reader.missing == "drop")
        reader = replace(reader, split=split.over(bits))

    def read(reader: Reader, kind: type[FirstPass]) -> FirstPass:
        found = kind(reader)
        found.read()
        return found

    return after_passes(reader, read)


def after_passes(reader: Reader, read: Callable[[Reader, type[FirstPass]], FirstPass]) -> Reader:
    """Return a reader that knows what first passes find, each read as asked, if it is due."""
    kinds: list[type[FirstPass]] = [Means]
    if reader.design.computed:
        from regress.design.formula.first_pass import ColumnFacts

        kinds.insert(0, ColumnFacts)
    for kind in kinds:
        if kind.due(reader):
            reader = read(reader, kind).applied(reader)
    return reader


def _without_learning(reader: Reader) -> Reader:
    if not reader.design.computed:
        return reader
    from regress.design.formula.first_pass import without_learning

    return without_learning(reader)


def used_bits(reader: Reader, *, exactly: bool) -> Bits:
    """Return the bits of the split of the rows that will be used, in their order.

    A missing cell is an error, or is filled, unless its row is dropped. So one column is looked at where bad rows do
    not matter; all are to find `exactly` these rows.
    """
    design, hashes = reader.design, []
    numbers = [variable for variable in design.variables if variable.kind != "text"]
    one = (*numbers, *design.variables)[0]  # numbers are quick
    together = replace(reader, split=Split())
    encoder = reader.encoder()
    for batch, y, a in reader.batches(None if exactly else [one.name]):
        used: Mask | None = together.placed(encoder, batch, y, a).used if exactly else reader.weighty(batch, a)
        bits = reader.split.bits(batch)
        hashes.append(bits if used is None else bits[used])
    return np.concatenate(hashes) if hashes else np.empty(0, np.uint64)


class Means:
    """Sums of a and ax over the training rows, by number column, from which missing cells are filled."""

    def __init__(self, reader: Reader) -> None:
        self._reader: Reader | None = reader
        self._sums = {name: (WholeSum(), WholeSum()) for name in reader.design.numbers}
        self._rows = 0

    @staticmethod
    def due(reader: Reader) -> bool:
        """Tell whether missing cells are to be filled, and with what is not known."""
        return reader.missing == "mean" and not reader.design.fills

    def applied(self, reader: Reader) -> Reader:
        """Return a reader that fills missing cells.

        Raises
        ------
        TableError
            If a column has no value in any training row.
        """
        return replace(reader, design=reader.design.with_fills(self.finish()))

    def read(self) -> None:
        """Add the rows of the table."""
        reader = self._reader
        assert reader is not None
        for batch, y, a in reader.batches():
            self._rows += batch.rows
            given = all_of(finite(y), None if a is None else finite(a))
            used = all_of(reader.weighty(batch, a), given, None if batch.bad is None else ~batch.bad)
            if reader.split.fraction:
                used = all_of(used, ~reader.split.held_out(batch))
            for name, (of_a, of_ax) in self._sums.items():
                column = batch.numbers(name)
                chosen = np.isfinite(column) if used is None else np.isfinite(column) & used
                x, weight = column[chosen], np.ones(int(chosen.sum())) if a is None else a[chosen]
                of_a.add(weight)
                of_ax.add_products(weight, x)

    def merge(self, other: "Means") -> None:
        """Add the rows of another part of the table."""
        self._rows += other._rows
        for name, sums in self._sums.items():
            for mine, theirs in zip(sums, other._sums[name], strict=True):
                mine.merge(theirs)

    def __getstate__(self) -> dict[str, Any]:
        return {"_reader": None, "_sums": self._sums, "_rows": self._rows}

    def finish(self) -> dict[str, float]:
        """Return the weighted mean of each column, rounded once.

        Raises
        ------
        TableError
            If a column has no value in any training row.
        """
        if self._rows:
            for name, (of_a, _) in self._sums.items():
                if not of_a.fraction:
                    raise TableError(
                        f"Column {name!r} has no value in any training row. Exclude it with {setting('drop', [name])}."
                    )
        return {name: float(of_ax.fraction / (of_a.fraction or 1)) for name, (of_a, of_ax) in self._sums.items()}
