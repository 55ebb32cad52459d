"""Number columns as decimals: the numbers as they are written, while rows come in."""

from collections.abc import Sequence

import numpy as np

from regress.blocks import STORED, Array, Block, Decimals, Mask
from regress.design.matrix import Layout
from regress.design.roles import Values
from regress.design.terms import Design
from regress.errors import TableError
from regress.messages import setting
from regress.numerics.decimals import MOST_PLACES, Places, whole
from regress.sources.base import Batch, Codes, Source


class WrittenNumbers:
    """The decimals of the number columns of a pass, which become more as rows come in.

    What is computed is a float64 number, and dates are days: they are taken as they are stored.

    Parameters
    ----------
    source, design : Source, Design
        The table, and what becomes of its columns.
    target, weights : Values, Values or None
        The other number columns.
    """

    def __init__(self, source: Source, design: Design, target: Values, weights: Values | None) -> None:
        self._source = source
        computed = {c.name for c in design.computed}
        dates = {v.name for v in design.variables if v.kind == "date"}
        self._names = design.numbers
        self._numbers = [None if name in computed | dates else Places() for name in design.numbers]
        self._target = target.name, None if target.array is None and target.name in computed else Places()
        self._weights = None if weights is None else (weights.name, Places())

    def add(
        self, batch: Batch, numbers: Sequence[Array] | Array, y: Array, a: Array | None, *, used: Mask | None
    ) -> None:
        """Include the rows of a batch that are used (None: all).

        Raises
        ------
        TableError
            If a number is no decimal of 15 digits; the message says where.
        """
        columns = [*zip(self._names, self._numbers, numbers, strict=True), (*self._target, y)]
        columns += [] if self._weights is None or a is None else [(*self._weights, a)]
        for name, places, values in columns:
            chosen = values if used is None else values[used]
            if places is not None and (at := places.add(chosen)) is not None:
                row = at if used is None else int(np.flatnonzero(used)[at])
                place, value = self._source.place(batch.part, batch.first + row), float(values[row])
                raise TableError(
                    f"{place}, column {name!r}: {value!r} is not a decimal of 15 digits, or not with the decimals of "
                    f"its column, at most {MOST_PLACES}. Remove {setting('as_written')}."
                )

    def block(self, layout: Layout, rows: Block, codes: Codes) -> Block:
        """Return rows of numbers (rows, k) as a block of a layout's columns, in integers."""
        places = [STORED if of_one is None else of_one.places for of_one in self._numbers]
        k = [_whole(column, d) for column, d in zip(rows.X.T, places, strict=True)]
        X, columns = layout.expand(np.array(k).reshape(len(k), len(rows.X)).T, codes)
        of_y, a, of_a = self._target[1], rows.weights, 0
        if a is not None and self._weights is not None:
            of_a = self._weights[1].places
            a = whole(a, of_a)
        y = STORED if of_y is None else of_y.places
        decimals = Decimals(layout.places(columns, dict(zip(self._names, places, strict=True))), (y,), of_a)
        return Block(X, _whole(rows.Y, y), a, columns, decimals)


def _whole(values: Array, places: int) -> Array:
    return values if places == STORED else whole(values, places)
