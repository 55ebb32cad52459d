"""Batches with computed columns: what expressions amount to in their rows, by NumPy alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regress.blocks import Array, Mask
from regress.design.formula.expression import Call, Expression
from regress.design.terms import Computed
from regress.sources.base import MISSING_CODE, UNSEEN_CODE, Batch, Codes, ColumnKind
from regress.sources.cell_types import level_of

if TYPE_CHECKING:
    from regress.design.formula.evaluate import Values


@dataclass(frozen=True, slots=True)
class BatchValues:
    """The columns of a batch as expressions read them."""

    batch: Batch
    kinds: Mapping[str, ColumnKind]

    def numbers(self, name: str) -> Array:
        """Return a number column (rows,), NaN where missing."""
        return self.batch.numbers(name)

    def equals(self, name: str, text: str) -> Array:
        """Tell in which rows a text column has a level, as 1.0 and 0.0; NaN where it is missing."""
        levels = self._levels(name)
        codes = self.batch.codes(name, {cell: int(level == text) for cell, level in levels.items()})
        return np.where(codes < 0, np.nan, codes.astype(np.float64))

    def missing(self, name: str) -> Array:
        """Tell in which rows a column has no value, as 1.0 and 0.0."""
        if self.kinds[name] == "text":
            return (self.batch.codes(name, dict.fromkeys(self._levels(name), 0)) < 0).astype(np.float64)
        return (~np.isfinite(self.batch.numbers(name))).astype(np.float64)

    def _levels(self, name: str) -> dict[str, str]:
        spellings = self.batch.distinct(name, np.ones(self.batch.rows, dtype=bool))
        levels = {cell: self.batch.level(cell) for cell in spellings}
        return {cell: level for cell, level in levels.items() if level is not None}


class ComputedBatch:
    """A batch with computed columns; each expression is evaluated once."""

    def __init__(self, base: Batch, computed: Mapping[str, Computed], kinds: Mapping[str, ColumnKind]) -> None:
        self.base, self._computed, self._values = base, computed, BatchValues(base, kinds)
        self._found = dict[Expression, Array]()
        self._cells = dict[str, tuple[list[str], Codes]]()
        self.part, self.key, self.first, self.rows = base.part, base.key, base.first, base.rows
        self.read, self.bad, self.bookmark = base.read, base.bad, base.bookmark

    def head(self, rows: int) -> Batch:
        """Return the first rows of the batch."""
        return ComputedBatch(self.base.head(rows), self._computed, self._values.kinds)

    def numbers(self, name: str) -> Array:
        """Return a number column (rows,), NaN where missing."""
        if name not in self._computed:
            return self.base.numbers(name)
        computed = self._computed[name]
        if computed.expression not in self._found:
            self._found[computed.expression] = values_of(computed, self._values)
        return column_of(computed, self._found[computed.expression])

    def columns(self, names: Sequence[str]) -> Sequence[NDArray[Any]] | Array:
        """Return number columns (rows,) each, of any type up to 64 bits, NaN where missing."""
        own = [name for name in names if name not in self._computed]
        if len(own) == len(names):
            return self.base.columns(names)
        given = dict(zip(own, self.base.columns(own), strict=True)) if own else {}
        return [given[name] if name in given else self.numbers(name) for name in names]

    def codes(self, name: str, codes: Mapping[str, int]) -> Codes:
        """Return the code of each cell of a text column; null is MISSING_CODE, and what has no code UNSEEN_CODE."""
        if name not in self._computed:
            return self.base.codes(name, codes)
        cells, at = self._texts(name)
        return np.array([*(codes.get(cell, UNSEEN_CODE) for cell in cells), MISSING_CODE], dtype=np.int32)[at]

    def level(self, cell: str) -> str | None:
        """Return the level that a cell of text is; None if it is missing."""
        return self.base.level(cell)

    def texts(self, name: str) -> list[str]:
        """Return any column as text."""
        if name not in self._computed:
            return self.base.texts(name)
        if not self._computed[name].text:
            return [repr(value) for value in self.numbers(name).tolist()]
        cells, at = self._texts(name)
        return [[*cells, ""][k] for k in at.tolist()]

    def distinct(self, name: str, rows: Mask) -> list[str]:
        """Return the different cells of a text column in some rows, without null ones."""
        if name not in self._computed:
            return self.base.distinct(name, rows)
        cells, at = self._texts(name)
        return [cells[k] for k in np.unique(at[rows]).tolist() if k < len(cells)]

    def counts(self, name: str, rows: Mask) -> dict[str, int]:
        """Return how often each cell of a text column occurs in some rows, without null ones."""
        if name not in self._computed:
            return self.base.counts(name, rows)
        cells, at = self._texts(name)
        found = np.bincount(at[rows], minlength=len(cells) + 1)[: len(cells)].tolist()
        return {cell: count for cell, count in zip(cells, found, strict=True) if count}

    def _texts(self, name: str) -> tuple[list[str], Codes]:
        if name not in self._cells:
            self._cells[name] = cells_of(self._computed[name], self.numbers(name))
        return self._cells[name]


def values_of(computed: Computed, values: "Values") -> Array:
    """Return all columns of a computed column's expression (rows,) or (k, rows)."""
    from regress.design.formula.evaluate import evaluate  # which fits without a formula do not need

    return evaluate(computed.expression, values, dict(computed.learned))


def column_of(computed: Computed, found: Array) -> Array:
    """Return one of the columns of an expression."""
    return np.asarray(found[computed.place]) if found.ndim == 2 else found


def cells_of(computed: Computed, values: Array) -> tuple[list[str], Codes]:
    """Return the different cells of a computed text column, and which one each row has: their number for none."""
    found, at = np.unique(values, return_inverse=True, equal_nan=True)
    names, numbers = levels_of(computed), found[~np.isnan(found)].tolist()
    return [level_of(repr(v)) if names is None else names[int(v)] for v in numbers], at.astype(np.int32)


def levels_of(computed: Computed) -> tuple[str, ...] | None:
    """Return the levels of a computed column in their order, where its function has such."""
    expression = computed.expression
    if not computed.text or not isinstance(expression, Call):
        return None
    from regress.design.formula.functions import kind, levels

    return levels(expression) if kind(expression) == "text" else None
