"""Columns that differ by no more than the rounding of measurements: they are named, and fitted as they are.

Stored values are exact for the fit. But degrees to one decimal are rounded to tenths before anybody stores them, and
numbers in single precision to 24 bits. Where a variance inflation factor is large, the rows are read again for such
steps, and the columns are asked which of them depend on others within those.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from regress.aggregates.base import Aggregate, FoldRows
from regress.aggregates.collect import TrainingData
from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.totals import Totals
from regress.blocks import Array, Block
from regress.inference.covariance import inverse_of_moments
from regress.options import TrainOptions
from regress.solvers.exact.collinearity import Noise
from regress.solvers.exact.equation import Relation
from regress.solvers.exact.factors import MOST_COLUMNS
from regress.solvers.exact.granularity import Grain, steps_of
from regress.solvers.exact.normal_equations import NormalEquations
from regress.solvers.exact.refinement import Minimum
from regress.solvers.exact.row_check import Question, confirmed
from regress.solvers.train import Regression

_LOOK, LARGE = 1e4, 1e5  # inflation factors at which steps are looked for, and at which columns are named anyway
_TAKES_PART = 10.0  # in a relation: what a column adds to it is more than its noise
_WITHIN = 3.0  # times the noise of rounding, which is all that there is

A = TypeVar("A", bound=Aggregate[Any])


@dataclass(frozen=True, slots=True)
class Collinearity:
    """What a reader of coefficients should know.

    Attributes
    ----------
    relations : tuple of Relation
        Equations that hold except for rounding, of columns that are independent to the last digits.
    inflated : tuple of int
        Other columns with large variance inflation factors.
    largest : float
        The largest of these factors.
    """

    relations: tuple[Relation, ...] = ()
    inflated: tuple[int, ...] = ()
    largest: float = 1.0


def collinearity(
    regression: Regression,
    data: TrainingData,
    options: TrainOptions,
    minimum: Minimum | None,
    *,
    measured: Collection[int],
) -> Collinearity:
    """Look for equations that hold except for rounding, where inflation factors are large.

    Parameters
    ----------
    regression, data, options : Regression, TrainingData, TrainOptions
        The problem, what was read, and how it was trained on.
    minimum : Minimum or None
        Of exact totals, where there are some.
    measured : collection of int
        The columns that are measured: what is computed from others, such as a square, adds no rounding of its own.
    """
    inflation = _inflation(regression, data, options, minimum)
    if inflation is None:
        return Collinearity()
    relations = [] if minimum is None else list(minimum.dependence.near)
    chosen = np.flatnonzero((inflation >= _TAKES_PART) & np.isfinite(inflation)).tolist()
    chosen = [j for j in chosen if j in measured]
    largest = float(inflation[chosen].max(initial=1.0))
    if largest >= _LOOK and len(chosen) <= MOST_COLUMNS and data.has_rows:
        known = {r.column for r in relations}
        found = _within_steps(data.fold, chosen, data.totals, options.fit_intercept)
        relations += [r for r in found if r.column not in known]
    named = {k for r in relations for k in (r.column, *r.coefficients)}
    others = tuple(j for j in chosen if inflation[j] >= LARGE and j not in named)
    return Collinearity(tuple(relations), others, float(inflation[list(others)].max(initial=1.0)))


def _inflation(
    regression: Regression, data: TrainingData, options: TrainOptions, minimum: Minimum | None
) -> Array | None:
    """Return variance inflation factors (n,), infinite for dependent columns; None where none is large, or known."""
    if minimum is not None:
        return minimum.dependence.inflation
    if data.moments is None or not regression.accuracy.rank_sure:
        return None
    if not options.alpha and regression.curvature.condition < LARGE:  # which is above all of them
        return None
    inverse = inverse_of_moments(data.moments, options.fit_intercept)
    return None if inverse is None else inverse.inflation


def _within_steps(fold: FoldRows, columns: list[int], totals: Totals | None, fit_intercept: bool) -> list[Relation]:
    """Return the equations that columns obey but for the steps that they were rounded to."""

    def rows(make: Callable[[], A]) -> A:
        return fold(partial(OfColumns, make, columns)).aggregate

    of_doubles = totals is None or totals.divisor > 1  # rows are read as doubles, which are rounded
    grains, summed = rows(partial(Grains, len(columns), of_doubles)).finish()
    if totals is not None and not of_doubles:
        summed = totals.take([0, *(1 + j for j in columns), len(totals.unit) - 1])
    assert summed is not None
    equations = NormalEquations(summed, 1, 0, 0.0, fit_intercept)
    weight, ulps = float(equations.weight), summed.ulps[1:-1]
    steps = steps_of(grains, ulps, summed.whole[1:-1], weight)
    question = Question(equations, steps, Noise(steps.sums(ulps, weight), _WITHIN, near=0.0))
    found = confirmed(question, question.answer(), rows)
    return [r.renamed(columns) for r in found.relations]


class OfColumns(Generic[A]):
    """An aggregate that sees some columns of X, and no target."""

    def __init__(self, make: Callable[[], A], columns: Sequence[int]) -> None:
        self.aggregate, self._columns = make(), list(columns)

    def add(self, block: Block) -> None:
        """Add rows."""
        X = block.X[:, self._columns]
        self.aggregate.add(Block(X, np.zeros((len(X), 1)), block.weights))

    def merge(self, other: "OfColumns[A]") -> None:
        """Add the rows of another part."""
        self.aggregate.merge(other.aggregate)

    def finish(self) -> Any:
        """Return the result."""
        return self.aggregate.finish()


class Grains:
    """The coarsest steps of each of some columns and, if asked, exact totals."""

    def __init__(self, n: int, summed: bool) -> None:
        self._grains = [Grain() for _ in range(n)]
        self._sums = ExactSums() if summed else None

    def add(self, block: Block) -> None:
        """Add rows."""
        for grain, x in zip(self._grains, block.X.T, strict=True):
            grain.add(x)
        if self._sums is not None:
            self._sums.add(block)

    def merge(self, other: "Grains") -> None:
        """Add the rows of another part."""
        for mine, theirs in zip(self._grains, other._grains, strict=True):
            mine.merge(theirs)
        if self._sums is not None and other._sums is not None:
            self._sums.merge(other._sums)

    def finish(self) -> tuple[list[Grain], Totals | None]:
        """Return both."""
        return self._grains, None if self._sums is None else self._sums.finish()
