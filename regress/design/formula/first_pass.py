"""What terms need to know of a column before rows can be encoded: a pass over the columns that they read."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from regress.design.formula.computed import ComputedSource
from regress.design.formula.expression import Call
from regress.design.formula.functions import calls_that_learn
from regress.design.formula.learned import Learner, learner
from regress.design.rows import Reader, all_of, finite
from regress.design.terms import Computed, Design
from regress.errors import DataWarning, InputError


def unlearned(design: Design) -> list[Call]:
    """Return the calls of a design's computed variables for which a first pass is due."""
    calls = (
        call for c in design.computed for call in calls_that_learn(c.expression) if str(call) not in dict(c.learned)
    )
    return list({str(call): call for call in calls}.values())


_REMEDIES = {
    "center": "Subtract a number, as in I(x - 10)",
    "scale": "Write the numbers, as in I((x - 10) / 2)",
    "poly": "Remove orthogonal=True",
    "bs": "Give it knots, lower and upper",
    "ns": "Give it knots, lower and upper",
}


def refuse_first_pass(design: Design) -> None:
    """Refuse calls that need all rows first, where a table is summed in parts: each part would tell something else.

    Raises
    ------
    InputError
        With what to write instead.
    """
    for call in unlearned(design):
        raise InputError(
            f"{call} depends on all rows of a table, and moments may be of a part. {_REMEDIES[call.function]}."
        )


class ColumnFacts:
    """What calls need of the training rows, each of its own column: a row counts where that column has a value."""

    def __init__(self, reader: Reader) -> None:
        self._reader: Reader | None = reader
        self._calls = unlearned(reader.design)
        self._learners: list[Learner] = [learner(call) for call in self._calls]

    @staticmethod
    def due(reader: Reader) -> bool:
        """Tell whether a reader needs it."""
        return bool(unlearned(reader.design))

    def read(self) -> None:
        """Add the rows of the table."""
        assert self._reader is not None
        reader = self._reader
        arguments = tuple(Computed(f"{k}", call.arguments[0]) for k, call in enumerate(self._calls))
        base = reader.source.base if isinstance(reader.source, ComputedSource) else reader.source
        target = [c for c in reader.design.computed if c.name == reader.target.name]
        reader = replace(reader, source=ComputedSource(base, (*arguments, *target)))
        names = [*(c.name for c in arguments)]
        for batch, y, a in reader.batches(names):
            given = all_of(finite(y), None if a is None else finite(a))
            used = all_of(reader.weighty(batch, a), given, None if batch.bad is None else ~batch.bad)
            if reader.split.fraction:
                used = all_of(used, ~reader.split.held_out(batch))
            for of_call, values in zip(self._learners, batch.columns(names), strict=True):
                chosen = ~np.isnan(values) if used is None else ~np.isnan(values) & used
                of_call.add(values[chosen], None if a is None else a[chosen])

    def merge(self, other: "ColumnFacts") -> None:
        """Add the rows of another part of the table."""
        for mine, theirs in zip(self._learners, other._learners, strict=True):
            mine.merge(theirs)

    def __getstate__(self) -> dict[str, Any]:
        return {"_reader": None, "_calls": self._calls, "_learners": self._learners}

    def applied(self, reader: Reader) -> Reader:
        """Return a reader whose computed columns know what was found.

        Raises
        ------
        InputError
            If a column has no value, or too few for its call.
        """
        found = {str(call): of_call.finish() for call, of_call in zip(self._calls, self._learners, strict=True)}
        for call in self.coarse:
            text = f"The quantiles of {call} are rounded, since its column has more than a million different values."
            warnings.warn(text, DataWarning, stacklevel=2)

        def known(computed: Computed) -> Computed:
            calls = [str(call) for call in calls_that_learn(computed.expression)]
            return replace(computed, learned=tuple((call, found[call]) for call in calls)) if calls else computed

        return _with_computed(reader, map(known, reader.design.computed))

    @property
    def coarse(self) -> list[str]:
        """The calls whose quantiles are rounded, because their column has too many different values."""
        return [str(call) for call, of_call in zip(self._calls, self._learners, strict=True) if of_call.coarse]


def without_learning(reader: Reader) -> Reader:
    """Return a reader that misses the same cells, and needs no first pass: calls give their columns as they are."""
    if not unlearned(reader.design):
        return reader

    def bare(computed: Computed) -> Computed:
        expression = computed.expression
        while isinstance(expression, Call) and [*calls_that_learn(expression)]:
            expression = expression.arguments[0]
        return replace(computed, expression=expression)

    return _with_computed(reader, map(bare, reader.design.computed))


def _with_computed(reader: Reader, computed: Iterable[Computed]) -> Reader:
    design = replace(reader.design, computed=tuple(computed))
    assert isinstance(reader.source, ComputedSource)
    return replace(reader, design=design, source=ComputedSource(reader.source.base, design.computed))
